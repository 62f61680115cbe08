//! Faults of the line, of speech services and of the world: the call goes on or ends with an outcome.

use crate::harness::*;
use samvad_actors::dialogue::{DialogueConfig, Input, Millis, Output, PlaybackId};
use samvad_actors::domain::{AnswerValue, Disposition, EndReason, Outcome};

fn last_playback(call: &Call) -> PlaybackId {
    let last = call.outputs.iter().rev().find_map(|(_, output)| match output {
        Output::Play { playback, .. } => Some(*playback),
        _ => None,
    });
    last.expect("played")
}

#[test]
fn a_hang_up_ends_with_what_was_reached() {
    let cases: [(&[&str], Outcome, Disposition); 3] = [
        (&[], Outcome::Abandoned, Disposition::NonContact),
        (&["yes"], Outcome::Abandoned, Disposition::BreakOff),
        (&["yes", "four"], Outcome::Partial, Disposition::Partial),
    ];
    for (answers, outcome, disposition) in cases {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        call.listen();
        for answer in answers {
            call.say(answer);
        }
        call.input(Input::StreamEnded { orderly: true });
        assert_eq!(call.end(), (EndReason::HungUp, outcome, disposition));
    }
}

#[test]
fn a_hang_up_in_the_thanks_leaves_a_completed_survey() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say("four");
    call.say("no");
    call.say_as("morning", 0.95);
    assert!(call.is_playing());
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!(
        call.end(),
        (EndReason::SurveyDone, Outcome::Completed, Disposition::Complete)
    );
}

#[test]
fn a_hang_up_while_do_not_call_is_written_leaves_the_removal() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.say_as("remove me", 0.95);
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!((call.end().0, call.end().1), (EndReason::Removed, Outcome::Refused));
}

#[test]
fn l13_a_broken_stream_has_an_outcome() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.input(Input::StreamEnded { orderly: false });
    assert_eq!(
        call.end(),
        (EndReason::StreamLost, Outcome::Failed, Disposition::TechnicalProblem)
    );
    let mut call = Call::new(&HEALTH_SCRIPT);
    call.input(Input::Terminate {
        reason: EndReason::Fault,
    });
    assert_eq!(
        call.end(),
        (EndReason::Fault, Outcome::Failed, Disposition::TechnicalProblem)
    );
}

#[test]
fn an_ending_from_outside_cannot_pretend_success() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.input(Input::Terminate {
        reason: EndReason::SurveyDone,
    });
    assert_eq!(call.end().0, EndReason::Terminated);
}

#[test]
fn l2_speech_without_a_result_does_not_leave_the_line_mute() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.start_speech(800);
    let before = call.spoken().len();
    call.wait(10_000);
    assert!(call.spoken().len() > before);
    assert_eq!(call.finish().0, EndReason::NoInput);
}

#[test]
fn l2_noise_that_never_ends_does_not_leave_the_line_mute() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    for _ in 0..200 {
        if call.dialogue.is_over() {
            break;
        }
        let speech = call.start_speech(60);
        call.wait(100);
        call.input(Input::SpeechDiscarded { speech });
        call.wait(1_500);
    }
    assert_eq!(call.finish().1, Outcome::Abandoned);
}

#[test]
fn a_speech_that_never_ends_does_not_hold_the_call() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    call.start_speech(3_000_000);
    call.wait(20_000);
    assert!(call.last_said().starts_with("Sorry, I did not understand."));
    assert_eq!(call.finish().1, Outcome::Abandoned);
}

#[test]
fn l12_a_prompt_without_audio_is_tried_once_more_and_then_the_call_ends() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.wait(1_000);
    let first = last_playback(&call);
    call.input(Input::PlaybackFailed { playback: first });
    let second = last_playback(&call);
    assert_ne!(first, second);
    call.input(Input::PlaybackFailed { playback: second });
    assert_eq!(
        call.end(),
        (EndReason::Fault, Outcome::Failed, Disposition::TechnicalProblem)
    );
}

#[test]
fn l12_a_goodbye_without_audio_ends_with_what_was_decided() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("no", 0.95);
    let goodbye = last_playback(&call);
    call.input(Input::PlaybackFailed { playback: goodbye });
    assert_eq!(call.end().0, EndReason::Refused);
}

#[test]
fn a_line_without_marks_still_carries_a_survey() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.marks = false;
    call.wait(1_000);
    wait_without_marks(&mut call);
    call.say_as("yes", 0.95);
    wait_without_marks(&mut call);
    call.say_as("four", 0.95);
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    assert_eq!(call.finish().1, Outcome::Completed);
}

/// Until the marks of what is being said are given up.
fn wait_without_marks(call: &mut Call) {
    let config = DialogueConfig::default();
    let characters = call.last_said().chars().count() as Millis;
    call.wait(characters * config.playback_ms_per_character + config.playback_slack_ms);
}

#[test]
fn the_longest_call_ends_politely() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    let limit: Millis = 300_000;
    while call.now < limit - 40_000 {
        call.say("who is this");
        if call.dialogue.is_over() {
            break;
        }
        call.say_as("hold on", 0.95);
        call.wait(25_000);
    }
    let (reason, outcome, _) = call.finish();
    assert!(matches!(reason, EndReason::LimitReached | EndReason::NoInput) && outcome == Outcome::Abandoned);
    let mut yaml = HEALTH.replace("longest_call_seconds: 300", "longest_call_seconds: 30");
    yaml = yaml.replace("max_reprompts: 2", "max_reprompts: 5");
    let mut call = Call::begin(&script(&yaml));
    assert_eq!(call.finish().0, EndReason::LimitReached);
    assert!(call.last_said().contains("Our time is up"));
}

#[test]
fn nothing_is_said_or_done_after_the_end() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.input(Input::StreamEnded { orderly: true });
    let outputs = call.outputs.len();
    call.input(Input::Started);
    call.press("1");
    call.input(Input::Terminate {
        reason: EndReason::Fault,
    });
    call.dialogue.handle_timeout(u64::MAX);
    assert_eq!(call.dialogue.poll_output(), None);
    assert_eq!(call.dialogue.poll_timeout(), None);
    assert_eq!(call.outputs.len(), outputs);
}
