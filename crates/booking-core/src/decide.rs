use crate::{
    Capacity, Command, EmailAddress, EventCommand, EventId, Execution, Outcome, Refusal, Register,
    Registration, RegistrationId, Version,
};
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One event as it was read under its lock, with as much of it as a batch needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventState {
    /// The event.
    pub id: EventId,
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: Capacity,
    /// See [`Event::booked_count`](crate::Event::booked_count).
    pub booked_count: u32,
    /// See [`Event::version`](crate::Event::version).
    pub version: Version,
    /// Every live registration of this event that has the id or the e-mail address of one of the
    /// commands to be decided. Others may be among them.
    pub registrations: Vec<Registration>,
}

/// What [`decide`] decided for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answers: `outcomes[i]` answers `commands[i]`.
    pub outcomes: Vec<Outcome>,
    /// What to write, all of it or none; `None` if the event stays as it was.
    pub change: Option<EventChange>,
}

/// What one batch changes in one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChange {
    /// The event.
    pub event_id: EventId,
    /// Its new count of taken seats.
    pub booked_count: u32,
    /// Its new version: one more for each of `facts`.
    pub version: Version,
    /// Rows to be added, in the order of their versions.
    pub registrations: Vec<Registration>,
    /// What happened, in the order of the versions that it made; the last made `version`.
    pub facts: Vec<Fact>,
}

impl EventChange {
    /// The version that the first of `facts` made.
    pub fn first_version(&self) -> Version {
        Version::new(self.version.get() + 1 - self.facts.len() as u64)
    }
}

/// Something that happened to an event. Facts are written in the transaction that made them true,
/// and side effects leave through them. They hold ids and no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The event was put up.
    EventCreated,
    /// A seat was given.
    Registered {
        /// The registration that has it.
        registration_id: RegistrationId,
    },
}

/// Decides one event's part of a batch against its locked state, in order.
///
/// Pure: the same arguments give the same decision. The outcomes are as if the commands had come
/// one by one, each in a transaction of its own. `now` is kept to the microsecond, which is what
/// every store can keep.
pub fn decide(state: &EventState, commands: &[&Command], now: DateTime<Utc>) -> Decision {
    let mut seats = Seats::new(state, now.trunc_subsecs(6));
    let outcomes = commands
        .iter()
        .map(|command| match command {
            Command::Register(register) => seats.register(register),
        })
        .collect();
    Decision { outcomes, change: seats.into_change() }
}

/// Decides a whole batch, event by event.
///
/// `states` holds the events whose rows are locked, `busy` those whose rows somebody else holds. An
/// event in neither does not exist. Answers in the order of `batch`, and what to write in the order
/// of event ids.
pub fn decide_batch(
    batch: &[EventCommand],
    states: &BTreeMap<EventId, EventState>,
    busy: &BTreeSet<EventId>,
    now: DateTime<Utc>,
) -> (Vec<Execution>, Vec<EventChange>) {
    let mut positions: BTreeMap<EventId, Vec<usize>> = BTreeMap::new();
    for (position, item) in batch.iter().enumerate() {
        positions.entry(item.event_id).or_default().push(position);
    }

    let absent = Execution::Decided(Outcome::Refused(Refusal::EventNotFound));
    let mut executions = vec![absent; batch.len()];
    let mut changes = Vec::new();
    for (event_id, positions) in positions {
        if let Some(state) = states.get(&event_id) {
            let commands: Vec<_> = positions.iter().map(|&at| &batch[at].command).collect();
            let decision = decide(state, &commands, now);
            assert_eq!(decision.outcomes.len(), commands.len(), "an answer for each command");
            for (position, outcome) in positions.into_iter().zip(decision.outcomes) {
                executions[position] = Execution::Decided(outcome);
            }
            changes.extend(decision.change);
        } else if busy.contains(&event_id) {
            for position in positions {
                executions[position] = Execution::Busy;
            }
        }
    }
    (executions, changes)
}

/// An event's seats while its part of a batch is being decided.
struct Seats<'a> {
    state: &'a EventState,
    now: DateTime<Utc>,
    booked_count: u32,
    version: Version,
    by_id: HashMap<RegistrationId, Known>,
    by_email: HashMap<&'a EmailAddress, Known>,
    created: Vec<Registration>,
    facts: Vec<Fact>,
}

/// Where a live registration is: among those that were loaded, or among those just created.
#[derive(Clone, Copy)]
enum Known {
    Loaded(usize),
    Created(usize),
}

impl<'a> Seats<'a> {
    fn new(state: &'a EventState, now: DateTime<Utc>) -> Self {
        let mut by_id = HashMap::with_capacity(state.registrations.len());
        let mut by_email = HashMap::with_capacity(state.registrations.len());
        for (index, registration) in state.registrations.iter().enumerate() {
            by_id.insert(registration.id, Known::Loaded(index));
            by_email.insert(&registration.user_email, Known::Loaded(index));
        }
        Self {
            state,
            now,
            booked_count: state.booked_count,
            version: state.version,
            by_id,
            by_email,
            created: Vec::new(),
            facts: Vec::new(),
        }
    }

    fn register(&mut self, register: &'a Register) -> Outcome {
        // The id comes first: a command that is executed again must find its own success, whatever
        // has become of the event since.
        if let Some(known) = self.by_id.get(&register.registration_id) {
            return Outcome::Confirmed(self.registration(*known).clone());
        }
        // Before the seats: somebody who has one should hear that, and not that there are none left.
        if self.by_email.contains_key(&register.user_email) {
            return Outcome::Refused(Refusal::AlreadyRegistered);
        }
        if self.booked_count >= self.state.capacity.get() {
            return Outcome::Refused(Refusal::SoldOut);
        }
        self.booked_count += 1;
        self.version = self.version.next();
        let registration = Registration {
            id: register.registration_id,
            event_id: self.state.id,
            user_email: register.user_email.clone(),
            event_version: self.version,
            created_at: self.now,
        };
        let known = Known::Created(self.created.len());
        self.by_id.insert(register.registration_id, known);
        self.by_email.insert(&register.user_email, known);
        self.created.push(registration.clone());
        self.facts.push(Fact::Registered { registration_id: register.registration_id });
        Outcome::Confirmed(registration)
    }

    fn registration(&self, known: Known) -> &Registration {
        match known {
            Known::Loaded(index) => &self.state.registrations[index],
            Known::Created(index) => &self.created[index],
        }
    }

    fn into_change(self) -> Option<EventChange> {
        if self.facts.is_empty() {
            return None;
        }
        assert!(
            self.booked_count <= self.state.capacity.get(),
            "event {}: {} seats taken of {}",
            self.state.id,
            self.booked_count,
            self.state.capacity
        );
        Some(EventChange {
            event_id: self.state.id,
            booked_count: self.booked_count,
            version: self.version,
            registrations: self.created,
            facts: self.facts,
        })
    }
}
