//! What answers and the end tell of a registration beside its facts.

use super::exchanges::Exchange;
use super::history::{EndRegistration, RegistrationView, Request, TokenMark};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Whose a registration is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) user_email: &'a str,
    pub(super) name: Option<&'a str>,
}

/// All of it, by registration; what a change asked for by the version that it made, too.
pub(super) struct Known<'a> {
    came: HashMap<Uuid, &'a str>,
    transfers: HashMap<(Uuid, u64), Whose<'a>>,
    corrections: HashMap<(Uuid, u64), (&'a str, Option<&'a str>)>,
    tokens: HashMap<(Uuid, u64), TokenMark>,
    hold_ends: HashMap<Uuid, DateTime<Utc>>,
    last: HashMap<Uuid, &'a RegistrationView>,
}

impl<'a> Known<'a> {
    pub(super) fn of(asked: &[Exchange<'a>], rows: &[&'a EndRegistration]) -> Self {
        let last = rows.iter().map(|row| (row.shown.id, &row.shown)).collect();
        let mut known = Self {
            came: HashMap::new(),
            transfers: HashMap::new(),
            corrections: HashMap::new(),
            tokens: HashMap::new(),
            hold_ends: HashMap::new(),
            last,
        };
        for asked in asked {
            if let Some(shown) = asked.success().and_then(|decided| decided.registration.as_ref()) {
                known.hear(&asked.operation.request, shown);
            }
        }
        known
    }

    fn hear(&mut self, request: &'a Request, shown: &'a RegistrationView) {
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
                let to = Whose { user_email: user_email.as_str(), name: name.as_deref() };
                self.transfers.insert(at, to);
                // To the one who has it already it is a correction.
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

    /// Whose it was to be in the beginning.
    pub(super) fn newcomer(&self, id: Uuid) -> Whose<'a> {
        match self.came.get(&id).copied() {
            Some(user_email) => Whose { user_email, name: None },
            None => self.last(id),
        }
    }

    /// Who got it by the change that made a version, if any client heard it.
    pub(super) fn transferred(&self, id: Uuid, version: u64) -> Option<Whose<'a>> {
        self.transfers.get(&(id, version)).copied()
    }

    /// What the change that made a version put right; an address only if that was asked for.
    pub(super) fn corrected(&self, id: Uuid, version: u64) -> (Option<&'a str>, Option<&'a str>) {
        match self.corrections.get(&(id, version)).copied() {
            Some((name, user_email)) => (Some(name), user_email),
            None => {
                let last = self.last(id);
                (last.name, Some(last.user_email))
            }
        }
    }

    /// The token that was told by the change that made a version, if anybody heard it.
    pub(super) fn token(&self, id: Uuid, version: u64) -> Option<TokenMark> {
        self.tokens.get(&(id, version)).copied()
    }

    pub(super) fn hold_end(&self, id: Uuid) -> Option<DateTime<Utc>> {
        self.hold_ends.get(&id).copied()
    }

    /// Whose it is in the end, where nobody heard what became of it.
    pub(super) fn last(&self, id: Uuid) -> Whose<'a> {
        self.last.get(&id).map_or(Whose { user_email: "", name: None }, |last| Whose {
            user_email: &last.user_email,
            name: last.name.as_deref(),
        })
    }
}
