//! Machines and people who sound like them.

use crate::harness::*;
use samvad_actors::dialogue::Input;
use samvad_actors::domain::{AnsweredBy, Disposition, EndReason, MachineVerdict, Outcome};

const MACHINE: (EndReason, Outcome, Disposition) = (EndReason::Machine, Outcome::Voicemail, Disposition::Machine);

#[test]
fn the_carriers_verdict_ends_the_call_before_anybody_has_answered() {
    for verdict in [MachineVerdict::MachineStart, MachineVerdict::MachineEnd] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(3_000);
        call.input(Input::Machine { verdict });
        assert_eq!(call.end(), MACHINE);
    }
    let mut call = Call::new(&HEALTH_SCRIPT);
    call.input(Input::Machine {
        verdict: MachineVerdict::Fax,
    });
    call.input(Input::Started);
    assert_eq!(call.end(), (EndReason::Fax, Outcome::Failed, Disposition::Fax));
}

#[test]
fn l16_a_person_who_has_answered_is_never_taken_for_a_machine() {
    for key in [true, false] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.listen();
        if key {
            call.press("*");
        } else {
            call.say("who is this");
        }
        call.input(Input::Machine {
            verdict: MachineVerdict::MachineStart,
        });
        call.input(Input::Beep);
        call.say("please leave a message after the tone");
        assert!(!call.dialogue.is_over());
        call.say("yes");
        assert!(call.consent().expect("consent").granted);
    }
}

#[test]
fn unknown_and_human_verdicts_change_nothing() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    for verdict in [MachineVerdict::Unknown, MachineVerdict::Human] {
        call.input(Input::Machine { verdict });
    }
    call.listen();
    call.say("yes");
    assert!(call.consent().is_some());
}

#[test]
fn what_a_machine_says_gives_it_away() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(400);
    call.speak("please leave your message after the tone", 0.6, 3_000);
    assert_eq!(call.end(), MACHINE);
}

#[test]
fn a_long_first_speech_that_is_not_understood_is_a_machines() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(600);
    call.speak("", 0.0, 6_500);
    assert_eq!(call.end(), MACHINE);
    assert!(call.spoken().is_empty(), "nothing was said into the greeting");
}

#[test]
fn l16_a_greeting_with_a_pause_is_still_a_machines() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(600);
    call.speak("", 0.0, 2_000);
    call.wait(200);
    call.speak("", 0.0, 3_500);
    assert_eq!(call.end(), MACHINE);
}

#[test]
fn a_long_first_speech_that_is_understood_is_a_persons() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(600);
    call.speak("hello who is this", 0.9, 5_500);
    assert!(!call.dialogue.is_over() && call.is_playing());
}

#[test]
fn p39_the_message_is_left_after_the_beep() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.wait(2_000);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    assert_eq!(call.clears(), 1, "the prompt stops");
    call.start_speech(6_000);
    call.wait(5_000);
    assert!(!call.is_playing());
    call.input(Input::Beep);
    assert!(call.last_said().contains("We will try again another day."));
    assert_eq!(call.finish(), MACHINE);
}

#[test]
fn without_a_beep_silence_stands_for_the_end_of_the_greeting() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    call.wait(3_000);
    assert!(call.is_playing());
    assert_eq!(call.finish(), MACHINE);
}

#[test]
fn a_beep_into_the_message_starts_it_again() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    call.wait(3_500);
    call.input(Input::Beep);
    call.input(Input::Beep);
    assert_eq!(call.spoken().len(), 2);
    assert_eq!(call.finish(), MACHINE);
}

#[test]
fn a_key_in_place_of_a_beep_brings_the_conversation_back() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    call.wait(500);
    call.press("1");
    call.listen();
    call.say("yes");
    assert!(call.consent().expect("consent").granted);
}

#[test]
fn l16_a_late_false_verdict_does_not_cut_off_who_said_hello_and_listens() {
    for verdict in [MachineVerdict::MachineStart, MachineVerdict::MachineEnd] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(300);
        call.speak("", 0.0, 500);
        call.wait(3_000);
        call.input(Input::Machine { verdict });
        call.listen();
        call.say("yes");
        assert!(call.consent().expect("a person").granted);
    }
}

#[test]
fn l16_silence_after_a_hello_counts_from_the_last_voice_and_not_from_the_end_point() {
    for verdict in [MachineVerdict::MachineStart, MachineVerdict::MachineEnd] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(1_200);
        // A "hello" until 1.9 s, whose end-point comes at 2.6 s.
        call.speak("", 0.0, 700);
        call.wait(3_000 - call.now);
        call.input(Input::Machine { verdict });
        assert!(!call.dialogue.is_over());
        call.listen();
        call.say("yes");
        assert!(call.consent().expect("a person").granted);
    }
}

#[test]
fn l16_a_verdict_waits_for_a_recogniser_that_is_late_and_what_was_said_decides() {
    for verdict in [MachineVerdict::MachineStart, MachineVerdict::MachineEnd] {
        let late = || {
            let mut call = Call::begin(&HEALTH_SCRIPT);
            call.wait(300);
            let speech = call.start_speech(2_400);
            call.wait(3_500);
            call.input(Input::Machine { verdict });
            assert!(!call.dialogue.is_over());
            (call, speech)
        };
        let (mut call, speech) = late();
        call.recognized(speech, "yes please go ahead");
        assert_eq!(call.dialogue.answered_by(), AnsweredBy::Person);
        let (mut call, speech) = late();
        call.recognized(speech, "");
        assert_eq!(call.end(), MACHINE);
        // A recogniser that never answers holds nothing up.
        let (mut call, _) = late();
        assert_eq!(call.finish(), MACHINE);
        assert!(call.now < 8_000, "{}", call.now);
    }
}

#[test]
fn a_machine_with_a_short_greeting_is_known_by_its_silence() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(300);
    call.speak("", 0.0, 1_200);
    call.wait(3_000);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    assert_eq!(call.finish(), MACHINE);
    assert_eq!(
        call.spoken()
            .iter()
            .filter(|sentence| sentence.starts_with("May I ask"))
            .count(),
        1
    );
}

const FAX: (EndReason, Outcome, Disposition) = (EndReason::Fax, Outcome::Failed, Disposition::Fax);

#[test]
fn the_tones_of_a_fax_end_the_call_unless_a_person_has_answered() {
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.wait(2_000);
    call.input(Input::FaxTone);
    assert_eq!(call.end(), FAX);
    let mut call = Call::begin(&FEEDBACK_SCRIPT);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    call.input(Input::FaxTone);
    assert_eq!(call.end(), FAX);
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.input(Input::FaxTone);
    assert!(!call.dialogue.is_over());
}

#[test]
fn l16_who_says_that_somebody_is_not_available_is_a_person_whatever_the_carrier_says() {
    for text in [
        "he is not available",
        "sorry she's not available would you like to leave a message",
        "he can't come to the phone right now do you want to leave a message",
        "can i get back to you",
        "his phone is switched off",
    ] {
        for verdict in [MachineVerdict::MachineStart, MachineVerdict::MachineEnd] {
            let mut call = Call::begin(&HEALTH_SCRIPT);
            call.wait(600);
            call.speak(text, 0.9, 6_000);
            assert!(!call.dialogue.is_over(), "{text}");
            call.input(Input::Machine { verdict });
            assert!(!call.dialogue.is_over(), "{text}");
            call.listen();
            call.say("yes");
            assert!(call.consent().is_some_and(|consent| consent.granted), "{text}");
        }
    }
}

#[test]
fn l16_what_a_machine_says_of_somebody_who_is_not_available_is_a_machines() {
    for text in [
        "he is not available please leave a message after the tone",
        "the person you are calling is not available please try again later",
        "the number you are calling is switched off",
        "the subscriber you are calling is currently not reachable",
        "sorry we missed your call please leave your name and number and we'll get back to you",
    ] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(600);
        call.speak(text, 0.9, 3_000);
        assert_eq!(call.end(), MACHINE, "{text}");
    }
}

#[test]
fn a_networks_announcement_in_hindi_or_english_is_a_machines_in_a_hindi_campaign() {
    let hindi = hindi_script();
    for text in [
        "आप जिस व्यक्ति से संपर्क करना चाहते हैं वह अभी उपलब्ध नहीं है",
        "जिस नंबर पर आप कॉल कर रहे हैं वह अभी स्विच ऑफ है",
        "the subscriber you are calling is switched off",
        "aap jis vyakti se sampark karna chahte hain",
    ] {
        let mut call = Call::begin(&hindi);
        call.wait(600);
        call.speak(text, 0.9, 3_000);
        assert!(call.dialogue.is_over(), "{text}");
        assert_eq!(call.end(), MACHINE, "{text}");
    }
    for text in ["वह अभी घर पर नहीं हैं", "उनका फ़ोन स्विच ऑफ है", "he is not available"]
    {
        let mut call = Call::begin(&hindi);
        call.wait(600);
        call.speak(text, 0.9, 2_000);
        call.input(Input::Machine {
            verdict: MachineVerdict::MachineStart,
        });
        assert!(!call.dialogue.is_over(), "{text}");
    }
}
