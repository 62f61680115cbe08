//! Everything that the telephone network can do wrong.

use crate::harness::{output, samvad, scenarios, text};
use tempfile::TempDir;

#[test]
fn every_fault_of_the_network_ends_as_its_case_expects_and_every_journal_replays() {
    let directory = TempDir::new().expect("a folder");
    let run = directory.path().join("run");
    let simulated = output(
        samvad()
            .args([
                "simulate",
                "--recognizer",
                "fixed:60ms",
                "--calls-per-second",
                "50",
                "--scenario",
            ])
            .arg(scenarios().join("faults.yaml"))
            .arg("--directory")
            .arg(&run)
            .env("SAMVAD_DATA_DIR", directory.path().join("data")),
    );
    let said = format!("{}{}", text(&simulated.stdout), text(&simulated.stderr));
    assert!(simulated.status.success(), "{said}");
    crate::harness::assert_no_panic(&std::fs::read_to_string(run.join("server.log")).expect("a log"));
    let replayed = output(samvad().arg("replay").arg("--quiet").arg(run.join("journals")));
    assert!(replayed.status.success(), "{}", text(&replayed.stdout));
}
