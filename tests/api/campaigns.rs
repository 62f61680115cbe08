//! Campaigns: their whole life by the API, and everything that is refused on the way.

use super::client::{Answer, Request};
use super::world::{Somebody, World, generous};
use samvad_actors::domain::{Campaign, CampaignId, ContactId, PhoneNumber, Role};
use samvad_actors::ports::{CampaignStore, ContactStore, NewContact};
use serde_json::{Value, json};

pub const CAMPAIGNS: &str = "/api/v1/campaigns";
const HEALTH: &str = include_str!("../../fixtures/campaigns/health_survey.yaml");

/// A definition as a client writes it, without an id.
pub fn definition() -> Value {
    let campaign = Campaign::from_yaml(HEALTH).expect("valid");
    let mut definition = serde_json::to_value(campaign).expect("JSON");
    definition.as_object_mut().expect("an object").remove("id");
    definition
}

pub fn with(pointer: &str, value: Value) -> Value {
    let mut definition = definition();
    *definition.pointer_mut(pointer).expect("there") = value;
    definition
}

pub fn manager() -> (World, Somebody) {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    (world, manager)
}

pub fn create(world: &World, who: &Somebody, definition: &Value) -> Answer {
    let answer = world.as_somebody(who, Request::new("POST", CAMPAIGNS).json(definition));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

/// A draft's path.
pub fn draft(world: &World, who: &Somebody) -> String {
    let made = create(world, who, &definition());
    made.header("location").expect("a location").to_owned()
}

/// Gives a campaign somebody to call.
pub fn add_contact(world: &World, path: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let contact = NewContact {
        id: ContactId::new(format!("contact-of-{id}")),
        campaign: CampaignId::new(id),
        number: PhoneNumber::parse("+14155550101").expect("a number"),
        external_id: None,
        name: None,
        email: None,
        language: None,
    };
    world
        .wait(world.store.add_contacts(&[contact], super::world::NOW))
        .expect("added");
}

pub fn step(world: &World, who: &Somebody, path: &str, step: &str) -> Answer {
    world.as_somebody(who, Request::new("POST", &format!("{path}/{step}")))
}

pub fn activate(world: &World, who: &Somebody, path: &str, body: &Value) -> Answer {
    world.as_somebody(who, Request::new("POST", &format!("{path}/activate")).json(body))
}

fn status(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let campaign = answer.json();
    let etag = format!("\"v{}\"", campaign["version"]);
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    campaign["status"].clone()
}

pub fn fields(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().expect("errors").iter();
    errors
        .map(|error| error["field"].as_str().expect("a field").to_owned())
        .collect()
}

fn actions(world: &World, by: &Somebody) -> Vec<(String, Value)> {
    let admin = world.person(Role::Admin);
    let path = format!("/api/v1/audit?by={}&action=campaign.", by.id());
    let rows = world.as_somebody(&admin, Request::get(&path)).json();
    let mut actions: Vec<_> = rows["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|row| (row["action"].as_str().expect("an action").to_owned(), row.clone()))
        .collect();
    actions.reverse();
    actions
}

#[test]
fn a_campaign_lives_its_whole_life_and_the_audit_log_says_who_did_it() {
    let (world, manager) = manager();
    let made = create(&world, &manager, &definition());
    let campaign = made.json();
    let path = format!("{CAMPAIGNS}/{}", campaign["id"].as_str().expect("an id"));
    assert_eq!(made.header("location"), Some(path.as_str()));
    assert_eq!(made.header("etag"), Some("\"v1\""));
    assert_eq!(
        (&campaign["status"], &campaign["contacts"]["total"]),
        (&json!("draft"), &json!(0))
    );
    assert_eq!(campaign["definition"]["id"], campaign["id"]);
    // What was left out is written out.
    assert_eq!(campaign["definition"]["dialing"]["window"]["start"], "11:00");

    let mut edited = campaign["definition"].clone();
    edited["name"] = json!("Visits in spring");
    let edit = Request::new("PUT", &path).header("if-match", "\"v1\"").json(&edited);
    let answer = world.as_somebody(&manager, edit);
    assert_eq!(status(&answer), "draft");
    assert_eq!(answer.header("etag"), Some("\"v2\""));
    add_contact(&world, &path);

    let preview = world.as_somebody(&manager, Request::get(&format!("{path}/preview?mode=dry_run")));
    let preview = preview.json();
    assert_eq!(
        (&preview["contacts"]["eligible"], &preview["missing"]),
        (&json!(1), &json!([]))
    );
    let later = json!({"mode": "dry_run", "starts_at": "2027-06-01T08:00:00Z"});
    let scheduled = activate(&world, &manager, &path, &later);
    assert_eq!(status(&scheduled), "scheduled");
    assert_eq!(scheduled.json()["starts_at"], "2027-06-01T08:00:00.000Z");
    assert_eq!(status(&step(&world, &manager, &path, "unschedule")), "draft");
    assert_eq!(
        status(&activate(&world, &manager, &path, &json!({"mode": "dry_run"}))),
        "running"
    );
    assert_eq!(status(&step(&world, &manager, &path, "pause")), "paused");
    assert_eq!(status(&step(&world, &manager, &path, "resume")), "running");
    assert_eq!(status(&step(&world, &manager, &path, "stop")), "completed");
    assert_eq!(status(&step(&world, &manager, &path, "archive")), "archived");
    let read = world.as_somebody(&manager, Request::get(&path));
    assert_eq!(status(&read), "archived");
    assert_eq!(read.json()["name"], "Visits in spring");

    let copy = Request::new("POST", &format!("{path}/copy")).json(&json!({"id": "again", "name": "Again"}));
    let copy = world.as_somebody(&manager, copy);
    assert_eq!(
        (copy.status, copy.header("location")),
        (201, Some("/api/v1/campaigns/again"))
    );
    assert_eq!(copy.json()["contacts"]["total"], 0);
    let delete = Request::new("DELETE", "/api/v1/campaigns/again");
    assert_eq!(world.as_somebody(&manager, delete.clone()).status, 204);
    world.as_somebody(&manager, delete).problem(404);

    let log = actions(&world, &manager);
    let names: Vec<&str> = log.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        names,
        [
            "campaign.create",
            "campaign.edit",
            "campaign.activate",
            "campaign.unschedule",
            "campaign.activate",
            "campaign.pause",
            "campaign.resume",
            "campaign.stop",
            "campaign.archive",
            "campaign.clone",
            "campaign.delete",
        ]
    );
    for (action, row) in &log {
        assert_eq!(
            (&row["by"]["kind"], row["by"]["id"].as_str()),
            (&json!("user"), Some(manager.id().as_str()))
        );
        assert!(
            row["request_id"].is_string() && row["before"] != row["after"],
            "{action}"
        );
    }
    assert_eq!(log[1].1["before"]["name"], "Riverside Health visit survey");
    assert_eq!(log[1].1["after"]["name"], "Visits in spring");
}

#[test]
fn of_two_editors_the_second_is_told_and_loses_nothing_of_the_first() {
    let (world, first) = manager();
    let second = world.person(Role::CampaignManager);
    let path = draft(&world, &first);
    let edit = |who: &Somebody, tag: &str, name: &str| {
        let request = Request::new("PUT", &path).json(&with("/name", json!(name)));
        world.as_somebody(who, request.header("if-match", tag))
    };
    assert_eq!(edit(&first, "\"v1\"", "First").status, 200);
    edit(&second, "\"v1\"", "Second").problem(412);
    for tag in ["*", "W/\"v2\"", "v2", ""] {
        edit(&second, tag, "Second").problem(412);
    }
    let without = Request::new("PUT", &path).json(&definition());
    let told = world.as_somebody(&second, without).problem(428);
    assert_eq!(fields(&told), ["if-match"]);
    let delete = |tag: &str| world.as_somebody(&second, Request::new("DELETE", &path).header("if-match", tag));
    delete("\"v1\"").problem(412);
    delete("*").problem(412);
    assert_eq!(world.as_somebody(&second, Request::get(&path)).json()["name"], "First");
    assert_eq!(edit(&second, "\"v2\"", "Second").status, 200);
    assert_eq!(delete("\"v3\"").status, 204);
    assert_eq!(edit(&second, "\"v3\"", "Third").problem(404)["errors"], Value::Null);
}

#[test]
fn every_step_that_is_not_allowed_is_refused_and_changes_nothing() {
    let (world, manager) = manager();
    let path = draft(&world, &manager);
    add_contact(&world, &path);
    let refuse = |steps: &[&str], standing: &str| {
        for name in steps {
            let answer = match *name {
                "activate" => activate(&world, &manager, &path, &json!({"mode": "dry_run"})),
                "delete" => world.as_somebody(&manager, Request::new("DELETE", &path)),
                "edit" => {
                    let read = world.as_somebody(&manager, Request::get(&path));
                    let tag = read.header("etag").expect("a tag").to_owned();
                    let edit = Request::new("PUT", &path).header("if-match", tag).json(&definition());
                    world.as_somebody(&manager, edit)
                }
                name => step(&world, &manager, &path, name),
            };
            answer.problem(409);
            let read = world.as_somebody(&manager, Request::get(&path));
            assert_eq!(status(&read), standing, "{name}");
        }
    };
    refuse(&["pause", "resume", "stop", "unschedule", "archive"], "draft");
    let later = json!({"mode": "dry_run", "starts_at": "2027-06-01T08:00:00Z"});
    assert_eq!(status(&activate(&world, &manager, &path, &later)), "scheduled");
    refuse(&["pause", "resume", "stop", "archive", "delete"], "scheduled");
    assert_eq!(
        status(&activate(&world, &manager, &path, &json!({"mode": "dry_run"}))),
        "running"
    );
    refuse(
        &["activate", "resume", "unschedule", "archive", "delete", "edit"],
        "running",
    );
    assert_eq!(status(&step(&world, &manager, &path, "pause")), "paused");
    refuse(&["pause", "unschedule", "archive", "delete"], "paused");
    assert_eq!(status(&step(&world, &manager, &path, "stop")), "completed");
    refuse(
        &["activate", "pause", "resume", "stop", "unschedule", "delete", "edit"],
        "completed",
    );
    assert_eq!(status(&step(&world, &manager, &path, "archive")), "archived");
    refuse(
        &[
            "activate",
            "pause",
            "resume",
            "stop",
            "unschedule",
            "archive",
            "delete",
            "edit",
        ],
        "archived",
    );
}

#[test]
fn a_campaign_that_is_sent_twice_with_one_key_is_made_once() {
    let (world, manager) = manager();
    let request = Request::new("POST", CAMPAIGNS)
        .json(&definition())
        .header("idempotency-key", "once");
    let first = world.as_somebody(&manager, request.clone());
    let second = world.as_somebody(&manager, request);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(second.body, first.body);
    for header in ["location", "etag"] {
        assert_eq!(second.header(header), first.header(header));
    }
    let list = world.as_somebody(&manager, Request::get(CAMPAIGNS)).json();
    assert_eq!(list["items"].as_array().expect("items").len(), 1);

    let named = with_id("mine");
    create(&world, &manager, &named);
    world
        .as_somebody(&manager, Request::new("POST", CAMPAIGNS).json(&named))
        .problem(409);
}

pub fn with_id(id: &str) -> Value {
    let mut definition = definition();
    definition["id"] = json!(id);
    definition
}

#[test]
fn an_activation_names_everything_that_is_missing_and_so_does_the_preview() {
    let (world, manager) = manager();
    let path = draft(&world, &manager);
    // As an earlier version might have left it.
    let mut broken = Campaign::from_yaml(HEALTH).expect("valid");
    broken.id = CampaignId::new(path.rsplit('/').next().expect("an id"));
    broken.questions.pop();
    broken.longest_call_seconds = 1;
    world.wait(world.store.put_campaign(&broken, 1)).expect("written");
    let expected = ["/definition/longest_call_seconds", "/definition/questions", "/contacts"];
    let answer = activate(&world, &manager, &path, &json!({"mode": "dry_run"}));
    assert_eq!(fields(&answer.problem(422)), expected);
    let preview = world.as_somebody(&manager, Request::get(&format!("{path}/preview?mode=dry_run")));
    let missing = json!({ "errors": preview.json()["missing"] });
    assert_eq!(fields(&missing), expected);
    for query in ["", "?mode=loud", "?mode=live&mode=live", "?mode=dry_run&more=1"] {
        world
            .as_somebody(&manager, Request::get(&format!("{path}/preview{query}")))
            .problem(400);
    }
}

#[test]
fn live_calls_need_a_server_that_makes_them_and_the_confirmation_of_what_would_be_done() {
    let (world, manager_here) = manager();
    let path = draft(&world, &manager_here);
    add_contact(&world, &path);
    activate(&world, &manager_here, &path, &json!({"mode": "live"})).problem(409);
    let preview = world.as_somebody(&manager_here, Request::get(&format!("{path}/preview?mode=live")));
    let missing = json!({ "errors": preview.json()["missing"] });
    assert_eq!(fields(&missing), ["mode"]);

    let settings = [
        ("DRY_RUN_MODE", "false"),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("SAMVAD_PUBLIC_URL", "https://voice.example.org"),
    ];
    let world = World::with(&settings, generous());
    let manager = world.person(Role::CampaignManager);
    let path = draft(&world, &manager);
    add_contact(&world, &path);
    let preview = || {
        let answer = world.as_somebody(&manager, Request::get(&format!("{path}/preview?mode=live")));
        assert_eq!(answer.json()["missing"], json!([]));
        answer.json()["confirmation"].as_str().expect("a text").to_owned()
    };
    let live = |confirmation: Value| {
        let wish = json!({"mode": "live", "confirmation": confirmation});
        activate(&world, &manager, &path, &wish)
    };
    let shown = preview();
    activate(&world, &manager, &path, &json!({"mode": "live"})).problem(409);
    live(json!("yes")).problem(409);
    // What was shown is not what would be done any more.
    let edit = Request::new("PUT", &path).header("if-match", "\"v1\"");
    let edit = edit.json(&with("/longest_call_seconds", json!(600)));
    assert_eq!(world.as_somebody(&manager, edit).status, 200);
    live(json!(shown)).problem(409);
    let draft = world.as_somebody(&manager, Request::get(&path)).json();
    assert_eq!((&draft["status"], &draft["mode"] != "live"), (&json!("draft"), true));
    let running = live(json!(preview()));
    assert_eq!(status(&running), "running");
    assert_eq!(running.json()["mode"], "live");
}

#[test]
fn campaigns_come_in_pages_by_where_they_stand_their_name_and_their_time() {
    let (world, manager) = manager();
    let mut made = Vec::new();
    for number in 0..5 {
        world.pass(std::time::Duration::from_hours(1));
        let name = if number % 2 == 0 { "Äpfel" } else { "Birnen" };
        let campaign = create(&world, &manager, &with("/name", json!(name))).json();
        made.push(campaign["id"].as_str().expect("an id").to_owned());
    }
    made.reverse();
    let page = |query: &str| {
        let answer = world.as_somebody(&manager, Request::get(&format!("{CAMPAIGNS}?{query}")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        let ids: Vec<String> = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["id"].as_str().expect("an id").to_owned())
            .collect();
        (ids, page["next"].as_str().map(str::to_owned))
    };
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let (ids, next) = page(&query);
        seen.extend(ids);
        match next {
            Some(next) => query = format!("limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    assert_eq!(page("text=%C3%A4PF").0.len(), 3);
    assert_eq!(page("status=running").0.len(), 0);
    assert_eq!(page("status=draft&text=birnen&limit=1").0, [made[1].clone()]);
    // They were made each an hour after the one before, the first an hour after the clock began.
    assert_eq!(
        page("created_from=2027-01-15T10:00:00Z&created_until=2027-01-15T12:00:00Z")
            .0
            .len(),
        2
    );
    for query in [
        "status=finished",
        "created_from=yesterday",
        "limit=0",
        "cursor=x",
        "cursor=eyJjcmVhdGVkX2F0X21zIjoxLCJpZCI6ImFcdTAwMDAifQ",
        "surprise=1",
        "text=%ff",
        &format!("text={}", "x".repeat(101)),
    ] {
        world
            .as_somebody(&manager, Request::get(&format!("{CAMPAIGNS}?{query}")))
            .problem(400);
    }
}

#[test]
fn what_does_not_exist_is_404_for_every_operation() {
    let (world, manager) = manager();
    for id in ["none", "%E0%A4%95", "..%2fusers", &"x".repeat(2_000)] {
        let path = format!("{CAMPAIGNS}/{id}");
        let edit = Request::new("PUT", &path)
            .header("if-match", "\"v1\"")
            .json(&definition());
        let wish = json!({"mode": "live"});
        let mut requests = vec![
            Request::get(&path),
            Request::get(&format!("{path}/preview?mode=live")),
            edit,
            Request::new("DELETE", &path),
            Request::new("POST", &format!("{path}/copy")).json(&json!({})),
            Request::new("POST", &format!("{path}/activate")).json(&wish),
        ];
        for step in ["pause", "resume", "stop", "unschedule", "archive"] {
            requests.push(Request::new("POST", &format!("{path}/{step}")));
        }
        for request in requests {
            world.as_somebody(&manager, request).problem(404);
        }
    }
}
