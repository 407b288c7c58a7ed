//! The pages that the server renders itself: readable before a script has run, and where none does.
//!
//! The modules in `static/js` render the same, from the same event, in the same words.
//!
//! | to find | look in |
//! | --- | --- |
//! | what pages load, and how it is made of `static` | `bundles` |
//! | the templates, and what escapes what is put into them | `engine` |
//! | what every page has: its head, its policy | `frame` |
//! | a description as HTML | `description` |
//! | an event, whether it takes registrations, and what search engines are told of it | `event`, `linked_data` |
//! | what is to come | `list` |
//! | what came of a registration | `outcome` |

pub(crate) mod bundles;
pub(crate) mod description;
pub(crate) mod engine;
pub(crate) mod event;
pub(crate) mod frame;
mod linked_data;
pub(crate) mod list;
pub(crate) mod outcome;
pub(crate) mod questions;
