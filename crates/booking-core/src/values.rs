//! The types that parse: their values are always valid.

pub(crate) mod agenda;
pub(crate) mod answers;
pub(crate) mod capacity;
pub(crate) mod cell;
pub(crate) mod contact;
pub(crate) mod delivery;
pub(crate) mod email;
pub(crate) mod event;
pub(crate) mod fact;
pub(crate) mod id;
pub(crate) mod mail;
pub(crate) mod organizer;
pub(crate) mod page;
pub(crate) mod person;
pub(crate) mod precondition;
pub(crate) mod question;
pub(crate) mod registration;
pub(crate) mod request_id;
pub(crate) mod search;
pub(crate) mod secret;
pub(crate) mod text;
pub(crate) mod time;
mod unseen;
mod web_url;
pub(crate) mod webhook;
