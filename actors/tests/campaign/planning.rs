//! What a tick orders.

use crate::windows::{instant, time};
use proptest::prelude::*;
use samvad_actors::campaign::{
    Breaker, Candidate, Due, Pace, Plan, RefusalReason, Snapshot, ZoneLoad, ZonedWindow, plan_tick,
};
use samvad_actors::domain::{CallingWindow, ContactId, Disposition, PhoneNumber, Weekday};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const NOON_IN_INDIA: &str = "2026-11-20T06:30:00Z";
const HOUR_MS: i64 = 3_600_000;

fn number(number: u32) -> PhoneNumber {
    PhoneNumber::parse(&format!("+9198000{number:05}")).expect("E.164")
}

fn candidate(name: &str, of: u32, due: Due) -> Candidate {
    Candidate {
        contact: ContactId::from(name),
        number: number(of),
        zone: None,
        due,
    }
}

fn fresh(position: u64) -> Due {
    Due::Fresh { position }
}

fn snapshot(candidates: Vec<Candidate>) -> Snapshot {
    Snapshot {
        window: CallingWindow::default(),
        candidates,
        to_call: None,
        free_permits: 100,
        last_begun_ms: None,
        in_flight: BTreeSet::new(),
        lead: Duration::from_secs(330),
        breaker: Breaker::default(),
        latest_ends: Vec::new(),
        longest_sleep: Duration::from_secs(60),
    }
}

fn ordered(plan: &Plan) -> Vec<&str> {
    plan.orders.iter().map(|order| order.contact.as_str()).collect()
}

fn why(plan: &Plan, contact: &str) -> Option<RefusalReason> {
    let refusal = plan.refusals.iter().find(|refusal| refusal.contact.as_str() == contact);
    refusal.map(|refusal| refusal.reason)
}

#[test]
fn callbacks_come_first_then_retries_then_fresh_contacts_each_by_age() {
    let now_ms = instant(NOON_IN_INDIA);
    let plan = plan_tick(
        &snapshot(vec![
            candidate("fresh 2", 1, fresh(2)),
            candidate("retry late", 2, Due::Retry { at_ms: now_ms }),
            candidate("callback", 3, Due::Callback { at_ms: now_ms }),
            candidate("fresh 1", 4, fresh(1)),
            candidate("retry early", 5, Due::Retry { at_ms: now_ms - 1 }),
            candidate("later", 6, Due::Callback { at_ms: now_ms + 5_000 }),
        ]),
        now_ms,
    );
    assert_eq!(
        ordered(&plan),
        ["callback", "retry early", "retry late", "fresh 1", "fresh 2"]
    );
    assert_eq!(
        why(&plan, "later"),
        Some(RefusalReason::NotDue { at_ms: now_ms + 5_000 })
    );
    assert_eq!(plan.wake_at_ms, now_ms + 5_000);
    assert_eq!(plan.orders[0].window_closes_ms, Some(instant("2026-11-20T11:30:00Z")));
}

#[test]
fn a_contact_is_called_by_the_clock_of_its_own_zone() {
    let mut american = candidate("american", 1, fresh(1));
    american.zone = Some("America/New_York".to_owned());
    let mut lost = candidate("lost", 2, fresh(2));
    lost.zone = Some("Atlantis/Capital".to_owned());
    let all = snapshot(vec![american, lost, candidate("indian", 3, fresh(3))]);
    let plan = plan_tick(&all, instant(NOON_IN_INDIA));
    assert_eq!(ordered(&plan), ["indian"]);
    let opens_at_ms = Some(instant("2026-11-20T16:00:00Z"));
    assert_eq!(
        why(&plan, "american"),
        Some(RefusalReason::OutsideWindow { opens_at_ms })
    );
    assert_eq!(why(&plan, "lost"), Some(RefusalReason::UnknownZone));
    let mut nowhere = all.clone();
    nowhere.window.zone = String::new();
    assert!(
        plan_tick(&nowhere, instant(NOON_IN_INDIA)).orders.is_empty(),
        "fails closed"
    );
}

#[test]
fn l22_nobody_is_called_when_the_window_closes_before_the_call_could_be_answered() {
    let one = snapshot(vec![candidate("a", 1, fresh(1))]);
    let last_start = instant("2026-11-20T11:30:00Z") - 330_000;
    assert_eq!(ordered(&plan_tick(&one, last_start)), ["a"]);
    let late = plan_tick(&one, last_start + 1);
    let opens_at_ms = Some(instant("2026-11-23T05:30:00Z"));
    assert_eq!(why(&late, "a"), Some(RefusalReason::OutsideWindow { opens_at_ms }));
}

#[test]
fn a_number_is_called_once_and_not_while_it_is_in_flight() {
    let mut all = snapshot(vec![
        candidate("first", 1, fresh(1)),
        candidate("second", 1, fresh(2)),
        candidate("busy", 2, fresh(3)),
    ]);
    all.in_flight.insert(number(2));
    let plan = plan_tick(&all, instant(NOON_IN_INDIA));
    assert_eq!(ordered(&plan), ["first"]);
    assert_eq!(why(&plan, "second"), Some(RefusalReason::NumberInUse));
    assert_eq!(why(&plan, "busy"), Some(RefusalReason::NumberInUse));
}

#[test]
fn p53_a_tripped_breaker_orders_nothing_and_says_why() {
    let mut all = snapshot(vec![candidate("a", 1, fresh(1))]);
    all.latest_ends = vec![Disposition::TechnicalProblem; 20];
    let plan = plan_tick(&all, instant(NOON_IN_INDIA));
    assert!(plan.orders.is_empty());
    assert_eq!(why(&plan, "a"), Some(RefusalReason::Paused));
    assert_eq!(plan.pause.map(|trip| trip.failed), Some(20));
}

#[test]
fn a_callback_is_not_held_back_by_the_spread_and_the_others_wait_for_it() {
    let now_ms = instant(NOON_IN_INDIA);
    let mut all = snapshot(vec![
        candidate("callback", 1, Due::Callback { at_ms: now_ms }),
        candidate("fresh", 2, fresh(1)),
    ]);
    all.to_call = Some(BTreeMap::from([(None, 2)]));
    all.last_begun_ms = Some(now_ms - 1);
    let plan = plan_tick(&all, now_ms);
    assert_eq!(ordered(&plan), ["callback"]);
    assert_eq!(why(&plan, "fresh"), Some(RefusalReason::Spread));
}

#[test]
fn calls_are_spread_to_the_end_of_the_window() {
    // Stepping from wake-up to wake-up through a whole window, with everybody due from its begin on.
    let (opens_ms, closes_ms) = (instant("2026-11-20T05:30:00Z"), instant("2026-11-20T11:30:00Z"));
    let mut all = snapshot(
        (0..120)
            .map(|n| candidate(&format!("{n:03}"), n, fresh(n.into())))
            .collect(),
    );
    all.lead = Duration::ZERO;
    let (mut now_ms, mut begun) = (opens_ms, Vec::new());
    while now_ms < closes_ms && !all.candidates.is_empty() {
        all.to_call = Some(BTreeMap::from([(
            None,
            u32::try_from(all.candidates.len()).expect("few"),
        )]));
        let plan = plan_tick(&all, now_ms);
        for order in &plan.orders {
            all.candidates.retain(|candidate| candidate.contact != order.contact);
            all.last_begun_ms = Some(now_ms);
            begun.push(now_ms);
        }
        now_ms = plan.wake_at_ms;
    }
    assert!(all.candidates.is_empty(), "{} were not called", all.candidates.len());
    for hour in 0..6 {
        let from_ms = opens_ms + hour * HOUR_MS;
        let calls = begun
            .iter()
            .filter(|&&at| (from_ms..from_ms + HOUR_MS).contains(&at))
            .count();
        assert!(
            (18..=22).contains(&calls),
            "hour {hour}: {calls} of 120 calls in six hours"
        );
    }
}

#[derive(Clone, Debug)]
struct Case {
    snapshot: Snapshot,
    now_ms: i64,
}

fn any_case() -> impl Strategy<Value = Case> {
    let begin = instant("2026-03-01T00:00:00Z");
    let zone = || {
        let zones = ["Asia/Kolkata", "America/New_York", "Europe/Berlin", "Nowhere/Land"].map(str::to_owned);
        prop::option::of(prop::sample::select(zones.to_vec()))
    };
    let due = prop_oneof![
        (-100_000i64..100_000).prop_map(|at_ms| Due::Callback { at_ms }),
        (-100_000i64..100_000).prop_map(|at_ms| Due::Retry { at_ms }),
        (0u64..50).prop_map(fresh),
    ];
    let candidates = prop::collection::vec((0u32..25, zone(), due), 0..40);
    let to_call = prop::option::of(prop::collection::btree_map(zone(), 0u32..5000, 0..4));
    let ends = prop::collection::vec(
        prop::sample::select(vec![
            Disposition::TechnicalProblem,
            Disposition::Busy,
            Disposition::Complete,
        ]),
        0..30,
    );
    let world = (
        0i64..600 * HOUR_MS,
        0u32..12,
        prop::option::of(0i64..120_000),
        0u64..900,
        0u8..24,
        1u8..24,
    );
    (candidates, to_call, ends, world).prop_map(
        move |(candidates, to_call, latest_ends, (ahead_ms, free_permits, begun_ago, lead, opens, hours))| {
            let now_ms = begin + ahead_ms;
            let moved = |due| match due {
                Due::Callback { at_ms } => Due::Callback { at_ms: now_ms + at_ms },
                Due::Retry { at_ms } => Due::Retry { at_ms: now_ms + at_ms },
                fresh @ Due::Fresh { .. } => fresh,
            };
            let candidates = candidates
                .into_iter()
                .enumerate()
                .map(|(index, (of, zone, due))| Candidate {
                    zone,
                    ..candidate(&format!("contact {index}"), of, moved(due))
                });
            let mut snapshot = snapshot(candidates.collect());
            snapshot.window.weekdays = Weekday::ALL.to_vec();
            snapshot.window.start = time(&format!("{opens:02}:00"));
            snapshot.window.end = time(&format!("{:02}:00", (opens + hours) % 24));
            snapshot.to_call = to_call;
            snapshot.latest_ends = latest_ends;
            snapshot.free_permits = free_permits;
            snapshot.last_begun_ms = begun_ago.map(|ago| now_ms - ago);
            snapshot.lead = Duration::from_secs(lead);
            snapshot.in_flight = [number(3), number(7)].into();
            Case { snapshot, now_ms }
        },
    )
}

/// What the spread allows, reckoned anew.
fn spread(Case { snapshot, now_ms }: &Case) -> Option<f64> {
    let lead_ms = i64::try_from(snapshot.lead.as_millis()).expect("short");
    let mut calls_per_ms = 0.0;
    for (zone, contacts) in snapshot.to_call.as_ref()? {
        let zone = zone.as_deref().unwrap_or(&snapshot.window.zone);
        let Ok(window) = ZonedWindow::new(&snapshot.window, zone) else {
            continue;
        };
        let closes_ms = window.closes_at(*now_ms).expect("closes every day");
        if window.is_open(*now_ms) && closes_ms - now_ms >= lead_ms {
            calls_per_ms += f64::from(*contacts) / (closes_ms - lead_ms - now_ms).max(1) as f64;
        }
    }
    let since = snapshot
        .last_begun_ms
        .map(|begun| (now_ms - begun) as f64 * calls_per_ms);
    let at_once = f64::max(1.0, 1000.0 * calls_per_ms);
    Some(since.map_or(1.0, |since| since.min(at_once)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_every_law(case in any_case(), seed in any::<u64>()) {
        let Case { snapshot, now_ms } = &case;
        let plan = plan_tick(snapshot, *now_ms);
        prop_assert!(plan.orders.len() <= snapshot.free_permits as usize, "never more than free permits");
        let others = plan.orders.iter().filter(|order| !matches!(order.due, Due::Callback { .. })).count();
        if let (Some(spread), true) = (spread(&case), others > 0) {
            prop_assert!(plan.orders.len() as f64 <= spread + 1e-6, "{} orders, {} allowed", plan.orders.len(), spread);
        }
        prop_assert_eq!(plan.orders.is_empty() || plan.pause.is_none(), true, "a paused campaign orders nothing");

        let by_contact: BTreeMap<_, _> = snapshot.candidates.iter().map(|one| (&one.contact, one)).collect();
        let ordered: BTreeSet<_> = plan.orders.iter().map(|order| &order.contact).collect();
        let refused: BTreeSet<_> = plan.refusals.iter().map(|refusal| &refusal.contact).collect();
        prop_assert_eq!(ordered.len() + refused.len(), snapshot.candidates.len(), "everybody is answered once");
        prop_assert!(ordered.is_disjoint(&refused));
        prop_assert!(plan.orders.is_sorted_by_key(|order| order.due), "callbacks, then retries, then fresh");
        let numbers: BTreeSet<_> = plan.orders.iter().map(|order| &order.number).collect();
        prop_assert_eq!(numbers.len(), plan.orders.len(), "one per number");
        prop_assert!(numbers.is_disjoint(&snapshot.in_flight.iter().collect()));

        let lead_ms = i64::try_from(snapshot.lead.as_millis()).expect("short");
        for order in &plan.orders {
            let zone = by_contact[&order.contact].zone.as_deref().unwrap_or(&snapshot.window.zone);
            let window = ZonedWindow::new(&snapshot.window, zone).expect("only known zones are called");
            prop_assert!(window.is_open(*now_ms));
            prop_assert!(window.closes_at(*now_ms).is_none_or(|closes| closes - now_ms >= lead_ms));
            let due_ms = match order.due {
                Due::Fresh { .. } => *now_ms,
                Due::Callback { at_ms } | Due::Retry { at_ms } => at_ms,
            };
            prop_assert!(due_ms <= *now_ms);
        }
        // Whoever lacked only room is not passed by anybody behind in the queue.
        let last = plan.orders.iter().map(|order| (order.due, &order.contact)).max();
        for refusal in plan.refusals.iter().filter(|refusal| refusal.reason == RefusalReason::NoPermit) {
            let passed = by_contact[&refusal.contact];
            prop_assert!(last.is_none_or(|last| last < (passed.due, &passed.contact)));
        }
        let longest = i64::try_from(snapshot.longest_sleep.as_millis()).expect("short");
        prop_assert!(plan.wake_at_ms > *now_ms && plan.wake_at_ms <= now_ms + longest);

        let mut shuffled = snapshot.clone();
        let turn = usize::try_from(seed % 41).expect("small") % snapshot.candidates.len().max(1);
        shuffled.candidates.rotate_left(turn);
        shuffled.candidates.reverse();
        prop_assert_eq!(plan_tick(&shuffled, *now_ms), plan, "the order of the candidates does not matter");
    }

    #[test]
    fn whoever_wakes_when_told_may_call(
        contacts in 1u32..1_000_000,
        left_ms in 1i64..80_000_000,
        ago_ms in 0i64..100_000,
        begun in 0u32..2,
    ) {
        let now_ms = 1_000_000_000;
        let pace = Pace::of(&[ZoneLoad { contacts, last_start_ms: now_ms + left_ms }], now_ms);
        let last = Some(now_ms - ago_ms);
        let next_ms = pace.next_at_ms(last, begun, now_ms).expect("somebody is left");
        prop_assert!(next_ms > now_ms);
        let last = if begun > 0 { Some(now_ms) } else { last };
        prop_assert!(pace.allows(last, next_ms) >= 1);
        prop_assert_eq!(Pace::of(&[], now_ms).next_at_ms(last, begun, now_ms), None);
    }
}
