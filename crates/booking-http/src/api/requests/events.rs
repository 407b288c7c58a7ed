//! The bodies of organizers' requests about events.

use crate::api::openapi::schemas::{
    boolean as bool_schema, instant, integer, object, or_null, string, text as line, words,
};
use crate::extract::body::{BODY_BYTES_MAX, FromBody};
use crate::extract::fields::{Fields, boolean, number, text, word};
use crate::extract::json::CHARACTER_BYTES_MAX;
use booking_core::{
    Capacity, CapacityMax, Contact, Description, Edit, Event, EventDetails, EventName, EventRules,
    EventStatus, Language, OfferTtl, OrganizerName, RemindHours, Retention, TimeZone, Venue,
    parse_instant,
};
use chrono::{DateTime, Datelike, Utc};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The longest body of an event: a description, and enough for all other fields.
const EVENT_BODY_BYTES_MAX: usize =
    BODY_BYTES_MAX + CHARACTER_BYTES_MAX * Description::CHARACTERS_MAX;
// Three quarters of that for the other texts, and one for the short fields. A byte of UTF-8 takes no more than six
// as an escape.
const _: () = assert!(
    CHARACTER_BYTES_MAX
        * (EventName::CHARACTERS_MAX + Venue::CHARACTERS_MAX + OrganizerName::CHARACTERS_MAX)
        + CHARACTER_BYTES_MAX / 2 * Contact::BYTES_MAX
        <= BODY_BYTES_MAX / 4 * 3
);

/// The body of `POST /events`.
pub(crate) struct CreateEvent {
    pub(crate) details: EventDetails,
    /// Whether `retention_days` is in the body: where it is not, a setting is the default.
    pub(crate) says_retention: bool,
    pub(crate) capacity: Capacity,
    pub(crate) rules: EventRules,
}

impl FromBody for CreateEvent {
    const BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn from_fields(fields: &mut Fields<'_>, capacity_max: CapacityMax) -> Option<Self> {
        let name = fields.required("name", text(EventName::parse));
        let description = fields.optional("description", text(Description::parse));
        let seats = number(|seats| Capacity::parse(seats, capacity_max));
        let capacity = fields.required("capacity", seats);
        let (starts_at, ends_at) = in_order(fields, "starts_at", "ends_at");
        let timezone = fields.optional("timezone", text(TimeZone::parse));
        let venue = fields.optional("venue", text(Venue::parse));
        // Here null is a value: for ever.
        let retention = fields.clearable("retention_days", number(Retention::parse));
        let language = fields.optional("language", word(&languages()));
        let remind_hours = fields.optional("remind_hours", number(RemindHours::parse));
        let organizer_name = fields.optional("organizer_name", text(OrganizerName::parse));
        let contact = fields.optional("contact", text(Contact::parse));
        let is_unlisted = fields.optional("unlisted", boolean).unwrap_or_default();
        let rules = rules(fields);
        let (name, description) = (name?, description.unwrap_or_default());
        let (says_retention, retention) = (retention.is_some(), retention.flatten());
        let language = language.unwrap_or_default();
        let details = EventDetails {
            description,
            starts_at,
            ends_at,
            timezone,
            venue,
            retention,
            language,
            remind_hours,
            organizer_name,
            contact,
            is_unlisted,
            ..EventDetails::named(name)
        };
        Some(Self { details, says_retention, capacity: capacity?, rules })
    }
}

impl PartialSchema for CreateEvent {
    fn schema() -> RefOr<Schema> {
        let status = words(STATUSES.map(|(word, _)| word))
            .description(Some("published if left out; a draft is for its organizer alone"));
        event_schema()
            .property("name", name_schema())
            .required("name")
            .property("capacity", capacity_schema())
            .required("capacity")
            .property("status", or_null(status))
            .property("waitlist_enabled", or_null(waitlist_schema()))
            .property("conceal_registered", or_null(conceal_schema()))
            .property("confirm_address", or_null(confirm_address_schema()))
            .property("language", or_null(language_schema()))
            .property("unlisted", or_null(unlisted_schema()))
            .into()
    }
}

impl ToSchema for CreateEvent {}

/// The statuses that a new event may have.
const STATUSES: [(&str, EventStatus); 2] =
    [("draft", EventStatus::Draft), ("published", EventStatus::Published)];

/// The languages of mails, as they are written.
fn languages() -> [(&'static str, Language); 2] {
    Language::ALL.map(|language| (language.as_str(), language))
}

fn rules(fields: &mut Fields<'_>) -> EventRules {
    let default = EventRules::default();
    let status = fields.optional("status", word(&STATUSES));
    let (opens_at, closes_at) = in_order(fields, "opens_at", "closes_at");
    let waitlist_enabled = fields.optional("waitlist_enabled", boolean);
    // Here null is a value: waiters are confirmed at once.
    let offer_ttl = fields.clearable("offer_ttl_seconds", number(OfferTtl::parse));
    let conceals_registered = fields.optional("conceal_registered", boolean);
    let confirms_address = fields.optional("confirm_address", boolean);
    EventRules {
        status: status.unwrap_or(default.status),
        opens_at,
        closes_at,
        waitlist_enabled: waitlist_enabled.unwrap_or(default.waitlist_enabled),
        offer_ttl: offer_ttl.unwrap_or(default.offer_ttl),
        conceals_registered: conceals_registered.unwrap_or(default.conceals_registered),
        confirms_address: confirms_address.unwrap_or(default.confirms_address),
    }
}

/// Takes two instants, of which the second must not be before the first.
fn in_order(
    fields: &mut Fields<'_>,
    from: &str,
    to: &str,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let first = fields.optional(from, text(parse_instant));
    let second = fields.optional(to, text(parse_instant));
    if first.zip(second).is_some_and(|(first, second)| second < first) {
        fields.refuse(to, format!("must not be before {from}"));
    }
    (first, second)
}

/// The body of `POST /events/{id}/copy`: what differs from the original.
pub(crate) struct CopyEvent {
    name: Option<EventName>,
    /// When it begins; null: it is not known when.
    starts_at: Option<Option<DateTime<Utc>>>,
}

impl FromBody for CopyEvent {
    const MAY_BE_LEFT_OUT: bool = true;

    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let name = fields.optional("name", text(EventName::parse));
        let starts_at = fields.clearable("starts_at", text(parse_instant));
        Some(Self { name, starts_at })
    }
}

impl CopyEvent {
    /// The details of the copy of `event`, which is a draft. With another start its other times keep their distance
    /// from it; those of an event without a start stay as they are. Without a start the copy has none of them.
    pub(crate) fn of(self, event: Event) -> (EventDetails, EventRules) {
        let Event { details, rules, .. } = event;
        let moved = |time: Option<DateTime<Utc>>| match (self.starts_at, details.starts_at) {
            (None, _) => time,
            (Some(None), _) => None,
            (Some(Some(starts_at)), Some(before)) => {
                // No time is beyond the last year.
                let moved = time.and_then(|time| time.checked_add_signed(starts_at - before));
                moved.filter(|time| (1..=9_999).contains(&time.year()))
            }
            (Some(Some(_)), None) => time,
        };
        let rules = EventRules {
            status: EventStatus::Draft,
            opens_at: moved(rules.opens_at),
            closes_at: moved(rules.closes_at),
            ..rules
        };
        let (starts_at, ends_at) =
            (self.starts_at.unwrap_or(details.starts_at), moved(details.ends_at));
        let name = self.name.unwrap_or_else(|| details.name.clone());
        (EventDetails { name, starts_at, ends_at, ..details }, rules)
    }
}

impl PartialSchema for CopyEvent {
    fn schema() -> RefOr<Schema> {
        let starts_at = instant().description(Some(
            "When it begins: its other times move with it. As before if left out; null if it is not known",
        ));
        object()
            .property("name", or_null(name_schema()))
            .property("starts_at", or_null(starts_at))
            .into()
    }
}

impl ToSchema for CopyEvent {}

/// The body of `PATCH /events/{id}`. A field that is left out stays as it is; `null` clears one that can be empty.
pub(crate) struct EditEvent(pub(crate) Edit);

impl FromBody for EditEvent {
    const BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn from_fields(fields: &mut Fields<'_>, capacity_max: CapacityMax) -> Option<Self> {
        let seats = number(|seats| Capacity::parse(seats, capacity_max));
        // A draft becomes published, and a published event never a draft again.
        let publish = fields.given("status", word(&PUBLISH));
        Some(Self(Edit {
            if_match: None,
            name: fields.given("name", text(EventName::parse)),
            description: fields
                .clearable("description", text(Description::parse))
                .map(Option::unwrap_or_default),
            capacity: fields.given("capacity", seats),
            publish: publish.unwrap_or_default(),
            starts_at: fields.clearable("starts_at", text(parse_instant)),
            ends_at: fields.clearable("ends_at", text(parse_instant)),
            timezone: fields.clearable("timezone", text(TimeZone::parse)),
            venue: fields.clearable("venue", text(Venue::parse)),
            retention: fields.clearable("retention_days", number(Retention::parse)),
            opens_at: fields.clearable("opens_at", text(parse_instant)),
            closes_at: fields.clearable("closes_at", text(parse_instant)),
            waitlist_enabled: fields.given("waitlist_enabled", boolean),
            offer_ttl: fields.clearable("offer_ttl_seconds", number(OfferTtl::parse)),
            conceals_registered: fields.given("conceal_registered", boolean),
            confirms_address: fields.given("confirm_address", boolean),
            language: fields.given("language", word(&languages())),
            remind_hours: fields.clearable("remind_hours", number(RemindHours::parse)),
            organizer_name: fields.clearable("organizer_name", text(OrganizerName::parse)),
            contact: fields.clearable("contact", text(Contact::parse)),
            is_unlisted: fields.given("unlisted", boolean),
        }))
    }
}

/// The values that the status of an event can be set to.
const PUBLISH: [(&str, bool); 1] = [("published", true)];

impl PartialSchema for EditEvent {
    fn schema() -> RefOr<Schema> {
        event_schema()
            .property("name", name_schema())
            .property("capacity", capacity_schema())
            .property("status", words(PUBLISH.map(|(word, _)| word)))
            .property("waitlist_enabled", waitlist_schema())
            .property("conceal_registered", conceal_schema())
            .property("confirm_address", confirm_address_schema())
            .property("language", language_schema())
            .property("unlisted", unlisted_schema())
            .into()
    }
}

impl ToSchema for EditEvent {}

/// The fields that can be null, whether an event is created or edited.
fn event_schema() -> ObjectBuilder {
    let timezone = string().description(Some("A name of the IANA database"));
    let retention = integer(0..=Retention::DAYS_MAX).description(Some(
        "Days after its end for which personal data is kept; null for ever. A new event that does not say it has what \
         the server is set to",
    ));
    let offer_ttl = integer(OfferTtl::SECONDS_MIN..=OfferTtl::SECONDS_MAX).description(Some(
        "How long an offer is good for; null confirms those who wait at once. A new event that does not say it has a \
         day",
    ));
    let remind_hours = integer(RemindHours::HOURS_MIN..=RemindHours::HOURS_MAX)
        .description(Some("Hours before it begins at which a mail reminds of it; null: none does"));
    let organizer_name = line(1..=OrganizerName::CHARACTERS_MAX)
        .description(Some("Who puts it up, as people are to know them"));
    let contact = string().max_length(Some(Contact::BYTES_MAX)).description(Some(
        "Where people ask about it: an e-mail address, or a URL with https or http; at most 500 bytes of UTF-8",
    ));
    let opens_at = instant().description(Some("Before this instant nobody may register"));
    let closes_at = instant()
        .description(Some("From this instant on nobody new may register; not before `opens_at`"));
    object()
        .property("description", or_null(line(0..=Description::CHARACTERS_MAX)))
        .property("starts_at", or_null(instant()))
        .property("ends_at", or_null(instant().description(Some("Not before `starts_at`"))))
        .property("timezone", or_null(timezone))
        .property("venue", or_null(line(1..=Venue::CHARACTERS_MAX)))
        .property("retention_days", or_null(retention))
        .property("opens_at", or_null(opens_at))
        .property("closes_at", or_null(closes_at))
        .property("offer_ttl_seconds", or_null(offer_ttl))
        .property("remind_hours", or_null(remind_hours))
        .property("organizer_name", or_null(organizer_name))
        .property("contact", or_null(contact))
}

fn name_schema() -> ObjectBuilder {
    line(1..=EventName::CHARACTERS_MAX)
}

fn language_schema() -> ObjectBuilder {
    words(Language::ALL.map(Language::as_str))
        .description(Some("In which language mails are; en if a new event does not say it"))
}

fn waitlist_schema() -> ObjectBuilder {
    bool_schema().description(Some(
        "Whether people may wait for a seat; they may if a new event does not say it",
    ))
}

fn conceal_schema() -> ObjectBuilder {
    bool_schema().description(Some(
        "Whether who comes when there is no seat hears only that, who is registered too; not if a new event does \
         not say it",
    ))
}

fn confirm_address_schema() -> ObjectBuilder {
    bool_schema().description(Some(
        "Whether a visitor's seat is held until a link in a mail confirms it; only where mail is sent",
    ))
}

fn unlisted_schema() -> ObjectBuilder {
    bool_schema().description(Some(
        "Whether listings leave it out for those who do not manage it; its page and its address are as any other's. Not \
         if a new event does not say it",
    ))
}

/// The largest capacity is a setting.
fn capacity_schema() -> ObjectBuilder {
    integer(1..=CapacityMax::HIGHEST.get())
}
