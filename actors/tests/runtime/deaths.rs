//! A panic of each port at each place: the attempt has an outcome, its permit is back, the carrier was told to hang
//! up, and another call on the same thread goes on to its end.

use crate::recognizer::Recognition;
use crate::store::Failing;
use crate::world::{World, launch, standard_survey, until};
use samvad_actors::domain::{AnsweredBy, EndReason, Outcome};
use samvad_actors::runtime::CarrierMachine;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

/// Something is done to a call that has consented while another one on the same thread is in the middle of its survey.
async fn strikes(world: &World, strike: impl AsyncFnOnce(&World, &crate::line::Caller)) {
    strikes_before_consent(world, async |world, call| {
        call.press('1');
        call.listen().await;
        strike(world, call).await;
    })
    .await;
}

async fn strikes_before_consent(world: &World, strike: impl AsyncFnOnce(&World, &crate::line::Caller)) {
    let (struck, other) = (world.call("struck"), world.call("other"));
    other.listen().await;
    other.press('1');
    struck.listen().await;
    strike(world, &struck).await;
    world.ended("struck").await;
    other.answer("413").await;
    assert_eq!(
        world.ended("other").await,
        Outcome::Completed,
        "another call notices nothing"
    );
    assert_eq!(world.events.ends(&"struck".into()), 1);
    world.all_quiet().await;
}

async fn died(world: &World) {
    let report = world.store.report(&"struck".into());
    assert_eq!(report.end_reason, EndReason::Fault);
    assert!(report.consent.is_some(), "what was gathered before is kept");
    assert_eq!(report.answered_by, AnsweredBy::Person, "and so is who it was");
    until("the carrier is told to hang up", || {
        world.carrier.has_hung_up("CA-struck")
    })
    .await;
}

#[actix::test]
async fn a_panic_of_the_recogniser_in_a_handler_ends_its_call_alone() {
    for does in [Recognition::StartPanics, Recognition::PushPanics] {
        let world = World::new();
        strikes(&world, async |world, call| {
            world.recognizer.set(does);
            call.speak();
        })
        .await;
        died(&world).await;
    }
}

#[actix::test]
async fn a_panic_of_the_line_in_a_handler_ends_its_call_alone() {
    let world = World::new();
    strikes(&world, async |_, call| {
        call.state.send_panics.set(true);
        call.press('4');
    })
    .await;
    died(&world).await;
}

#[actix::test]
async fn a_panic_of_the_journal_in_a_handler_ends_its_call_alone() {
    let world = World::new();
    strikes(&world, async |world, call| {
        world
            .journals
            .of(&"struck".into())
            .append_panics
            .store(true, Ordering::Relaxed);
        call.press('4');
    })
    .await;
    died(&world).await;
}

#[actix::test]
async fn a_panic_in_a_spawned_recognition_costs_its_utterance_and_not_the_call() {
    let world = World::new();
    strikes(&world, async |world, call| {
        world.recognizer.set(Recognition::FinishPanics);
        call.speak();
        assert!(call.listen().await, "asked again");
        call.answer("413").await;
    })
    .await;
    assert_eq!(world.store.outcome(&"struck".into()), Some(Outcome::Completed));
}

#[actix::test]
async fn a_panic_while_a_wish_for_removal_is_written_does_not_lose_the_wish() {
    let world = World::new();
    world.store.fail("add_do_not_call", Failing::Panics, u32::MAX);
    strikes_before_consent(&world, async |_, call| {
        call.press('9');
        call.answer("").await;
    })
    .await;
    let number = world.store.number_of(&"struck".into());
    assert!(world.store.is_listed(&number), "written with the outcome");
    assert_eq!(world.store.outcome(&"struck".into()), Some(Outcome::Refused));
}

#[actix::test]
async fn a_call_that_dies_between_the_wish_for_removal_and_its_writing_does_not_lose_the_wish() {
    let world = World::new();
    world.store.fail("add_do_not_call", Failing::Away, u32::MAX);
    strikes_before_consent(&world, async |world, call| {
        call.press('9');
        let left = u32::MAX;
        until("the writing has begun", || {
            world.store.failures_left("add_do_not_call") < left
        })
        .await;
        world
            .journals
            .of(&"struck".into())
            .append_panics
            .store(true, Ordering::Relaxed);
        call.press('4');
    })
    .await;
    died(&world).await;
    assert!(world.store.is_listed(&world.store.number_of(&"struck".into())));
}

#[actix::test]
async fn a_panic_while_a_call_is_being_started_gives_its_attempt_an_outcome() {
    let world = World::new();
    let admitted = world.admitted("stillborn");
    world.journals.open_panics.store(true, Ordering::Relaxed);
    let started = catch_unwind(AssertUnwindSafe(|| {
        launch(world.call_ports(), admitted, standard_survey())
    }));
    assert!(started.is_err());
    assert_eq!(world.ended("stillborn").await, Outcome::Failed);
    world.all_quiet().await;
}

#[actix::test]
async fn a_thread_that_stops_under_its_calls_leaves_each_with_an_outcome() {
    let world = World::new();
    let worker = actix::Arbiter::new();
    let (ports, admitted) = (world.call_ports(), world.admitted("orphaned"));
    worker.spawn_fn(move || {
        let caller = launch(ports, admitted, standard_survey());
        actix::spawn(async move { caller.answer("").await });
    });
    until("the call is live", || world.ports.calls.len() == 1).await;
    worker.stop();
    world.ended("orphaned").await;
    assert_eq!(world.store.report(&"orphaned".into()).end_reason, EndReason::Fault);
    world.all_quiet().await;
}

#[actix::test]
async fn a_supervisor_whose_ports_panic_goes_on_writing_outcomes() {
    let world = World::new();
    world.events.panics.store(true, Ordering::Relaxed);
    world.store.fail("record_outcome", Failing::Panics, 2);
    let caller = world.call("first");
    world.supervisor.do_send(CarrierMachine {
        attempt: "first".into(),
        verdict: samvad_actors::domain::MachineVerdict::Human,
    });
    caller.command(samvad_actors::runtime::CallCommand::Terminate(EndReason::Terminated));
    world.ended("first").await;
    world.events.panics.store(false, Ordering::Relaxed);
    world.call("second").answer("1413").await;
    assert_eq!(world.ended("second").await, Outcome::Completed);
    world.all_quiet().await;
}
