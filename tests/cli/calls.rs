//! `samvad run-once` and `samvad call`, against a stand-in for Twilio.

use super::support::{OPEN, Office, PUBLIC_URL, Running, account, closed, free_address, run, stand_in};
use std::process::Command;

const NUMBER: &str = "+14155550101";

/// A command with the settings of an attached stand-in.
fn attached(office: &Office, args: &[&str], api: &str, bind: &str) -> Command {
    let mut command = office.command(args);
    command
        .envs(account())
        .env("TWILIO_API_BASE_URL", api)
        .env("SAMVAD_PUBLIC_URL", PUBLIC_URL)
        .env("SAMVAD_BIND", bind)
        .env("SAMVAD_ALLOWED_NUMBERS", NUMBER)
        .env("SAMVAD_RECOGNIZER", "fixed:10ms");
    command
}

fn with_contact(window: &str) -> Office {
    let office = Office::with_campaign(window);
    office.write("people.csv", format!("phone,external_id\n{NUMBER},the only one\n"));
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
    office
}

/// Activates the campaign and has it run once over the stand-in for the carrier, which is returned running.
fn runs_once(office: &Office) -> (String, Running) {
    let bind = free_address();
    let (stand_in, api) = stand_in(office.directory.path(), bind);
    let bind = bind.to_string();
    let activate = ["campaign", "activate", "health-survey"];
    let run_once = ["run-once", "--campaign", "health-survey"];
    let said = [activate.as_slice(), &run_once].map(|args| {
        let (out, err, status) = run(&mut attached(office, args, &api, &bind));
        assert_eq!(status, Some(0), "{out}{err}");
        out
    });
    (said.concat(), stand_in)
}

#[test]
fn run_once_calls_whom_it_may_and_ends_by_itself() {
    let office = with_contact(OPEN);
    let (out, stand_in) = runs_once(&office);
    assert!(out.contains("completed"), "{out}");
    let results = office.succeeds(&["campaign", "results", "health-survey"]);
    assert!(results.contains("4, yes, evening"), "{results}");
    assert_eq!(stand_in.end().1, Some(0), "the callers were treated well");
}

#[test]
fn run_once_ends_when_the_calls_of_the_day_have_been_made() {
    let office = with_contact(&format!("{OPEN}, limits: {{ calls_per_day: 1 }}"));
    office.write("more.csv", "phone,external_id\n+14155550177,for tomorrow\n");
    office.succeeds(&["contacts", "import", "more.csv", "--campaign", "health-survey"]);
    let (out, stand_in) = runs_once(&office);
    assert!(out.contains("calls of the day have been made"), "{out}");
    assert_eq!(stand_in.end().1, Some(0), "nobody else was called");
}

#[test]
fn run_once_ends_at_once_where_nothing_is_to_be_done() {
    let office = with_contact(&closed());
    let args = ["run-once", "--campaign", "health-survey"];
    let (out, _, status) = office.run(&args);
    assert_eq!(status, Some(1), "{out}");
    assert!(
        out.contains("draft") && out.contains("samvad campaign activate"),
        "{out}"
    );
    office.succeeds(&["campaign", "activate", "health-survey"]);
    assert!(office.succeeds(&args).contains("window is closed until"));
    office.succeeds(&["campaign", "pause", "health-survey"]);
    let (out, _, status) = office.run(&args);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("samvad campaign resume"), "{out}");
    assert!(
        office
            .refuses(&["run-once", "--campaign", "another"])
            .contains("no campaign another")
    );
}

#[test]
fn a_first_call_reaches_its_number_and_leaves_the_campaign_as_it_is() {
    let office = Office::with_campaign(&closed());
    let bind = free_address();
    let (stand_in, api) = stand_in(office.directory.path(), bind);
    let args = [
        "call",
        "--to",
        NUMBER,
        "--campaign",
        "health-survey",
        "--outside-window",
        "--confirm",
        NUMBER,
    ];
    let (out, err, status) = run(&mut attached(&office, &args, &api, &bind.to_string()));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("4, yes, evening"), "{out}");
    let list = office.succeeds(&["campaign", "list"]);
    assert!(
        list.lines()
            .any(|line| line.starts_with("health-survey ") && line.ends_with("draft")),
        "{list}"
    );
    assert!(
        list.contains("health-survey-call-") && !list.contains("running"),
        "{list}"
    );
    assert_eq!(stand_in.end().1, Some(0));
}

#[test]
fn a_call_is_refused_to_whom_it_may_not_reach() {
    let office = with_contact(&closed());
    let call = |to: &str, more: &[&str]| {
        let args = [&["call", "--to", to, "--campaign", "health-survey"], more].concat();
        let (out, err, status) = run(&mut attached(&office, &args, "http://127.0.0.1:9", "127.0.0.1:0"));
        assert_eq!(status, Some(2), "{out}{err}");
        err
    };
    assert!(call("+14155550102", &[]).contains("SAMVAD_ALLOWED_NUMBERS"));
    assert!(call("4155550101", &[]).contains("E.164"));
    assert!(call(NUMBER, &[]).contains("--outside-window"));
    assert!(call(NUMBER, &["--outside-window"]).contains("--confirm"));
    let other = ["--outside-window", "--confirm", "+14155550102"];
    assert!(call(NUMBER, &other).contains("another number"));
    office.succeeds(&["campaign", "activate", "health-survey"]);
    assert!(call(NUMBER, &["--outside-window"]).contains("pause it first"));
    office.succeeds(&["campaign", "pause", "health-survey"]);
    office.succeeds(&["dnc", "add", NUMBER]);
    assert!(call(NUMBER, &["--outside-window"]).contains("do-not-call"));
    assert_eq!(
        office.succeeds(&["campaign", "list"]).lines().count(),
        2,
        "no copy was made"
    );
}

#[test]
fn doctor_asks_the_carrier_and_the_way_back_and_names_what_does_not_answer() {
    let office = Office::with_campaign(OPEN);
    let bind = free_address();
    let (_stand_in, api) = stand_in(office.directory.path(), bind);
    let bind = bind.to_string();
    let finding = |api: &str, public_url: &str, check: &str| {
        let mut doctor = attached(&office, &["doctor", "--live", "--json"], api, &bind);
        let (out, _, _) = run(doctor.env("SAMVAD_PUBLIC_URL", public_url));
        let findings = out
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let mut findings = findings.filter(|finding| finding["check"] == check);
        findings.next().map(|finding| finding["state"].clone())
    };
    let here = format!("http://{bind}");
    assert_eq!(finding(&api, &here, "public origin"), Some("ok".into()));
    for check in ["credentials", "caller number", "permission"] {
        assert_eq!(finding(&api, &here, check), Some("ok".into()), "{check}");
    }
    assert_eq!(
        finding("http://127.0.0.1:9", &here, "credentials"),
        Some("fault".into())
    );
    assert_eq!(
        finding(&api, "http://127.0.0.1:9", "public origin"),
        Some("fault".into())
    );
}
