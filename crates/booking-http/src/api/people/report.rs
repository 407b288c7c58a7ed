//! The report of an import: the result of each row, as clients see it.

use crate::api::openapi::schemas::{boolean, words};
use booking_core::{EmailAddress, RegistrationId};
use serde::Serialize;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The result of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Registered,
    AlreadyRegistered,
    Duplicate,
    Skipped,
    Invalid,
    Refused,
}

impl Verdict {
    const ALL: [Self; 6] = [
        Self::Registered,
        Self::AlreadyRegistered,
        Self::Duplicate,
        Self::Skipped,
        Self::Invalid,
        Self::Refused,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::AlreadyRegistered => "already_registered",
            Self::Duplicate => "duplicate",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
        }
    }
}

/// What became of a row, as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedRow)]
pub(crate) struct RowBody<'a> {
    /// The line that it begins in, from 1 on.
    pub(crate) line: usize,
    #[serde(serialize_with = "as_word")]
    #[schema(schema_with = verdicts)]
    pub(crate) verdict: Verdict,
    /// As it compares; null where there is none.
    #[schema(value_type = Option<String>, required = true)]
    pub(crate) user_email: Option<&'a EmailAddress>,
    /// Of whoever is registered.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub(crate) registration_id: Option<RegistrationId>,
    /// Why it is refused, as a problem would say it.
    #[schema(required = true)]
    pub(crate) code: Option<&'static str>,
    #[schema(required = true)]
    pub(crate) detail: Option<String>,
}

fn as_word<S: serde::Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.as_str())
}

fn verdicts() -> ObjectBuilder {
    words(Verdict::ALL.map(Verdict::as_str))
}

/// How many rows became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportCounts)]
pub(crate) struct ImportCounts {
    registered: u64,
    already_registered: u64,
    duplicate: u64,
    skipped: u64,
    invalid: u64,
    refused: u64,
}

impl ImportCounts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Registered => &mut self.registered,
            Verdict::AlreadyRegistered => &mut self.already_registered,
            Verdict::Duplicate => &mut self.duplicate,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Invalid => &mut self.invalid,
            Verdict::Refused => &mut self.refused,
        } += 1;
    }
}

/// What became of a table: it is written row by row, and never there as a whole.
pub(crate) struct ImportBody;

impl ImportBody {
    /// The start of the report.
    pub(crate) fn begin(is_dry: bool) -> String {
        format!("{{\"dry_run\":{is_dry},\"rows\":[")
    }

    /// The end of the report.
    pub(crate) fn end(counts: &ImportCounts) -> String {
        // Numbers by names: JSON holds them.
        format!("],\"counts\":{}}}", serde_json::to_string(counts).unwrap_or_default())
    }
}

impl PartialSchema for ImportBody {
    fn schema() -> RefOr<Schema> {
        let is_dry = boolean()
            .description(Some("Whether nobody was registered, and it is told what would be"));
        ObjectBuilder::new()
            .property("dry_run", is_dry)
            .required("dry_run")
            .property("rows", ArrayBuilder::new().items(RowBody::schema()))
            .required("rows")
            .property("counts", ImportCounts::schema())
            .required("counts")
            .into()
    }
}

impl ToSchema for ImportBody {}
