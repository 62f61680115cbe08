//! `samvad contacts`.

use super::support::{OPEN, Office};
use std::os::unix::fs::PermissionsExt;

const IMPORT: [&str; 5] = ["contacts", "import", "people.csv", "--campaign", "health-survey"];

/// The count that stands behind a word of the summary.
fn count(out: &str, word: &str) -> u64 {
    let line = out.lines().find(|line| line.starts_with(word)).expect("a line");
    let digits = line.rsplit(' ').next().expect("a count").replace(',', "");
    digits.parse().expect("a count")
}

fn summary(out: &str) -> [u64; 4] {
    ["rows", "accepted", "there already", "rejected"].map(|word| count(out, word))
}

#[test]
fn every_good_row_is_taken_and_every_other_is_named_with_its_number() {
    let office = Office::with_campaign(OPEN);
    let people = "\u{feff}Mobile;Customer ID;Zone;has_prior_consent;do_not_call;Name;City\n\
                  98123 45678;a-1;;yes;;Asha;Pune\n\
                  9812345679;a-2;Nowhere/Land;;;Ravi;\n\
                  +14155550101;a-3;;;yes;Joe;\n\
                  0091 98123 45678;a-4;;;;Asha again;\n\
                  12;a-5;;;;short;\n\
                  +14155550102;a-6;America/New_York;no;no;Ann;\n";
    office.write("people.csv", people);
    let args = [&IMPORT[..], &["--region", "IN", "--rejected", "rejected.csv"]].concat();
    let (out, err, status) = office.run(&args);
    assert_eq!(status, Some(1), "{out}{err}");
    assert_eq!(summary(&out), [6, 3, 1, 2], "{out}");
    assert!(out.contains("row 3, zone") && out.contains("row 6, mobile"), "{out}");
    assert!(
        out.contains("1 number put on do-not-call") && err.contains("not used: city"),
        "{out}{err}"
    );
    assert!(
        !out.contains("98123") && !err.contains("98123"),
        "numbers are not shown"
    );

    assert!(!out.contains("Asha") && !err.contains("Asha"), "nor are names");

    let rejected = office.read("rejected.csv");
    let rows: Vec<_> = rejected
        .lines()
        .map(|line| line.split(',').next().expect("a row"))
        .collect();
    assert_eq!(rows, ["row", "3", "5", "6"]);
    let mode = std::fs::metadata(office.directory.path().join("rejected.csv"));
    assert_eq!(mode.expect("there").permissions().mode() & 0o777, 0o600);

    assert_eq!(office.run(&["dnc", "check", "+14155550101"]).2, Some(1));
    let preview = office.succeeds(&["campaign", "preview", "health-survey"]);
    assert!(preview.contains("2 of 3 contacts"), "{preview}");
    let (out, _, _) = office.run(&args);
    assert_eq!(summary(&out), [6, 0, 4, 2], "a second import takes nobody twice: {out}");
}

#[test]
fn email_addresses_are_taken_and_one_that_is_none_is_named_and_not_shown() {
    let office = Office::with_campaign(OPEN);
    office.write(
        "people.csv",
        "phone,E-mail address\n+14155550101,asha@riverside.example\n+14155550102,\n+14155550103,asha at riverside\n",
    );
    let args = [&IMPORT[..], &["--rejected", "rejected.csv"]].concat();
    let (out, err, status) = office.run(&args);
    assert_eq!((status, summary(&out)), (Some(1), [3, 2, 0, 1]), "{out}{err}");
    assert!(
        out.contains("row 4, e_mail_address: an e-mail address with a blank"),
        "{out}"
    );
    assert!(!err.contains("not used"), "{err}");
    for text in [out, err, office.read("rejected.csv")] {
        assert!(!text.contains("riverside"), "{text}");
    }
    let purge = ["purge", "--transcripts", "0"];
    assert!(
        office.succeeds(&purge).contains("e-mail addresses removed:  0\n"),
        "both wait for their calls"
    );
    office.succeeds(&["campaign", "activate", "health-survey"]);
    office.succeeds(&["campaign", "stop", "health-survey"]);
    assert!(office.succeeds(&purge).contains("e-mail addresses removed:  1\n"));
    assert!(office.succeeds(&purge).contains("e-mail addresses removed:  0\n"));
    let both = "phone,email,mail\n+14155550101,,\n";
    office.write("people.csv", both);
    assert!(office.refuses(&IMPORT).contains("keep one"));
    assert!(
        office
            .succeeds(&["contacts", "import", "--help"])
            .contains("email_address")
    );
}

#[test]
fn a_file_of_more_rows_than_a_batch_is_taken_whole() {
    let office = Office::with_campaign(OPEN);
    let rows: String = (0..2_500).map(|n| format!("+9198123{n:05}\n")).collect();
    office.write("people.csv", format!("phone\n{rows}"));
    let out = office.succeeds(&IMPORT);
    assert_eq!(summary(&out), [2_500, 2_500, 0, 0]);
}

#[test]
fn a_file_that_cannot_be_used_is_refused_by_what_is_wrong_with_it() {
    let office = Office::with_campaign(OPEN);
    let wrong: &[(&[u8], &[&str])] = &[
        (b"\xff\xfep\0h\0o\0n\0e\0\n\0", &["people.csv", "UTF-16", "CSV UTF-8"]),
        (b"PK\x03\x04....", &["spreadsheet", "CSV UTF-8"]),
        (b"", &["empty"]),
        (b"name,city\nAsha,Pune\n", &["name, city", "phone_number"]),
        (
            b"phone,mobile\n+14155550101,+14155550102\n",
            &["phone", "mobile", "keep one"],
        ),
    ];
    for (content, words) in wrong {
        office.write("people.csv", content);
        let refusal = office.refuses(&IMPORT);
        for word in *words {
            assert!(refusal.contains(word), "{word}: {refusal}");
        }
    }
    office.write("people.csv", "phone\n+14155550101\n");
    let other = ["contacts", "import", "people.csv", "--campaign", "another"];
    assert!(office.refuses(&other).contains("no campaign another"));
    let region = [&IMPORT[..], &["--region", "India"]].concat();
    assert!(office.refuses(&region).contains("two letters"));
    let onto_itself = [&IMPORT[..], &["--rejected", "people.csv"]].concat();
    assert!(office.refuses(&onto_itself).contains("name another"));
    assert!(office.read("people.csv").contains("+14155550101"), "it is untouched");
}

#[test]
fn what_was_stored_before_a_file_broke_off_is_said() {
    let office = Office::with_campaign(OPEN);
    let mut people = b"phone\n+14155550101\n\"".to_vec();
    people.resize(3 << 20, b'x');
    office.write("people.csv", people);
    let (out, err, status) = office.run(&IMPORT);
    assert_eq!(status, Some(2), "{out}{err}");
    assert_eq!(summary(&out), [1, 1, 0, 0], "{out}");
    assert!(err.contains("1 row in all") && err.contains("quotation mark"), "{err}");
}

#[test]
fn an_export_of_a_campaign_that_called_nobody_has_its_columns_and_those_excluded_on_request() {
    let office = Office::with_campaign(OPEN);
    office.write(
        "people.csv",
        "phone,external_id,dnc\n+14155550101,=1+1,yes\n+14155550102,b,\n",
    );
    office.succeeds(&IMPORT);
    let export = ["export", "--campaign", "health-survey", "--out", "export.csv"];
    assert!(office.succeeds(&export).contains("0 finished contacts"));
    assert!(
        office
            .read("export.csv")
            .starts_with("campaign_id,contact_id,external_contact_id,phone_number,")
    );
    let all = [&export[..], &["--include-excluded"]].concat();
    assert!(office.succeeds(&all).contains("1 finished contact "));
    let text = office.read("export.csv");
    assert!(
        text.contains(",'=1+1,+14155550101,excluded,") && text.lines().count() == 2,
        "{text}"
    );
    let mode = std::fs::metadata(office.directory.path().join("export.csv"));
    assert_eq!(mode.expect("there").permissions().mode() & 0o777, 0o600);
    assert!(
        office
            .refuses(&["export", "--campaign", "x", "--out", "x.csv"])
            .contains("no campaign x")
    );
}

#[test]
fn one_contact_is_excluded_and_included_again_by_its_own_id_or_the_customers() {
    let office = Office::with_campaign(OPEN);
    office.write(
        "people.csv",
        "phone,customer_id\n+14155550101,a-1\n+14155550102,a-2\n+14155550103,a-2\n",
    );
    office.succeeds(&IMPORT);
    let of_campaign = ["--campaign", "health-survey"];
    let exclude = |who: &[&str], reason: &str| {
        let args = [&["contacts", "exclude"], who, &of_campaign, &["--reason", reason]].concat();
        office.run(&args)
    };
    let eligible = || office.succeeds(&["campaign", "preview", "health-survey"]);

    let (out, err, status) = exclude(&["--external-id", "a-1"], "moved away");
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("is excluded: moved away"), "{out}");
    assert!(eligible().contains("2 of 3 contacts"), "{}", eligible());
    let log = office.succeeds(&["audit", "--json", "--action", "contact.exclude"]);
    let entry: serde_json::Value = serde_json::from_str(&log).expect("an entry");
    assert_eq!(entry["after"]["excluded_reason"], "moved away");
    let id = entry["target"]["id"].as_str().expect("an id").to_owned();
    assert!(out.contains(&id), "{out}");

    let include = |who: &[&str]| office.run(&[&["contacts", "include"], who, &of_campaign].concat());
    let (out, err, status) = include(&[&id]);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(eligible().contains("3 of 3 contacts"), "{}", eligible());

    for (done, word) in [
        (include(&[&id]), "not excluded"),
        (include(&["none"]), "no contact none"),
        (
            exclude(&["--external-id", "a-9"], "x"),
            "no contact with the external id",
        ),
        (exclude(&["--external-id", "a-2"], "x"), "several"),
        (exclude(&[&id], ""), "is empty"),
        (exclude(&[&id], "two\nlines"), "control character"),
        (exclude(&[], "x"), "CONTACT"),
    ] {
        let (out, err, status) = done;
        assert_eq!(status, Some(2), "{word}: {out}{err}");
        assert!(err.contains(word), "{word}: {err}");
    }
    office.succeeds(&["dnc", "add", "+14155550101"]);
    let (_, err, status) = include(&["--external-id", "a-1"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("exclusion list"), "{err}");
}
