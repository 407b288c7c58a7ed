//! What every [`BookingStore`](booking_core::BookingStore) must do, as a list of cases that any store can be run
//! through.
//!
//! The author of a store implements [`Fixture`] and puts one line into a test file:
//!
//! ```ignore
//! booking_conformance::suite!(MyFixture::new().await);
//! ```
//!
//! This makes one test of each case. The crate that uses it needs `tokio` with `macros` and `rt-multi-thread` among its
//! development dependencies.
//!
//! `tests/journal` of this crate is a complete example: a store over a file of JSON lines, and how the suite catches it
//! with common mistakes.
//!
//! [`MemoryStore`] is the oracle: the same [`decide`](booking_core::decide()) over maps in memory, so that a store
//! differs from the oracle only in storage. It also serves as a store in the tests of programs that embed
//! `booking-core`.

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
// For tests that break the oracle on purpose: not part of the public API.
#[doc(hidden)]
pub use memory::DeliveryFlaw;
pub use memory::MemoryStore;
pub use tables::{DeliveryTables, EventTable};
pub use tools::ManualClock;

/// Makes one `#[tokio::test]` of each case, each with its own fixture, made by the given expression (which may
/// `.await`); only of the cases named after `=>`, if there are any. With `ignored = "why", ` before it the tests are
/// ignored by default.
#[macro_export]
macro_rules! suite {
    (ignored = $why:tt, $fixture:expr) => {
        $crate::suite! { [#[ignore = $why]] $fixture }
    };
    ([$($attribute:tt)*] $fixture:expr) => {
        $crate::suite! { @cases [$($attribute)*] $fixture =>
            registration_opens_and_closes_on_time
            a_draft_takes_no_registrations
            an_edit_changes_only_the_fields_it_names
            an_edit_is_made_only_if_its_precondition_holds
            the_capacity_never_drops_below_the_booked_seats
            a_rush_during_capacity_changes_never_oversells
            a_finished_event_gives_out_no_seats
            an_offer_ends_with_its_event
            end_times_changed_in_one_batch_act_as_one_by_one
            holds_and_the_waitlist_are_served_after_registration_closes
            a_full_event_may_conceal_who_is_registered
            a_scan_reports_early_and_late_attendees
            an_event_reports_when_it_was_changed
            each_event_change_is_recorded_with_its_kind
            a_correction_keeps_the_ticket_valid
            a_transfer_to_oneself_is_a_correction
            a_new_link_invalidates_the_old_one
            cancelling_an_event_ends_its_registrations
            an_event_is_read_back
            creating_an_event_again_returns_it
            an_unknown_event_is_reported
            texts_are_stored_unchanged
            events_are_listed_newest_first_in_pages
            registrations_are_listed_oldest_first_in_pages
            events_are_listed_by_start_time
            registrations_are_read_by_id
            live_registrations_are_read_by_address
            counts_agree_with_the_listed_registrations
            an_organizer_registers_attendees_outside_the_hours
            a_registration_takes_a_seat
            the_last_seat_is_given_and_no_more
            an_address_has_one_seat_per_event
            a_duplicate_is_reported_even_when_sold_out
            duplicates_inside_a_batch_get_one_seat
            a_batch_over_many_events_answers_in_order
            an_empty_batch_is_answered
            a_large_batch_is_answered
            executing_again_finds_its_own_success
            a_first_command_is_decided_like_any_other
            a_repeated_id_is_found_even_after_its_address_changed
            one_id_may_name_registrations_of_two_events
            one_id_in_two_events_is_two_registrations
            one_address_in_two_events_is_two_registrations
            one_id_in_two_events_of_a_batch_is_two_registrations
            one_manage_token_of_two_registrations_manages_each
            one_key_in_three_scopes_is_three_requests
            revoking_a_token_leaves_the_others_valid
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
            a_cancelled_seat_can_be_registered_again
            an_unknown_registration_is_reported
            a_seat_is_transferred_to_another_attendee
            a_manage_token_opens_only_its_own_registration
            an_address_moves_between_registrations_in_one_batch
            a_registration_is_made_and_ended_in_one_batch
            a_history_lists_every_change
            an_expired_hold_counts_for_nothing
            availability_agrees_with_each_event
            a_seat_is_free_the_instant_its_hold_expires
            a_refusal_says_when_a_held_seat_may_come_free
            due_events_are_found_and_settled
            many_holds_that_expire_together_free_every_seat
            a_race_at_hold_expiry_gives_each_seat_once
            waitlist_positions_are_reported_correctly
            a_freed_seat_is_offered_to_the_head_of_the_waitlist
            an_expired_offer_goes_to_the_next_in_line
            without_offers_the_head_of_the_waitlist_is_confirmed
            raising_the_capacity_serves_the_waitlist_first
            a_waitlist_can_be_closed
            a_thousand_newcomers_do_not_get_the_seat_of_the_waitlist
            a_long_waitlist_is_served_in_order
            a_visitors_seat_is_held_until_its_address_is_confirmed
            only_the_address_owner_learns_that_it_is_registered
            a_waitlisted_visitor_is_offered_a_seat_where_addresses_are_confirmed
            an_organizer_registers_attendees_without_confirmation_mail
            a_seat_is_not_transferred_to_an_unconfirmed_address
            an_outcome_sent_by_mail_is_replayed_under_its_key
            a_ticket_admits_once
            a_void_ticket_is_refused_with_its_reason
            an_offline_scan_counts_from_when_it_was_made
            concurrent_scans_admit_one_attendee
            a_repeated_key_returns_the_first_answer
            a_refusal_is_replayed_under_its_key
            every_command_accepts_an_idempotency_key
            a_replay_returns_the_stored_answer_of_a_key
            a_race_with_one_key_takes_one_seat
            an_event_is_created_once_per_key
            expired_idempotency_records_are_purged
            a_refusal_is_stored_for_minutes
            every_registration_of_an_address_is_found_and_erased
            an_erased_seat_goes_to_the_head_of_the_waitlist
            a_finished_event_keeps_its_counts_after_erasure
            idempotency_records_of_an_address_are_purged
            registrations_are_erased_after_the_retention_period
            registrations_of_a_cancelled_event_are_erased
            a_large_event_is_erased_in_steps
            erasing_during_a_sale_loses_no_seat
            signing_seeds_are_stored
            ticket_keys_are_shared_while_a_server_shows_them
            a_working_store_reports_its_health
            totals_count_only_published_events
            an_organizer_token_is_stored_and_revoked
            an_organizer_token_has_its_role_and_its_events
            concurrent_tokens_of_one_name_share_one_organizer
            an_organizer_manages_only_its_own_events
            a_draft_is_visible_only_to_its_organizer
            events_are_listed_only_for_callers_who_may_see_them
            unowned_events_are_assigned_to_an_organizer
            the_questions_of_an_event_are_stored
            a_visitor_must_answer_required_questions
            answers_stay_with_their_registration
            an_answered_question_can_only_be_retired
            every_wording_of_a_consent_is_stored
            facts_are_routed_to_their_endpoints
            facts_are_routed_to_mail_while_a_server_sends_it
            a_lane_returns_every_fact_in_order
            an_expired_lease_writes_nothing
            steps_of_many_lanes_are_written_together
            failed_deliveries_are_retried_or_dropped
            lanes_are_claimed_by_sink_longest_due_first
            a_refusal_makes_no_fact
            no_fact_is_ever_skipped
            an_endpoint_is_stored_and_changed
            the_endpoint_limit_is_never_exceeded
            deliveries_are_listed_latest_attempt_first
            an_endpoint_is_deleted_with_its_lanes_and_log
            a_mail_is_claimed_by_one_worker_at_a_time
            mail_results_are_written_together
            mails_are_retried_or_dropped
            the_backlog_reports_the_sinks_that_lag
            finished_deliveries_are_purged_in_steps
            the_live_registrations_of_an_event_are_listed
            attendees_are_reminded_once_for_each_reminder_time
            a_former_holder_is_stored_until_notified
            no_former_holder_is_stored_where_no_mail_is_sent
            former_holders_are_purged_in_time
            erasing_a_former_holder_leaves_nothing
            an_address_has_one_seat_in_every_spelling
            other_spellings_of_an_address_are_found_and_erased
            invisible_names_are_still_read
            every_optional_field_is_stored
            versions_follow_one_another_without_gaps
            a_batch_over_many_events_is_atomic
            acknowledged_writes_survive_reopening
            erasing_a_person_leaves_nothing_personal
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
