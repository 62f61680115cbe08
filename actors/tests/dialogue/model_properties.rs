//! Laws that hold for every conversation with a language model, whatever it answers and whenever.

use crate::harness::*;
use crate::properties::{Event, TEXTS, check, events, run, run_as};
use proptest::prelude::*;
use samvad_actors::dialogue::{
    Dialogue, Expectation, Input, Millis, ModelFault, ModelMeaning, ModelValue, Output, RequestId,
};
use samvad_actors::domain::Intent;
use std::sync::Arc;

/// What a model may write.
const SENTENCES: [&str; 5] = [
    "It takes two minutes.",
    "You may stop at any time.",
    "Call 555 0123 4567.",
    "May I ask how satisfied you were?",
    "",
];
/// Of these, what may be spoken.
pub const SPEAKABLE: [&str; 2] = ["It takes two minutes.", "You may stop at any time."];

/// Two texts that the lexicon makes nothing of.
const UNCLEAR: [&str; 2] = ["zebra crossing", "the service was slow"];

/// Any answer of a model, sensible or not.
fn any_meaning() -> impl Strategy<Value = ModelMeaning> {
    let value = prop_oneof![
        any::<bool>().prop_map(ModelValue::YesNo),
        prop_oneof![-2i64..13, any::<i64>()].prop_map(ModelValue::Number),
        prop::sample::select(vec!["evening", "letter", "nonsense", ""]).prop_map(|key| ModelValue::Option(key.into())),
    ];
    let words = prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    (
        prop::sample::select(Intent::ALL.to_vec()),
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
pub fn model_input() -> impl Strategy<Value = Input> {
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

/// The same of a call that has a language model and may speak its words.
fn run_with_model(events: &[Event]) -> Vec<(Millis, Output)> {
    run_as(Dialogue::new(Arc::clone(&SPOKEN_SCRIPT), model_config()), events)
}

/// Each request is put out once, and none while another is open.
fn asks_of_a_model(outputs: &[(Millis, Output)]) -> Vec<RequestId> {
    let queries = outputs.iter().filter_map(|(_, output)| match output {
        Output::Classify(query) | Output::Reply(query) => Some(query.request),
        _ => None,
    });
    queries.collect()
}

/// After how long, what is said, with what confidence, for how long, and what the model makes of it when.
type Turn = (Millis, &'static str, f32, Millis, Option<(Millis, ModelMeaning)>);

fn turns(texts: &[&'static str], least_confidence: f32) -> impl Strategy<Value = Vec<Turn>> + use<> {
    let answer = prop::option::weighted(0.8, (0u64..2_500, any_meaning()));
    let text = prop::sample::select(texts.to_vec());
    prop::collection::vec((0u64..9_000, text, least_confidence..1.0, 80u64..2_500, answer), 0..14)
}

fn sentences() -> impl Strategy<Value = Vec<(Millis, &'static str)>> {
    prop::collection::vec((0u64..2_000, prop::sample::select(SENTENCES.to_vec())), 0..4)
}

/// A caller whose every word is beyond the lexicon, and a model that says anything about it at any time.
fn talk_with_model(turns: &[Turn], replies: &[(Millis, &'static str)]) -> Call {
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
        turns in turns(&UNCLEAR, 0.3),
        replies in sentences(),
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
        turns in turns(&TEXTS, 0.0),
        replies in sentences(),
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
        prop_assume!(call.expectation() != Some(Expectation::Resume));
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
}
