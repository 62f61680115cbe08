//! Every way a call can end, and what follows it.

use crate::run::simulate;
use serde_json::Value;
use std::path::Path;
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

    asked_to_be_called_after_six(&run.directory);

    let replay = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .arg("replay")
        .arg(run.directory.join("journals"))
        .output()
        .expect("the program runs");
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
}

/// Who said "call me after six" is understood so: the words and their meaning are in the journal of the call.
fn asked_to_be_called_after_six(directory: &Path) {
    let journals = std::fs::read_dir(directory.join("journals")).expect("journals");
    let asked: Vec<Value> = journals
        .map(|journal| std::fs::read_to_string(journal.expect("a journal").path()).expect("text"))
        .flat_map(|journal| journal.lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str::<Value>(&line).expect("a line of JSON"))
        .map(|line| line["output"]["output"].clone())
        .filter(|output| output["when"] == "after six")
        .collect();
    let [output] = asked.as_slice() else {
        panic!("{asked:?} is not one wish");
    };
    let after_six = serde_json::json!({"on": {"hours": {"after": {"either": "06:00"}}}});
    assert_eq!(output["time"], after_six, "{output}");
}
