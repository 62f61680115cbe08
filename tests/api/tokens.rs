//! Making, listing and taking back tokens; users in pages.

use super::client::Request;
use super::world::{Somebody, World};
use samvad_actors::domain::Role;
use serde_json::{Value, json};

const TOKENS: &str = "/api/v1/tokens";

fn make(world: &World, who: &Somebody, body: &Value) -> Value {
    let answer = world.as_somebody(who, Request::new("POST", TOKENS).json(body));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    let location = format!("{TOKENS}/{}", made["token"]["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), Some(location.as_str()));
    made
}

#[test]
fn a_token_is_shown_once_admits_its_scopes_and_can_be_taken_back() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let made = make(
        &world,
        &admin,
        &json!({"name": " nightly ", "scopes": ["audit:read", "audit:read"]}),
    );
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("smv_") && secret.len() == 47);
    assert_eq!(made["token"]["name"], "nightly");
    assert_eq!(made["token"]["scopes"], json!(["audit:read"]));
    let program = Somebody::Program { token: secret.clone() };
    assert_eq!(world.as_somebody(&program, Request::get("/api/v1/audit")).status, 200);
    world.as_somebody(&program, Request::get("/api/v1/users")).problem(403);

    let list = world.as_somebody(&admin, Request::get(TOKENS));
    assert!(!list.text().contains(&secret));
    assert_eq!(list.json()["items"][0]["id"], made["token"]["id"]);
    assert!(!list.json()["items"][0]["last_used_at"].is_null());

    let path = format!("{TOKENS}/{}", made["token"]["id"].as_str().expect("an id"));
    assert_eq!(world.as_somebody(&admin, Request::new("DELETE", &path)).status, 204);
    let answer = world.as_somebody(&program, Request::get("/api/v1/audit"));
    answer.problem(401);
    assert!(
        answer
            .header("www-authenticate")
            .is_some_and(|challenge| challenge.contains("invalid_token"))
    );
    assert_eq!(world.as_somebody(&admin, Request::new("DELETE", &path)).status, 204);
}

#[test]
fn a_token_ends_when_it_says_and_may_not_be_given_more_than_its_maker_may() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    let soon = "2027-01-15T08:10:00Z";
    let made = make(
        &world,
        &manager,
        &json!({"name": "short", "scopes": ["metrics:read"], "expires_at": soon}),
    );
    assert_eq!(made["token"]["expires_at"], "2027-01-15T08:10:00.000Z");
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let program = Somebody::Program { token: secret };
    assert_eq!(world.as_somebody(&program, Request::get("/metrics")).status, 200);
    world.pass(std::time::Duration::from_hours(1));
    world.as_somebody(&program, Request::get("/metrics")).problem(401);
    let too_much = json!({"name": "more", "scopes": ["accounts:write"]});
    world
        .as_somebody(&manager, Request::new("POST", TOKENS).json(&too_much))
        .problem(422);
}

#[test]
fn anothers_token_is_as_if_it_did_not_exist_except_to_admins() {
    let world = World::start();
    let owner = world.person(Role::Viewer);
    let made = make(
        &world,
        &owner,
        &json!({"name": "mine", "scopes": ["campaigns:read"], "expires_at": "2027-02-01T00:00:00Z"}),
    );
    let path = format!("{TOKENS}/{}", made["token"]["id"].as_str().expect("an id"));
    let stranger = world.person(Role::CampaignManager);
    world.as_somebody(&stranger, Request::new("DELETE", &path)).problem(404);
    world
        .as_somebody(&stranger, Request::get("/api/v1/tokens?owner=all"))
        .problem(403);
    assert_eq!(
        world.as_somebody(&stranger, Request::get(TOKENS)).json()["items"],
        json!([])
    );
    let admin = world.person(Role::Admin);
    let all = world
        .as_somebody(&admin, Request::get("/api/v1/tokens?owner=all"))
        .json();
    assert_eq!(all["items"].as_array().expect("items").len(), 1);
    assert_eq!(world.as_somebody(&admin, Request::new("DELETE", &path)).status, 204);
}

#[test]
fn credentials_of_another_form_admit_nobody() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let Somebody::Program { token } = world.program(admin.id(), &samvad_actors::domain::Permission::ALL) else {
        panic!("a program has a token");
    };
    for value in [
        String::new(),
        "Bearer".to_owned(),
        format!("Basic {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {}", token.to_uppercase()),
        token.clone(),
    ] {
        world
            .send(&Request::get("/api/v1/session").header("authorization", &value))
            .problem(401);
    }
    let twice = Request::get("/api/v1/session").header("authorization", format!("Bearer {token}"));
    world
        .send(&twice.header("authorization", format!("Bearer {token}")))
        .problem(401);
}

#[test]
fn users_come_in_pages_that_lose_and_repeat_nobody() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let mut expected: Vec<String> = (0..4).map(|_| world.person(Role::Viewer).id().to_string()).collect();
    expected.push(admin.id().to_string());
    expected.sort();
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = world
            .as_somebody(&admin, Request::get(&format!("/api/v1/users?{query}")))
            .json();
        let items = page["items"].as_array().expect("items");
        assert!((1..=2).contains(&items.len()));
        seen.extend(items.iter().map(|user| user["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => query = format!("limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn tokens_come_in_pages_that_lose_and_repeat_none() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let mut expected: Vec<String> = Vec::new();
    for n in 0..5_u64 {
        let made = make(
            &world,
            &admin,
            &json!({"name": format!("token {n}"), "scopes": ["audit:read"]}),
        );
        expected.insert(0, made["token"]["id"].as_str().expect("an id").to_owned());
        world.pass(std::time::Duration::from_secs(1));
    }
    for owner in ["me", "all"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{TOKENS}?owner={owner}&limit=2{cursor}");
            let page = world.as_somebody(&admin, Request::get(&path)).json();
            let items = page["items"].as_array().expect("items");
            seen.extend(
                items
                    .iter()
                    .map(|token| token["id"].as_str().expect("an id").to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{owner}");
    }
    for (query, field) in [("limit=0", "limit"), ("cursor=junk", "cursor")] {
        let answer = world.as_somebody(&admin, Request::get(&format!("{TOKENS}?{query}")));
        assert_eq!(answer.problem(400)["errors"][0]["field"], field);
    }
}

#[test]
fn who_has_50_tokens_takes_one_back_before_another_is_made() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    for _ in 0..50 {
        world.program(admin.id(), &[]);
    }
    let body = json!({"name": "one more", "scopes": ["audit:read"]});
    let refused = world.as_somebody(&admin, Request::new("POST", TOKENS).json(&body));
    let problem = refused.problem(409);
    assert!(
        problem["detail"].as_str().expect("text").contains("take one back"),
        "{problem}"
    );
    let list = world
        .as_somebody(&admin, Request::get(&format!("{TOKENS}?limit=1")))
        .json();
    let path = format!("{TOKENS}/{}", list["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(world.as_somebody(&admin, Request::new("DELETE", &path)).status, 204);
    make(&world, &admin, &body);
}
