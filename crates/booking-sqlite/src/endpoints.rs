//! Webhook endpoints, and the log of what was sent to them.

use crate::errors::Failure;
use crate::queries::one_more_than;
use crate::rows::stored;
use crate::transaction::{Work, one_row};
use crate::{delivery_rows, sql};
use booking_core::{
    Clock, Delivery, DeliveryCursor, ENDPOINTS_MAX, Endpoint, EndpointChange, EndpointId,
    EndpointSecret, EndpointUrl, EventId, FORMER_SECRET_KEPT, NewEndpoint, OrganizerId, Page,
    PageLimit, TypeFilter, Version, WhyDisabled,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// All of them, oldest first.
pub(crate) fn list(connection: &Connection) -> Result<Vec<Endpoint>, Failure> {
    let mut list = connection.prepare_cached(sql::ENDPOINT_LIST)?;
    let endpoints = list.query_and_then([], delivery_rows::endpoint)?;
    endpoints.collect()
}

pub(crate) fn find(connection: &Connection, id: EndpointId) -> Result<Option<Endpoint>, Failure> {
    let mut find = connection.prepare_cached(sql::ENDPOINT_FIND)?;
    let mut found = find.query([id.as_uuid().as_bytes()])?;
    found.next()?.map(delivery_rows::endpoint).transpose()
}

/// Stores an endpoint, or finds the one that has its id. `None` if its organizer has too many.
pub(crate) fn create(
    connection: &Connection,
    new: &NewEndpoint,
    clock: &Clock,
) -> Result<Work<Option<Endpoint>>, Failure> {
    if let Some(endpoint) = find(connection, new.id)? {
        return Ok(Work::Unchanged(Some(endpoint)));
    }
    let organizer_id = new.organizer_id.map_or(Uuid::nil(), OrganizerId::as_uuid);
    let mut count = connection.prepare_cached(sql::ENDPOINT_COUNT)?;
    let endpoints: i64 = count.query_row([organizer_id.as_bytes()], |row| row.get(0))?;
    if endpoints >= ENDPOINTS_MAX as i64 {
        return Ok(Work::Unchanged(None));
    }
    let rows = connection.prepare_cached(sql::ENDPOINT_INSERT)?.execute(params![
        new.id.as_uuid().as_bytes(),
        organizer_id.as_bytes(),
        new.event_id.map(|id| id.as_uuid().into_bytes()),
        new.url.as_str(),
        new.types.to_stored(),
        new.includes_person,
        new.secret.as_bytes(),
        clock().timestamp_micros(),
    ])?;
    one_row("endpoint/insert", rows)?;
    Ok(Work::Changed(find(connection, new.id)?))
}

/// Changes an endpoint's fields. Repeating it changes nothing.
pub(crate) fn change(
    connection: &Connection,
    id: EndpointId,
    change: &EndpointChange,
    clock: &Clock,
) -> Result<Work<Option<Endpoint>>, Failure> {
    let EndpointChange { url, types, includes_person, secret, enabled } = change;
    let now = clock();
    let rows = connection.prepare_cached(sql::ENDPOINT_CHANGE)?.execute(params![
        id.as_uuid().as_bytes(),
        url.as_ref().map(EndpointUrl::as_str),
        types.is_some(),
        types.as_ref().and_then(TypeFilter::to_stored),
        includes_person,
        secret.as_ref().map(EndpointSecret::as_bytes),
        (now + FORMER_SECRET_KEPT).timestamp_micros(),
        enabled.map(|enabled| enabled.is_ok()),
        enabled.and_then(Result::err).map(WhyDisabled::as_str),
        now.timestamp_micros(),
    ])?;
    let endpoint = find(connection, id)?;
    Ok(if rows == 1 { Work::Changed(endpoint) } else { Work::Unchanged(endpoint) })
}

/// Records since when an endpoint fails, or that it does not.
pub(crate) fn note(
    connection: &Connection,
    id: EndpointId,
    goes_well: bool,
    clock: &Clock,
) -> Result<Work<()>, Failure> {
    let noted = connection.prepare_cached(sql::ENDPOINT_NOTE)?.execute(params![
        id.as_uuid().as_bytes(),
        goes_well,
        clock().timestamp_micros(),
    ])?;
    Ok(if noted == 0 { Work::Unchanged(()) } else { Work::Changed(()) })
}

/// Deletes an endpoint alone. Its rows are deleted in steps.
pub(crate) fn delete(connection: &Connection, id: EndpointId) -> Result<Work<()>, Failure> {
    let mut delete = connection.prepare_cached(sql::ENDPOINT_DELETE)?;
    let deleted = delete.execute([id.as_uuid().as_bytes()])?;
    Ok(if deleted == 0 { Work::Unchanged(()) } else { Work::Changed(()) })
}

/// An endpoint's log, latest try first.
pub(crate) fn list_deliveries(
    connection: &Connection,
    id: EndpointId,
    after: Option<DeliveryCursor>,
    limit: PageLimit,
) -> Result<Page<Delivery, DeliveryCursor>, Failure> {
    // The latest possible cursor comes before every row.
    let (tried_at, event_id, version) = after.map_or((i64::MAX, Uuid::max(), i64::MAX), |cursor| {
        (cursor.tried_at.timestamp_micros(), cursor.event_id.as_uuid(), stored(cursor.version))
    });
    let id = id.as_uuid();
    let mut list = connection.prepare_cached(sql::DELIVERY_LIST)?;
    let parameters =
        params![id.as_bytes(), tried_at, event_id.as_bytes(), version, one_more_than(limit)];
    let listed = list.query_and_then(parameters, delivery_rows::delivery)?;
    Ok(Page::new(listed.collect::<Result<_, _>>()?, limit))
}

pub(crate) fn find_delivery(
    connection: &Connection,
    id: EndpointId,
    event_id: EventId,
    version: Version,
) -> Result<Option<Delivery>, Failure> {
    let (id, event_id) = (id.as_uuid(), event_id.as_uuid());
    let mut find = connection.prepare_cached(sql::DELIVERY_FIND)?;
    let mut found = find.query(params![event_id.as_bytes(), id.as_bytes(), stored(version)])?;
    found.next()?.map(delivery_rows::delivery).transpose()
}

/// Stores a delivery attempt made at `now`.
pub(crate) fn upsert_delivery(
    connection: &Connection,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let rows = connection.prepare_cached(sql::DELIVERY_UPSERT)?.execute(params![
        delivery.event_id.as_uuid().as_bytes(),
        delivery.endpoint_id.as_uuid().as_bytes(),
        stored(delivery.version),
        delivery.kind.as_str(),
        delivery.state.as_str(),
        delivery.attempts,
        now.timestamp_micros(),
        delivery.status,
        delivery.failure,
    ])?;
    one_row("delivery/upsert", rows)
}

/// Overwrites an entry of the log.
pub(crate) fn note_delivery(
    connection: &Connection,
    delivery: &Delivery,
    clock: &Clock,
) -> Result<Work<()>, Failure> {
    let Delivery { endpoint_id, event_id, version, .. } = *delivery;
    if find_delivery(connection, endpoint_id, event_id, version)?.is_none() {
        return Ok(Work::Unchanged(()));
    }
    upsert_delivery(connection, delivery, clock())?;
    Ok(Work::Changed(()))
}
