//! Speech over prompts: what interrupts, what does not, and what goes on afterwards.

use crate::harness::*;
use samvad_actors::dialogue::{Input, Output};
use samvad_actors::domain::{AnswerValue, EndReason};

/// A call whose first question is being asked, its lead-in heard.
fn asking() -> Call {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("yes", 0.95);
    call.wait(3_500);
    assert!(call.is_playing());
    call
}

#[test]
fn l4_sustained_speech_clears_at_once_and_its_answer_is_taken() {
    let mut call = asking();
    call.start_speech(900);
    call.wait(260);
    assert_eq!(call.clears(), 1);
    let mut call = asking();
    call.speak("four", 0.95, 900);
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l4_a_short_burst_never_clears() {
    let mut call = asking();
    let speech = call.start_speech(100);
    call.wait(150);
    call.input(Input::SpeechDiscarded { speech });
    call.wait(1_000);
    assert_eq!(call.clears(), 0);
    assert!(call.is_playing());
}

#[test]
fn l4_a_false_interruption_resumes_from_the_sentence_that_was_cut() {
    for rejected in [true, false] {
        let mut call = asking();
        let before = call.answers().len();
        if rejected {
            call.speak("", 0.0, 900);
        } else {
            let speech = call.start_speech(900);
            call.wait(1_700);
            call.input(Input::RecognitionFailed {
                speech,
                fault: samvad_actors::dialogue::RecognitionFault::TimedOut,
            });
        }
        assert!(call.last_said().starts_with("How satisfied"), "{}", call.last_said());
        assert!(
            !call.last_said().contains("Here is the first question"),
            "already heard"
        );
        assert_eq!(call.answers().len(), before);
        call.listen();
        call.say("five");
        assert_eq!(call.answers()[0].times_asked, 1, "no re-prompt was counted");
    }
}

#[test]
fn after_three_false_interruptions_a_prompt_is_not_interrupted_any_more() {
    let mut call = asking();
    for _ in 0..3 {
        call.speak("", 0.0, 900);
    }
    assert_eq!(call.clears(), 3);
    call.speak("", 0.0, 900);
    assert_eq!(call.clears(), 3);
    call.listen();
    call.say("five");
    assert_eq!(call.values(), [AnswerValue::Scale(5)]);
}

#[test]
fn a_short_certain_answer_over_the_prompt_is_not_lost() {
    let mut call = asking();
    call.wait(2_000);
    call.speak("three", 0.95, 200);
    assert_eq!(call.values(), [AnswerValue::Scale(3)]);
}

#[test]
fn l5_acknowledgements_over_a_prompt_are_neither_answer_nor_interruption() {
    for text in ["okay", "mm", "right", "yes"] {
        let mut call = asking();
        call.speak(text, 0.95, 200);
        assert_eq!(call.clears(), 0, "{text}");
        assert!(call.is_playing() && call.answers().is_empty(), "{text}");
        // Long enough to have interrupted: it goes on where it was.
        let mut call = asking();
        call.speak(text, 0.95, 600);
        assert!(
            call.last_said().starts_with("How satisfied") && call.answers().is_empty(),
            "{text}"
        );
    }
}

#[test]
fn l5_a_wish_that_is_only_guessed_before_the_question_is_asked_lets_the_prompt_go_on() {
    // What a recogniser that does not know "achha" makes of it.
    for (text, confidence, asked_about) in [
        ("not now", 0.60, false),
        ("wrong number", 0.60, false),
        ("not interested", 0.60, true),
    ] {
        let mut call = asking();
        call.speak(text, confidence, 600);
        let asks = call
            .spoken()
            .iter()
            .any(|sentence| sentence.starts_with("Did ") || sentence.starts_with("Shall "));
        assert_eq!(asks, asked_about, "{text}: {:?}", call.spoken());
        if !asked_about {
            assert!(
                call.last_said().starts_with("How satisfied"),
                "{text}: {}",
                call.last_said()
            );
        }
    }
    // Once it has been asked, it is asked about.
    let mut call = asking();
    call.listen();
    let questions = call.spoken().len();
    call.say_as("not now", 0.60);
    assert!(
        call.spoken().len() > questions && !call.last_said().starts_with("How satisfied"),
        "{}",
        call.last_said()
    );
}

#[test]
fn yes_over_the_greeting_is_not_consent() {
    for length in [200, 900] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(1_200);
        assert!(call.is_playing());
        call.speak("yes that is fine", 0.95, length);
        assert!(call.consent().is_none());
        call.listen();
        assert!(
            !call.spoken().iter().any(|sentence| sentence.starts_with("Did you say")),
            "not even asked about: the question comes first"
        );
        call.say("yes");
        assert!(call.consent().expect("asked and answered").granted);
    }
}

#[test]
fn no_thank_you_that_interrupts_the_greeting_is_a_refusal_and_anything_less_is_not() {
    for (text, length, refuses) in [
        ("no thank you", 900, true),
        ("no thank you", 200, false),
        ("no", 900, false),
    ] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.wait(1_200);
        assert!(call.is_playing());
        call.speak(text, 0.95, length);
        let refused = call.consent().is_some_and(|evidence| !evidence.granted);
        assert_eq!(refused, refuses, "{text}, {length} ms");
        if refuses {
            assert_eq!(call.finish().0, EndReason::Refused);
        }
    }
}

#[test]
fn key_one_before_the_consent_question_is_not_consent_and_over_it_is() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(1_500);
    call.press("1");
    assert!(call.consent().is_none() && call.is_playing());
    call.wait(4_500);
    assert!(call.is_playing());
    call.press("1");
    assert!(call.consent().expect("pressed").granted);
}

#[test]
fn yes_while_the_keys_are_being_explained_is_consent() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    while !call
        .outputs
        .iter()
        .any(|(_, o)| matches!(o, Output::Note(note) if note.text.starts_with("May I ask")))
    {
        call.wait(100);
    }
    call.wait(500);
    assert!(call.is_playing());
    call.speak("yes", 0.95, 200);
    assert!(call.consent().expect("consent").granted);
}

#[test]
fn a_short_yes_into_the_consent_question_is_confirmed() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    while !call
        .outputs
        .iter()
        .any(|(_, o)| matches!(o, Output::Note(note) if note.text.starts_with("I am calling")))
    {
        call.wait(100);
    }
    call.wait(500);
    call.speak("yes", 0.95, 200);
    assert!(call.consent().is_none());
    assert!(call.last_said().starts_with("Did you say"));
}

#[test]
fn l9_an_echo_of_the_prompt_is_not_an_answer_and_does_not_lose_the_answer() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.say_as("by letter", 0.95);
    call.wait(3_300);
    call.speak("could we do better", 0.95, 900);
    assert!(call.values().len() == 2 && call.is_playing(), "not an answer");
    assert!(
        call.last_said().starts_with("What could we do better?"),
        "{}",
        call.last_said()
    );
    call.listen();
    call.say("lower prices");
    assert_eq!(call.values()[2], AnswerValue::FreeText("lower prices".into()));
    // An option said while it is read out is an answer.
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say_as("seven", 0.95);
    call.wait(6_000);
    assert!(call.is_playing());
    call.speak("by text message", 0.95, 900);
    assert_eq!(call.values()[1], AnswerValue::Choice("text".into()));
}

#[test]
fn l8_the_greeting_waits_for_a_hello_and_then_begins() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(300);
    let speech = call.start_speech(500);
    call.wait(1_100);
    assert!(call.spoken().is_empty());
    call.wait(200);
    assert_eq!(call.spoken()[0], "Hello.");
    call.input(Input::Recognized {
        speech,
        text: "hello".into(),
        confidence: 0.9,
        uncertain: false,
    });
    assert!(call.is_playing() && call.clears() == 0);
    let mut silent = Call::begin(&HEALTH_SCRIPT);
    silent.wait(1_000);
    assert!(silent.is_playing());
}

#[test]
fn l8_a_campaign_may_open_at_once_or_wait_longer_for_a_hello() {
    let at_once = script(&HEALTH.replace("opening: after_hello", "opening: at_once"));
    let mut call = Call::begin(&at_once);
    call.wait(1);
    assert_eq!(call.spoken()[0], "Hello.");
    // The "hello" of who picks up is said into it, and stops nothing.
    let speech = call.start_shown(600, &[(300, "hello")]);
    call.wait(1_360);
    call.recognized(speech, "hello");
    assert!(call.is_playing() && call.clears() == 0);
    let patient = script(&HEALTH.replace("# hello_wait_ms: 900", "hello_wait_ms: 2500"));
    let mut call = Call::begin(&patient);
    call.wait(2_499);
    assert!(call.spoken().is_empty());
    call.wait(1);
    assert!(call.is_playing(), "it speaks all the same");
    let mut call = Call::begin(&patient);
    call.wait(1_000);
    call.start_speech(400);
    call.wait(1_101);
    assert!(call.is_playing(), "right after the hello");
}

#[test]
fn l11_the_goodbye_is_not_interrupted_and_ends_before_the_call() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("no", 0.95);
    call.speak("", 0.0, 2_000);
    assert_eq!(call.finish().0, EndReason::Refused);
    let last = call.outputs.iter().rev().nth(1);
    assert!(
        matches!(last, Some((_, Output::Note(note))) if note.text == "Thank you, and goodbye."),
        "{last:?}"
    );
}

#[test]
fn a_late_result_of_an_older_turn_is_harmless() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    let late = call.start_speech(400);
    call.wait(500);
    call.press("4");
    call.listen();
    call.input(Input::Recognized {
        speech: late,
        text: "no".into(),
        confidence: 0.99,
        uncertain: false,
    });
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    call.say("yes");
    assert_eq!(call.values().len(), 2);
}

#[test]
fn a_late_remove_me_is_not_lost() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    let late = call.start_speech(400);
    call.wait(500);
    call.press("4");
    call.input(Input::Recognized {
        speech: late,
        text: "remove me".into(),
        confidence: 0.99,
        uncertain: false,
    });
    assert!(call.do_not_call());
}

#[test]
fn l5_okay_into_a_yes_no_question_is_not_its_answer_and_yes_is() {
    for (text, length, answers) in [("okay", 200, 1), ("okay", 600, 1), ("yes", 600, 2)] {
        let mut call = Call::consented(&HEALTH_SCRIPT);
        call.say_as("four", 0.95);
        while !call
            .outputs
            .iter()
            .any(|(_, o)| matches!(o, Output::Note(note) if note.text.starts_with("Here is the next")))
        {
            call.wait(100);
        }
        call.wait(300);
        call.speak(text, 0.95, length);
        assert_eq!(call.answers().len(), answers, "{text} for {length} ms");
    }
}

#[test]
fn who_speaks_again_before_being_understood_is_not_talked_over() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    let first = call.start_speech(300);
    call.wait(1_000);
    let second = call.start_speech(600);
    call.wait(20);
    let said = call.spoken().len();
    call.input(Input::Recognized {
        speech: first,
        text: String::new(),
        confidence: 0.0,
        uncertain: false,
    });
    assert_eq!(call.spoken().len(), said, "no re-prompt yet");
    call.wait(1_350);
    call.input(Input::Recognized {
        speech: second,
        text: "four".into(),
        confidence: 0.9,
        uncertain: false,
    });
    assert_eq!(
        (call.values(), call.answers()[0].times_asked),
        (vec![AnswerValue::Scale(4)], 1)
    );
}
