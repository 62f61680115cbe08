//! Whose turn it is, over campaigns, zones and modes.

use crate::dialling::*;
use crate::world::*;
use samvad_actors::domain::{
    AttemptId, CalendarDate, CallbackRequest, CarrierStatus, Disposition, EndReason, Lifecycle, Mode, Outcome,
    SpokenClock, SpokenHours, SpokenTime, TimeOfDay,
};
use samvad_actors::ports::{
    CallReport, CallbackEffect, ClaimRefusal, ContactImport, DayCount, DoNotCallEntry, ExclusionSource, ImportReport,
    InFlightAttempt, ModeCounts, NextCall, RegistryScrub, StoreError,
};

const DAY: i64 = 86_400_000;

pub async fn only_contacts_in_open_zones_that_are_due_are_candidates(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    let zoned = |n, zone: Option<&str>| ContactImport {
        zone: zone.map(str::to_owned),
        ..imported(&campaign, n)
    };
    let batch = [
        zoned(1, None),
        zoned(2, Some("Asia/Kolkata")),
        zoned(3, Some("America/New_York")),
        zoned(4, None),
        zoned(1, Some("Asia/Kolkata")),
    ];
    let report = store.import_contacts(&batch, NOW).await.expect("imported");
    assert_eq!(
        report,
        ImportReport {
            added: 4,
            duplicates: vec![4]
        }
    );
    let zones = store.zones(&campaign).await.expect("read");
    assert_eq!(
        zones,
        [
            None,
            Some("America/New_York".to_owned()),
            Some("Asia/Kolkata".to_owned())
        ]
    );
    let numbers = async |open_zones, limit| {
        let query = query(&campaign, open_zones, limit);
        let snapshot = store.due_snapshot(&query, NOW).await.expect("read");
        snapshot
            .candidates
            .into_iter()
            .map(|contact| contact.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(vec![None], 10).await, [number(1), number(4)]);
    assert_eq!(numbers(vec![Some("Asia/Kolkata".to_owned())], 10).await, [number(2)]);
    assert_eq!(numbers(Vec::new(), 10).await, []);
    assert_eq!(numbers(zones.clone(), 3).await.len(), 3);
    assert_eq!(numbers(zones, 10).await.len(), 4);
}

pub async fn a_number_that_another_campaign_called_cools_down_and_a_retry_is_exempt(store: TestStore) {
    let (spring, first) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let (autumn, second) = running_with_contact(&store, "autumn", 1, Mode::Live).await;
    ended_busy(&store, &spring, &first, "a").await;
    assert!(due(&store, &autumn.campaign, NOW + 29 * DAY).await.is_empty());
    let early = store
        .claim(&autumn, &dial_claim(&second, "b"), NOW + 29 * DAY)
        .await
        .expect("store");
    assert!(
        matches!(early, Err(ClaimRefusal::NotDue | ClaimRefusal::CoolingDown)),
        "{early:?}"
    );
    assert_eq!(
        due(&store, &spring.campaign, NOW + DAY).await.len(),
        1,
        "a retry is exempt"
    );
    assert_eq!(due(&store, &autumn.campaign, NOW + 31 * DAY).await.len(), 1);
    let (winter, third) = running_with_contact(&store, "winter", 1, Mode::Live).await;
    assert!(
        due(&store, &winter.campaign, NOW + DAY).await.is_empty(),
        "imported in the cooldown"
    );
    let early = store
        .claim(&winter, &dial_claim(&third, "c"), NOW + DAY)
        .await
        .expect("store");
    assert!(early.is_err());
}

pub async fn p44_a_rehearsal_uses_up_no_attempt_and_no_cooldown_and_counts_apart(store: TestStore) {
    let (spring, contact) = running_with_contact(&store, "spring", 1, Mode::DryRun).await;
    let (autumn, _) = running_with_contact(&store, "autumn", 1, Mode::Live).await;
    ended_busy(&store, &spring, &contact, "a").await;
    assert_eq!(due(&store, &autumn.campaign, NOW).await.len(), 1, "no cooldown began");
    let snapshot = store
        .due_snapshot(&query(&spring.campaign, vec![None], 9), NOW)
        .await
        .expect("read");
    assert_eq!(
        snapshot.today,
        ModeCounts {
            dry_run: 1,
            ..ModeCounts::default()
        }
    );
    assert_eq!(snapshot.in_flight, 0);

    assert!(
        matches!(
            store.set_mode(&spring.campaign, Mode::Live, NOW).await,
            Err(StoreError::Conflict { .. })
        ),
        "not while it runs"
    );
    change(&store, &spring.campaign, Lifecycle::Paused).await;
    store.set_mode(&spring.campaign, Mode::Live, NOW).await.expect("live");
    change(&store, &spring.campaign, Lifecycle::Running).await;
    let anew = due(&store, &spring.campaign, NOW).await;
    assert_eq!((anew.len(), anew[0].used_attempts), (1, 0));
    ended_busy(&store, &spring, &contact, "b").await;
    change(&store, &spring.campaign, Lifecycle::Paused).await;
    assert!(
        matches!(
            store.set_mode(&spring.campaign, Mode::DryRun, NOW).await,
            Err(StoreError::Conflict { .. })
        ),
        "live calls are not forgotten"
    );
}

pub async fn consent_and_the_registry_are_asked_where_the_campaign_wants_them_and_a_stale_word_fails_closed(
    store: TestStore,
) {
    let mut strict = campaign("strict");
    strict.dialing.prior_consent_required = true;
    strict.dialing.scrub_max_age_days = Some(30);
    store.put_campaign(&strict, NOW).await.expect("written");
    let leadership = run(&store, &strict.id, Mode::Live).await;
    let agreed = |n, prior_consent| ContactImport {
        prior_consent,
        ..imported(&strict.id, n)
    };
    let batch = [
        agreed(1, true),
        agreed(2, false),
        agreed(3, true),
        agreed(4, true),
        agreed(5, true),
    ];
    store.import_contacts(&batch, NOW).await.expect("imported");
    let scrub = |n, listed, scrubbed_at_ms| RegistryScrub {
        number: number(n),
        listed,
        scrubbed_at_ms,
    };
    let scrubs = [
        scrub(1, false, NOW - DAY),
        scrub(1, true, NOW - 2 * DAY),
        scrub(2, false, NOW - DAY),
        scrub(3, true, NOW - DAY),
        scrub(4, false, NOW - 31 * DAY),
    ];
    let entry = audited("registry.scrub", "");
    store.record_scrubs(&scrubs, &entry, NOW).await.expect("kept");
    assert_eq!(audit_log(&store).await[0].action, "registry.scrub");
    let candidates = due(&store, &strict.id, NOW).await;
    assert_eq!(
        candidates.iter().map(|contact| &contact.number).collect::<Vec<_>>(),
        [&number(1)]
    );
    for (n, refusal) in [
        (2, ClaimRefusal::NoConsent),
        (3, ClaimRefusal::NotScrubbed),
        (4, ClaimRefusal::NotScrubbed),
        (5, ClaimRefusal::NotScrubbed),
    ] {
        let claim = dial_claim(&batch[n - 1].contact, &format!("a{n}"));
        let claimed = store.claim(&leadership, &claim, NOW).await.expect("store");
        assert_eq!(claimed.expect_err("refused"), refusal, "{n}");
    }
    claimed(&store, &leadership, &batch[0].contact, "a1").await;
}

pub async fn a_listed_number_is_excluded_in_every_campaign_and_from_the_start_in_later_ones(store: TestStore) {
    let (spring, _) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let (autumn, _) = running_with_contact(&store, "autumn", 1, Mode::Live).await;
    store.opt_out(&[opt_out_of(1)]).await.expect("listed");
    let (winter, _) = running_with_contact(&store, "winter", 1, Mode::Live).await;
    for leadership in [spring, autumn, winter] {
        let counts = store.contact_counts(&leadership.campaign).await.expect("counted");
        assert_eq!((counts.excluded, counts.pending), (1, 0), "{}", leadership.campaign);
        assert_eq!(store.zones(&leadership.campaign).await, Ok(Vec::new()));
    }
}

/// The report of a call in which the person asked for another at this time.
fn asks_for(attempt: &AttemptId, time: Option<SpokenTime>) -> CallReport {
    CallReport {
        outcome: Outcome::Callback,
        disposition: Disposition::NonContact,
        consent: None,
        answers: Vec::new(),
        callback_request: Some(CallbackRequest {
            words: Some("after two".to_owned()),
            time,
            at_ms: NOW + 60_000,
        }),
        ..report(attempt)
    }
}

const AFTER_TWO: SpokenTime = SpokenTime::On {
    day: None,
    hours: Some(SpokenHours::After(SpokenClock::Either(TimeOfDay::hour(2)))),
};

pub async fn l22_a_callback_is_due_at_the_time_asked_for_on_the_clock_of_the_person(store: TestStore) {
    for (n, zone, due_ms) in [
        // 14:00 on 15 November 2023 by the campaign's clock, in India, and by the person's own.
        (1, None, 1_700_037_000_000),
        (2, Some("America/New_York"), 1_700_074_800_000),
    ] {
        let campaign = put_campaign(&store, &format!("campaign-{n}")).await;
        let leadership = run(&store, &campaign, Mode::Live).await;
        let import = ContactImport {
            zone: zone.map(str::to_owned),
            ..imported(&campaign, n)
        };
        store
            .import_contacts(std::slice::from_ref(&import), NOW)
            .await
            .expect("imported");
        let attempt = talking(&store, &leadership, &import.contact, &format!("a{n}")).await;
        assert_eq!(
            store.record_outcome(&asks_for(&attempt, Some(AFTER_TWO))).await,
            Ok(true)
        );

        let due = async |now_ms| {
            let query = query(&campaign, vec![zone.map(str::to_owned)], 10);
            let snapshot = store.due_snapshot(&query, now_ms).await.expect("read");
            snapshot
                .candidates
                .into_iter()
                .map(|contact| contact.due_at_ms)
                .collect::<Vec<_>>()
        };
        assert_eq!(due(due_ms - 1).await, Vec::<i64>::new());
        assert_eq!(due(due_ms).await, [due_ms]);
        let results = store.results(&campaign).await.expect("read");
        assert_eq!(results[0].callback_request.as_deref(), Some("after two"));
        let next_call = NextCall {
            not_before_ms: due_ms,
            zone: zone.unwrap_or("Asia/Kolkata").to_owned(),
        };
        assert_eq!(results[0].next_call, Some(next_call));
    }
}

pub async fn a_callback_without_a_time_that_could_be_kept_comes_after_the_pause(store: TestStore) {
    for (n, unknown_clock) in [(1, false), (2, true)] {
        let (leadership, contact) = if unknown_clock {
            let mut nowhere = campaign("nowhere");
            nowhere.dialing.window.zone = "Moon/Tranquility".to_owned();
            store.put_campaign(&nowhere, NOW).await.expect("written");
            let leadership = run(&store, &nowhere.id, Mode::Live).await;
            let contact = import(&store, &nowhere.id, n).await;
            (leadership, contact)
        } else {
            running_with_contact(&store, "spring", n, Mode::Live).await
        };
        let attempt = talking(&store, &leadership, &contact, &format!("a{n}")).await;
        let report = asks_for(&attempt, unknown_clock.then_some(AFTER_TWO));
        assert_eq!(store.record_outcome(&report).await, Ok(true));
        let due_ms = report.ended_at_ms + DAY;
        assert_eq!(due(&store, &leadership.campaign, due_ms - 1).await.len(), 0);
        assert_eq!(due(&store, &leadership.campaign, due_ms).await[0].due_at_ms, due_ms);
    }
}

pub async fn l19_the_budget_of_attempts_ends_before_the_time_asked_for(store: TestStore) {
    let mut once = campaign("once");
    once.dialing.retry.max_attempts = 1;
    store.put_campaign(&once, NOW).await.expect("written");
    let leadership = run(&store, &once.id, Mode::Live).await;
    let contact = import(&store, &once.id, 1).await;
    let attempt = talking(&store, &leadership, &contact, "a").await;
    assert_eq!(
        store.record_outcome(&asks_for(&attempt, Some(AFTER_TWO))).await,
        Ok(true)
    );
    assert!(due(&store, &once.id, i64::MAX).await.is_empty());
    let events = store.pending_events(10).await.expect("read");
    assert_eq!(
        events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(),
        ["survey.not_reached"]
    );
    let result = &store.results(&once.id).await.expect("read")[0];
    assert_eq!(result.callback_request.as_deref(), Some("after two"));
    assert_eq!(result.next_call, None);
}

pub async fn l17_after_a_machine_or_a_screener_a_call_is_due_by_the_campaigns_rule_and_after_a_fax_none(
    store: TestStore,
) {
    const MINUTE: i64 = 60_000;
    for (n, end_reason, outcome, disposition, pause) in [
        (
            1,
            EndReason::Machine,
            Outcome::Voicemail,
            Disposition::Machine,
            Some(90 * MINUTE),
        ),
        (
            2,
            EndReason::Screened,
            Outcome::Abandoned,
            Disposition::NonContact,
            Some(40 * MINUTE),
        ),
        (3, EndReason::Fax, Outcome::Failed, Disposition::Fax, None),
    ] {
        let mut ruled = campaign(&format!("campaign-{n}"));
        ruled.dialing.retry.after_machine_minutes = 90;
        ruled.dialing.retry.after_abandoned_minutes = 40;
        store.put_campaign(&ruled, NOW).await.expect("written");
        let leadership = run(&store, &ruled.id, Mode::Live).await;
        let contact = import(&store, &ruled.id, n).await;
        let attempt = talking(&store, &leadership, &contact, &format!("a{n}")).await;
        let report = CallReport {
            end_reason,
            outcome,
            disposition,
            consent: None,
            answers: Vec::new(),
            ..report(&attempt)
        };
        assert_eq!(store.record_outcome(&report).await, Ok(true), "{end_reason:?}");
        let next: Vec<_> = due(&store, &ruled.id, i64::MAX).await;
        let next: Vec<_> = next
            .iter()
            .map(|contact| contact.due_at_ms - report.ended_at_ms)
            .collect();
        assert_eq!(next, pause.into_iter().collect::<Vec<_>>(), "{end_reason:?}");
    }
}

pub async fn completed_and_refused_contacts_are_never_due_again_and_tell_it_once(store: TestStore) {
    for (n, outcome, disposition, kind) in [
        (1, Outcome::Completed, Disposition::Complete, "survey.completed"),
        (2, Outcome::Refused, Disposition::RespondentRefusal, "survey.refused"),
    ] {
        let (leadership, contact) = running_with_contact(&store, &format!("campaign-{n}"), n, Mode::Live).await;
        let attempt = talking(&store, &leadership, &contact, &format!("a{n}")).await;
        let report = CallReport {
            outcome,
            disposition,
            ..report(&attempt)
        };
        assert_eq!(store.record_outcome(&report).await, Ok(true));
        assert_eq!(store.record_outcome(&report).await, Ok(false));
        assert!(due(&store, &leadership.campaign, i64::MAX).await.is_empty());
        let events = store.pending_events(10).await.expect("read");
        let of_this: Vec<_> = events.iter().filter(|event| event.attempt == attempt).collect();
        assert_eq!(of_this.len(), 1);
        assert_eq!(of_this[0].kind, kind);
    }
}

pub async fn usage_holds_what_is_in_flight_and_what_was_begun_by_day(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    ended_busy(&store, &leadership, &contact, "a").await;
    let other = import(&store, &leadership.campaign, 2).await;
    let open = claimed(&store, &leadership, &other, "b").await;
    let usage = store.usage(date(), NOW).await.expect("read");
    assert_eq!(usage.may_have_call.len(), 1);
    assert_eq!(usage.may_have_call[0].row.id, open);
    assert_eq!(usage.may_have_call[0].local_date, Some(date()));
    let counted = DayCount {
        local_date: date(),
        campaign: leadership.campaign.clone(),
        country: "US".to_owned(),
        caller_id: number(9_999),
        mode: Mode::Live,
        calls: 2,
    };
    assert_eq!(usage.by_day, [counted]);
    store.release_claim(&leadership, &open).await.expect("released");
    let tomorrow = CalendarDate::parse("2023-11-15").expect("a date");
    assert_eq!(store.usage(tomorrow, NOW).await.expect("read").by_day, []);
    assert_eq!(
        store.usage(date(), NOW).await.expect("read").by_day[0].calls,
        1,
        "what was released is not counted"
    );
}

pub async fn l18_a_call_that_outlasts_its_outcome_counts_until_the_carrier_says_that_it_is_over(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Simulated).await;
    let attempt = talking(&store, &leadership, &contact, "a").await;
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(true));
    assert_eq!(store.in_flight(None).await.expect("read"), []);
    let counted = async |now_ms| {
        let usage = store.usage(date(), now_ms).await.expect("read");
        let of = |found: InFlightAttempt| found.row.id;
        usage.may_have_call.into_iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(counted(NOW).await, std::slice::from_ref(&attempt));
    assert_eq!(counted(NOW + 400_000).await, [], "the carrier cannot hold it any more");
    let (others, contact) = running_with_contact(&store, "autumn", 1, Mode::Simulated).await;
    let claim = async |id| {
        store
            .claim(&others, &dial_claim(&contact, id), NOW)
            .await
            .expect("store")
    };
    assert_eq!(claim("b").await.expect_err("refused"), ClaimRefusal::InFlight);
    let over = status(&attempt, CarrierStatus::Completed, 3);
    assert_eq!(store.record_callback(&over, NOW).await, Ok(CallbackEffect::Advanced));
    assert_eq!(counted(NOW).await, []);
    assert!(claim("c").await.is_ok());
}

pub async fn a_campaign_goes_through_its_life_in_order(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    let state = store.campaign_state(&campaign).await.expect("read").expect("there");
    assert_eq!((state.lifecycle, state.mode), (Lifecycle::Draft, Mode::DryRun));
    assert_eq!(store.active_campaigns().await, Ok(Vec::new()));
    change(&store, &campaign, Lifecycle::Running).await;
    let mut urgent = samvad_actors::domain::Campaign {
        id: "urgent".into(),
        ..crate::world::campaign("x")
    };
    urgent.dialing.priority = 5;
    store.put_campaign(&urgent, NOW).await.expect("written");
    change(&store, &urgent.id, Lifecycle::Running).await;
    let active: Vec<_> = store
        .active_campaigns()
        .await
        .expect("read")
        .into_iter()
        .map(|state| state.id)
        .collect();
    assert_eq!(active, [urgent.id, campaign.clone()]);

    assert_eq!(
        store.take_leadership(&leadership(&campaign, "node-1", 4)).await,
        Ok(true)
    );
    let breaker = lifecycle_change(&campaign, Lifecycle::Paused);
    let stale = samvad_actors::ports::LifecycleChange {
        epoch: Some(3),
        ..breaker.clone()
    };
    assert!(matches!(
        store.change_lifecycle(&stale, NOW).await,
        Err(StoreError::Conflict { .. })
    ));
    let paused = store.change_lifecycle(&breaker, NOW).await.expect("paused");
    assert_eq!(
        (paused.lifecycle, paused.reason),
        (Lifecycle::Paused, Some("a test".to_owned()))
    );
    let back = store
        .change_lifecycle(&lifecycle_change(&campaign, Lifecycle::Draft), NOW)
        .await;
    assert!(
        matches!(&back, Err(StoreError::Conflict { reason }) if reason.contains("paused cannot become draft")),
        "{back:?}"
    );
}

pub async fn an_overview_says_who_is_left_why_others_are_not_and_how_the_latest_calls_ended(store: TestStore) {
    let (spring, first) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let zoned = ContactImport {
        zone: Some("Asia/Kolkata".to_owned()),
        ..imported(&spring.campaign, 2)
    };
    let batch = [zoned, imported(&spring.campaign, 3)];
    store.import_contacts(&batch, NOW).await.expect("imported");
    let entry = DoNotCallEntry {
        number: number(3),
        source: ExclusionSource::Manual,
        attempt: None,
        added_at_ms: NOW,
    };
    store.add_do_not_call(&entry).await.expect("listed");
    let by_zone = store.pending_by_zone(&spring.campaign).await.expect("read");
    let kolkata = Some("Asia/Kolkata".to_owned());
    assert_eq!(by_zone.into_iter().collect::<Vec<_>>(), [(None, 1), (kolkata, 1)]);
    assert_eq!(store.latest_ends(&spring.campaign, 5).await.expect("read"), []);
    ended_busy(&store, &spring, &first, "a").await;
    assert_eq!(
        store.latest_ends(&spring.campaign, 5).await.expect("read"),
        [Disposition::Busy]
    );
    let (autumn, _) = running_with_contact(&store, "autumn", 1, Mode::Live).await;
    let spring = store
        .eligibility(&spring.campaign, Mode::Live, NOW + DAY)
        .await
        .expect("read");
    assert_eq!((spring.eligible, spring.do_not_call, spring.cooling_down), (2, 1, 0));
    let autumn = store
        .eligibility(&autumn.campaign, Mode::Live, NOW + DAY)
        .await
        .expect("read");
    assert_eq!((autumn.eligible, autumn.cooling_down), (0, 1));
}
