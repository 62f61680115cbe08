//! `samvad dnc`.

use super::support::{OPEN, Office};
use samvad::store::SqlStore;
use samvad_actors::domain::PhoneNumber;
use samvad_actors::ports::{DoNotCallEntry, DoNotCallStore, ExclusionSource};

/// Keeps that the person of a number asked in a call, an hour ago, not to be called any more.
fn said_in_call(office: &Office, number: &str) {
    let file = office.directory.path().join("data/samvad.db");
    let entry = DoNotCallEntry {
        number: PhoneNumber::parse(number).expect("a number"),
        source: ExclusionSource::InCall,
        attempt: None,
        added_at_ms: jiff::Timestamp::now().as_millisecond() - 3_600_000,
    };
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let store = SqlStore::open(&format!("sqlite://{}", file.display())).await;
        let store = store.expect("the database");
        assert_eq!(store.add_do_not_call(&entry).await, Ok(true));
        store.close().await;
    });
}

#[test]
fn a_number_is_added_found_and_shown_to_whoever_typed_it() {
    let office = Office::new();
    let out = office.succeeds(&["dnc", "add", "+91 98123 45678", "+14155550101"]);
    assert!(out.contains("+919812345678 is on the list now"), "{out}");
    let again = office.succeeds(&["dnc", "add", "09812345678", "--region", "IN"]);
    assert!(again.contains("already"), "{again}");
    let (out, _, status) = office.run(&["dnc", "check", "+14155550101"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(office.succeeds(&["dnc", "check", "+14155550102"]).contains("not on"));
}

#[test]
fn nothing_is_added_unless_every_number_can_be_read() {
    let office = Office::new();
    let refusal = office.refuses(&["dnc", "add", "+14155550101", "98123"]);
    assert!(refusal.contains("98123") && refusal.contains("--region"), "{refusal}");
    assert!(
        office
            .refuses(&["dnc", "check", "+14155550101"])
            .contains("no database")
    );
    assert!(office.refuses(&["dnc", "add"]).contains("NUMBER"));
}

#[test]
fn a_file_of_numbers_is_taken_and_its_faults_are_named_without_numbers() {
    let office = Office::new();
    office.write("stop.csv", "name,tel\nA,+14155550101\nB,nobody\nC,+14155550101\n");
    let (out, _, status) = office.run(&["dnc", "import", "stop.csv"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("row 3, tel: letters") && !out.contains("5550101"), "{out}");
    assert_eq!(office.run(&["dnc", "check", "+14155550101"]).2, Some(1));
    office.write("bad.csv", "name\nA\n");
    assert!(office.refuses(&["dnc", "import", "bad.csv"]).contains("phone_number"));
}

#[test]
fn what_was_typed_is_removed_after_a_confirmation_and_stands_in_the_audit_log() {
    let office = Office::with_campaign(OPEN);
    office.write("people.csv", "phone\n+14155550101\n+14155550102\n");
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
    office.succeeds(&["dnc", "add", "+14155550101"]);
    let refusal = office.refuses(&["dnc", "remove", "+14155550101"]);
    assert!(refusal.contains("--yes"), "{refusal}");
    assert_eq!(
        office.run(&["dnc", "check", "+14155550101"]).2,
        Some(1),
        "nothing was done"
    );

    let out = office.succeeds(&["dnc", "remove", "(415) 555-0101", "--region", "US", "--yes"]);
    assert!(
        out.contains("+14155550101 is off") && out.contains("1 contact pending again"),
        "{out}"
    );
    office.succeeds(&["dnc", "check", "+14155550101"]);
    let log = office.succeeds(&["audit", "--json", "--action", "exclusion.remove"]);
    assert_eq!(log.lines().count(), 1, "the refusal was no change");
    let entry: serde_json::Value = serde_json::from_str(&log).expect("an entry");
    assert_eq!(entry["by"]["kind"], "command_line");
    assert_eq!(entry["before"]["source"], "manual");
    assert_eq!(entry["after"]["contacts_pending_again"], 1);
    assert!(!log.contains("5550101"), "{log}");

    let again = office.refuses(&["dnc", "remove", "+14155550101", "--yes"]);
    assert!(again.contains("not on the do-not-call list"), "{again}");
    let unread = office.refuses(&["dnc", "remove", "98123", "--yes"]);
    assert!(unread.contains("--region"), "{unread}");
}

#[test]
fn what_was_said_in_a_call_stays_and_that_is_told() {
    let office = Office::with_campaign(OPEN);
    said_in_call(&office, "+14155550101");
    for args in [
        &["dnc", "remove", "+14155550101"][..],
        &["dnc", "remove", "+14155550101", "--yes"],
    ] {
        let refusal = office.refuses(args);
        assert!(
            refusal.contains("asked in a call") && refusal.contains("stays"),
            "{refusal}"
        );
    }
    assert_eq!(office.run(&["dnc", "check", "+14155550101"]).2, Some(1));
    assert_eq!(
        office.succeeds(&["audit", "--json", "--action", "exclusion.remove"]),
        ""
    );
}

#[test]
fn the_list_is_shown_newest_first_by_its_source_and_without_numbers() {
    let office = Office::with_campaign(OPEN);
    said_in_call(&office, "+14155550103");
    office.write("stop.csv", "phone\n+14155550101\n");
    office.succeeds(&["dnc", "import", "stop.csv"]);
    office.succeeds(&["dnc", "add", "+14155550102"]);
    let all = office.succeeds(&["dnc", "list"]);
    let lines: Vec<&str> = all.lines().skip(1).collect();
    assert_eq!(lines.len(), 3, "{all}");
    assert!(lines[0].ends_with("manual") && lines[1].ends_with("import"), "{all}");
    assert!(lines[2].ends_with("in a call; stays"), "{all}");
    assert!(all.contains("+14*******02") && !all.contains("5550"), "{all}");
    let imported = office.succeeds(&["dnc", "list", "--source", "import"]);
    assert!(imported.contains("*01") && !imported.contains("*02"), "{imported}");
    assert_eq!(office.succeeds(&["dnc", "list", "--limit", "2"]).lines().count(), 3);
}

#[test]
fn a_registry_s_answer_lets_in_whom_it_does_not_list_and_nobody_else() {
    let office = Office::with_campaign(&format!("{OPEN}, scrub_max_age_days: 7"));
    office.write("people.csv", "phone\n+14155550101\n+14155550102\n+14155550103\n");
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
    let eligible = || office.succeeds(&["campaign", "preview", "health-survey"]);
    assert!(eligible().contains("0 of 3 contacts"), "nobody was looked up");

    office.write(
        "registry.csv",
        "phone,listed\n+14155550101,no\n+14155550102,yes\n+14155550103,\n",
    );
    let import = |date: &str| office.run(&["dnc", "scrub", "import", "registry.csv", "--date", date]);
    assert_eq!(import("2020-01-01").2, Some(1), "a row says nothing");
    assert!(eligible().contains("0 of 3 contacts"), "the answer is too old");
    let (out, err, status) = import("2999-01-01");
    assert_eq!(status, Some(2), "{out}");
    assert!(err.contains("future"), "{err}");
    assert_eq!(import("yesterday").2, Some(2));
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let (out, _, _) = import(&today);
    assert!(out.contains("row 4, listed"), "{out}");
    assert!(eligible().contains("1 of 3 contacts"), "{}", eligible());

    office.write("registry.csv", "phone\n+14155550101\n");
    let (_, err, status) = import(&today);
    assert_eq!(status, Some(2));
    assert!(err.contains("no column listed"), "{err}");
}
