//! `samvad purge` over the data of a call: what is wrong is said, what is young enough stays, what is not goes, once.

use super::support::{fixture, run, samvad};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The data of one call by keys, with its journal and a recording of the line.
fn data_of_a_call(directory: &Path) -> PathBuf {
    let data = directory.join("data");
    let scenario = fixture("scenarios/one_call_keys.yaml");
    let args = ["simulate", "--record", "--recognizer", "fixed:10ms", "--scenario"];
    let mut command = samvad(directory, &args);
    let (out, err, status) = run(command.arg(scenario).arg("--directory").arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");
    data
}

fn purge(data: &Path, args: &[&str]) -> Command {
    let mut command = samvad(data, &["purge"]);
    command.args(args).env("SAMVAD_DATA_DIR", data);
    command
}

/// What a purge says it removed: transcript lines, verbatim words, names, registry look-ups, journals,
/// recordings.
fn removed(data: &Path, args: &[&str]) -> Vec<u64> {
    let (out, err, status) = run(&mut purge(data, args));
    assert_eq!(status, Some(0), "{out}{err}");
    let count = |line: &str| line.rsplit(' ').next().and_then(|word| word.parse().ok());
    out.lines().map(|line| count(line).expect("a count")).collect()
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// The result of the call as it is shown.
fn results(data: &Path) -> String {
    let campaign = fixture("campaigns/health_survey.yaml");
    let mut command = samvad(data, &["results", "--campaign", &campaign]);
    let (out, err, status) = run(command.env("SAMVAD_DATA_DIR", data));
    assert_eq!(status, Some(0), "{err}");
    out
}

#[test]
fn a_purge_removes_words_journals_and_recordings_that_are_old_enough_once_and_keeps_the_answers() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data = data_of_a_call(directory.path());
    let kept = [files(data.join("journals")), files(data.join("recordings"))];
    assert!(kept.iter().all(|files| files.len() == 1), "{kept:?}");
    let before = results(&data);
    assert!(before.contains("completed"), "{before}");
    let foreign = data.join("journals").join("notes.txt");
    std::fs::write(&foreign, "not ours").expect("written");

    assert_eq!(removed(&data, &[]), [0; 7], "nothing is a month old");
    assert!(kept.iter().flatten().all(|file| file.is_file()));

    let everything = ["--transcripts", "0", "--journals", "0", "--recordings", "0"];
    let counts = removed(&data, &everything);
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
    assert_eq!(counts[2..], [0, 0, 0, 1, 1], "the contact had neither name nor address");
    assert!(!kept.iter().flatten().any(|file| file.exists()));
    assert!(foreign.is_file(), "what is not ours stays");
    assert_eq!(results(&data), before, "numbers and choices stay");

    assert_eq!(removed(&data, &everything), [0; 7], "a second purge finds nothing");
    for folder in [data.clone(), data.join("journals"), data.join("recordings")] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    let database = files(data)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("samvad.db"));
    for file in database {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_purge_removes_recordings_by_their_own_days_and_those_that_nobody_agreed_to_at_once() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data = data_of_a_call(directory.path());
    let day = std::time::Duration::from_secs(86_400);
    for (name, age) in [("old.ogg", 9), ("young.ogg", 3), ("left.unconsented.ogg", 1)] {
        let file = std::fs::File::create(data.join("recordings").join(name)).expect("made");
        let written = std::time::SystemTime::now() - day * age;
        file.set_modified(written).expect("aged");
    }
    let counts = removed(&data, &["--recordings", "7"]);
    assert_eq!(counts.last(), Some(&2), "{counts:?}");
    let left = files(data.join("recordings"));
    let oggs: Vec<_> = left
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "ogg"))
        .collect();
    assert_eq!(oggs, [&data.join("recordings/young.ogg")]);
}

#[test]
fn a_purge_of_everything_leaves_the_files_alone_that_a_call_still_writes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data = data_of_a_call(directory.path());
    let live = [
        "journals/live.jsonl",
        "recordings/live.ogg",
        "recordings/new.unconsented.ogg",
    ];
    let calls = live.map(|name| samvad::call_files::create(&data.join(name)).expect("made"));
    let everything = ["--transcripts", "0", "--journals", "0", "--recordings", "0"];
    assert_eq!(
        removed(&data, &everything)[5..],
        [1, 1],
        "those of the call that is over"
    );
    assert!(live.iter().all(|name| data.join(name).is_file()));
    drop(calls);
    assert_eq!(removed(&data, &everything)[5..], [1, 2]);
}

/// The command without the right to write where a directory's mode forbids it, which the super-user has.
fn held_to_modes(command: &Command) -> Command {
    let mut held = if rustix::process::geteuid().is_root() {
        let mut held = Command::new("setpriv");
        held.args(["--bounding-set", "-dac_override"])
            .arg(command.get_program());
        held
    } else {
        Command::new(command.get_program())
    };
    held.args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        held.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => held.env(name, value),
            None => held.env_remove(name),
        };
    }
    held
}

#[test]
fn a_recording_of_somebody_who_did_not_agree_that_cannot_be_deleted_fails_the_purge() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data = data_of_a_call(directory.path());
    let recordings = data.join("recordings");
    std::fs::write(recordings.join("left.unconsented.ogg"), "").expect("written");
    let mode = |mode: u32| std::fs::set_permissions(&recordings, PermissionsExt::from_mode(mode)).expect("changed");
    mode(0o500);
    let (out, err, status) = run(&mut held_to_modes(&purge(&data, &[])));
    mode(0o700);
    assert_eq!(status, Some(2), "{out}{err}");
    assert!(err.contains("1 files could not be removed"), "{err}");
    assert_eq!(removed(&data, &[])[6], 1);
}

#[test]
fn a_purge_that_cannot_be_done_right_is_refused_and_removes_nothing() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data = data_of_a_call(directory.path());
    let journals = files(data.join("journals"));
    for (args, word) in [
        (["--journals", "soon"], "--journals"),
        (["--transcripts", "36501"], "--transcripts"),
        (["--everything", "0"], "--everything"),
    ] {
        let (_, err, status) = run(&mut purge(&data, &args));
        assert_eq!(status, Some(2), "{args:?}");
        assert!(err.contains(word), "{args:?}: {err}");
    }
    let mut wrong_setting = purge(&data, &[]);
    let (_, err, status) = run(wrong_setting.env("SAMVAD_RETENTION_JOURNAL_DAYS", "never"));
    assert_eq!(status, Some(2));
    assert!(err.contains("SAMVAD_RETENTION_JOURNAL_DAYS"), "{err}");

    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).expect("changed");
    let (_, err, status) = run(&mut purge(&data, &["--journals", "0"]));
    assert_eq!(status, Some(2));
    assert!(err.contains("can be entered by other users"), "{err}");
    assert!(journals.iter().all(|journal| journal.is_file()));
}
