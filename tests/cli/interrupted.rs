//! A run that is stopped in the middle: what came until then is shown, and no process is left.

use super::support::{Running, processes_that_name, samvad, until};
use std::path::PathBuf;

fn demo_under_way() -> (tempfile::TempDir, PathBuf, Running) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let run = directory.path().join("run");
    let mut demo = Running::start(&mut samvad(
        directory.path(),
        &["demo", "--directory", &run.display().to_string()],
    ));
    demo.line_with("greeting");
    (directory, run, demo)
}

#[test]
fn ctrl_c_ends_the_calls_and_shows_what_came_until_then() {
    let (_directory, run, demo) = demo_under_way();
    assert!(
        processes_that_name(&run).len() >= 3,
        "the demo, its server, its network"
    );
    // Twice, as a signal to the process and to its group.
    demo.signal("INT");
    demo.signal("INT");
    let (out, status) = demo.end();
    assert_eq!(status, Some(130), "{out}");
    assert!(out.contains("RESPONDENT") && out.contains("Interrupted"), "{out}");
    assert!(!out.contains("panicked"));
    assert!(run.join("results.csv").exists());
    assert_eq!(processes_that_name(&run), Vec::<String>::new());
}

#[test]
fn processes_of_a_run_that_is_killed_die_with_it() {
    let (_directory, run, demo) = demo_under_way();
    demo.signal("KILL");
    drop(demo);
    until("no process of the run is left", || processes_that_name(&run).is_empty());
}
