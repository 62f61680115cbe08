//! Many tasks on several nodes at once.

use crate::world::{World, only, request};
use futures_util::future::join_all;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use samvad_actors::ports::{Admission, Limit, PermitLimits, PermitRequest};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asks for all at once, spread over the nodes; gives those that were granted.
async fn ask_at_once(world: &World, requests: Vec<PermitRequest>) -> Vec<AttemptId> {
    let tasks = requests.into_iter().enumerate().map(|(index, request)| {
        let node = world.nodes[index % world.nodes.len()].clone();
        tokio::spawn(async move {
            let admission = node.acquire(&request).await.expect("available");
            matches!(admission, Admission::Granted { .. }).then_some(request.attempt)
        })
    });
    join_all(tasks)
        .await
        .into_iter()
        .filter_map(|task| task.expect("no panic"))
        .collect()
}

pub async fn l23_of_many_requests_at_once_exactly_as_many_as_every_limit_allows_are_granted(world: &World) {
    let node = world.open().await;
    for (round, limit) in Limit::ALL.into_iter().enumerate() {
        if [Limit::FleetRate, Limit::CampaignRate].contains(&limit) {
            continue;
        }
        let ask = |index| {
            let mut request = request(&format!("{round}-{index}"), only(limit, 7));
            let year = 2026 + u16::try_from(round).expect("few");
            request.scopes.date = CalendarDate::new(year, 11, 21).expect("a date");
            request
        };
        let granted = ask_at_once(world, (0..64).map(ask).collect()).await;
        assert_eq!(granted.len(), 7, "{limit:?}");
        for attempt in granted {
            assert_eq!(node.release(&attempt).await, Ok(true));
        }
    }
}

pub async fn l18_when_every_call_has_ended_no_permit_is_left(world: &World) {
    const CAP: usize = 5;
    world.open().await;
    let limits = PermitLimits {
        fleet_concurrency: u32::try_from(CAP).ok(),
        ..PermitLimits::default()
    };
    let under_way = Arc::new(AtomicUsize::new(0));
    let callers = (0..24).map(|caller| {
        let node = world.nodes[caller % world.nodes.len()].clone();
        let (limits, under_way) = (limits.clone(), under_way.clone());
        tokio::spawn(async move {
            let mut granted = 0u32;
            for call in 0..20 {
                let request = request(&format!("{caller}-{call}"), limits.clone());
                if let Admission::Granted { .. } = node.acquire(&request).await.expect("available") {
                    granted += 1;
                    assert!(
                        under_way.fetch_add(1, Ordering::SeqCst) < CAP,
                        "more calls than permits"
                    );
                    tokio::task::yield_now().await;
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    let given_back = match call % 3 {
                        0 => node.cancel(&request.attempt).await,
                        _ => node.release(&request.attempt).await,
                    };
                    assert_eq!(given_back, Ok(true));
                }
            }
            granted
        })
    });
    let granted: u32 = join_all(callers)
        .await
        .into_iter()
        .map(|task| task.expect("no panic"))
        .sum();
    assert!(granted as usize >= CAP);
    let survey = CampaignId::from("survey");
    let usage = world
        .node()
        .usage(Mode::Live, &survey, crate::world::TODAY)
        .await
        .expect("open");
    assert_eq!((usage.fleet_held, usage.campaign_held), (0, 0));
    assert!(usage.fleet_today <= granted);
    let refill: BTreeSet<_> = ask_at_once(
        world,
        (0..64).map(|n| request(&n.to_string(), limits.clone())).collect(),
    )
    .await
    .into_iter()
    .collect();
    assert_eq!(refill.len(), CAP, "every place is free again");
}
