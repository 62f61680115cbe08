//! Windows, pauses, stops, the breaker, opt-outs.

use crate::carrier::{Answer, sid};
use crate::world::{HOUR_MS, SUNDAY_MS, World, at_once, number, until};
use samvad_actors::domain::{AccountSid, AttemptState, CallSid, CarrierStatus, Lifecycle, Mode, StreamSid, TimeOfDay};
use samvad_actors::ports::{
    AttemptStore, CallUpdate, Clock, Coordination, DoNotCallStore, FleetCommand, MediaTokenClaim, TokenRefusal,
};
use samvad_actors::runtime::STOPPED_ALL;
use std::collections::BTreeSet;

const MODE: Mode = Mode::Simulated;

async fn all_ring(world: &World, calls: usize) {
    until("the calls ring", async || {
        let open = world.open_attempts().await;
        open.len() == calls && open.iter().all(|row| row.state == AttemptState::Submitted)
    })
    .await;
}

#[actix::test]
async fn l22_nobody_is_called_outside_the_window_nor_so_late_that_it_would_ring_past_its_end() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    // It is six o'clock; queue and ringing may take 90 s.
    let campaign = world
        .campaign("spring", MODE, &[1, 2, 3], |campaign| {
            campaign.dialing.window.start = TimeOfDay::hour(7);
            campaign.dialing.window.end = TimeOfDay::hour(8);
        })
        .await;
    world.looks(5).await;
    assert_eq!(world.carrier.asked(), 0, "not yet");
    world.clock.advance(HOUR_MS + 1_000);
    world.asked(1).await;
    let eight = SUNDAY_MS + 2 * HOUR_MS;
    assert_eq!(
        world.carrier.told().latest_starts,
        [Some(eight - 30_000)],
        "what begins then rings up to the end"
    );
    world.clock.advance(HOUR_MS - 80_000);
    node.end_all(&world, CarrierStatus::Busy).await;
    world.looks(5).await;
    assert_eq!(world.carrier.asked(), 1, "it closes in less than 90 s");
    world.clock.advance(23 * HOUR_MS + 80_000);
    world.asked(2).await;
    assert_eq!(world.state(&campaign).await.lifecycle, Lifecycle::Running);
}

#[actix::test]
async fn a_pause_begins_no_call_and_leaves_what_rings_and_a_resumption_goes_on() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    all_ring(&world, 1).await;
    world.change(&campaign, Lifecycle::Paused, None).await;
    world.looks(4).await;
    assert_eq!(world.carrier.told().changed, [], "what rings goes on");
    node.end_all(&world, CarrierStatus::Busy).await;
    world.looks(4).await;
    assert_eq!(world.carrier.asked(), 1);
    world.change(&campaign, Lifecycle::Running, None).await;
    world.asked(2).await;
}

#[actix::test]
async fn a_stop_takes_back_what_rings_and_begins_nothing() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(1).await;
    all_ring(&world, 1).await;
    let attempt = world.carrier.told().created[0].0.clone();
    world.change(&campaign, Lifecycle::Completed, Some("stopped")).await;
    until("it is taken back", async || {
        world
            .carrier
            .told()
            .changed
            .contains(&(sid(&attempt), CallUpdate::Cancel))
    })
    .await;
    world.looks(4).await;
    assert_eq!(world.carrier.asked(), 1);
}

#[actix::test]
async fn a_stop_of_everything_takes_back_what_rings_in_every_campaign() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(10));
    let one = world.campaign("one", MODE, &[1], |_| {}).await;
    let two = world.campaign("two", MODE, &[2], |_| {}).await;
    world.asked(2).await;
    all_ring(&world, 2).await;
    for campaign in [&one, &two] {
        world.change(campaign, Lifecycle::Paused, Some(STOPPED_ALL)).await;
    }
    world.coordination.publish(&FleetCommand::StopAll).await.expect("said");
    until("both are taken back", async || {
        let told = world.carrier.told();
        let calls: BTreeSet<&CallSid> = told.changed.iter().map(|(sid, _)| sid).collect();
        calls.len() == 2
    })
    .await;
    let told = world.carrier.told();
    assert!(
        told.changed.iter().all(|(_, change)| *change == CallUpdate::Complete),
        "whoever answered meanwhile"
    );
}

#[actix::test]
async fn a_call_that_the_carrier_takes_after_a_stop_of_everything_is_ended_whoever_has_answered() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(1));
    world.carrier.answer_next(&[Answer::Held]);
    let campaign = world.campaign("spring", MODE, &[1], |_| {}).await;
    world.asked(1).await;
    world.change(&campaign, Lifecycle::Paused, Some(STOPPED_ALL)).await;
    world.carrier.release();
    // Once by whoever asked the carrier, and once by what looks after calls.
    until("it is ended", async || world.carrier.told().changed.len() >= 2).await;
    let told = world.carrier.told();
    assert!(
        told.changed.iter().all(|(_, change)| *change == CallUpdate::Complete),
        "{:?}",
        told.changed
    );
}

#[actix::test]
async fn who_answers_a_call_that_was_to_be_taken_back_is_not_spoken_to_and_hung_up_on_by_a_stop_of_everything() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(1));
    let campaign = world.campaign("spring", MODE, &[1], |_| {}).await;
    world.asked(1).await;
    all_ring(&world, 1).await;
    let attempt = world.carrier.told().created[0].0.clone();
    world.opt_out(1).await;
    let is_told = |update| world.carrier.told().changed.contains(&(sid(&attempt), update));
    until("it is taken back", async || is_told(CallUpdate::Cancel)).await;
    let claim = MediaTokenClaim {
        attempt: attempt.clone(),
        token_hash: format!("hash-{attempt}"),
        call_sid: sid(&attempt),
        account_sid: AccountSid::from("AC1"),
        stream_sid: StreamSid::from("MZ1"),
    };
    let now_ms = world.clock.unix_ms();
    let answered = world.store.consume_media_token(&claim, now_ms).await.expect("asked");
    assert_eq!(answered.expect_err("listed"), TokenRefusal::DoNotCall);
    world.change(&campaign, Lifecycle::Paused, Some(STOPPED_ALL)).await;
    world.coordination.publish(&FleetCommand::StopAll).await.expect("said");
    until("it is ended", async || is_told(CallUpdate::Complete)).await;
    assert!(
        world.clock.unix_ms() - now_ms < 10_000,
        "not only once what was told before is forgotten"
    );
}

#[actix::test]
async fn p25_an_opt_out_keeps_every_campaign_from_calling_the_number_and_takes_back_what_rings() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(1));
    world.campaign("one", MODE, &[1], |_| {}).await;
    world.asked(1).await;
    all_ring(&world, 1).await;
    let two = world.campaign("two", MODE, &[1, 2], |_| {}).await;
    world.opt_out(1).await;
    until("it is taken back", async || !world.carrier.told().changed.is_empty()).await;
    assert_eq!(
        world.carrier.told().changed[0].1,
        CallUpdate::Cancel,
        "who talks already is heard out"
    );
    node.end_all(&world, CarrierStatus::Canceled).await;
    world.asked(2).await;
    assert_eq!(world.carrier.told().created[1].1, number(2), "the other number alone");
    node.end_all(&world, CarrierStatus::Busy).await;
    world.completed(&two).await;
}

#[actix::test]
async fn a_call_to_a_contact_that_is_taken_out_is_taken_back_and_no_other() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(2));
    let campaign = world.campaign("spring", MODE, &[1, 2], |_| {}).await;
    world.asked(2).await;
    all_ring(&world, 2).await;
    let attempt = world.exclude(&campaign, 1).await.remove(0).id;
    until("it is taken back", async || !world.carrier.told().changed.is_empty()).await;
    world.looks(5).await;
    let changed = world.carrier.told().changed.clone();
    assert_eq!(
        changed,
        [(sid(&attempt), CallUpdate::Cancel)],
        "who talks already is heard out"
    );
    let is_listed = world.store.is_do_not_call(&number(1)).await;
    assert_eq!(is_listed, Ok(false), "other campaigns may call the number");
    node.end_all(&world, CarrierStatus::Canceled).await;
}

#[actix::test]
async fn p53_a_campaign_most_of_whose_calls_fail_is_paused_with_the_reason() {
    let world = World::new().await;
    let node = world.node("a", MODE, at_once(2));
    let numbers: Vec<u32> = (1..=10).collect();
    let campaign = world
        .campaign("spring", MODE, &numbers, |campaign| campaign.dialing.breaker.recent = 4)
        .await;
    until("it is paused", async || {
        node.end_all(&world, CarrierStatus::Failed).await;
        world.state(&campaign).await.lifecycle == Lifecycle::Paused
    })
    .await;
    let reason = world.state(&campaign).await.reason.expect("a reason");
    assert!(reason.contains("of the last 4 calls failed"), "{reason}");
    assert!(world.carrier.asked() < 10);
}

#[actix::test]
async fn calls_are_spread_over_what_is_left_of_the_window() {
    let world = World::new().await;
    let _node = world.node("a", MODE, at_once(10));
    world
        .campaign("spring", MODE, &[1, 2, 3, 4], |campaign| {
            campaign.dialing.spread = true;
            campaign.dialing.window.end = TimeOfDay::hour(10);
        })
        .await;
    world.asked(1).await;
    world.looks(5).await;
    assert_eq!(world.carrier.asked(), 1, "four calls in four hours");
    world.clock.advance(HOUR_MS + HOUR_MS / 2);
    world.asked(2).await;
}
