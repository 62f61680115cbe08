//! Who is called, how often, how many at once.

use crate::world::{World, at_once, until};
use samvad_actors::domain::{CarrierStatus, Lifecycle, Mode};
use samvad_actors::ports::PermitLimits;
use std::collections::BTreeSet;

const MODE: Mode = Mode::Simulated;

#[actix::test]
async fn p41_everybody_due_is_called_once_and_the_campaign_completes() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(10));
    let campaign = world.campaign("spring", MODE, &[1, 2, 3], |_| {}).await;
    world.asked(3).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
    assert_eq!(world.carrier.asked(), 3);
    let numbers: BTreeSet<_> = world.carrier.told().created.iter().map(|call| call.1.clone()).collect();
    assert_eq!(numbers.len(), 3);
    world.no_permit_is_left(MODE).await;
    assert_eq!(node.ports.base.permits.in_use(), 0);
}

#[actix::test]
async fn l23_two_nodes_never_exceed_the_concurrency_and_each_end_lets_the_next_begin() {
    let world = World::new().await;
    let (first, second) = (world.node("a", MODE, at_once(2)), world.node("b", MODE, at_once(2)));
    let one = world.campaign("one", MODE, &[1, 2, 3, 4], |_| {}).await;
    let two = world.campaign("two", MODE, &[5, 6, 7, 8], |_| {}).await;
    let mut ended = 0;
    while ended < 8 {
        until("a call is placed", async || !world.open_attempts().await.is_empty()).await;
        world.looks(2).await;
        let open = world.open_attempts().await;
        assert!(
            open.len() <= 4,
            "two calls, and a claim of each campaign that waits: {open:?}"
        );
        assert!(world.carrier.asked() <= ended + 2, "never more than two at once");
        // The callback lands on either node.
        let node = if ended % 2 == 0 { &first } else { &second };
        let rung = open.iter().find(|row| row.call_sid.is_some());
        if let Some(row) = rung {
            node.end(&world, &row.id, CarrierStatus::NoAnswer).await;
            ended += 1;
        }
    }
    world.completed(&one).await;
    world.completed(&two).await;
    assert_eq!(world.carrier.asked(), 8, "nobody is called twice");
    world.no_permit_is_left(MODE).await;
}

#[actix::test]
async fn p15_a_daily_cap_holds_and_the_next_day_goes_on() {
    let world = World::new().await;
    let limits = PermitLimits {
        fleet_per_day: Some(2),
        ..at_once(10)
    };
    let node = world.node("a", MODE, limits);
    let campaign = world.campaign("spring", MODE, &[1, 2, 3], |_| {}).await;
    world.asked(2).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.looks(6).await;
    assert_eq!(world.carrier.asked(), 2, "the cap is reached");
    assert_eq!(world.state(&campaign).await.lifecycle, Lifecycle::Running);
    world.clock.advance(crate::world::DAY_MS);
    world.asked(3).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}

#[actix::test]
async fn p17_a_number_that_another_campaign_called_is_left_alone_for_its_cooldown() {
    let world = World::new().await;
    let node = world.node("a", Mode::Live, at_once(10));
    let first = world.campaign("first", Mode::Live, &[1], |_| {}).await;
    world.asked(1).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&first).await;
    world.campaign("second", Mode::Live, &[1, 2], |_| {}).await;
    world.asked(2).await;
    world.looks(4).await;
    assert_eq!(world.carrier.asked(), 2, "the number of the first campaign rests");
    world.clock.advance(31 * crate::world::DAY_MS);
    world.asked(3).await;
}

#[actix::test]
async fn one_node_of_two_leads_and_the_other_takes_over_when_it_resigns() {
    let world = World::new().await;
    let first = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    let second = world.node("b", MODE, at_once(1));
    world.looks(4).await;
    let led = world.state(&campaign).await;
    assert_eq!(led.leader.as_deref(), Some("a"));
    first.ports.base.readiness.set_draining();
    until("the other leads", async || {
        world.state(&campaign).await.leader.as_deref() == Some("b")
    })
    .await;
    assert!(world.state(&campaign).await.epoch > led.epoch);
    second.end_all(&world, CarrierStatus::Busy).await;
    world.asked(2).await;
}
