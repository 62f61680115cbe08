//! Laws that hold for every conversation, whatever comes in and in whatever order.

use crate::any_turns::turns;
use crate::harness::*;
use crate::model_properties::{SPEAKABLE, model_input};
use proptest::prelude::*;
use samvad_actors::dialogue::{
    Dialogue, DialogueConfig, Input, Millis, NamedGreeting, Output, PlaybackId, RecognitionFault, Script, SpeechId,
};
use samvad_actors::domain::{AnswerValue, AnsweredBy, EndReason, MachineVerdict};
use std::collections::BTreeSet;
use std::sync::Arc;

pub const TEXTS: [&str; 26] = [
    "",
    "yes",
    "no",
    "okay",
    "four",
    "five five",
    "eight",
    "in the evening",
    "by letter",
    "remove me",
    "please remove me from your list",
    "call me after six",
    "not interested",
    "who is this",
    "repeat",
    "hold on",
    "i'm back",
    "wrong number",
    "i don't know",
    "please leave a message after the tone",
    "zebra crossing",
    "yes but later",
    "no four",
    "the service was slow",
    "please state your name and why you are calling",
    "he is not available",
];

/// An input, and how long after the last one it comes.
pub type Event = (Millis, Input);

fn verdict() -> impl Strategy<Value = MachineVerdict> {
    prop::sample::select(vec![
        MachineVerdict::Human,
        MachineVerdict::MachineStart,
        MachineVerdict::MachineEnd,
        MachineVerdict::Fax,
        MachineVerdict::Unknown,
    ])
}

/// Anything at all, sensible or not.
fn named() -> impl Strategy<Value = NamedGreeting> {
    use NamedGreeting::{Coming, Lost, Ready};
    prop::sample::select(vec![Coming, Ready, Lost])
}

fn any_input() -> impl Strategy<Value = Input> {
    let speech = (0u32..6).prop_map(SpeechId);
    let playback = (0u32..12).prop_map(PlaybackId);
    let confidence = prop::sample::select(vec![f32::NAN, -1.0, 0.0, 0.55, 0.7, 0.9, 1.0, f32::INFINITY]);
    prop_oneof![
        8 => (speech.clone(), prop_oneof![0u64..200_000, Just(u64::MAX)])
            .prop_map(|(speech, began_ms)| Input::SpeechStarted { speech, began_ms }),
        4 => speech.clone().prop_map(|speech| Input::SpeechSustained { speech }),
        6 => (speech.clone(), 0u64..200_000).prop_map(|(speech, ended_ms)| Input::SpeechEnded { speech, ended_ms }),
        2 => speech.clone().prop_map(|speech| Input::SpeechDiscarded { speech }),
        4 => (speech.clone(), prop::sample::select(TEXTS.to_vec()))
            .prop_map(|(speech, text)| Input::Partial { speech, text: text.into() }),
        14 => (speech.clone(), prop::sample::select(TEXTS.to_vec()), confidence, any::<bool>()).prop_map(
            |(speech, text, confidence, uncertain)| Input::Recognized { speech, text: text.into(), confidence, uncertain }
        ),
        2 => speech.prop_map(|speech| Input::RecognitionFailed { speech, fault: RecognitionFault::Lost }),
        6 => prop::sample::select("0123456789*#x".chars().collect::<Vec<_>>()).prop_map(|key| Input::Key { key }),
        12 => (playback.clone(), 0usize..6).prop_map(|(playback, sentence)| Input::SentencePlayed { playback, sentence }),
        12 => playback.clone().prop_map(|playback| Input::PlaybackEnded { playback }),
        4 => playback.clone().prop_map(|playback| Input::PlaybackBegan { playback }),
        4 => (playback.clone(), 0usize..9)
            .prop_map(|(playback, cut_sentence)| Input::PlaybackCleared { playback, cut_sentence }),
        1 => playback.prop_map(|playback| Input::PlaybackFailed { playback }),
        1 => verdict().prop_map(|verdict| Input::Machine { verdict }),
        1 => Just(Input::Beep),
        1 => Just(Input::FaxTone),
        1 => named().prop_map(|state| Input::NamedGreeting { state }),
        2 => any::<bool>().prop_map(|stored| Input::DoNotCallRecorded { stored }),
        1 => Just(Input::Started),
        10 => model_input(),
    ]
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((prop_oneof![0u64..400, 0u64..9_000], any_input()), 0..120)
}

/// Feeds events, lets every wait end, and gives everything that was put out with its time.
pub fn run(feedback: bool, events: &[Event]) -> Vec<(Millis, Output)> {
    let script = if feedback { &FEEDBACK_SCRIPT } else { &HEALTH_SCRIPT };
    run_as(Dialogue::new(Arc::clone(script), DialogueConfig::default()), events)
}

/// The same for any dialogue. Whoever it says took the call fits how it ended.
pub fn run_as(mut dialogue: Dialogue, events: &[Event]) -> Vec<(Millis, Output)> {
    let mut outputs = Vec::new();
    let mut now = 0;
    let mut drain = |dialogue: &mut Dialogue, now: Millis| {
        while let Some(output) = dialogue.poll_output() {
            outputs.push((now, output));
        }
    };
    dialogue.handle(0, Input::Started);
    drain(&mut dialogue, 0);
    for (wait, input) in events {
        let at = now + wait;
        while let Some(due) = dialogue.poll_timeout().filter(|due| *due <= at) {
            dialogue.handle_timeout(due);
            drain(&mut dialogue, due);
        }
        now = at;
        dialogue.handle(now, input.clone());
        drain(&mut dialogue, now);
    }
    for _ in 0..10_000 {
        let Some(due) = dialogue.poll_timeout() else { break };
        now = now.max(due);
        dialogue.handle_timeout(now);
        drain(&mut dialogue, now);
    }
    let consented = outputs
        .iter()
        .any(|(_, output)| matches!(output, Output::RecordConsent(_)));
    if let Some((_, Output::End { reason, .. })) = outputs.last() {
        match (reason, dialogue.answered_by()) {
            (EndReason::Machine, AnsweredBy::Voicemail) | (EndReason::Fax, AnsweredBy::Fax) => {}
            (EndReason::Machine | EndReason::Fax, other) => panic!("{reason:?} of {other:?}"),
            (_, who) => assert!(who == AnsweredBy::Person || !consented, "{reason:?} of {who:?}"),
        }
    }
    outputs
}

/// The laws.
pub fn check(feedback: bool, events: &[Event], outputs: &[(Millis, Output)]) -> Result<(), TestCaseError> {
    check_of(
        if feedback { &FEEDBACK_SCRIPT } else { &HEALTH_SCRIPT },
        events,
        outputs,
    )
}

/// The laws for a call with this script.
pub fn check_of(script: &Script, events: &[Event], outputs: &[(Millis, Output)]) -> Result<(), TestCaseError> {
    let ends = outputs
        .iter()
        .filter(|(_, output)| matches!(output, Output::End { .. }))
        .count();
    prop_assert_eq!(ends, 1, "exactly one end");
    prop_assert!(
        matches!(outputs.last(), Some((_, Output::End { .. }))),
        "nothing after the end"
    );
    // The longest call, the longest goodbye without marks, and the writing of do-not-call.
    prop_assert!(
        outputs.last().is_some_and(|(at, _)| *at <= 300_000 + 30_000),
        "it ends in time"
    );

    let known = script.in_all_languages().flat_map(Script::fixed_sentences);
    let sentences: BTreeSet<String> = known.chain(script.named_greeting().map(str::to_owned)).collect();
    let languages = script.in_all_languages();
    let questions: BTreeSet<&str> = languages
        .flat_map(|script| script.campaign().questions.iter().map(|q| q.text.as_str()))
        .collect();
    let mut consented = false;
    let mut consents = 0;
    let mut answers = 0;
    let mut removal = false;
    for (_, output) in outputs {
        match output {
            Output::Play { sentences: said, .. } => {
                prop_assert!(!said.is_empty());
                for sentence in said {
                    prop_assert!(
                        sentences.contains(sentence) || SPEAKABLE.contains(&sentence.as_str()),
                        "not a fixed sentence: {}",
                        sentence
                    );
                    prop_assert!(
                        consented || !questions.contains(sentence.as_str()),
                        "asked before consent"
                    );
                }
            }
            Output::RecordConsent(evidence) => {
                consents += 1;
                consented |= evidence.granted;
            }
            Output::RecordAnswer(answer) => {
                prop_assert!(consented);
                prop_assert_eq!(answer.question, answers, "in order, one each");
                answers += 1;
                let options = ["morning", "afternoon", "evening", "phone", "text", "letter"];
                let valid = match &answer.value {
                    AnswerValue::Scale(value) => (1..=5).contains(value),
                    AnswerValue::Number(value) => (0..=10).contains(value),
                    AnswerValue::Choice(key) => options.contains(&key.as_str()),
                    AnswerValue::YesNo(_) | AnswerValue::NotAnswered => true,
                    AnswerValue::FreeText(text) => !text.is_empty(),
                };
                prop_assert!(valid, "{:?}", answer.value);
            }
            Output::AddDoNotCall => removal = true,
            _ => {}
        }
    }
    prop_assert!(consents <= 1 && answers <= 3);
    let said_plainly = events.iter().any(|(_, input)| {
        matches!(input, Input::Recognized { text, confidence, uncertain: false, .. }
            if text.contains("remove me") && *confidence >= 0.8)
    });
    let over_before = outputs.iter().any(|(at, output)| {
        matches!(output, Output::End { .. })
            && events
                .iter()
                .scan(0, |now, (wait, input)| {
                    *now += wait;
                    Some((*now, input))
                })
                .any(|(when, input)| {
                    when >= *at && matches!(input, Input::Recognized { text, .. } if text.contains("remove me"))
                })
    });
    prop_assert!(
        removal || !said_plainly || over_before,
        "a wish not to be called was lost"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_conversation_keeps_the_laws(feedback in any::<bool>(), events in events()) {
        let outputs = run(feedback, &events);
        check(feedback, &events, &outputs)?;
        prop_assert_eq!(format!("{:?}", run(feedback, &events)), format!("{:?}", outputs), "deterministic");
    }

    #[test]
    fn an_end_from_outside_at_any_moment_is_the_end(
        events in events(),
        orderly in any::<bool>(),
        extra in prop::collection::vec(any_input(), 0..6),
    ) {
        let mut events = events;
        events.push((0, Input::StreamEnded { orderly }));
        events.extend(extra.into_iter().map(|input| (10, input)));
        let outputs = run(false, &events);
        let ends = outputs.iter().filter(|(_, output)| matches!(output, Output::End { .. })).count();
        prop_assert_eq!(ends, 1);
        let last = matches!(outputs.last(), Some((_, Output::End { .. })));
        prop_assert!(last);
    }

    #[test]
    fn no_time_whatever_makes_it_panic_or_hang(times in prop::collection::vec((any::<u64>(), any_input()), 0..40)) {
        let mut dialogue = Dialogue::new(Arc::clone(&HEALTH_SCRIPT), DialogueConfig::default());
        for (now, input) in times {
            dialogue.handle(now, input);
            dialogue.handle_timeout(now);
        }
        dialogue.handle_timeout(u64::MAX);
        dialogue.handle(0, Input::Terminate { reason: EndReason::Fault });
        prop_assert!(dialogue.is_over());
    }

    /// A caller on a working line, saying anything at any moment with any confidence.
    #[test]
    fn callers_on_a_working_line_never_break_the_laws(turns in turns(&TEXTS, 0.0..1.0)) {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.hear(turns);
        check(false, &[], &call.outputs)?;
    }

    /// Nothing but noise, heard as anything below certainty: nothing is taken (L3).
    #[test]
    fn l3_noise_heard_as_words_takes_nothing(turns in turns(&TEXTS, 0.0..0.64)) {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.hear(turns);
        prop_assert!(call.consent().is_none() && call.answers().is_empty() && !call.do_not_call());
    }
}
