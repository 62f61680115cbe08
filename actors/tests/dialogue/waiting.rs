//! While a language model thinks: its deadline, speech and keys meanwhile, late answers, ends.

use crate::harness::*;
use crate::understanding::{asked, is_asked_again};
use samvad_actors::dialogue::{DialogueConfig, Input, ModelFault, ModelValue, Output, RequestId};
use samvad_actors::domain::{AnswerValue, Intent, MachineVerdict};

#[test]
fn no_answer_in_time_costs_a_reprompt_at_the_deadline_and_what_comes_then_is_passed_over() {
    for model in [Model::Never, Model::Answers(1_600, value(ModelValue::Number(4)))] {
        let mut call = asked([model]);
        call.say_as("well it was rather good all in all", 0.95);
        let (asked_at, _) = call.outputs.last().expect("asked").clone();
        assert!(call.open_request().is_some());
        call.wait(1_499);
        assert!(!is_asked_again(&call));
        call.wait(1);
        assert!(is_asked_again(&call));
        assert_eq!(call.outputs.last().expect("asked again").0, asked_at + 1_500);
        assert_eq!(call.open_request(), None);
        call.listen();
        assert_eq!(call.values(), [], "the late answer");
    }
}

#[test]
fn a_model_that_fails_costs_a_reprompt_at_once() {
    let mut call = asked([Model::Fails(100)]);
    call.say_as("well it was rather good all in all", 0.95);
    call.wait(100);
    assert!(is_asked_again(&call));
}

#[test]
fn speech_that_goes_on_while_the_model_thinks_joins_the_turn_and_its_meaning_wins() {
    let mut call = asked([Model::Answers(400, value(ModelValue::Number(2)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.wait(100);
    // The answer comes while this is being said.
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    assert_eq!(call.queries().len(), 1);
}

#[test]
fn a_second_utterance_that_is_not_understood_either_is_asked_about_together_with_the_first() {
    let mut call = asked([Model::Never, Model::Answers(100, value(ModelValue::Number(3)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.say("somewhere about the middle if you ask me");
    let queries = call.queries();
    assert_eq!(queries.len(), 2);
    assert_eq!(
        queries[1].text,
        "well i was there with my sister you know somewhere about the middle if you ask me"
    );
    assert!(
        queries[1].history.iter().all(|line| !line.text.contains("sister")),
        "{queries:?}"
    );
    assert_eq!(call.values(), [AnswerValue::Scale(3)]);
}

#[test]
fn an_answer_waits_for_speech_under_way_and_counts_if_that_was_nothing() {
    let mut call = asked([Model::Answers(300, value(ModelValue::Number(2)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.wait(100);
    let speech = call.start_speech(5_000);
    call.wait(600);
    assert_eq!(call.values(), [], "somebody is speaking");
    call.input(Input::SpeechDiscarded { speech });
    assert_eq!(call.values(), [AnswerValue::Scale(2)]);
}

#[test]
fn a_wish_to_stop_waits_for_nobody_to_finish_speaking() {
    let mut call = asked([Model::Answers(300, means(Intent::RemoveMe))]);
    call.say_as("my name had better be in no book of yours", 0.95);
    call.wait(100);
    call.start_speech(5_000);
    call.wait(300);
    assert!(
        call.last_said().starts_with("Do you want your number taken off"),
        "{}",
        call.last_said()
    );
}

#[test]
fn noise_while_the_model_thinks_changes_nothing() {
    let mut call = asked([Model::Answers(1_400, value(ModelValue::Number(2)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.speak("hm hm", 0.1, 80);
    assert!(!is_asked_again(&call));
    call.wait(700);
    assert_eq!(call.values(), [AnswerValue::Scale(2)]);
}

#[test]
fn a_burst_over_a_prompt_that_was_interrupted_leaves_the_answer_to_the_model() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, [Model::Answers(1_000, value(ModelValue::Number(2)))]);
    call.say_as("yes", 0.95);
    call.wait(3_500);
    call.speak("well i was there with my sister you know", 0.95, 900);
    assert_eq!(call.queries().len(), 1);
    call.speak("you know", 0.95, 80);
    assert_eq!(call.queries().len(), 1, "too short to ask about");
    call.wait(1_000);
    assert_eq!(call.values(), [AnswerValue::Scale(2)]);
}

#[test]
fn a_key_while_the_model_thinks_is_the_answer() {
    let mut call = asked([Model::Answers(300, value(ModelValue::Number(2)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.press("5");
    assert_eq!(call.open_request(), None);
    call.wait(1_000);
    assert_eq!(call.values(), [AnswerValue::Scale(5)]);
}

#[test]
fn stale_duplicate_and_unasked_answers_change_nothing() {
    let mut call = asked([Model::Answers(100, value(ModelValue::Number(2)))]);
    let unasked = |request| {
        [
            Input::Classified {
                request: RequestId(request),
                meaning: means(Intent::RemoveMe),
            },
            Input::ClassifyFailed {
                request: RequestId(request),
                fault: ModelFault::Unusable,
            },
            Input::ReplySentence {
                request: RequestId(request),
                text: "Two minutes.".into(),
            },
            Input::ReplyEnded {
                request: RequestId(request),
            },
        ]
    };
    let before = call.outputs.len();
    for request in 0..3 {
        unasked(request).into_iter().for_each(|input| call.input(input));
    }
    assert_eq!(call.outputs.len(), before);
    call.say_as("well i was there with my sister you know", 0.95);
    let asked = call.outputs.len();
    for request in 1..3 {
        unasked(request).into_iter().for_each(|input| call.input(input));
    }
    assert_eq!(call.outputs.len(), asked);
    call.wait(100);
    let answered = call.outputs.len();
    unasked(0).into_iter().for_each(|input| call.input(input));
    assert_eq!(call.outputs.len(), answered);
    assert_eq!(call.values(), [AnswerValue::Scale(2)]);
}

#[test]
fn l2_an_interrupted_prompt_goes_on_when_the_model_makes_nothing_of_the_interruption() {
    for model in [
        Model::Never,
        Model::Fails(200),
        Model::Answers(200, means(Intent::Unclear)),
    ] {
        let mut call = Call::with_model(&HEALTH_SCRIPT, [model]);
        call.say_as("yes", 0.95);
        call.wait(3_500);
        assert!(call.is_playing());
        call.speak("where did i put my reading glasses", 0.95, 900);
        assert_eq!(call.queries().len(), 1);
        assert!(!call.is_playing(), "silent while its meaning is not known");
        call.wait(1_500);
        assert!(call.is_playing());
        call.listen();
        call.say("four");
        assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    }
}

#[test]
fn a_burst_over_a_prompt_is_not_given_to_the_model() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, [Model::Answers(100, value(ModelValue::Number(1)))]);
    call.say_as("yes", 0.95);
    call.wait(3_500);
    call.speak("zebra crossing ahead", 0.95, 200);
    assert_eq!(call.queries(), []);
}

#[test]
fn nothing_is_asked_of_the_model_while_somebody_holds_the_line() {
    let mut call = asked([Model::Answers(100, means(Intent::RemoveMe))]);
    call.say_as("hold on", 0.95);
    call.say_as("darling where is the letter from the hospital", 0.95);
    assert_eq!(call.queries(), []);
}

#[test]
fn a_hang_up_while_the_model_thinks_is_the_end() {
    let mut call = asked([Model::Answers(300, value(ModelValue::Number(2)))]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.input(Input::StreamEnded { orderly: true });
    assert_eq!(call.open_request(), None);
    let outputs = call.outputs.len();
    call.wait(5_000);
    assert_eq!(call.outputs.len(), outputs);
    assert!(matches!(call.outputs.last(), Some((_, Output::End { .. }))));
}

#[test]
fn a_survey_with_a_model_that_never_answers_goes_to_its_end() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, []);
    call.say("yes");
    for _ in 0..40 {
        if !call.dialogue.is_over() {
            call.say("well i was there with my sister you know");
        }
    }
    call.finish();
    assert_eq!(call.values(), vec![AnswerValue::NotAnswered; 3]);
}

#[test]
fn l2_a_prompt_that_two_utterances_interrupted_goes_on_after_the_second() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, []);
    call.say_as("yes", 0.95);
    call.wait(3_500);
    call.speak("where did i put my reading glasses", 0.95, 900);
    call.speak("they were on the table this morning", 0.95, 400);
    assert_eq!(call.queries().len(), 2);
    call.wait(1_500);
    assert!(call.is_playing());
}

#[test]
fn the_wait_for_an_answer_does_not_run_while_the_model_thinks() {
    let config = DialogueConfig {
        understanding_limit_ms: 12_000,
        response_limit_ms: None,
        filler_after_ms: None,
        ..model_config()
    };
    let mut call = Call::with_config(&HEALTH_SCRIPT, config, []);
    call.listen();
    call.say("yes");
    call.say_as("well i was there with my sister you know", 0.95);
    let speech = call.start_speech(100);
    call.input(Input::SpeechDiscarded { speech });
    let before = call.outputs.len();
    call.wait(11_000);
    assert_eq!(call.outputs.len(), before);
}

#[test]
fn the_first_key_of_a_number_takes_the_place_of_what_the_model_thinks_about() {
    let mut call = Call::with_model(&FEEDBACK_SCRIPT, [Model::Answers(300, value(ModelValue::Number(3)))]);
    call.say("yes");
    call.say_as("well i was there with my sister you know", 0.95);
    assert_eq!(call.queries().len(), 1);
    call.input(Input::Key { key: '1' });
    assert_eq!(call.open_request(), None);
    call.wait(200);
    call.input(Input::Key { key: '0' });
    assert_eq!(call.values(), [AnswerValue::Number(10)]);
}

#[test]
fn a_machine_that_is_found_out_while_the_model_thinks_ends_the_thinking() {
    let yaml = HEALTH.replace(
        "voicemail: hang_up",
        "voicemail: { leave_message: We will call again. }",
    );
    let mut call = Call::with_model(&script(&yaml), [Model::Answers(300, means(Intent::CallLater))]);
    call.speak("the party you wish to reach is out of doors", 0.95, 3_000);
    assert_eq!(call.queries().len(), 1);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    assert_eq!(call.open_request(), None);
    call.finish();
    assert_eq!(call.callback(), None);
}

#[test]
fn what_the_lexicon_makes_of_it_waits_for_speech_under_way_too() {
    for model in [Model::Never, Model::Fails(300)] {
        let mut call = asked([model]);
        call.say_as("let me think about my aunt", 0.95);
        assert_eq!(call.queries().len(), 1, "hold on, perhaps");
        call.wait(100);
        let speech = call.start_speech(5_000);
        let begun = call.outputs.len();
        call.wait(2_000);
        assert_eq!(call.open_request(), None);
        assert_eq!(call.outputs.len(), begun, "somebody is speaking");
        call.input(Input::Recognized {
            speech,
            text: "four".into(),
            confidence: 0.95,
            uncertain: false,
        });
        assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    }
}
