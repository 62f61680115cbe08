//! Laws that hold for every conversation, whatever comes in and in whatever order.

use crate::harness::*;
use proptest::prelude::*;
use samvad_actors::dialogue::{
    Dialogue, DialogueConfig, Input, Millis, ModelFault, ModelMeaning, ModelValue, Output, PlaybackId,
    RecognitionFault, RequestId, SpeechId,
};
use samvad_actors::domain::{AnswerValue, EndReason, Intent, MachineVerdict};
use std::collections::BTreeSet;
use std::sync::Arc;

const TEXTS: [&str; 24] = [
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
];

/// What a model may write.
const SENTENCES: [&str; 5] = [
    "It takes two minutes.",
    "You may stop at any time.",
    "Call 555 0123 4567.",
    "May I ask how satisfied you were?",
    "",
];
/// Of these, what may be spoken.
const SPEAKABLE: [&str; 2] = ["It takes two minutes.", "You may stop at any time."];

/// Two texts that the lexicon makes nothing of.
const UNCLEAR: [&str; 2] = ["zebra crossing", "the service was slow"];

/// An input, and how long after the last one it comes.
type Event = (Millis, Input);

fn verdict() -> impl Strategy<Value = MachineVerdict> {
    prop::sample::select(vec![
        MachineVerdict::Human,
        MachineVerdict::MachineStart,
        MachineVerdict::MachineEnd,
        MachineVerdict::Fax,
        MachineVerdict::Unknown,
    ])
}

/// Any answer of a model, sensible or not.
fn any_meaning() -> impl Strategy<Value = ModelMeaning> {
    let intents = vec![
        Intent::Yes,
        Intent::No,
        Intent::Interested,
        Intent::NotInterested,
        Intent::Repeat,
        Intent::WhoIsThis,
        Intent::CallLater,
        Intent::WrongPerson,
        Intent::RemoveMe,
        Intent::SwitchLanguage,
        Intent::Voicemail,
        Intent::HoldOn,
        Intent::NoAnswer,
        Intent::Unclear,
    ];
    let value = prop_oneof![
        any::<bool>().prop_map(ModelValue::YesNo),
        prop_oneof![-2i64..13, any::<i64>()].prop_map(ModelValue::Number),
        prop::sample::select(vec!["evening", "letter", "nonsense", ""]).prop_map(|key| ModelValue::Option(key.into())),
    ];
    let words = prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    (
        prop::sample::select(intents),
        prop::option::of(value),
        prop::option::of(words),
        any::<bool>(),
    )
        .prop_map(|(intent, value, callback_words, question_about_call)| ModelMeaning {
            intent,
            value,
            callback_words,
            question_about_call,
        })
}

/// Anything a model may bring at any moment.
fn model_input() -> impl Strategy<Value = Input> {
    let request = (0u32..8).prop_map(RequestId);
    let fault = prop::sample::select(vec![ModelFault::TimedOut, ModelFault::Lost, ModelFault::Unusable]);
    prop_oneof![
        6 => (request.clone(), any_meaning()).prop_map(|(request, meaning)| Input::Classified { request, meaning }),
        1 => (request.clone(), fault.clone()).prop_map(|(request, fault)| Input::ClassifyFailed { request, fault }),
        4 => (request.clone(), prop::sample::select(SENTENCES.to_vec()))
            .prop_map(|(request, text)| Input::ReplySentence { request, text: text.into() }),
        2 => request.clone().prop_map(|request| Input::ReplyEnded { request }),
        1 => (request, fault).prop_map(|(request, fault)| Input::ReplyFailed { request, fault }),
    ]
}

/// Anything at all, sensible or not.
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
        14 => (speech.clone(), prop::sample::select(TEXTS.to_vec()), confidence, any::<bool>()).prop_map(
            |(speech, text, confidence, uncertain)| Input::Recognized { speech, text: text.into(), confidence, uncertain }
        ),
        2 => speech.prop_map(|speech| Input::RecognitionFailed { speech, fault: RecognitionFault::Lost }),
        6 => prop::sample::select("0123456789*#x".chars().collect::<Vec<_>>()).prop_map(|key| Input::Key { key }),
        12 => (playback.clone(), 0usize..6).prop_map(|(playback, sentence)| Input::SentencePlayed { playback, sentence }),
        12 => playback.clone().prop_map(|playback| Input::PlaybackEnded { playback }),
        4 => (playback.clone(), 0usize..9)
            .prop_map(|(playback, cut_sentence)| Input::PlaybackCleared { playback, cut_sentence }),
        1 => playback.prop_map(|playback| Input::PlaybackFailed { playback }),
        1 => verdict().prop_map(|verdict| Input::Machine { verdict }),
        1 => Just(Input::Beep),
        2 => any::<bool>().prop_map(|stored| Input::DoNotCallRecorded { stored }),
        1 => Just(Input::Started),
        10 => model_input(),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((prop_oneof![0u64..400, 0u64..9_000], any_input()), 0..120)
}

/// Feeds events, lets every wait end, and gives everything that was put out with its time.
fn run(feedback: bool, events: &[Event]) -> Vec<(Millis, Output)> {
    let script = if feedback { &FEEDBACK_SCRIPT } else { &HEALTH_SCRIPT };
    run_as(Dialogue::new(Arc::clone(script), DialogueConfig::default()), events)
}

/// The same of a call that has a language model and may speak its words.
fn run_with_model(events: &[Event]) -> Vec<(Millis, Output)> {
    let config = DialogueConfig {
        language_model: true,
        ..DialogueConfig::default()
    };
    run_as(Dialogue::new(Arc::clone(&SPOKEN_SCRIPT), config), events)
}

fn run_as(mut dialogue: Dialogue, events: &[Event]) -> Vec<(Millis, Output)> {
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
    outputs
}

/// The laws.
fn check(feedback: bool, events: &[Event], outputs: &[(Millis, Output)]) -> Result<(), TestCaseError> {
    let script = if feedback { &FEEDBACK_SCRIPT } else { &HEALTH_SCRIPT };
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

    let sentences: BTreeSet<String> = script.fixed_sentences().into_iter().collect();
    let questions: BTreeSet<&str> = script.campaign().questions.iter().map(|q| q.text.as_str()).collect();
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

/// Each request is put out once, and none while another is open.
fn asks_of_a_model(outputs: &[(Millis, Output)]) -> Vec<RequestId> {
    let queries = outputs.iter().filter_map(|(_, output)| match output {
        Output::Classify(query) | Output::Reply(query) => Some(query.request),
        _ => None,
    });
    queries.collect()
}

/// A caller whose every word is beyond the lexicon, and a model that says anything about it at any time.
fn talk_with_model(
    turns: &[(Millis, &str, f32, Millis, Option<(Millis, ModelMeaning)>)],
    replies: &[(Millis, &'static str)],
) -> Call {
    let mut call = Call::with_model(&SPOKEN_SCRIPT, []);
    for (wait, text, confidence, length, answer) in turns {
        call.wait(*wait);
        if call.dialogue.is_over() {
            break;
        }
        call.model.clear();
        call.model.push_back(match answer {
            Some((after, meaning)) => Model::Answers(*after, meaning.clone()),
            None => Model::Never,
        });
        call.model.push_back(Model::Says(replies.to_vec()));
        call.speak(text, *confidence, *length);
    }
    call
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes in, also from a model that is asked nothing: without one nothing is asked of it and no word of it
    /// is spoken.
    #[test]
    fn without_a_model_none_is_asked_and_none_is_heard(feedback in any::<bool>(), events in events()) {
        let outputs = run(feedback, &events);
        prop_assert_eq!(asks_of_a_model(&outputs), vec![]);
        let without: Vec<Event> = events
            .iter()
            .scan(0, |gap, (wait, input)| {
                *gap += wait;
                let model = matches!(
                    input,
                    Input::Classified { .. }
                        | Input::ClassifyFailed { .. }
                        | Input::ReplySentence { .. }
                        | Input::ReplyEnded { .. }
                        | Input::ReplyFailed { .. }
                );
                Some((!model).then(|| (std::mem::take(gap), input.clone())))
            })
            .flatten()
            .collect();
        prop_assert_eq!(format!("{:?}", run(feedback, &without)), format!("{outputs:?}"));
    }

    #[test]
    fn every_conversation_with_a_model_keeps_the_laws(events in events()) {
        let outputs = run_with_model(&events);
        check(false, &events, &outputs)?;
        prop_assert_eq!(format!("{:?}", run_with_model(&events)), format!("{outputs:?}"), "deterministic");
        let asks = asks_of_a_model(&outputs);
        prop_assert!(asks.windows(2).all(|pair| pair[0] < pair[1]), "each request has its own number: {:?}", asks);
    }

    /// L2: a model that answers anything at any time, or never, with a caller whom only it understands: the call ends,
    /// nothing is agreed to or removed without a word that the lexicon knows, and at most one request is open.
    #[test]
    fn l2_a_model_alone_neither_agrees_nor_removes_and_every_call_ends(
        turns in prop::collection::vec(
            (
                0u64..9_000,
                prop::sample::select(UNCLEAR.to_vec()),
                0.3f32..1.0,
                80u64..2_500,
                prop::option::weighted(0.8, (0u64..2_500, any_meaning())),
            ),
            0..14,
        ),
        replies in prop::collection::vec((0u64..2_000, prop::sample::select(SENTENCES.to_vec())), 0..4),
    ) {
        let mut call = talk_with_model(&turns, &replies);
        call.finish();
        check(false, &[], &call.outputs)?;
        prop_assert!(call.consent().is_none_or(|evidence| !evidence.granted));
        prop_assert!(!call.do_not_call());
        prop_assert_eq!(call.open_request(), None);
    }

    /// With a caller who is understood as well.
    #[test]
    fn callers_with_a_model_on_a_working_line_never_break_the_laws(
        turns in prop::collection::vec(
            (
                0u64..7_000,
                prop::sample::select(TEXTS.to_vec()),
                0.0f32..1.0,
                80u64..2_500,
                prop::option::weighted(0.8, (0u64..2_500, any_meaning())),
            ),
            0..14,
        ),
        replies in prop::collection::vec((0u64..2_000, prop::sample::select(SENTENCES.to_vec())), 0..4),
    ) {
        let mut call = talk_with_model(&turns, &replies);
        call.finish();
        check(false, &[], &call.outputs)?;
    }

    /// A wish to stop that the model hears, in time and well, is put to the caller or ends the call; it is never passed
    /// over.
    #[test]
    fn a_wish_to_stop_by_the_model_is_never_passed_over(
        before in prop::collection::vec((prop::sample::select(UNCLEAR.to_vec()), any_meaning()), 0..8),
        removal in any::<bool>(),
        consented in any::<bool>(),
    ) {
        let mut call = Call::with_model(&SPOKEN_SCRIPT, []);
        if consented {
            call.say("yes");
        }
        for (text, meaning) in before {
            call.model = [Model::Answers(200, meaning), Model::Says(vec![(100, SPEAKABLE[0])])].into();
            if !call.dialogue.is_over() {
                call.say(text);
                call.listen();
            }
        }
        prop_assume!(!call.dialogue.is_over() && !call.dialogue.is_closing());
        prop_assume!(call.expectation() != Some(samvad_actors::dialogue::Expectation::Resume));
        let stop = means(if removal { Intent::RemoveMe } else { Intent::NotInterested });
        call.model = [Model::Answers(200, stop)].into();
        call.wait(500);
        let begun = call.outputs.len();
        call.say_as(UNCLEAR[0], 0.95);
        prop_assume!(call.outputs[begun..].iter().any(|(_, output)| matches!(output, Output::Classify(_))));
        call.wait(250);
        let said = call.last_said();
        let put = said.starts_with("Do you want your number taken off") || said.starts_with("Did you say that you would");
        prop_assert!(put || call.dialogue.is_closing(), "{}", said);
    }

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
    fn callers_on_a_working_line_never_break_the_laws(
        turns in prop::collection::vec(
            (0u64..7_000, prop::sample::select(TEXTS.to_vec()), 0.0f32..1.0, 80u64..2_500, any::<bool>()),
            0..14,
        ),
    ) {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        for (wait, text, confidence, length, wait_for_prompt) in turns {
            if wait_for_prompt {
                call.listen();
            }
            call.wait(wait);
            if call.dialogue.is_over() {
                break;
            }
            call.speak(text, confidence, length);
        }
        call.finish();
        check(false, &[], &call.outputs)?;
    }

    /// Nothing but noise, heard as anything below certainty: nothing is taken (L3).
    #[test]
    fn l3_noise_heard_as_words_takes_nothing(
        turns in prop::collection::vec((0u64..6_000, prop::sample::select(TEXTS.to_vec()), 0.0f32..0.64, 80u64..1_500), 1..20),
    ) {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        for (wait, text, confidence, length) in turns {
            call.wait(wait);
            if !call.dialogue.is_over() {
                call.speak(text, confidence, length);
            }
        }
        call.finish();
        prop_assert!(call.consent().is_none() && call.answers().is_empty() && !call.do_not_call());
    }
}
