//! Calls with a language model: what it answers, and what its faults cost.

use crate::language::{Does, ScriptedModel, meaning};
use crate::line::Caller;
use crate::recognizer::Recognition;
use crate::voice::{HandVoice, as_synthesizer};
use crate::world::{HEALTH, World, survey, survey_of, until};
use samvad_actors::domain::{AnswerValue, Outcome};
use samvad_actors::ports::TranscriptSpeaker;
use samvad_actors::runtime::Survey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the lexicon makes nothing of.
const UNCLEAR: &str = "it was rather good all in all";
/// What a model says of the call.
const FIRST: &str = "It takes two minutes.";
const SECOND: &str = "You may stop at any time.";

/// A world whose callers say the same every time, with a model that does this.
fn world(says: &'static str, does: Does) -> World {
    let mut world = World::new();
    world.recognizer.set(Recognition::Text(says));
    world.model = Some(ScriptedModel::new(does));
    world
}

fn model(world: &World) -> &ScriptedModel {
    world.model.as_deref().expect("a model")
}

/// A call whose first question has been asked, in which the caller has said something then.
async fn asked(world: &World, name: &str) -> Caller {
    asked_with(world, name, &[]).await
}

/// The same where these sentences have audio besides the fixed ones.
async fn asked_with(world: &World, name: &str, live: &[&str]) -> Caller {
    asked_of(world, name, survey_of(&with_replies(), live, |_| true)).await
}

fn with_replies() -> String {
    HEALTH.replace("spoken_replies: false", "spoken_replies: true")
}

async fn asked_of(world: &World, name: &str, survey: Arc<Survey>) -> Caller {
    let caller = world.call_with(name, survey);
    assert!(caller.listen().await);
    caller.press('1');
    assert!(caller.listen().await);
    caller.speak();
    caller
}

/// The rest by keys, the first of them at once.
async fn finish(world: &World, caller: &Caller, name: &str, keys: &str) {
    let (first, rest) = keys.split_at(1);
    first.chars().for_each(|key| caller.press(key));
    caller.answer(rest).await;
    assert_eq!(world.ended(name).await, Outcome::Completed);
    let replayed = world.journals.replayed(&name.into());
    assert!(replayed.is_same() && replayed.complete, "{:?}", replayed.differences);
    world.all_quiet().await;
    until("no work is left at the model", || {
        model(world).at_work.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[actix::test]
async fn what_the_model_understands_is_the_answer_and_the_call_replays_without_it() {
    let world = world(UNCLEAR, Does::Answers(meaning("unclear", json!(4), false), vec![]));
    let caller = asked(&world, "understood").await;
    assert!(caller.listen().await, "the next question");
    finish(&world, &caller, "understood", "13").await;
    let report = world.store.report(&"understood".into());
    assert_eq!(report.answers[0].value, AnswerValue::Scale(4));
    assert_eq!(report.answers[0].heard.as_deref(), Some(UNCLEAR));
    let requests = model(&world).requests();
    let request = &requests[0];
    assert_eq!(request.deadline, Duration::from_millis(1_500));
    assert!(request.instructions.contains("How satisfied were you"));
    assert_eq!(
        request.conversation.last().expect("last").text,
        format!("<said>{UNCLEAR}</said>")
    );
    assert_eq!(request.meter.read()[0].1.requests, 1, "counted on the call's meter");
    assert!(!format!("{request:?}").contains("+1415"), "no number in a request");
}

#[actix::test]
async fn the_time_the_model_takes_is_a_part_of_the_turn_of_its_own() {
    let mut world = world(UNCLEAR, Does::Never);
    let does = Does::Answers(meaning("unclear", json!(4), false), vec![]);
    world.model = Some(ScriptedModel::slow(does, Some((world.clock.clone(), 700))));
    let caller = asked(&world, "slow").await;
    assert!(caller.listen().await, "the next question");
    finish(&world, &caller, "slow", "13").await;
    let latency = world.store.report(&"slow".into()).latencies[0];
    assert!(latency.understanding_ms >= 700, "{latency:?}");
}

#[actix::test]
async fn the_time_the_voice_takes_for_a_reply_is_not_the_models() {
    let world = world("how long is this", Does::SpeaksAndStalls);
    let voice = Arc::new(HandVoice::default());
    let silent = survey_of(&with_replies(), &[], |_| true);
    let spoken = Survey {
        campaign: silent.campaign.clone(),
        script: silent.script.clone(),
        prompts: silent.prompts.clone(),
        voice: as_synthesizer(&voice),
        translations: std::collections::BTreeMap::new(),
        names: None,
    };
    let caller = asked_of(&world, "voiced", Arc::new(spoken)).await;
    until("the first sentence is asked for", || voice.asked() == [FIRST]).await;
    // Longer than anything else here takes, and before the rest of the reply is given up.
    world.clock.jump_ms(1_000);
    (0..4).for_each(|_| voice.speak(0));
    voice.end(0);
    assert!(caller.listen().await, "the reply");
    finish(&world, &caller, "voiced", "413").await;
    let latency = world.store.report(&"voiced".into()).latencies[0];
    assert!(
        latency.first_audio_ms >= 1_000 && latency.understanding_ms < 1_000,
        "{latency:?}"
    );
}

#[actix::test]
async fn what_the_lexicon_understands_is_asked_of_nobody() {
    let world = world("four", Does::Panics);
    let caller = asked(&world, "certain").await;
    assert!(caller.listen().await);
    finish(&world, &caller, "certain", "13").await;
    assert!(model(&world).requests().is_empty());
}

#[actix::test]
async fn l12_a_model_that_panics_fails_or_answers_nonsense_costs_a_reprompt() {
    for (number, does) in [
        Does::Panics,
        Does::Fails,
        Does::Answers(json!({"answer": "yes"}), vec![]),
        Does::Answers(Value::Null, vec![]),
        Does::Answers(meaning("voicemail", Value::Null, false), vec![]),
        Does::Answers(meaning("unclear", json!("evening"), false), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let world = world(UNCLEAR, does);
        let name = format!("fault-{number}");
        let caller = asked(&world, &name).await;
        assert!(caller.listen().await, "asked again");
        finish(&world, &caller, &name, "413").await;
        let report = world.store.report(&name.as_str().into());
        assert_eq!(report.answers[0].value, AnswerValue::Scale(4));
        assert_eq!(report.answers[0].times_asked, 2);
    }
}

#[actix::test]
async fn l2_a_model_that_never_answers_costs_a_reprompt_and_is_not_worked_for_any_longer() {
    let world = world(UNCLEAR, Does::Never);
    let caller = asked(&world, "never").await;
    until("it is asked", || model(&world).at_work.load(Ordering::SeqCst) == 1).await;
    assert!(caller.listen().await, "asked again after the deadline");
    until("the request is dropped", || {
        model(&world).at_work.load(Ordering::SeqCst) == 0
    })
    .await;
    finish(&world, &caller, "never", "413").await;
}

#[actix::test]
async fn a_request_that_a_key_made_stale_is_dropped_at_once() {
    let world = world(UNCLEAR, Does::Never);
    let caller = asked(&world, "stale").await;
    until("it is asked", || model(&world).at_work.load(Ordering::SeqCst) == 1).await;
    caller.press('4');
    assert!(caller.listen().await, "the next question");
    until("the request is dropped", || {
        model(&world).at_work.load(Ordering::SeqCst) == 0
    })
    .await;
    finish(&world, &caller, "stale", "13").await;
}

#[actix::test]
async fn a_call_that_ends_while_the_model_works_drops_the_request() {
    let world = world(UNCLEAR, Does::Never);
    let caller = asked(&world, "gone").await;
    until("it is asked", || model(&world).at_work.load(Ordering::SeqCst) == 1).await;
    caller.reset();
    world.ended("gone").await;
    until("the request is dropped", || {
        model(&world).at_work.load(Ordering::SeqCst) == 0
    })
    .await;
    world.all_quiet().await;
}

#[actix::test]
async fn a_reply_without_audio_is_replaced_by_the_fixed_lines() {
    let reply = vec![FIRST, SECOND];
    let world = world(
        "how long is this",
        Does::Answers(meaning("unclear", Value::Null, true), reply),
    );
    let caller = asked(&world, "fixed").await;
    assert!(caller.listen().await);
    finish(&world, &caller, "fixed", "413").await;
    assert_eq!(model(&world).requests().len(), 2);
    let report = world.store.report(&"fixed".into());
    let said = format!("{:?}", report.transcript);
    assert!(
        said.contains("an automated call") && !said.contains("two minutes"),
        "{said}"
    );
}

#[actix::test]
async fn a_reply_is_spoken_sentence_by_sentence_and_the_question_follows_whatever_becomes_of_its_rest() {
    let two = vec![FIRST, SECOND];
    for (number, (does, sentences)) in [
        (Does::Answers(meaning("who_is_this", Value::Null, true), two), 2),
        (Does::SpeaksAndPanics, 1),
        (Does::SpeaksAndStalls, 1),
        (Does::SpeaksForEver, 2),
    ]
    .into_iter()
    .enumerate()
    {
        let world = world("how long is this", does);
        let name = format!("reply-{number}");
        let caller = asked_with(&world, &name, &[FIRST, SECOND]).await;
        // The question and how to answer it are two sentences more.
        let before = caller.state.media.get();
        while caller.state.media.get() < before + sentences + 2 {
            assert!(caller.listen().await, "the reply and the question");
        }
        finish(&world, &caller, &name, "413").await;
        let report = world.store.report(&name.as_str().into());
        assert_eq!(report.answers[0].times_asked, 2);
        let agent = report
            .transcript
            .iter()
            .filter(|line| line.speaker == TranscriptSpeaker::Agent);
        let said: Vec<&str> = agent.map(|line| line.text.as_str()).collect();
        let reply = said.iter().position(|text| *text == FIRST).expect("spoken");
        let question = said
            .iter()
            .rposition(|text| text.starts_with("How satisfied"))
            .expect("asked");
        assert!(reply < question, "{said:?}");
    }
}

#[actix::test]
async fn a_campaign_that_does_not_allow_live_words_has_none() {
    let world = world(
        "how long is this",
        Does::Answers(meaning("unclear", Value::Null, true), vec!["It takes two minutes."]),
    );
    let caller = world.call_with("fixed-by-default", survey(|_| true));
    assert!(caller.listen().await);
    caller.press('1');
    assert!(caller.listen().await);
    caller.speak();
    assert!(caller.listen().await);
    finish(&world, &caller, "fixed-by-default", "413").await;
    assert_eq!(model(&world).requests().len(), 1, "no reply is asked for");
}
