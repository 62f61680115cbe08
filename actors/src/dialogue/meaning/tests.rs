use super::*;
use crate::dialogue::LanguagePack;
use crate::domain::{ChoiceOption, Language};
use proptest::prelude::*;

fn check(meaning: &ModelMeaning, question: Option<&QuestionKind>) -> Option<Interpretation> {
    let pack = LanguagePack::embedded(&Language::default()).expect("English");
    meaning.check(question, "call me after six or so", pack.lexicon())
}

fn meaning(intent: Intent, value: Option<ModelValue>) -> ModelMeaning {
    ModelMeaning {
        intent,
        value,
        callback_words: None,
        question_about_call: false,
    }
}

fn choice() -> QuestionKind {
    let option = |key: &str| ChoiceOption {
        key: key.into(),
        label: key.into(),
        phrases: vec![],
    };
    QuestionKind::Choice {
        options: vec![option("morning"), option("evening")],
    }
}

const SCALE: QuestionKind = QuestionKind::Scale { min: 1, max: 5 };

#[test]
fn an_answer_of_the_right_shape_is_read() {
    let answer =
        json!({"intent": "call_later", "value": null, "callback_words": "after six", "question_about_call": true});
    let read = ModelMeaning::read(answer).expect("read");
    assert_eq!(read.intent, Intent::CallLater);
    assert_eq!(read.callback_words.as_deref(), Some("after six"));
    assert!(read.question_about_call);
    for (value, read_as) in [
        (json!(4), ModelValue::Number(4)),
        (json!(true), ModelValue::YesNo(true)),
        (json!("evening"), ModelValue::Option("evening".into())),
    ] {
        let answer = json!({"intent": "unclear", "value": value, "callback_words": null, "question_about_call": false});
        assert_eq!(ModelMeaning::read(answer).expect("read").value, Some(read_as));
    }
}

#[test]
fn anything_else_is_refused_without_its_words() {
    for answer in [
        json!(null),
        json!("yes"),
        json!({}),
        json!({"intent": "yes"}),
        json!({"intent": "consent", "value": null, "callback_words": null, "question_about_call": false}),
        json!({"intent": "voicemail", "value": null, "callback_words": null, "question_about_call": false}),
        json!({"intent": "yes", "value": 4.5, "callback_words": null, "question_about_call": false}),
        json!({"intent": "yes", "value": [4], "callback_words": null, "question_about_call": false}),
        json!({"intent": "yes", "value": null, "callback_words": null, "question_about_call": "secret"}),
        json!({"intent": "yes", "value": null, "callback_words": null, "question_about_call": false, "secret": 1}),
    ] {
        let refusal = ModelMeaning::read(answer.clone()).expect_err("refused");
        assert!(!refusal.contains("secret") && !refusal.is_empty(), "{answer}");
    }
}

#[test]
fn the_schema_is_closed_and_knows_the_values_of_the_question() {
    let value_of =
        |question: Option<&QuestionKind>| ModelMeaning::schema(question).schema["properties"]["value"].clone();
    assert_eq!(value_of(None), json!({"type": "null"}));
    assert_eq!(
        value_of(Some(&QuestionKind::YesNo)),
        json!({"type": ["boolean", "null"]})
    );
    assert_eq!(value_of(Some(&SCALE)), json!({"type": ["integer", "null"]}));
    assert_eq!(
        value_of(Some(&choice())),
        json!({"type": ["string", "null"], "enum": ["morning", "evening", null]})
    );
    let schema = ModelMeaning::schema(None).schema;
    assert_eq!(schema["additionalProperties"], json!(false));
    let properties: Vec<&String> = schema["properties"].as_object().expect("object").keys().collect();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    assert!(properties.iter().all(|name| required.contains(&name.as_str())) && properties.len() == required.len());
    let intents = schema["properties"]["intent"]["enum"].as_array().expect("list");
    assert!(!intents.contains(&json!("voicemail")) && intents.contains(&json!("remove_me")));
}

#[test]
fn values_are_checked_against_the_type_and_the_range() {
    let value = |value, question: &QuestionKind| check(&meaning(Intent::Unclear, Some(value)), Some(question));
    assert_eq!(
        value(ModelValue::Number(5), &SCALE).expect("good").value,
        Some(AnswerValue::Scale(5))
    );
    let outside = value(ModelValue::Number(6), &SCALE).expect("out of range");
    assert!(outside.out_of_range && outside.value.is_none());
    assert_eq!(value(ModelValue::YesNo(true), &SCALE), None);
    assert_eq!(value(ModelValue::Option("noon".into()), &choice()), None);
    assert_eq!(
        value(ModelValue::Option("evening".into()), &choice())
            .expect("good")
            .value,
        Some(AnswerValue::Choice("evening".into()))
    );
    assert_eq!(value(ModelValue::Number(1), &QuestionKind::YesNo), None);
    assert_eq!(
        value(
            ModelValue::Option("my own words".into()),
            &QuestionKind::FreeText { max_seconds: 30 }
        ),
        None,
        "free text is kept as it was said"
    );
}

#[test]
fn a_wish_to_stop_counts_whatever_value_stands_beside_it() {
    for intent in [
        Intent::RemoveMe,
        Intent::NotInterested,
        Intent::WrongPerson,
        Intent::CallLater,
    ] {
        for value in [None, Some(ModelValue::Number(99)), Some(ModelValue::YesNo(true))] {
            for question in [None, Some(&SCALE), Some(&choice())] {
                let meant = check(&meaning(intent, value.clone()), question).expect("meant");
                assert!(meant.intent == intent && meant.value.is_none() && !meant.out_of_range);
            }
        }
    }
    let no = check(&meaning(Intent::No, Some(ModelValue::Number(4))), None).expect("meant");
    assert_eq!(no.intent, Intent::No, "outside the questions there are no values");
}

#[test]
fn callback_words_are_kept_only_if_the_caller_said_them() {
    let when = |words: &str| {
        let meaning = ModelMeaning {
            callback_words: Some(words.into()),
            ..meaning(Intent::CallLater, None)
        };
        check(&meaning, None).expect("meant").when
    };
    let kept = when("After six").expect("kept");
    assert_eq!(kept.words, "after six");
    assert!(kept.time.is_some());
    assert_eq!(when("or so").expect("kept").time, None);
    assert_eq!(when("after seven"), None);
    assert_eq!(when(""), None);
}

proptest! {
    /// No answer whatever gives a value that the question does not allow.
    #[test]
    fn no_value_is_outside_the_question(number in any::<i64>(), agreed in any::<bool>(), text in ".{0,12}", kind in 0..3usize) {
        let value = [ModelValue::Number(number), ModelValue::YesNo(agreed), ModelValue::Option(text)][kind].clone();
        for question in [SCALE, QuestionKind::YesNo, choice(), QuestionKind::Number { min: 0, max: 20 }] {
            let meant = check(&meaning(Intent::Unclear, Some(value.clone())), Some(&question));
            let allowed = match (meant.and_then(|meant| meant.value), &question) {
                (None, _) | (Some(AnswerValue::YesNo(_)), QuestionKind::YesNo) => true,
                (Some(AnswerValue::Scale(value)), QuestionKind::Scale { min, max })
                | (Some(AnswerValue::Number(value)), QuestionKind::Number { min, max }) => (*min..=*max).contains(&value),
                (Some(AnswerValue::Choice(key)), QuestionKind::Choice { options }) => options.iter().any(|o| o.key == key),
                _ => false,
            };
            prop_assert!(allowed);
        }
    }

    #[test]
    fn no_json_whatever_makes_reading_panic(text in ".{0,60}") {
        if let Ok(answer) = serde_json::from_str(&text) {
            let _ = ModelMeaning::read(answer);
        }
    }
}
