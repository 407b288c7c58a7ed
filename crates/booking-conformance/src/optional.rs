//! Which optional fields the commands and events of a history have set. All are destructured in full: the author of
//! such a field has to generate it too.

use booking_core::{
    CheckIn, Claim, Command, Correct, CorrectedAddress, Edit, EventCommand, EventDetails,
    EventRules, Hold, NewEvent, NewEventFields, Person, Register, RenewLink, SetQuestions,
    Transfer,
};
use std::collections::BTreeMap;

/// How often each field was left out, and how often it was set.
#[derive(Debug, Default)]
pub(crate) struct OptionalFields(BTreeMap<&'static str, [usize; 2]>);

impl OptionalFields {
    fn note(&mut self, field: &'static str, is_set: bool) {
        self.0.entry(field).or_default()[usize::from(is_set)] += 1;
    }

    /// The fields that were never set, or never left out: a history has not tested them.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = String> {
        let unseen = self.0.iter().filter(|(_, counts)| counts.contains(&0));
        unseen.map(|(field, [left_out, set])| format!("{field}: set {set}, left out {left_out}"))
    }

    pub(crate) fn note_event(&mut self, new: &NewEvent) {
        let NewEventFields { id: _, organizer_id, details, capacity: _, rules } = &**new;
        let EventDetails {
            name: _,
            description,
            starts_at,
            ends_at,
            timezone,
            venue,
            retention,
            language: _,
            remind_hours,
            organizer_name,
            contact,
            is_unlisted: _,
        } = details;
        let EventRules {
            status: _,
            opens_at,
            closes_at,
            waitlist_enabled: _,
            offer_ttl,
            conceals_registered: _,
            confirms_address: _,
        } = rules;
        self.note("event.organizer_id", organizer_id.is_some());
        self.note("event.description", !description.as_str().is_empty());
        self.note("event.starts_at", starts_at.is_some());
        self.note("event.ends_at", ends_at.is_some());
        self.note("event.timezone", timezone.is_some());
        self.note("event.venue", venue.is_some());
        self.note("event.retention", retention.is_some());
        self.note("event.remind_hours", remind_hours.is_some());
        self.note("event.organizer_name", organizer_name.is_some());
        self.note("event.contact", contact.is_some());
        self.note("event.opens_at", opens_at.is_some());
        self.note("event.closes_at", closes_at.is_some());
        self.note("event.offer_ttl", offer_ttl.is_some());
    }

    pub(crate) fn note_command(&mut self, item: &EventCommand) {
        let EventCommand { event_id: _, command, caller: _, key, request_id, is_first } = item;
        self.note("command.key", key.is_some());
        self.note("command.request_id", request_id.is_some());
        self.note("command.is_first", *is_first);
        match command {
            Command::Register(Register { claim, on_full: _, as_organizer: _ })
            | Command::Hold(Hold { claim, ttl: _ }) => {
                let Claim { registration_id: _, person, token_hash } = claim;
                let Person { user_email: _, name, answers } = person;
                self.note("claim.name", name.is_some());
                self.note("claim.answers", !answers.is_empty());
                self.note("claim.token_hash", token_hash.is_some());
            }
            Command::Transfer(Transfer { registration_id: _, person, token_hash }) => {
                let Person { user_email: _, name, answers } = person;
                self.note("transfer.name", name.is_some());
                self.note("transfer.answers", !answers.is_empty());
                self.note("transfer.token_hash", token_hash.is_some());
            }
            Command::Correct(Correct { registration_id: _, name, address, answers }) => {
                self.note("correct.name", name.is_some());
                self.note("correct.answers", answers.is_some());
                self.note("correct.address", address.is_some());
                if let Some(CorrectedAddress { user_email: _, token_hash }) = address {
                    self.note("correct.address.token_hash", token_hash.is_some());
                }
            }
            Command::CheckIn(scan) => {
                let CheckIn { registration_id: _, generation: _, scan_id: _, scanned_at } = scan;
                self.note("check_in.scanned_at", scanned_at.is_some());
            }
            Command::Edit(edit) => self.note_edit(edit),
            Command::SetQuestions(set) => {
                let SetQuestions { if_match, asked } = &**set;
                self.note("set_questions.if_match", if_match.is_some());
                self.note("set_questions.asked", !asked.as_slice().is_empty());
            }
            Command::Confirm { registration_id: _, answers } => {
                self.note("confirm.answers", !answers.is_empty());
            }
            Command::RenewLink(RenewLink { registration_id: _, token_hash: _ })
            | Command::Cancel { registration_id: _ }
            | Command::UndoCheckIn { registration_id: _ }
            | Command::Erase { registration_id: _ }
            | Command::CancelEvent
            | Command::EraseDue
            | Command::Settle
            | Command::Replay => {}
        }
    }

    fn note_edit(&mut self, edit: &Edit) {
        let Edit {
            if_match,
            name,
            description,
            capacity,
            publish: _,
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
            opens_at,
            closes_at,
            waitlist_enabled,
            offer_ttl,
            conceals_registered,
            confirms_address,
        } = edit;
        self.note("edit.if_match", if_match.is_some());
        self.note("edit.name", name.is_some());
        self.note("edit.description", description.is_some());
        self.note("edit.capacity", capacity.is_some());
        self.note("edit.starts_at", starts_at.is_some());
        self.note("edit.ends_at", ends_at.is_some());
        self.note("edit.timezone", timezone.is_some());
        self.note("edit.venue", venue.is_some());
        self.note("edit.retention", retention.is_some());
        self.note("edit.language", language.is_some());
        self.note("edit.remind_hours", remind_hours.is_some());
        self.note("edit.organizer_name", organizer_name.is_some());
        self.note("edit.contact", contact.is_some());
        self.note("edit.is_unlisted", is_unlisted.is_some());
        self.note("edit.opens_at", opens_at.is_some());
        self.note("edit.closes_at", closes_at.is_some());
        self.note("edit.waitlist_enabled", waitlist_enabled.is_some());
        self.note("edit.offer_ttl", offer_ttl.is_some());
        self.note("edit.conceals_registered", conceals_registered.is_some());
        self.note("edit.confirms_address", confirms_address.is_some());
    }
}
