//! Faults of our own and of what we stand on, many at once.

use crate::carrier::Answer;
use crate::world::{HOUR_MS, World, at_once, until};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use samvad_actors::domain::{AttemptState, CarrierStatus, Lifecycle, Mode};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

const MODE: Mode = Mode::Simulated;

#[actix::test]
async fn an_actor_that_panics_is_built_anew_and_its_campaign_goes_on() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    world.coordination.panics.store(2, Ordering::Relaxed);
    let campaign = world.campaign("spring", MODE, &[1], |_| {}).await;
    world.asked(1).await;
    assert_eq!(world.coordination.panics.load(Ordering::Relaxed), 0);
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}

#[actix::test]
async fn l20_whatever_is_lost_everybody_is_called_once_at_most_and_nothing_is_left() {
    for seed in 0..4 {
        let mut random = StdRng::seed_from_u64(seed);
        let world = World::new().await;
        let node = world.node("a", MODE, at_once(3));
        let _other = world.node("b", MODE, at_once(3));
        let answers = [Answer::Taken, Answer::Taken, Answer::Unclear, Answer::BadNumber];
        let answers: Vec<_> = (0..12).map(|_| *answers.choose(&mut random).expect("some")).collect();
        world.carrier.answer_next(&answers);
        *world.coordination.shaky.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(StdRng::seed_from_u64(random.random()));
        let numbers: Vec<u32> = (0..12).collect();
        let campaign = world.campaign("spring", MODE, &numbers, |_| {}).await;
        until("the campaign completes", async || {
            let open = world.open_attempts().await;
            if open.is_empty() {
                // Whose permit could not be kept is tried again later.
                world.clock.advance(HOUR_MS);
            }
            for row in open {
                if matches!(row.state, AttemptState::Submitted | AttemptState::SubmissionUnknown) {
                    node.end(&world, &row.id, CarrierStatus::Busy).await;
                }
            }
            world.state(&campaign).await.lifecycle == Lifecycle::Completed
        })
        .await;
        let mut called = BTreeMap::new();
        for (_, number) in &world.carrier.told().created {
            *called.entry(number.clone()).or_insert(0) += 1;
        }
        assert!(called.values().all(|&times| times == 1), "seed {seed}: {called:?}");
        *world.coordination.shaky.lock().unwrap_or_else(PoisonError::into_inner) = None;
        world.no_permit_is_left(MODE).await;
        assert_eq!(node.ports.base.permits.in_use(), 0, "seed {seed}");
    }
}
