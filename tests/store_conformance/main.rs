//! The rules of the `Store` port, run against every implementation: one list of tests, one factory per database.

#![expect(clippy::expect_used, reason = "helpers of tests; clippy knows test functions only")]

mod admission;
mod attempts;
mod callbacks;
mod claims;
mod costs;
mod dialling;
mod due;
mod ledger;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
mod results;
mod world;

/// Runs the whole suite on the stores that a factory makes; the factory returns what must outlive the store too.
macro_rules! conformance {
    ($database:ident, $factory:path) => {
        mod $database {
            conformance! { @each $factory;
                people: a_campaign_reads_back_as_it_was_written
                    a_campaign_is_replaced_only_while_none_of_its_attempts_is_open
                    contacts_keep_their_order_and_a_number_counts_once_per_campaign
                    contacts_of_an_unknown_campaign_are_refused_and_none_is_added
                    contacts_added_at_the_same_time_all_get_a_place
                    do_not_call_is_by_number_permanent_and_idempotent
                    a_removal_in_a_call_lists_the_number_of_the_contact
                    an_entry_of_unknown_source_or_attempt_is_refused
            }
            conformance! { @each $factory;
                ledger: the_marks_of_an_attempt_are_its_numbers_its_time_and_the_calls_of_others
                    who_called_last_is_the_latest_attempt_that_was_submitted_in_time
            }
            conformance! { @each $factory;
                attempts: l20_an_attempt_is_written_as_planned_and_counted_before_the_carrier_is_called
                    a_number_on_do_not_call_gets_no_attempt_and_nothing_is_counted
                    l23_of_many_attempts_to_one_number_at_once_exactly_one_is_created
                    a_number_is_free_again_once_its_attempt_has_ended
                    an_opt_out_between_plan_and_dial_stops_the_call
                    an_attempt_is_submitted_once
                    an_unclear_answer_is_kept_as_unknown_and_frees_nothing
                    a_refusal_of_the_carrier_ends_the_attempt_by_what_it_says_of_the_number
                    l21_a_late_reply_does_not_undo_what_a_callback_told
                    a_reply_with_another_call_id_is_refused
                    open_attempts_are_those_not_ended_oldest_first
                    attempts_that_do_not_exist_are_named_in_the_error
            }
            conformance! { @each $factory;
                admission: l24_a_token_admits_once_and_binds_call_account_and_stream
                    a_verdict_that_came_before_the_stream_comes_with_its_admission
                    l24_of_64_claims_of_one_token_at_once_exactly_one_admits
                    a_token_is_refused_with_the_reason
                    a_stream_before_the_reply_binds_the_call
                    a_call_of_another_attempt_is_not_admitted
                    a_planned_attempt_admits_nobody
            }
            conformance! { @each $factory;
                callbacks: a_status_moves_on_and_never_back
                    a_second_delivery_changes_nothing
                    without_sequence_numbers_kind_and_value_tell_a_second_delivery
                    l21_later_statuses_of_one_call_are_not_taken_for_duplicates
                    l21_a_terminal_callback_before_the_reply_ends_the_attempt_for_good
                    each_end_without_a_conversation_has_its_disposition
                    a_terminal_status_leaves_a_live_attempt_to_its_call
                    a_callback_of_another_call_is_refused
                    a_machine_verdict_is_kept_once
                    l21_every_order_of_callbacks_and_reply_ends_in_the_same_state
            }
            conformance! { @property $factory;
                callbacks: l21_any_shuffle_with_repeats_ends_as_the_order_of_events_does
            }
            conformance! { @each $factory;
                results: p40_a_report_reads_back_whole
                    l13_the_first_report_wins_and_a_later_wish_for_removal_is_kept
                    of_many_reports_at_once_one_wins
                    a_report_that_cannot_be_kept_whole_is_not_kept_in_part
                    results_have_a_row_per_contact_with_its_last_attempt
                    every_kind_of_answer_reads_back
                    a_purge_removes_words_and_keeps_values
                    a_purge_leaves_open_and_recent_attempts_alone
                    names_are_kept_for_calls_and_purged_when_there_will_be_none
            }
            conformance! { @each $factory;
                costs: what_a_call_used_is_counted_once_with_the_report_that_ended_it
                    a_report_that_is_not_kept_charges_nobody
                    the_pages_of_calls_add_up_to_the_totals_by_mode_and_model
                    a_query_has_its_mode_and_its_span_and_no_other_campaign
                    the_carrier_counts_minutes_that_have_begun_call_by_call
                    what_preparations_used_stands_apart_in_every_mode
                    l27_turns_are_counted_by_each_of_their_parts
                    a_purge_leaves_costs_which_are_nobodys
            }
            conformance! { @each $factory;
                claims: a_claim_writes_the_attempt_and_moves_the_contact_in_one_step
                    l23_of_many_claims_of_one_number_at_once_exactly_one_wins
                    a_claim_is_refused_with_the_reason
                    a_released_claim_uses_nothing_up
                    an_opt_out_between_claim_and_dial_stops_the_call_and_names_what_is_in_flight
                    of_an_opt_out_and_a_dial_at_once_none_is_submitted_after_the_opt_out
                    nothing_is_submitted_for_a_campaign_that_was_paused_or_a_leader_that_was_replaced
                    an_attempt_is_submitted_by_one_node_once
                    leadership_passes_to_newer_epochs_alone
                    l19_at_the_last_attempt_the_contact_is_not_reached_with_exactly_one_event
            }
            conformance! { @each $factory;
                due: only_contacts_in_open_zones_that_are_due_are_candidates
                    a_number_that_another_campaign_called_cools_down_and_a_retry_is_exempt
                    p44_a_rehearsal_uses_up_no_attempt_and_no_cooldown_and_counts_apart
                    consent_and_the_registry_are_asked_where_the_campaign_wants_them_and_a_stale_word_fails_closed
                    a_listed_number_is_excluded_in_every_campaign_and_from_the_start_in_later_ones
                    l22_a_callback_is_due_at_the_time_asked_for_on_the_clock_of_the_person
                    a_callback_without_a_time_that_could_be_kept_comes_after_the_pause
                    l19_the_budget_of_attempts_ends_before_the_time_asked_for
                    completed_and_refused_contacts_are_never_due_again_and_tell_it_once
                    usage_holds_what_is_in_flight_and_what_was_begun_by_day
                    l18_a_call_that_outlasts_its_outcome_counts_until_the_carrier_says_that_it_is_over
                    a_campaign_goes_through_its_life_in_order
                    an_overview_says_who_is_left_why_others_are_not_and_how_the_latest_calls_ended
            }
        }
    };
    (@each $factory:path; $module:ident: $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                let runtime = $crate::world::runtime();
                let (store, _kept) = runtime.block_on($factory());
                runtime.block_on(async {
                    $crate::$module::$test(store).await;
                });
            }
        )*
    };
    (@property $factory:path; $module:ident: $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                let runtime = $crate::world::runtime();
                let (store, _kept) = runtime.block_on($factory());
                $crate::$module::$test(&runtime, store);
            }
        )*
    };
}

conformance!(sqlite, crate::world::sqlite);
conformance!(postgresql, crate::world::postgres);
