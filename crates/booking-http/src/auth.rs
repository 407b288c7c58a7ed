//! Authentication: tokens of organizers, tokens of registrations, and the extractors that read them.

pub(crate) mod callers;
pub(crate) mod grant;
pub(crate) mod manage_token;
pub(crate) mod token_cache;
