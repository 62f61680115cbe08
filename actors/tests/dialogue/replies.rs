//! Questions about the call, answered in live words where the campaign allows it.

use crate::harness::*;
use samvad_actors::dialogue::{Input, Output, PlaybackId};
use samvad_actors::domain::{AnswerValue, Intent};
use samvad_actors::ports::TranscriptSpeaker;

const ASKS: &str = "how much of my time will this take up";
const FIXED: &str = "This is Riverside Health, an automated call.";

fn about_the_call() -> Model {
    Model::Answers(200, question())
}

/// The consent question has been heard.
fn call(reply: Model) -> Call {
    Call::with_model(&SPOKEN_SCRIPT, [about_the_call(), reply])
}

/// The first question has been heard.
fn asked(reply: Model) -> Call {
    let mut call = call(reply);
    call.say("yes");
    call
}

fn replies(call: &Call) -> usize {
    let asked = call
        .outputs
        .iter()
        .filter(|(_, output)| matches!(output, Output::Reply(_)));
    asked.count()
}

/// Everything said from here on.
fn said_since(call: &Call, outputs: usize) -> Vec<String> {
    let plays = call.outputs[outputs..].iter().filter_map(|(_, output)| match output {
        Output::Play { sentences, .. } => Some(sentences.clone()),
        _ => None,
    });
    plays.flatten().collect()
}

#[test]
fn the_fixed_lines_answer_unless_the_campaign_allows_live_words() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, [about_the_call()]);
    call.say("yes");
    call.say(ASKS);
    assert_eq!(replies(&call), 0);
    assert!(call.last_said().starts_with(FIXED), "{}", call.last_said());
    assert!(call.last_said().contains("How satisfied"));
}

#[test]
fn a_campaign_allows_no_live_words_by_default() {
    let without = HEALTH.replace("spoken_replies: false\n", "");
    assert!(!script(&without).campaign().spoken_replies);
    assert!(!HEALTH_SCRIPT.campaign().spoken_replies && SPOKEN_SCRIPT.campaign().spoken_replies);
    assert_eq!(
        script(&without).fingerprint(),
        HEALTH_SCRIPT.fingerprint(),
        "as before the field existed"
    );
}

#[test]
fn a_reply_is_spoken_as_it_comes_and_the_question_is_asked_again() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes."),
        (200, "You may stop at any time."),
    ]));
    let before = call.outputs.len();
    call.say_as(ASKS, 0.95);
    call.wait(200 + 300);
    assert_eq!(said_since(&call, before), ["It takes two minutes."]);
    call.wait(200);
    assert_eq!(
        said_since(&call, before)[..2],
        ["It takes two minutes.", "You may stop at any time."]
    );
    call.listen();
    assert!(call.last_said().starts_with("How satisfied"), "{}", call.last_said());
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    assert_eq!(call.answers()[0].times_asked, 2);
}

#[test]
fn what_was_heard_of_a_reply_stands_in_the_transcript() {
    let mut call = asked(Model::Says(vec![(300, "It takes two minutes.")]));
    call.say(ASKS);
    let noted = call.outputs.iter().any(|(_, output)| {
        matches!(output, Output::Note(note)
            if note.speaker == TranscriptSpeaker::Agent && note.text == "It takes two minutes.")
    });
    assert!(noted);
}

#[test]
fn no_question_of_the_survey_follows_a_reply_before_consent() {
    let mut call = call(Model::Says(vec![(300, "It takes two minutes.")]));
    let before = call.outputs.len();
    call.say(ASKS);
    let said = said_since(&call, before);
    assert_eq!(
        said[..2],
        ["It takes two minutes.", "May I ask you three short questions now?"]
    );
    assert!(
        !call
            .spoken()
            .iter()
            .any(|sentence| sentence.starts_with("How satisfied"))
    );
    call.say("yes");
    assert!(call.consent().expect("consent").granted);
}

#[test]
fn who_interrupts_the_greeting_with_a_question_is_greeted_after_the_reply() {
    let model = [about_the_call(), Model::Says(vec![(300, "It takes two minutes.")])];
    let mut call = Call::with_config(&SPOKEN_SCRIPT, model_config(), model);
    call.wait(1_200);
    let before = call.outputs.len();
    call.speak(ASKS, 0.95, 700);
    call.listen();
    call.listen();
    let said = said_since(&call, before).join(" ");
    assert!(
        said.starts_with("It takes two minutes. Hello. This is Riverside Health."),
        "{said}"
    );
}

#[test]
fn a_reply_that_fails_or_is_late_or_cannot_be_spoken_is_replaced_by_the_fixed_lines() {
    for (reply, wait) in [
        (Model::Never, 1_500),
        (Model::Fails(100), 100),
        (Model::Says(vec![]), 10),
        (Model::Says(vec![(1_600, "It takes two minutes.")]), 1_500),
        (Model::Says(vec![(100, "Call us on 555 0123 4567.")]), 100),
        (Model::Says(vec![(100, "How old are you?")]), 100),
    ] {
        let mut call = asked(reply.clone());
        let before = call.outputs.len();
        call.say_as(ASKS, 0.95);
        call.wait(200 + wait - 1);
        let said = said_since(&call, before).into_iter();
        let said: Vec<_> = said.filter(|sentence| sentence != "One moment.").collect();
        assert_eq!(said, Vec::<String>::new(), "{reply:?}");
        call.wait(1);
        assert!(call.last_said().starts_with(FIXED), "{reply:?}: {}", call.last_said());
        assert!(call.last_said().contains("How satisfied"));
        call.listen();
        assert_eq!(call.open_request(), None);
        call.say("four");
        assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    }
}

#[test]
fn a_reply_that_breaks_off_is_followed_by_the_question() {
    for second in [
        Model::Says(vec![(100, "It takes two minutes."), (1_600, "And more.")]),
        Model::Says(vec![
            (100, "It takes two minutes."),
            (100, "See www.example.com for more."),
        ]),
    ] {
        let mut call = asked(second);
        let before = call.outputs.len();
        call.say(ASKS);
        call.listen();
        let said = said_since(&call, before);
        assert_eq!(said[0], "It takes two minutes.");
        assert!(said[1].starts_with("How satisfied"), "{said:?}");
    }
}

#[test]
fn a_third_sentence_is_not_spoken() {
    let mut call = asked(Model::Says(vec![(100, "One."), (100, "Two."), (100, "Three.")]));
    let before = call.outputs.len();
    call.say(ASKS);
    let said = said_since(&call, before);
    assert_eq!(said[..2], ["One.", "Two."]);
    assert!(!said.contains(&"Three.".to_owned()));
}

#[test]
fn l4_speech_over_a_reply_cuts_it_and_a_false_interruption_resumes_it_with_what_has_come_meanwhile() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes of your time."),
        (900, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 400);
    assert!(call.is_playing());
    let clears = call.clears();
    let before = call.outputs.len();
    call.speak("", 0.0, 900);
    assert_eq!(call.clears(), clears + 1);
    let said = said_since(&call, before);
    assert_eq!(
        said[..2],
        ["It takes two minutes of your time.", "You may stop."],
        "from the cut sentence"
    );
    assert!(said[2].starts_with("How satisfied"));
    call.listen();
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn a_wish_to_be_removed_over_a_reply_is_carried_out() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes of your time."),
        (4_000, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 400);
    call.speak("remove me", 0.95, 300);
    assert!(call.do_not_call());
    assert_eq!(call.open_request(), None);
}

#[test]
fn a_second_question_over_a_reply_is_asked_about_and_the_first_reply_is_dropped() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes of your time."),
        (8_000, "Late."),
    ]));
    call.model.push_back(Model::Answers(100, means(Intent::Unclear)));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 400);
    let before = call.outputs.len();
    call.speak("and what on earth becomes of it all", 0.95, 900);
    call.wait(100);
    let said = said_since(&call, before);
    assert_eq!(said[0], "It takes two minutes of your time.");
    assert!(said[1].starts_with("How satisfied"), "{said:?}");
    call.listen();
    call.wait(20_000);
    assert!(!call.spoken().contains(&"Late.".to_owned()));
}

#[test]
fn who_speaks_on_is_not_spoken_over_by_a_reply() {
    let mut call = asked(Model::Says(vec![(300, "It takes two minutes.")]));
    call.say_as(ASKS, 0.95);
    call.wait(200);
    let speech = call.start_speech(5_000);
    call.wait(600);
    assert!(!call.is_playing());
    call.input(Input::SpeechDiscarded { speech });
    assert!(call.is_playing());
    assert!(
        call.last_said().starts_with("It takes two minutes."),
        "{}",
        call.last_said()
    );
}

#[test]
fn l12_a_reply_without_audio_is_replaced_by_the_fixed_lines_and_does_not_end_the_call() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes."),
        (100, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 300);
    let playback = call.outputs.iter().rev().find_map(|(_, output)| match output {
        Output::Play { playback, .. } => Some(*playback),
        _ => None,
    });
    call.input(Input::PlaybackFailed {
        playback: playback.expect("playing"),
    });
    assert!(call.last_said().starts_with(FIXED), "{}", call.last_said());
    assert_eq!(call.open_request(), None);
    call.input(Input::PlaybackFailed {
        playback: PlaybackId(u32::MAX),
    });
    call.listen();
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn marks_of_a_reply_that_do_not_come_back_do_not_hold_up_the_question() {
    let mut call = asked(Model::Says(vec![(300, "It takes two minutes.")]));
    call.say_as(ASKS, 0.95);
    call.marks = false;
    call.wait(60_000);
    assert!(
        call.spoken()
            .iter()
            .filter(|sentence| sentence.starts_with("How satisfied"))
            .count()
            > 1
    );
    call.finish();
}

#[test]
fn questions_about_the_call_without_end_are_not_answered_without_end() {
    let mut call = Call::with_model(&SPOKEN_SCRIPT, []);
    call.model = (0..60)
        .map(|n| {
            if n % 2 == 0 {
                about_the_call()
            } else {
                Model::Says(vec![(100, "It takes two minutes.")])
            }
        })
        .collect();
    for _ in 0..30 {
        if !call.dialogue.is_over() {
            call.say(ASKS);
        }
    }
    assert!(call.dialogue.is_over());
    call.finish();
    assert!(replies(&call) <= 4);
}

#[test]
fn a_call_that_ends_during_a_reply_says_nothing_more() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes."),
        (300, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 400);
    call.input(Input::StreamEnded { orderly: false });
    let outputs = call.outputs.len();
    call.wait(5_000);
    assert_eq!(call.outputs.len(), outputs);
}

#[test]
fn hold_on_over_a_reply_ends_it() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes of your time."),
        (4_000, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 400);
    call.speak("hold on", 0.95, 300);
    assert_eq!(call.open_request(), None);
    call.wait(10_000);
    assert!(!call.is_playing() && !call.spoken().contains(&"You may stop.".to_owned()));
    call.say("i'm back");
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l6_what_is_cleared_of_a_reply_behind_the_sentence_that_was_cut_was_not_heard() {
    let mut call = asked(Model::Says(vec![
        (300, "It takes two minutes of your time."),
        (100, "You may stop."),
    ]));
    call.say_as(ASKS, 0.95);
    call.wait(200 + 500);
    let before = call.outputs.len();
    call.speak("", 0.0, 900);
    let said = said_since(&call, before);
    assert_eq!(said[..2], ["It takes two minutes of your time.", "You may stop."]);
}

#[test]
fn a_reply_that_was_silenced_before_its_first_word_is_no_prompt_to_be_spoken_over() {
    let mut call = asked(Model::Never);
    call.say_as(ASKS, 0.95);
    call.wait(200);
    call.speak("hold on", 0.95, 300);
    call.speak("who is this", 0.6, 150);
    assert!(call.last_said().starts_with(FIXED), "{}", call.last_said());
}

#[test]
fn a_long_reply_is_given_the_time_to_be_heard_before_an_answer_is_missed() {
    const LONG: &str = "This is an automated call about your last visit, it takes about two minutes, all of it is \
                        voluntary, you may stop whenever you like, and nobody but the clinic will hear of it.";
    let mut call = asked(Model::Says(vec![(300, LONG), (100, LONG)]));
    let before = call.outputs.len();
    call.say(ASKS);
    assert_eq!(
        said_since(&call, before).len(),
        4,
        "the reply, the question and how to answer it"
    );
}
