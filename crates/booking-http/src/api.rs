//! The API's types: requests, responses, and their formats.

pub(crate) mod agenda;
pub(crate) mod base_path;
pub(crate) mod base_url;
pub(crate) mod compression;
pub(crate) mod csv;
pub(crate) mod live;
pub(crate) mod openapi;
pub(crate) mod pagination;
pub(crate) mod people;
pub(crate) mod qr;
pub(crate) mod requests;
pub(crate) mod responses;
