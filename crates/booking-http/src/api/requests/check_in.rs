//! The bodies of check-ins, from scanners at the door.

use crate::api::openapi::schemas::{instant, object, string, uuid as id};
use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, text, trim};
use crate::extract::json::Json;
use booking_core::{CapacityMax, Invalid, RegistrationId, parse_device_time};
use chrono::{DateTime, Utc};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// The most scans in one request. The longest body has room for so many and to spare.
pub(crate) const SCANS_MAX: usize = 50;

/// The body of `POST /events/{id}/check-ins`: a ticket, or a registration instead.
pub(crate) struct CheckIn {
    pub(crate) ticket: Option<String>,
    pub(crate) registration_id: Option<RegistrationId>,
}

impl FromBody for CheckIn {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let ticket = fields.given("ticket", text(any_ticket));
        let registration_id = fields.given("registration_id", uuid).map(RegistrationId::from);
        if ticket.is_some() && registration_id.is_some() {
            fields.refuse("registration_id", "is not taken beside a ticket");
        }
        Some(Self { ticket, registration_id })
    }
}

impl PartialSchema for CheckIn {
    fn schema() -> RefOr<Schema> {
        let registration = id().description(Some("In place of a ticket: who it is, is known"));
        object().property("ticket", shown()).property("registration_id", registration).into()
    }
}

impl ToSchema for CheckIn {}

/// The body of `POST /events/{id}/check-ins/batch`.
pub(crate) struct CheckInBatch {
    pub(crate) scans: Vec<Scan>,
}

/// A scanned ticket, perhaps from offline.
pub(crate) struct Scan {
    /// Made by the scanner. It names this scan.
    pub(crate) id: Uuid,
    pub(crate) ticket: String,
    pub(crate) scanned_at: DateTime<Utc>,
}

impl FromBody for CheckInBatch {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let scans = fields.objects("scans", 1..=SCANS_MAX, |fields| {
            let id = fields.required("id", uuid);
            let ticket = fields.required("ticket", text(any_ticket));
            let scanned_at = fields.required("scanned_at", text(parse_device_time));
            Some(Scan { id: id?, ticket: ticket?, scanned_at: scanned_at? })
        });
        Some(Self { scans: scans? })
    }
}

impl PartialSchema for CheckInBatch {
    fn schema() -> RefOr<Schema> {
        let scan = object()
            .property("ticket", shown())
            .required("ticket")
            .property("id", id().description(Some("Made by the scanner. It names this scan.")))
            .required("id")
            .property("scanned_at", instant())
            .required("scanned_at");
        let scans =
            ArrayBuilder::new().items(scan).min_items(Some(1)).max_items(Some(SCANS_MAX)).build();
        object().property("scans", scans).required("scans").into()
    }
}

impl ToSchema for CheckInBatch {}

fn shown() -> ObjectBuilder {
    string().description(Some("As it was shown or scanned"))
}

/// A text that is no ticket is reported later as a refused one, like every other that does not let anybody in.
fn any_ticket(text: &str) -> Result<String, Invalid> {
    Ok(trim(text).to_owned())
}

fn uuid(value: &Json<'_>) -> Result<Uuid, &'static str> {
    let id = match value {
        Json::Text(text) => Uuid::try_parse(trim(text)).ok(),
        _ => None,
    };
    id.ok_or("must be a UUID")
}
