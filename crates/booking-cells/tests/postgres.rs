//! Cells in PostgreSQL, beside others: those cases in which cells matter.

mod common;

use common::{Backend, Cells};

booking_conformance::suite! { Cells::of(3, &[Backend::postgres, Backend::sqlite]) =>
    an_event_is_read_back
    events_are_listed_newest_first_in_pages
    events_are_listed_only_for_callers_who_may_see_them
    a_batch_over_many_events_answers_in_order
    a_batch_over_many_events_is_atomic
    a_race_of_two_instances_gives_out_exactly_the_seats
    one_id_in_two_events_is_two_registrations
    one_key_in_three_scopes_is_three_requests
    an_event_is_created_once_per_key
    expired_idempotency_records_are_purged
    every_registration_of_an_address_is_found_and_erased
    signing_seeds_are_stored
    ticket_keys_are_shared_while_a_server_shows_them
    a_working_store_reports_its_health
    totals_count_only_published_events
    an_organizer_token_is_stored_and_revoked
    concurrent_tokens_of_one_name_share_one_organizer
    an_organizer_manages_only_its_own_events
    unowned_events_are_assigned_to_an_organizer
    an_organizer_token_has_its_role_and_its_events
    the_questions_of_an_event_are_stored
    answers_stay_with_their_registration
    facts_are_routed_to_their_endpoints
    facts_are_routed_to_mail_while_a_server_sends_it
    lanes_are_claimed_by_sink_longest_due_first
    no_fact_is_ever_skipped
    an_endpoint_is_stored_and_changed
    the_endpoint_limit_is_never_exceeded
    deliveries_are_listed_latest_attempt_first
    an_endpoint_is_deleted_with_its_lanes_and_log
    the_backlog_reports_the_sinks_that_lag
    attendees_are_reminded_once_for_each_reminder_time
    acknowledged_writes_survive_reopening
    generated_histories_over_two_instances_agree_with_the_oracle
}
