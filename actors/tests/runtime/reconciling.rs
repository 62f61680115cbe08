//! Taking over what a server that is gone left behind, and ending what nobody else will end.

use crate::store::{CALLER_ID, Failing};
use crate::world::World;
use samvad_actors::domain::{AttemptId, AttemptState, CarrierStatus, Disposition, Outcome, PhoneNumber};
use samvad_actors::ports::{AttemptStore, CallLedger, CarrierCall, Clock};
use samvad_actors::runtime::{PermitReturn, Reconciler};

fn reconciler(world: &World) -> Reconciler {
    Reconciler::new(world.ports.clone(), world.store.clone(), 60, 30)
}

/// Older than 60 s of queue, 30 s of ringing and two minutes.
fn long_ago(world: &World) -> i64 {
    world.clock.unix_ms() - 211_000
}

#[actix::test]
async fn each_state_a_crash_can_leave_is_taken_over() {
    let world = World::new();
    let planned = world.store.put_attempt("planned", AttemptState::Planned, None, 0);
    let submitting = world.store.put_attempt("submitting", AttemptState::Submitting, None, 0);
    let submitted = world
        .store
        .put_attempt("submitted", AttemptState::Submitted, Some("CA-1"), 0);
    let unknown = world
        .store
        .put_attempt("unknown", AttemptState::SubmissionUnknown, None, 0);
    let live = world.store.put_attempt("live", AttemptState::Live, Some("CA-2"), 0);
    reconciler(&world).take_over().await.expect("taken over");

    assert_eq!(world.store.row(&planned).state, AttemptState::Ended);
    assert_eq!(world.store.row(&submitting).state, AttemptState::SubmissionUnknown);
    assert_eq!(world.store.row(&submitted).state, AttemptState::Submitted);
    assert_eq!(world.store.row(&unknown).state, AttemptState::SubmissionUnknown);
    assert_eq!(world.store.outcome(&live), Some(Outcome::Failed));
    assert_eq!(world.carrier.told().completed, ["CA-2".into()], "hung up");
    assert!(world.carrier.told().created.is_empty(), "nobody is called");
    for attempt in [&submitting, &submitted, &unknown] {
        assert!(
            world.ports.permits.holds(attempt),
            "what may still ring is answered for"
        );
    }
    assert_eq!(world.ports.permits.in_use(), 3);
    assert_eq!(world.events.ends(&live), 1);
}

#[actix::test]
async fn a_store_that_fails_at_the_take_over_keeps_the_server_from_starting() {
    for step in ["open_attempts", "record_outcome"] {
        let world = World::new();
        world.store.put_attempt("live", AttemptState::Live, Some("CA-2"), 0);
        world.store.fail(step, Failing::Away, 1);
        assert!(reconciler(&world).take_over().await.is_err(), "{step}");
    }
}

#[actix::test]
async fn old_attempts_end_as_the_carrier_says_and_young_ones_are_left_alone() {
    let world = World::new();
    let old = long_ago(&world);
    let young = world.store.put_attempt(
        "young",
        AttemptState::Submitted,
        Some("CA-young"),
        world.clock.unix_ms(),
    );
    let busy = world
        .store
        .put_attempt("busy", AttemptState::Submitted, Some("CA-busy"), old);
    let rings = world
        .store
        .put_attempt("rings", AttemptState::Submitted, Some("CA-rings"), old);
    let gone = world
        .store
        .put_attempt("gone", AttemptState::Submitted, Some("CA-gone"), old);
    let unknown = world
        .store
        .put_attempt("unknown", AttemptState::SubmissionUnknown, None, old);
    let forgotten = world
        .store
        .put_attempt("forgotten", AttemptState::Submitting, None, old);
    for attempt in [&young, &busy, &rings, &gone, &unknown] {
        world.ports.permits.adopt(attempt);
    }
    world.carrier.told().status.extend([
        ("CA-busy".into(), CarrierStatus::Busy),
        ("CA-rings".into(), CarrierStatus::Ringing),
    ]);
    world.carrier.told().listed = Some(Vec::new());
    assert_eq!(reconciler(&world).sweep().await.expect("swept"), 6);

    assert_eq!(world.store.row(&young).state, AttemptState::Submitted);
    assert_eq!(world.store.row(&rings).state, AttemptState::Submitted);
    assert_eq!(world.store.row(&busy).disposition, Some(Disposition::Busy));
    for attempt in [&gone, &unknown, &forgotten] {
        let row = world.store.row(attempt);
        assert_eq!(
            (row.outcome, row.disposition),
            (Some(Outcome::Failed), Some(Disposition::TechnicalProblem)),
            "{attempt}"
        );
    }
    assert_eq!(world.ports.permits.in_use(), 2, "the young one and the one that rings");
}

#[actix::test]
async fn an_attempt_whose_dialler_is_still_at_it_is_not_ended_however_old() {
    let world = World::new();
    let attempt = world
        .store
        .put_attempt("slow", AttemptState::Submitting, None, long_ago(&world));
    world.ports.permits.adopt(&attempt);
    reconciler(&world).sweep().await.expect("swept");
    assert_eq!(world.store.row(&attempt).state, AttemptState::Submitting);
}

#[actix::test]
async fn a_live_call_is_none_of_the_reconcilers_business_while_the_server_runs() {
    let world = World::new();
    let attempt = world
        .store
        .put_attempt("live", AttemptState::Live, Some("CA-1"), long_ago(&world));
    reconciler(&world).sweep().await.expect("swept");
    reconciler(&world).end_waiting().await.expect("ended");
    assert_eq!(world.store.row(&attempt).state, AttemptState::Live);
    assert!(world.carrier.told().completed.is_empty());
}

#[actix::test]
async fn l14_what_is_queued_or_rings_at_the_end_of_a_server_is_taken_back() {
    let world = World::new();
    let rings = world
        .store
        .put_attempt("rings", AttemptState::Submitted, Some("CA-rings"), 0);
    let unknown = world
        .store
        .put_attempt("unknown", AttemptState::SubmissionUnknown, None, 0);
    for attempt in [&rings, &unknown] {
        world.ports.permits.adopt(attempt);
    }
    reconciler(&world).end_waiting().await.expect("ended");
    assert!(world.carrier.has_hung_up("CA-rings"));
    let said = Some(CarrierStatus::Completed);
    assert_eq!(world.store.row(&rings).carrier_status, said, "as the carrier answered");
    assert!(world.returned().contains(&PermitReturn::Ended(rings)));
    world.all_quiet().await;
    assert!(world.store.open_attempts().await.expect("read").is_empty());
}

/// What the carrier has of an attempt's call.
async fn placed(world: &World, attempt: &AttemptId, sid: &str, status: CarrierStatus) -> CarrierCall {
    let marks = world.store.marks(attempt).await.expect("read").expect("an attempt");
    CarrierCall {
        sid: sid.into(),
        status: Some(status),
        queue_time_ms: None,
        to: Some(marks.to),
        from: PhoneNumber::parse(CALLER_ID).ok(),
        created_at_ms: Some(marks.submitted_at_ms + 500),
    }
}

#[actix::test]
async fn l20_a_call_whose_submission_was_unclear_is_found_at_the_carrier_and_not_placed_again() {
    for (status, state) in [
        (CarrierStatus::Ringing, AttemptState::Submitted),
        (CarrierStatus::Busy, AttemptState::Ended),
    ] {
        let world = World::new();
        let submitted_ms = world.clock.unix_ms() - 31_000;
        let unknown = world
            .store
            .put_attempt("unknown", AttemptState::SubmissionUnknown, None, submitted_ms);
        world.ports.permits.adopt(&unknown);
        world.carrier.told().listed = Some(vec![placed(&world, &unknown, "CA-found", status).await]);
        reconciler(&world).sweep().await.expect("swept");
        let row = world.store.row(&unknown);
        assert_eq!(row.state, state, "{status:?}");
        assert_eq!(row.call_sid, Some("CA-found".into()));
        assert_eq!(
            world.ports.permits.holds(&unknown),
            state != AttemptState::Ended,
            "only evidence of the end gives the permit back"
        );
        assert!(world.carrier.told().created.is_empty(), "nobody is called");
    }
}

#[actix::test]
async fn a_submission_stays_unknown_while_the_carrier_cannot_be_asked_and_the_call_might_exist() {
    let world = World::new();
    let unknown = world
        .store
        .put_attempt("unknown", AttemptState::SubmissionUnknown, None, long_ago(&world));
    reconciler(&world).sweep().await.expect("swept");
    assert_eq!(world.store.row(&unknown).state, AttemptState::SubmissionUnknown);
    // An hour and a minute of conversation more, and no call of that attempt can be left.
    world.clock.jump_ms(3_660_000);
    reconciler(&world).sweep().await.expect("swept");
    assert_eq!(world.store.row(&unknown).outcome, Some(Outcome::Failed));
}

#[actix::test]
async fn callbacks_are_given_time_to_tell_of_a_call_before_the_carrier_is_asked() {
    let world = World::new();
    let unknown = world.store.put_attempt(
        "unknown",
        AttemptState::SubmissionUnknown,
        None,
        world.clock.unix_ms() - 20_000,
    );
    world.carrier.told().listed = Some(vec![placed(&world, &unknown, "CA1", CarrierStatus::Busy).await]);
    reconciler(&world).sweep().await.expect("swept");
    assert_eq!(world.store.row(&unknown).state, AttemptState::SubmissionUnknown);
}

#[actix::test]
async fn l14_a_call_whose_submission_was_unclear_is_hung_up_at_the_end_of_a_server() {
    let world = World::new();
    let unknown = world
        .store
        .put_attempt("unknown", AttemptState::SubmissionUnknown, None, world.clock.unix_ms());
    world.carrier.told().listed = Some(vec![placed(&world, &unknown, "CA1", CarrierStatus::Ringing).await]);
    reconciler(&world).end_waiting().await.expect("ended");
    assert!(world.carrier.has_hung_up("CA1"));
    assert_eq!(world.store.row(&unknown).outcome, Some(Outcome::Failed));
}
