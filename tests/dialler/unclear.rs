//! When the carrier or the coordination does not say what was done.

use crate::carrier::{Answer, sid};
use crate::world::{HOUR_MS, World, at_once, until};
use samvad::coordination::InProcessCoordination;
use samvad_actors::domain::{
    AttemptState, CalendarDate, Campaign, CarrierStatus, Disposition, EndReason, Lifecycle, Mode, Outcome,
};
use samvad_actors::ports::{AttemptStore, Clock, Coordination, Incarnation, RebuildStart};
use samvad_actors::runtime::{CallDraft, Gate, Upkeep};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MODE: Mode = Mode::Simulated;

#[actix::test]
async fn l20_an_unclear_answer_is_never_repeated_and_keeps_its_permit() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    world.carrier.answer_next(&[Answer::Unclear]);
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    until("it is unknown", async || {
        let open = world.open_attempts().await;
        open.iter().any(|row| row.state == AttemptState::SubmissionUnknown)
    })
    .await;
    world.looks(6).await;
    assert_eq!(
        world.carrier.asked(),
        1,
        "there may be a call: nobody else is called, and nobody again"
    );
    assert_eq!(world.held(MODE).await, 1);
    let attempt = world.carrier.told().created[0].0.clone();
    node.end(&world, &attempt, CarrierStatus::NoAnswer).await;
    world.asked(2).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}

#[actix::test]
async fn l18_a_call_that_the_carrier_refused_ends_and_gives_its_permit_back() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(1));
    world.carrier.answer_next(&[Answer::BadNumber, Answer::BadNumber]);
    let again = |campaign: &mut Campaign| campaign.dialing.retry.max_attempts = 3;
    let campaign = world.campaign("spring", MODE, &[1, 2], again).await;
    world.completed(&campaign).await;
    assert_eq!(
        world.carrier.asked(),
        2,
        "a number that does not exist is not tried again"
    );
    for attempt in world.attempts(&campaign).await.values() {
        assert_eq!(attempt.disposition, Some(Disposition::NonWorkingNumber));
    }
    world.no_permit_is_left(MODE).await;
}

#[actix::test]
async fn a_carrier_that_refuses_everything_pauses_the_campaign_and_costs_nobody_an_attempt() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    world.carrier.answer_next(&[Answer::Stopped]);
    let campaign = world.campaign("spring", MODE, &[1], |_| {}).await;
    until("it is paused", async || {
        world.state(&campaign).await.lifecycle == Lifecycle::Paused
    })
    .await;
    let reason = world.state(&campaign).await.reason.expect("a reason");
    assert!(reason.contains("TWILIO_AUTH_TOKEN"), "{reason}");
    world.no_permit_is_left(MODE).await;
    world.clock.advance(2 * HOUR_MS);
    world.change(&campaign, Lifecycle::Running, None).await;
    world.asked(2).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}

#[actix::test]
async fn l18_a_permit_outlasts_the_outcome_until_the_carrier_says_that_the_call_is_over() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    let attempt = world.carrier.told().created[0].0.clone();
    until("the carrier's answer is kept", async || {
        world.open_attempts().await.iter().all(|row| row.call_sid.is_some())
    })
    .await;
    let end = (EndReason::SurveyDone, Outcome::Completed, Disposition::Complete);
    let report = CallDraft::default().into_report(attempt.clone(), end, world.clock.unix_ms());
    assert_eq!(world.store.record_outcome(&report).await, Ok(true));
    world.clock.advance(60_000);
    let upkeep = Upkeep::new(node.ports.clone());
    upkeep.sweep().await.expect("swept");
    world.looks(6).await;
    assert_eq!(
        (world.held(MODE).await, world.carrier.asked()),
        (1, 1),
        "it still rings"
    );
    // Its callback is lost.
    world.carrier.told().over.insert(sid(&attempt));
    upkeep.sweep().await.expect("swept");
    world.asked(2).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}

#[actix::test]
async fn a_carrier_that_asks_to_slow_down_is_asked_again_for_the_same_call() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(10));
    world.carrier.answer_next(&[Answer::RateLimited]);
    world.campaign("spring", MODE, &[1], |_| {}).await;
    world.asked(2).await;
    let told = world.carrier.told();
    assert_eq!(told.created[0], told.created[1], "nothing was done the first time");
}

#[actix::test]
async fn a_carrier_that_cannot_be_reached_is_asked_again_for_the_same_call() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(10));
    world.carrier.answer_next(&[Answer::Unreachable]);
    world.campaign("spring", MODE, &[1], |_| {}).await;
    world.asked(2).await;
    let told = world.carrier.told();
    assert_eq!(told.created[0], told.created[1], "the first request never left");
}

#[actix::test]
async fn a_permit_of_an_earlier_incarnation_places_no_call() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(10));
    world.coordination.reborn_between.store(true, Ordering::Relaxed);
    let campaign = world.campaign("spring", MODE, &[1], |_| {}).await;
    until("it was marked, and ended without a call", async || {
        let ended = world.attempts(&campaign).await;
        ended
            .values()
            .any(|row| row.disposition == Some(Disposition::NotAttempted))
    })
    .await;
    world.no_permit_is_left(MODE).await;
    assert_eq!(world.carrier.asked(), 0);
    assert_eq!(node.ports.base.permits.in_use(), 0);
    world.coordination.reborn_between.store(false, Ordering::Relaxed);
    world.clock.advance(2 * HOUR_MS);
    world.asked(1).await;
}

#[actix::test]
async fn without_coordination_nobody_is_called_and_with_it_back_the_campaign_goes_on() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    world.coordination.away.store(true, Ordering::Relaxed);
    node.end_all(&world, CarrierStatus::Busy).await;
    world.looks(6).await;
    assert_eq!(world.carrier.asked(), 1, "no answer means no call");
    assert!(
        world.open_attempts().await.is_empty(),
        "the call that was under way has its outcome"
    );
    world.coordination.away.store(false, Ordering::Relaxed);
    world.asked(2).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
    world.no_permit_is_left(MODE).await;
}

#[actix::test]
async fn an_empty_coordination_is_told_what_is_under_way_and_what_was_begun_today() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(10));
    let campaign = world.campaign("spring", MODE, &[1, 2, 3], |_| {}).await;
    world.asked(3).await;
    let first = world.carrier.told().created[0].0.clone();
    until("the carrier's answers are kept", async || {
        let open = world.open_attempts().await;
        open.iter().all(|row| row.state == AttemptState::Submitted)
    })
    .await;
    node.end(&world, &first, CarrierStatus::Busy).await;

    let empty: Arc<dyn Coordination> = Arc::new(InProcessCoordination::new(world.clock.clone()));
    assert!(!empty.is_open().await.expect("asked"));
    let gate = || {
        let ports = &node.ports;
        Gate::new(
            empty.clone(),
            ports.dialer.clone(),
            world.clock.clone(),
            ports.mint.as_ref(),
        )
    };
    let other = Incarnation("another node".into());
    let lock = Duration::from_millis(50);
    assert_eq!(empty.begin_rebuild(&other, lock).await, Ok(RebuildStart::Begun));
    assert!(!gate().open().await.expect("asked"), "another node is at it");
    until("it is open", async || gate().open().await.expect("asked")).await;
    assert_eq!(
        empty.held(MODE).await.expect("open").len(),
        2,
        "those that have not ended"
    );
    let today = CalendarDate::new(2026, 11, 22).expect("a date");
    let usage = empty.usage(MODE, &campaign, today).await.expect("open");
    assert_eq!(
        (usage.campaign_held, usage.campaign_today, usage.fleet_today),
        (2, 3, 3)
    );
}
