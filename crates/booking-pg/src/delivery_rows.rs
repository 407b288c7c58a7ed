//! From rows of the delivery tables to the domain's types. Columns are read by their position in the
//! statement.

use crate::error::PgError;
use crate::rows::{bytes32, count, event_id, in_column, registration_id, unreadable, version};
use booking_core::{
    Delivery, DeliveryState, DueLane, Endpoint, EndpointSecret, EndpointUrl, EventId, FactSource,
    Lane, Mail, MailKind, NewMail, RecordedFact, SinkBacklog, TypeFilter, WebhookType, WhyDisabled,
};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// A row of `endpoint/find` or `endpoint/list`.
pub(crate) fn endpoint(row: &Row) -> Result<Endpoint, PgError> {
    let organizer_id = row.get::<_, Uuid>(1);
    let secret = |column, stored| bytes32(column, stored).map(EndpointSecret::new);
    let former = Option::zip(row.get::<_, Option<&[u8]>>(7), row.get(8));
    let former = former.map(|(stored, until): (_, DateTime<Utc>)| {
        secret("former_secret", stored).map(|secret| (secret, until))
    });
    let disabled = Option::zip(row.get(9), row.get::<_, Option<&str>>(10));
    let disabled = disabled.map(|(since, why): (DateTime<Utc>, _)| {
        let why = WhyDisabled::from_name(why);
        why.map(|why| (since, why)).ok_or(PgError::Unreadable { column: "disabled_why" })
    });
    Ok(Endpoint {
        id: row.get::<_, Uuid>(0).into(),
        organizer_id: (!organizer_id.is_nil()).then(|| organizer_id.into()),
        event_id: row.get::<_, Option<Uuid>>(2).map(EventId::from),
        url: EndpointUrl::parse_stored(row.get(3)).map_err(in_column("url"))?,
        types: TypeFilter::parse_stored(row.get(4)).map_err(in_column("types"))?,
        includes_person: row.get(5),
        secret: secret("secret", row.get(6))?,
        former_secret: former.transpose()?,
        disabled: disabled.transpose()?,
        failing_since: row.get(11),
        created_at: row.get(12),
    })
}

/// A row of `lane/claim`.
pub(crate) fn lane(row: &Row) -> Result<Lane, PgError> {
    let position = row.get::<_, Option<i64>>(3).map(|stored| version("position", stored));
    Ok(Lane {
        event_id: event_id(row, 0),
        sink: row.get::<_, Uuid>(1).into(),
        version: version("version", row.get(2))?,
        position: position.transpose()?,
        target: version("target", row.get(4))?,
        attempts: count("attempts", row.get(5))?,
    })
}

/// A row of `lane/due`.
pub(crate) fn due_lane(row: &Row) -> DueLane {
    DueLane { event_id: event_id(row, 0), sink: row.get::<_, Uuid>(1).into(), due_at: row.get(2) }
}

/// The facts of a row of `fact/after`: those that are stored in it, or what a registration says if none made its version.
pub(crate) fn facts(row: &Row) -> Result<FactSource, PgError> {
    let first = version("version_first", row.get(0))?;
    let recorded_at = row.get(1);
    let Some(body) = row.get::<_, Option<&str>>(2) else {
        let seat = RecordedFact::of_seat(first, recorded_at, registration_id(row, 3));
        return Ok(FactSource::Seat(seat));
    };
    let facts = serde_json::from_str(body).map_err(unreadable("body"))?;
    Ok(FactSource::stored(first, recorded_at, facts))
}

/// A row of `delivery/find` or `delivery/list`.
pub(crate) fn delivery(row: &Row) -> Result<Delivery, PgError> {
    let kind = WebhookType::from_name(row.get(3));
    let state = DeliveryState::from_name(row.get(4));
    let status = row.get::<_, Option<i32>>(7).map(u16::try_from);
    Ok(Delivery {
        endpoint_id: row.get::<_, Uuid>(0).into(),
        event_id: event_id(row, 1),
        version: version("version", row.get(2))?,
        kind: kind.ok_or(PgError::Unreadable { column: "kind" })?,
        state: state.ok_or(PgError::Unreadable { column: "state" })?,
        attempts: count("attempts", row.get(5))?,
        tried_at: row.get(6),
        status: status.transpose().map_err(unreadable("status"))?,
        failure: row.get(8),
    })
}

/// A row of `mail/claim`.
pub(crate) fn mail(row: &Row) -> Result<Mail, PgError> {
    let kind = MailKind::from_name(row.get(3));
    let mail = NewMail {
        event_id: event_id(row, 0),
        id: row.get::<_, Uuid>(1).into(),
        registration_id: registration_id(row, 2),
        kind: kind.ok_or(PgError::Unreadable { column: "kind" })?,
        version: version("version", row.get(4))?,
    };
    Ok(Mail { mail, attempts: count("attempts", row.get(5))?, made_at: row.get(6) })
}

/// A row of `lane/backlog`.
pub(crate) fn sink_backlog(row: &Row) -> SinkBacklog {
    SinkBacklog {
        sink: row.get::<_, Uuid>(0).into(),
        // They are counts.
        lanes: row.get::<_, i64>(1).unsigned_abs(),
        failing: row.get::<_, i64>(2).unsigned_abs(),
        oldest: row.get(3),
    }
}
