//! The embedded recogniser's accuracy, held to account: over recorded answers, and over voices it was not fitted to.

use crate::accuracy::{measure, measure_words};
use crate::corpus;
use crate::recordings::{Recording, recordings, recordings_folder, utterance_of};
use crate::tasks::Tasks;
use samvad::speech::pocketsphinx::{DEFAULT_MODELS, Engine, Models};
use samvad_actors::dialogue::{Expectation, LanguagePack, Script};
use samvad_actors::domain::{Campaign, Language};
use samvad_actors::ports::Heard;
use samvad_media::codec::{decode_mulaw, encode_mulaw};
use std::path::Path;
use std::sync::Arc;

struct Ear {
    engine: Engine,
    health: Script,
    feedback: Script,
}

impl Ear {
    fn new() -> Self {
        let pack = LanguagePack::embedded(&Language::default()).unwrap();
        let script = |text: &str| Script::build(&Campaign::from_yaml(text).unwrap(), &pack).unwrap();
        Self {
            engine: Engine::new(Arc::new(Models::open(Path::new(DEFAULT_MODELS)).unwrap())).unwrap(),
            health: script(include_str!("../../fixtures/campaigns/health_survey.yaml")),
            feedback: script(include_str!("../../fixtures/campaigns/feedback_free_text.yaml")),
        }
    }

    fn hear(&mut self, recording: &Recording, samples: &[i16]) -> Heard {
        let grammar = match recording.question.as_str() {
            "scale_1_5" => self.health.grammar(Expectation::Question(0)),
            "scale_0_10" => self.feedback.grammar(Expectation::Question(0)),
            _ => self.health.grammar(Expectation::Consent),
        };
        self.engine.recognize(&grammar.phrases, false, samples).unwrap()
    }
}

/// Level as a phone with another microphone would have it, encoded once more.
fn louder(samples: &[i16], gain: f32) -> Vec<i16> {
    let samples: Vec<i16> = samples
        .iter()
        .map(|&sample| (f32::from(sample) * gain) as i16)
        .collect();
    let (mut codes, mut decoded) = (Vec::new(), Vec::new());
    encode_mulaw(&samples, &mut codes);
    decode_mulaw(&codes, &mut decoded);
    decoded
}

#[test]
fn recorded_answers_are_understood_and_recordings_without_one_are_never_taken_for_one() {
    let mut ear = Ear::new();
    for recording in recordings() {
        let heard = ear.hear(&recording, &utterance_of(&recording));
        if recording.is_answer() {
            assert!(heard.confidence >= Heard::PLAUSIBLE, "{}: {heard:?}", recording.file);
        } else if recording.expected_intent != "voicemail" {
            assert!(heard.confidence < Heard::CERTAIN, "{}: {heard:?}", recording.file);
        }
    }
}

#[test]
fn another_level_or_encoding_of_a_recording_changes_no_answer() {
    let (mut ear, tasks) = (Ear::new(), Tasks::new());
    for recording in recordings().iter().filter(|recording| recording.is_answer()) {
        let samples = utterance_of(recording);
        let heard = ear.hear(recording, &samples);
        for gain in [0.25, 0.7, 1.0] {
            let again = ear.hear(recording, &louder(&samples, gain));
            let task = corpus::task_of(&tasks, recording);
            let meant = [&heard, &again].map(|heard| tasks.meaning(task, &heard.text));
            assert_eq!(meant[0], meant[1], "{} at {gain}: {again:?}", recording.file);
        }
    }
}

#[test]
fn nine_in_ten_recorded_answers_under_noise_are_taken_right_at_the_first_try_through_the_whole_hearing_of_a_call() {
    let report = corpus::measure(&recordings_folder());
    println!("{report}");
    assert!(report.right_at_once() >= 0.93, "{report}");
}

#[test]
fn voices_it_was_not_fitted_to_are_understood_and_what_is_no_answer_is_not_taken_for_one() {
    let report = measure(60, 11);
    println!("{report}");
    let clips: usize = report.inside.iter().map(|row| row.clips).sum();
    let wrong: usize = report.inside.iter().map(|row| row.wrong_certain).sum();
    assert!(report.right() >= 0.91, "{report}");
    assert!(report.right_at_once() >= 0.87, "{report}");
    assert!(wrong * 20 <= clips, "{report}");
    let words = ["ordinary words", "words like answers"];
    let others = report.outside.iter().filter(|row| !words.contains(&row.name));
    assert!(others.map(|row| row.wrong_certain).sum::<usize>() <= 1, "{report}");
    let sounds = ["silence, hum", "noise", "bursts", "tones"];
    for row in report.outside.iter().filter(|row| sounds.contains(&row.name)) {
        assert_eq!(row.wrong_certain + row.wrong_plausible, 0, "{report}");
    }
}

#[test]
fn single_words_that_no_grammar_has_are_seldom_taken_for_an_answer() {
    let report = measure_words(5);
    println!("{report}");
    let [ordinary, alike] = &report.outside[..] else {
        panic!("{report}")
    };
    assert!(ordinary.wrong_certain * 18 <= ordinary.clips, "{report}");
    assert!(alike.wrong_certain * 5 <= alike.clips, "{report}");
    assert!(ordinary.wrong_binding + alike.wrong_binding <= 2, "{report}");
}
