//! The local login, and each of its conditions.

use super::client::{Answer, Request};
use super::world::{World, generous};
use samvad_actors::domain::Role;
use serde_json::json;

fn login(secret: &str) -> Request {
    Request::new("POST", "/api/v1/local-login").json(&json!({ "secret": secret }))
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[test]
fn the_secret_that_is_shown_signs_an_admin_in_once() {
    let world = World::start();
    let secret = world.secret();
    let answer = world.send(&login(&secret));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.header("set-cookie").expect("a cookie");
    for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(set.contains(attribute), "{set}");
    }
    let body = answer.json();
    assert_eq!(
        (body["user"]["role"].as_str(), body["user"]["issuer"].as_str()),
        (Some("admin"), Some("local"))
    );
    let session = Request::get("/api/v1/session").header("cookie", cookie(&answer));
    assert_eq!(world.send(&session).json()["csrf_token"], body["csrf_token"]);

    world.send(&login(&secret)).problem(403);
    assert_ne!(world.secret(), secret);
    let again = world.send(&login(&world.secret()));
    assert_eq!(again.json()["user"]["id"], body["user"]["id"]);
}

#[test]
fn guessing_is_refused_logged_and_slowed_down() {
    let world = World::start();
    for _ in 0..5 {
        world.send(&login("a guess")).problem(403);
    }
    let slowed = world.send(&login(&world.secret()));
    slowed.problem(429);
    assert!(slowed.header("retry-after").is_some());
    let admin = world.person(Role::Admin);
    let log = world
        .as_somebody(&admin, Request::get("/api/v1/audit?action=session.refuse"))
        .json();
    assert_eq!(log["items"].as_array().expect("items").len(), 5);
}

#[test]
fn each_sign_of_another_machine_is_enough_to_refuse() {
    let world = World::start();
    let secret = world.secret();
    let port = world.address.port();
    for host in [
        "surveys.example.org".to_owned(),
        format!("10.0.0.1:{port}"),
        "127.0.0.1.nip.example".to_owned(),
    ] {
        world
            .send(&login(&secret).without_host().header("host", &host))
            .problem(403);
    }
    for header in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        world.send(&login(&secret).header(header, "127.0.0.1")).problem(403);
    }
    world
        .send(&login(&secret).header("origin", "https://evil.example"))
        .problem(403);
    world
        .send(&login(&secret).header("sec-fetch-site", "cross-site"))
        .problem(403);
    let form = Request::new("POST", "/api/v1/local-login").header("content-type", "text/plain");
    world
        .send(&form.body(json!({ "secret": secret }).to_string()))
        .problem(415);
    // None of these has used it up.
    assert_eq!(world.send(&login(&secret)).status, 200);
}

#[test]
fn there_is_none_where_the_public_origin_is_elsewhere() {
    let world = World::with(&[("SAMVAD_API_PUBLIC_URL", "https://surveys.example.org")], generous());
    assert!(world.secrets.lock().expect("a list").is_empty());
    world.send(&login("anything")).problem(403);
}
