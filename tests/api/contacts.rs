//! Contacts in pages, and one by one.

use super::client::Request;
use super::survey::{End, SURVEY, call, contacts, get, import, people, put_campaign};
use super::world::World;
use samvad_actors::domain::Role;
use serde_json::{Value, json};
use std::time::Duration;

fn ids(items: &Value) -> Vec<String> {
    let items = items.as_array().expect("items").iter();
    items
        .map(|contact| contact["external_contact_id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn contacts_are_found_by_state_outcome_and_id_and_counted_when_asked() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(5));
    let all = contacts(&world, &manager);
    call(&world, &all[1], End::Completed { scale: 4 });
    world.pass(Duration::from_mins(1));
    call(&world, &all[3], End::Refused);
    let viewer = world.person(Role::Viewer);
    let found = |query: &str| get(&world, &viewer, &format!("/contacts?{query}")).json();
    assert_eq!(ids(&found("state=pending")["items"]), ["a-1", "a-3", "a-5"]);
    assert_eq!(ids(&found("last_outcome=refused")["items"]), ["a-4"]);
    assert_eq!(ids(&found("external_id=a-2&state=completed")["items"]), ["a-2"]);
    assert_eq!(ids(&found("external_id=a-2&state=refused")["items"]), [""; 0]);
    assert_eq!(found("state=pending&count=true&limit=1")["total"], 3);
    assert!(found("state=pending")["total"].is_null());
    let last_first = found("sort=-last_attempt_at&limit=2");
    assert_eq!(ids(&last_first["items"]), ["a-4", "a-2"]);
    let contact = &last_first["items"][1];
    assert_eq!(
        (
            &contact["state"],
            &contact["last_disposition"],
            &contact["attempt_count"]
        ),
        (&json!("completed"), &json!("1.1"), &json!(1))
    );
    assert_eq!(contact["last_attempt_at"], "2027-01-15T08:00:00.000Z");
    assert_eq!(ids(&found("sort=-position&limit=2")["items"]), ["a-5", "a-4"]);
}

#[test]
fn pages_lose_and_repeat_nobody_while_calls_end() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(9));
    let all = contacts(&world, &manager);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0.. {
        let page = get(&world, &manager, &format!("/contacts?limit=2{cursor}")).json();
        seen.extend(ids(&page["items"]));
        // One that was seen, and one that will be.
        call(&world, &all[round], End::Busy);
        call(&world, &all[8 - round], End::Refused);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        if round == 3 {
            let rest = get(&world, &manager, &format!("/contacts?limit=2{cursor}")).json();
            seen.extend(ids(&rest["items"]));
            assert!(rest["next"].is_null());
            break;
        }
    }
    assert_eq!(seen, (1..=9).map(|n| format!("a-{n}")).collect::<Vec<_>>());
}

#[test]
fn a_contact_is_shown_with_its_attempts_in_its_own_campaign_alone() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    put_campaign(&world, "another");
    import(&world, &manager, people(1));
    let all = contacts(&world, &manager);
    call(&world, &all[0], End::Busy);
    world.pass(Duration::from_hours(1));
    call(&world, &all[0], End::Completed { scale: 1 });
    let id = all[0]["contact_id"].as_str().expect("an id");
    let shown = get(&world, &manager, &format!("/contacts/{id}")).json();
    assert_eq!(shown["phone_number"], "+919800000001");
    let attempts = shown["attempts"].as_array().expect("attempts");
    let outcomes: Vec<&Value> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, [&json!("failed"), &json!("completed")]);
    assert_eq!(attempts[1]["attempt_number"], 2);
    assert_eq!(attempts[1]["ended_at"], "2027-01-15T09:00:01.000Z");
    for path in [
        format!("/api/v1/campaigns/another/contacts/{id}"),
        format!("{SURVEY}/contacts/none"),
        "/api/v1/campaigns/none/contacts".to_owned(),
    ] {
        world.as_somebody(&manager, Request::get(&path)).problem(404);
    }
}

#[test]
fn an_email_address_is_shown_with_its_contact_and_is_neither_in_the_export_nor_in_the_log() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    put_campaign(&world, "health-survey");
    let csv = "phone_number,external_id,E-Mail\n\
               +919800000001,a-1,Asha@Riverside.Example\n+919800000002,a-2,\n+919800000003,a-3,not.riverside\n";
    let report = import(&world, &admin, csv);
    assert_eq!(
        (&report["accepted_rows"], &report["rejected_rows"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(report["unused_columns"], json!([]));
    let rejection = &report["sample_rejections"][0];
    assert_eq!((&rejection["row"], &rejection["column"]), (&json!(4), &json!("e_mail")));
    assert!(!report.to_string().to_lowercase().contains("riverside"), "{report}");

    let all = contacts(&world, &admin);
    let emails: Vec<&Value> = all.iter().map(|contact| &contact["email"]).collect();
    assert_eq!(emails, [&json!("Asha@riverside.example"), &Value::Null]);
    let id = all[0]["contact_id"].as_str().expect("an id");
    let shown = get(&world, &admin, &format!("/contacts/{id}")).json();
    assert_eq!(shown["email"], "Asha@riverside.example");

    call(&world, &all[0], End::Refused);
    let export = get(&world, &admin, "/results.csv").text();
    assert!(
        export.contains("+919800000001") && !export.contains("riverside"),
        "{export}"
    );
    let log = world.as_somebody(&admin, Request::get("/api/v1/audit?limit=200"));
    assert_eq!(log.status, 200);
    assert!(log.text().contains("results.export") && !log.text().contains("riverside"));
}

#[test]
fn a_wrong_filter_is_named() {
    let world = World::start();
    let viewer = world.person(Role::Viewer);
    put_campaign(&world, "health-survey");
    for (query, field) in [
        ("state=lost", "state"),
        ("last_outcome=fine", "last_outcome"),
        ("sort=name", "sort"),
        ("count=perhaps", "count"),
        ("limit=0", "limit"),
        ("cursor=junk", "cursor"),
    ] {
        let answer = world.as_somebody(&viewer, Request::get(&format!("{SURVEY}/contacts?{query}")));
        assert_eq!(answer.problem(400)["errors"][0]["field"], field, "{query}");
    }
}
