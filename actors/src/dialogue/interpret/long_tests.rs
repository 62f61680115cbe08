//! Answers and requests in more words than they need: taken back, denied, reasoned, measured, and said in many ways.

use super::*;
use crate::dialogue::LanguagePack;
use crate::domain::{ChoiceOption, Language};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

fn lexicon(tag: &str) -> Arc<Lexicon> {
    let pack = LanguagePack::embedded(&Language(tag.to_owned())).expect("embedded");
    Arc::clone(pack.lexicon())
}

static HINDI: LazyLock<Arc<Lexicon>> = LazyLock::new(|| lexicon("hi"));
static ENGLISH: LazyLock<Arc<Lexicon>> = LazyLock::new(|| lexicon("en"));

const SCALE: QuestionKind = QuestionKind::Scale { min: 1, max: 5 };
const MINUTES: QuestionKind = QuestionKind::Number { min: 0, max: 120 };

fn said(lexicon: &Lexicon, question: Option<&QuestionKind>, text: &str) -> Interpretation {
    let expectation = question.map_or(Expectation::Consent, |_| Expectation::Question(0));
    lexicon.interpret(&Context { expectation, question }, text)
}

fn choice() -> QuestionKind {
    let option = |key: &str, label: &str| ChoiceOption {
        key: key.into(),
        label: label.into(),
        phrases: Vec::new(),
    };
    QuestionKind::Choice {
        options: vec![
            option("morning", "in the morning"),
            option("afternoon", "in the afternoon"),
            option("evening", "in the evening"),
        ],
    }
}

#[test]
fn what_is_said_last_counts_where_what_was_said_before_is_taken_back() {
    for (lexicon, text, number) in [
        (&ENGLISH, "three no two", 2),
        (&ENGLISH, "four oh sorry I mean five", 5),
        (&ENGLISH, "two no three no wait make it four", 4),
        (&HINDI, "teen nahi do", 2),
        (&HINDI, "पाँच अरे नहीं चार", 4),
    ] {
        let meant = said(lexicon, Some(&SCALE), text);
        let value = Some(AnswerValue::Scale(number));
        assert_eq!((meant.value, meant.certain), (value, false), "{text}");
    }
    for (lexicon, text, agreed) in [
        (&ENGLISH, "no wait yes", true),
        (&ENGLISH, "yes oh no sorry no", false),
        (&HINDI, "nahi nahi haan", true),
    ] {
        let meant = said(lexicon, Some(&QuestionKind::YesNo), text);
        let value = Some(AnswerValue::YesNo(agreed));
        assert_eq!((meant.value, meant.certain), (value, false), "{text}");
    }
}

#[test]
fn consent_is_never_put_together_from_yes_and_no() {
    for (lexicon, text) in [
        (&ENGLISH, "no wait yes"),
        (&ENGLISH, "no no yes"),
        (&ENGLISH, "I don't want to so yes"),
        (&HINDI, "nahi nahi haan"),
        (&HINDI, "haan nahi"),
    ] {
        let meant = said(lexicon, None, text);
        assert!(meant.intent != Intent::Yes, "{text}: {meant:?}");
    }
}

#[test]
fn a_denied_value_is_none_and_leaves_the_other() {
    for (lexicon, text, key) in [
        (&ENGLISH, "not the morning the evening", "evening"),
        (&ENGLISH, "I can't do mornings so the afternoon", "afternoon"),
        (&ENGLISH, "in the evening not in the morning", "evening"),
    ] {
        let value = Some(AnswerValue::Choice(key.to_owned()));
        assert_eq!(said(lexicon, Some(&choice()), text).value, value, "{text}");
    }
    for (lexicon, text) in [(&ENGLISH, "not three"), (&HINDI, "teen nahi")] {
        assert!(said(lexicon, Some(&SCALE), text).is_unclear(), "{text}");
        let context = Context {
            expectation: Expectation::ConfirmAnswer(0),
            question: Some(&SCALE),
        };
        let meant = lexicon.interpret(&context, text);
        assert_eq!((meant.intent, meant.certain), (Intent::No, true), "{text}");
    }
}

#[test]
fn options_are_chosen_by_their_position_from_either_end() {
    for (text, key) in [
        ("the first one please", "morning"),
        ("second one", "afternoon"),
        ("the third option", "evening"),
        ("the last one", "evening"),
    ] {
        let value = Some(AnswerValue::Choice(key.to_owned()));
        assert_eq!(said(&ENGLISH, Some(&choice()), text).value, value, "{text}");
    }
    assert!(said(&ENGLISH, Some(&SCALE), "the last one").value != Some(AnswerValue::Scale(5)));
}

#[test]
fn amounts_of_time_are_numbers_of_minutes_where_an_hour_could_be_answered() {
    for (lexicon, text, minutes, certain) in [
        (&ENGLISH, "forty minutes", 40, true),
        (&ENGLISH, "half an hour", 30, true),
        (&ENGLISH, "about an hour", 60, false),
        (&ENGLISH, "a quarter of an hour", 15, true),
        (&ENGLISH, "three quarters of an hour", 45, true),
        (&ENGLISH, "an hour and twenty minutes", 80, false),
        (&HINDI, "pachaas minute", 50, true),
        (&HINDI, "पौन घंटा", 45, true),
        (&HINDI, "dedh ghanta", 90, false),
    ] {
        let meant = said(lexicon, Some(&MINUTES), text);
        let value = Some(AnswerValue::Number(minutes));
        assert_eq!((meant.value, meant.certain), (value, certain), "{text}");
    }
    for text in ["three hours", "200 minutes", "two hundred minutes"] {
        assert!(said(&ENGLISH, Some(&MINUTES), text).out_of_range, "{text}");
    }
    assert!(said(&ENGLISH, Some(&MINUTES), "ten or twenty minutes").value.is_none());
    // In hours, then.
    let day = QuestionKind::Number { min: 0, max: 24 };
    let meant = said(&ENGLISH, Some(&day), "eight hours");
    assert_eq!((meant.value, meant.certain), (Some(AnswerValue::Number(8)), false));
}

#[test]
fn how_long_something_took_beside_yes_or_no_asks_for_no_patience() {
    for (lexicon, text, agreed) in [
        (&ENGLISH, "yes within ten minutes", true),
        (&ENGLISH, "it was not within thirty minutes", false),
        (&HINDI, "haan das minute mein hi", true),
        (&HINDI, "तीस मिनट में नहीं", false),
    ] {
        let value = Some(AnswerValue::YesNo(agreed));
        assert_eq!(said(lexicon, Some(&QuestionKind::YesNo), text).value, value, "{text}");
    }
    assert_eq!(
        said(&ENGLISH, Some(&QuestionKind::YesNo), "two minutes").intent,
        Intent::HoldOn
    );
}

#[test]
fn a_word_in_the_reason_for_an_answer_is_no_request() {
    for text in ["no they made me wait", "no I had to wait for the nurse"] {
        let meant = said(&ENGLISH, Some(&QuestionKind::YesNo), text);
        assert_eq!((meant.intent, meant.certain), (Intent::No, false), "{text}");
    }
    // Not where consent is asked for.
    assert!(!matches!(
        said(&ENGLISH, None, "yes what is my bill").intent,
        Intent::Yes
    ));
}

#[test]
fn plain_opt_outs_are_heard_in_many_words() {
    for (lexicon, text) in [
        (&ENGLISH, "I've told you people not to call me"),
        (&ENGLISH, "look would you kindly quit phoning us"),
        (&ENGLISH, "scratch my name off of that list"),
        (&ENGLISH, "you're to stop these calls"),
        (&HINDI, "mera naam apni list mein se kaat dijiye"),
        (&HINDI, "मैंने कहा था न आइंदा इस नंबर पर फ़ोन मत करना"),
        (&HINDI, "kitni dafa bola hai mujhe phone mat kiya karo"),
    ] {
        let meant = said(lexicon, None, text);
        assert_eq!((meant.intent, meant.certain), (Intent::RemoveMe, true), "{text}");
    }
    for (lexicon, text) in [
        (&ENGLISH, "don't take my number off your list"),
        (&ENGLISH, "please don't call me before noon"),
        (&HINDI, "mera number list se mat hatao"),
        (&HINDI, "abhi phone mat karo"),
    ] {
        assert_ne!(said(lexicon, None, text).intent, Intent::RemoveMe, "{text}");
    }
}

#[test]
fn contractions_mean_what_their_words_mean() {
    for (short, long) in [
        ("I'm not interested", "I am not interested"),
        ("who's calling", "who is calling"),
        ("I cannot talk", "I can't talk"),
        ("let's do it", "let us do it"),
        ("you've got the wrong number", "you have got the wrong number"),
    ] {
        let (short, long) = (said(&ENGLISH, None, short), said(&ENGLISH, None, long));
        assert!(!short.is_unclear() && short == long, "{short:?}, {long:?}");
    }
}

#[test]
fn hindi_words_are_known_in_ways_of_writing_that_are_listed_nowhere() {
    for (text, intent) in [
        ("kripayaa meraa naamm apnii soochee se hatwaa deejiye", Intent::RemoveMe),
        ("main mareez nahin hoon", Intent::WrongPerson),
        ("mujhe koi zaroorrat nahin hai", Intent::NotInterested),
    ] {
        assert_eq!(said(&HINDI, None, text).intent, intent, "{text}");
    }
}

proptest! {
    #[test]
    fn a_correction_never_binds_outside_the_questions(
        first in "(yes|no|haan|nahi)", between in "(no|sorry|wait|so|to)", last in "(yes|no|haan|nahi)"
    ) {
        let text = format!("{first} {between} {last}");
        for lexicon in [&ENGLISH, &HINDI] {
            let meant = said(lexicon, None, &text);
            let mixed = [&first, &last].map(|word| matches!(word.as_str(), "yes" | "haan"));
            let agrees = meant.intent == Intent::Yes && meant.certain;
            prop_assert!(mixed[0] == mixed[1] || !agrees, "{}: {:?}", text, meant);
        }
    }
}
