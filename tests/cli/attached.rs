//! A stand-in for Twilio that was started by hand, with an account and addresses of its own: README, "Attach another
//! stand-in for Twilio".

use super::support::{Running, account, fixture, free_address, run, samvad};
use std::net::SocketAddr;
use std::path::Path;

const PUBLIC_URL: &str = "https://survey.example";

/// The stand-in, and where its API is.
fn stand_in(directory: &Path, server: SocketAddr) -> (Running, String) {
    let script = fixture("scenarios/one_call_keys.yaml");
    let server = server.to_string();
    let args = [
        "simulator",
        "--script",
        &script,
        "--server",
        &server,
        "--public-url",
        PUBLIC_URL,
    ];
    let mut command = samvad(directory, &args);
    let mut running = Running::start(command.args(["--json", "--stop-when-done"]).envs(account()));
    let line = running.line_with("listening");
    let greeting: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address = greeting["address"].as_str().expect("an address").to_owned();
    (running, format!("http://{address}"))
}

/// What the stand-in says of itself at its end.
fn summary(stand_in: Running) -> serde_json::Value {
    let (out, status) = stand_in.end();
    assert_eq!(status, Some(0), "{out}");
    let last = out.lines().last().expect("a summary");
    serde_json::from_str(last).expect("JSON")
}

#[test]
fn serve_calls_the_people_of_a_stand_in_started_by_hand() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let bind = free_address();
    let (stand_in, api) = stand_in(directory.path(), bind);
    let contacts = "external_contact_id,phone_number\nthe only one,+14155550101\n";
    std::fs::write(directory.path().join("people.csv"), contacts).expect("written");
    let campaign = fixture("campaigns/health_survey.yaml");
    let args = [
        "serve",
        "--campaign",
        &campaign,
        "--contacts",
        "people.csv",
        "--exit-when-idle",
        "--rehearse",
    ];
    let mut serve = samvad(directory.path(), &args);
    serve
        .envs(account())
        .env("TWILIO_API_BASE_URL", &api)
        .env("SAMVAD_PUBLIC_URL", PUBLIC_URL)
        .env("SAMVAD_BIND", bind.to_string())
        .env("SAMVAD_RECOGNIZER", "fixed:10ms");
    let (_, err, status) = run(&mut serve);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(summary(stand_in)["calls"], 1);

    let args = ["results", "--campaign", &campaign, "--csv", "results.csv"];
    let (out, err, status) = run(&mut samvad(directory.path(), &args));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("the only one") && out.contains("completed"), "{out}");
    let csv = std::fs::read_to_string(directory.path().join("results.csv")).expect("written");
    assert!(csv.contains("+14155550101"), "{csv}");
}

#[test]
fn simulate_uses_the_stand_in_that_the_environment_names_and_starts_none() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let bind = free_address();
    let (stand_in, api) = stand_in(directory.path(), bind);
    let scenario = fixture("scenarios/one_call_keys.yaml");
    let args = [
        "simulate",
        "--scenario",
        &scenario,
        "--directory",
        "run",
        "--recognizer",
        "fixed:10ms",
    ];
    let mut simulate = samvad(directory.path(), &args);
    simulate
        .envs(account())
        .env("TWILIO_API_BASE_URL", &api)
        .env("SAMVAD_PUBLIC_URL", PUBLIC_URL)
        .env("SAMVAD_BIND", bind.to_string());
    let (out, err, status) = run(&mut simulate);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("as expected               yes"), "{out}");
    assert!(
        !directory.path().join("run/simulator.log").exists(),
        "no network of its own"
    );
    assert_eq!(summary(stand_in)["calls"], 1);
}
