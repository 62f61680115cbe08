//! What calls and preparations used, and how long turns took.

use crate::world::*;
use samvad_actors::domain::{AttemptId, CampaignId, CarrierStatus, Mode, Outcome};
use samvad_actors::ports::{
    CallCursor, CallReport, CallTotals, CallUse, CarrierTotal, CostQuery, CostTotals, LatencyCount, NewAttempt,
    NewContact, PurgeCounts, ServiceKind, ServiceTotal, ServiceUse, StatusCallback, StoreError, TurnLatency, TurnPart,
    UsedService,
};
use std::collections::BTreeMap;

fn model(kind: ServiceKind, service: &str, model: &str) -> UsedService {
    UsedService {
        kind,
        service: service.to_owned(),
        model: model.to_owned(),
    }
}

fn recognition(audio_ms: u64) -> (UsedService, ServiceUse) {
    let amount = ServiceUse {
        requests: 1,
        audio_ms,
        ..ServiceUse::default()
    };
    (model(ServiceKind::Recognition, "deepgram", "nova-3"), amount)
}

fn language(input_tokens: u64, output_tokens: u64) -> (UsedService, ServiceUse) {
    let amount = ServiceUse {
        requests: 1,
        input_tokens,
        output_tokens,
        ..ServiceUse::default()
    };
    (model(ServiceKind::Language, "openai", ""), amount)
}

fn speech(text: &str) -> (UsedService, ServiceUse) {
    (
        model(ServiceKind::Synthesis, "elevenlabs", "flash"),
        ServiceUse::of_text(text),
    )
}

/// All that ended, in every mode.
fn all(campaign: &CampaignId) -> CostQuery {
    CostQuery {
        campaign: campaign.clone(),
        mode: None,
        since_ms: i64::MIN,
        until_ms: i64::MAX,
    }
}

/// A contact of the campaign `spring`, with a number of its own.
async fn person(store: &TestStore, n: u32) -> NewContact {
    let contact = contact(&CampaignId::from("spring"), n);
    assert_eq!(store.add_contacts(std::slice::from_ref(&contact), NOW).await, Ok(1));
    contact
}

/// A conversation that ended so long after [`NOW`], with what it used.
async fn ended(
    store: &TestStore,
    n: u32,
    mode: Mode,
    after_ms: i64,
    service_use: Vec<(UsedService, ServiceUse)>,
) -> AttemptId {
    let person = person(store, n).await;
    let id = format!("a{n}");
    let new = NewAttempt {
        mode,
        ..attempt(&person, &id)
    };
    let attempt = store.create_attempt(new, NOW).await.expect("created").id;
    store.mark_submitting(&attempt, NOW).await.expect("marked");
    store
        .record_submission(&attempt, accepted(&attempt), NOW)
        .await
        .expect("recorded");
    let admitted = store.consume_media_token(&claim(&attempt), NOW).await;
    admitted.expect("store").expect("admitted");
    let report = CallReport {
        service_use,
        ended_at_ms: NOW + after_ms,
        ..report(&attempt)
    };
    assert_eq!(store.record_outcome(&report).await, Ok(true));
    attempt
}

async fn pages(store: &TestStore, query: &CostQuery, limit: u32) -> Vec<CallUse> {
    let (mut calls, mut after): (Vec<CallUse>, Option<CallCursor>) = (Vec::new(), None);
    loop {
        let page = store.calls_used(query, after.as_ref(), limit).await.expect("read");
        assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else {
            return calls;
        };
        after = Some(CallCursor {
            ended_at_ms: last.ended_at_ms,
            attempt: last.attempt.clone(),
        });
        calls.extend(page);
    }
}

pub async fn what_a_call_used_is_counted_once_with_the_report_that_ended_it(store: TestStore) {
    put_campaign(&store, "spring").await;
    let used = vec![recognition(12_345), speech("Hello."), language(200, 30)];
    let attempt = ended(&store, 1, Mode::Simulated, 10, used.clone()).await;
    let late = CallReport {
        service_use: vec![recognition(99_999)],
        ..report(&attempt)
    };
    assert_eq!(store.record_outcome(&late).await, Ok(false));
    let query = all(&CampaignId::from("spring"));
    let calls = pages(&store, &query, 10).await;
    let expected = CallUse {
        attempt,
        mode: Mode::Simulated,
        outcome: Outcome::Completed,
        ended_at_ms: NOW + 10,
        country: None,
        minutes: None,
        services: vec![used[2].clone(), used[0].clone(), used[1].clone()],
    };
    assert_eq!(calls, [expected], "by kind, as words");
    let totals = store.cost_totals(&query).await.expect("read");
    let amounts: Vec<_> = totals.services.iter().map(|total| total.amount).collect();
    assert_eq!(amounts, [used[2].1, used[0].1, used[1].1]);
}

pub async fn a_report_that_is_not_kept_charges_nobody(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let mut twice = report(&attempt);
    twice.answers[1].question = 0;
    twice.service_use = vec![recognition(500)];
    assert!(store.record_outcome(&twice).await.is_err());
    let mut double = report(&attempt);
    double.service_use = vec![recognition(500), recognition(500)];
    let refusal = store.record_outcome(&double).await.expect_err("one model, two rows");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(
        store.cost_totals(&all(&person.campaign)).await,
        Ok(CostTotals::default())
    );
}

pub async fn the_pages_of_calls_add_up_to_the_totals_by_mode_and_model(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    for n in 1..=7 {
        let mode = if n % 3 == 0 { Mode::Live } else { Mode::Simulated };
        let mut used = vec![recognition(u64::from(n) * 1_000)];
        if n % 2 == 0 {
            used.push(language(u64::from(n), 1));
        }
        if n == 5 {
            used.clear();
        }
        // Two end at the same moment.
        ended(&store, n, mode, i64::from(n / 2), used).await;
    }
    let query = all(&campaign);
    let totals = store.cost_totals(&query).await.expect("read");
    for limit in [1, 2, 100] {
        let calls = pages(&store, &query, limit).await;
        assert_eq!(calls.len(), 7);
        assert!(calls.is_sorted_by_key(|call| (call.ended_at_ms, call.attempt.as_str().to_owned())));
        let mut sums: BTreeMap<_, (u64, ServiceUse)> = BTreeMap::new();
        for call in &calls {
            for (service, amount) in &call.services {
                let sum = sums.entry((format!("{:?}", call.mode), service.clone())).or_default();
                *sum = (sum.0 + 1, sum.1.plus(*amount));
            }
        }
        let of_totals: BTreeMap<_, _> = totals
            .services
            .iter()
            .map(|total| {
                let mode = total.mode.expect("no preparation");
                (
                    (format!("{mode:?}"), total.service.clone()),
                    (total.users, total.amount),
                )
            })
            .collect();
        assert_eq!(sums, of_totals);
    }
    let simulated = CallTotals {
        mode: Mode::Simulated,
        attempts: 5,
        conversations: 5,
        without_use: 1,
        without_latency: 0,
        completed: 5,
    };
    let live = CallTotals {
        mode: Mode::Live,
        attempts: 2,
        conversations: 2,
        without_use: 0,
        ..simulated
    };
    assert_eq!(totals.calls, [CallTotals { completed: 2, ..live }, simulated]);
}

pub async fn a_query_has_its_mode_and_its_span_and_no_other_campaign(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    put_campaign(&store, "autumn").await;
    for (n, mode) in [(1, Mode::Live), (2, Mode::Simulated), (3, Mode::Live), (4, Mode::Live)] {
        ended(&store, n, mode, i64::from(n) * 100, vec![recognition(1_000)]).await;
    }
    let live = CostQuery {
        mode: Some(Mode::Live),
        since_ms: NOW + 100,
        until_ms: NOW + 400,
        ..all(&campaign)
    };
    let ids: Vec<String> = pages(&store, &live, 10)
        .await
        .iter()
        .map(|call| call.attempt.as_str().to_owned())
        .collect();
    assert_eq!(ids, ["a1", "a3"], "from the first moment on, before the last");
    let totals = store.cost_totals(&live).await.expect("read");
    assert_eq!((totals.calls.len(), totals.calls[0].attempts), (1, 2));
    assert_eq!((totals.services.len(), totals.services[0].amount.audio_ms), (1, 2_000));
    let turns = store.latency_counts(&live, TurnPart::Total).await.expect("read");
    assert_eq!(turns.iter().map(|count| count.turns).sum::<u64>(), 4);
    let other = all(&CampaignId::from("autumn"));
    assert_eq!(store.cost_totals(&other).await, Ok(CostTotals::default()));
    assert_eq!(pages(&store, &other, 10).await, []);
}

pub async fn the_carrier_counts_minutes_that_have_begun_call_by_call(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    for (n, seconds) in [(1, Some(1)), (2, Some(60)), (3, Some(61)), (4, None)] {
        let attempt = ended(&store, n, Mode::Live, i64::from(n), Vec::new()).await;
        let over = StatusCallback {
            call_duration_seconds: seconds,
            ..status(&attempt, CarrierStatus::Completed, 2)
        };
        store.record_callback(&over, NOW).await.expect("recorded");
    }
    for (n, seconds) in [(5, Some(0)), (6, None)] {
        let person = person(&store, n).await;
        let new = NewAttempt {
            mode: Mode::Live,
            ..attempt(&person, &format!("a{n}"))
        };
        let attempt = store.create_attempt(new, NOW).await.expect("created").id;
        store.mark_submitting(&attempt, NOW).await.expect("marked");
        let busy = StatusCallback {
            call_duration_seconds: seconds,
            ..status(&attempt, CarrierStatus::Busy, 2)
        };
        store
            .record_callback(&busy, NOW + i64::from(n))
            .await
            .expect("recorded");
    }
    let totals = store.cost_totals(&all(&campaign)).await.expect("read");
    let expected = CarrierTotal {
        mode: Mode::Live,
        country: None,
        calls: 4,
        minutes: 4,
        unknown: 1,
    };
    assert_eq!(totals.carrier, [expected]);
    let minutes: Vec<_> = pages(&store, &all(&campaign), 10)
        .await
        .iter()
        .map(|call| call.minutes)
        .collect();
    assert_eq!(minutes, [Some(1), Some(1), Some(2), None, Some(0), Some(0)]);
    assert_eq!((totals.calls[0].attempts, totals.calls[0].conversations), (6, 4));
}

pub async fn what_preparations_used_stands_apart_in_every_mode(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    ended(&store, 1, Mode::Live, 5, vec![speech("A name.")]).await;
    for _ in 0..2 {
        let used = [speech("Good morning."), recognition(0)];
        store.record_preparation(&campaign, &used, NOW).await.expect("kept");
    }
    store
        .record_preparation(&campaign, &[], NOW)
        .await
        .expect("nothing to keep");
    for mode in [None, Some(Mode::Live), Some(Mode::DryRun)] {
        let query = CostQuery { mode, ..all(&campaign) };
        let totals = store.cost_totals(&query).await.expect("read");
        let apart: Vec<_> = totals
            .services
            .iter()
            .filter(|total| total.mode.is_none())
            .cloned()
            .collect();
        let (service, once) = speech("Good morning.");
        let synthesis = ServiceTotal {
            mode: None,
            service,
            users: 2,
            amount: once.plus(once),
        };
        assert_eq!((apart.len(), &apart[1]), (2, &synthesis), "{mode:?}");
        assert!(totals.services.ends_with(&apart), "last");
        assert_eq!(totals.services.len(), if mode == Some(Mode::DryRun) { 2 } else { 3 });
    }
    assert!(
        pages(&store, &all(&campaign), 10)
            .await
            .iter()
            .all(|call| call.services.len() == 1)
    );
    let later = CostQuery {
        since_ms: NOW + 1,
        ..all(&campaign)
    };
    assert_eq!(store.cost_totals(&later).await.expect("read").services.len(), 1);
    let unknown = store
        .record_preparation(&CampaignId::from("nobody"), &[recognition(1)], NOW)
        .await;
    assert!(
        matches!(unknown, Err(StoreError::Conflict { .. } | StoreError::NotFound { .. })),
        "{unknown:?}"
    );
}

pub async fn l27_turns_are_counted_by_each_of_their_parts(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let turn = |turn, understanding_ms, total_ms| TurnLatency {
        turn,
        endpoint_ms: 500,
        recognition_ms: 60,
        understanding_ms,
        decision_ms: 1,
        first_audio_ms: total_ms - understanding_ms - 561,
        total_ms,
    };
    let report = CallReport {
        latencies: vec![
            turn(0, 0, 570),
            turn(1, 400, 970),
            turn(2, 0, 570),
            turn(3, 70_000, 70_570),
        ],
        ..report(&attempt)
    };
    store.record_outcome(&report).await.expect("recorded");
    assert_eq!(store.latencies(&attempt).await.as_ref(), Ok(&report.latencies));
    let counts = async |part| {
        let counts = store.latency_counts(&all(&person.campaign), part).await.expect("read");
        counts.iter().map(|count| (count.ms, count.turns)).collect::<Vec<_>>()
    };
    let beyond = LatencyCount::LONGEST_MS;
    assert_eq!(counts(TurnPart::EndPointing).await, [(500, 4)]);
    assert_eq!(counts(TurnPart::Recognition).await, [(60, 4)]);
    assert_eq!(counts(TurnPart::Understanding).await, [(0, 2), (400, 1), (beyond, 1)]);
    assert_eq!(counts(TurnPart::Decision).await, [(1, 4)]);
    assert_eq!(counts(TurnPart::FirstAudio).await, [(9, 4)]);
    assert_eq!(counts(TurnPart::Total).await, [(570, 2), (970, 1), (beyond, 1)]);
}

pub async fn a_purge_leaves_costs_which_are_nobodys(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    ended(&store, 1, Mode::Live, 5, vec![recognition(1_000)]).await;
    store
        .record_preparation(&campaign, &[speech("Hello.")], NOW)
        .await
        .expect("kept");
    let before = store.cost_totals(&all(&campaign)).await;
    assert_ne!(store.purge(i64::MAX).await, Ok(PurgeCounts::default()));
    assert_eq!(store.cost_totals(&all(&campaign)).await, before);
}
