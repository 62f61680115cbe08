//! Laws of the table in virtual time.

use super::LeaseTable;
use crate::domain::{AttemptId, CalendarDate, CampaignId, Mode, PhoneNumber};
use crate::ports::{
    Admission, Candidacy, Election, Incarnation, LONGEST_US, Limit, PermitLimits, PermitRequest, PermitScopes, Rate,
    Rebuild,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const DATE: CalendarDate = match CalendarDate::new(2026, 11, 21) {
    Some(date) => date,
    None => CalendarDate::FIRST,
};

fn open_table(now_us: u64) -> LeaseTable {
    let mut table = LeaseTable::default();
    let token = Incarnation("first".to_owned());
    table.begin_rebuild(&token, Duration::from_secs(1), now_us);
    assert!(table.finish_rebuild(&token, &Rebuild::default(), now_us));
    table
}

fn request(attempt: u32, campaign: u8, limits: PermitLimits, lasts_us: u64) -> PermitRequest {
    PermitRequest {
        attempt: AttemptId::new(attempt.to_string()),
        scopes: PermitScopes {
            mode: Mode::Live,
            campaign: CampaignId::new(campaign.to_string()),
            country: "IN".to_owned(),
            caller_id: PhoneNumber::parse("+911140000000").expect("E.164"),
            date: DATE,
        },
        limits,
        lasts: Duration::from_micros(lasts_us),
    }
}

fn is_granted(admission: &Admission) -> bool {
    matches!(admission, Admission::Granted { .. })
}

proptest! {
    #[test]
    fn in_any_span_of_the_rates_length_no_more_calls_begin_than_it_allows(
        calls in 1u32..20,
        per_us in 1u64..2_000_000,
        waits in prop::collection::vec(0u64..200_000, 1..300),
    ) {
        let mut table = open_table(0);
        let rate = Rate { calls, per: Duration::from_micros(per_us) };
        let limits = PermitLimits { fleet_rate: Some(rate), ..PermitLimits::default() };
        let (mut now_us, mut begun) = (0, vec![0]);
        for (attempt, wait) in (0u32..).zip(waits) {
            now_us += wait;
            let admission = table.acquire(&request(attempt, 0, limits.clone(), 1), now_us).expect("open");
            match admission {
                Admission::Granted { .. } => begun.push(now_us),
                Admission::Refused { retry_after, .. } => {
                    // Asking at the named time is granted: a rate wastes nothing.
                    now_us += u64::try_from(retry_after.expect("a rate says when").as_micros()).expect("small");
                    let again = table.acquire(&request(attempt, 0, limits.clone(), 1), now_us).expect("open");
                    prop_assert!(is_granted(&again));
                    begun.push(now_us);
                }
            }
        }
        for (index, start) in begun.iter().enumerate() {
            let inside = begun[index..].iter().take_while(|at| **at < start + per_us).count();
            prop_assert!(inside <= calls as usize, "{} calls within {} µs", inside, per_us);
        }
    }

    #[test]
    fn p15_however_long_it_takes_from_the_permit_to_the_call_a_rate_is_exceeded_by_one_at_most(
        calls in 1u32..20,
        per_us in 1_000u64..2_000_000,
        ways in prop::collection::vec((0u64..200_000, prop_oneof![4 => 0u64..1_000, 1 => 0u64..5_000_000]), 1..100),
    ) {
        let mut table = open_table(0);
        let rate = Rate { calls, per: Duration::from_micros(per_us) };
        let limits = PermitLimits { fleet_rate: Some(rate), ..PermitLimits::default() };
        // Each asks for its permit, is held up on the way, and asks again before the call begins.
        let mut asks = BTreeSet::new();
        let mut at_us = 0;
        for (attempt, (wait, _)) in (0u32..).zip(&ways) {
            at_us += wait;
            asks.insert((at_us, attempt, false));
        }
        let mut begun = Vec::new();
        while let Some((now_us, attempt, permitted)) = asks.pop_first() {
            let mut order = request(attempt, 0, limits.clone(), 1);
            order.lasts = Duration::from_secs(3600);
            match table.acquire(&order, now_us).expect("open") {
                Admission::Granted { .. } if permitted => begun.push(now_us),
                Admission::Granted { .. } => {
                    asks.insert((now_us + ways[attempt as usize].1, attempt, true));
                }
                Admission::Refused { retry_after, .. } => {
                    let wait = retry_after.expect("a rate says when").as_micros();
                    asks.insert((now_us + u64::try_from(wait).expect("small"), attempt, permitted));
                }
            }
        }
        prop_assert_eq!(begun.len(), ways.len());
        for (index, start) in begun.iter().enumerate() {
            let inside = begun[index..].iter().take_while(|at| **at < start + per_us).count();
            prop_assert!(inside <= calls as usize + 1, "{} calls within {} µs", inside, per_us);
        }
    }

    #[test]
    fn p15_no_limit_is_ever_exceeded_and_nothing_is_left_when_every_call_has_ended(
        fleet in 1u32..6,
        campaign in 1u32..4,
        per_day in 1u32..30,
        steps in prop::collection::vec((0u8..4, 0u32..12, 0u8..3, 1u64..50, 0u64..20), 1..300),
    ) {
        let mut table = open_table(0);
        let limits = PermitLimits {
            fleet_concurrency: Some(fleet),
            campaign_concurrency: Some(campaign),
            fleet_per_day: Some(per_day),
            ..PermitLimits::default()
        };
        let mut now_us = 0;
        // What the carrier would know: who holds a call until when, and how many calls were made.
        let mut calls: BTreeMap<AttemptId, (u8, u64)> = BTreeMap::new();
        let mut made = 0;
        for (kind, attempt, of, lasts_us, wait_us) in steps {
            now_us += wait_us;
            calls.retain(|_, call| call.1 > now_us);
            let request = request(attempt, of, limits.clone(), lasts_us);
            match kind {
                0 => { table.release(&request.attempt, now_us); calls.remove(&request.attempt); }
                1 => if table.cancel(&request.attempt, now_us) {
                    prop_assert!(calls.remove(&request.attempt).is_some());
                    made -= 1;
                },
                _ => {
                    let admission = table.acquire(&request, now_us).expect("open");
                    if is_granted(&admission) && !calls.contains_key(&request.attempt) {
                        calls.insert(request.attempt, (of, now_us + lasts_us));
                        made += 1;
                    }
                }
            }
            prop_assert!(calls.len() <= fleet as usize);
            for of in 0..3 {
                prop_assert!(calls.values().filter(|call| call.0 == of).count() <= campaign as usize);
            }
            prop_assert!(made <= per_day);
            let held = table.held(Mode::Live, now_us).expect("open").len();
            prop_assert_eq!(held, calls.len(), "what is held is what is under way");
        }
        let usage = table.usage(Mode::Live, &CampaignId::from("0"), DATE, now_us + 50).expect("open");
        prop_assert_eq!((usage.fleet_held, usage.campaign_held, usage.fleet_today), (0, 0, made));
    }

    #[test]
    fn epochs_rise_and_a_campaign_never_has_two_leaders(
        steps in prop::collection::vec((0u8..3, 0u8..4, 0u64..40, 0u64..20, 0u64..3), 1..200),
    ) {
        let campaign = CampaignId::from("survey");
        let mut table = LeaseTable::default();
        let (mut now_us, mut leader, mut highest) = (0, None::<(String, u64, u64)>, 0);
        for (kind, node, lasts_us, wait_us, above) in steps {
            now_us += wait_us;
            leader = leader.filter(|leader| leader.2 > now_us);
            let (node, lasts) = (node.to_string(), Duration::from_micros(lasts_us));
            let epoch = highest;
            match kind {
                0 => {
                    let held = table.renew_lease(&campaign, &node, epoch, lasts, now_us);
                    prop_assert_eq!(held, leader.as_ref().is_some_and(|(holder, held, _)| (holder, *held) == (&node, epoch)));
                    if held { leader = Some((node, epoch, now_us + lasts_us)); }
                }
                1 => if table.resign_lease(&campaign, &node, epoch, now_us) { leader = None; },
                _ => {
                    // A database that knows as much as was handed out, or less, or (another coordination) more.
                    let known_epoch = (highest + above).saturating_sub(1);
                    let candidacy = Candidacy { campaign: campaign.clone(), node: node.clone(), known_epoch, lasts };
                    match table.campaign_lease(&candidacy, now_us) {
                        Election::Leader { epoch } => {
                            let again = leader.as_ref().is_some_and(|(holder, held, _)| (holder, *held) == (&node, epoch));
                            prop_assert!(again || epoch > highest.max(known_epoch));
                            prop_assert!(leader.is_none_or(|(holder, ..)| holder == node));
                            highest = epoch;
                            leader = Some((node, epoch, now_us + lasts_us));
                        }
                        Election::Follower { retry_after } => {
                            let until = leader.as_ref().map(|leader| leader.2);
                            prop_assert_eq!(until, Some(now_us + u64::try_from(retry_after.as_micros()).expect("small")));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn l18_a_permit_lasts_as_long_as_the_carrier_can_hold_the_call_and_no_longer() {
    let seconds = Duration::from_secs;
    let lasts = PermitRequest::longest_hold(seconds(2), seconds(300), seconds(30), seconds(600));
    assert_eq!(lasts, seconds(2 + 300 + 30 + 5 + 600));
    let mut table = open_table(0);
    let limits = PermitLimits {
        fleet_concurrency: Some(1),
        ..PermitLimits::default()
    };
    let lasts_us = 937_000_000;
    let first = table
        .acquire(&request(1, 0, limits.clone(), lasts_us), 0)
        .expect("open");
    assert!(is_granted(&first));
    let refused = table.acquire(&request(2, 0, limits.clone(), lasts_us), lasts_us - 1);
    assert_eq!(
        refused.expect("open"),
        Admission::Refused {
            limit: Limit::FleetConcurrency,
            retry_after: Some(Duration::from_micros(1))
        }
    );
    assert!(is_granted(
        &table.acquire(&request(2, 0, limits, 1), lasts_us).expect("open")
    ));
}

#[test]
fn times_beyond_reason_overflow_nothing() {
    let mut table = open_table(u64::MAX - 1);
    let forever = Rate {
        calls: 1,
        per: Duration::MAX,
    };
    assert_eq!(forever.interval_us(), Some(LONGEST_US));
    let limits = PermitLimits {
        campaign_rate: Some(forever),
        ..PermitLimits::default()
    };
    let refused = table
        .acquire(&request(1, 0, limits, u64::MAX), u64::MAX - 1)
        .expect("open");
    assert!(!is_granted(&refused));
    let granted = table.acquire(&request(1, 0, PermitLimits::default(), u64::MAX), u64::MAX - 1);
    assert!(is_granted(&granted.expect("open")));
}
