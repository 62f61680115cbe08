//! The exclusion list.

use super::client::Request;
use super::world::{NOW, Somebody, World};
use samvad_actors::domain::{Campaign, CampaignId, ContactId, ContactState, PhoneNumber, Role};
use samvad_actors::ports::{
    AuditEntry, CampaignStore, ContactStore, DoNotCallEntry, ExclusionSource, ExclusionStore, NewContact, PeopleStore,
};
use serde_json::{Value, json};

const EXCLUSIONS: &str = "/api/v1/exclusions";
const ASHA: &str = "+14155550101";
const RAVI: &str = "+14155550102";

fn setting() -> (World, Somebody) {
    let world = World::start();
    let admin = world.person(Role::Admin);
    (world, admin)
}

fn post(path: &str, body: &Value) -> Request {
    Request::new("POST", &format!("{EXCLUSIONS}{path}")).json(body)
}

fn listed(world: &World, admin: &Somebody, search: &Value) -> Vec<(String, String)> {
    let answer = world.as_somebody(admin, post("/search", search));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
    let items = answer.json()["items"].as_array().expect("items").clone();
    items
        .iter()
        .map(|entry| (text(entry, "number"), text(entry, "source")))
        .collect()
}

/// A number whose person said in a call that they are not to be called.
fn said_in_a_call(world: &World, by: &Somebody, number: &str) {
    let entry = DoNotCallEntry {
        number: PhoneNumber::parse(number).expect("a number"),
        source: ExclusionSource::InCall,
        attempt: None,
        added_at_ms: NOW,
    };
    let audit = AuditEntry {
        by: samvad_actors::domain::ChangedBy {
            kind: samvad_actors::domain::ActorKind::System,
            id: by.id().to_string(),
            name: "a call".to_owned(),
            request_id: None,
        },
        action: "exclusion.add",
        target: ("exclusion", String::new()),
        before: None,
        after: None,
    };
    world
        .wait(world.store.add_exclusions(&[entry], &audit, NOW))
        .expect("added");
}

#[test]
fn a_number_that_is_listed_takes_its_contacts_out_until_it_is_removed_and_the_log_shows_no_number() {
    let (world, admin) = setting();
    let campaign = Campaign::from_yaml(include_str!("../../fixtures/campaigns/health_survey.yaml")).expect("valid");
    let contact = NewContact {
        id: ContactId::new("asha"),
        campaign: CampaignId::new("health-survey"),
        number: PhoneNumber::parse(ASHA).expect("a number"),
        external_id: None,
        name: None,
        email: None,
        language: None,
    };
    world.wait(world.store.put_campaign(&campaign, NOW)).expect("written");
    world.wait(world.store.add_contacts(&[contact], NOW)).expect("added");
    let state = || {
        let record = world.wait(world.store.contact_record(&campaign.id, &ContactId::new("asha")));
        record.expect("read").expect("there").0.state
    };
    let numbers = json!({ "numbers": [ASHA, RAVI, ASHA] });
    let added = world.as_somebody(&admin, post("", &numbers)).json();
    assert_eq!(added, json!({"added": 2, "calls_cancelled": 0, "calls_left": 0}));
    assert_eq!(state(), ContactState::Excluded);
    let again = world
        .as_somebody(&admin, post("", &json!({ "numbers": [ASHA] })))
        .json();
    assert_eq!(again["added"], 0);
    assert_eq!(
        listed(&world, &admin, &json!({ "number": ASHA })),
        [(ASHA.to_owned(), "manual".to_owned())]
    );
    let remove = post("/remove", &json!({ "number": ASHA }));
    let removed = world.as_somebody(&admin, remove.clone()).json();
    assert_eq!(removed, json!({"contacts_pending_again": 1}));
    assert_eq!(state(), ContactState::Pending);
    world.as_somebody(&admin, remove).problem(404);
    assert!(listed(&world, &admin, &json!({ "number": ASHA })).is_empty());

    let log = world.as_somebody(&admin, Request::get("/api/v1/audit?action=exclusion."));
    let rows = log.json();
    let rows = rows["items"].as_array().expect("items");
    let actions: Vec<&str> = rows.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["exclusion.remove", "exclusion.add", "exclusion.add"]);
    assert!(
        rows.iter()
            .all(|row| row["by"]["id"].as_str() == Some(admin.id().as_str()))
    );
    assert_eq!(rows[0]["target"]["id"], "+14*******01");
    assert!(!log.text().contains("4155550101"), "{}", log.text());
}

#[test]
fn what_was_said_in_a_call_cannot_be_taken_back() {
    let (world, admin) = setting();
    said_in_a_call(&world, &admin, ASHA);
    let refused = world.as_somebody(&admin, post("/remove", &json!({ "number": ASHA })));
    let problem = refused.problem(409);
    assert!(
        problem["detail"]
            .as_str()
            .expect("a detail")
            .contains("cannot be taken back")
    );
    // Written again by hand, it stays what it is.
    assert_eq!(
        world
            .as_somebody(&admin, post("", &json!({ "numbers": [ASHA] })))
            .status,
        200
    );
    world
        .as_somebody(&admin, post("/remove", &json!({ "number": ASHA })))
        .problem(409);
    let found = world
        .as_somebody(&admin, post("/search", &json!({ "number": ASHA })))
        .json();
    let entry = &found["items"][0];
    assert_eq!(
        (&entry["source"], &entry["removable"]),
        (&json!("in_call"), &json!(false))
    );
}

#[test]
fn the_list_comes_in_pages_that_lose_and_repeat_nobody() {
    let (world, admin) = setting();
    let numbers: Vec<String> = (0..7).map(|number| format!("+1415555020{number}")).collect();
    for number in &numbers {
        let added = world.as_somebody(&admin, post("", &json!({ "numbers": [number] })));
        assert_eq!(added.status, 200);
    }
    said_in_a_call(&world, &admin, ASHA);
    let (mut seen, mut search) = (Vec::new(), json!({"source": "manual", "limit": 3}));
    loop {
        let page = world.as_somebody(&admin, post("/search", &search)).json();
        let items = page["items"].as_array().expect("items");
        assert!((1..=3).contains(&items.len()));
        seen.extend(
            items
                .iter()
                .map(|entry| entry["number"].as_str().expect("a number").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => search["cursor"] = json!(next),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, numbers);
    assert_eq!(
        listed(&world, &admin, &json!({"source": "in_call"})),
        [(ASHA.to_owned(), "in_call".to_owned())]
    );
    assert_eq!(listed(&world, &admin, &json!({})).len(), 8);
    for (search, field) in [
        (json!({"limit": 0}), "/limit"),
        (json!({"limit": 201}), "/limit"),
        (json!({"cursor": "x"}), "/cursor"),
        (json!({"source": "hearsay"}), "/source"),
        (json!({"number": "4155550101"}), "/number"),
        (json!({"numbers": []}), ""),
    ] {
        let problem = world.as_somebody(&admin, post("/search", &search)).problem(422);
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

#[test]
fn every_number_that_is_none_is_named_by_its_place_and_nothing_is_added() {
    let (world, admin) = setting();
    let mut numbers = vec![json!(ASHA), json!("4155550102"), json!("=1+1"), json!(""), json!(RAVI)];
    numbers.push(json!("x".repeat(10_000)));
    numbers.push(json!("+١٤١٥٥٥٥٠١٠١"));
    let refused = world.as_somebody(&admin, post("", &json!({ "numbers": numbers })));
    let problem = refused.problem(422);
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect();
    assert_eq!(
        fields,
        ["/numbers/1", "/numbers/2", "/numbers/3", "/numbers/5", "/numbers/6"]
    );
    assert!(!refused.text().contains("4155550102"));
    assert!(listed(&world, &admin, &json!({})).is_empty());

    let many = |count: usize| {
        let numbers: Vec<String> = (0..count).map(|number| format!("+1415{number:07}")).collect();
        world.as_somebody(&admin, post("", &json!({ "numbers": numbers })))
    };
    many(0).problem(422);
    many(1_001).problem(422);
    assert_eq!(many(1_000).json()["added"], 1_000);
    for (body, status) in [
        (json!({ "numbers": ASHA }), 422),
        (json!({ "numbers": [14_155_550_101_u64] }), 422),
        (json!({ "numbers": [ASHA], "reason": "a secret" }), 422),
    ] {
        let refused = world.as_somebody(&admin, post("", &body));
        refused.problem(status);
        assert!(!refused.text().contains("4155550101") && !refused.text().contains("secret"));
    }
    let raw = Request::new("POST", EXCLUSIONS).header("content-type", "application/json");
    let not_utf8 = raw.body(b"{\"numbers\":[\"\xff\"]}".to_vec());
    world.as_somebody(&admin, not_utf8).problem(400);
}

#[test]
fn numbers_that_are_sent_twice_with_one_key_are_added_once() {
    let (world, admin) = setting();
    let request = post("", &json!({ "numbers": [ASHA] })).header("idempotency-key", "once");
    let first = world.as_somebody(&admin, request.clone());
    let second = world.as_somebody(&admin, request);
    assert_eq!(
        (first.json()["added"].clone(), second.body == first.body),
        (json!(1), true)
    );
    // A list of numbers is not kept with a key.
    let search = post("/search", &json!({})).header("idempotency-key", "search");
    world.as_somebody(&admin, search).problem(400);
}
