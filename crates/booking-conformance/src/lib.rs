//! What every [`BookingStore`](booking_core::BookingStore) must do, as a list of cases that any store can be run
//! through.
//!
//! Whoever writes a store implements [`Fixture`] and puts one line into a test file:
//!
//! ```ignore
//! booking_conformance::suite!(MyFixture::new().await);
//! ```
//!
//! This makes one test of each case. The crate that does it needs `tokio` with `macros` and
//! `rt-multi-thread` among its development dependencies.
//!
//! `tests/journal` of this crate is a whole example: a store over a file of JSON lines, and what becomes of it
//! with the mistakes that are easily made.
//!
//! [`MemoryStore`] is the oracle: the same [`decide`](booking_core::decide()) over maps in memory, so
//! that what differs between a store and the oracle is only storage. It also serves as a store in
//! the tests of whoever embeds `booking-core`.

pub mod cases;
mod deliveries;
mod delivery;
mod fixture;
mod generator;
mod history;
mod memory;
mod optional;
mod tables;
mod tools;

pub use fixture::Fixture;
// For tests that break the oracle on purpose: no part of what embedders may rely on.
#[doc(hidden)]
pub use memory::DeliveryFlaw;
pub use memory::MemoryStore;
pub use tables::{DeliveryTables, EventTable};
pub use tools::ManualClock;

/// Makes one `#[tokio::test]` of each case, each with a fixture of its own, made by the given
/// expression (which may `.await`); of those alone that are named behind a `=>`, if some are. With `ignored = "why", ` before it they run only when they are asked for.
#[macro_export]
macro_rules! suite {
    (ignored = $why:tt, $fixture:expr) => {
        $crate::suite! { [#[ignore = $why]] $fixture }
    };
    ([$($attribute:tt)*] $fixture:expr) => {
        $crate::suite! { @cases [$($attribute)*] $fixture =>
            doors_open_and_close_at_their_instants
            a_draft_takes_nobody
            an_edit_changes_what_it_names
            an_edit_is_for_the_states_that_it_names
            a_capacity_is_never_below_what_is_booked
            a_rush_against_changes_of_capacity_never_oversells
            an_event_that_is_over_gives_nothing_out
            an_offer_ends_with_its_event
            ends_that_change_in_one_batch_are_as_one_by_one
            whoever_came_before_the_doors_closed_is_served
            a_full_event_may_conceal_who_is_registered
            a_scan_tells_who_is_early_and_who_is_late
            an_event_tells_when_it_was_changed
            each_change_of_an_event_is_kept_for_what_it_was
            a_mistake_is_corrected_and_the_ticket_stays_good
            a_transfer_to_oneself_is_a_correction
            a_new_link_ends_the_one_before
            cancelling_an_event_ends_what_is_registered
            an_event_is_read_back
            creating_an_event_again_returns_it
            what_does_not_exist_is_told
            texts_survive
            events_are_listed_newest_first_in_pages
            registrations_are_listed_oldest_first_in_pages
            events_are_listed_by_their_beginnings
            registrations_are_read_by_their_ids
            live_registrations_are_read_by_their_addresses
            counts_tell_what_became_of_registrations
            whoever_manages_an_event_registers_outside_its_hours
            a_registration_takes_a_seat
            the_last_seat_is_given_and_no_more
            an_address_has_one_seat_of_an_event
            whoever_has_a_seat_hears_that_even_when_sold_out
            duplicates_inside_a_batch_get_one_seat
            a_batch_over_many_events_answers_in_order
            an_empty_batch_is_answered
            a_large_batch_is_answered
            executing_again_finds_its_own_success
            an_id_that_is_taken_is_found_whatever_became_of_its_address
            one_id_may_name_registrations_of_two_events
            one_id_in_two_events_is_two_registrations
            one_address_in_two_events_is_two_registrations
            one_id_in_two_events_of_a_batch_is_two_registrations
            one_manage_token_of_two_registrations_manages_each
            one_key_in_three_scopes_is_three_requests
            one_token_of_an_organizer_is_revoked_alone
            a_thousand_refusals_change_nothing
            the_stores_clock_is_used
            without_a_clock_the_databases_time_is_used
            a_race_for_one_event_gives_out_exactly_its_seats
            a_race_of_two_instances_gives_out_exactly_the_seats
            a_race_for_one_address_has_one_winner
            a_race_of_the_same_commands_agrees
            a_race_to_create_one_event_creates_one
            readers_never_see_an_oversold_event
            skipping_busy_events_loses_nothing
            a_hold_is_confirmed_once
            a_seat_is_given_up_and_given_again
            a_registration_that_does_not_exist_is_told
            a_seat_is_given_to_somebody_else
            a_token_opens_its_own_registration
            an_address_moves_between_registrations_in_one_batch
            a_whole_life_in_one_batch
            a_history_tells_every_change
            a_hold_that_has_run_out_counts_for_nothing
            how_full_events_are_is_what_they_say
            a_seat_is_back_in_the_instant_in_which_its_hold_ends
            who_finds_all_seats_held_hears_when_to_come_again
            what_is_due_is_found_and_tidied
            many_holds_that_run_out_together_give_all_seats_back
            a_race_at_the_end_of_holds_gives_each_seat_once
            positions_are_told_and_true
            a_freed_seat_is_offered_to_the_head_of_the_queue
            an_offer_that_lapses_is_passed_on
            without_offers_the_head_of_the_queue_is_confirmed
            raising_the_capacity_serves_the_queue_first
            a_waitlist_can_be_closed
            a_thousand_passers_by_do_not_get_the_seat_of_who_waits
            a_long_queue_is_served_in_order
            a_visitors_seat_is_held_until_its_address_is_confirmed
            only_whoever_has_an_address_hears_that_it_is_registered
            a_place_in_the_queue_is_kept_by_mail_and_offered
            an_organizer_gives_seats_at_once_where_addresses_are_confirmed
            nobody_gives_a_seat_to_an_address_that_did_not_confirm_it
            what_is_told_by_mail_is_told_again_under_its_key
            a_ticket_lets_in_once
            a_void_ticket_is_refused_with_its_reason
            a_scan_counts_from_when_it_was_made
            a_race_of_scanners_lets_one_in
            a_key_is_answered_with_its_first_answer
            a_refusal_is_answered_again
            every_command_may_have_a_key
            a_replay_finds_what_was_answered_under_a_key
            a_race_with_one_key_takes_one_seat
            an_event_is_put_up_once_for_a_key
            records_that_have_run_out_are_forgotten
            a_refusal_is_kept_for_minutes
            whatever_is_of_an_address_is_found_and_erased
            a_seat_that_is_erased_goes_to_the_head_of_the_queue
            an_event_that_is_over_keeps_its_counts
            records_of_an_address_are_forgotten
            what_was_kept_for_long_enough_is_erased
            what_was_registered_for_a_cancelled_event_is_erased
            a_large_event_is_erased_in_steps
            erasing_beside_a_sale_loses_no_seat
            signing_seeds_are_kept
            ticket_keys_are_known_while_they_are_shown
            a_store_that_is_there_says_so
            totals_are_those_of_published_events
            a_token_is_kept_and_revoked
            a_token_has_its_role_and_its_events
            racing_tokens_of_one_name_are_of_one_organizer
            an_organizer_manages_its_own_events_alone
            a_draft_is_there_for_its_organizer_alone
            events_are_listed_for_those_who_see_them
            events_of_nobody_are_assigned
            what_an_event_asks_is_kept
            a_visitor_answers_what_has_to_be_answered
            answers_go_along_with_their_registration
            a_question_that_was_answered_is_only_retired
            every_wording_of_a_consent_is_kept
            facts_go_to_those_that_they_are_for
            facts_are_for_mail_while_somebody_sends_it
            a_lane_leads_along_every_fact_in_order
            a_lost_lease_writes_nothing
            steps_of_many_lanes_are_written_together
            what_failed_is_tried_again_or_given_up
            lanes_are_claimed_by_sink_longest_due_first
            a_refusal_makes_no_fact
            no_fact_is_ever_passed_over
            an_endpoint_is_kept_and_changed
            there_are_never_too_many_endpoints
            what_was_sent_is_listed_latest_try_first
            an_endpoint_is_deleted_with_all_that_is_its
            a_mail_is_sent_by_one_at_a_time
            what_became_of_mails_is_written_together
            mails_are_tried_again_or_given_up
            a_backlog_tells_who_lags_behind
            what_was_delivered_is_forgotten_in_steps
            those_who_are_to_hear_of_an_event_are_listed
            people_are_reminded_of_an_event_once_for_each_time
            whoever_gave_a_seat_away_is_known_until_they_were_told
            nobody_is_known_to_have_given_a_seat_away_where_no_mail_is_sent
            whoever_gave_a_seat_away_is_forgotten_in_time
            nothing_is_left_of_whoever_gave_a_seat_away_and_was_erased
            an_address_has_one_seat_however_it_is_spelt
            other_spellings_of_an_address_are_found_and_erased
            names_that_show_nothing_are_still_read
            whatever_may_be_said_is_kept
            versions_follow_one_another_without_gaps
            a_batch_over_many_events_is_kept_as_a_whole
            what_was_acknowledged_is_there_after_reopening
            nothing_is_left_of_whoever_was_erased
            generated_histories_agree_with_the_oracle
            generated_histories_through_reopenings_agree_with_the_oracle
            generated_histories_over_two_instances_agree_with_the_oracle
        }
    };
    (@cases $attributes:tt $fixture:expr => $($case:ident)*) => {
        $($crate::suite! { @case $attributes [$fixture] $case })*

        /// How many cases this suite ran, for the check that none was left out.
        #[allow(dead_code, clippy::allow_attributes, reason = "only the suite's own crate checks it")]
        const SUITE_CASES: &[&str] = &[$(stringify!($case)),*];
    };
    (@case [$($attribute:tt)*] [$fixture:expr] $case:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attribute)*
        async fn $case() {
            let fixture = $fixture;
            $crate::cases::$case(&fixture).await;
        }
    };
    ($fixture:expr) => {
        $crate::suite! { [] $fixture }
    };
    ($fixture:expr => $($case:ident)*) => {
        $crate::suite! { @cases [] $fixture => $($case)* }
    };
}
