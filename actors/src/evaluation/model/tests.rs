//! A language model as a tier.

use super::*;
use crate::domain::{AnswerValue, Intent};
use crate::evaluation::testing::{intent, said};
use crate::evaluation::{Expected, Lexicons, Report, evaluate};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

fn pack() -> LanguagePack {
    LanguagePack::embedded(&Language::default()).expect("embedded")
}

fn campaign() -> Campaign {
    Campaign::from_yaml(include_str!("../../../../fixtures/campaigns/health_survey.yaml")).expect("a campaign")
}

fn meaning(intent: &str, value: Value) -> Value {
    json!({"intent": intent, "value": value, "callback_words": null, "question_about_call": false})
}

/// Scores the lexicon, and after it a model that answers so; what it was told comes with the report.
fn scored(
    utterances: &[Utterance],
    answer: impl Fn() -> Result<Value, LanguageModelError> + 'static,
) -> (Report, Vec<String>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let telling = Arc::clone(&told);
    let ask: Ask = Box::new(move |task, _| {
        telling.lock().expect("told").push(task.instructions);
        answer()
    });
    let lexicons = Lexicons([(Language::default(), pack().lexicon().clone())].into());
    let model = Model::new(vec![(campaign(), pack())], ask);
    let report = evaluate(utterances, &mut [Box::new(lexicons), Box::new(model)]);
    let told = told.lock().expect("told").clone();
    (report, told)
}

const SCALE: QuestionKind = QuestionKind::Scale { min: 1, max: 5 };

#[test]
fn it_is_asked_for_what_the_lexicon_leaves_open_and_for_nothing_else() {
    let utterances = [
        said("four", Some(SCALE), Expected::Answer(AnswerValue::Scale(4))),
        said(
            "better than my aunt would have it",
            Some(SCALE),
            Expected::Answer(AnswerValue::Scale(4)),
        ),
    ];
    let (report, told) = scored(&utterances, || Ok(meaning("unclear", json!(4))));
    let [lexicon, model] = report.tiers.as_slice() else {
        panic!("two tiers")
    };
    assert_eq!((lexicon.total().utterances, lexicon.total().right()), (2, 1));
    assert_eq!((model.total().utterances, model.total().certain_right), (1, 1));
    assert_eq!(report.together.total().right(), 2);
    let question = &campaign().questions[0].text;
    assert!(told.len() == 1 && told[0].contains(question), "{told:?}");
}

#[test]
fn what_a_call_would_have_confirmed_is_uncertain_and_no_harm() {
    let utterances = [said("the parrot may speak", None, intent(Intent::Unclear))];
    for binding in ["yes", "remove_me"] {
        let (report, _) = scored(&utterances, move || Ok(meaning(binding, Value::Null)));
        let total = report.together.total();
        assert_eq!((total.uncertain_wrong, total.harmful()), (1, 0), "{binding}");
    }
}

#[test]
fn failures_are_counted_and_the_lexicons_reading_stands() {
    let utterances = [said(
        "four said the parrot",
        Some(SCALE),
        Expected::Answer(AnswerValue::Scale(4)),
    )];
    let (report, _) = scored(&utterances, || Err(LanguageModelError::TimedOut { deadline_ms: 1 }));
    assert_eq!(report.tiers[1].failures, [("no answer in time".to_owned(), 1)].into());
    assert_eq!(report.together.total().uncertain_right, 1);
    let (report, _) = scored(&utterances, || Ok(json!({"intent": "voicemail"})));
    assert_eq!(report.tiers[1].failures.values().sum::<usize>(), 1);
}

#[test]
fn a_question_of_a_kind_that_the_campaign_lacks_is_asked_about_all_the_same() {
    let number = QuestionKind::Number { min: 0, max: 120 };
    let utterances = [said(
        "as long as a film",
        Some(number),
        Expected::Answer(AnswerValue::Number(110)),
    )];
    let (report, told) = scored(&utterances, || Ok(meaning("unclear", json!(110))));
    assert_eq!(report.together.total().right(), 1, "{told:?}");
}
