//! What a call tells its recording.

use crate::recognizer::Recognition;
use crate::world::{Recorded, World, launch, recorded_survey, until};
use samvad_actors::domain::{AttemptId, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes part by keys in a recorded call, after having been heard for a while.
async fn recorded(world: &World, name: &str, keys: &str) -> Option<Arc<Recorded>> {
    let caller = launch(world.call_ports(), world.admitted(name), recorded_survey());
    caller.speak();
    caller.answer(keys).await;
    world.ended(name).await;
    world.recordings.of(&AttemptId::from(name))
}

fn is(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

#[actix::test]
async fn a_call_of_somebody_who_agrees_is_kept_with_all_that_was_heard() {
    let world = World::new();
    let recording = recorded(&world, "agrees", "1413").await.expect("recorded");
    until("it is finished", || is(&recording.finished)).await;
    assert!(is(&recording.kept) && !is(&recording.discarded));
    assert!(recording.samples.load(Ordering::Relaxed) > 12_000);
    let replayed = world.journals.replayed(&"agrees".into());
    assert!(replayed.is_same(), "{:?}", replayed.differences);
}

#[actix::test]
async fn who_refuses_or_wants_to_be_removed_is_not_recorded_any_more_and_nothing_is_kept() {
    let world = World::new();
    for (name, keys) in [("refuses", "2"), ("removed", "9")] {
        let recording = recorded(&world, name, keys).await.expect("begun");
        assert!(is(&recording.discarded) && !is(&recording.kept), "{name}");
    }
}

#[actix::test]
async fn who_agreed_and_then_wants_to_be_removed_leaves_no_recording_either() {
    let world = World::new();
    world.recognizer.set(Recognition::Text("remove me"));
    let caller = launch(world.call_ports(), world.admitted("later"), recorded_survey());
    assert!(caller.listen().await);
    caller.press('1');
    assert!(caller.listen().await);
    let recording = world.recordings.of(&"later".into()).expect("begun");
    until("it is kept", || is(&recording.kept)).await;
    caller.speak();
    caller.answer("").await;
    assert_eq!(world.ended("later").await, Outcome::Refused);
    assert!(is(&recording.discarded));
}

#[actix::test]
async fn a_campaign_that_asks_for_no_recording_has_none() {
    let world = World::new();
    world.call("plain").answer("1413").await;
    assert_eq!(world.ended("plain").await, Outcome::Completed);
    assert!(world.recordings.of(&"plain".into()).is_none());
}

#[actix::test]
async fn a_recording_that_cannot_be_had_costs_the_call_nothing() {
    let world = World::new();
    world.recordings.fail.store(true, Ordering::Relaxed);
    assert!(recorded(&world, "without", "1413").await.is_none());
    let report = world.store.report(&"without".into());
    assert_eq!(report.answers.len(), 3);
}
