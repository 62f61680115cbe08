//! Who answers: people, machines, services that screen calls, faxes; told through audio by what is said and how it
//! sounds. What machines say is spoken here by the synthesisers, the tones of a fax are computed.

use crate::run::{Run, espeak, flite, simulate_file};
use samvad_media::wav::write_pcm16;
use std::f64::consts::TAU;
use std::path::Path;

/// A call's beginning is short, and whoever speaks is alone on a clean line.
const HEAD: &str = "
name: Who answers
seed: 5
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
";

const SCREENED: &str = "
  - name: screened, and put through
    ring_ms: 200
    machine_detection: {verdict: machine_start, after_ms: 11000}
    steps:
      - {name: who calls, when: answered, say: HERE/screening.wav}
      - {name: picks up, when: prompt_ends, after_ms: 1500, say: AUDIO/../audio_extra/x23_hello_slt.wav}
      - {name: consent, say: AUDIO/01_yes.wav, otherwise: [{keys: '1'}]}
      - {name: scale, keys: '4'}
      - {name: yes_no, keys: '1'}
      - {name: choice, keys: '3'}
    expect: {ended_by: agent, goodbye_played: true, answered_by: person, outcome: completed, disposition: '1.1', answers: [4, true, evening]}
  - name: screened, and not put through
    ring_ms: 200
    machine_detection: {verdict: none}
    steps:
      - {name: who calls, when: answered, say: HERE/screening_short.wav}
      - {name: declines, when: prompt_ends, after_ms: 2000, hang_up: true}
    expect: {ended_by: caller, agent_audio_ms: {min: 2000, max: 8000}, answered_by: call_screening, outcome: abandoned, disposition: '2.20', answers: []}
";

const MACHINES: &str = "
  - name: switched off
    ring_ms: 200
    machine_detection: {verdict: none}
    steps: [{when: answered, say: HERE/switched_off.wav}]
    expect: &machine {ended_by: agent, agent_audio_ms: {max: 1500}, answered_by: voicemail, outcome: voicemail, disposition: '3.14', answers: [], do_not_call: false}
  - name: not reachable
    ring_ms: 200
    machine_detection: {verdict: none}
    steps: [{when: answered, say: HERE/not_reachable.wav}]
    expect: *machine
  - name: a network's announcement in Hindi, which the recogniser does not understand
    ring_ms: 200
    machine_detection: {verdict: none}
    steps: [{when: answered, say: HERE/hindi.wav}]
    expect: *machine
";

const FAXES: &str = "
  - name: a fax that answers
    ring_ms: 200
    machine_detection: {verdict: none}
    steps: [{when: answered, say: HERE/fax_answers.wav}]
    expect: &fax {ended_by: agent, answered_by: fax, outcome: failed, disposition: '4.2', answers: [], do_not_call: false}
  - name: a fax that calls
    ring_ms: 200
    machine_detection: {verdict: none}
    steps: [{when: answered, say: HERE/fax_calls.wav}]
    expect: *fax
";

const PEOPLE: &str = "
  - name: answers for somebody else, and the carrier calls it a machine
    ring_ms: 200
    machine_detection: {verdict: machine_start, after_ms: 6500}
    steps:
      - {name: not available, when: answered, say: HERE/not_available.wav}
      - {name: declines, when: prompt_ends, keys: '2'}
    expect: {ended_by: agent, goodbye_played: true, answered_by: person, outcome: refused, disposition: '2.112', answers: []}
  - name: says hello, and nobody knows whether it is a machine
    ring_ms: 200
    machine_detection: {verdict: unknown, after_ms: 2500}
    steps:
      - {name: hello, when: answered, say: AUDIO/../audio_extra/x23_hello_slt.wav}
      - {name: consent, say: AUDIO/05_no.wav, otherwise: [{keys: '2'}]}
    expect: {ended_by: agent, goodbye_played: true, answered_by: person, outcome: refused, answers: []}
  - name: hangs up without a word, and nobody knows who it was
    ring_ms: 200
    machine_detection: {verdict: unknown, after_ms: 500}
    steps: [{when: prompt_begins, after_ms: 1500, hang_up: true}]
    expect: {ended_by: caller, answered_by: unknown, outcome: abandoned, disposition: '2.20', answers: []}
  - name: is silent to the end, and the carrier says nothing
    ring_ms: 200
    machine_detection: {verdict: none}
    patience_ms: 60000
    steps: [{silent: 100000}]
    expect: {ended_by: agent, goodbye_played: true, answered_by: unknown, outcome: abandoned, disposition: '2.20', answers: []}
";

/// Tones of so many hertz for so many milliseconds, one after the other; 0 Hz is silence.
fn tones(parts: &[(f64, usize)], path: &Path) {
    let samples: Vec<i16> = parts
        .iter()
        .flat_map(|&(hertz, ms)| (0..ms * 8).map(move |index| (index as f64 / 8_000.0 * hertz * TAU).sin()))
        .map(|sample| (sample * 5_000.0) as i16)
        .collect();
    std::fs::write(path, write_pcm16(&samples, 8_000)).expect("written");
}

/// A run of these callers.
fn answered_by(callers: &str) -> Run {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let here = folder.path();
    flite(
        "slt",
        "Hi. If you record your name and reason for calling, I will see if this person is available.",
        &here.join("screening.wav"),
    );
    flite(
        "rms",
        "Please state your name and why you are calling.",
        &here.join("screening_short.wav"),
    );
    espeak(
        "en",
        "The number you are calling is switched off. Please try again later.",
        &here.join("switched_off.wav"),
    );
    flite(
        "awb",
        "The subscriber you are calling is not reachable. Please try again later.",
        &here.join("not_reachable.wav"),
    );
    espeak(
        "hi",
        "जिस व्यक्ति को आप कॉल कर रहे हैं वह अभी उपलब्ध नहीं है। कृपया थोड़ी देर बाद प्रयास करें।",
        &here.join("hindi.wav"),
    );
    flite("rms", "He is not available right now.", &here.join("not_available.wav"));
    tones(
        &[(0.0, 1_800), (2_100.0, 3_000), (0.0, 1_000)],
        &here.join("fax_answers.wav"),
    );
    let calling = [(0.0, 700), (1_100.0, 500), (0.0, 3_000), (1_100.0, 500), (0.0, 1_000)];
    tones(&calling, &here.join("fax_calls.wav"));
    let audio = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audio");
    let callers = callers
        .replace("HERE", &here.display().to_string())
        .replace("AUDIO", &audio.display().to_string());
    let scenario = here.join("answers.yaml");
    std::fs::write(&scenario, format!("{HEAD}{callers}")).expect("written");
    simulate_file(&scenario, &["--calls-per-second=20", "--concurrent=20"])
}

#[test]
fn l16_people_machines_screeners_and_faxes_are_told_apart_by_what_is_heard() {
    let run = answered_by(&format!("{SCREENED}{MACHINES}{FAXES}{PEOPLE}"));
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    assert_eq!(run.status, Some(0));
}
