//! Turns: acknowledgements by partial results, words that bridge a wait, the deadline of a turn.

use crate::harness::*;
use samvad_actors::dialogue::{DialogueConfig, Expectation, ModelValue, Output};
use samvad_actors::domain::{AnswerValue, Intent};

/// A call whose first question is being asked.
pub fn asking() -> Call {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    call.say_as("yes", 0.95);
    call.wait(3_500);
    assert!(call.is_playing());
    call
}

/// A call that has a language model and whose first question has been heard.
fn asked(model: impl IntoIterator<Item = Model>) -> Call {
    let mut call = Call::with_model(&HEALTH_SCRIPT, model);
    call.say("yes");
    call
}

fn fillers(call: &Call) -> usize {
    call.spoken()
        .iter()
        .filter(|sentence| *sentence == "One moment.")
        .count()
}

#[test]
fn l5_words_shown_before_the_end_keep_acknowledgements_from_stopping_a_prompt() {
    for text in ["okay", "uh-huh", "mm hmm", "okay okay right", "haan haan"] {
        let mut call = asking();
        let speech = call.start_shown(1_500, &[(400, text)]);
        call.wait(2_260);
        call.recognized(speech, text);
        assert_eq!(call.clears(), 0, "{text}");
        assert!(call.is_playing(), "{text}");
        call.listen();
        call.say("four");
        assert_eq!(
            (call.values(), call.answers()[0].times_asked),
            (vec![AnswerValue::Scale(4)], 1)
        );
    }
    let mut call = Call::begin(&hindi_script());
    call.wait(1_500);
    let speech = call.start_shown(1_200, &[(300, "हाँ"), (700, "हाँ हाँ")]);
    call.wait(2_000);
    call.recognized(speech, "हाँ हाँ");
    assert_eq!(call.clears(), 0);
}

#[test]
fn l4_the_first_word_that_is_none_stops_the_prompt_and_its_answer_is_taken() {
    let mut call = asking();
    let speech = call.start_shown(2_000, &[(400, "okay"), (900, "okay four")]);
    call.wait(890);
    assert_eq!(call.clears(), 0);
    call.wait(20);
    assert_eq!(call.clears(), 1);
    call.wait(1_900);
    call.recognized(speech, "okay four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l4_speech_of_which_no_word_is_shown_interrupts_all_the_same_and_is_let_go_for_an_acknowledgement() {
    let mut call = asking();
    let speech = call.start_shown(3_000, &[(1_500, "hmm")]);
    call.wait(500);
    assert_eq!(call.clears(), 0, "a word may come");
    call.wait(100);
    assert_eq!(call.clears(), 1);
    call.wait(800);
    assert!(!call.is_playing());
    call.wait(200);
    assert!(call.is_playing(), "it goes on while they hum on");
    assert!(
        call.last_said().starts_with("How satisfied"),
        "from the sentence that was cut: {}",
        call.last_said()
    );
    call.wait(2_500);
    call.recognized(speech, "hmm");
    assert_eq!(call.clears(), 1);
}

#[test]
fn l4_a_recogniser_that_shows_nothing_interrupts_at_once() {
    let mut call = asking();
    call.start_speech(900);
    call.wait(260);
    assert_eq!(call.clears(), 1);
}

#[test]
fn an_acknowledgement_while_the_keys_are_explained_may_be_the_answer_and_stops_the_prompt() {
    let mut call = Call::begin(&hindi_script());
    let asked = |call: &Call| {
        let heard = |output: &Output| matches!(output, Output::Note(note) if note.text.ends_with('?'));
        call.outputs.iter().any(|(_, output)| heard(output))
    };
    while !asked(&call) {
        call.wait(100);
    }
    call.wait(500);
    assert!(call.is_playing());
    let speech = call.start_shown(700, &[(200, "हाँ")]);
    call.wait(300);
    assert_eq!(call.clears(), 1);
    call.wait(1_200);
    call.recognized(speech, "हाँ");
    assert!(call.consent().expect("agreed").granted);
}

#[test]
fn l5_an_acknowledgement_that_began_before_the_question_was_asked_is_no_answer_to_it() {
    let question = || {
        let mut call = asking();
        call.say_as("four", 0.95);
        call
    };
    let mut call = question();
    let began = call.now;
    let asked = |(_, output): &(u64, Output)| match output {
        Output::Note(note) => note.text.starts_with("Were you seen"),
        _ => false,
    };
    while !call.outputs.iter().any(asked) {
        call.wait(100);
    }
    // Who speaks at the very end of a question answers it.
    for wait in (0..call.now - began - 600).step_by(200) {
        let mut call = question();
        call.wait(wait);
        let speech = call.start_shown(1_500, &[(400, "yeah")]);
        // The prompt ends meanwhile, or while this is recognised.
        call.wait(3_500);
        call.recognized(speech, "yeah okay yeah");
        assert_eq!(call.values(), [AnswerValue::Scale(4)], "after {wait} ms");
    }
}

#[test]
fn what_is_said_while_the_model_thinks_is_understood_with_what_came_before() {
    let mut call = asked([
        Model::Answers(1_400, means(Intent::NoAnswer)),
        Model::Answers(100, value(ModelValue::Number(2))),
    ]);
    call.say_as("well i was there with my sister you know", 0.95);
    call.wait(100);
    call.speak("and it rained all day", 0.95, 600);
    call.wait(200);
    let texts: Vec<_> = call.queries().into_iter().map(|query| query.text).collect();
    assert_eq!(
        texts,
        [
            "well i was there with my sister you know",
            "well i was there with my sister you know and it rained all day"
        ]
    );
    assert_eq!(
        call.values(),
        [AnswerValue::Scale(2)],
        "not what the first part alone would have meant"
    );
}

#[test]
fn a_slow_model_is_bridged_once_a_turn_and_its_answer_waits_for_the_end_of_the_words() {
    let mut call = asked([Model::Answers(900, value(ModelValue::Number(4)))]);
    call.say_as("it was rather lovely all of it", 0.95);
    call.wait(699);
    assert_eq!(fillers(&call), 0);
    call.wait(1);
    assert_eq!(fillers(&call), 1);
    call.wait(300);
    assert_eq!(call.values(), [], "One mo-");
    assert_eq!(call.clears(), 0);
    call.wait(500);
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    let noted = call
        .outputs
        .iter()
        .any(|(_, output)| matches!(output, Output::Note(note) if note.text == "One moment."));
    assert!(noted, "it stands in the transcript");
    // A quick one needs no bridge; and where the model says nothing the question is asked again.
    let mut call = asked([
        Model::Answers(500, value(ModelValue::Number(4))),
        Model::Never,
        Model::Never,
    ]);
    call.say("it was rather lovely all of it");
    assert_eq!(fillers(&call), 0);
    for _ in 0..2 {
        call.say_as("it was rather lovely all of it", 0.95);
        call.wait(3_000);
        call.listen();
    }
    assert_eq!(fillers(&call), 1, "once a turn");
}

#[test]
fn nobody_is_spoken_over_by_the_words_that_bridge_a_wait_and_speech_stops_them() {
    let mut call = asked([Model::Never]);
    call.say_as("it was rather lovely all of it", 0.95);
    call.wait(500);
    call.start_speech(3_000);
    call.wait(900);
    assert_eq!(fillers(&call), 0);
    let mut call = asked([Model::Never]);
    call.say_as("it was rather lovely all of it", 0.95);
    call.wait(750);
    assert!(call.is_playing());
    call.speak("four", 0.95, 500);
    assert_eq!((call.clears(), call.values()), (1, vec![AnswerValue::Scale(4)]));
    assert_eq!(fillers(&call), 1);
}

#[test]
fn l2_a_prompt_that_was_cut_goes_on_after_the_words_that_bridged_the_wait() {
    let mut call = Call::with_model(&HEALTH_SCRIPT, [Model::Answers(1_200, means(Intent::Unclear))]);
    call.say_as("yes", 0.95);
    call.wait(3_500);
    call.speak("where did i put my reading glasses", 0.95, 900);
    call.wait(3_000);
    assert_eq!(fillers(&call), 1);
    assert!(call.last_said().starts_with("How satisfied"), "{}", call.last_said());
    call.listen();
    call.say("four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn a_bridge_whose_mark_is_lost_holds_up_nothing() {
    let mut call = asked([Model::Answers(900, value(ModelValue::Number(4)))]);
    call.say_as("it was rather lovely all of it", 0.95);
    call.wait(750);
    call.lose_playback();
    call.wait(2_000);
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
}

#[test]
fn l12_whatever_is_slow_the_question_is_asked_again_within_the_limit_after_the_end_of_speech() {
    let slow = DialogueConfig {
        recognition_limit_ms: 60_000,
        understanding_limit_ms: 60_000,
        ..model_config()
    };
    // The recogniser says nothing; the model says nothing; the reply's words come, and no voice for them.
    for (recognized, model, audio) in [
        (false, vec![], true),
        (true, vec![], true),
        (
            true,
            vec![
                Model::Answers(100, question()),
                Model::Says(vec![(100, "It takes two minutes.")]),
            ],
            false,
        ),
        (true, vec![Model::Answers(100, question())], true),
    ] {
        let mut call = Call::with_config(&SPOKEN_SCRIPT, slow.clone(), model);
        call.listen();
        call.say("yes");
        call.audio = audio;
        let speech = call.start_speech(1_000);
        let ended = call.now + 1_000;
        call.wait(1_800);
        if recognized {
            call.recognized(speech, "how much longer is all of this going on");
        }
        if !audio {
            call.wait(300);
            call.lose_playback();
        }
        call.wait(ended + 4_999 - call.now);
        let before = call.spoken().len();
        call.wait(1);
        let said = call.spoken()[before..].join(" ");
        assert!(said.contains("How satisfied"), "{recognized} {audio}: {said}");
    }
}

#[test]
fn the_limit_of_a_turn_counts_anew_for_who_speaks_on() {
    let config = DialogueConfig {
        recognition_limit_ms: 60_000,
        ..DialogueConfig::default()
    };
    let mut call = Call::with_config(&HEALTH_SCRIPT, config, []);
    call.listen();
    call.say("yes");
    call.start_speech(500);
    call.wait(4_000);
    call.start_speech(3_000);
    let before = call.spoken().len();
    call.wait(7_990);
    assert_eq!(call.spoken().len(), before);
    call.wait(20);
    assert!(call.spoken().len() > before);
}

#[test]
fn each_type_of_question_has_its_own_patience_and_a_question_may_have_another() {
    for (survey, patience) in [(&HEALTH_SCRIPT, [700, 700, 800]), (&FEEDBACK_SCRIPT, [700, 700, 1_400])] {
        let mut call = Call::begin(survey);
        call.listen();
        call.press("1");
        for _ in 0..2 {
            call.listen();
            call.press("1#");
        }
        call.listen();
        let listened: Vec<u32> = call
            .outputs
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Listen {
                    expectation: Expectation::Question(_),
                    patience_ms,
                } => Some(*patience_ms),
                _ => None,
            })
            .collect();
        assert_eq!(listened, patience);
    }
}

#[test]
fn l12_noise_over_a_long_reply_does_not_make_it_late() {
    const LONG: &str = "This is an automated call about your last visit, it takes about two minutes, all of it is \
                        voluntary, you may stop whenever you like, and nobody but the clinic will hear of it.";
    let model = [Model::Answers(100, question()), Model::Says(vec![(100, LONG)])];
    let mut call = Call::with_model(&SPOKEN_SCRIPT, model);
    call.say("yes");
    call.say_as("how much longer is all of this going on", 0.95);
    call.wait(600);
    assert!(call.is_playing());
    // A cough: it is heard, and nothing follows from it.
    call.speak("", 0.0, 120);
    call.wait(5_000);
    assert_eq!(call.clears(), 0);
    assert!(
        !call
            .spoken()
            .iter()
            .any(|sentence| sentence.contains("an automated call.")),
        "no fixed lines"
    );
}

#[test]
fn l7_who_pauses_for_longer_than_the_question_waits_may_answer_into_the_words_that_it_was_not_understood() {
    let mut call = asking();
    call.listen();
    let beginning = call.start_speech(700);
    call.wait(1_460);
    call.recognized(beginning, "i would say");
    assert!(call.is_playing(), "it is asked again: {}", call.last_said());
    call.wait(300);
    let speech = call.start_speech(700);
    call.wait(1_460);
    call.recognized(speech, "four");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    assert_eq!(call.answers()[0].times_asked, 2);
}

#[test]
fn what_is_said_into_the_lead_of_a_question_that_was_never_asked_is_no_answer_to_it() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    let yes = call.start_speech(700);
    call.wait(1_460);
    call.recognized(yes, "yes");
    call.wait(200);
    let speech = call.start_speech(700);
    call.wait(1_460);
    call.recognized(speech, "four");
    assert!(call.values().is_empty());
}
