//! What English callers say, and what it means.

use super::*;
use crate::dialogue::LanguagePack;
use crate::domain::{ChoiceOption, Language};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

static LEXICON: LazyLock<Arc<Lexicon>> = LazyLock::new(|| {
    Arc::clone(
        LanguagePack::embedded(&Language::default())
            .expect("embedded")
            .lexicon(),
    )
});

fn consent(text: &str) -> Interpretation {
    LEXICON.interpret(
        &Context {
            expectation: Expectation::Consent,
            question: None,
        },
        text,
    )
}

fn question(kind: &QuestionKind, text: &str) -> Interpretation {
    LEXICON.interpret(
        &Context {
            expectation: Expectation::Question(0),
            question: Some(kind),
        },
        text,
    )
}

fn choice() -> QuestionKind {
    let option = |key: &str, label: &str, phrases: &[&str]| ChoiceOption {
        key: key.into(),
        label: label.into(),
        phrases: phrases.iter().map(|&phrase| phrase.into()).collect(),
    };
    QuestionKind::Choice {
        options: vec![
            option("morning", "in the morning", &[]),
            option("afternoon", "in the afternoon", &[]),
            option("evening", "in the evening", &["after work"]),
        ],
    }
}

const SCALE: QuestionKind = QuestionKind::Scale { min: 1, max: 5 };
const TEN: QuestionKind = QuestionKind::Number { min: 0, max: 10 };
const HUNDRED: QuestionKind = QuestionKind::Number { min: 0, max: 100 };

#[track_caller]
fn means(meant: Interpretation, intent: Intent, certain: bool) {
    assert_eq!((meant.intent, meant.certain), (intent, certain), "{meant:?}");
}

#[test]
fn l1_bare_yes_no_and_okay_always_count() {
    for text in [
        "yes",
        "Yes.",
        "okay",
        "OK",
        "yeah",
        "sure",
        "um yes please",
        "no problem",
        "yes yes",
        "okay go ahead please",
    ] {
        means(consent(text), Intent::Yes, true);
    }
    for text in ["no", "No!", "nope", "no thanks", "no no no", "uh no thank you"] {
        means(consent(text), Intent::No, true);
    }
}

#[test]
fn a_later_yes_is_a_wish_to_be_called_and_a_time_is_kept_as_said() {
    means(consent("yes but later"), Intent::CallLater, true);
    for (text, when) in [
        ("call me after six", Some("after six")),
        (
            "could you call me back tomorrow morning please",
            Some("tomorrow morning please"),
        ),
        ("call me at six thirty p.m.", Some("at six thirty p.m")),
        ("no call me on monday", Some("on monday")),
        ("call me later", None),
        ("I'm busy right now", None),
        ("i'm busy call me in two hours", Some("in two hours")),
        ("tomorrow", Some("tomorrow")),
        ("after six", Some("after six")),
    ] {
        let meant = consent(text);
        let words = meant.when.as_ref().map(|asked| asked.words.as_str());
        assert_eq!((meant.intent, words), (Intent::CallLater, when), "{text}");
        assert!(meant.when.is_none_or(|asked| asked.time.is_some()), "{text}");
    }
}

#[test]
fn every_phrase_of_the_grammar_that_names_a_time_is_understood() {
    let phrases = LEXICON.spoken(Intent::CallLater);
    let asked: Vec<_> = phrases.iter().filter_map(|phrase| consent(phrase).when).collect();
    assert!(asked.len() >= 7, "{asked:?}");
    for asked in asked {
        assert!(asked.time.is_some(), "{asked:?}");
    }
}

#[test]
fn a_time_that_cannot_be_kept_is_still_a_wish_to_be_called() {
    let meant = consent("call me after ninety");
    assert_eq!(meant.intent, Intent::CallLater);
    let asked = meant.when.expect("words");
    assert_eq!((asked.words.as_str(), asked.time), ("after ninety", None));
}

#[test]
fn words_of_time_by_themselves_are_a_wish_to_be_called_only_if_they_name_a_time() {
    for text in ["tomorrow at six", "in an hour", "six pm", "on monday"] {
        assert_eq!(consent(text).intent, Intent::CallLater, "{text}");
    }
    for text in ["six", "at six", "this", "and a half", "am", "a minute please"] {
        assert_ne!(consent(text).intent, Intent::CallLater, "{text}");
    }
    means(consent("yes this is he"), Intent::Yes, false);
}

#[test]
fn a_plain_opt_out_counts_anywhere_in_any_sentence() {
    for text in [
        "don't call me again",
        "remove me",
        "please remove me",
        "no don't call me again",
        "look I told you people last week please remove me from your list okay",
        "would you stop calling me I have had enough of it",
        "yes but take me off your list",
    ] {
        means(consent(text), Intent::RemoveMe, true);
        means(
            question(&QuestionKind::FreeText { max_seconds: 30 }, text),
            Intent::RemoveMe,
            true,
        );
        means(question(&SCALE, text), Intent::RemoveMe, true);
    }
}

#[test]
fn an_opt_out_that_is_negated_is_none() {
    for text in [
        "please don't remove me from your list",
        "do not remove me",
        "don't stop calling me",
    ] {
        assert_ne!(consent(text).intent, Intent::RemoveMe, "{text}");
    }
}

#[test]
fn no_intent_comes_from_one_word_buried_in_a_long_sentence() {
    for text in [
        "my neighbour said yes to something like that the other day",
        "the weather is okay in the mountains",
        "we have no bread left at home today",
        "you know I was wondering what the price of fish is",
        "four of my cousins went to the fair on saturday with their dog",
    ] {
        assert!(consent(text).is_unclear(), "{text}: {:?}", consent(text));
        assert!(
            question(&SCALE, text).is_unclear(),
            "{text}: {:?}",
            question(&SCALE, text)
        );
    }
}

#[test]
fn yes_or_no_with_words_left_over_is_uncertain_and_turned_round_is_unclear() {
    means(consent("yes you may ask them whenever"), Intent::Yes, false);
    means(consent("no I have a cake in the oven"), Intent::No, false);
    for text in [
        "yes no",
        "yes but I won't answer anything",
        "yes I am not interested",
        "no yes",
    ] {
        assert!(consent(text).is_unclear(), "{text}: {:?}", consent(text));
    }
}

#[test]
fn refusals_questions_waits_and_wrong_numbers_are_told_apart() {
    for (text, intent) in [
        ("not interested", Intent::NotInterested),
        ("no I am not interested thank you", Intent::NotInterested),
        ("who is this", Intent::WhoIsThis),
        ("sorry who is calling please", Intent::WhoIsThis),
        ("can you repeat the question", Intent::Repeat),
        ("pardon", Intent::Repeat),
        ("you have the wrong number", Intent::WrongPerson),
        ("no you have the wrong number", Intent::WrongPerson),
        ("hold on please", Intent::HoldOn),
        ("yes one moment please", Intent::HoldOn),
        ("I am interested", Intent::Yes),
        ("do you speak Hindi", Intent::SwitchLanguage),
        (
            "Hi, you have reached Andrew. I can't come to the phone right now.",
            Intent::Voicemail,
        ),
        ("please leave your message after the tone", Intent::Voicemail),
    ] {
        let meant = consent(text);
        assert_eq!(meant.intent, intent, "{text}: {meant:?}");
    }
}

#[test]
fn l16_he_is_not_available_is_no_voicemail() {
    for text in ["he is not available", "she is not available right now"] {
        assert_ne!(consent(text).intent, Intent::Voicemail, "{text}");
    }
}

#[test]
fn numbers_are_found_in_the_ways_people_say_them() {
    for text in [
        "four",
        "4",
        "I would say four",
        "number four",
        "four four",
        "four out of five",
        "um maybe a four",
        "I'd say four please",
    ] {
        let meant = question(&SCALE, text);
        assert_eq!(
            (meant.value, meant.certain),
            (Some(AnswerValue::Scale(4)), true),
            "{text}"
        );
    }
    assert_eq!(question(&TEN, "five five").value, Some(AnswerValue::Number(5)));
    assert_eq!(question(&TEN, "ten out of ten").value, Some(AnswerValue::Number(10)));
    assert_eq!(question(&HUNDRED, "twenty three").value, Some(AnswerValue::Number(23)));
    assert_eq!(question(&HUNDRED, "one hundred").value, Some(AnswerValue::Number(100)));
}

#[test]
fn doubtful_numbers_are_uncertain_or_unclear() {
    let meant = question(&SCALE, "the visit earned a four");
    assert_eq!((meant.value, meant.certain), (Some(AnswerValue::Scale(4)), false));
    let meant = question(&HUNDRED, "five five");
    assert_eq!((meant.value, meant.certain), (Some(AnswerValue::Number(5)), false));
    for text in ["four or five", "not four"] {
        assert!(question(&SCALE, text).value.is_none(), "{text}");
    }
}

#[test]
fn a_number_outside_the_range_is_named_as_such() {
    for text in ["eight", "I would say zero", "250"] {
        let meant = question(&SCALE, text);
        assert!(meant.out_of_range && meant.value.is_none(), "{text}: {meant:?}");
    }
    assert!(question(&choice(), "number four").out_of_range);
    assert!(question(&choice(), "number zero").out_of_range);
}

#[test]
fn options_are_chosen_by_label_key_phrase_and_number() {
    for text in [
        "in the evening",
        "evening",
        "Evening, please.",
        "after work",
        "option three",
        "number three",
        "I would prefer the evening",
    ] {
        let meant = question(&choice(), text);
        assert_eq!(
            (meant.value, meant.certain),
            (Some(AnswerValue::Choice("evening".into())), true),
            "{text}"
        );
    }
    assert!(question(&choice(), "morning or evening").is_unclear());
    let meant = question(&choice(), "evening suits us best");
    assert_eq!(
        (meant.value, meant.certain),
        (Some(AnswerValue::Choice("evening".into())), false)
    );
}

#[test]
fn yes_and_no_answer_a_yes_no_question_and_nothing_else() {
    let meant = question(&QuestionKind::YesNo, "no problem");
    assert_eq!(meant.value, Some(AnswerValue::YesNo(true)));
    assert_eq!(
        question(&QuestionKind::YesNo, "no it was not").value,
        Some(AnswerValue::YesNo(false))
    );
    assert_eq!(question(&SCALE, "yes").value, None);
    means(question(&SCALE, "skip this question"), Intent::NoAnswer, true);
    means(question(&QuestionKind::YesNo, "I don't know"), Intent::NoAnswer, true);
}

#[test]
fn free_text_is_kept_word_for_word_but_for_whole_requests() {
    let free = QuestionKind::FreeText { max_seconds: 30 };
    let text = "the service was slow but the staff were very friendly";
    assert_eq!(question(&free, text).value, Some(AnswerValue::FreeText(text.into())));
    assert_eq!(question(&free, "no").value, Some(AnswerValue::FreeText("no".into())));
    assert!(question(&free, "who is calling me is what I asked").value.is_some());
    means(
        question(&free, "can you repeat the question please"),
        Intent::Repeat,
        true,
    );
    means(question(&free, "skip"), Intent::NoAnswer, true);
}

#[test]
fn a_correction_in_a_confirming_turn_carries_the_new_value() {
    let meant = LEXICON.interpret(
        &Context {
            expectation: Expectation::ConfirmAnswer(0),
            question: Some(&SCALE),
        },
        "no, four",
    );
    assert_eq!((meant.intent, meant.value), (Intent::No, Some(AnswerValue::Scale(4))));
}

proptest! {
    #[test]
    fn no_text_whatever_makes_it_panic_or_leave_the_range(text in ".{0,120}", min in 0i64..3, max in 3i64..200) {
        for kind in [QuestionKind::Number { min, max }, QuestionKind::YesNo, choice(), QuestionKind::FreeText { max_seconds: 9 }] {
            if let Some(AnswerValue::Number(value)) = question(&kind, &text).value {
                prop_assert!((min..=max).contains(&value));
            }
        }
        consent(&text);
    }

    #[test]
    fn sentences_of_lexicon_words_keep_the_rules(
        words in prop::collection::vec(prop::sample::select(vec![
            "yes", "no", "remove", "me", "from", "your", "list", "call", "later", "four", "five", "not", "but", "the",
            "again", "don't", "interested", "after", "six", "please", "zebra",
        ]), 0..12),
    ) {
        let text = words.join(" ");
        let meant = consent(&text);
        if meant.certain && meant.intent == Intent::Yes {
            prop_assert!(!words.contains(&"no") && !words.contains(&"zebra"), "{}", text);
        }
        prop_assert_eq!(&consent(&text), &meant);
    }
}
