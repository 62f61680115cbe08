//! A record that keeps every law is clean; one that breaks a law is caught by that law alone.

use super::*;
use proptest::prelude::*;

const DAY: &str = "2026-11-21";

fn call(n: u32, to: &str, begun_ms: i64, over_ms: i64) -> Call {
    Call {
        sid: format!("CA{n}"),
        attempt: format!("a{n}"),
        to: to.to_owned(),
        from: "+14155550100".to_owned(),
        begun_ms,
        over_ms: Some(over_ms),
    }
}

fn attempt(n: u32) -> Attempt {
    Attempt {
        id: format!("a{n}"),
        campaign: "spring".to_owned(),
        zone: None,
        country: "+1".to_owned(),
        day: DAY.to_owned(),
        outcome: Some("failed".to_owned()),
    }
}

fn mark(n: u32, number: &str, at_us: i64) -> Mark {
    let leader = ("node-0".to_owned(), 3);
    Mark {
        attempt: format!("a{n}"),
        number: number.to_owned(),
        at_us,
        by: leader.clone(),
        leader,
    }
}

/// Two calls one after the other, and one beside them, within every limit.
fn lawful() -> Record {
    let limits = Limits {
        at_once: Some(2),
        per_second: Some(2),
        per_day: Some(3),
    };
    let campaign = Campaign {
        windows: BTreeMap::from([(None, vec![(0, 10_000)])]),
        limits,
        must_finish: true,
        finished: true,
    };
    Record {
        calls: vec![
            call(1, "+14155550101", 0, 1_000),
            call(2, "+14155550101", 1_000, 2_000),
            call(3, "+14155550102", 500, 3_000),
        ],
        attempts: vec![attempt(1), attempt(2), attempt(3)],
        marks: vec![mark(1, "+14155550101", 100), mark(3, "+14155550102", 400)],
        opt_outs: BTreeMap::from([("+14155550102".to_owned(), 401)]),
        campaigns: BTreeMap::from([("spring".to_owned(), campaign)]),
        fleet: limits,
        country: Limits {
            per_second: None,
            ..limits
        },
        per_caller_id: Some(2),
        permits_gone_ms: Some(63_000),
    }
}

#[track_caller]
fn only(law: Law, break_it: impl FnOnce(&mut Record)) {
    let mut record = lawful();
    break_it(&mut record);
    let found = breaches(&record);
    assert!(!found.is_empty(), "nothing was found");
    assert!(found.iter().all(|breach| breach.law == law), "{found:?}");
}

#[test]
fn a_record_that_keeps_every_law_has_no_breach() {
    assert_eq!(breaches(&lawful()), []);
    assert_eq!(
        breaches(&Record {
            permits_gone_ms: Some(1),
            ..Record::default()
        }),
        []
    );
}

#[test]
fn l20_a_second_call_for_an_attempt_is_caught() {
    only(Law::OneCallPerAttempt, |record| {
        "a1".clone_into(&mut record.calls[1].attempt)
    });
}

#[test]
fn a_call_for_an_attempt_that_nobody_knows_is_caught() {
    only(Law::OneCallPerAttempt, |record| drop(record.attempts.remove(1)));
}

#[test]
fn l23_two_calls_at_once_to_a_number_are_caught() {
    only(Law::OneCallPerNumber, |record| {
        "+14155550101".clone_into(&mut record.calls[2].to)
    });
}

#[test]
fn a_call_outside_its_window_is_caught() {
    only(Law::Window, |record| {
        record.campaigns.get_mut("spring").expect("there").windows = BTreeMap::from([(None, vec![(0, 1_000)])]);
    });
    only(Law::Window, |record| {
        record.attempts[0].zone = Some("Asia/Kolkata".to_owned())
    });
}

#[test]
fn a_mark_after_an_opt_out_is_caught() {
    only(Law::OptOut, |record| record.marks[1].at_us = 402);
}

#[test]
fn a_mark_by_one_who_leads_no_more_is_caught() {
    only(Law::Leader, |record| record.marks[0].leader.1 = 4);
    only(Law::Leader, |record| "node-1".clone_into(&mut record.marks[0].leader.0));
}

#[test]
fn too_many_calls_at_once_are_caught_in_every_scope() {
    let one = Some(1);
    only(Law::Concurrency, |record| record.fleet.at_once = one);
    only(Law::Concurrency, |record| record.country.at_once = one);
    only(Law::Concurrency, |record| record.per_caller_id = one);
    only(Law::Concurrency, |record| {
        record.campaigns.get_mut("spring").expect("there").limits.at_once = one;
    });
}

#[test]
fn too_many_calls_on_a_day_are_caught_in_every_scope() {
    let two = Some(2);
    only(Law::DailyCap, |record| record.fleet.per_day = two);
    only(Law::DailyCap, |record| record.country.per_day = two);
    only(Law::DailyCap, |record| {
        record.campaigns.get_mut("spring").expect("there").limits.per_day = two;
    });
}

#[test]
fn more_than_the_rate_and_one_in_any_second_is_caught() {
    // 500 to 1,500 holds two; from 0 on it is two as well, and 1,000 is outside of it.
    only(Law::Rate, |record| record.fleet.per_second = Some(0));
    only(Law::Rate, |record| {
        record.campaigns.get_mut("spring").expect("there").limits.per_second = Some(0);
    });
    let mut record = lawful();
    record.fleet.per_second = Some(1);
    assert_eq!(breaches(&record), [], "the rate plus one is allowed");
}

#[test]
fn an_attempt_without_an_outcome_is_caught() {
    only(Law::Outcome, |record| record.attempts[2].outcome = None);
    only(Law::Outcome, |record| {
        record.calls[2].over_ms = None;
        record.permits_gone_ms = Some(2_000);
    });
}

#[test]
fn a_campaign_that_does_not_finish_is_caught() {
    only(Law::Finish, |record| {
        record.campaigns.get_mut("spring").expect("there").finished = false
    });
}

#[test]
fn a_permit_that_outlives_the_last_call_by_a_minute_is_caught() {
    only(Law::Permits, |record| record.permits_gone_ms = Some(63_001));
    only(Law::Permits, |record| record.permits_gone_ms = None);
}

proptest! {
    #[test]
    fn concurrency_and_rate_agree_with_counting_at_every_moment(
        spans in proptest::collection::vec((0_i64..3_000, 1_i64..2_000), 1..12),
    ) {
        let calls: Vec<Call> = spans
            .iter()
            .enumerate()
            .map(|(n, &(from, lasts))| call(n as u32, "+14155550101", from, from + lasts))
            .collect();
        let refs: Vec<&Call> = calls.iter().collect();
        let at = |ms: i64| calls.iter().filter(|call| call.begun_ms <= ms && ms < call.over_ms.expect("ended")).count();
        let most = (0..5_000).map(at).max().expect("moments");
        prop_assert_eq!(above(&refs, most), None);
        prop_assert!(above(&refs, most - 1).is_some());
        let begun = |ms: i64| calls.iter().filter(|call| (ms..ms + SECOND_MS).contains(&call.begun_ms)).count();
        let busiest = (-1_000..3_000).map(begun).max().expect("moments");
        prop_assert_eq!(busiest_second(&refs).map(|(_, count)| count), Some(busiest));
    }
}
