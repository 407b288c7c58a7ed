//! An event's page: the event in words, and whether registration is open. The same words as in `static/js`.

use crate::api::responses::{EventBody, QuestionBody};
use crate::extract::conditional::etag;
use crate::pages::description;
use crate::pages::engine::script_json;
use crate::pages::frame::Frame;
use crate::pages::linked_data::LinkedData;
use crate::pages::questions::QuestionField;
use crate::words::{counted, grouped, text};
use booking_core::{
    Contact, Event, EventDetails, EventId, EventStatus, EventTag, Language, Questions,
};
use booking_delivery::mail::{Leaf, leaf, moment, span};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// The most blocks that a meter has.
const BLOCKS_MAX: u32 = 20;

/// The values of `event.html`.
#[derive(Serialize)]
pub(crate) struct EventPage<'a> {
    pub(crate) page: Frame<'a>,
    pub(crate) event: EventWords,
    pub(crate) form: RegisterForm,
    /// The event's questions, in JSON for an element.
    pub(crate) questions: String,
}

/// An event's questions, as visitors see them, in JSON for an element.
pub(crate) fn questions_data(questions: &Questions) -> String {
    let bodies: Vec<_> = questions.asked().map(QuestionBody::from).collect();
    script_json(&bodies)
}

/// An event in words.
#[derive(Serialize)]
pub(crate) struct EventWords {
    id: EventId,
    name: String,
    language: &'static str,
    badge: Option<Badge>,
    date: Option<DateBlock>,
    pub(crate) when: Option<String>,
    starts_at: Option<DateTime<Utc>>,
    venue: Option<String>,
    organizer: Option<OrganizerWords>,
    waiting: u32,
    /// For how long personal data is stored.
    kept: Option<String>,
    has_calendar: bool,
    /// HTML.
    description: String,
    seats: Seats,
    is_open: bool,
    is_full: bool,
    form_title: String,
    /// Whether a new claim joins the waitlist.
    is_line: bool,
    hint: Option<String>,
    notice: Option<String>,
    etag: String,
    /// The event as in the API, in JSON for an element, so that the modules need not request it.
    data: String,
    linked_data: String,
}

/// A note that the event is out of the ordinary.
#[derive(Serialize)]
struct Badge {
    kind: &'static str,
    words: String,
}

/// Its day, as a leaf of a calendar.
#[derive(Serialize)]
pub(crate) struct DateBlock {
    month: String,
    day: u32,
    weekday: String,
}

impl DateBlock {
    /// The day of its start, if that is known.
    pub(crate) fn of(language: Language, details: &EventDetails) -> Option<Self> {
        let Leaf { month, day, weekday } =
            leaf(language, details.timezone.as_ref(), details.starts_at?);
        Some(Self { month, day, weekday })
    }
}

/// The organizer, and the contact for questions.
#[derive(Serialize)]
struct OrganizerWords {
    name: Option<String>,
    contact: Option<ContactLink>,
}

#[derive(Serialize)]
struct ContactLink {
    href: String,
    words: String,
}

/// How full it is.
#[derive(Serialize)]
pub(crate) struct Seats {
    is_spent: bool,
    /// Whether few seats are left.
    is_few: bool,
    number: String,
    unit: String,
    text: String,
    booked: u32,
    capacity: u32,
    blocks: u32,
    taken: u32,
}

/// The values in the form, and its errors.
#[derive(Default, Serialize)]
pub(crate) struct RegisterForm {
    /// The idempotency key, which makes a repeated form the same request.
    pub(crate) key: String,
    pub(crate) user_email: String,
    pub(crate) name: String,
    pub(crate) email_error: Option<String>,
    pub(crate) name_error: Option<String>,
    /// The event's own questions.
    pub(crate) questions: Vec<QuestionField>,
    pub(crate) notice: Option<Notice>,
}

/// Why nothing was booked.
#[derive(Serialize)]
pub(crate) struct Notice {
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) is_bad: bool,
}

/// Whether an event takes registrations, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Draft,
    Cancelled,
    Over,
    Upcoming(DateTime<Utc>),
    Closed(DateTime<Utc>),
}

impl State {
    fn of(event: &Event, now: DateTime<Utc>) -> Self {
        let rules = &event.rules;
        match rules.status {
            EventStatus::Draft => return Self::Draft,
            EventStatus::Cancelled => return Self::Cancelled,
            EventStatus::Published => {}
        }
        if event.details.times().is_over(now) {
            return Self::Over;
        }
        match (rules.opens_at, rules.closes_at) {
            (Some(opens_at), _) if now < opens_at => Self::Upcoming(opens_at),
            (_, Some(closes_at)) if now >= closes_at => Self::Closed(closes_at),
            _ => Self::Open,
        }
    }
}

/// Whether search engines must not list an event: a draft, or one that is cancelled or over.
pub(crate) fn is_hidden(event: &Event, now: DateTime<Utc>) -> bool {
    matches!(State::of(event, now), State::Draft | State::Cancelled | State::Over)
}

impl EventWords {
    /// The event as it is at `now`, by this machine's clock, which decides nothing here. `url` is the address of
    /// its page, and `organizer` the name of its organizer, if it is known.
    pub(crate) fn of(
        language: Language,
        event: &Event,
        now: DateTime<Utc>,
        url: Option<&str>,
        organizer: Option<&str>,
    ) -> Self {
        let (details, state) = (&event.details, State::of(event, now));
        let is_open = state == State::Open;
        let is_full = free(event) == 0;
        let is_line = event.rules.waitlist_enabled && (is_full || event.waitlist_count > 0);
        Self {
            id: event.id,
            name: details.name.as_str().to_owned(),
            language: details.language.as_str(),
            badge: badge(language, state),
            date: DateBlock::of(language, details),
            when: span(language, details),
            starts_at: details.starts_at,
            venue: details.venue.as_ref().map(|venue| venue.as_str().to_owned()),
            organizer: OrganizerWords::of(language, details),
            waiting: event.waitlist_count,
            kept: details.retention.map(|kept| retention_words(language, kept.days())),
            has_calendar: details.starts_at.is_some() && state != State::Draft,
            description: description::to_html(details.description.as_str()),
            seats: Seats::of(language, event, state),
            is_open,
            is_full,
            form_title: text(language, form_title(state), &[]),
            is_line,
            hint: is_open.then(|| text(language, hint(event, is_full, is_line), &[])),
            notice: notice(language, event, state),
            // A state that time alone has changed has no version yet, and so no tag.
            etag: match event.is_settled {
                true => etag(EventTag::from(event)).0.to_string(),
                false => String::new(),
            },
            data: script_json(&EventBody::from(event)),
            linked_data: script_json(&LinkedData::of(event, url, organizer)),
        }
    }

    /// Its place, if there is one.
    pub(crate) fn venue(&self) -> Option<&str> {
        self.venue.as_deref()
    }
}

impl OrganizerWords {
    fn of(language: Language, details: &EventDetails) -> Option<Self> {
        let name = details.organizer_name.as_ref().map(|name| name.as_str().to_owned());
        let contact = details.contact.as_ref();
        // An e-mail address is shown as it is; the URL of a page is not worth reading.
        let words = |contact: &Contact| match (contact.as_address(), &name) {
            (Some(address), _) => address.to_owned(),
            (None, Some(_)) => text(language, "facts.contact", &[]),
            (None, None) => text(language, "facts.ask", &[]),
        };
        let contact = contact.map(|of| ContactLink { href: of.href(), words: words(of) });
        (name.is_some() || contact.is_some()).then_some(Self { name, contact })
    }
}

impl Seats {
    /// Those of an event as it is at `now`.
    pub(crate) fn at(language: Language, event: &Event, now: DateTime<Utc>) -> Self {
        Self::of(language, event, State::of(event, now))
    }

    fn of(language: Language, event: &Event, state: State) -> Self {
        let (booked, capacity, left) = (event.booked_count, event.capacity.get(), free(event));
        let spent = match state {
            State::Cancelled => Some("seats.cancelled"),
            State::Over => Some("seats.over"),
            State::Closed(_) => Some("seats.closed"),
            _ if left == 0 => Some("seats.sold_out"),
            _ => None,
        };
        let unit = match spent {
            Some(_) => String::new(),
            None => counted(language, "seats.left", left, &[]),
        };
        let taken = grouped(language, booked);
        let blocks = capacity.clamp(1, BLOCKS_MAX);
        Self {
            is_spent: spent.is_some(),
            // The same share as in `static/js/seats.js`.
            is_few: spent.is_none() && u64::from(left) * 5 < u64::from(capacity),
            number: spent.map_or_else(|| grouped(language, left), |key| text(language, key, &[])),
            unit,
            text: counted(language, "seats.taken", capacity, &[("booked", &taken)]),
            booked,
            capacity,
            blocks,
            taken: blocks_taken(booked, left, capacity, blocks),
        }
    }
}

fn free(event: &Event) -> u32 {
    event.capacity.get().saturating_sub(event.booked_count)
}

/// Whole blocks only, and exact at both ends: none is filled only if no seat is taken, all are only if none is
/// left.
fn blocks_taken(booked: u32, left: u32, capacity: u32, blocks: u32) -> u32 {
    if left == 0 {
        return blocks;
    }
    let (booked, capacity) = (u64::from(booked), u64::from(capacity.max(1)));
    let rounded = (booked * u64::from(blocks) * 2 + capacity) / (capacity * 2);
    let rounded = u32::try_from(rounded).unwrap_or(blocks);
    rounded.max(u32::from(booked > 0)).min(blocks - 1)
}

fn badge(language: Language, state: State) -> Option<Badge> {
    let (kind, key) = match state {
        State::Draft => ("draft", "badge.draft"),
        State::Cancelled => ("cancelled", "badge.cancelled"),
        State::Over => ("over", "seats.over"),
        State::Open | State::Upcoming(_) | State::Closed(_) => return None,
    };
    Some(Badge { kind, words: text(language, key, &[]) })
}

fn retention_words(language: Language, days: u32) -> String {
    match days {
        0 => text(language, "facts.erased_at_end", &[]),
        days => counted(language, "facts.erased", days, &[]),
    }
}

/// Its key.
fn form_title(state: State) -> &'static str {
    match state {
        State::Open => "register.title",
        State::Draft => "register.title_draft",
        State::Cancelled => "register.title_cancelled",
        State::Over => "register.title_over",
        State::Upcoming(_) => "register.title_upcoming",
        State::Closed(_) => "refused.closed_title",
    }
}

/// Its key.
fn hint(event: &Event, is_full: bool, is_line: bool) -> &'static str {
    match (is_line, is_full) {
        (true, true) => "register.hint_waitlist",
        (true, false) => "register.hint_line",
        (false, true) => "register.full_now",
        (false, false) if event.rules.confirms_address => "register.hint_confirm",
        (false, false) => "register.hint_free",
    }
}

fn notice(language: Language, event: &Event, state: State) -> Option<String> {
    let details = &event.details;
    let (key, at) = match state {
        State::Open => return None,
        State::Draft => ("window.draft", None),
        State::Cancelled => ("window.cancelled", None),
        State::Over => match (details.ends_at, details.starts_at) {
            (Some(ended), _) => ("times.ended", Some(ended)),
            (None, Some(began)) => ("times.began", Some(began)),
            (None, None) => ("times.over", None),
        },
        State::Upcoming(opens_at) => ("window.opens_at", Some(opens_at)),
        State::Closed(closes_at) if event.waitlist_count == 0 => ("window.closed", Some(closes_at)),
        State::Closed(closes_at) => ("window.closed_line", Some(closes_at)),
    };
    let time = at.map(|at| moment(language, details.timezone.as_ref(), at)).unwrap_or_default();
    Some(text(language, key, &[("time", &time)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Capacity, CapacityMax, EventName, NewEvent};
    use chrono::TimeDelta;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).expect("an instant")
    }

    fn event(capacity: u32, change: impl FnOnce(&mut Event)) -> Event {
        let name = EventName::parse("Jazz").expect("valid");
        let seats = Capacity::parse(capacity.into(), CapacityMax::default()).expect("valid");
        let new = NewEvent::new(uuid::Uuid::from_u128(1).into(), name, seats);
        let mut event = new.created_at(now());
        change(&mut event);
        event
    }

    #[test]
    fn an_event_is_open_or_shows_why_not() {
        let hour = TimeDelta::hours(1);
        let of = |change: fn(&mut Event)| State::of(&event(3, change), now());
        assert_eq!(of(|_| {}), State::Open);
        assert_eq!(of(|event| event.rules.status = EventStatus::Draft), State::Draft);
        assert_eq!(of(|event| event.rules.status = EventStatus::Cancelled), State::Cancelled);
        assert_eq!(of(|event| event.details.ends_at = Some(now())), State::Over);
        let later = |event: &mut Event| event.rules.opens_at = Some(now() + TimeDelta::hours(1));
        assert_eq!(of(later), State::Upcoming(now() + hour));
        assert_eq!(of(|event| event.rules.closes_at = Some(now())), State::Closed(now()));
        type Change = fn(&mut Event);
        let changes: [(Change, bool); 5] = [
            (|_| {}, false),
            (later, false),
            (|event| event.rules.status = EventStatus::Draft, true),
            (|event| event.rules.status = EventStatus::Cancelled, true),
            (|event| event.details.ends_at = Some(now()), true),
        ];
        for (change, hidden) in changes {
            assert_eq!(is_hidden(&event(3, change), now()), hidden);
        }
    }

    #[test]
    fn a_closed_event_says_so_and_shows_no_seats_left() {
        let shown = |change: fn(&mut Event)| {
            let seats = Seats::at(Language::En, &event(1, change), now());
            (seats.number, seats.is_spent, seats.is_few)
        };
        assert_eq!(shown(|_| {}), ("1".to_owned(), false, false));
        let closed = shown(|event| event.rules.closes_at = Some(now()));
        assert_eq!(closed, ("Closed".to_owned(), true, false));
    }

    #[test]
    fn a_meter_is_exact_at_both_ends() {
        let taken = |booked: u32, capacity: u32| {
            let of = event(capacity, |event| event.booked_count = booked);
            let seats = Seats::of(Language::En, &of, State::Open);
            (seats.taken, seats.blocks)
        };
        assert_eq!(taken(0, 100_000), (0, 20));
        assert_eq!(taken(1, 100_000), (1, 20));
        assert_eq!(taken(50_000, 100_000), (10, 20));
        assert_eq!(taken(99_999, 100_000), (19, 20));
        assert_eq!(taken(100_000, 100_000), (20, 20));
        assert_eq!(taken(1, 3), (1, 3));
        assert_eq!(taken(0, 1), (0, 1));
        assert_eq!(taken(1, 1), (1, 1));
    }
}
