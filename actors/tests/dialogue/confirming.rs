//! What is doubtful is confirmed, and what binds is doubtful for longer.

use crate::harness::*;
use samvad_actors::dialogue::Expectation;
use samvad_actors::domain::{AnswerValue, EndReason, Outcome};

#[test]
fn l3_a_yes_that_is_certain_but_not_binding_is_confirmed_before_it_is_consent() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("yes", 0.85);
    assert!(call.consent().is_none());
    call.listen();
    assert!(call.last_said().starts_with("Did you say that I may ask"));
    call.say_as("yes", 0.85);
    assert!(call.consent().expect("consent").granted);
    call.listen();
    call.say_as("four", 0.85);
    assert_eq!(call.values(), [AnswerValue::Scale(4)], "an answer binds nobody");
}

#[test]
fn remove_me_that_is_certain_but_not_binding_is_confirmed() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say_as("stop calling me", 0.85);
    assert!(!call.do_not_call());
    call.listen();
    call.say_as("yes", 0.85);
    assert!(call.do_not_call());
    assert_eq!(call.finish().0, EndReason::Removed);
}

#[test]
fn l3_a_plausible_answer_is_confirmed_before_it_is_taken() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("yes", 0.6);
    assert!(call.consent().is_none());
    call.listen();
    assert!(call.last_said().starts_with("Did you say that I may ask"));
    call.say("yes");
    assert!(call.consent().expect("consent").granted);
    call.say_as("four", 0.6);
    assert!(call.last_said().starts_with("Did I hear four?"));
    assert_eq!(call.expectation(), Some(Expectation::ConfirmAnswer(0)));
    call.listen();
    call.press("1");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l3_a_phantom_yes_is_not_consent_however_often_it_is_heard() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    while !call.dialogue.is_over() {
        call.say_as("yes", 0.7);
        call.listen();
    }
    assert!(call.consent().is_none());
    assert_eq!(call.finish().1, Outcome::Abandoned);
}

#[test]
fn silence_in_a_confirming_turn_takes_nothing() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say_as("four", 0.6);
    call.listen();
    call.wait(6_000);
    assert!(call.values().is_empty());
    assert!(call.last_said().starts_with("I did not hear anything. How satisfied"));
}

#[test]
fn an_answer_heard_twice_nearly_well_is_taken() {
    for second in ["yes", "four"] {
        let mut call = Call::consented(&HEALTH_SCRIPT);
        call.say_as("four", 0.6);
        call.listen();
        call.say_as(second, 0.7);
        assert_eq!(call.values(), [AnswerValue::Scale(4)], "{second}");
    }
}

#[test]
fn a_second_hearing_that_disagrees_or_is_doubtful_itself_takes_nothing() {
    for (second, confidence) in [("three", 0.7), ("yes", 0.6), ("four", 0.6)] {
        let mut call = Call::consented(&HEALTH_SCRIPT);
        call.say_as("four", 0.6);
        call.listen();
        call.say_as(second, confidence);
        assert!(call.values().is_empty(), "{second}");
    }
}

#[test]
fn a_wrong_guess_is_corrected_in_one_turn() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say_as("five", 0.6);
    call.listen();
    call.say("no four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn remove_me_heard_badly_is_confirmed_by_saying_it_again() {
    for (second, confidence) in [("remove me from your list", 0.7), ("yes", 0.9)] {
        let mut call = Call::consented(&HEALTH_SCRIPT);
        call.say_as("remove me from your list", 0.6);
        assert!(!call.do_not_call());
        call.listen();
        call.say_as(second, confidence);
        assert!(call.do_not_call(), "{second}");
        assert_eq!(call.finish().0, EndReason::Removed);
    }
}
