//! Calls that go as calls go: by keys, by voice, cut off, taken for a machine.

use crate::recognizer::Recognition;
use crate::world::{World, survey, until};
use samvad_actors::domain::{AnswerValue, AnsweredBy, EndReason, MachineVerdict, Outcome, SpokenTime};
use samvad_actors::ports::Clock;
use samvad_actors::runtime::{CallCommand, CallEvent};

#[actix::test]
async fn a_call_by_keys_leaves_an_outcome_its_answers_a_journal_that_replays_and_nothing_else() {
    let world = World::new();
    let caller = world.call("keys");
    caller.answer("1413").await;
    assert_eq!(world.ended("keys").await, Outcome::Completed);
    let report = world.store.report(&"keys".into());
    let values: Vec<_> = report.answers.iter().map(|answer| answer.value.clone()).collect();
    assert_eq!(
        values,
        [
            AnswerValue::Scale(4),
            AnswerValue::YesNo(true),
            AnswerValue::Choice("evening".into())
        ]
    );
    assert!(report.consent.expect("consent").granted);
    assert!(!report.transcript.is_empty());
    assert_eq!(caller.state.closed_with.get(), Some(1000));
    let replayed = world.journals.replayed(&"keys".into());
    assert!(replayed.is_same() && replayed.complete, "{:?}", replayed.differences);
    assert_eq!(world.events.ends(&"keys".into()), 1);
    world.all_quiet().await;
}

#[actix::test]
async fn media_frames_are_heard_recognised_and_answered() {
    let world = World::new();
    let caller = world.call("voice");
    assert!(caller.listen().await);
    // Consent by voice; the rest by keys.
    caller.speak();
    assert!(caller.listen().await);
    caller.press('4');
    caller.answer("13").await;
    assert_eq!(world.ended("voice").await, Outcome::Completed);
    let report = world.store.report(&"voice".into());
    assert_eq!(report.consent.expect("consent").heard, "yes", "{:?}", report.transcript);
    let latency = report.latencies.first().expect("l27: a short yes is measured");
    assert_eq!(
        latency.total_ms,
        latency.endpoint_ms
            + latency.recognition_ms
            + latency.understanding_ms
            + latency.decision_ms
            + latency.first_audio_ms
    );
    // One utterance, of 10 ms as the double counts them.
    let [(used, amount)] = report.service_use.as_slice() else {
        panic!("one recogniser: {:?}", report.service_use);
    };
    assert_eq!(
        (used.service.as_str(), amount.requests, amount.audio_ms),
        ("scripted", 1, 10)
    );
    assert!(world.journals.replayed(&"voice".into()).is_same());
}

#[actix::test]
async fn a_wish_to_be_called_later_is_reported_with_its_words_its_meaning_and_its_moment() {
    let world = World::new();
    world.recognizer.set(Recognition::Text("call me in two hours"));
    let caller = world.call("later");
    assert!(caller.listen().await);
    let before_ms = world.clock.unix_ms();
    caller.speak();
    caller.answer("").await;
    assert_eq!(world.ended("later").await, Outcome::Callback);
    let report = world.store.report(&"later".into());
    let request = report.callback_request.expect("a wish");
    assert_eq!(request.words.as_deref(), Some("in two hours"));
    assert_eq!(request.time, Some(SpokenTime::In { minutes: 120 }));
    assert!((before_ms..=report.ended_at_ms).contains(&request.at_ms), "{request:?}");
}

#[actix::test]
async fn a_call_that_did_not_hang_up_is_hung_up_by_the_supervisor() {
    let world = World::new();
    world.call("left").answer("1413").await;
    world.ended("left").await;
    until("the carrier is told", || world.carrier.has_hung_up("CA-left")).await;
}

#[actix::test]
async fn l13_a_socket_reset_before_consent_and_after_an_answer_has_an_outcome() {
    let world = World::new();
    let (before, after) = (world.call("before"), world.call("after"));
    before.listen().await;
    before.reset();
    for key in ['1', '4'] {
        after.listen().await;
        after.press(key);
    }
    after.listen().await;
    after.reset();
    assert_eq!(world.ended("before").await, Outcome::Failed);
    assert_eq!(world.ended("after").await, Outcome::Partial);
    let report = world.store.report(&"after".into());
    assert_eq!(report.end_reason, EndReason::StreamLost);
    world.all_quiet().await;
}

#[actix::test]
async fn l2_a_recogniser_that_never_answers_does_not_keep_a_call_from_going_on() {
    let world = World::new();
    world.recognizer.set(Recognition::Never);
    let caller = world.call("mute");
    assert!(caller.listen().await);
    caller.speak();
    assert!(caller.listen().await, "asked again after the deadline");
    caller.answer("1413").await;
    assert_eq!(world.ended("mute").await, Outcome::Completed);
}

#[actix::test]
async fn l12_a_recogniser_that_is_gone_costs_a_reprompt() {
    let world = World::new();
    world.recognizer.set(Recognition::Lost);
    let caller = world.call("lost");
    assert!(caller.listen().await);
    caller.speak();
    assert!(caller.listen().await, "asked again");
    caller.answer("1413").await;
    assert_eq!(world.ended("lost").await, Outcome::Completed);
}

#[actix::test]
async fn l12_a_sentence_without_audio_ends_the_call_with_an_outcome_instead_of_silence() {
    let world = World::new();
    let nothing_to_say = world.call_with("no-audio", survey(|_| false));
    nothing_to_say.answer("").await;
    assert_eq!(world.ended("no-audio").await, Outcome::Failed);
    let question = "How satisfied were you";
    let no_question = world.call_with("no-question", survey(move |text| !text.starts_with(question)));
    no_question.answer("1").await;
    world.ended("no-question").await;
    assert!(world.journals.replayed(&"no-question".into()).is_same());
    world.all_quiet().await;
}

#[actix::test]
async fn a_machine_verdict_that_comes_before_the_stream_is_kept_for_it() {
    let world = World::new();
    let admitted = world.admitted("machine");
    world.supervisor.do_send(samvad_actors::runtime::CarrierMachine {
        attempt: "machine".into(),
        verdict: MachineVerdict::Fax,
    });
    let caller = crate::world::launch(world.call_ports(), admitted, crate::world::standard_survey());
    caller.answer("").await;
    world.ended("machine").await;
    let report = world.store.report(&"machine".into());
    assert_eq!(
        (report.end_reason, report.answered_by),
        (EndReason::Fax, AnsweredBy::Fax)
    );
}

#[actix::test]
async fn l16_a_machine_verdict_about_a_person_who_has_answered_is_passed_over() {
    let world = World::new();
    let caller = world.call("person");
    caller.listen().await;
    caller.press('1');
    caller.listen().await;
    world.supervisor.do_send(samvad_actors::runtime::CarrierMachine {
        attempt: "person".into(),
        verdict: MachineVerdict::MachineStart,
    });
    caller.press('4');
    caller.answer("13").await;
    assert_eq!(world.ended("person").await, Outcome::Completed);
}

#[actix::test]
async fn what_is_said_twice_or_too_late_changes_nothing() {
    let world = World::new();
    let caller = world.call("twice");
    caller.listen().await;
    caller.press('1');
    caller.listen().await;
    caller.command(CallCommand::Terminate(EndReason::Terminated));
    caller.command(CallCommand::Terminate(EndReason::LimitReached));
    caller.command(CallCommand::CarrierEnded);
    caller.command(CallCommand::Machine(MachineVerdict::Fax));
    caller.reset();
    caller.reset();
    caller.press('4');
    world.ended("twice").await;
    assert_eq!(
        world.store.report(&"twice".into()).end_reason,
        EndReason::Terminated,
        "the first word counts"
    );
    assert_eq!(world.events.ends(&"twice".into()), 1);
    world.all_quiet().await;
}

#[actix::test]
async fn a_stream_of_rubbish_ends_the_call_with_one_outcome_and_does_not_touch_another() {
    let world = World::new();
    let (rubbish, good) = (world.call("rubbish"), world.call("good"));
    for index in 0..200 {
        rubbish.send(&format!("{{\"event\":\"media\",\"media\":{index}"));
    }
    assert_eq!(world.ended("rubbish").await, Outcome::Failed);
    good.answer("1413").await;
    assert_eq!(world.ended("good").await, Outcome::Completed);
}

#[actix::test]
async fn the_last_phase_told_is_the_goodbye_and_not_what_is_expected_meanwhile() {
    let world = World::new();
    world.call("told").answer("1413").await;
    world.ended("told").await;
    let mut phases: Vec<String> = Vec::new();
    for event in world.events.all() {
        if let CallEvent::Phase { phase, .. } = event {
            phases.push(phase);
        }
    }
    assert_eq!(phases, ["question 1", "question 2", "question 3", "goodbye"]);
}

#[actix::test]
async fn phases_are_told_without_a_word_of_what_was_said() {
    let world = World::new();
    world.call("told").answer("1413").await;
    world.ended("told").await;
    let told = format!("{:?}", world.events.all());
    assert!(told.contains("question 3"), "{told}");
    assert!(
        world
            .events
            .all()
            .iter()
            .any(|event| matches!(event, CallEvent::Talking { .. }))
    );
    assert!(!told.contains("+1415"), "no number in an event: {told}");
}
