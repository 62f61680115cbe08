//! The laws of the `Coordination` port, run against every implementation: one list of tests, one factory each; and
//! what is Redis's alone.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; clippy knows test functions only"
)]

mod crowd;
mod election;
mod faults;
mod model;
mod permits;
mod rebuild;
mod server;
mod signals;
mod world;

/// Runs the whole suite on the worlds that a factory makes.
macro_rules! conformance {
    ($implementation:ident) => {
        mod $implementation {
            conformance! { @each $implementation;
                permits: each_limit_refuses_by_its_name_and_counts_nothing
                    of_several_limits_in_the_way_the_one_that_lasts_longest_is_named
                    a_limit_holds_for_its_own_campaign_country_and_caller_id_only
                    an_attempt_that_asks_twice_holds_one_permit_and_counts_once
                    p15_a_place_under_a_rate_lasts_for_its_interval_and_no_longer
                    a_release_gives_back_the_place_and_keeps_the_day
                    a_cancelled_call_is_taken_out_of_the_day
                    giving_back_twice_or_what_was_never_held_is_harmless
                    a_permit_whose_call_can_exist_no_more_frees_its_place
                    p46_modes_count_apart
                    each_local_date_counts_by_itself
                    a_limit_of_zero_refuses_every_call
                    a_limit_that_was_lowered_waits_for_as_many_as_are_in_the_way
            }
            conformance! { @each $implementation;
                crowd: l23_of_many_requests_at_once_exactly_as_many_as_every_limit_allows_are_granted
                    l18_when_every_call_has_ended_no_permit_is_left
            }
            conformance! { @each $implementation;
                rebuild: an_empty_coordination_gives_no_permit
                    of_many_nodes_exactly_one_rebuilds
                    a_rebuilder_whose_lock_has_ended_opens_nothing
                    what_was_rebuilt_counts_under_every_limit
                    an_attempt_that_ended_during_the_rebuild_is_left_out
                    the_opening_counts_as_a_call_under_every_rate
                    a_large_fleet_is_rebuilt_in_one_step
            }
            conformance! { @each $implementation;
                election: of_many_candidates_exactly_one_leads
                    the_epoch_rises_with_every_holder
                    the_epoch_rises_above_what_the_database_knows
                    a_holder_that_asks_again_keeps_its_epoch
                    a_lease_that_ended_cannot_be_renewed_or_resigned
                    a_campaign_is_led_while_admission_is_shut
            }
            conformance! { @each $implementation;
                signals: a_command_reaches_every_subscriber_on_every_node
            }
        }
    };
    (@each $implementation:ident; $module:ident: $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                let runtime = $crate::world::runtime();
                let world = runtime.block_on($crate::world::$implementation());
                runtime.block_on($crate::$module::$test(&world));
            }
        )*
    };
}

conformance!(in_process);
conformance!(redis);
