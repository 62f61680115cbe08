//! Services that ask who calls before they put anybody through.

use crate::harness::*;
use samvad_actors::dialogue::Input;
use samvad_actors::domain::{Disposition, EndReason, MachineVerdict, Outcome};

const ASKS: &str = "hi if you record your name and reason for calling i'll see if this person is available";

/// A call that a service has answered and that has told it who calls.
fn screened(campaign: &std::sync::Arc<samvad_actors::dialogue::Script>) -> Call {
    let mut call = Call::begin(campaign);
    call.wait(300);
    call.speak(ASKS, 0.9, 4_500);
    call.listen();
    call
}

fn has_asked(call: &Call) -> bool {
    call.spoken().iter().any(|sentence| sentence.ends_with('?'))
}

#[test]
fn who_screens_calls_is_told_who_calls_and_why_and_nothing_is_asked_of_it() {
    for text in [
        ASKS,
        "please state your name and why you're calling",
        "hi the person you're calling is using a screening service from google go ahead and say your name and why you're calling",
    ] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(300);
        call.speak(text, 0.9, 4_500);
        assert_eq!(
            call.last_said(),
            "This is Riverside Health, an automated call. I am calling about a short survey on your last visit."
        );
        call.listen();
        // "Please stay on the line" is no person, nor is the carrier's verdict about a voice like that news.
        call.say_as("please hold", 0.9);
        call.input(Input::Machine {
            verdict: MachineVerdict::MachineStart,
        });
        assert!(!call.dialogue.is_over() && !has_asked(&call), "{text}");
    }
}

#[test]
fn l16_a_person_who_is_put_through_is_greeted_and_surveyed() {
    for hello in ["hello", ""] {
        let mut call = screened(&HEALTH_SCRIPT);
        call.speak(hello, 0.9, 600);
        assert!(
            call.last_said().starts_with("Hello. This is Riverside"),
            "{}",
            call.last_said()
        );
        call.listen();
        call.say("yes");
        assert!(call.consent().expect("a person").granted);
    }
    let mut call = screened(&HEALTH_SCRIPT);
    call.press("5");
    assert!(call.last_said().starts_with("Hello."), "keys are pressed by people");
}

#[test]
fn nobody_who_is_put_through_in_time_and_a_screener_that_hangs_up_end_as_screened() {
    let end = (EndReason::Screened, Outcome::Abandoned, Disposition::NonContact);
    let mut call = screened(&HEALTH_SCRIPT);
    assert_eq!(call.finish(), end);
    assert!(!has_asked(&call) && call.now < 45_000, "{}", call.now);
    let mut call = screened(&HEALTH_SCRIPT);
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!(call.end(), end);
}

#[test]
fn a_voicemail_behind_the_screener_gets_the_message_after_its_beep() {
    for (text, length) in [("please leave a message after the tone", 3_000), ("", 6_000)] {
        let mut call = screened(&FEEDBACK_SCRIPT);
        call.speak(text, 0.9, length);
        call.input(Input::Beep);
        assert!(call.last_said().contains("We will try again another day."), "{text}");
        assert_eq!(call.finish().1, Outcome::Voicemail);
        assert!(!has_asked(&call));
    }
}

#[test]
fn who_asks_again_is_told_again_and_who_is_to_be_removed_is() {
    let mut call = screened(&HEALTH_SCRIPT);
    call.speak(ASKS, 0.9, 4_500);
    assert!(call.last_said().starts_with("This is Riverside"));
    call.listen();
    call.say("take me off your list");
    assert!(call.do_not_call());
}

#[test]
fn the_end_of_the_question_said_into_our_words_is_no_person() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(300);
    call.speak(ASKS, 0.9, 4_500);
    assert!(call.is_playing());
    call.speak("", 0.0, 900);
    call.listen();
    assert!(!has_asked(&call) && call.spoken().len() == 2, "{:?}", call.spoken());
}

#[test]
fn a_person_who_speaks_at_the_very_end_of_the_wait_is_heard_out() {
    let mut call = screened(&HEALTH_SCRIPT);
    // Nothing else is waited for but the longest call.
    while call.dialogue.poll_timeout().expect("a limit") > call.now + 300 {
        call.wait(100);
    }
    assert!(!call.dialogue.is_over());
    let hello = call.start_speech(600);
    call.wait(1_400);
    assert!(!call.dialogue.is_over());
    call.recognized(hello, "hello");
    assert!(
        call.last_said().starts_with("Hello. This is Riverside"),
        "{}",
        call.last_said()
    );
}
