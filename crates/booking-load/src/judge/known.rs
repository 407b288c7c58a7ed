//! What answers and the final state say of a registration beside its facts.

use super::exchanges::Exchange;
use super::history::{EndRegistration, RegistrationView, Request, TokenMark};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// The holder that a registration should have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) user_email: &'a str,
    pub(super) name: Option<&'a str>,
}

/// All holders, by registration; for a change also by the version that it made.
pub(super) struct Known<'a> {
    came: HashMap<Uuid, &'a str>,
    transfers: HashMap<(Uuid, u64), Holder<'a>>,
    corrections: HashMap<(Uuid, u64), (&'a str, Option<&'a str>)>,
    tokens: HashMap<(Uuid, u64), TokenMark>,
    hold_ends: HashMap<Uuid, DateTime<Utc>>,
    last: HashMap<Uuid, &'a RegistrationView>,
}

impl<'a> Known<'a> {
    pub(super) fn of(exchanges: &[Exchange<'a>], rows: &[&'a EndRegistration]) -> Self {
        let last = rows.iter().map(|row| (row.shown.id, &row.shown)).collect();
        let mut known = Self {
            came: HashMap::new(),
            transfers: HashMap::new(),
            corrections: HashMap::new(),
            tokens: HashMap::new(),
            hold_ends: HashMap::new(),
            last,
        };
        for exchange in exchanges {
            if let Some(shown) =
                exchange.success().and_then(|decided| decided.registration.as_ref())
            {
                known.add_answer(&exchange.operation.request, shown);
            }
        }
        known
    }

    fn add_answer(&mut self, request: &'a Request, shown: &'a RegistrationView) {
        let at = (shown.id, shown.event_version);
        match request {
            Request::Register { user_email, .. } => {
                self.came.insert(shown.id, user_email.as_str());
            }
            Request::Hold { user_email, .. } => {
                self.came.insert(shown.id, user_email.as_str());
                self.hold_ends.extend(shown.expires_at.map(|end| (shown.id, end)));
            }
            Request::Transfer { user_email, name, .. } => {
                let to = Holder { user_email: user_email.as_str(), name: name.as_deref() };
                self.transfers.insert(at, to);
                // A transfer to the present holder is a correction.
                if let Some(name) = name {
                    self.corrections.insert(at, (name.as_str(), None));
                }
            }
            Request::Correct { name, user_email, .. } => {
                self.corrections.insert(at, (name.as_str(), user_email.as_deref()));
            }
            Request::RenewLink { .. } => {}
            _ => return,
        }
        self.tokens.extend(shown.token.map(|token| (at, token)));
    }

    /// The first holder.
    pub(super) fn first_holder(&self, id: Uuid) -> Holder<'a> {
        match self.came.get(&id).copied() {
            Some(user_email) => Holder { user_email, name: None },
            None => self.last(id),
        }
    }

    /// The new holder by the change that made a version, if a client got the answer.
    pub(super) fn transferred(&self, id: Uuid, version: u64) -> Option<Holder<'a>> {
        self.transfers.get(&(id, version)).copied()
    }

    /// What the change that made a version corrected; an address only if that was requested.
    pub(super) fn corrected(&self, id: Uuid, version: u64) -> (Option<&'a str>, Option<&'a str>) {
        match self.corrections.get(&(id, version)).copied() {
            Some((name, user_email)) => (Some(name), user_email),
            None => {
                let last = self.last(id);
                (last.name, Some(last.user_email))
            }
        }
    }

    /// The token from the change that made a version, if a client got the answer.
    pub(super) fn token(&self, id: Uuid, version: u64) -> Option<TokenMark> {
        self.tokens.get(&(id, version)).copied()
    }

    pub(super) fn hold_end(&self, id: Uuid) -> Option<DateTime<Utc>> {
        self.hold_ends.get(&id).copied()
    }

    /// The final holder, if no client got an answer about it.
    pub(super) fn last(&self, id: Uuid) -> Holder<'a> {
        self.last.get(&id).map_or(Holder { user_email: "", name: None }, |last| Holder {
            user_email: &last.user_email,
            name: last.name.as_deref(),
        })
    }
}
