use crate::run::simulate;

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
