//! The dialler: the order of its writes, and every answer of the carrier.

use crate::carrier::Answer;
use crate::store::Failing;
use crate::world::{World, soon, until};
use samvad_actors::domain::{AttemptId, AttemptState, CampaignId, Disposition, Mode, Outcome};
use samvad_actors::runtime::{CallEvent, DialSummary, Dialer, DialerSettings, MediaToken, TokenMint};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Attempts named after their number.
#[derive(Default)]
pub struct CountingMint(AtomicU32);

impl TokenMint for CountingMint {
    fn attempt_id(&self) -> AttemptId {
        AttemptId::new(format!("attempt-{}", self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn media_token(&self, attempt: &AttemptId, now_ms: i64) -> Result<MediaToken, String> {
        Ok(MediaToken {
            text: format!("secret-of-{attempt}"),
            hash: format!("hash-of-{attempt}"),
            expires_at_ms: now_ms + 600_000,
        })
    }
}

pub fn dialer(world: &World, mode: Mode) -> Dialer {
    let settings = DialerSettings {
        mode,
        calls_per_second: 1_000.0,
        ring_timeout_seconds: 30,
        machine_detection: true,
    };
    Dialer::new(world.ports.clone(), Arc::new(CountingMint::default()), settings)
}

async fn dial(world: &World) -> DialSummary {
    let campaign = CampaignId::from("health-survey");
    let dialled = soon("dialled", dialer(world, Mode::Simulated).run(&campaign)).await;
    dialled.expect("dialled")
}

fn summary(placed: u32, not_placed: u32) -> DialSummary {
    DialSummary { placed, not_placed }
}

#[actix::test]
async fn an_attempt_is_written_and_marked_before_the_carrier_is_asked_once() {
    let world = World::new();
    world.add_contacts(1);
    assert_eq!(dial(&world).await, summary(1, 0));
    let log = world.store.log.lock().expect("log").clone();
    let first = "attempt-0";
    let expected = ["create_attempt", "mark_submitting", "create_call", "record_submission"];
    assert_eq!(log, expected.map(|step| format!("{step} {first}")));
    let row = world.store.row(&first.into());
    assert_eq!(row.state, AttemptState::Submitted);
    assert_eq!(row.call_sid, Some("CA-attempt-0".into()));
    assert!(
        world.ports.permits.holds(&first.into()),
        "held while it is queued and rings"
    );
}

#[actix::test]
async fn l20_an_unclear_answer_is_never_repeated_and_its_permit_stays_taken() {
    for answer in [Answer::Unclear, Answer::Panics] {
        let world = World::new();
        world.add_contacts(1);
        world.carrier.told().answers.push_back(answer);
        assert_eq!(dial(&world).await, summary(1, 0));
        assert_eq!(world.carrier.told().created.len(), 1);
        let row = world.store.row(&"attempt-0".into());
        assert_eq!(row.state, AttemptState::SubmissionUnknown);
        assert!(world.ports.permits.holds(&row.id), "there may be a call");
    }
}

#[actix::test]
async fn a_request_that_the_carrier_did_not_take_for_haste_is_repeated_later() {
    let world = World::new();
    world.add_contacts(1);
    world.carrier.told().answers.push_back(Answer::RateLimited);
    assert_eq!(dial(&world).await, summary(1, 0));
    assert_eq!(world.carrier.told().created.len(), 2);
    assert_eq!(world.store.row(&"attempt-0".into()).state, AttemptState::Submitted);
}

#[actix::test]
async fn a_refusal_ends_the_attempt_and_gives_the_permit_back_and_the_next_is_called() {
    let world = World::with_capacity(1);
    world.add_contacts(3);
    world
        .carrier
        .told()
        .answers
        .extend([Answer::Refused, Answer::Unreachable]);
    assert_eq!(dial(&world).await, summary(1, 2));
    for attempt in ["attempt-0", "attempt-1"] {
        assert_eq!(world.store.outcome(&attempt.into()), Some(Outcome::Failed));
    }
    assert_eq!(world.ports.permits.in_use(), 1);
    let not_placed = world.events.all();
    let not_placed = not_placed
        .iter()
        .filter(|event| matches!(event, CallEvent::NotPlaced { .. }));
    assert_eq!(not_placed.count(), 2);
}

#[actix::test]
async fn a_number_that_comes_onto_do_not_call_after_the_plan_is_not_called() {
    let world = World::new();
    world.add_contacts(2);
    world.store.tables().do_not_call.insert("+14155550000".to_owned());
    assert_eq!(dial(&world).await, summary(1, 1));
    let created: Vec<_> = world
        .carrier
        .told()
        .created
        .iter()
        .map(|call| call.to.expose().to_owned())
        .collect();
    assert_eq!(created, ["+14155550001"]);
    assert_eq!(world.ports.permits.in_use(), 1);
}

#[actix::test]
async fn a_number_that_comes_onto_do_not_call_while_the_carrier_is_left_alone_is_not_called() {
    let world = World::new();
    world.add_contacts(1);
    world.carrier.told().answers.push_back(Answer::RateLimited);
    let list = async {
        until("asked once", || world.carrier.told().created.len() == 1).await;
        world.store.tables().do_not_call.insert("+14155550000".to_owned());
    };
    let (summed, ()) = tokio::join!(dial(&world), list);
    assert_eq!(summed, summary(0, 1));
    assert_eq!(world.carrier.told().created.len(), 1);
    assert_eq!(world.ports.permits.in_use(), 0);
}

#[actix::test]
async fn l14_draining_stops_dialling_also_while_the_carrier_is_left_alone() {
    let world = World::new();
    world.add_contacts(3);
    world.carrier.told().answers.push_back(Answer::RateLimited);
    let drain = async {
        until("asked once", || world.carrier.told().created.len() == 1).await;
        world.ports.readiness.set_draining();
    };
    let (summed, ()) = tokio::join!(dial(&world), drain);
    assert_eq!(summed, summary(0, 1));
    assert_eq!(world.carrier.told().created.len(), 1, "nobody else is called");
    assert_eq!(world.store.outcome(&"attempt-0".into()), Some(Outcome::Failed));
    assert_eq!(world.ports.permits.in_use(), 0);
}

#[actix::test]
async fn whoever_was_called_before_is_not_called_again() {
    let world = World::new();
    world.add_contacts(2);
    assert_eq!(dial(&world).await, summary(2, 0));
    assert_eq!(dial(&world).await, summary(0, 0));
}

#[actix::test]
async fn a_dry_run_calls_nobody_and_writes_no_attempt() {
    let world = World::new();
    world.add_contacts(2);
    let campaign = CampaignId::from("health-survey");
    let dialled = dialer(&world, Mode::DryRun).run(&campaign).await.expect("dialled");
    assert_eq!(dialled, summary(0, 2));
    assert!(world.carrier.told().created.is_empty() && world.store.tables().attempts.is_empty());
    assert_eq!(world.ports.permits.in_use(), 0);
}

#[actix::test]
async fn a_store_that_fails_at_any_write_leaves_neither_a_permit_nor_an_open_attempt_behind() {
    for step in ["create_attempt", "mark_submitting"] {
        for failing in [Failing::Away, Failing::Panics, Failing::AnswerLost, Failing::Corrupt] {
            let world = World::new();
            world.add_contacts(2);
            world.store.fail(step, failing, 1);
            assert_eq!(dial(&world).await, summary(1, 1), "{step} {failing:?}");
            assert_eq!(world.carrier.told().created.len(), 1, "{step} {failing:?}");
            assert_eq!(world.ports.permits.in_use(), 1, "{step} {failing:?}");
            let open = world.store.tables();
            let open = open.attempts.values().filter(|row| row.state != AttemptState::Ended);
            assert_eq!(open.count(), 1, "{step} {failing:?}");
        }
    }
}

#[actix::test]
async fn the_carriers_answer_is_written_however_often_the_store_fails_first() {
    for failing in [Failing::Away, Failing::Panics, Failing::AnswerLost] {
        let world = World::new();
        world.add_contacts(1);
        world.store.fail("record_submission", failing, 2);
        assert_eq!(dial(&world).await, summary(1, 0));
        assert_eq!(world.store.row(&"attempt-0".into()).state, AttemptState::Submitted);
    }
}

#[actix::test]
async fn l21_a_refusal_that_comes_after_a_callback_of_the_call_does_not_give_up_a_call_that_exists() {
    let world = World::new();
    world.add_contacts(1);
    world
        .carrier
        .told()
        .answers
        .extend([Answer::RateLimited, Answer::Refused]);
    let callback = async {
        until("asked once", || world.carrier.told().created.len() == 1).await;
        let mut tables = world.store.tables();
        let row = tables.attempts.values_mut().next().expect("attempt");
        row.call_sid = Some("CA-1".into());
        row.state = AttemptState::Submitted;
    };
    let (summed, ()) = tokio::join!(dial(&world), callback);
    assert_eq!(summed, summary(1, 0));
    assert!(world.ports.permits.holds(&"attempt-0".into()));
}

#[actix::test]
async fn l18_permits_bound_what_is_under_way_and_each_end_lets_the_next_begin() {
    let world = World::with_capacity(2);
    world.add_contacts(4);
    let ends = async {
        for index in 0..4 {
            let attempt = AttemptId::new(format!("attempt-{index}"));
            until("placed", || world.carrier.told().created.len() > index).await;
            assert!(world.ports.permits.in_use() <= 2);
            until("written", || world.store.row(&attempt).state == AttemptState::Submitted).await;
            let report = samvad_actors::runtime::CallDraft::default().into_cut_report(
                attempt,
                samvad_actors::domain::EndReason::Fault,
                0,
            );
            world
                .supervisor
                .do_send(samvad_actors::runtime::WriteOutcome { report });
        }
    };
    let (summed, ()) = tokio::join!(dial(&world), ends);
    assert_eq!(summed, summary(4, 0));
    world.all_quiet().await;
}

#[actix::test]
async fn a_number_listed_between_the_two_writes_is_not_called_and_says_so() {
    let world = World::new();
    world.add_contacts(1);
    // The fake's second write sees what was listed after its first.
    let attempt = AttemptId::from("attempt-0");
    world.store.list_after_create("+14155550000");
    assert_eq!(dial(&world).await, summary(0, 1));
    assert!(world.carrier.told().created.is_empty());
    assert_eq!(world.store.row(&attempt).disposition, Some(Disposition::NotAttempted));
}
