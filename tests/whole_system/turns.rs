//! Answers with a pause inside, through audio: shorter than the question's patience, it is one answer; longer, what
//! follows is the answer all the same.

use crate::run::{Run, flite, simulate_file};
use samvad_media::{resample, wav};
use std::path::Path;

const RATE: u32 = 8_000;
/// Below this, it is the silence around what flite says.
const SILENT: i16 = 300;

const HEAD: &str = "
name: Pauses
seed: 6
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
";

/// What is said, without the silence before and after it.
fn spoken(text: &str, folder: &Path) -> Vec<i16> {
    let file = folder.join("part.wav");
    flite("rms", text, &file);
    let audio = wav::read(&std::fs::read(&file).expect("spoken")).expect("a recording");
    let samples = resample::to_8k(&audio.samples, audio.sample_rate).expect("resampled");
    let loud = |sample: &i16| sample.unsigned_abs() > SILENT.unsigned_abs();
    let first = samples.iter().position(loud).unwrap_or_default();
    let last = samples.iter().rposition(loud).unwrap_or_default();
    samples[first..=last].to_vec()
}

/// A caller who answers the scale in two parts with so much silence between them.
fn pauses_for(ms: usize, expected: &str) -> Run {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let pause = vec![0; ms * RATE as usize / 1_000];
    let parts = [
        spoken("I would say", folder.path()),
        pause,
        spoken("four", folder.path()),
    ];
    let file = folder.path().join("answer.wav");
    std::fs::write(&file, wav::write_pcm16(&parts.concat(), RATE)).expect("written");
    let caller = format!(
        "
  - name: pauses
    ring_ms: 200
    steps:
      - {{name: consent, keys: '1'}}
      - {{name: scale, say: {}}}
      - {{name: yes_no, keys: '1'}}
      - {{name: choice, keys: '3'}}
    expect: {{ended_by: agent, goodbye_played: true, answered_by: person, outcome: completed, answers: [4, true, evening]{expected}}}
",
        file.display()
    );
    let scenario = folder.path().join("pauses.yaml");
    std::fs::write(&scenario, format!("{HEAD}{caller}")).expect("written");
    let run = simulate_file(&scenario, &[]);
    let differences = &run.summary["differences"];
    assert_eq!(
        differences.as_array().map(Vec::len),
        Some(0),
        "{ms} ms: {differences:#}"
    );
    run
}

#[test]
fn l7_an_answer_with_a_pause_inside_is_one_answer_and_nothing_is_said_into_the_pause() {
    // Consent, three questions, goodbye.
    pauses_for(450, ", all_steps: true, prompts: 5, clears: 0");
}

#[test]
fn l7_who_pauses_for_longer_than_anybody_waits_is_understood_all_the_same() {
    pauses_for(1_100, "");
}
