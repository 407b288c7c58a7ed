use super::{COMMON_MAX, Run};
use crate::judge::{Answer, Decided, Operation, Request, Status};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// The most registrations that a client looks after; the oldest are left to themselves.
const MINE_MAX: usize = 100;

/// A registration that a client knows of.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    event: usize,
    id: Uuid,
    /// Its ticket, once fetched. A transfer makes it void, which is one of the things to be tried.
    ticket: Option<String>,
}

/// One of many who ask.
pub(super) struct Client {
    run: Arc<Run>,
    number: u32,
    random: fastrand::Rng,
    mine: Vec<Mine>,
    asked: u64,
    operations: Vec<Operation>,
}

impl Client {
    pub(super) fn new(run: Arc<Run>, number: u32) -> Self {
        let seed = run.options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(number);
        let random = fastrand::Rng::with_seed(seed);
        Self { run, number, random, mine: Vec::new(), asked: 0, operations: Vec::new() }
    }

    pub(super) async fn work(mut self) -> Vec<Operation> {
        while let Some(number) = self.run.next() {
            match self.run.called_off_by(number) {
                Some(event) => drop(self.ask(event, Request::CancelEvent, None).await),
                None => self.step().await,
            }
        }
        self.operations
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
            return drop(self.ask(mine.event, Request::Cancel { id: mine.id }, None).await);
        }
        match self.random.u8(..100) {
            0..10 => return self.read().await,
            10 => return self.edit().await,
            11..13 => return self.repeat().await,
            13..41 => {
                if let Some(at) = self.choose() {
                    return self.act(at).await;
                }
            }
            _ => {}
        }
        self.come().await;
    }

    /// Asks for a seat.
    async fn come(&mut self) {
        let event = self.any_event();
        let user_email = self.any_email(event);
        let request = match self.random.u8(..4) {
            0 => Request::Hold { user_email, ttl_seconds: 60 },
            other => Request::Register { user_email, waits: other == 1 },
        };
        let Some(decided) = self.ask(event, request, None).await else { return };
        if let Some(shown) = decided.registration {
            let mine = Mine { event, id: shown.id, ticket: None };
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

    /// Does something with a registration that it knows of.
    async fn act(&mut self, at: usize) {
        let Mine { event, id, ticket } = self.mine[at].clone();
        let request = match self.random.u8(..14) {
            0..7 => Request::Confirm { id },
            7..10 => Request::Transfer { id, user_email: self.any_email(event) },
            10 => Request::UndoCheckIn { id },
            _ => {
                let ticket = match ticket {
                    Some(ticket) => Some(ticket),
                    None => super::wire::ticket(self.api(), id).await,
                };
                // It has none yet, or none any more.
                let Some(ticket) = ticket else { return self.read().await };
                self.mine[at].ticket = Some(ticket.clone());
                drop(self.ask(event, Request::CheckIn { id }, Some(&ticket)).await);
                return;
            }
        };
        drop(self.ask(event, request, None).await);
    }

    async fn edit(&mut self) {
        let event = self.any_event();
        let seats = self.run.options.seats;
        let capacity = self.random.u32(seats - seats / 10..=seats + seats / 10);
        let version = self.run.events[event].version.load(Ordering::Relaxed);
        let if_version = self.random.bool().then_some(version);
        let name = format!("Event {event}, edit {}-{}", self.number, self.asked);
        drop(self.ask(event, Request::Edit { name, capacity, if_version }, None).await);
    }

    async fn read(&mut self) {
        let event = self.any_event();
        let (invoked_at, event_id) = (self.run.now(), self.run.events[event].id);
        let answer = super::wire::ask(self.api(), event_id, &Request::Read, None, None).await;
        if let Answer::Decided(Decided { event: Some(shown), .. }) = &answer {
            self.run.events[event].version.fetch_max(shown.version, Ordering::Relaxed);
        }
        self.operations.push(Operation {
            client: self.number,
            invoked_at,
            answered_at: self.run.now(),
            event_id,
            key: None,
            request: Request::Read,
            answer,
        });
    }

    /// Sends its last request again, as a client does that lost the answer.
    async fn repeat(&mut self) {
        let last = self.operations.iter().rev().find(|last| last.key.is_some());
        match last.cloned() {
            // The ticket of a check-in is not kept.
            Some(Operation { event_id, key: Some(key), request, .. })
                if !matches!(request, Request::CheckIn { .. }) =>
            {
                let (client, server) = (self.number, self.server());
                let again = self.run.decide(client, server, event_id, key, &request, None).await;
                self.operations.extend(again);
            }
            _ => self.read().await,
        }
    }

    /// Sends a request until it is decided; returns the decision.
    async fn ask(
        &mut self,
        event: usize,
        request: Request,
        ticket: Option<&str>,
    ) -> Option<Decided> {
        self.asked += 1;
        let key = format!("{}-{}-{}", self.run.options.seed, self.number, self.asked);
        let event_id = self.run.events[event].id;
        let tries =
            self.run.decide(self.number, self.server(), event_id, key, &request, ticket).await;
        let decided = tries.last().and_then(|last| match &last.answer {
            Answer::Decided(decided) => Some(decided.clone()),
            Answer::Undone { .. } | Answer::Unknown { .. } => None,
        });
        self.operations.extend(tries);
        decided
    }

    /// A registration to do something with: one of its own, or now and then one that others know too.
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
