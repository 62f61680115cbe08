//! Sessions: their cookie, their end, and requests that another site has a browser send.

use super::client::Request;
use super::world::{Somebody, World, generous};
use samvad_actors::domain::{Permission, Role};
use samvad_actors::ports::AccountStore;
use serde_json::json;
use std::time::Duration;

const SESSION: &str = "/api/v1/session";

fn parts(person: &Somebody) -> (&str, &str) {
    match person {
        Somebody::Person { cookie, csrf_token, .. } => (cookie, csrf_token),
        _ => panic!("only a person has a session"),
    }
}

#[test]
fn a_session_tells_who_one_is_and_what_unsafe_methods_must_show() {
    let world = World::start();
    let viewer = world.person(Role::Viewer);
    let answer = world.as_somebody(&viewer, Request::get(SESSION)).json();
    assert_eq!(answer["user"]["role"], "viewer");
    assert_eq!(answer["credential"], "session");
    assert_eq!(answer["csrf_token"], parts(&viewer).1);
    let permissions = answer["permissions"].as_array().expect("permissions");
    assert!(permissions.contains(&json!("campaigns:read")) && !permissions.contains(&json!("audit:read")));
    let token = world.program(viewer.id(), &[Permission::ReadCampaigns, Permission::ReadAudit]);
    let answer = world.as_somebody(&token, Request::get(SESSION)).json();
    assert_eq!(answer["permissions"], json!(["campaigns:read"]));
    assert_eq!(answer["csrf_token"], json!(null));
}

#[test]
fn a_session_ends_when_one_signs_out_and_its_cookie_is_taken_back() {
    let world = World::start();
    let person = world.person(Role::Viewer);
    let answer = world.as_somebody(&person, Request::new("DELETE", SESSION));
    assert_eq!(answer.status, 204);
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("samvad=; ") && cookie.contains("Max-Age=0"),
        "{cookie}"
    );
    world.as_somebody(&person, Request::get(SESSION)).problem(401);
}

#[test]
fn who_signs_in_and_out_stands_in_the_audit_log_once_each() {
    let world = World::start();
    let person = world.person(Role::Viewer);
    let out = Request::new("DELETE", SESSION);
    let request_id = world
        .as_somebody(&person, out.clone())
        .header("x-request-id")
        .map(str::to_owned);
    world.as_somebody(&person, out).problem(401);
    let admin = world.person(Role::Admin);
    let path = format!("/api/v1/audit?action=session.&by={}", person.id());
    let log = world.as_somebody(&admin, Request::get(&path)).json();
    let items = log["items"].as_array().expect("items");
    let actions: Vec<&str> = items
        .iter()
        .map(|entry| entry["action"].as_str().expect("text"))
        .collect();
    assert_eq!(actions, ["session.close", "session.open"]);
    assert_eq!(items[0]["target"], json!({"kind": "user", "id": person.id().as_str()}));
    assert_eq!(items[0]["request_id"].as_str().map(str::to_owned), request_id);
    assert_eq!(items[0]["before"], items[1]["after"]);
}

#[test]
fn a_session_ends_unused_after_8_hours_and_used_after_7_days() {
    const HOUR: Duration = Duration::from_hours(1);
    let world = World::start();
    let idle = world.person(Role::Viewer);
    world.pass(8 * HOUR + Duration::from_secs(1));
    world.as_somebody(&idle, Request::get(SESSION)).problem(401);
    let used = world.person(Role::Viewer);
    for _ in 0..7 * 24 / 6 - 1 {
        world.pass(6 * HOUR);
        assert_eq!(world.as_somebody(&used, Request::get(SESSION)).status, 200);
    }
    world.pass(6 * HOUR + Duration::from_secs(1));
    world.as_somebody(&used, Request::get(SESSION)).problem(401);
}

#[test]
fn a_key_that_is_tampered_with_or_planted_beside_another_admits_nobody() {
    let world = World::start();
    let person = world.person(Role::Admin);
    let (cookie, _) = parts(&person);
    let last = cookie.chars().last().expect("a character");
    let other = if last == 'A' { 'B' } else { 'A' };
    let tampered = format!("{}{other}", &cookie[..cookie.len() - 1]);
    for cookies in [tampered.clone(), format!("{cookie}; {tampered}"), "samvad=".to_owned()] {
        world
            .send(&Request::get(SESSION).header("cookie", cookies))
            .problem(401);
    }
    // Only the hash is kept: whoever reads the database cannot sign in.
    let hashed = samvad::access::keys::hash(cookie.trim_start_matches("samvad="));
    world
        .send(&Request::get(SESSION).header("cookie", format!("samvad={}", &hashed[..43])))
        .problem(401);
}

#[test]
fn a_change_without_the_sessions_token_or_from_another_site_is_refused() {
    let world = World::start();
    let person = world.person(Role::Admin);
    let (cookie, token) = parts(&person);
    let other = world.person(Role::Admin);
    let change = || {
        let body = json!({"name": "a", "scopes": ["audit:read"]});
        Request::new("POST", "/api/v1/tokens")
            .json(&body)
            .header("cookie", cookie)
    };
    let with_token = || change().header("x-csrf-token", token);
    world.send(&change()).problem(403);
    world.send(&change().header("x-csrf-token", "forged")).problem(403);
    world
        .send(&change().header("x-csrf-token", parts(&other).1))
        .problem(403);
    world.send(&with_token().header("x-csrf-token", "second")).problem(403);
    for site in ["cross-site", "same-site", "none"] {
        world.send(&with_token().header("sec-fetch-site", site)).problem(403);
    }
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        world.send(&with_token().header("origin", origin)).problem(403);
    }
    assert_eq!(world.send(&with_token()).status, 201);
    let from_own_page = with_token()
        .header("sec-fetch-site", "same-origin")
        .header("origin", world.origin());
    assert_eq!(world.send(&from_own_page).status, 201);
}

#[test]
fn a_token_needs_no_csrf_token_and_does_not_go_with_a_cookie() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let other = world.person(Role::Viewer);
    let program = world.program(admin.id(), &[Permission::WriteAccounts]);
    let change = Request::new("PATCH", &format!("/api/v1/users/{}", other.id())).json(&json!({"disabled": true}));
    world.as_somebody(&program, admin.sign(change.clone())).problem(401);
    assert_eq!(world.as_somebody(&program, change).status, 200);
}

#[test]
fn who_is_disabled_is_signed_out_and_their_tokens_admit_nobody() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let other = world.person(Role::CampaignManager);
    let program = world.program(other.id(), &[Permission::ReadCampaigns]);
    let path = format!("/api/v1/users/{}", other.id());
    let answer = world.as_somebody(&admin, Request::new("PATCH", &path).json(&json!({"disabled": true})));
    assert_eq!(answer.json()["disabled"], true);
    world.as_somebody(&other, Request::get(SESSION)).problem(401);
    world.as_somebody(&program, Request::get(SESSION)).problem(401);
    let own = format!("/api/v1/users/{}", admin.id());
    world
        .as_somebody(&admin, Request::new("PATCH", &own).json(&json!({"disabled": true})))
        .problem(409);
    assert!(
        !world
            .wait(world.store.user(admin.id()))
            .expect("read")
            .expect("there")
            .disabled
    );
}

#[test]
fn where_there_is_https_the_cookie_is_bound_to_the_host() {
    let world = World::with(&[("SAMVAD_API_PUBLIC_URL", "https://surveys.example.org")], generous());
    let person = world.person(Role::Viewer);
    let (cookie, _) = parts(&person);
    assert!(cookie.starts_with("__Host-samvad="), "{cookie}");
    assert_eq!(world.as_somebody(&person, Request::get(SESSION)).status, 200);
    let plain = cookie.trim_start_matches("__Host-").to_owned();
    world.send(&Request::get(SESSION).header("cookie", plain)).problem(401);
    let gone = world.as_somebody(&person, Request::new("DELETE", SESSION));
    let cookie = gone.header("set-cookie").expect("a cookie");
    for attribute in ["__Host-samvad=", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
