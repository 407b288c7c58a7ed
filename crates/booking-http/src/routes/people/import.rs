//! The import of people into an event from a table.

use crate::api::people::{self, Import, ImportBody, ImportCounts, Row, RowBody, Verdict};
use crate::auth::callers::OrganizerAuth;
use crate::auth::manage_token::Origin;
use crate::extract::idempotency_key::{of_file, part};
use crate::extract::path::PathId;
use crate::extract::upload::{Upload, UploadTurn};
use crate::problem::ApiError;
use crate::problem::shape::Shape;
use crate::routes::Answer;
use crate::routes::responses::{split_replay, unexpected_outcome};
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, Data};
use booking_admission::SubmitError;
use booking_core::{
    Caller, Claim, Command, Event, EventCommand, EventId, EventStatus, IdempotencyKey, Outcome,
    Person, Refusal, Register, RegistrationId,
};
use chrono::Utc;
use futures_util::future::try_join_all;
use futures_util::stream::try_unfold;
use std::time::Duration;
use uuid::Uuid;

/// How many rows are decided together, and reported together.
const ROWS_AT_ONCE: usize = 64;
/// How often a row is submitted again to a full queue, and how long to wait before that.
const TRIES: usize = 60;
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// `POST /events/{id}/registrations/import`
pub(in crate::routes) async fn import(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    import: Import,
    upload: Upload,
) -> Answer {
    service.reads.check_manages(caller, event_id).await?;
    let event = service.store.event(event_id).await?.ok_or(ApiError::NotFound)?;
    let Upload { text, digest, turn } = upload;
    let questions = service.store.questions(event_id).await?.ok_or(ApiError::NotFound)?;
    let rows = people::read(&text, &questions)?;
    drop(text);
    let people = People {
        registrar: Registrar { service, caller, event_id, key: of_file(caller, event_id, digest) },
        left: (!import.applies).then(|| Left::of(&event)),
        rows,
        done: 0,
        counts: ImportCounts::default(),
        is_over: false,
        _turn: turn,
    };
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::json());
    Ok(response.streaming(try_unfold(people, People::some)))
}

/// A table that is being brought in.
struct People {
    registrar: Registrar,
    /// The free places, in a dry run.
    left: Option<Left>,
    rows: Vec<Row>,
    done: usize,
    counts: ImportCounts,
    is_over: bool,
    _turn: UploadTurn,
}

/// The result of a row.
struct Became {
    verdict: Verdict,
    registration_id: Option<RegistrationId>,
    code: Option<&'static str>,
    detail: Option<String>,
}

impl From<Verdict> for Became {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, registration_id: None, code: None, detail: None }
    }
}

impl From<Refusal> for Became {
    fn from(refusal: Refusal) -> Self {
        let detail = Some(refusal.to_string());
        let code = Some(Shape::of(&ApiError::from(refusal)).code);
        Self { code, detail, ..Self::from(Verdict::Refused) }
    }
}

impl People {
    /// Some more rows of the answer. One that cannot be decided closes the connection: the client sends the same
    /// table again then.
    async fn some(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        let first = self.done;
        let last = self.rows.len().min(first + ROWS_AT_ONCE);
        let mut text = match first {
            0 => ImportBody::begin(self.left.is_some()),
            _ => String::new(),
        };
        let rows = &self.rows[first..last];
        let became = match &mut self.left {
            Some(left) => self.registrar.try_out(rows, left).await?,
            None => self.registrar.register(rows, first).await?,
        };
        for (row, became) in rows.iter().zip(became) {
            let Became { verdict, registration_id, code, detail } = became;
            self.counts.add(verdict);
            let user_email = row.person.as_ref().ok().map(|person| &person.user_email);
            let line = row.line;
            let body = RowBody { line, verdict, user_email, registration_id, code, detail };
            // Each row but the very first has a comma before it.
            if !text.ends_with('[') {
                text.push(',');
            }
            // Texts and numbers by names: JSON holds them.
            text.push_str(&serde_json::to_string(&body).unwrap_or_default());
        }
        self.done = last;
        if last == self.rows.len() {
            text.push_str(&ImportBody::end(&self.counts));
            self.is_over = true;
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

/// Registers the people of a table.
struct Registrar {
    service: Data<Service>,
    caller: Caller,
    event_id: EventId,
    /// Of the table.
    key: IdempotencyKey,
}

impl Registrar {
    /// Registers the people in `rows`, of which the first is row `first` of the table, one after the other.
    async fn register(&self, rows: &[Row], first: usize) -> Result<Vec<Became>, ApiError> {
        let decided = rows.iter().zip(first..).map(|(row, position)| async move {
            match &row.person {
                Ok(person) => self.register_one(person, position).await,
                Err(why) => Ok(Became::not(why)),
            }
        });
        try_join_all(decided).await
    }

    async fn register_one(&self, person: &Person, position: usize) -> Result<Became, ApiError> {
        let registration_id = RegistrationId::beside(self.event_id, Uuid::now_v7());
        let token = self.service.tickets.issue(Origin::Made(registration_id));
        let (person, token_hash) = (person.clone(), Some(token.hash));
        let claim = Claim { registration_id, person, token_hash };
        let register = Register { as_organizer: true, ..Register::from(claim) };
        let item = EventCommand::new(self.event_id, self.caller, Command::Register(register));
        let keyed = item.clone().with_key(Some(part(self.key, position)));
        let outcome = match split_replay(self.submit(keyed).await?) {
            // There may be a seat by now.
            (Outcome::Refused(_), true) => self.submit(item).await?,
            (Outcome::Confirmed(registration), true) => {
                let registration_id = Some(registration.id);
                return Ok(Became { registration_id, ..Verdict::AlreadyRegistered.into() });
            }
            (outcome, _) => outcome,
        };
        match outcome {
            Outcome::Confirmed(registration) => {
                let registration_id = Some(registration.id);
                Ok(Became { registration_id, ..Verdict::Registered.into() })
            }
            Outcome::Refused(Refusal::AlreadyRegistered) => Ok(Verdict::AlreadyRegistered.into()),
            Outcome::Refused(refusal) => Ok(refusal.into()),
            _ => Err(unexpected_outcome()),
        }
    }

    /// Executes a command, and waits for room in the queue, which others share.
    async fn submit(&self, item: EventCommand) -> Result<Outcome, ApiError> {
        for _ in 1..TRIES {
            match self.service.submit(item.clone()).await {
                Err(SubmitError::Overloaded) => sleep(TRY_AGAIN).await,
                outcome => return Ok(outcome?),
            }
        }
        Ok(self.service.submit(item).await?)
    }

    /// The likely results of `rows`.
    async fn try_out(&self, rows: &[Row], left: &mut Left) -> Result<Vec<Became>, ApiError> {
        let people = rows.iter().filter_map(|row| row.person.as_ref().ok());
        let addresses: Vec<_> = people.map(|person| person.user_email.clone()).collect();
        let known = self.service.store.registrations_by_address(self.event_id, &addresses).await?;
        let mut known = known.ok_or(ApiError::NotFound)?.into_iter();
        let would_become = rows.iter().map(|row| match &row.person {
            Err(why) => Became::not(why),
            Ok(_) => match known.next().flatten() {
                Some(registration) => {
                    let registration_id = Some(registration.id);
                    Became { registration_id, ..Verdict::AlreadyRegistered.into() }
                }
                None => left.take(),
            },
        });
        Ok(would_become.collect())
    }
}

impl Became {
    fn not((verdict, why): &(Verdict, String)) -> Self {
        Self { detail: Some(why.clone()), ..Self::from(*verdict) }
    }
}

/// The free places of an event.
struct Left {
    seats: u32,
    is_closed: bool,
}

impl Left {
    fn of(event: &Event) -> Self {
        // Free seats go to those who wait.
        let free = event.capacity.get().saturating_sub(event.booked_count);
        let seats = if event.waitlist_count == 0 { free } else { 0 };
        let is_over = event.details.times().is_over(Utc::now());
        Self { seats, is_closed: is_over || event.rules.status == EventStatus::Cancelled }
    }

    /// The result of the next registration.
    fn take(&mut self) -> Became {
        if self.is_closed {
            return Refusal::Closed.into();
        }
        match self.seats.checked_sub(1) {
            Some(seats) => {
                self.seats = seats;
                Verdict::Registered.into()
            }
            None => Refusal::SoldOut.into(),
        }
    }
}
