//! What cannot be done is said in a sentence with its remedy, and the exit status is 2.

use super::support::{fixture, run, samvad};
use std::fs::File;
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn wrong_input_of_every_kind_is_named_and_ends_with_status_2() {
    let directory = tempfile::tempdir().expect("temporary directory");
    std::fs::write(directory.path().join("bad.yaml"), "name: [").expect("written");
    std::fs::write(directory.path().join("bad.csv"), "phone\n123\n").expect("written");
    let campaign = fixture("campaigns/health_survey.yaml");
    let scenario = fixture("scenarios/one_call_keys.yaml");
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["Usage: samvad"]),
        (&["dmeo"], &["dmeo", "demo"]),
        (&["demo", "--scenario", "absent.yaml"], &["--scenario", "No such file"]),
        (&["demo", "--campaign", "."], &["--campaign", "directory"]),
        (&["demo", "--scenario", "bad.yaml"], &["bad.yaml", "not YAML"]),
        (&["demo", "--campaign", "bad.yaml"], &["bad.yaml", "not a campaign"]),
        (&["demo", "--directory", "."], &["not empty"]),
        (&["simulate"], &["--scenario"]),
        (&["simulate", "--scenario", &scenario, "--calls", "0"], &["--calls"]),
        (
            &["simulate", "--scenario", &scenario, "--calls-per-second", "0"],
            &["0.01 to 1000"],
        ),
        (
            &["simulate", "--scenario", &scenario, "--recognizer", "ear"],
            &["--recognizer", "fixed:60ms"],
        ),
        (&["simulator", "--script", &scenario], &["TWILIO_ACCOUNT_SID", "choose"]),
        (&["serve"], &["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]),
        (&["serve", "--contacts", "bad.csv"], &["--campaign"]),
        (
            &["serve", "--campaign", &campaign, "--contacts", "bad.csv"],
            &["phone_number"],
        ),
        (
            &["results", "--campaign", &campaign],
            &["no database", "SAMVAD_DATA_DIR"],
        ),
        (&["replay", "absent.jsonl"], &["absent.jsonl"]),
        (&["replay", "."], &["no journals"]),
        (&["purge", "--journals", "-1"], &["-1"]),
        (&["migrate", "status"], &["no database", "samvad migrate up"]),
        (&["migrate", "down"], &["--to"]),
        (&["migrate", "up", "--to", "99"], &["no schema version 99"]),
    ];
    for (args, words) in cases {
        let (out, err, status) = run(&mut samvad(directory.path(), args));
        assert_eq!(status, Some(2), "{args:?}: {out}{err}");
        for word in *words {
            assert!(err.contains(word), "{args:?} says nothing of {word}: {err}");
        }
        assert!(
            !err.contains("panicked") && !out.contains("panicked"),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn every_fault_of_the_settings_is_named_at_once() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut command = samvad(directory.path(), &["serve"]);
    command
        .env("SAMVAD_BIND", "here")
        .env("SAMVAD_MAX_CALLS", "many")
        .env("DRY_RUN_MODE", "perhaps");
    let (_, err, status) = run(&mut command);
    assert_eq!(status, Some(2));
    for name in ["SAMVAD_BIND", "SAMVAD_MAX_CALLS", "DRY_RUN_MODE"] {
        assert!(err.contains(name), "{err}");
    }
}

#[test]
fn a_port_in_use_is_said_with_the_setting_to_change() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut command = samvad(directory.path(), &["serve"]);
    command
        .envs(super::support::account())
        .env("SAMVAD_BIND", taken.local_addr().expect("an address").to_string());
    let (_, err, status) = run(&mut command);
    assert_eq!(status, Some(2));
    assert!(err.contains("SAMVAD_BIND"), "{err}");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_said_with_its_path() {
    let directory = tempfile::tempdir().expect("temporary directory");
    std::fs::write(directory.path().join("file"), "").expect("written");
    for args in [
        &["demo"][..],
        &["simulate", "--scenario", &fixture("scenarios/one_call_keys.yaml")],
    ] {
        let mut command = samvad(directory.path(), args);
        command.env("SAMVAD_DATA_DIR", directory.path().join("file/data"));
        let (_, err, status) = run(&mut command);
        assert_eq!(status, Some(2));
        assert!(err.contains("file/data"), "{err}");
    }
}

#[test]
fn a_carrier_elsewhere_is_never_given_made_up_numbers() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut command = samvad(directory.path(), &["demo"]);
    command.env("TWILIO_API_BASE_URL", "https://api.twilio.com");
    let (_, err, status) = run(&mut command);
    assert_eq!(status, Some(2));
    assert!(err.contains("unset it"), "{err}");
}

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let directory = tempfile::tempdir().expect("temporary directory");
    std::fs::write(directory.path().join("a.jsonl"), "").expect("written");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = samvad(directory.path(), &["replay", "a.jsonl"]);
    let output = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .expect("samvad runs")
        .wait_with_output();
    let output = output.expect("ended");
    assert_eq!(output.status.code(), Some(141));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().expect("temporary directory");
    std::fs::write(directory.path().join("a.jsonl"), "").expect("written");
    let full = File::options().write(true).open("/dev/full").expect("Linux");
    let mut command = samvad(directory.path(), &["replay", "a.jsonl"]);
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("samvad runs")
        .wait_with_output();
    let output = output.expect("ended");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output cannot be written"));
}

#[test]
fn doctor_finds_this_machine_ready_and_says_so_to_programs() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut command = samvad(directory.path(), &["doctor", "--json"]);
    command
        .env("SAMVAD_BIND", "127.0.0.1:0")
        .env("SAMVAD_API_BIND", "127.0.0.1:0");
    let (out, err, status) = run(&mut command);
    assert_eq!(status, Some(0), "{out}{err}");
    let findings: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let state = |check: &str| {
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.and_then(|finding| finding["state"].as_str())
    };
    for check in [
        "settings",
        "data directory",
        "database",
        "flite",
        "espeak-ng",
        "models",
        "synthesis",
    ] {
        assert_eq!(state(check), Some("ok"), "{out}");
    }
    assert_ne!(state("recognition"), Some("fault"), "{out}");
    assert!(
        directory.path().read_dir().expect("listed").next().is_none(),
        "nothing is left behind"
    );
}

#[test]
fn doctor_exits_1_with_every_fault() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut command = samvad(directory.path(), &["doctor"]);
    command.env("SAMVAD_BIND", "here").env("PATH", directory.path());
    let (out, _, status) = run(&mut command);
    assert_eq!(status, Some(1));
    assert!(
        out.contains("SAMVAD_BIND") && out.contains("apt-get install flite"),
        "{out}"
    );
}
