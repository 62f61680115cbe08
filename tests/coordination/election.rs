//! One leader per campaign, under an epoch that only rises.

use crate::world::{LONG, World, candidacy, leads};
use futures_util::future::join_all;
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::{Candidacy, Election};
use std::time::Duration;

fn survey() -> CampaignId {
    CampaignId::from("survey")
}

pub async fn of_many_candidates_exactly_one_leads(world: &World) {
    let run = |index: usize| {
        let node = world.nodes[index % world.nodes.len()].clone();
        tokio::spawn(async move { node.campaign_lease(&candidacy(&format!("node {index}"), 0, LONG)).await })
    };
    let mut leaders = 0;
    for election in join_all((0..24).map(run)).await {
        match election.expect("no panic").expect("available") {
            Election::Leader { epoch } => {
                leaders += 1;
                assert_eq!(epoch, 1);
            }
            Election::Follower { retry_after } => assert!(retry_after > Duration::ZERO && retry_after <= LONG),
        }
    }
    assert_eq!(leaders, 1);
    let other = Candidacy {
        campaign: CampaignId::from("another"),
        ..candidacy("node 99", 0, LONG)
    };
    assert_eq!(leads(world.node(), &other).await, 1, "each campaign has its own");
}

pub async fn the_epoch_rises_with_every_holder(world: &World) {
    let node = world.node();
    assert_eq!(leads(node, &candidacy("a", 0, LONG)).await, 1);
    assert_eq!(node.resign_lease(&survey(), "a", 1).await, Ok(true));
    assert_eq!(
        leads(node, &candidacy("a", 0, LONG)).await,
        2,
        "resigned is over, for itself too"
    );
    assert_eq!(node.resign_lease(&survey(), "a", 2).await, Ok(true));
    assert_eq!(leads(node, &candidacy("b", 0, Duration::ZERO)).await, 3);
    assert_eq!(leads(node, &candidacy("c", 0, LONG)).await, 4, "b's lease has ended");
    let election = node.campaign_lease(&candidacy("b", 0, LONG)).await;
    assert!(matches!(election, Ok(Election::Follower { .. })), "{election:?}");
}

pub async fn the_epoch_rises_above_what_the_database_knows(world: &World) {
    let node = world.node();
    assert_eq!(leads(node, &candidacy("a", 17, LONG)).await, 18);
    assert_eq!(
        leads(node, &candidacy("a", 18, LONG)).await,
        18,
        "its own, written down"
    );
    assert_eq!(
        leads(node, &candidacy("a", 30, LONG)).await,
        31,
        "another led meanwhile"
    );
    assert_eq!(node.renew_lease(&survey(), "a", 18, LONG).await, Ok(false));
}

pub async fn a_holder_that_asks_again_keeps_its_epoch(world: &World) {
    let node = world.node();
    let epoch = leads(node, &candidacy("a", 0, LONG)).await;
    assert_eq!(
        leads(world.nodes[1].as_ref(), &candidacy("a", 0, 2 * LONG)).await,
        epoch
    );
    assert_eq!(node.renew_lease(&survey(), "a", epoch, 3 * LONG).await, Ok(true));
    match node.campaign_lease(&candidacy("b", 0, LONG)).await {
        Ok(Election::Follower { retry_after }) => assert!(retry_after > 2 * LONG, "{retry_after:?}"),
        other => panic!("not a follower: {other:?}"),
    }
}

pub async fn a_lease_that_ended_cannot_be_renewed_or_resigned(world: &World) {
    let node = world.node();
    assert_eq!(node.renew_lease(&survey(), "a", 1, LONG).await, Ok(false), "never held");
    let epoch = leads(node, &candidacy("a", 0, Duration::ZERO)).await;
    assert_eq!(node.renew_lease(&survey(), "a", epoch, LONG).await, Ok(false), "ended");
    let next = leads(node, &candidacy("b", 0, LONG)).await;
    for (holder, epoch) in [("a", epoch), ("a", next), ("b", epoch), ("b", next + 1)] {
        assert_eq!(node.renew_lease(&survey(), holder, epoch, LONG).await, Ok(false));
        assert_eq!(node.resign_lease(&survey(), holder, epoch).await, Ok(false));
    }
    assert_eq!(node.renew_lease(&survey(), "b", next, LONG).await, Ok(true));
}

pub async fn a_campaign_is_led_while_admission_is_shut(world: &World) {
    let node = world.node();
    assert_eq!(node.is_open().await, Ok(false));
    leads(node, &candidacy("a", 0, LONG)).await;
}
