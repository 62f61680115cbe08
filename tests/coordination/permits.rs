//! What a permit counts under, and when it does no more.

use crate::world::{LONG, TODAY, World, granted, only, refused, request, scopes};
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode, PhoneNumber};
use samvad_actors::ports::{Admission, Limit, PermitLimits, PermitScopes, Rate, Usage};
use std::time::Duration;

async fn usage(world: &World, mode: Mode) -> Usage {
    let campaign = CampaignId::from("survey");
    world.nodes[1].usage(mode, &campaign, TODAY).await.expect("open")
}

fn used(held: u32, today: u32) -> Usage {
    Usage {
        fleet_held: held,
        campaign_held: held,
        fleet_today: today,
        campaign_today: today,
    }
}

pub async fn each_limit_refuses_by_its_name_and_counts_nothing(world: &World) {
    let node = world.open().await;
    granted(node, &request("first", PermitLimits::default())).await;
    for limit in Limit::ALL {
        let (named, retry_after) = refused(node, &request("second", only(limit, 1))).await;
        assert_eq!(named, limit);
        let by_day = [Limit::FleetPerDay, Limit::CampaignPerDay, Limit::CountryPerDay].contains(&limit);
        assert_eq!(retry_after.is_none(), by_day, "{limit:?}");
        assert!(retry_after.is_none_or(|retry| retry > Duration::ZERO && retry <= 24 * LONG));
        assert_eq!(usage(world, Mode::Live).await, used(1, 1), "{limit:?}");
    }
    assert_eq!(node.held(Mode::Live).await, Ok(vec![AttemptId::from("first")]));
}

pub async fn of_several_limits_in_the_way_the_one_that_lasts_longest_is_named(world: &World) {
    let node = world.open().await;
    granted(node, &request("first", PermitLimits::default())).await;
    let mut limits = only(Limit::FleetRate, 1);
    assert_eq!(
        refused(node, &request("second", limits.clone())).await.0,
        Limit::FleetRate
    );
    limits.caller_id_concurrency = Some(1);
    assert_eq!(
        refused(node, &request("second", limits.clone())).await.0,
        Limit::CallerIdConcurrency
    );
    limits.country_per_day = Some(1);
    assert_eq!(refused(node, &request("second", limits)).await.0, Limit::CountryPerDay);
}

pub async fn a_limit_holds_for_its_own_campaign_country_and_caller_id_only(world: &World) {
    let node = world.open().await;
    granted(node, &request("first", PermitLimits::default())).await;
    let elsewhere = PermitScopes {
        campaign: CampaignId::from("another"),
        country: "US".to_owned(),
        caller_id: PhoneNumber::parse("+14155550100").expect("E.164"),
        ..scopes()
    };
    for limit in Limit::ALL {
        let fleet = [Limit::FleetPerDay, Limit::FleetConcurrency, Limit::FleetRate].contains(&limit);
        // After the opening no rate of a call a day allows another.
        if fleet || limit == Limit::CampaignRate {
            continue;
        }
        let mut other = request(&format!("{limit:?}"), only(limit, 1));
        other.scopes = elsewhere.clone();
        granted(node, &other).await;
        assert!(node.cancel(&other.attempt).await.expect("cancelled"));
    }
}

pub async fn an_attempt_that_asks_twice_holds_one_permit_and_counts_once(world: &World) {
    let node = world.open().await;
    let mut limits = only(Limit::FleetConcurrency, 1);
    limits.fleet_per_day = Some(1);
    for node in &world.nodes {
        granted(node.as_ref(), &request("first", limits.clone())).await;
    }
    assert_eq!(usage(world, Mode::Live).await, used(1, 1));
    assert_eq!(node.release(&AttemptId::from("first")).await, Ok(true));
    assert_eq!(usage(world, Mode::Live).await, used(0, 1));
}

pub async fn p15_a_place_under_a_rate_lasts_for_its_interval_and_no_longer(world: &World) {
    let node = world.open().await;
    let limits = PermitLimits {
        fleet_rate: Some(Rate::per_second(1)),
        ..PermitLimits::default()
    };
    let (first, second) = (request("first", limits.clone()), request("second", limits));
    for request in [&first, &second] {
        while let Ok(Admission::Refused { limit, retry_after }) = node.acquire(request).await {
            assert_eq!(limit, Limit::FleetRate);
            tokio::time::sleep(retry_after.expect("a rate says when")).await;
        }
        granted(node, request).await;
    }
    // The second call has taken the place after the first one's, which has run out.
    let (limit, retry_after) = refused(node, &first).await;
    assert_eq!(limit, Limit::FleetRate);
    assert!(retry_after.is_some_and(|retry| retry > Duration::ZERO && retry <= Duration::from_secs(1)));
    assert_eq!(usage(world, Mode::Live).await, used(2, 2), "the permit stays");
    granted(node, &second).await;
}

pub async fn a_release_gives_back_the_place_and_keeps_the_day(world: &World) {
    let node = world.open().await;
    let mut limits = only(Limit::FleetConcurrency, 1);
    limits.campaign_concurrency = Some(1);
    limits.country_concurrency = Some(1);
    limits.caller_id_concurrency = Some(1);
    limits.campaign_per_day = Some(2);
    for attempt in ["first", "second"] {
        granted(node, &request(attempt, limits.clone())).await;
        assert_eq!(world.nodes[2].release(&AttemptId::from(attempt)).await, Ok(true));
    }
    assert_eq!(refused(node, &request("third", limits)).await.0, Limit::CampaignPerDay);
}

pub async fn a_cancelled_call_is_taken_out_of_the_day(world: &World) {
    let node = world.open().await;
    let limits = PermitLimits {
        fleet_concurrency: Some(1),
        fleet_per_day: Some(1),
        campaign_per_day: Some(1),
        country_per_day: Some(1),
        ..PermitLimits::default()
    };
    granted(node, &request("first", limits.clone())).await;
    assert_eq!(world.nodes[1].cancel(&AttemptId::from("first")).await, Ok(true));
    assert_eq!(usage(world, Mode::Live).await, used(0, 0));
    granted(node, &request("second", limits.clone())).await;
    assert_eq!(refused(node, &request("third", limits)).await.0, Limit::FleetPerDay);
}

pub async fn giving_back_twice_or_what_was_never_held_is_harmless(world: &World) {
    let node = world.open().await;
    let (first, never) = (AttemptId::from("first"), AttemptId::from("never"));
    granted(node, &request("first", PermitLimits::default())).await;
    granted(node, &request("second", PermitLimits::default())).await;
    assert_eq!(node.release(&never).await, Ok(false));
    assert_eq!(node.cancel(&never).await, Ok(false));
    assert_eq!(node.release(&first).await, Ok(true));
    assert_eq!(node.release(&first).await, Ok(false));
    assert_eq!(node.cancel(&first).await, Ok(false), "a call that ended stays counted");
    assert_eq!(usage(world, Mode::Live).await, used(1, 2));
}

pub async fn a_permit_whose_call_can_exist_no_more_frees_its_place(world: &World) {
    let node = world.open().await;
    let mut over = request("over", only(Limit::FleetConcurrency, 1));
    over.lasts = Duration::ZERO;
    granted(node, &over).await;
    assert_eq!(usage(world, Mode::Live).await, used(0, 1));
    assert_eq!(node.held(Mode::Live).await, Ok(Vec::new()));
    assert_eq!(
        node.cancel(&over.attempt).await,
        Ok(false),
        "the call may have been made"
    );
    granted(node, &request("next", only(Limit::FleetConcurrency, 1))).await;
    assert_eq!(usage(world, Mode::Live).await, used(1, 2));
}

pub async fn p46_modes_count_apart(world: &World) {
    let node = world.open().await;
    let mut limits = only(Limit::FleetConcurrency, 1);
    limits.fleet_per_day = Some(1);
    for mode in [Mode::Simulated, Mode::DryRun, Mode::Live] {
        let mut first = request(&format!("first {mode:?}"), limits.clone());
        let mut second = request(&format!("second {mode:?}"), limits.clone());
        first.scopes.mode = mode;
        second.scopes.mode = mode;
        granted(node, &first).await;
        assert_eq!(
            refused(node, &second).await.0,
            Limit::FleetPerDay,
            "caps hold in {mode:?}"
        );
        assert_eq!(usage(world, mode).await, used(1, 1));
        assert_eq!(node.held(mode).await, Ok(vec![first.attempt]));
    }
}

pub async fn each_local_date_counts_by_itself(world: &World) {
    let node = world.open().await;
    for day in [21, 22] {
        let mut first = request(&format!("first of {day}"), only(Limit::CampaignPerDay, 1));
        let mut second = request(&format!("second of {day}"), only(Limit::CampaignPerDay, 1));
        first.scopes.date = CalendarDate::new(2026, 11, day).expect("a date");
        second.scopes.date = CalendarDate::new(2026, 11, day).expect("a date");
        granted(node, &first).await;
        assert_eq!(refused(node, &second).await, (Limit::CampaignPerDay, None));
    }
}

pub async fn a_limit_of_zero_refuses_every_call(world: &World) {
    let node = world.open().await;
    for limit in Limit::ALL {
        assert_eq!(refused(node, &request("any", only(limit, 0))).await, (limit, None));
    }
}

pub async fn a_limit_that_was_lowered_waits_for_as_many_as_are_in_the_way(world: &World) {
    let node = world.open().await;
    for hours in 1..=4 {
        let mut held = request(&hours.to_string(), PermitLimits::default());
        held.lasts = hours * LONG;
        granted(node, &held).await;
    }
    let (_, retry_after) = refused(node, &request("next", only(Limit::FleetConcurrency, 2))).await;
    let retry_after = retry_after.expect("permits expire");
    assert!(
        retry_after > 2 * LONG && retry_after <= 3 * LONG,
        "three of four must end: {retry_after:?}"
    );
}
