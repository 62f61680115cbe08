//! `samvad campaign` and `samvad stop-all`.

use super::support::{OPEN, Office, closed, fixture, run};

const ONE: &str = "phone_number,external_id\n+14155550101,the only one\n";

/// A campaign with one contact.
fn office() -> Office {
    let office = Office::with_campaign(OPEN);
    office.write("people.csv", ONE);
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
    office
}

/// The code that a preview of live calls prints.
fn code(office: &Office) -> String {
    let out = office.succeeds(&["campaign", "preview", "health-survey", "--mode", "live"]);
    let line = out
        .lines()
        .find(|line| line.starts_with("confirm with"))
        .expect("a code");
    line.split_whitespace().last().expect("a code").to_owned()
}

#[test]
fn the_status_of_a_running_campaign_says_what_it_waits_for_if_it_does() {
    for (window, waits) in [(OPEN.to_owned(), false), (closed(), true)] {
        let office = Office::with_campaign(&window);
        office.write("people.csv", ONE);
        office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
        office.succeeds(&["campaign", "activate", "health-survey"]);
        let status = office.succeeds(&["campaign", "status", "health-survey"]);
        let line = status.lines().find(|line| line.starts_with("waits"));
        assert_eq!(line.is_some(), waits, "{status}");
        if let Some(line) = line {
            assert!(
                line.contains("the window is closed until 20") && line.ends_with("11:00 UTC"),
                "{line}"
            );
        }
        office.succeeds(&["campaign", "pause", "health-survey"]);
        let paused = office.succeeds(&["campaign", "status", "health-survey"]);
        assert!(!paused.contains("waits"), "{paused}");
    }
}

#[test]
fn a_campaign_goes_from_a_file_to_its_end() {
    let office = Office::with_campaign(OPEN);
    assert!(office.succeeds(&["campaign", "list"]).contains("draft"));
    let refusal = office.refuses(&["campaign", "activate", "health-survey"]);
    assert!(refusal.contains("nobody to call"), "{refusal}");
    office.write("people.csv", ONE);
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);

    let preview = office.succeeds(&["campaign", "preview", "health-survey"]);
    assert!(
        preview.contains("dry run") && preview.contains("1 of 1 contact"),
        "{preview}"
    );
    assert!(
        !preview.contains("confirm with"),
        "a rehearsal needs no code: {preview}"
    );
    assert!(
        office
            .succeeds(&["campaign", "activate", "health-survey"])
            .contains("is running")
    );
    let status = office.succeeds(&["campaign", "status", "health-survey"]);
    assert!(
        status.contains("running") && status.contains("pending      1"),
        "{status}"
    );
    assert!(
        office
            .succeeds(&["campaign", "pause", "health-survey"])
            .contains("paused")
    );
    assert!(
        office
            .refuses(&["campaign", "pause", "health-survey"])
            .contains("not possible")
    );
    assert!(
        office
            .succeeds(&["campaign", "resume", "health-survey"])
            .contains("running")
    );
    assert!(
        office
            .succeeds(&["campaign", "stop", "health-survey"])
            .contains("completed")
    );
    let results = office.succeeds(&["campaign", "results", "health-survey", "--csv", "results.csv"]);
    assert!(
        results.contains("the only one") && results.contains("not called"),
        "{results}"
    );
    assert!(office.read("results.csv").contains("+14155550101"));
}

#[test]
fn a_campaign_may_begin_later_but_not_earlier() {
    let office = office();
    let begin = |at| ["campaign", "activate", "health-survey", "--at", at];
    assert!(office.refuses(&begin("2020-01-01T11:00:00Z")).contains("past"));
    assert!(office.refuses(&begin("tomorrow")).contains("2026-03-02T11:00:00+05:30"));
    let out = office.succeeds(&begin("2100-01-01T11:00:00+05:30"));
    assert!(out.contains("scheduled, begins 2100-01-01 05:30 UTC"), "{out}");
}

#[test]
fn live_calls_want_a_live_installation_and_the_code_of_a_preview_that_still_holds() {
    let office = office();
    let refusal = office.refuses(&["campaign", "activate", "health-survey", "--mode", "live"]);
    assert!(refusal.contains("DRY_RUN_MODE=false"), "{refusal}");
    let live = |args: &[&str]| {
        let mut command = office.command(&[&["campaign", "activate", "health-survey"], args].concat());
        command
            .envs(super::support::account())
            .env("DRY_RUN_MODE", "false")
            .env("SAMVAD_PRICE_PER_MINUTE", "0.04")
            .env("SAMVAD_PUBLIC_URL", "https://calls.example.org");
        super::support::run(&mut command)
    };
    let (out, err, status) = live(&[]);
    assert_eq!(status, Some(2), "{out}{err}");
    assert!(err.contains("--confirm CODE"), "{err}");
    assert!(out.contains("LIVE") && out.contains("at most 0.20"), "{out}");
    let old = code(&office);
    office.write("more.csv", "phone\n+14155550102\n");
    office.succeeds(&["contacts", "import", "more.csv", "--campaign", "health-survey"]);
    let (_, err, status) = live(&["--confirm", &old]);
    assert_eq!(status, Some(2));
    assert!(err.contains("look at the preview again"), "{err}");
    let (out, err, status) = live(&["--confirm", &code(&office)]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("running"), "{out}");
}

#[test]
fn what_is_no_campaign_is_refused_and_leaves_no_database_behind() {
    let office = Office::new();
    for args in [
        &["campaign", "list"][..],
        &["stop-all", "--yes"],
        &["campaign", "status", "x"],
    ] {
        assert!(office.refuses(args).contains("no database"), "{args:?}");
    }
    let example = std::fs::read_to_string(fixture("campaigns/health_survey.yaml")).expect("the example");
    office.write("bad.yaml", example.replace("max_reprompts: 2", "max_reprompts: 99"));
    let refusal = office.refuses(&["campaign", "create", "--file", "bad.yaml"]);
    assert!(refusal.contains("max_reprompts"), "{refusal}");
    assert!(!office.directory.path().join("data").exists());

    let office = Office::with_campaign(&closed());
    for command in ["preview", "activate", "pause", "resume", "stop", "status", "results"] {
        let refusal = office.refuses(&["campaign", command, "another"]);
        assert!(refusal.contains("no campaign another"), "{command}: {refusal}");
    }
    let refusal = office.refuses(&["campaign", "status", "health-survey", "--watch"]);
    assert!(refusal.contains("terminal"), "{refusal}");
    assert!(
        office
            .refuses(&["campaign", "results", "health-survey"])
            .contains("no contact")
    );
}

#[test]
fn stop_all_asks_and_then_pauses_everything() {
    let office = office();
    office.succeeds(&["campaign", "activate", "health-survey"]);
    let refusal = office.refuses(&["stop-all"]);
    assert!(refusal.contains("--yes"), "{refusal}");
    assert!(
        office.succeeds(&["campaign", "list"]).contains("running"),
        "nothing was stopped"
    );
    let out = office.succeeds(&["stop-all", "--yes"]);
    assert!(
        out.contains("1 campaign paused") && out.contains("0 calls hung up"),
        "{out}"
    );
    let list = office.succeeds(&["campaign", "list"]);
    assert!(list.contains("paused: everything was stopped"), "{list}");
}

#[test]
fn a_recorded_campaign_is_refused_where_its_prompts_do_not_say_so_when_created_and_when_activated() {
    let office = Office::with_campaign(OPEN);
    office.write("people.csv", ONE);
    let recorded = office
        .read("survey.yaml")
        .replace("recording: false", "recording: true");
    office.write("recorded.yaml", recorded);
    let prompts = office.directory.path().join("prompts");
    let english = prompts.join("en");
    std::fs::create_dir_all(&english).expect("made");
    let built_in = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/en");
    for entry in std::fs::read_dir(built_in).expect("prompts") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, english.join(path.file_name().expect("a name"))).expect("copied");
    }
    let with_prompts = |args: &[&str]| run(office.command(args).env("SAMVAD_PROMPTS_DIR", &prompts));
    let create = ["campaign", "create", "--file", "recorded.yaml"];
    let (_, err, status) = with_prompts(&create);
    assert_eq!(status, Some(0), "a copy announces it: {err}");
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);

    let file = english.join("prompts.yaml");
    let text = std::fs::read_to_string(&file).expect("prompts");
    let silent = text.replace("recording_notice:\n  - \"This call is recorded.\"\n", "");
    assert_ne!(silent, text);
    std::fs::write(&file, silent).expect("written");
    for args in [&create[..], &["campaign", "activate", "health-survey"]] {
        let (_, err, status) = with_prompts(args);
        assert_eq!(status, Some(2), "{args:?}: {err}");
        assert!(
            err.contains("recording: is on") && err.contains("recording_notice"),
            "{args:?}: {err}"
        );
    }
}
