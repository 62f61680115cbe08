//! `samvad dnc`.

use super::support::{OPEN, Office};

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
