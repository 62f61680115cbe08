//! Single contacts, excluded by hand and included again.

use super::client::{Answer, Request};
use super::survey::{End, SURVEY, by, call, contacts, import, people, put_campaign};
use super::world::{NOW, Somebody, World};
use samvad_actors::domain::{AttemptId, CampaignId, ContactId, Mode, PhoneNumber, Role};
use samvad_actors::ports::{AttemptStore, ExclusionSource, NewAttempt};
use serde_json::{Value, json};

/// A campaign with five people, and somebody who looks after it.
fn setting() -> (World, Somebody, Vec<String>) {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(5));
    let ids = contacts(&world, &manager)
        .iter()
        .map(|contact| contact["contact_id"].as_str().expect("an id").to_owned())
        .collect();
    (world, manager, ids)
}

fn exclusion(contact: &str, reason: &str) -> Request {
    Request::new("POST", &format!("{SURVEY}/contacts/{contact}/exclude")).json(&json!({ "reason": reason }))
}

fn exclude(world: &World, who: &Somebody, contact: &str, reason: &str) -> Answer {
    world.as_somebody(who, exclusion(contact, reason))
}

fn include(world: &World, who: &Somebody, contact: &str) -> Answer {
    world.as_somebody(
        who,
        Request::new("POST", &format!("{SURVEY}/contacts/{contact}/include")),
    )
}

fn log(world: &World) -> Vec<Value> {
    let admin = world.person(Role::Admin);
    let log = world.as_somebody(&admin, Request::get("/api/v1/audit?action=contact."));
    log.json()["items"].as_array().expect("items").clone()
}

#[test]
fn a_contact_is_excluded_with_a_reason_and_included_again_and_both_are_audited() {
    let (world, manager, ids) = setting();
    let done = exclude(&world, &manager, &ids[1], " moved away ");
    assert_eq!(done.status, 200, "{}", done.text());
    let done = done.json();
    assert_eq!(
        (&done["contact"]["state"], &done["contact"]["excluded_reason"]),
        (&json!("excluded"), &json!("moved away"))
    );
    assert_eq!((&done["calls_cancelled"], &done["calls_left"]), (&json!(0), &json!(0)));
    let preview = world.as_somebody(&manager, Request::get(&format!("{SURVEY}/preview?mode=simulated")));
    assert!(preview.text().contains("\"excluded\":1"), "{}", preview.text());

    let back = include(&world, &manager, &ids[1]);
    assert_eq!((back.status, &back.json()["state"]), (200, &json!("pending")));
    assert!(back.json()["excluded_reason"].is_null());

    let log = log(&world);
    let actions: Vec<&Value> = log.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["contact.include", "contact.exclude"]);
    assert_eq!(log[1]["by"]["id"], manager.id().as_str());
    assert_eq!(log[1]["target"], json!({"kind": "contact", "id": ids[1]}));
    assert_eq!(log[1]["before"]["state"], "pending");
    assert_eq!(log[1]["after"]["excluded_reason"], "moved away");
    assert_eq!(log[0]["after"]["state"], "pending");
}

#[test]
fn a_call_that_cannot_be_taken_back_at_once_is_said() {
    let (world, manager, ids) = setting();
    let new = NewAttempt {
        id: AttemptId::from("a"),
        campaign: CampaignId::from("health-survey"),
        contact: ContactId::from(ids[0].as_str()),
        mode: Mode::Simulated,
        token_hash: "a hash".to_owned(),
        token_expires_at_ms: NOW + 60_000,
    };
    world.wait(world.store.create_attempt(new, NOW)).expect("created");
    let done = exclude(&world, &manager, &ids[0], "moved away").json();
    assert_eq!((&done["calls_cancelled"], &done["calls_left"]), (&json!(0), &json!(1)));
    assert_eq!(include(&world, &manager, &ids[0]).json()["state"], "in_progress");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let (world, manager, ids) = setting();
    let all = contacts(&world, &manager);
    call(&world, &all[0], End::Completed { scale: 4 });
    let told = |answer: Answer, word: &str| {
        let problem = answer.problem(409);
        let detail = problem["detail"].as_str().expect("text").to_owned();
        assert!(detail.contains(word) && detail.contains(';'), "{detail}");
    };
    told(exclude(&world, &manager, &ids[0], "late"), "settled");
    told(include(&world, &manager, &ids[1]), "not excluded");
    assert_eq!(exclude(&world, &manager, &ids[1], "moved away").status, 200);
    told(exclude(&world, &manager, &ids[1], "again"), "excluded already");
    let numbers = [PhoneNumber::parse("+919800000002").expect("a number")];
    let by = by();
    let listed = world.campaigns.add_do_not_call(&numbers, ExclusionSource::Manual, &by);
    world.wait(listed).expect("listed");
    told(include(&world, &manager, &ids[1]), "exclusion list");
    assert_eq!(log(&world).len(), 1, "refusals are no changes");

    for reason in ["", " ", "two\nlines", "do_not_call", &"x".repeat(201)] {
        let problem = exclude(&world, &manager, &ids[2], reason).problem(422);
        assert_eq!(problem["errors"][0]["field"], "/reason", "{reason:?}");
    }
    exclude(&world, &manager, "none", "moved away").problem(404);
    include(&world, &manager, "none").problem(404);
    put_campaign(&world, "another");
    for way in ["exclude", "include"] {
        let path = format!("/api/v1/campaigns/another/contacts/{}/{way}", ids[2]);
        let request = Request::new("POST", &path).json(&json!({"reason": "moved away"}));
        world.as_somebody(&manager, request).problem(404);
    }
}

#[test]
fn nobody_is_excluded_from_or_included_in_a_campaign_that_is_over() {
    let (world, manager, ids) = setting();
    assert_eq!(exclude(&world, &manager, &ids[0], "moved away").status, 200);
    let act = |what: &str, body: Value| {
        let request = Request::new("POST", &format!("{SURVEY}/{what}")).json(&body);
        let answer = world.as_somebody(&manager, request);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    };
    act("activate", json!({"mode": "dry_run"}));
    act("stop", json!({}));
    for answer in [
        include(&world, &manager, &ids[0]),
        exclude(&world, &manager, &ids[1], "moved away"),
    ] {
        let problem = answer.problem(409);
        assert!(
            problem["detail"].as_str().expect("text").contains("is over"),
            "{problem}"
        );
    }
}

#[test]
fn an_exclusion_sent_twice_with_one_key_is_done_once_and_answered_the_same() {
    let (world, manager, ids) = setting();
    let request = exclusion(&ids[0], "moved away").header("idempotency-key", "once");
    let first = world.as_somebody(&manager, request.clone());
    let second = world.as_somebody(&manager, request);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!((second.body == first.body, log(&world).len()), (true, 1));
}
