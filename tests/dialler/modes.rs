//! Simulated, dry run, live.

use crate::world::{World, at_once};
use samvad_actors::domain::{CarrierStatus, Disposition, Lifecycle, Mode};
use samvad_actors::ports::PermitLimits;
use samvad_actors::runtime::REHEARSED;

#[actix::test]
async fn p44_p45_a_dry_run_asks_the_carrier_nothing_and_settles_every_contact() {
    let world = World::new().await;
    let node = world.node("a", Mode::Live, at_once(10));
    let campaign = world.campaign("spring", Mode::DryRun, &[1, 2, 3], |_| {}).await;
    // Not completed, which it could not come back from: it can be activated as live.
    crate::world::until("the rehearsal is over", async || {
        let state = world.state(&campaign).await;
        state.lifecycle == Lifecycle::Paused && state.reason.as_deref() == Some(REHEARSED)
    })
    .await;
    assert_eq!(world.carrier.asked(), 0);
    let attempts = world.attempts(&campaign).await;
    assert_eq!(attempts.len(), 3);
    for attempt in attempts.values() {
        assert_eq!(attempt.mode, Mode::DryRun);
        assert_eq!(attempt.disposition, Some(Disposition::NotAttempted));
    }
    world.no_permit_is_left(Mode::DryRun).await;
    assert_eq!(node.ports.base.permits.in_use(), 0);
}

#[actix::test]
async fn p46_caps_hold_in_a_dry_run_and_apart_from_those_of_live_calls() {
    let world = World::new().await;
    let limits = PermitLimits {
        fleet_per_day: Some(2),
        ..at_once(10)
    };
    let _node = world.node("a", Mode::Live, limits);
    let rehearsal = world.campaign("rehearsal", Mode::DryRun, &[1, 2, 3], |_| {}).await;
    crate::world::until("two are rehearsed", async || {
        world.attempts(&rehearsal).await.len() == 2
    })
    .await;
    world.looks(4).await;
    assert_eq!(world.attempts(&rehearsal).await.len(), 2, "the cap is reached");
    world.campaign("real", Mode::Live, &[4, 5, 6], |_| {}).await;
    world.asked(2).await;
}

#[actix::test]
async fn p44_a_live_campaign_is_not_run_by_a_node_in_dry_run() {
    let world = World::new().await;
    let _node = world.node("a", Mode::DryRun, at_once(10));
    let campaign = world.campaign("spring", Mode::Live, &[1], |_| {}).await;
    world.looks(6).await;
    assert_eq!(world.carrier.asked(), 0);
    assert!(world.attempts(&campaign).await.is_empty());
}

#[actix::test]
async fn p47_p37_a_live_campaign_on_a_live_node_calls() {
    let world = World::new().await;
    let node = world.node("a", Mode::Live, at_once(10));
    let campaign = world.campaign("spring", Mode::Live, &[1], |_| {}).await;
    world.asked(1).await;
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&campaign).await;
}
