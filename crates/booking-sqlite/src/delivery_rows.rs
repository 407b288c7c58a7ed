//! Columns of the delivery tables, to and from the types of the domain.

use crate::errors::Failure;
use crate::rows::{
    broken, column, count, event_id, optional_text, optional_time, optional_version, text, time,
    uuid, version,
};
use booking_core::{
    Delivery, DeliveryState, DueLane, Endpoint, EndpointSecret, EndpointUrl, FactSource, Lane,
    Mail, MailKind, NewMail, RecordedFact, SinkBacklog, SinkId, TypeFilter, WebhookType,
    WhyDisabled,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use uuid::Uuid;

/// An endpoint from a row with the columns of `endpoint/find` or `endpoint/list`.
pub(crate) fn endpoint(row: &Row<'_>) -> Result<Endpoint, Failure> {
    let organizer_id = uuid(row, 1, "webhook_endpoints.organizer_id")?;
    let event_id: Option<[u8; 16]> = column(row, 2, "webhook_endpoints.event_id")?;
    let types: Option<String> = column(row, 4, "webhook_endpoints.types")?;
    let former: Option<[u8; 32]> = column(row, 7, "webhook_endpoints.former_secret")?;
    let until = optional_time(row, 8, "webhook_endpoints.former_secret_until")?;
    let disabled_at = optional_time(row, 9, "webhook_endpoints.disabled_at")?;
    let why = optional_text(row, 10, "webhook_endpoints.disabled_why", |name| {
        WhyDisabled::from_name(name).ok_or_else(|| format!("{name:?} is not a reason"))
    })?;
    Ok(Endpoint {
        id: uuid(row, 0, "webhook_endpoints.id")?.into(),
        organizer_id: (!organizer_id.is_nil()).then(|| organizer_id.into()),
        event_id: event_id.map(|id| Uuid::from_bytes(id).into()),
        url: text(row, 3, "webhook_endpoints.url", EndpointUrl::parse_stored)?,
        types: TypeFilter::parse_stored(types.as_deref())
            .map_err(broken("webhook_endpoints.types"))?,
        includes_person: column(row, 5, "webhook_endpoints.includes_person")?,
        secret: EndpointSecret::new(column(row, 6, "webhook_endpoints.secret")?),
        former_secret: former.map(EndpointSecret::new).zip(until),
        disabled: disabled_at.zip(why),
        failing_since: optional_time(row, 11, "webhook_endpoints.failing_since")?,
        created_at: time(row, 12, "webhook_endpoints.created_at")?,
    })
}

/// A lane from a row with the columns of `lane/due`.
pub(crate) fn lane(row: &Row<'_>) -> Result<Lane, Failure> {
    Ok(Lane {
        event_id: event_id(row, 0)?,
        sink: uuid(row, 1, "delivery_lanes.sink_id")?.into(),
        version: version(row, 2, "delivery_lanes.version")?,
        position: optional_version(row, 3, "delivery_lanes.position")?,
        target: version(row, 4, "delivery_lanes.target")?,
        attempts: count(row, 5, "delivery_lanes.attempts")?,
    })
}

/// The same, and since when it has been due.
pub(crate) fn due_lane(row: &Row<'_>) -> Result<DueLane, Failure> {
    let Lane { event_id, sink, .. } = lane(row)?;
    Ok(DueLane { event_id, sink, due_at: time(row, 6, "delivery_lanes.due_at")? })
}

/// The facts of a row with the columns of `fact/after`: those that are stored in it, or what a registration says if none
/// made its version.
pub(crate) fn facts(row: &Row<'_>) -> Result<FactSource, Failure> {
    let first = version(row, 0, "facts.version_first")?;
    let recorded_at = time(row, 1, "facts.recorded_at")?;
    if row.get_ref(2)? == ValueRef::Null {
        let seat =
            RecordedFact::of_seat(first, recorded_at, uuid(row, 3, "registrations.id")?.into());
        return Ok(FactSource::Seat(seat));
    }
    let facts = text(row, 2, "facts.body", |json| serde_json::from_str(json))?;
    Ok(FactSource::stored(first, recorded_at, facts))
}

/// A message from a row with the columns of `delivery/find` or `delivery/list`.
pub(crate) fn delivery(row: &Row<'_>) -> Result<Delivery, Failure> {
    Ok(Delivery {
        endpoint_id: uuid(row, 0, "deliveries.endpoint_id")?.into(),
        event_id: event_id(row, 1)?,
        version: version(row, 2, "deliveries.version")?,
        kind: text(row, 3, "deliveries.kind", |name| {
            WebhookType::from_name(name).ok_or_else(|| format!("{name:?} is not a type"))
        })?,
        state: text(row, 4, "deliveries.state", |name| {
            DeliveryState::from_name(name).ok_or_else(|| format!("{name:?} is not a state"))
        })?,
        attempts: count(row, 5, "deliveries.attempts")?,
        tried_at: time(row, 6, "deliveries.tried_at")?,
        status: column(row, 7, "deliveries.status")?,
        failure: column(row, 8, "deliveries.failure")?,
    })
}

/// A mail from a row with the columns of `mail/due`.
pub(crate) fn mail(row: &Row<'_>) -> Result<Mail, Failure> {
    let mail = NewMail {
        event_id: event_id(row, 0)?,
        id: uuid(row, 1, "mails.id")?.into(),
        registration_id: uuid(row, 2, "mails.registration_id")?.into(),
        kind: text(row, 3, "mails.kind", |name| {
            MailKind::from_name(name).ok_or_else(|| format!("{name:?} is not a kind"))
        })?,
        version: version(row, 4, "mails.version")?,
    };
    let attempts = count(row, 5, "mails.attempts")?;
    Ok(Mail { mail, attempts, made_at: time(row, 6, "mails.made_at")? })
}

/// The backlog of `sink`, from a row with the columns of `lane/backlog`.
pub(crate) fn sink_backlog(sink: SinkId, row: &Row<'_>) -> Result<SinkBacklog, Failure> {
    Ok(SinkBacklog {
        sink,
        lanes: counted(row, 0)?,
        failing: counted(row, 1)?,
        oldest: optional_time(row, 2, "facts.recorded_at")?,
    })
}

/// A column that was counted, and so is not negative.
pub(crate) fn counted(row: &Row<'_>, index: usize) -> Result<u64, Failure> {
    column(row, index, "count(*)").map(i64::unsigned_abs)
}
