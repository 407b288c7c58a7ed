//! Cells in PostgreSQL, beside others: those cases in which cells matter.

mod common;

use common::{Cells, Kept};

booking_conformance::suite! { Cells::of(3, &[Kept::postgres, Kept::sqlite]) =>
    an_event_is_read_back
    events_are_listed_newest_first_in_pages
    events_are_listed_for_those_who_see_them
    a_batch_over_many_events_answers_in_order
    a_batch_over_many_events_is_kept_as_a_whole
    a_race_of_two_instances_gives_out_exactly_the_seats
    one_id_in_two_events_is_two_registrations
    one_key_in_three_scopes_is_three_requests
    an_event_is_put_up_once_for_a_key
    records_that_have_run_out_are_forgotten
    whatever_is_of_an_address_is_found_and_erased
    signing_seeds_are_kept
    ticket_keys_are_known_while_they_are_shown
    a_store_that_is_there_says_so
    totals_are_those_of_published_events
    a_token_is_kept_and_revoked
    racing_tokens_of_one_name_are_of_one_organizer
    an_organizer_manages_its_own_events_alone
    events_of_nobody_are_assigned
    a_token_has_its_role_and_its_events
    what_an_event_asks_is_kept
    answers_go_along_with_their_registration
    facts_go_to_those_that_they_are_for
    facts_are_for_mail_while_somebody_sends_it
    lanes_are_claimed_by_sink_longest_due_first
    no_fact_is_ever_passed_over
    an_endpoint_is_kept_and_changed
    there_are_never_too_many_endpoints
    what_was_sent_is_listed_latest_try_first
    an_endpoint_is_deleted_with_all_that_is_its
    a_backlog_tells_who_lags_behind
    people_are_reminded_of_an_event_once_for_each_time
    what_was_acknowledged_is_there_after_reopening
    generated_histories_over_two_instances_agree_with_the_oracle
}
