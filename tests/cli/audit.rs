//! `samvad audit`.

use super::support::{OPEN, Office};
use serde_json::Value;

fn entries(office: &Office, filters: &[&str]) -> Vec<Value> {
    let out = office.succeeds(&[&["audit", "--json"], filters].concat());
    out.lines()
        .map(|line| serde_json::from_str(line).expect("an entry a line"))
        .collect()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["action"].as_str().expect("an action"))
        .collect()
}

/// Somebody wrote a campaign, listed a number and stopped the campaign.
fn busy_office() -> Office {
    let office = Office::with_campaign(OPEN);
    office.write("people.csv", "phone\n+14155550101\n+14155550102\n");
    office.succeeds(&["contacts", "import", "people.csv", "--campaign", "health-survey"]);
    office.succeeds(&["dnc", "add", "+14155550101"]);
    office.succeeds(&["campaign", "activate", "health-survey", "--mode", "dry-run"]);
    office.succeeds(&["campaign", "pause", "health-survey"]);
    office
}

#[test]
fn the_newest_change_comes_first_with_who_made_it_and_what_differs() {
    let office = busy_office();
    let out = office.succeeds(&["audit"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].contains("WHO") && lines[0].contains("CHANGE"), "{out}");
    assert!(lines[1].contains("campaign.pause"), "{out}");
    assert!(lines[1].contains("(command line)"), "{out}");
    assert!(lines[1].contains("running → paused"), "{out}");
    assert!(
        lines.last().is_some_and(|line| line.contains("campaign.create")),
        "{out}"
    );
    assert!(!out.contains("5550101"), "numbers are masked: {out}");
}

#[test]
fn every_filter_leaves_only_what_it_names() {
    let office = busy_office();
    let all = entries(&office, &[]);
    assert_eq!(
        actions(&all),
        [
            "campaign.pause",
            "campaign.activate",
            "exclusion.add",
            "contacts.import_end",
            "contacts.import",
            "campaign.create"
        ]
    );
    assert_eq!(
        actions(&entries(&office, &["--action", "contacts."])),
        ["contacts.import_end", "contacts.import"]
    );
    assert_eq!(
        actions(&entries(&office, &["--target-kind", "exclusion"])),
        ["exclusion.add"]
    );
    let of_campaign = entries(&office, &["--target-id", "health-survey", "--action", "campaign.c"]);
    assert_eq!(actions(&of_campaign), ["campaign.create"]);
    assert_eq!(actions(&entries(&office, &["--limit", "2"])), actions(&all[..2]));

    let me = all[0]["by"]["id"].as_str().expect("an account");
    assert_eq!(entries(&office, &["--by", me]).len(), all.len());
    assert!(entries(&office, &["--by", "nobody else"]).is_empty());

    let since = all[2]["at"].as_str().expect("a time");
    let (later, earlier) = (
        entries(&office, &["--since", since]),
        entries(&office, &["--until", since]),
    );
    assert!(actions(&later).contains(&"exclusion.add") && !actions(&earlier).contains(&"exclusion.add"));
    assert_eq!(later.len() + earlier.len(), all.len());
    assert!(entries(&office, &["--until", "2020-01-01"]).is_empty());
    let nothing = office.succeeds(&["audit", "--until", "2020-01-01"]);
    assert!(nothing.contains("no such entry"), "{nothing}");
}

#[test]
fn an_entry_as_json_is_whole_and_a_line() {
    let office = busy_office();
    let created = entries(&office, &["--action", "campaign.create"]).remove(0);
    assert_eq!(created["by"]["kind"], "command_line");
    assert_eq!(created["target"]["id"], "health-survey");
    assert_eq!(created["after"]["id"], "health-survey");
    assert_eq!(
        (&created["before"], &created["request_id"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn more_entries_than_are_read_at_once_are_shown_once_each_in_their_order() {
    let office = Office::new();
    let numbers: Vec<String> = (0..230).map(|n| format!("+1415555{n:04}")).collect();
    let mut add = vec!["dnc", "add"];
    add.extend(numbers.iter().map(String::as_str));
    office.succeeds(&add);
    let shown = entries(&office, &["--limit", "1000"]);
    let ids: Vec<i64> = shown.iter().filter_map(|entry| entry["id"].as_i64()).collect();
    assert_eq!(ids, (1..=230).rev().collect::<Vec<_>>());
    assert_eq!(entries(&office, &["--limit", "215"]).len(), 215);
}

#[test]
fn what_cannot_be_read_is_refused_with_the_remedy() {
    let office = Office::new();
    assert!(office.refuses(&["audit"]).contains("no database"));
    assert!(
        office
            .refuses(&["audit", "--since", "yesterday"])
            .contains("2026-03-02")
    );
    assert!(office.refuses(&["audit", "--limit", "0"]).contains("--limit"));
    let help = office.succeeds(&["audit", "--help"]);
    for part in ["--action", "--json", "jq -c", "masked", "Exit status"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
