use crate::run::simulate;
use std::process::Command;

#[test]
fn every_outcome_is_reached_through_audio_and_replays_to_the_same_decisions() {
    let run = simulate("outcomes.yaml", &["--calls-per-second=20", "--concurrent=50"]);
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    assert_eq!(run.status, Some(0));
    for outcome in [
        "completed",
        "partial",
        "refused",
        "callback",
        "wrong person",
        "voicemail",
        "abandoned",
        "failed",
    ] {
        assert!(
            run.summary["outcomes"][outcome].as_u64() > Some(0),
            "{outcome} is missing: {}",
            run.summary["outcomes"]
        );
    }
    assert!(
        run.calls
            .iter()
            .any(|call| call["responses_ms"].as_array().is_some_and(|turns| !turns.is_empty()))
    );

    let replay = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .arg("replay")
        .arg(run.directory.join("journals"))
        .output()
        .expect("the program runs");
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
}
