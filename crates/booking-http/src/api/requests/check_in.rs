//! What scanners at the door send.

use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, text, trim};
use crate::extract::json::Json;
use booking_core::{CapacityMax, parse_device_time};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The most scans that are told at once. So many, with room to spare, are in the longest body.
pub(crate) const SCANS_MAX: usize = 50;

/// The body of `POST /events/{id}/check-ins`.
pub(crate) struct CheckIn {
    pub(crate) ticket: String,
}

impl FromBody for CheckIn {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        Some(Self { ticket: ticket(fields)? })
    }
}

/// The body of `POST /events/{id}/check-ins/batch`.
pub(crate) struct CheckInBatch {
    pub(crate) scans: Vec<Scan>,
}

/// A ticket that was scanned, without a network perhaps.
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
            let ticket = ticket(fields);
            let scanned_at = fields.required("scanned_at", text(parse_device_time));
            Some(Scan { id: id?, ticket: ticket?, scanned_at: scanned_at? })
        });
        Some(Self { scans: scans? })
    }
}

fn ticket(fields: &mut Fields<'_>) -> Option<String> {
    // What is no ticket is refused by name later, as every other that does not let anybody in.
    fields.required("ticket", text(|text| Ok(trim(text).to_owned())))
}

fn uuid(value: &Json<'_>) -> Result<Uuid, &'static str> {
    let id = match value {
        Json::Text(text) => Uuid::try_parse(trim(text)).ok(),
        _ => None,
    };
    id.ok_or("must be a UUID")
}
