//! Whatever the carrier answers and however calls end: one request for each attempt, every attempt ends, no permit
//! is left.

use crate::carrier::Answer;
use crate::dialling::dialer;
use crate::store::Failing;
use crate::world::{World, launch, soon, standard_survey, until};
use proptest::prelude::*;
use samvad_actors::domain::{AttemptId, AttemptState, CarrierStatus, EndReason, Mode};
use samvad_actors::ports::{AttemptStore, MediaTokenClaim, StatusCallback};
use samvad_actors::runtime::{CallCommand, CarrierStatusChanged, Reconciler};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What becomes of a call that the carrier took, or may have taken.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Busy,
    NoAnswer,
    /// Nothing is ever heard of it; the reconciler must end it.
    Nothing,
    HangsUp,
    Dies,
    Terminated,
    /// The carrier says so first, then the socket closes.
    CarrierEnds,
    /// The last callback comes twice, and another late.
    BusyTwice,
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => Just(Answer::Taken),
        1 => Just(Answer::Unclear),
        1 => Just(Answer::Refused),
        1 => Just(Answer::Unreachable),
        1 => Just(Answer::Panics),
    ]
}

fn fates() -> impl Strategy<Value = Fate> {
    prop::sample::select(vec![
        Fate::Busy,
        Fate::NoAnswer,
        Fate::Nothing,
        Fate::HangsUp,
        Fate::Dies,
        Fate::Terminated,
        Fate::CarrierEnds,
        Fate::BusyTwice,
    ])
}

async fn callback(world: &World, attempt: &AttemptId, status: CarrierStatus) {
    let callback = StatusCallback {
        attempt: attempt.clone(),
        call_sid: format!("CA-{attempt}").as_str().into(),
        status,
        sequence: None,
        call_duration_seconds: None,
        sip_code: None,
    };
    let effect = world.store.record_callback(&callback, 0).await.expect("kept");
    world.supervisor.do_send(CarrierStatusChanged {
        attempt: attempt.clone(),
        status,
        effect,
    });
}

async fn meet(world: &World, attempt: &AttemptId, fate: Fate) {
    let statuses: &[CarrierStatus] = match fate {
        Fate::Nothing => &[],
        Fate::Busy => &[CarrierStatus::Busy],
        Fate::BusyTwice => &[CarrierStatus::Busy, CarrierStatus::Busy, CarrierStatus::Ringing],
        Fate::NoAnswer => &[CarrierStatus::Ringing, CarrierStatus::NoAnswer],
        _ => &[CarrierStatus::InProgress],
    };
    for status in statuses {
        callback(world, attempt, *status).await;
    }
    if matches!(fate, Fate::Nothing | Fate::Busy | Fate::BusyTwice | Fate::NoAnswer) {
        return;
    }
    let claim = MediaTokenClaim {
        attempt: attempt.clone(),
        token_hash: String::new(),
        call_sid: format!("CA-{attempt}").as_str().into(),
        account_sid: "AC1".into(),
        stream_sid: "MZ1".into(),
    };
    let admitted = world.store.consume_media_token(&claim, 0).await.expect("asked");
    let caller = launch(world.call_ports(), admitted.expect("admitted"), standard_survey());
    match fate {
        Fate::HangsUp => caller.hang_up(),
        Fate::Terminated => caller.command(CallCommand::Terminate(EndReason::Terminated)),
        Fate::CarrierEnds => {
            callback(world, attempt, CarrierStatus::Completed).await;
            caller.reset();
        }
        _ => {
            let journal = world.journals.of(attempt);
            journal.append_panics.store(true, Ordering::Relaxed);
            caller.press('1');
        }
    }
}

async fn holds(answers: Vec<Answer>, fates: Vec<Fate>, store_fails: u32, capacity: usize) {
    let world = World::with_capacity(capacity);
    world.add_contacts(answers.len());
    world.carrier.told().answers.extend(answers.iter().copied());
    world.carrier.told().listed = Some(Vec::new());
    world.store.fail("record_outcome", Failing::Away, store_fails);
    let campaign = "health-survey".into();
    let dialer = dialer(&world, Mode::Simulated);
    let reconciler = Reconciler::new(world.ports.clone(), world.store.clone(), 0, 0).with_silence_limit(Duration::ZERO);
    let mut met = BTreeSet::new();
    let fates_are_met = async {
        loop {
            let waiting: Vec<AttemptId> = {
                let tables = world.store.tables();
                let waiting = tables
                    .attempts
                    .values()
                    .filter(|row| matches!(row.state, AttemptState::Submitted | AttemptState::SubmissionUnknown));
                waiting.map(|row| row.id.clone()).collect()
            };
            let (old, new): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|attempt| met.contains(attempt));
            for attempt in new {
                meet(&world, &attempt, fates[met.len() % fates.len()]).await;
                met.insert(attempt);
            }
            if !old.is_empty() {
                reconciler.sweep().await.expect("swept");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let all = async {
        dialer.run(&campaign).await.expect("dialled");
        until("every attempt ends", || {
            let tables = world.store.tables();
            tables.attempts.values().all(|row| row.state == AttemptState::Ended)
        })
        .await;
        world.all_quiet().await;
    };
    soon("everything is over", async {
        tokio::select! {
            () = all => {}
            () = fates_are_met => {}
        }
    })
    .await;
    let told = world.carrier.told();
    let asked: BTreeSet<_> = told.created.iter().map(|call| call.attempt.clone()).collect();
    assert_eq!(asked.len(), told.created.len(), "one request for each attempt");
    assert_eq!(asked.len(), answers.len());
    for attempt in &asked {
        assert!(world.events.ends(attempt) <= 1, "told at most once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn permits_never_leak_every_attempt_ends_and_the_carrier_is_asked_once_for_each(
        answers in prop::collection::vec(answers(), 1..8),
        fates in prop::collection::vec(fates(), 1..8),
        store_fails in 0_u32..3,
        capacity in 1_usize..4,
    ) {
        actix::System::new().block_on(holds(answers, fates, store_fails, capacity));
    }
}
