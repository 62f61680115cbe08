//! What the carrier tells, in any order and any number of times.

use crate::world::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use samvad_actors::domain::{
    AnsweredBy, AttemptId, AttemptState, CallSid, CarrierStatus, Disposition, MachineVerdict, Outcome,
};
use samvad_actors::ports::{AttemptRow, CallbackEffect, MachineDetection, StatusCallback, StoreError};
use std::sync::atomic::{AtomicU32, Ordering};

const ENDS: [CarrierStatus; 5] = [
    CarrierStatus::Completed,
    CarrierStatus::Busy,
    CarrierStatus::NoAnswer,
    CarrierStatus::Failed,
    CarrierStatus::Canceled,
];

async fn tell(store: &TestStore, callback: &StatusCallback) -> CallbackEffect {
    store.record_callback(callback, NOW).await.expect("recorded")
}

fn machine(attempt: &AttemptId, verdict: MachineVerdict) -> MachineDetection {
    MachineDetection {
        attempt: attempt.clone(),
        call_sid: call_sid(attempt),
        verdict,
    }
}

pub async fn a_status_moves_on_and_never_back(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let steps = [
        (
            CarrierStatus::Initiated,
            0,
            CallbackEffect::Advanced,
            CarrierStatus::Initiated,
        ),
        (
            CarrierStatus::InProgress,
            2,
            CallbackEffect::Advanced,
            CarrierStatus::InProgress,
        ),
        (
            CarrierStatus::Ringing,
            1,
            CallbackEffect::Stale,
            CarrierStatus::InProgress,
        ),
        (
            CarrierStatus::Completed,
            3,
            CallbackEffect::Ended,
            CarrierStatus::Completed,
        ),
        (CarrierStatus::Busy, 4, CallbackEffect::Stale, CarrierStatus::Completed),
    ];
    for (told, sequence, effect, kept) in steps {
        assert_eq!(
            tell(&store, &status(&attempt, told, sequence)).await,
            effect,
            "{told:?}"
        );
        assert_eq!(row(&store, &attempt).await.carrier_status, Some(kept));
    }
}

pub async fn a_second_delivery_changes_nothing(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    for callback in [
        status(&attempt, CarrierStatus::Ringing, 1),
        status(&attempt, CarrierStatus::NoAnswer, 2),
    ] {
        tell(&store, &callback).await;
        let before = row(&store, &attempt).await;
        assert_eq!(tell(&store, &callback).await, CallbackEffect::Duplicate);
        assert_eq!(row(&store, &attempt).await, before);
    }
}

pub async fn without_sequence_numbers_kind_and_value_tell_a_second_delivery(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let ringing = StatusCallback {
        sequence: None,
        ..status(&attempt, CarrierStatus::Ringing, 0)
    };
    let answered = StatusCallback {
        sequence: None,
        ..status(&attempt, CarrierStatus::InProgress, 0)
    };
    assert_eq!(tell(&store, &ringing).await, CallbackEffect::Advanced);
    assert_eq!(tell(&store, &ringing).await, CallbackEffect::Duplicate);
    assert_eq!(tell(&store, &answered).await, CallbackEffect::Advanced);
}

pub async fn l21_later_statuses_of_one_call_are_not_taken_for_duplicates(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let life = [
        CarrierStatus::Queued,
        CarrierStatus::Initiated,
        CarrierStatus::Ringing,
        CarrierStatus::InProgress,
    ];
    for (sequence, told) in (0..).zip(life) {
        assert_eq!(
            tell(&store, &status(&attempt, told, sequence)).await,
            CallbackEffect::Advanced,
            "{told:?}"
        );
    }
}

pub async fn l21_a_terminal_callback_before_the_reply_ends_the_attempt_for_good(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitting(&store, &person, "a").await;
    assert_eq!(
        tell(&store, &status(&attempt, CarrierStatus::Busy, 2)).await,
        CallbackEffect::Ended
    );
    let ended = row(&store, &attempt).await;
    assert_eq!(
        (ended.state, ended.disposition),
        (AttemptState::Ended, Some(Disposition::Busy))
    );
    store
        .record_submission(&attempt, accepted(&attempt), NOW + 9)
        .await
        .expect("taken");
    assert_eq!(row(&store, &attempt).await, ended);
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(false));
}

pub async fn each_end_without_a_conversation_has_its_disposition(store: TestStore) {
    let cases = [
        (CarrierStatus::Busy, None, Disposition::Busy),
        (CarrierStatus::NoAnswer, Some(487), Disposition::NoAnswer),
        (CarrierStatus::Failed, None, Disposition::TechnicalProblem),
        (CarrierStatus::Failed, Some(404), Disposition::NonWorkingNumber),
        (CarrierStatus::Failed, Some(503), Disposition::TechnicalProblem),
        (CarrierStatus::Canceled, None, Disposition::TechnicalProblem),
        (CarrierStatus::Completed, None, Disposition::TechnicalProblem),
    ];
    for (n, (told, sip_code, disposition)) in (0..).zip(cases) {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = submitted(&store, &person, &format!("a{n}")).await;
        let callback = StatusCallback {
            sip_code,
            ..status(&attempt, told, 3)
        };
        assert_eq!(tell(&store, &callback).await, CallbackEffect::Ended);
        let ended = row(&store, &attempt).await;
        assert_eq!(
            (ended.outcome, ended.disposition),
            (Some(Outcome::Failed), Some(disposition)),
            "{told:?}"
        );
        assert_eq!(ended.ended_at_ms, Some(NOW));
        let taken = told == CarrierStatus::Completed;
        assert_eq!(ended.answered_by, taken.then_some(AnsweredBy::Unknown), "{told:?}");
    }
}

pub async fn a_terminal_status_leaves_a_live_attempt_to_its_call(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    assert_eq!(
        tell(&store, &status(&attempt, CarrierStatus::Completed, 3)).await,
        CallbackEffect::Advanced
    );
    let still = row(&store, &attempt).await;
    assert_eq!((still.state, still.outcome), (AttemptState::Live, None));
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(true));
    let ended = row(&store, &attempt).await;
    assert_eq!(ended.carrier_status, Some(CarrierStatus::Completed));
    assert_eq!(ended.outcome, Some(Outcome::Completed));
}

pub async fn a_callback_of_another_call_is_refused(store: TestStore) {
    let (first, second) = (
        put_person(&store, "spring", 1).await,
        put_person(&store, "autumn", 2).await,
    );
    let (a, b) = (
        submitted(&store, &first, "a").await,
        submitting(&store, &second, "b").await,
    );
    let foreign = StatusCallback {
        call_sid: CallSid::from("CA-other"),
        ..status(&a, CarrierStatus::Busy, 0)
    };
    let stolen = StatusCallback {
        call_sid: call_sid(&a),
        ..status(&b, CarrierStatus::Busy, 0)
    };
    for callback in [foreign, stolen] {
        let refusal = store.record_callback(&callback, NOW).await;
        assert!(matches!(refusal, Err(StoreError::Conflict { .. })), "{refusal:?}");
    }
    assert_eq!(row(&store, &a).await.state, AttemptState::Submitted);
    assert_eq!(row(&store, &b).await.state, AttemptState::Submitting);
}

pub async fn a_machine_verdict_is_kept_once(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitting(&store, &person, "a").await;
    assert_eq!(
        store
            .record_machine_detection(&machine(&attempt, MachineVerdict::MachineStart), NOW)
            .await,
        Ok(true)
    );
    assert_eq!(
        store
            .record_machine_detection(&machine(&attempt, MachineVerdict::MachineStart), NOW)
            .await,
        Ok(false)
    );
    assert_eq!(
        store
            .record_machine_detection(&machine(&attempt, MachineVerdict::MachineEnd), NOW)
            .await,
        Ok(true)
    );
    let bound = row(&store, &attempt).await;
    assert_eq!(
        (bound.state, bound.call_sid),
        (AttemptState::Submitted, Some(call_sid(&attempt)))
    );
}

/// One thing that happens to an attempt after the request has left.
#[derive(Clone, Copy, Debug)]
enum Event {
    Reply,
    Told(CarrierStatus, u32),
    Machine,
}

async fn play(store: &TestStore, attempt: &AttemptId, events: &[Event]) {
    for event in events {
        match event {
            Event::Reply => store
                .record_submission(attempt, accepted(attempt), NOW)
                .await
                .expect("recorded"),
            Event::Told(told, sequence) => drop(tell(store, &status(attempt, *told, *sequence)).await),
            Event::Machine => {
                let verdict = machine(attempt, MachineVerdict::Human);
                store
                    .record_machine_detection(&verdict, NOW)
                    .await
                    .map(drop)
                    .expect("recorded");
            }
        }
    }
}

/// A fresh attempt through these events; what is kept of it, without the ids.
async fn after(store: &TestStore, events: &[Event]) -> AttemptRow {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let campaign = put_campaign(store, &format!("campaign-{n}")).await;
    let person = contact(&campaign, n);
    store
        .add_contacts(std::slice::from_ref(&person), NOW)
        .await
        .expect("added");
    let attempt = submitting(store, &person, &format!("a{n}")).await;
    play(store, &attempt, events).await;
    let mut kept = row(store, &attempt).await;
    assert_eq!(kept.call_sid.take(), Some(call_sid(&attempt)));
    (kept.id, kept.campaign, kept.contact) = ("".into(), "".into(), "".into());
    kept
}

fn life(end: CarrierStatus) -> Vec<Event> {
    vec![
        Event::Reply,
        Event::Told(CarrierStatus::Initiated, 0),
        Event::Told(CarrierStatus::Ringing, 1),
        Event::Told(end, 2),
    ]
}

fn permutations(events: &[Event]) -> Vec<Vec<Event>> {
    let [first, rest @ ..] = events else {
        return vec![Vec::new()];
    };
    permutations(rest)
        .into_iter()
        .flat_map(|shorter| {
            (0..=shorter.len()).map(move |place| {
                let mut longer = shorter.clone();
                longer.insert(place, *first);
                longer
            })
        })
        .collect()
}

pub async fn l21_every_order_of_callbacks_and_reply_ends_in_the_same_state(store: TestStore) {
    for end in ENDS {
        let in_order = after(&store, &life(end)).await;
        assert_eq!(
            (in_order.state, in_order.carrier_status),
            (AttemptState::Ended, Some(end))
        );
        let orders = permutations(&life(end));
        assert_eq!(orders.len(), 24);
        for order in orders {
            assert_eq!(after(&store, &order).await, in_order, "{order:?}");
        }
    }
}

pub fn l21_any_shuffle_with_repeats_ends_as_the_order_of_events_does(
    runtime: &tokio::runtime::Runtime,
    store: TestStore,
) {
    let shuffled = (
        proptest::sample::select(&ENDS[..]),
        proptest::option::of(Just(Event::Machine)),
    )
        .prop_flat_map(|(end, machine)| {
            let mut events = life(end);
            events.extend(machine);
            let repeated: Vec<Event> = [events.clone(), events.clone()].concat();
            let at_least_once = (
                Just(events.clone()),
                proptest::sample::subsequence(repeated, 0..=events.len()),
            );
            (
                Just(events),
                at_least_once
                    .prop_map(|(once, again)| [once, again].concat())
                    .prop_shuffle(),
            )
        });
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&shuffled, |(in_order, shuffled)| {
            let (expected, found) =
                runtime.block_on(async { (after(&store, &in_order).await, after(&store, &shuffled).await) });
            prop_assert_eq!(found, expected);
            Ok(())
        })
        .expect("every shuffle ends alike");
}
