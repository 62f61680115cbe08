use crate::run::{flite, simulate, simulate_file};

#[test]
fn l4_l9_talking_over_a_prompt_clears_it_in_time_and_neither_noise_nor_echo_does() {
    let run = simulate("barge_in.yaml", &["--calls-per-second=5", "--concurrent=20"]);
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    assert_eq!(run.status, Some(0));

    // What was cut by words without meaning is spoken again, from the sentence that was cut and not from the first.
    let agent_audio_ms = |caller: &str| {
        let report = run.calls.iter().find(|call| call["caller"] == caller);
        report
            .and_then(|report| report["agent_audio_ms"].as_u64())
            .expect("a report")
    };
    let (undisturbed_ms, resumed_ms) = (agent_audio_ms("short noise"), agent_audio_ms("talks to somebody else"));
    assert!(
        (undisturbed_ms..undisturbed_ms + 4_000).contains(&resumed_ms),
        "{resumed_ms} ms of speech, and {undisturbed_ms} ms without interruption"
    );

    // None of these may rest on a single lucky interruption.
    let onsets = run.calls.iter().filter_map(|call| call["clears"].as_array()).flatten();
    let after_onset_ms: Vec<_> = onsets.filter_map(|clear| clear["after_onset_ms"].as_u64()).collect();
    assert!(after_onset_ms.len() >= 10, "{after_onset_ms:?}");
    assert!(after_onset_ms.iter().all(|ms| *ms <= 300), "{after_onset_ms:?}");
}

/// People who show that they listen, in the lead of the first question, and hear on: what is cut off just after their word
/// is not yet a question that has been asked. In English, which is all that the embedded recogniser knows,
/// and in Hindi, of which it hears what it may.
const ACKNOWLEDGES: &str = "
name: Acknowledgements
seed: 4
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
  - name: says okay
    ring_ms: 200
    steps:
      - {name: consent, keys: '1'}
      - {name: listens, talk_over: {after_ms: 1200, say: HERE/okay.wav}}
      - &hears_on {when: at_once, silent: 3000}
      - &scale {name: scale, keys: '4'}
      - &yes_no {name: yes_no, keys: '1'}
      - &choice {name: choice, keys: '3'}
    expect: &listened {ended_by: agent, all_steps: true, goodbye_played: true, outcome: completed, answers: [4, true, evening], clears: {max: 1}}
  - name: hums
    ring_ms: 200
    steps:
      - {name: consent, keys: '1'}
      - {name: listens, talk_over: {after_ms: 1200, say: HERE/hmm.wav}}
      - *hears_on
      - *scale
      - *yes_no
      - *choice
    expect: *listened
  - name: agrees in another language
    ring_ms: 200
    steps:
      - {name: consent, keys: '1'}
      - {name: listens, talk_over: {after_ms: 1200, say: HERE/achha.wav}}
      - *hears_on
      - *scale
      - *yes_no
      - *choice
    expect: *listened
";

#[test]
fn l5_an_acknowledgement_that_stopped_a_prompt_lets_it_go_on_from_the_sentence_that_was_cut() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    flite("slt", "Okay, okay.", &folder.path().join("okay.wav"));
    flite("rms", "Hmm, hmm.", &folder.path().join("hmm.wav"));
    flite("slt", "Ucha, ucha.", &folder.path().join("achha.wav"));
    let scenario = folder.path().join("acknowledges.yaml");
    let here = folder.path().display().to_string();
    std::fs::write(&scenario, ACKNOWLEDGES.replace("HERE", &here)).expect("written");
    let run = simulate_file(&scenario, &[]);
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    let journals = std::fs::read_dir(run.directory.join("journals")).expect("journals");
    let journals = journals.map(|journal| std::fs::read_to_string(journal.expect("a journal").path()).expect("text"));
    let journals: String = journals.collect();
    let played = |sentence: &str| {
        let plays = journals.lines().filter(|line| line.contains(r#""output":"play""#));
        plays.filter(|line| line.contains(sentence)).count()
    };
    assert_eq!(
        played("Thank you.\",\"Here is the first question."),
        3,
        "what was heard is not said again"
    );
    assert_eq!(played("Sorry, I did not understand."), 0);
}
