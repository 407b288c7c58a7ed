//! The texts for people, in their language: the language of a request, and the server's part of the catalogues in
//! `static/i18n`, of which the pages that are rendered here take their texts as the modules do. Mails have
//! templates for each language in `booking-delivery`.

mod accept_language;
mod catalogue;
mod page_language;
mod template;

pub(crate) use accept_language::{wanted_language, weight_of};
pub(crate) use catalogue::{counted, detail, grouped, text, title};
pub(crate) use page_language::{cookie_of, language_of_page, named};
