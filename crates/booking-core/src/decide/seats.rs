//! An event's seats while its part of a batch is being decided: the state that commands change, and the few moves that
//! change it. Which command makes which move is in `transitions`.

use crate::decide::rows::Rows;
use crate::{
    Actor, Answers, Caller, Capacity, EditedEvent, EmailAddress, Event, EventChange, EventId,
    EventRules, EventState, EventStatus, EventTimes, Fact, FactKind, FormerHolder,
    IdempotencyRecord, KeyHash, Person, Questions, Registration, RegistrationId, Rule, SeatCounts,
    Status, StoredDetails, Version,
};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, VecDeque};

pub(crate) struct Seats<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) id: EventId,
    pub(crate) capacity: Capacity,
    pub(crate) rules: EventRules,
    pub(crate) times: EventTimes,
    pub(crate) counts: SeatCounts,
    pub(crate) version: Version,
    pub(crate) details: Option<StoredDetails>,
    /// `None` if they were not read.
    questions: Option<Questions>,
    are_questions_new: bool,
    pub(crate) state: &'a EventState,
    left_out: Option<Rule>,
    /// No hold or offer expires before this.
    due_at: Option<DateTime<Utc>>,
    rows: Rows<'a>,
    /// The head of the waitlist.
    queue: VecDeque<usize>,
    /// How many wait behind those in `queue`.
    beyond: u32,
    /// The waitlist places given up since the state was read, by the version that made them.
    left_queue: Vec<Version>,
    edited: bool,
    /// When attendees are to be reminded by the event's details, whether or not they were.
    reminder: Option<DateTime<Utc>>,
    /// Offers made before this decision end by then at the latest: an edit has changed when the event ends.
    offers_end_by: Option<DateTime<Utc>>,
    cancelled_version: Option<Version>,
    erased_to: Option<Version>,
    purges_records: bool,
    facts: Vec<Fact>,
    former_holders: Vec<FormerHolder>,
    records: HashMap<KeyHash, IdempotencyRecord>,
    new_records: Vec<KeyHash>,
}

impl<'a> Seats<'a> {
    pub(crate) fn new(state: &'a EventState, now: DateTime<Utc>, left_out: Option<Rule>) -> Self {
        let rows = state.registrations.len() + state.overdue.len() + state.waiting.len();
        let mut seats = Self {
            now,
            id: state.id,
            capacity: state.capacity,
            rules: state.rules,
            times: state.times,
            counts: state.counts,
            version: state.version,
            details: state.details.clone(),
            questions: state.questions.clone(),
            are_questions_new: false,
            state,
            left_out,
            due_at: state.due_at,
            rows: Rows::with_capacity(rows),
            queue: VecDeque::with_capacity(state.waiting.len()),
            beyond: 0,
            left_queue: Vec::new(),
            edited: false,
            reminder: state
                .details
                .as_ref()
                .and_then(|stored| stored.details.remind_at(&state.rules)),
            offers_end_by: None,
            cancelled_version: None,
            erased_to: None,
            purges_records: false,
            facts: Vec::new(),
            former_holders: Vec::new(),
            records: HashMap::new(),
            new_records: Vec::new(),
        };
        for registration in &state.waiting {
            let row = seats.rows.load(registration);
            seats.queue.push_back(row);
        }
        seats.beyond = state.counts.waiting.saturating_sub(seats.queue.len() as u32);
        for registration in state.overdue.iter().chain(&state.registrations) {
            seats.rows.load(registration);
        }
        for record in &state.records {
            seats.records.insert(record.hash, record.clone());
        }
        seats
    }

    /// Applies what time alone has changed.
    pub(crate) fn settle(&mut self) {
        if !self.state.is_due(self.now) || self.left_out == Some(Rule::Expiry) {
            self.serve_queue();
            return;
        }
        for registration in &self.state.overdue {
            let row = self.rows.load(registration);
            self.expire_if_due(row);
        }
        let limit = self.state.load_plan([], self.now).overdue_max as usize;
        self.due_at = match self.state.overdue.last() {
            // There may be more of them, which ended no earlier.
            Some(last) if self.state.overdue.len() >= limit => last.expires_at,
            Some(_) | None => self.state.due_next,
        };
        self.serve_queue();
    }

    /// Whether the event is over.
    pub(crate) fn is_over(&self) -> bool {
        self.times.is_over(self.now) && self.left_out != Some(Rule::EventEnd)
    }

    /// Gives free seats to the waitlist, in order, until the event is over.
    pub(crate) fn serve_queue(&mut self) {
        while self.free() > 0
            && self.left_out != Some(Rule::QueueFirst)
            && self.rules.status == EventStatus::Published
            && !self.is_over()
            && let Some(row) = self.queue.pop_front()
        {
            self.counts.waiting -= 1;
            self.left_queue.push(self.row(row).created_version);
            let end = self.times.over_at().filter(|_| self.left_out != Some(Rule::EventEnd));
            let offer_end = self.rules.accept_within().map(|ttl| ttl.after(self.now));
            let offer_end = offer_end.map(|offer| end.map_or(offer, |end| offer.min(end)));
            let (status, kind) = match offer_end {
                Some(_) => (Status::Offered, FactKind::Offered),
                None => (Status::Confirmed, FactKind::Confirmed),
            };
            self.take_seat(status, offer_end);
            self.change(row, kind, Actor::System, |registration| {
                registration.status = status;
                registration.expires_at = offer_end;
                registration.position = None;
            });
        }
    }

    /// Ends an expired hold or offer. In a cancelled event none is left to end.
    pub(crate) fn expire_if_due(&mut self, row: usize) {
        let counts = self.rules.status != EventStatus::Cancelled;
        let holds = self.left_out != Some(Rule::Expiry);
        if counts && holds && self.row(row).has_run_out(self.now) {
            self.end(row, Status::Expired, FactKind::Expired, Actor::System);
        }
    }

    /// Ends a live registration in any state.
    pub(crate) fn end(&mut self, row: usize, status: Status, kind: FactKind, actor: Actor) {
        let Registration { status: before, created_version, .. } = *self.row(row);
        match before {
            Status::Waitlisted => {
                self.counts.waiting -= 1;
                self.left_queue.push(created_version);
                match self.queue.iter().position(|waiting| *waiting == row) {
                    Some(place) => drop(self.queue.remove(place)),
                    None => self.beyond -= 1,
                }
            }
            Status::Held | Status::Offered => self.free_seat(true),
            Status::Confirmed => self.free_seat(false),
            Status::Cancelled | Status::Expired => {
                unreachable!("registration {} has ended before", self.row(row).id)
            }
        }
        self.rows.release_email(row);
        self.change(row, kind, actor, |registration| {
            registration.status = status;
            registration.expires_at = None;
            registration.position = None;
            registration.generation += 1;
        });
    }

    /// Whether the caller manages the event.
    pub(crate) fn is_managed_by(&self, caller: Caller) -> bool {
        let is_an_organizer = matches!(caller, Caller::Organizer(_) | Caller::OpenOrganizer);
        caller.manages(self.state.organizer_id)
            || is_an_organizer && self.left_out == Some(Rule::Ownership)
    }

    /// Whether the owner of the address decides, by mail, and not the caller.
    pub(crate) fn confirms_by_mail(&self, caller: Caller) -> bool {
        self.rules.confirms_address
            && caller.is_visitor(self.state.organizer_id)
            && self.left_out != Some(Rule::AddressConfirmed)
    }

    /// How many seats are free.
    pub(crate) fn free(&self) -> u32 {
        self.capacity.get().saturating_sub(self.counts.booked)
    }

    /// Whether a newcomer may have a seat.
    pub(crate) fn has_seat_for_newcomer(&self) -> bool {
        let queue_first = self.left_out != Some(Rule::QueueFirst);
        self.free() > 0 && (self.counts.waiting == 0 || !queue_first)
    }

    /// The earliest instant at which a hold or an offer may expire.
    pub(crate) fn due_at(&self) -> Option<DateTime<Utc>> {
        self.due_at
    }

    /// Counts a seat as taken, until `end` if there is one.
    pub(crate) fn take_seat(&mut self, status: Status, end: Option<DateTime<Utc>>) {
        self.counts.booked += 1;
        if status.runs_out() {
            self.counts.held += 1;
            self.due_at = self.due_at.into_iter().chain(end).min();
        }
    }

    fn free_seat(&mut self, was_held: bool) {
        self.counts.booked -= 1;
        if was_held {
            self.release_hold();
        }
    }

    /// Counts a seat as no longer held.
    pub(crate) fn release_hold(&mut self) {
        self.counts.held -= 1;
        if self.counts.held == 0 {
            self.due_at = None;
        }
    }

    /// The live registration with this address.
    pub(crate) fn live_by_email(&mut self, email: &EmailAddress) -> Option<usize> {
        let row = self.rows.by_email(email)?;
        self.expire_if_due(row);
        self.row(row).status.is_live().then_some(row)
    }

    pub(crate) fn by_id(&self, id: RegistrationId) -> Option<usize> {
        self.rows.by_id(id)
    }

    pub(crate) fn row(&self, row: usize) -> &Registration {
        self.rows.get(row)
    }

    /// A registration as it is returned.
    pub(crate) fn shown(&self, row: usize) -> Registration {
        let mut registration = self.row(row).clone();
        if let (Status::Waitlisted, Some(position)) = (registration.status, registration.position) {
            let version = registration.created_version;
            let left = self.left_queue.iter().filter(|left| **left < version).count() as u32;
            registration.position = Some(position - left);
        }
        let now =
            if self.left_out == Some(Rule::Expiry) { DateTime::<Utc>::MIN_UTC } else { self.now };
        registration.as_of(now, self.rules.status)
    }

    /// Changes a registration, which makes a version and a fact.
    pub(crate) fn change(
        &mut self,
        row: usize,
        kind: FactKind,
        actor: Actor,
        change: impl FnOnce(&mut Registration),
    ) {
        self.version = self.version.next();
        let registration = self.rows.get_mut(row);
        let (registration_id, previous) = (Some(registration.id), Some(registration.event_version));
        change(registration);
        registration.event_version = self.version;
        self.facts.push(Fact { kind, registration_id, actor, previous });
    }

    /// Gives a live registration another address.
    pub(crate) fn rename(&mut self, row: usize, email: &'a EmailAddress) {
        self.rows.rename(row, email);
    }

    /// Stores the attendee from whom the last change transferred a registration.
    pub(crate) fn keep_former_holder(&mut self, row: usize, person: Person) {
        let (registration_id, version) = (self.row(row).id, self.version);
        // Stored under the one spelling that it is looked up by, without the answers.
        let answers = Answers::default();
        let person = Person { user_email: person.user_email.canonical(), answers, ..person };
        self.former_holders.push(FormerHolder { registration_id, version, person });
    }

    /// Adds a registration, which makes a version and a fact. The versions in `made` are overwritten.
    pub(crate) fn add(
        &mut self,
        mut made: Registration,
        email: &'a EmailAddress,
        kind: FactKind,
    ) -> usize {
        self.version = self.version.next();
        made.created_version = self.version;
        made.event_version = self.version;
        let (registration_id, waits) = (Some(made.id), made.status == Status::Waitlisted);
        if waits {
            self.counts.waiting += 1;
            // The place among all who have waited since the state was read: those who left are subtracted when it is
            // shown.
            made.position = Some(self.counts.waiting + self.left_queue.len() as u32);
        }
        let row = self.rows.add(made, email);
        match self.beyond {
            0 if waits => self.queue.push_back(row),
            _ => self.beyond += u32::from(waits),
        }
        self.facts.push(Fact { kind, registration_id, actor: Actor::Attendee, previous: None });
        row
    }

    /// Changes the event itself, which makes a version and a fact.
    pub(crate) fn edit(&mut self, kind: FactKind, actor: Actor) {
        self.version = self.version.next();
        self.edited = true;
        self.facts.push(Fact::of_event(kind).by(actor));
        let rules = self.rules;
        let stored = self.details.as_mut().expect("details are read for an edit");
        stored.erase_at = stored.details.erase_at(&rules);
        let reminder = stored.details.remind_at(&rules);
        if reminder != self.reminder {
            // Attendees reminded for another time are reminded for this one, too, unless it has passed.
            stored.remind_at = reminder.filter(|at| *at > self.now);
            self.reminder = reminder;
        }
    }

    /// The event's current and retired questions: none if none were read.
    pub(crate) fn questions(&self) -> &Questions {
        const NONE: &Questions = &Questions::NONE;
        self.questions.as_ref().unwrap_or(NONE)
    }

    pub(crate) fn set_questions_to(&mut self, questions: Questions) {
        self.questions = Some(questions);
        self.are_questions_new = true;
    }

    /// Marks the questions that these answers answer.
    pub(crate) fn note_answered(&mut self, answers: &Answers) {
        if let Some(questions) = &mut self.questions {
            self.are_questions_new |= questions.note_answered(answers);
        }
    }

    /// Whether the event has questions.
    fn asks(&self) -> bool {
        self.questions.as_ref().map_or(self.state.asks, Questions::asks)
    }

    /// Updates the event's times after an edit of its details.
    pub(crate) fn reschedule(&mut self) {
        let times = self.details.as_ref().expect("details are read for an edit").details.times();
        let is_new_end = times.over_at() != self.times.over_at();
        self.times = times;
        if let (Some(over_at), true) = (times.over_at(), is_new_end && self.counts.held > 0) {
            self.offers_end_by = self.offers_end_by.into_iter().chain([over_at]).min();
            self.due_at = self.due_at.into_iter().chain([over_at]).min();
            for row in 0..self.known() {
                self.end_offer_by(row, over_at);
            }
        }
    }

    /// Makes an offer end at `end` at the latest.
    fn end_offer_by(&mut self, row: usize, end: DateTime<Utc>) {
        let Registration { status, expires_at, .. } = *self.row(row);
        if status == Status::Offered && expires_at.is_some_and(|expires_at| expires_at > end) {
            self.rows.get_mut(row).expires_at = Some(end);
        }
    }

    /// Notes that the event's public details changed; `is_moved` if the time or the place changed, or it was cancelled.
    pub(crate) fn announce(&mut self, is_moved: bool) {
        let now = self.now;
        let stored = self.details.as_mut().expect("details are read for an edit");
        stored.details_changed_at = now;
        stored.sequence += u32::from(is_moved);
    }

    /// Adds a registration of the state that no command named.
    pub(crate) fn load(&mut self, registration: &'a Registration) -> usize {
        let row = self.rows.load(registration);
        if let Some(end) = self.offers_end_by {
            self.end_offer_by(row, end);
        }
        row
    }

    /// How many registrations are loaded.
    pub(crate) fn known(&self) -> usize {
        self.rows.len()
    }

    /// Erases the personal data of a registration, its former holders included, and its token. Its id, its seat, its
    /// history and all counts stay.
    pub(crate) fn erase_row(&mut self, row: usize) {
        if self.row(row).is_erased() {
            return;
        }
        if self.row(row).status.is_live() {
            self.rows.release_email(row);
        }
        let id = self.row(row).id;
        self.former_holders.retain(|former| former.registration_id != id);
        self.change(row, FactKind::Erased, Actor::System, Registration::erase);
    }

    /// Records how far everything is erased, and when more is to be erased.
    pub(crate) fn erased_to(&mut self, version: Version, erase_at: Option<DateTime<Utc>>) {
        self.edited = true;
        self.erased_to = Some(version);
        self.details.as_mut().expect("details are read to erase").erase_at = erase_at;
    }

    /// Deletes the event's idempotency records.
    pub(crate) fn purge_records(&mut self) {
        self.purges_records = true;
        self.records.clear();
        self.new_records.clear();
    }

    /// Ends all registrations at once: what is live in a cancelled event counts as cancelled, whatever its row says.
    pub(crate) fn set_cancelled(&mut self) {
        self.rules.status = EventStatus::Cancelled;
        self.announce(true);
        self.edit(FactKind::EventCancelled, Actor::Organizer);
        self.cancelled_version = Some(self.version);
        self.counts = SeatCounts::default();
        self.due_at = None;
        self.queue.clear();
        self.beyond = 0;
    }

    /// The event as it is now.
    pub(crate) fn event(&self) -> Event {
        let stored = self.details.clone().expect("details are read for an edit");
        let StoredDetails { details, created_at, changed_at, details_changed_at, sequence, .. } =
            stored;
        let is_changed = self.version != self.state.version;
        Event {
            id: self.id,
            organizer_id: self.state.organizer_id,
            details,
            capacity: self.capacity,
            rules: self.rules,
            booked_count: self.counts.booked,
            waitlist_count: self.counts.waiting,
            version: self.version,
            created_at,
            changed_at: if is_changed { self.now } else { changed_at },
            details_changed_at,
            sequence,
            asks: self.asks(),
            is_settled: self.due_at.is_none_or(|due| due > self.now),
        }
    }

    /// The stored outcome under `hash`, if it is still valid.
    pub(crate) fn record(&self, hash: &KeyHash) -> Option<&IdempotencyRecord> {
        self.records.get(hash).filter(|record| record.holds(self.now))
    }

    pub(crate) fn remember(&mut self, record: IdempotencyRecord) {
        self.new_records.push(record.hash);
        self.records.insert(record.hash, record);
    }

    pub(crate) fn into_change(mut self) -> Option<EventChange> {
        let is_serving = self.rules.status == EventStatus::Published && !self.is_over();
        if self.free() > 0 && self.counts.waiting > 0 && is_serving {
            // More may be due than were read: the next transaction goes on.
            self.due_at = Some(self.due_at.map_or(self.now, |due| due.min(self.now)));
        }
        let asks = self.asks();
        let is_unchanged = self.facts.is_empty()
            && self.new_records.is_empty()
            && !self.edited
            && self.due_at == self.state.due_at;
        if is_unchanged {
            return None;
        }
        let SeatCounts { booked, held, .. } = self.counts;
        let (id, capacity) = (self.id, self.capacity);
        let was_oversold = self.state.counts.booked > self.state.capacity.get();
        assert!(
            booked <= capacity.get() || was_oversold,
            "event {id}: {booked} of {capacity} taken"
        );
        assert!(held <= booked, "event {id}: {held} held of {booked}");

        let edited = self.edited.then(|| {
            let stored = self.details.take().expect("details are read for an edit");
            let StoredDetails {
                details, details_changed_at, sequence, erase_at, remind_at, ..
            } = stored;
            let (capacity, rules) = (self.capacity, self.rules);
            Box::new(EditedEvent {
                details,
                capacity,
                rules,
                details_changed_at,
                sequence,
                offers_end_by: self.offers_end_by,
                cancelled_version: self.cancelled_version,
                erase_at,
                remind_at,
                erased_to: self.erased_to,
                asks,
            })
        });
        let questions = self.questions.filter(|_| self.are_questions_new).map(Box::new);
        let (registrations, replaced) = self.rows.into_changed();
        let records = self.new_records.iter().map(|hash| self.records[hash].clone()).collect();
        Some(EventChange {
            event_id: self.id,
            counts: self.counts,
            version: self.version,
            due_at: self.due_at,
            edited,
            questions,
            registrations,
            replaced,
            facts: self.facts,
            former_holders: self.former_holders,
            purges_records: self.purges_records,
            records,
        })
    }
}
