//! The description of the API (OpenAPI 3.1): what an operation declares, and the document that is made of all of
//! them. Bodies are described beside their types, and limits are the domain's own.

pub(crate) mod document;
mod messages;
pub(crate) mod operation;
pub(crate) mod schemas;
