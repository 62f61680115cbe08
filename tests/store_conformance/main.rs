//! The rules of the `Store` port, run against every implementation: one list of tests, one factory per database.

#![expect(clippy::expect_used, reason = "helpers of tests; clippy knows test functions only")]

mod accounts;
mod admission;
mod attempts;
mod audit;
mod callbacks;
mod catalog;
mod claims;
mod costs;
mod dialling;
mod due;
mod exclusions;
mod idempotency;
mod imports;
mod last_moment;
mod ledger;
mod pages;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
mod results;
mod statistics;
mod taken_out;
mod tokens;
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
                    an_entry_of_an_unknown_attempt_is_refused
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
                admission: an_admission_says_which_language_its_person_chose
                    l24_a_token_admits_once_and_binds_call_account_and_stream
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
                    who_took_a_call_reads_back_whoever_it_was
                    a_purge_removes_words_and_keeps_values
                    a_purge_leaves_open_and_recent_attempts_alone
                    names_and_addresses_are_kept_for_calls_and_purged_when_there_will_be_none
                    what_the_registry_said_is_purged_when_it_is_too_old
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
                    l17_after_a_machine_or_a_screener_a_call_is_due_by_the_campaigns_rule_and_after_a_fax_none
                    l19_the_budget_of_attempts_ends_before_the_time_asked_for
                    completed_and_refused_contacts_are_never_due_again_and_tell_it_once
                    usage_holds_what_is_in_flight_and_what_was_begun_by_day
                    l18_a_call_that_outlasts_its_outcome_counts_until_the_carrier_says_that_it_is_over
                    a_campaign_goes_through_its_life_in_order
                    an_overview_says_who_is_left_why_others_are_not_and_how_the_latest_calls_ended
            }
            conformance! { @each $factory;
                last_moment: who_was_rehearsed_to_the_end_can_be_called_for_real
                    who_is_listed_while_it_rings_is_not_spoken_to
                    who_was_rehearsed_and_listed_since_is_out_and_who_was_out_begins_anew_when_back
                    a_leader_completes_no_campaign_that_has_somebody_to_call_or_is_being_added_to
            }
            conformance! { @each $factory;
                catalog: a_draft_is_created_once_and_its_audit_entry_holds_it
                    every_change_of_definition_mode_or_lifecycle_makes_a_new_version
                    an_edit_of_another_version_is_refused_and_leaves_nothing
                    a_campaign_that_runs_or_is_over_or_has_open_attempts_is_not_edited
                    a_copy_is_a_draft_without_contacts
                    a_draft_is_deleted_with_all_that_is_its_own
                    a_campaign_that_was_called_or_paid_for_is_not_deleted
                    a_change_that_is_refused_changes_neither_mode_nor_lifecycle_nor_the_log
                    campaigns_are_found_by_state_date_and_name_in_pages_newest_first
            }
            conformance! { @each $factory;
                imports: imports_are_listed_the_newest_first_in_pages
                    a_batch_is_taken_whole_with_its_rejections_and_its_counts
                    a_batch_of_any_length_is_taken_as_its_rows_one_by_one_would_be
                    a_number_that_wants_no_calls_is_listed_and_its_contact_excluded_from_the_start
                    an_import_that_has_ended_takes_no_more_rows
                    a_batch_that_cannot_be_kept_whole_is_not_kept_in_part
                    an_import_into_a_campaign_that_is_over_or_missing_is_refused
                    an_import_of_which_nothing_was_heard_is_ended_as_failed_and_no_other
            }
            conformance! { @each $factory;
                exclusions: p50_what_was_said_in_a_call_stays_by_whatever_way_it_is_asked_to_go
                    p24_what_was_written_and_then_said_in_a_call_stays_too
                    an_entry_is_removed_and_only_contacts_out_for_that_alone_are_pending_again
                    entries_are_listed_newest_first_by_number_and_source_in_pages
                    what_is_added_tells_the_calls_in_flight_and_stands_in_the_log
            }
            conformance! { @each $factory;
                pages: an_address_stands_with_its_contact_in_pages_and_by_itself_and_may_be_missing
                    one_contact_comes_with_its_attempts_and_only_from_its_own_campaign
            }
            conformance! { @property $factory;
                pages: pages_joined_are_the_whole_list_in_order_whatever_is_asked_for
            }
            conformance! { @each $factory;
                statistics: an_export_has_finished_contacts_with_their_answers_and_excluded_ones_on_request
                    a_contact_counts_once_with_the_answers_of_its_newest_interview_which_the_export_shows
                    answers_of_another_mode_are_in_no_count_and_no_export
                    an_attempt_that_called_nobody_makes_nobody_a_contact_that_was_called
                    the_days_are_those_of_the_campaigns_zone_and_of_calls_without_one_in_utc
            }
            conformance! { @property $factory;
                statistics: statistics_agree_with_a_recount_of_every_attempt
            }
            conformance! { @each $factory;
                accounts: a_first_sign_in_makes_the_user_and_opens_a_session
                    a_person_who_comes_again_is_the_same_user_with_one_more_session
                    a_sign_in_that_changes_role_name_or_address_writes_what_was_and_what_is
                    of_many_first_sign_ins_of_one_person_at_once_one_makes_the_user
                    changes_of_one_user_at_once_are_logged_as_they_followed_each_other
                    a_sign_in_that_fails_leaves_no_user_no_session_and_no_entry
                    a_session_ends_at_its_time_however_much_it_is_used
                    a_session_that_nobody_uses_ends_and_stays_ended
                    the_use_of_a_session_is_written_once_a_minute
                    a_sign_out_closes_one_session_and_a_csrf_token_is_replaced
                    a_disabled_user_has_no_session_and_gets_none_until_enabled
                    a_user_who_is_so_already_is_left_alone_and_nothing_is_logged
                    the_last_admin_cannot_be_disabled
                    of_admins_who_disable_each_other_at_once_one_is_left
                    users_come_in_pages_in_the_order_of_their_ids
                    a_login_is_taken_once_and_in_time
                    a_login_that_32_take_at_once_is_taken_by_one
                    a_purge_deletes_what_has_expired_and_nothing_else
            }
            conformance! { @each $factory;
                tokens: a_token_reads_back_with_its_owner
                    tokens_are_listed_the_newest_first_for_one_user_or_all_in_pages
                    an_owner_has_50_tokens_that_admit_and_no_more
                    a_token_that_expired_or_was_taken_back_admits_nobody
                    a_token_of_a_disabled_owner_admits_nobody
                    a_token_comes_with_the_role_that_its_owner_has_now
                    the_use_of_a_token_is_written_once_a_minute
                    a_token_that_cannot_be_kept_is_refused_without_its_hash_and_not_logged
                    of_many_who_take_a_token_back_at_once_one_does
            }
            conformance! { @each $factory;
                idempotency: a_key_is_new_then_under_way_then_answered_as_it_was
                    a_key_is_taken_by_one_of_32_at_once
                    a_key_of_another_request_is_refused_and_one_of_another_sender_is_another_key
                    an_abandoned_key_counts_as_never_begun_and_is_taken_over_by_one
                    an_answer_is_never_abandoned_and_the_first_one_stays
                    a_key_given_back_may_be_taken_again_by_any_request
                    who_lost_a_key_by_taking_too_long_can_neither_answer_nor_free_it
                    an_answer_without_a_key_is_refused_without_a_word_of_it
                    a_purge_deletes_answers_that_are_old_enough
            }
            conformance! { @each $factory;
                taken_out: who_is_taken_out_is_never_due_nor_claimed_until_let_back_in
                    a_claim_goes_back_when_its_contact_is_taken_out_before_the_carrier_is_asked
                    a_call_that_waits_is_told_and_its_contact_stays_out_when_it_ends
                    a_conversation_counts_though_its_contact_is_taken_out_meanwhile
                    who_is_let_back_in_during_a_call_is_in_progress_until_it_ends
                    who_is_taken_out_stays_out_though_the_number_is_listed_during_a_call_and_unlisted
                    who_was_taken_out_in_a_rehearsal_begins_anew_when_let_back_in
                    what_cannot_be_is_refused_with_the_reason_and_not_logged
                    both_ways_stand_in_the_audit_log_with_the_reason
                    of_many_who_take_a_contact_out_at_once_one_does
            }
            conformance! { @each $factory;
                audit: an_entry_reads_back_as_it_was_written
                    the_log_is_searched_by_each_of_its_filters
                    filters_of_the_log_hold_together_whichever_leads
                    the_pages_of_the_log_are_the_log_also_where_clocks_differ
                    ids_of_the_log_are_in_the_order_in_which_entries_become_visible
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
