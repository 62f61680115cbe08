//! Results as a table.

use super::client::Request;
use super::survey::{End, SURVEY, call, contacts, get, import, people, put_campaign};
use super::world::World;
use samvad_actors::domain::Role;
use serde_json::json;

const RESULTS: &str = "/results.csv";

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let records = reader.records().map(|record| record.expect("CSV"));
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn results_are_finished_contacts_in_their_order_safe_in_a_spreadsheet_and_can_be_imported_again() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let csv = "phone_number,external_id\n+919800000001,=1+1\n+919800000002,@sum\n+919800000003,plain\n";
    import(&world, &manager, csv);
    let all = contacts(&world, &manager);
    assert_eq!(all[0]["external_contact_id"], "=1+1");
    call(&world, &all[1], End::Refused);
    call(&world, &all[0], End::Completed { scale: 4 });
    let answer = get(&world, &manager, RESULTS);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"health-survey-results.csv\"")
    );
    let table = rows(&answer.text());
    assert_eq!(table.len(), 3);
    assert_eq!(table[1][2..6], ["'=1+1", "+919800000001", "completed", "1.1"]);
    assert_eq!(table[1][10..], ["4", "yes", "evening"]);
    assert_eq!(table[2][2..6], ["'@sum", "+919800000002", "refused", "2.112"]);

    put_campaign(&world, "again");
    let again = Request::new("POST", "/api/v1/campaigns/again/imports")
        .header("content-type", "text/csv")
        .body(answer.body);
    let report = world.as_somebody(&manager, again);
    assert_eq!(report.status, 201, "{}", report.text());
    assert_eq!(report.json()["accepted_rows"], 2);
    let page = world.as_somebody(&manager, Request::get("/api/v1/campaigns/again/contacts"));
    assert_eq!(page.json()["items"][0]["phone_number"], "+919800000001");
}

#[test]
fn results_that_one_has_are_not_sent_again_until_they_change() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(2));
    let all = contacts(&world, &manager);
    call(&world, &all[0], End::Refused);
    let first = get(&world, &manager, RESULTS);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = |path: &str, tag: &str| {
        let request = Request::get(&format!("{SURVEY}{path}")).header("if-none-match", tag);
        world.as_somebody(&manager, request)
    };
    let same = again(RESULTS, &tag);
    assert_eq!(
        (same.status, same.header("etag"), same.body.len()),
        (304, Some(tag.as_str()), 0)
    );
    assert_eq!(again(RESULTS, &format!("\"other\", {tag}")).status, 304);
    assert_eq!(again(RESULTS, "\"other\"").status, 200);
    // Who is excluded may change without any attempt.
    let all_of_them = again("/results.csv?include_excluded=true", &tag);
    assert_eq!((all_of_them.status, all_of_them.header("etag")), (200, None));
    assert_eq!(again("/results.csv?include_excluded=true", "*").status, 200);
    call(&world, &all[1], End::Refused);
    let changed = again(RESULTS, &tag);
    assert_eq!((changed.status, rows(&changed.text()).len()), (200, 3));
}

#[test]
fn a_table_of_many_pages_is_whole_and_the_excluded_are_in_it_only_when_asked_for() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let numbers = (1..=2_500).map(|n| format!("+9198{n:08},yes\n"));
    let csv: String = std::iter::once("phone,do_not_call\n".to_owned())
        .chain(numbers)
        .collect();
    assert_eq!(import(&world, &manager, csv)["excluded_numbers"], 2_500);
    assert_eq!(rows(&get(&world, &manager, RESULTS).text()).len(), 1);
    let table = rows(&get(&world, &manager, "/results.csv?include_excluded=true").text());
    let numbers: Vec<String> = table[1..].iter().map(|row| row[3].clone()).collect();
    assert_eq!(numbers, (1..=2_500).map(|n| format!("+9198{n:08}")).collect::<Vec<_>>());
}

#[test]
fn who_exports_how_many_stands_in_the_audit_log() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(2));
    call(&world, &contacts(&world, &manager)[0], End::Refused);
    let answer = get(&world, &manager, RESULTS);
    let admin = world.person(Role::Admin);
    let log = world.as_somebody(&admin, Request::get("/api/v1/audit?action=results."));
    let log = log.json();
    assert_eq!(log["items"].as_array().expect("items").len(), 1);
    let entry = &log["items"][0];
    assert_eq!(entry["by"]["id"], manager.id().as_str());
    assert_eq!(entry["target"], json!({"kind": "campaign", "id": "health-survey"}));
    assert_eq!(entry["after"], json!({"results": 1, "include_excluded": false}));
    assert_eq!(entry["request_id"].as_str(), answer.header("x-request-id"));
    let missing = Request::get("/api/v1/campaigns/none/results.csv");
    world.as_somebody(&manager, missing).problem(404);
}
