//! Shut until one node has rebuilt it.

use crate::world::{LONG, TODAY, World, granted, only, open, refused, request, scopes};
use futures_util::future::join_all;
use samvad_actors::domain::{AttemptId, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, CoordinationError, CountedOver, DayScope, HeldPermit, Incarnation, Limit, PermitLimits, Rate, Rebuild,
    RebuildStart,
};
use std::collections::BTreeMap;
use std::time::Duration;

fn token(text: &str) -> Incarnation {
    Incarnation(text.to_owned())
}

fn held(attempt: &str) -> HeldPermit {
    HeldPermit {
        attempt: AttemptId::from(attempt),
        scopes: scopes(),
        lasts: LONG,
    }
}

pub async fn an_empty_coordination_gives_no_permit(world: &World) {
    let node = world.node();
    let survey = CampaignId::from("survey");
    assert_eq!(node.is_open().await, Ok(false));
    let ask = request("first", PermitLimits::default());
    assert_eq!(node.acquire(&ask).await, Err(CoordinationError::Shut));
    assert_eq!(node.held(Mode::Live).await, Err(CoordinationError::Shut));
    assert_eq!(
        node.usage(Mode::Live, &survey, TODAY).await,
        Err(CoordinationError::Shut)
    );
    assert_eq!(node.release(&ask.attempt).await, Ok(false), "a call may end meanwhile");
    let (begun, _) = (node.begin_rebuild(&token("a"), LONG).await, ());
    assert_eq!(begun, Ok(RebuildStart::Begun));
    assert_eq!(
        node.acquire(&ask).await,
        Err(CoordinationError::Shut),
        "begun is not done"
    );
    assert_eq!(node.finish_rebuild(&token("a"), &Rebuild::default()).await, Ok(true));
    assert_eq!(world.nodes[2].is_open().await, Ok(true));
    let admission = node.acquire(&ask).await.expect("open");
    let Admission::Granted {
        expires_in,
        incarnation,
    } = admission
    else {
        panic!("{admission:?}");
    };
    assert_eq!(expires_in, LONG);
    assert_eq!(incarnation.0.split('@').next(), Some("a"));
}

pub async fn of_many_nodes_exactly_one_rebuilds(world: &World) {
    let begin = |index: usize| {
        let node = world.nodes[index % world.nodes.len()].clone();
        tokio::spawn(async move { node.begin_rebuild(&token(&index.to_string()), LONG).await })
    };
    let starts: Vec<_> = join_all((0..24).map(begin)).await;
    let begun: Vec<_> = (0..24)
        .filter(|&index| matches!(starts[index], Ok(Ok(RebuildStart::Begun))))
        .collect();
    assert_eq!(begun.len(), 1);
    for start in starts.iter().enumerate().filter(|start| start.0 != begun[0]) {
        let busy = matches!(start.1, Ok(Ok(RebuildStart::Busy { retry_after })) if *retry_after <= LONG);
        assert!(busy, "{start:?}");
    }
    let (node, winner, loser) = (world.node(), begun[0].to_string(), (begun[0] + 1).to_string());
    assert_eq!(
        node.finish_rebuild(&token(&loser), &Rebuild::default()).await,
        Ok(false)
    );
    assert_eq!(node.is_open().await, Ok(false));
    assert_eq!(
        node.finish_rebuild(&token(&winner), &Rebuild::default()).await,
        Ok(true)
    );
    assert_eq!(
        node.finish_rebuild(&token(&winner), &Rebuild::default()).await,
        Ok(false),
        "once"
    );
    assert_eq!(
        node.begin_rebuild(&token("late"), LONG).await,
        Ok(RebuildStart::AlreadyOpen)
    );
}

pub async fn a_rebuilder_whose_lock_has_ended_opens_nothing(world: &World) {
    let node = world.node();
    assert_eq!(
        node.begin_rebuild(&token("slow"), Duration::ZERO).await,
        Ok(RebuildStart::Begun)
    );
    assert_eq!(
        node.finish_rebuild(&token("slow"), &Rebuild::default()).await,
        Ok(false),
        "ended"
    );
    assert_eq!(node.begin_rebuild(&token("next"), LONG).await, Ok(RebuildStart::Begun));
    assert_eq!(
        node.finish_rebuild(&token("slow"), &Rebuild::default()).await,
        Ok(false),
        "taken over"
    );
    assert_eq!(node.is_open().await, Ok(false));
    assert_eq!(node.finish_rebuild(&token("next"), &Rebuild::default()).await, Ok(true));
}

pub async fn what_was_rebuilt_counts_under_every_limit(world: &World) {
    let mode = Mode::Live;
    let count = |of| (DayScope { mode, date: TODAY, of }, 5);
    let rebuild = Rebuild {
        permits: vec![held("a"), held("b"), held("a")],
        day_counts: BTreeMap::from([
            count(CountedOver::Fleet),
            count(CountedOver::Campaign(CampaignId::from("survey"))),
            count(CountedOver::Country("IN".to_owned())),
        ]),
    };
    let node = world.node();
    open(node, "first", &rebuild).await;
    for limit in Limit::ALL {
        let cap = match limit {
            Limit::FleetPerDay | Limit::CampaignPerDay | Limit::CountryPerDay => 5,
            _ => 2,
        };
        assert_eq!(refused(node, &request("c", only(limit, cap))).await.0, limit);
        if !matches!(limit, Limit::FleetRate | Limit::CampaignRate) {
            granted(node, &request("c", only(limit, cap + 1))).await;
            assert_eq!(node.cancel(&AttemptId::from("c")).await, Ok(true));
        }
    }
    granted(node, &request("a", only(Limit::FleetConcurrency, 1))).await;
    assert_eq!(node.release(&AttemptId::from("a")).await, Ok(true));
    granted(node, &request("c", only(Limit::FleetConcurrency, 2))).await;
}

pub async fn an_attempt_that_ended_during_the_rebuild_is_left_out(world: &World) {
    let node = world.node();
    let (released, cancelled) = (AttemptId::from("released"), AttemptId::from("cancelled"));
    assert_eq!(
        node.release(&AttemptId::from("kept")).await,
        Ok(false),
        "before the lock"
    );
    assert_eq!(node.begin_rebuild(&token("a"), LONG).await, Ok(RebuildStart::Begun));
    assert_eq!(world.nodes[1].release(&released).await, Ok(false));
    assert_eq!(world.nodes[2].cancel(&cancelled).await, Ok(false));
    assert_eq!(
        node.begin_rebuild(&token("a"), LONG).await,
        Ok(RebuildStart::Begun),
        "asked again"
    );
    let rebuild = Rebuild {
        permits: vec![held("released"), held("kept"), held("cancelled")],
        day_counts: BTreeMap::new(),
    };
    assert_eq!(node.finish_rebuild(&token("a"), &rebuild).await, Ok(true));
    assert_eq!(node.held(Mode::Live).await, Ok(vec![AttemptId::from("kept")]));
}

pub async fn the_opening_counts_as_a_call_under_every_rate(world: &World) {
    let node = world.open().await;
    for limit in [Limit::FleetRate, Limit::CampaignRate] {
        let (named, retry_after) = refused(node, &request("first", only(limit, 1))).await;
        assert_eq!(named, limit);
        let retry_after = retry_after.expect("a rate says when");
        assert!(retry_after > 23 * LONG && retry_after <= 24 * LONG, "{retry_after:?}");
    }
    let soon = Rate {
        calls: 1,
        per: Duration::from_micros(1),
    };
    let limits = PermitLimits {
        fleet_rate: Some(soon),
        campaign_rate: Some(soon),
        ..PermitLimits::default()
    };
    while let Admission::Refused { .. } = node.acquire(&request("first", limits.clone())).await.expect("open") {}
}

pub async fn a_large_fleet_is_rebuilt_in_one_step(world: &World) {
    let rebuild = Rebuild {
        permits: (0..3000).map(|n| held(&n.to_string())).collect(),
        day_counts: BTreeMap::new(),
    };
    let node = world.node();
    open(node, "first", &rebuild).await;
    assert_eq!(node.held(Mode::Live).await.map(|held| held.len()), Ok(3000));
    let limit = Limit::CallerIdConcurrency;
    assert_eq!(refused(node, &request("c", only(limit, 3000))).await.0, limit);
}
