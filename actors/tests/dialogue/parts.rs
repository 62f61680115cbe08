//! Answers in parts: what is said on while the beginning is being made out.

use crate::harness::*;
use crate::turns::asking;
use samvad_actors::dialogue::{Input, SpeechId};
use samvad_actors::domain::{AnswerValue, Outcome};

/// Says two things, the second of which begins before the first is understood.
pub fn in_parts(call: &mut Call, first: &str, second: &str) {
    let (one, other) = (begin(call, 600, 1_000), begin(call, 600, 0));
    call.recognized(one, first);
    call.wait(1_360);
    call.recognized(other, second);
}

pub fn begin(call: &mut Call, length: u64, wait: u64) -> SpeechId {
    let speech = call.start_speech(length);
    call.wait(wait);
    speech
}

#[test]
fn an_answer_in_parts_is_understood_as_a_whole_and_no_part_is_acted_upon_by_itself() {
    for (first, second, value) in [
        ("i would say", "four", Some(4)),
        ("four", "out of five", Some(4)),
        ("four", "sorry", Some(4)),
        ("four", "", Some(4)),
        ("let me think", "four", Some(4)),
        // One or the other: it is asked again.
        ("four", "no three", None),
        ("not", "four", None),
    ] {
        let mut call = asking();
        call.listen();
        in_parts(&mut call, first, second);
        let expected: Vec<_> = value.into_iter().map(AnswerValue::Scale).collect();
        assert_eq!(call.values(), expected, "{first} | {second}");
    }
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    in_parts(&mut call, "yes", "but not today");
    assert!(call.consent().is_none(), "yes alone was not meant");
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    in_parts(&mut call, "no", "problem");
    assert!(
        call.consent().is_some_and(|consent| consent.granted),
        "no alone was not meant"
    );
}

#[test]
fn free_speech_in_parts_is_kept_whole() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.say("by letter");
    in_parts(&mut call, "the waiting room", "was too small");
    assert_eq!(
        call.values()[2],
        AnswerValue::FreeText("the waiting room was too small".into())
    );
}

#[test]
fn l2_a_part_is_acted_upon_when_what_followed_comes_to_nothing() {
    let mut call = asking();
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    let second = begin(&mut call, 60, 0);
    call.recognized(first, "four");
    assert_eq!(call.values(), [], "somebody speaks");
    call.input(Input::SpeechDiscarded { speech: second });
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    // A second part that is never understood.
    let mut call = asking();
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    begin(&mut call, 900, 0);
    call.recognized(first, "four");
    call.wait(8_000);
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l2_a_part_stands_when_the_prompts_echo_follows_it() {
    let mut call = asking();
    let first = begin(&mut call, 900, 1_200);
    let second = begin(&mut call, 600, 0);
    call.recognized(first, "four");
    call.wait(1_360);
    call.recognized(second, "satisfied were you with your last visit");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn a_wish_to_stop_is_confirmed_whatever_is_said_after_it() {
    for (first, then, question) in [
        (
            "not interested",
            "my wife did one of these",
            "Did you say that you would rather",
        ),
        (
            "don't call me",
            "the baby is sleeping",
            "Do you want your number taken off",
        ),
    ] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.listen();
        in_parts(&mut call, first, then);
        let asked = call.last_said().starts_with(question) || call.do_not_call();
        assert!(asked, "{first} | {then}: {}", call.last_said());
    }
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.say("by letter");
    in_parts(&mut call, "not interested", "my wife did one of these");
    assert_eq!(call.values().len(), 2, "a refusal is no comment");
}

#[test]
fn a_wish_to_be_removed_that_comes_in_two_parts_is_granted_at_once() {
    let mut call = asking();
    call.listen();
    in_parts(&mut call, "please don't", "call me again");
    assert!(call.do_not_call());
}

#[test]
fn what_was_said_counts_though_the_caller_hangs_up_in_the_middle_of_the_next_words() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    begin(&mut call, 900, 0);
    call.recognized(first, "no thank you");
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!(call.end().1, Outcome::Refused);
    assert!(!call.consent().expect("evidence").granted);
    let mut call = asking();
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    begin(&mut call, 900, 0);
    call.recognized(first, "four");
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn a_key_of_a_number_takes_the_place_of_what_was_said_before_it() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    let second = begin(&mut call, 60, 0);
    call.recognized(first, "seven");
    call.input(Input::Key { key: '1' });
    call.input(Input::SpeechDiscarded { speech: second });
    assert_eq!(call.values(), [], "a number that may grow");
    call.input(Input::Key { key: '0' });
    assert_eq!(call.values(), [AnswerValue::Number(10)]);
}

#[test]
fn a_wish_to_be_removed_waits_for_no_second_part() {
    let mut call = asking();
    call.listen();
    let first = begin(&mut call, 600, 1_000);
    begin(&mut call, 5_000, 0);
    call.recognized(first, "remove me from your list");
    assert!(call.do_not_call());
}
