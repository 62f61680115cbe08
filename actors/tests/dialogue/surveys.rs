//! What people answer, and what comes of it.

use crate::harness::*;
use samvad_actors::dialogue::{Expectation, Input, Output};
use samvad_actors::domain::{
    AnswerValue, AnswerVia, DaySpan, Disposition, EndReason, Outcome, SpokenClock, SpokenDay, SpokenHours, SpokenTime,
    TimeOfDay,
};
use samvad_actors::ports::TranscriptSpeaker;

#[test]
fn p38_who_calls_and_why_is_said_before_anything_is_asked() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    let spoken = call.spoken();
    assert_eq!(
        spoken[..4],
        [
            "Hello.",
            "This is Riverside Health.",
            "I am calling about a short survey on your last visit.",
            "May I ask you three short questions now?"
        ]
    );
}

#[test]
fn three_spoken_answers_complete_a_survey() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say("yes please");
    assert!(
        call.last_said()
            .starts_with("Thank you. Here is the first question. How satisfied")
    );
    call.say("I would say four");
    call.say("no");
    assert_eq!(call.expectation(), Some(Expectation::Question(2)));
    call.say("in the evening");
    assert_eq!(
        call.finish(),
        (EndReason::SurveyDone, Outcome::Completed, Disposition::Complete)
    );
    assert_eq!(
        call.values(),
        [
            AnswerValue::Scale(4),
            AnswerValue::YesNo(false),
            AnswerValue::Choice("evening".into())
        ]
    );
    let consent = call.consent().expect("consent");
    assert!(consent.granted && consent.via == AnswerVia::Speech);
    assert_eq!(
        (consent.heard.as_str(), consent.wording.as_str()),
        ("yes please", "May I ask you three short questions now?")
    );
    assert_eq!(call.answers()[0].heard.as_deref(), Some("I would say four"));
}

#[test]
fn keys_alone_complete_a_survey() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.press("1");
    call.listen();
    call.press("5");
    call.listen();
    call.press("1");
    call.listen();
    call.press("2");
    assert_eq!(
        call.finish(),
        (EndReason::SurveyDone, Outcome::Completed, Disposition::Complete)
    );
    assert_eq!(
        call.values(),
        [
            AnswerValue::Scale(5),
            AnswerValue::YesNo(true),
            AnswerValue::Choice("afternoon".into())
        ]
    );
    assert!(
        call.answers()
            .iter()
            .all(|answer| answer.via == AnswerVia::Keys && answer.confidence.is_none())
    );
}

#[test]
fn numbers_with_two_digits_choices_and_free_text_are_taken() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.press("10");
    call.listen();
    call.say("by text message please");
    call.say("the service was slow but the staff were friendly");
    assert_eq!(call.finish().1, Outcome::Completed);
    assert_eq!(
        call.values(),
        [
            AnswerValue::Number(10),
            AnswerValue::Choice("text".into()),
            AnswerValue::FreeText("the service was slow but the staff were friendly".into())
        ]
    );
}

#[test]
fn a_number_by_keys_ends_with_hash_or_a_pause() {
    for keys in ["1#", "1"] {
        let mut call = Call::consented(&FEEDBACK_SCRIPT);
        call.press(keys);
        call.wait(3_000);
        assert_eq!(call.values(), [AnswerValue::Number(1)], "{keys}");
    }
}

#[test]
fn a_number_outside_the_range_is_asked_for_again_with_the_range() {
    for spoken in [true, false] {
        let mut call = Call::consented(&HEALTH_SCRIPT);
        if spoken {
            call.say("eight");
        } else {
            call.press("8");
            call.listen();
        }
        assert!(
            call.last_said().starts_with("That must be a number from one to five."),
            "{}",
            call.last_said()
        );
        call.say("five");
        assert_eq!(call.values(), [AnswerValue::Scale(5)]);
        assert_eq!(call.answers()[0].times_asked, 2);
    }
}

#[test]
fn guesses_in_free_text_are_kept_and_marked_uncertain() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.say("by letter");
    let speech = call.start_speech(2_000);
    call.wait(2_800);
    call.input(Input::Recognized {
        speech,
        text: "lower prices".into(),
        confidence: 0.5,
        uncertain: true,
    });
    let answer = call.answers().pop().expect("answer");
    assert_eq!(
        (answer.value, answer.uncertain),
        (AnswerValue::FreeText("lower prices".into()), true)
    );
    assert_eq!(call.finish().1, Outcome::Completed);
}

#[test]
fn after_the_allowed_re_prompts_a_question_counts_as_not_answered_and_the_next_is_asked() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say("mumble");
    assert!(call.last_said().starts_with("Sorry, I did not understand."));
    assert!(
        call.last_said()
            .contains("You can also press the number on your phone.")
    );
    call.listen();
    assert!(call.last_said().starts_with("I did not hear anything."));
    call.wait(6_000);
    assert_eq!(call.values(), [AnswerValue::NotAnswered]);
    call.listen();
    call.say("yes");
    call.say("morning");
    assert_eq!(
        call.finish(),
        (EndReason::SurveyDone, Outcome::Completed, Disposition::Complete)
    );
    assert_eq!(call.answers()[0].times_asked, 3);
}

#[test]
fn silence_before_consent_ends_as_abandoned_with_no_question_asked() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    assert_eq!(
        call.finish(),
        (EndReason::NoInput, Outcome::Abandoned, Disposition::NonContact)
    );
    assert!(call.consent().is_none() && call.answers().is_empty());
    assert!(
        !call
            .spoken()
            .iter()
            .any(|sentence| sentence.starts_with("How satisfied"))
    );
}

#[test]
fn silence_after_consent_asks_every_question_and_ends_as_abandoned() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    assert_eq!(
        call.finish(),
        (EndReason::NoInput, Outcome::Abandoned, Disposition::BreakOff)
    );
    assert_eq!(call.values(), vec![AnswerValue::NotAnswered; 3]);
}

#[test]
fn refusals_are_told_by_when_they_come() {
    for said in ["no thank you", "not interested"] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.listen();
        call.say(said);
        assert_eq!(
            call.finish(),
            (EndReason::Refused, Outcome::Refused, Disposition::RespondentRefusal)
        );
        assert!(!call.consent().expect("refusal").granted);
    }
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say("four");
    call.say("I'm not interested");
    assert_eq!(
        call.finish(),
        (EndReason::Refused, Outcome::Refused, Disposition::BreakOff)
    );
    assert!(call.consent().expect("consent").granted);
}

#[test]
fn remove_me_lands_in_do_not_call_before_the_goodbye_in_every_phase() {
    for answers in [&[][..], &["yes"], &["yes", "four"], &["yes", "four", "no"]] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.listen();
        for answer in answers {
            call.say(answer);
        }
        call.say("please remove me from your list");
        assert_eq!(
            (call.finish().0, call.finish().1),
            (EndReason::Removed, Outcome::Refused)
        );
        let at = |wanted: &dyn Fn(&Output) -> bool| call.outputs.iter().position(|(_, output)| wanted(output));
        let added = at(&|output| *output == Output::AddDoNotCall).expect("added");
        let goodbye =
            at(&|output| matches!(output, Output::Play { sentences, .. } if sentences[0].contains("taken off")));
        assert!(added < goodbye.expect("confirmed by voice"));
    }
}

#[test]
fn a_removal_that_is_not_reported_as_written_is_noted_and_the_call_ends() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.store = false;
    call.say("stop calling me");
    assert!(call.last_said().contains("I have noted"));
    assert_eq!(call.finish().0, EndReason::Removed);
}

#[test]
fn remove_me_said_into_the_goodbye_is_written_and_the_goodbye_is_heard_out() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("no", 0.95);
    assert!(call.is_playing());
    let clears = call.clears();
    call.speak("don't call me again", 0.95, 900);
    assert!(call.do_not_call());
    assert_eq!(call.finish().0, EndReason::Removed);
    assert_eq!(call.clears(), clears);
}

#[test]
fn a_call_does_not_end_before_do_not_call_is_written_or_given_up() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("no", 0.95);
    call.store = false;
    call.speak("remove me", 0.95, 600);
    call.listen();
    assert!(
        !call.is_playing() && !call.dialogue.is_over(),
        "the goodbye is over, the writing is not"
    );
    call.input(Input::DoNotCallRecorded { stored: true });
    assert_eq!(call.end().0, EndReason::Removed);
}

#[test]
fn key_nine_removes_while_consent_is_asked() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(2_000);
    call.press("9");
    assert!(call.do_not_call());
    assert_eq!(
        call.finish(),
        (EndReason::Removed, Outcome::Refused, Disposition::RespondentRefusal)
    );
}

#[test]
fn a_callback_keeps_the_time_as_said_and_as_meant() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say("call me after six");
    let after_six = SpokenTime::On {
        day: None,
        hours: Some(SpokenHours::After(SpokenClock::Either(TimeOfDay::hour(6)))),
    };
    assert_eq!(call.callback(), Some((Some("after six".into()), Some(after_six))));
    assert_eq!(
        call.finish(),
        (EndReason::CallbackAgreed, Outcome::Callback, Disposition::NonContact)
    );
}

#[test]
fn a_time_in_doubt_is_kept_once_the_wish_is_confirmed() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.speak("call me tomorrow", 0.6, 900);
    assert_eq!(call.callback(), None);
    call.listen();
    call.say("yes");
    let tomorrow = SpokenTime::On {
        day: Some(SpokenDay::On(DaySpan::DaysAhead(1))),
        hours: None,
    };
    assert_eq!(call.callback(), Some((Some("tomorrow".into()), Some(tomorrow))));
}

#[test]
fn a_wrong_number_ends_with_an_apology() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say("you have the wrong number");
    assert!(call.last_said().contains("sorry to have troubled"));
    assert_eq!(
        call.finish(),
        (EndReason::WrongPerson, Outcome::WrongPerson, Disposition::NonContact)
    );
}

#[test]
fn who_is_this_and_repeat_are_answered_and_the_question_asked_again() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say("who is this");
    assert!(
        call.last_said()
            .starts_with("This is Riverside Health, an automated call.")
    );
    assert!(call.last_said().contains("May I ask"));
    call.say("yes");
    call.say("can you repeat the question");
    assert!(call.last_said().starts_with("How satisfied"));
    call.press("*");
    call.listen();
    assert!(call.last_said().starts_with("How satisfied"));
    call.say("three");
    assert_eq!(call.values(), [AnswerValue::Scale(3)]);
}

#[test]
fn endless_repeating_ends_too() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    for _ in 0..20 {
        if !call.dialogue.is_over() {
            call.say("repeat");
        }
    }
    // Four repetitions, two re-prompts, then the goodbye: long before the twentieth.
    assert_eq!(call.end().0, EndReason::NoInput);
}

#[test]
fn hold_on_is_waited_for_and_ended_by_a_word_or_by_patience() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say_as("hold on please", 0.95);
    let said = call.spoken().len();
    assert_eq!(call.expectation(), Some(Expectation::Resume));
    call.wait(20_000);
    assert_eq!(call.spoken().len(), said, "silent while held");
    call.say("I'm back");
    assert!(call.last_said().starts_with("How satisfied"));
    call.say_as("one moment please", 0.95);
    call.wait(29_000);
    call.listen();
    assert!(
        call.last_said().starts_with("Are you still there?"),
        "{}",
        call.last_said()
    );
    call.say("two");
    assert_eq!(call.values(), [AnswerValue::Scale(2)]);
}

#[test]
fn a_skipped_question_is_not_answered_and_counts_as_a_response() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    for _ in 0..3 {
        call.say("I don't know");
    }
    assert_eq!(call.finish().1, Outcome::Completed);
    assert_eq!(call.values(), vec![AnswerValue::NotAnswered; 3]);
}

#[test]
fn the_transcript_has_what_was_heard_of_both_sides() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("yes", 0.95);
    call.speak("four", 0.95, 900);
    call.finish();
    let notes: Vec<_> = call
        .outputs
        .iter()
        .filter_map(|(_, output)| {
            if let Output::Note(note) = output {
                Some((note.speaker, note.text.as_str()))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(notes[0], (TranscriptSpeaker::Agent, "Hello."));
    assert!(notes.contains(&(TranscriptSpeaker::Caller, "yes")));
    // The first question was interrupted before it had been heard: L6, it is not in the transcript then.
    let first = notes.iter().position(|(_, text)| *text == "four").expect("noted");
    assert!(!notes[..first].iter().any(|(_, text)| text.starts_with("How satisfied")));
}

#[test]
fn free_speech_is_passed_over_by_the_hash_key_and_other_keys_do_nothing() {
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.press("3");
    call.listen();
    call.press("5");
    assert_eq!(call.values().len(), 2);
    call.press("#");
    assert_eq!(call.values()[2], AnswerValue::NotAnswered);
    assert_eq!(call.finish().1, Outcome::Completed);
}

#[test]
fn free_speech_is_kept_as_it_was_written_however_long_it_is() {
    let text = format!("Well, {}", "the Staff were kind, ".repeat(120));
    let mut call = Call::consented(&FEEDBACK_SCRIPT);
    call.say("seven");
    call.say("by letter");
    call.speak(&text, 0.9, 20_000);
    assert_eq!(call.values()[2], AnswerValue::FreeText(text.trim().to_owned()));
}
