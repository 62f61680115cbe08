//! Running `samvad simulate` and reading what it found.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A run that has ended.
pub struct Run {
    /// Its exit status.
    pub status: Option<i32>,
    /// A report per call, as the network saw it.
    pub calls: Vec<Value>,
    /// The last line: outcomes, figures, differences.
    pub summary: Value,
    /// Where everything of it is kept.
    pub directory: PathBuf,
    _scratch: tempfile::TempDir,
}

/// Runs a scenario of `fixtures/scenarios`, with further arguments, until it has ended.
pub fn simulate(scenario: &str, arguments: &[&str]) -> Run {
    simulate_file(&PathBuf::from(format!("fixtures/scenarios/{scenario}")), arguments)
}

/// The same with a scenario anywhere.
pub fn simulate_file(scenario: &Path, arguments: &[&str]) -> Run {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let directory = scratch.path().join("run");
    let output = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .current_dir(root)
        // Prompts are spoken once for all tests.
        .env("SAMVAD_DATA_DIR", shared_data_directory())
        .arg("simulate")
        .arg(format!("--scenario={}", scenario.display()))
        .arg(format!("--directory={}", directory.display()))
        .arg("--json")
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let Some(summary) = lines.pop() else {
        panic!("the run failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    assert_replays(&directory);
    Run {
        status: output.status.code(),
        calls: lines,
        summary,
        directory,
        _scratch: scratch,
    }
}

/// Every call of every run decides the same when its journal is fed through the dialogue again.
fn assert_replays(run: &Path) {
    let replay = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .args(["replay", "--quiet"])
        .arg(run.join("journals"))
        .output()
        .expect("the program runs");
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
}

/// Has flite say something into a file.
pub fn flite(voice: &str, text: &str, path: &Path) {
    said(
        Command::new("flite")
            .args(["-voice", voice, "-t", text, "-o"])
            .arg(path),
    );
}

/// Has espeak-ng say something into a file.
pub fn espeak(voice: &str, text: &str, path: &Path) {
    said(Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(path).arg(text));
}

/// Runs a synthesiser.
fn said(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.expect("flite and espeak-ng are installed").success());
}

pub fn shared_data_directory() -> PathBuf {
    use std::os::unix::fs::DirBuilderExt;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("data");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .expect("a directory for prompts");
    path
}
