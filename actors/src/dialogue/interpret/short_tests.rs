//! Short answers in English that are each one of a kind: what is not wanted, what a point of a scale stands for, who
//! comes back to the phone, and what networks say.

use super::*;
use crate::dialogue::LanguagePack;
use std::sync::{Arc, LazyLock};

static LEXICON: LazyLock<Arc<Lexicon>> = LazyLock::new(|| {
    let pack = LanguagePack::embedded(&Language::default()).expect("embedded");
    Arc::clone(pack.lexicon())
});

const CONSENT: Context<'_> = Context {
    expectation: Expectation::Consent,
    question: None,
};
const RESUME: Context<'_> = Context {
    expectation: Expectation::Resume,
    question: None,
};
const SCALE: Context<'_> = Context {
    expectation: Expectation::Question(0),
    question: Some(&QuestionKind::Scale { min: 1, max: 5 }),
};
const YES_NO: Context<'_> = Context {
    expectation: Expectation::Question(1),
    question: Some(&QuestionKind::YesNo),
};

fn meant(context: &Context<'_>, text: &str) -> (Intent, bool) {
    let meant = LEXICON.interpret(context, text);
    (meant.intent, meant.certain)
}

#[test]
fn what_is_not_wanted_or_not_to_go_on_ends_the_survey_wherever_it_is_said() {
    for text in [
        "I don't want this.",
        "no I don't want this",
        "sorry, I don't want any of this",
        "I don't want this call",
        "I don't want to continue this",
        "I do not want to continue this survey any more",
        "I don't want to go any further with this",
        "I'd rather not carry on",
        "let's not do this",
        "no need to continue",
        "please don't continue",
        "I don't want to stay on the line",
    ] {
        for context in [CONSENT, SCALE, YES_NO] {
            assert_eq!(meant(&context, text), (Intent::NotInterested, true), "{text}");
        }
    }
}

#[test]
fn a_wish_to_stop_that_is_taken_back_is_neither_a_refusal_nor_an_answer() {
    for text in [
        "don't stop",
        "no don't hang up",
        "I don't want to stop",
        "I didn't mean to hang up",
    ] {
        for context in [CONSENT, SCALE, YES_NO] {
            let meant = LEXICON.interpret(&context, text);
            assert!(meant.is_unclear(), "{text}: {meant:?}");
        }
    }
}

#[test]
fn what_a_point_of_a_scale_stands_for_says_nothing_besides_its_number() {
    for (text, point) in [
        ("one, not at all", 1),
        ("not at all, one", 1),
        ("one, not at all satisfied", 1),
        ("one, I was not happy", 1),
        ("five, very much so", 5),
        ("very satisfied, so five", 5),
        ("two, not very good", 2),
        ("three, it was average", 3),
        ("three, right in the middle", 3),
        ("four, quite good, four", 4),
    ] {
        let meant = LEXICON.interpret(&SCALE, text);
        let value = Some(AnswerValue::Scale(point));
        assert_eq!(
            (meant.value, meant.intent, meant.certain),
            (value, Intent::Unclear, true),
            "{text}"
        );
    }
    // By itself, and where no scale is open, it means what it says.
    assert_eq!(meant(&CONSENT, "not at all"), (Intent::No, true));
    assert_eq!(meant(&YES_NO, "not at all"), (Intent::No, true));
    assert_eq!(LEXICON.interpret(&SCALE, "not at all").value, None);
    assert_eq!(LEXICON.interpret(&SCALE, "not four").value, None);
    // Two points are none.
    assert_eq!(LEXICON.interpret(&SCALE, "one not at all, five very much").value, None);
}

#[test]
fn who_is_back_says_yes_to_going_on_and_to_nothing_else() {
    for text in [
        "I'm back now",
        "okay I'm back",
        "hello, I'm back",
        "I've come back",
        "I'm here now",
        "back on the line",
        "thanks for waiting",
        "sorry to keep you waiting",
        "are you still there",
    ] {
        assert_eq!(meant(&RESUME, text), (Intent::Yes, true), "{text}");
    }
    for text in [
        "I'm back now",
        "I've come back",
        "thanks for waiting",
        "are you still there",
    ] {
        let meant = LEXICON.interpret(&CONSENT, text);
        assert!(meant.is_unclear() && meant.resume, "{text}: {meant:?}");
    }
}

#[test]
fn l16_networks_are_told_by_what_no_person_says() {
    for text in [
        "your call has been forwarded",
        "your call is being diverted to an automated voice message system",
        "your call cannot be completed as dialed",
        "this number is no longer in service",
        "please check the number and dial again",
        "the party you're trying to reach is busy",
        "please leave a brief message",
    ] {
        assert_eq!(meant(&CONSENT, text), (Intent::Voicemail, true), "{text}");
    }
    for text in [
        "your call is being transferred to him",
        "would you like to leave a brief message",
        "he is not available, please call again",
        "I will forward your call",
        "let me check the number and call you back",
    ] {
        assert_ne!(meant(&CONSENT, text).0, Intent::Voicemail, "{text}");
    }
}
