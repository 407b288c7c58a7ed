//! People of an event as a table.

use super::{IF_NONE_MATCH, not_modified};
use crate::api::csv;
use crate::api::openapi::document::REGISTRATIONS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::people::{Export, Import, ImportBody};
use crate::extract::upload;
use crate::problem::shape;
use actix_web::http::StatusCode;

pub(in crate::routes) fn export() -> Operation {
    let table = "All that ever were, oldest first, with what became of them. Columns keep their order; \
        each question is one behind them, `answer:` and its key, and there may be more later. What a spreadsheet would run has an apostrophe before it";
    Operation::new("export_registrations", REGISTRATIONS, "Registrations as a table (RFC 4180)")
        .auth(Auth::Organizer)
        .queries(Export::described())
        .header(IF_NONE_MATCH.0, IF_NONE_MATCH.1)
        .answers(Answer::text(StatusCode::OK, table, csv::CONTENT_TYPE).with("ETag"))
        .answers(not_modified())
        .refuses(&[shape::OVERLOADED])
}

pub(in crate::routes) fn import() -> Operation {
    let description = "What becomes of each row, in their order, as it is decided: an answer that ends early is asked for \
        again";
    Operation::new("import_registrations", REGISTRATIONS, "Registers the people of a table")
        .described(
            "Its first row names the columns: `user_email` or `email`, `name`, and those of a table that was taken \
             along, of which only confirmed ones are registered, with their answers. Each row is registered by itself, in the organizer's \
             name, and mailed as any other. Sent again, the same table changes nothing. Without `apply` nobody is \
             registered.",
        )
        .auth(Auth::Organizer)
        .stores_no_answer()
        .queries(Import::described())
        .takes_text(upload::CSV, "user_email,name\r\nada@example.org,Ada Lovelace\r\n")
        .answers(Answer::json::<ImportBody>(StatusCode::OK, description))
}
