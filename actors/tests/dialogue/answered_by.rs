//! Who took a call, as its record says: by what was heard and pressed, else by the carrier.

use crate::harness::*;
use samvad_actors::dialogue::Input;
use samvad_actors::domain::{AnsweredBy, MachineVerdict};

const SCREENER: &str = "please state your name and why you're calling";

fn verdict(call: &mut Call, verdict: MachineVerdict) {
    call.input(Input::Machine { verdict });
}

fn hang_up(call: &mut Call) {
    call.input(Input::StreamEnded { orderly: true });
}

#[test]
fn who_says_or_presses_something_is_a_person_whatever_the_carrier_says() {
    for said in ["yes", "no thank you", "who is this", "wrong number", "key"] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        verdict(&mut call, MachineVerdict::Unknown);
        call.listen();
        match said {
            "key" => call.press("1"),
            words => call.say(words),
        }
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person, "{said}");
        verdict(&mut call, MachineVerdict::MachineStart);
        hang_up(&mut call);
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person, "{said}");
    }
}

#[test]
fn it_is_not_known_who_took_a_call_in_which_nothing_told() {
    for told in [None, Some(MachineVerdict::Unknown)] {
        // Hung up before a word, spoken to in vain, or heard and not understood.
        for sounds in [None, Some(0), Some(700)] {
            let mut call = Call::begin(&HEALTH_SCRIPT);
            if let Some(told) = told {
                verdict(&mut call, told);
            }
            if let Some(length) = sounds {
                call.wait(300);
                if length > 0 {
                    call.speak("", 0.0, length);
                }
                call.listen();
                call.wait(3_000);
            }
            hang_up(&mut call);
            assert_eq!(call.dialogue.answered_by(), AnsweredBy::Unknown, "{told:?} {sounds:?}");
        }
    }
}

#[test]
fn whom_the_carrier_calls_a_person_is_one_unless_something_else_is_heard() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    verdict(&mut call, MachineVerdict::Human);
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person);
    hang_up(&mut call);
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person);
    let mut call = Call::begin(&HEALTH_SCRIPT);
    verdict(&mut call, MachineVerdict::Human);
    call.wait(300);
    call.speak("please leave a message after the tone", 0.9, 3_000);
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Voicemail);
}

#[test]
fn machines_faxes_and_screeners_are_each_called_what_they_are() {
    // Under a policy to leave a message it is known before the call has ended, under one to hang up at its end.
    for script in [&HEALTH_SCRIPT, &FEEDBACK_SCRIPT] {
        let mut call = Call::begin(script);
        verdict(&mut call, MachineVerdict::MachineStart);
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::Voicemail);
        let mut call = Call::begin(script);
        call.input(Input::FaxTone);
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::Fax);
        let mut call = Call::begin(script);
        call.wait(300);
        call.speak(SCREENER, 0.9, 3_000);
        hang_up(&mut call);
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::CallScreening);
    }
}

#[test]
fn who_comes_after_a_screener_is_who_took_the_call() {
    let screened = || {
        let mut call = Call::begin(&FEEDBACK_SCRIPT);
        call.wait(300);
        call.speak(SCREENER, 0.9, 3_000);
        call.listen();
        call
    };
    let mut call = screened();
    call.speak("hello", 0.9, 600);
    call.listen();
    call.say("yes");
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person);
    let mut call = screened();
    call.speak("please leave a message after the tone", 0.9, 3_000);
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Voicemail);
}

#[test]
fn l16_who_presses_a_key_after_a_verdict_of_a_machine_is_a_person() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    verdict(&mut call, MachineVerdict::MachineStart);
    call.press("1");
    assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person);
}
