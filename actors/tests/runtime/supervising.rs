//! The supervisor: outcomes while the store is away, callbacks in any order, draining.

use crate::recognizer::Recognition;
use crate::store::Failing;
use crate::world::{World, launch, standard_survey, until};
use samvad_actors::domain::{AttemptId, AttemptState, CarrierStatus, Disposition, EndReason, Outcome, SpokenTime};
use samvad_actors::ports::{AttemptStore, CallbackEffect, StatusCallback};
use samvad_actors::runtime::{
    BeginDrain, CallDraft, CallEvent, CarrierStatusChanged, CountUnreported, HangUpNow, PermitReturn, WriteOutcome,
};

/// A callback as the HTTP side passes it on: kept first, told then.
async fn callback(world: &World, attempt: &str, status: CarrierStatus) -> CallbackEffect {
    let attempt = AttemptId::from(attempt);
    let callback = StatusCallback {
        attempt: attempt.clone(),
        call_sid: format!("CA-{attempt}").as_str().into(),
        status,
        sequence: None,
        call_duration_seconds: None,
        sip_code: None,
    };
    let effect = world.store.record_callback(&callback, 0).await.expect("kept");
    world
        .supervisor
        .send(CarrierStatusChanged {
            attempt,
            status,
            effect,
        })
        .await
        .expect("taken");
    effect
}

#[actix::test]
async fn a_store_that_is_away_delays_the_outcome_but_does_not_lose_it() {
    let world = World::new();
    world.store.fail("record_outcome", Failing::Away, u32::MAX);
    let caller = world.call("late");
    caller.answer("1413").await;
    until("the call is over", || world.ports.calls.is_empty()).await;
    let left = world.store.failures_left("record_outcome");
    until("it is tried again", || {
        world.store.failures_left("record_outcome") < left
    })
    .await;
    assert!(
        world.ports.permits.holds(&"late".into()),
        "this node answers for it until then"
    );
    assert_eq!(world.events.ends(&"late".into()), 0);
    world.store.mend("record_outcome");
    assert_eq!(world.ended("late").await, Outcome::Completed);
    assert_eq!(world.store.report(&"late".into()).answers.len(), 3);
}

#[actix::test]
async fn l18_a_permit_comes_back_when_the_carrier_says_that_the_call_is_over_whatever_else_is_known() {
    let world = World::new();
    let back = |attempt: &str| vec![PermitReturn::Ended(attempt.into())];
    let caller = world.call("conversation first");
    caller.answer("1413").await;
    assert_eq!(world.ended("conversation first").await, Outcome::Completed);
    assert_eq!(world.returned(), [], "the carrier may still hold the call");
    callback(&world, "conversation first", CarrierStatus::Completed).await;
    assert_eq!(world.returned(), back("conversation first"));

    world.store.fail("record_outcome", Failing::Away, u32::MAX);
    let caller = world.call("carrier first");
    caller.answer("1413").await;
    callback(&world, "carrier first", CarrierStatus::Completed).await;
    assert_eq!(world.returned(), back("carrier first"));
    assert!(
        world.ports.permits.holds(&"carrier first".into()),
        "its outcome is to come"
    );
    world.store.mend("record_outcome");
    assert_eq!(world.ended("carrier first").await, Outcome::Completed);
    assert_eq!(world.returned(), [], "once");
}

#[actix::test]
async fn an_outcome_that_was_written_though_the_answer_was_lost_ends_its_attempt_once() {
    let world = World::new();
    world.store.fail("record_outcome", Failing::AnswerLost, 1);
    world.call("once").answer("1413").await;
    assert_eq!(world.ended("once").await, Outcome::Completed);
    until("told", || world.events.ends(&"once".into()) == 1).await;
    world.all_quiet().await;
}

#[actix::test]
async fn a_report_that_cannot_be_kept_whole_is_kept_without_what_is_not_needed() {
    let world = World::new();
    world.store.fail("record_outcome", Failing::Corrupt, 1);
    let caller = world.call("bare");
    caller.listen().await;
    caller.press('9');
    caller.answer("").await;
    assert_eq!(world.ended("bare").await, Outcome::Refused);
    let report = world.store.report(&"bare".into());
    assert!(report.transcript.is_empty() && report.do_not_call);
}

#[actix::test]
async fn a_time_asked_for_is_kept_with_a_report_that_cannot_be_kept_whole() {
    let world = World::new();
    world.store.fail("record_outcome", Failing::Corrupt, 1);
    world.recognizer.set(Recognition::Text("call me in two hours"));
    let caller = world.call("bare");
    caller.listen().await;
    caller.speak();
    caller.answer("").await;
    assert_eq!(world.ended("bare").await, Outcome::Callback);
    let request = world.store.report(&"bare".into()).callback_request.expect("a wish");
    assert_eq!(
        (request.words, request.time),
        (None, Some(SpokenTime::In { minutes: 120 }))
    );
}

#[actix::test]
async fn an_outcome_without_an_attempt_does_not_hold_its_permit_for_ever() {
    let world = World::new();
    let attempt = AttemptId::from("nobody");
    world.ports.permits.adopt(&attempt);
    let report = CallDraft::default().into_cut_report(attempt, EndReason::Fault, 0);
    world.supervisor.do_send(WriteOutcome { report });
    world.all_quiet().await;
}

#[actix::test]
async fn the_carrier_reporting_the_end_while_the_socket_is_open_ends_the_call() {
    let world = World::new();
    let caller = world.call("over");
    caller.listen().await;
    caller.press('1');
    caller.listen().await;
    assert_eq!(
        callback(&world, "over", CarrierStatus::Completed).await,
        CallbackEffect::Advanced
    );
    world.ended("over").await;
    assert_eq!(world.store.report(&"over".into()).end_reason, EndReason::HungUp);
    assert!(
        caller.state.closed_with.get().is_some(),
        "the socket is closed from our side"
    );
    world.supervisor.send(HangUpNow).await.expect("done");
    assert!(
        !world.carrier.has_hung_up("CA-over"),
        "nobody is told to end what is over"
    );
}

#[actix::test]
async fn the_carrier_reporting_the_end_before_the_stream_is_tied_to_its_actor_ends_the_call_too() {
    let world = World::new();
    let admitted = world.admitted("early");
    callback(&world, "early", CarrierStatus::Completed).await;
    launch(world.call_ports(), admitted, standard_survey()).answer("").await;
    world.ended("early").await;
    world.all_quiet().await;
}

#[actix::test]
async fn a_call_that_is_over_and_that_no_actor_ever_had_ends_all_the_same() {
    let world = World::new();
    world.admitted("orphan");
    callback(&world, "orphan", CarrierStatus::Completed).await;
    assert_eq!(world.ended("orphan").await, Outcome::Failed);
    world.all_quiet().await;
}

#[actix::test]
async fn a_call_that_the_carrier_reports_as_over_is_not_hung_up_afterwards() {
    let world = World::new();
    world.call("reported").answer("1413").await;
    world.ended("reported").await;
    assert_eq!(world.supervisor.send(CountUnreported).await.expect("told"), 1);
    callback(&world, "reported", CarrierStatus::Completed).await;
    assert_eq!(world.supervisor.send(CountUnreported).await.expect("told"), 0);
    world.supervisor.send(HangUpNow).await.expect("done");
    assert!(!world.carrier.has_hung_up("CA-reported"));
}

#[actix::test]
async fn hanging_up_is_tried_again_when_the_carrier_did_not_answer() {
    let world = World::new();
    world.carrier.told().hang_ups_fail = 2;
    world.call("again").answer("1413").await;
    world.ended("again").await;
    world.supervisor.send(HangUpNow).await.expect("done");
    assert!(world.carrier.has_hung_up("CA-again"));
}

#[actix::test]
async fn callbacks_of_a_call_that_was_never_answered_end_it_whatever_their_order() {
    let world = World::new();
    for (name, statuses) in [
        (
            "busy",
            [CarrierStatus::Initiated, CarrierStatus::Ringing, CarrierStatus::Busy],
        ),
        (
            "reversed",
            [CarrierStatus::Busy, CarrierStatus::Ringing, CarrierStatus::Initiated],
        ),
    ] {
        let attempt = world
            .store
            .put_attempt(name, AttemptState::Submitted, Some(&format!("CA-{name}")), 0);
        world.ports.permits.adopt(&attempt);
        for status in statuses {
            callback(&world, name, status).await;
        }
        assert_eq!(world.ended(name).await, Outcome::Failed);
        assert_eq!(world.store.row(&attempt).disposition, Some(Disposition::Busy));
        assert_eq!(world.events.ends(&attempt), 1);
    }
    world.all_quiet().await;
}

#[actix::test]
async fn l14_draining_leaves_live_calls_alone_until_the_limit_and_then_ends_them() {
    let world = World::new();
    let caller = world.call("live");
    caller.listen().await;
    caller.press('1');
    caller.listen().await;
    world
        .supervisor
        .send(BeginDrain { end_live: false })
        .await
        .expect("taken");
    assert_eq!(world.ports.readiness.fault().as_deref(), Some("draining"));
    caller.press('4');
    assert!(caller.listen().await, "the survey goes on");
    assert!(world.ports.calls.contains(&"live".into()));
    world
        .supervisor
        .send(BeginDrain { end_live: true })
        .await
        .expect("taken");
    assert_eq!(world.ended("live").await, Outcome::Partial);
    let report = world.store.report(&"live".into());
    assert_eq!(report.end_reason, EndReason::Terminated);
    assert_eq!(report.answers.len(), 1);
}

#[actix::test]
async fn statuses_are_told() {
    let world = World::new();
    let attempt = world
        .store
        .put_attempt("ringing", AttemptState::Submitted, Some("CA-ringing"), 0);
    callback(&world, "ringing", CarrierStatus::Ringing).await;
    callback(&world, "ringing", CarrierStatus::Ringing).await;
    let status = CarrierStatus::Ringing;
    assert_eq!(world.events.all(), [CallEvent::Status { attempt, status }], "once");
}
