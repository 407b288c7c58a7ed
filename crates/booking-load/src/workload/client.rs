//! One client of the workload: what it requests next, and its state.

use super::requests::{RequestExtras, ResponseExtras};
use super::{COMMON_MAX, HOURS_EVERY, Mix, Run};
use crate::judge::{Answer, FinalResponse, Hours, Operation, Request, Status, TokenMark};
use chrono::{SubsecRound, TimeDelta};
use std::sync::Arc;
use uuid::Uuid;

/// The most registrations that a client manages; it drops the oldest.
const MINE_MAX: usize = 100;
/// How long holds last: the shortest allowed.
const HOLD_SECONDS: u32 = 60;

/// A registration that a client manages.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    event: usize,
    id: Uuid,
    /// Its holder's address, as last answered.
    user_email: String,
    /// Its token at that time. Whatever invalidates it is one of the things to be tried.
    token: Option<String>,
    /// Its ticket, once fetched. A transfer invalidates it, which is one of the things to be tried.
    ticket: Option<String>,
}

/// One of many clients.
pub(super) struct Client {
    run: Arc<Run>,
    number: u32,
    random: fastrand::Rng,
    mine: Vec<Mine>,
    sent: u64,
    operations: Vec<Operation>,
}

impl Client {
    pub(super) fn new(run: Arc<Run>, number: u32) -> Self {
        let seed = run.options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(number);
        let random = fastrand::Rng::with_seed(seed);
        Self { run, number, random, mine: Vec::new(), sent: 0, operations: Vec::new() }
    }

    pub(super) async fn work(mut self) -> Vec<Operation> {
        while let Some(number) = self.run.next() {
            self.run.due(number).await;
            match self.run.cancelled_by(number) {
                Some(event) => {
                    drop(self.ask(event, Request::CancelEvent, RequestExtras::default()).await);
                }
                None => match self.run.options.mix {
                    Mix::Everything => self.step().await,
                    Mix::Sale => self.sell().await,
                },
            }
        }
        self.operations
    }

    /// One request of a sale. One in ten is about a registration of the client, if it has one.
    async fn sell(&mut self) {
        let acts = self.random.u8(..100);
        if acts >= 90 && !self.mine.is_empty() {
            let at = self.random.usize(..self.mine.len());
            let Mine { event, id, .. } = self.mine.swap_remove(at);
            let request = if acts < 95 { Request::Confirm { id } } else { Request::Cancel { id } };
            return drop(self.ask(event, request, RequestExtras::default()).await);
        }
        let event = self.any_event();
        let user_email = format!("s{}-{}.e{event}@load.example", self.number, self.sent);
        let request = match acts {
            0..8 => Request::Hold { user_email, ttl_seconds: HOLD_SECONDS },
            _ => Request::Register { user_email, waits: false },
        };
        self.send_claim(event, request).await;
    }

    /// One request of any kind.
    async fn step(&mut self) {
        if self.random.f64() < self.run.options.cancel_share
            && let Some(at) = self.choose()
        {
            // Once in ten times it is tried again later.
            let mine = match self.random.u8(..10) {
                0 => self.mine[at].clone(),
                _ => self.mine.swap_remove(at),
            };
            let cancel = Request::Cancel { id: mine.id };
            return drop(self.ask(mine.event, cancel, RequestExtras::default()).await);
        }
        match self.random.u8(..100) {
            0..10 => return self.read().await,
            10 => return self.edit().await,
            11..13 => return self.repeat().await,
            13..15 => return self.move_hours().await,
            15..47 => {
                if let Some(at) = self.choose() {
                    return self.act(at).await;
                }
            }
            _ => {}
        }
        self.request_seat().await;
    }

    /// Requests a seat.
    async fn request_seat(&mut self) {
        let event = self.any_event();
        let user_email = self.any_email(event);
        let request = match self.random.u8(..4) {
            0 => Request::Hold { user_email, ttl_seconds: HOLD_SECONDS },
            other => Request::Register { user_email, waits: other == 1 },
        };
        self.send_claim(event, request).await;
    }

    /// Sends such a request, and stores what it got.
    async fn send_claim(&mut self, event: usize, request: Request) {
        let Some((decided, extras)) = self.ask(event, request, RequestExtras::default()).await
        else {
            return;
        };
        if let Some(shown) = decided.registration {
            let (user_email, token) = (shown.user_email, extras.manage_token);
            let mine = Mine { event, id: shown.id, user_email, token, ticket: None };
            if shown.status != Status::Confirmed || self.random.bool() {
                self.run.common(|common| match common.len() {
                    COMMON_MAX.. => common[fastrand::usize(..COMMON_MAX)] = mine.clone(),
                    _ => common.push(mine.clone()),
                });
            }
            self.mine.push(mine);
            if self.mine.len() > MINE_MAX {
                self.mine.remove(0);
            }
        }
    }

    /// Sends a request about one of its registrations.
    async fn act(&mut self, at: usize) {
        let Mine { event, id, .. } = self.mine[at];
        let request = match self.random.u8(..20) {
            0..7 => Request::Confirm { id },
            7..10 => self.transfer(at),
            10 => Request::UndoCheckIn { id },
            11..14 => return self.correct(at).await,
            14 => Request::RenewLink { id },
            15..17 => return self.visit(at).await,
            _ => return self.check_in(at).await,
        };
        let Some((decided, extras)) = self.ask(event, request, RequestExtras::default()).await
        else {
            return;
        };
        self.store_answer(at, decided, extras);
    }

    /// To another person; now and then to the present holder under another name, which is a correction.
    fn transfer(&mut self, at: usize) -> Request {
        let Mine { event, id, user_email, .. } = self.mine[at].clone();
        let name = self.random.bool().then(|| self.any_name());
        match name {
            Some(name) if self.random.bool() => {
                Request::Transfer { id, user_email, name: Some(name) }
            }
            name => Request::Transfer { id, user_email: self.any_email(event), name },
        }
    }

    /// Corrects a name, as its holder or as the organizer, or an address.
    async fn correct(&mut self, at: usize) {
        let Mine { event, id, token, .. } = self.mine[at].clone();
        let name = self.any_name();
        let (user_email, token) = match self.random.u8(..3) {
            0 => (Some(self.any_email(event)), None),
            1 => (None, token),
            _ => (None, None),
        };
        let mark = token.as_deref().map(TokenMark::of);
        let request = Request::Correct { id, name, user_email, token: mark };
        let showing = RequestExtras { token: token.as_deref(), ..RequestExtras::default() };
        if let Some((decided, extras)) = self.ask(event, request, showing).await {
            self.store_answer(at, decided, extras);
        }
    }

    /// Stores what an answer contained. Now and then its holder misses the new token, and goes on with the invalid
    /// one.
    fn store_answer(&mut self, at: usize, decided: FinalResponse, extras: ResponseExtras) {
        let Some(shown) = decided.registration else { return };
        self.mine[at].user_email = shown.user_email;
        if let Some(token) = extras.manage_token
            && self.random.u8(..3) > 0
        {
            self.mine[at].token = Some(token);
        }
    }

    /// Reads a registration as its holder does.
    async fn visit(&mut self, at: usize) {
        let Mine { event, id, token, .. } = self.mine[at].clone();
        let Some(token) = token else { return self.read().await };
        let request = Request::Visit { id, token: TokenMark::of(&token) };
        let showing = RequestExtras { token: Some(&token), ..RequestExtras::default() };
        self.look(event, request, showing).await;
    }

    async fn check_in(&mut self, at: usize) {
        let Mine { event, id, ticket, .. } = self.mine[at].clone();
        let ticket = match ticket {
            Some(ticket) => Some(ticket),
            None => super::requests::ticket(self.api(), id).await,
        };
        // It has none yet, or none any more.
        let Some(ticket) = ticket else { return self.read().await };
        self.mine[at].ticket = Some(ticket.clone());
        let showing = RequestExtras { ticket: Some(&ticket), ..RequestExtras::default() };
        drop(self.ask(event, Request::CheckIn { id }, showing).await);
    }

    async fn edit(&mut self) {
        let event = self.any_event();
        let seats = self.run.options.seats;
        let capacity = self.random.u32(seats - seats / 10..=seats + seats / 10);
        let newest = self.run.events[event].newest().filter(|_| self.random.bool());
        let (if_version, tag) = newest.unzip();
        let name = format!("Event {event}, edit {}-{}", self.number, self.sent);
        let request = Request::Edit { name, capacity, if_version, hours: None };
        let showing = RequestExtras { tag: tag.as_ref(), ..RequestExtras::default() };
        drop(self.ask(event, request, showing).await);
    }

    /// Gives an event other hours, which pass while it sells, have just passed, or are none.
    async fn move_hours(&mut self) {
        let event = self.any_event() / HOURS_EVERY * HOURS_EVERY + HOURS_EVERY - 1;
        let within = self.run.options.hours_within.filter(|_| event < self.run.events.len());
        let Some(within) = within else { return self.read().await };
        let millis = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let from_now = TimeDelta::milliseconds(self.random.i64(-millis / 4..=millis));
        let soon = (self.run.store_now() + from_now).trunc_subsecs(3);
        let (later, day) = (soon + TimeDelta::milliseconds(millis / 4), TimeDelta::hours(24));
        let hours = match self.random.u8(..7) {
            0 => Hours { closes_at: Some(soon), ..Hours::default() },
            1 => Hours { ends_at: Some(soon), ..Hours::default() },
            2 => Hours { starts_at: Some(soon - day), ..Hours::default() },
            3 => Hours { closes_at: Some(soon), ends_at: Some(later), starts_at: None },
            // A check-in now is early.
            4 => Hours { starts_at: Some(later + day * 2), closes_at: Some(soon), ends_at: None },
            _ => Hours::default(),
        };
        let seats = self.run.options.seats;
        let name = format!("Event {event}, hours {}-{}", self.number, self.sent);
        let capacity = seats + seats / 10;
        let request = Request::Edit { name, capacity, if_version: None, hours: Some(hours) };
        drop(self.ask(event, request, RequestExtras::default()).await);
    }

    async fn read(&mut self) {
        let event = self.any_event();
        self.look(event, Request::Read, RequestExtras::default()).await;
    }

    /// Sends a request that changes nothing.
    async fn look(&mut self, event: usize, request: Request, showing: RequestExtras<'_>) {
        let (invoked_at, event_id) = (self.run.now(), self.run.events[event].id);
        let (answer, extras) =
            super::requests::ask(self.api(), event_id, &request, None, showing).await;
        let answered_at = self.run.now();
        if let (Answer::Decided(FinalResponse { event: Some(shown), .. }), Some(tag)) =
            (&answer, extras.tag)
        {
            self.run.events[event].saw(shown.version, tag);
        }
        self.operations.push(Operation {
            client: self.number,
            invoked_at,
            answered_at,
            event_id,
            key: None,
            request,
            answer,
        });
    }

    /// Sends its last request again, as a client does that lost the answer.
    async fn repeat(&mut self) {
        let last = self.operations.iter().rev().find(|last| last.key.is_some());
        match last.cloned() {
            Some(Operation { event_id, key: Some(key), request, .. }) if is_whole(&request) => {
                let (client, server) = (self.number, self.server());
                let showing = RequestExtras::default();
                let again = self.run.decide(client, server, event_id, key, &request, showing).await;
                self.operations.extend(again.0);
            }
            _ => self.read().await,
        }
    }

    /// Sends a request until it is decided; returns the decision.
    async fn ask(
        &mut self,
        event: usize,
        request: Request,
        showing: RequestExtras<'_>,
    ) -> Option<(FinalResponse, ResponseExtras)> {
        self.sent += 1;
        // Without a token the key is a secret, and must not be short.
        let key = format!("judge-client-{}-{}-{}", self.run.options.seed, self.number, self.sent);
        let event_id = self.run.events[event].id;
        let (tries, extras) =
            self.run.decide(self.number, self.server(), event_id, key, &request, showing).await;
        let decided = tries.last().and_then(|last| match &last.answer {
            Answer::Decided(decided) => Some(decided.clone()),
            Answer::Undone { .. } | Answer::Unknown { .. } => None,
        });
        self.operations.extend(tries);
        decided.map(|decided| (decided, extras))
    }

    /// A registration to act on: one of its own, or now and then one that other clients know too.
    fn choose(&mut self) -> Option<usize> {
        if self.random.u8(..8) == 0 {
            let random = &mut self.random;
            let common = self.run.common(|common| {
                (!common.is_empty()).then(|| common[random.usize(..common.len())].clone())
            });
            self.mine.extend(common);
            return self.mine.len().checked_sub(1);
        }
        (!self.mine.is_empty()).then(|| self.random.usize(..self.mine.len()))
    }

    /// A name that nothing else uses: it contains the number of requests, which grows.
    fn any_name(&self) -> String {
        format!("Person {}-{}", self.number, self.sent)
    }

    fn any_event(&mut self) -> usize {
        self.random.usize(..self.run.events.len())
    }

    fn any_email(&mut self, event: usize) -> String {
        let person = self.random.u32(..self.run.options.seats.saturating_mul(4));
        format!("p{person}.e{event}@load.example")
    }

    fn server(&self) -> usize {
        self.number as usize
    }

    fn api(&self) -> &crate::api::Api {
        &self.run.apis[self.server() % self.run.apis.len()]
    }
}

/// Whether the stored request is complete: its ticket, token or tag is not stored.
fn is_whole(request: &Request) -> bool {
    !matches!(
        request,
        Request::CheckIn { .. }
            | Request::Correct { token: Some(_), .. }
            | Request::Edit { if_version: Some(_), .. }
    )
}
