//! Idempotency keys.

use super::client::Request;
use super::world::{Somebody, World};
use samvad_actors::domain::Role;
use samvad_actors::ports::{AuditQuery, AuditStore, IdempotencyStore, KeyedRequest};
use serde_json::json;

fn disable(id: &str, disabled: bool) -> Request {
    Request::new("PATCH", &format!("/api/v1/users/{id}")).json(&json!({ "disabled": disabled }))
}

fn changes(world: &World) -> usize {
    let query = AuditQuery {
        action_prefix: Some("user.disable".to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    world.wait(world.store.audit_log(&query)).expect("read").len()
}

fn setting() -> (World, Somebody, String) {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let other = world.person(Role::Viewer).id().to_string();
    (world, admin, other)
}

#[test]
fn a_write_sent_twice_with_one_key_is_done_once_and_answered_the_same() {
    let (world, admin, other) = setting();
    let request = disable(&other, true).header("idempotency-key", "once");
    let first = world.as_somebody(&admin, request.clone());
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
    let second = world.as_somebody(&admin, request);
    assert_eq!(
        (second.status, second.header("idempotent-replayed")),
        (200, Some("true"))
    );
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("content-type"), first.header("content-type"));
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(changes(&world), 1);
}

#[test]
fn a_key_belongs_to_one_request_and_one_sender() {
    let (world, admin, other) = setting();
    let request = |disabled| disable(&other, disabled).header("idempotency-key", "mine");
    assert_eq!(world.as_somebody(&admin, request(true)).status, 200);
    let answer = world.as_somebody(&admin, request(false));
    assert_eq!(answer.problem(422)["errors"][0]["field"], "idempotency-key");
    let colleague = world.person(Role::Admin);
    let answer = world.as_somebody(&colleague, request(false));
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None));
}

#[test]
fn a_write_that_was_refused_did_nothing_and_its_key_is_free() {
    let (world, admin, other) = setting();
    let keyed = |request: Request| request.header("idempotency-key", "again");
    world.as_somebody(&admin, keyed(disable("nobody", true))).problem(404);
    assert_eq!(world.as_somebody(&admin, keyed(disable(&other, true))).status, 200);
}

#[test]
fn a_write_that_is_under_way_is_not_begun_again_until_it_counts_as_abandoned() {
    let (world, admin, other) = setting();
    let request = disable(&other, true).header("idempotency-key", "slow");
    let body = json!({ "disabled": true }).to_string();
    let parts = [
        "PATCH".to_owned(),
        format!("/api/v1/users/{other}"),
        String::new(),
        body,
    ];
    let mut bytes = Vec::new();
    for part in &parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    let keyed = KeyedRequest {
        principal: format!("user:{}", admin.id()),
        key: "slow".to_owned(),
        fingerprint: samvad::access::keys::hexadecimal(&digest),
        came_at_ms: super::world::NOW,
    };
    world.wait(world.store.take_key(&keyed, 0)).expect("taken");
    let waits = world.as_somebody(&admin, request.clone());
    waits.problem(409);
    assert!(waits.header("retry-after").is_some());
    assert_eq!(changes(&world), 0);
    world.pass(std::time::Duration::from_secs(121));
    assert_eq!(world.as_somebody(&admin, request).status, 200);
}

#[test]
fn a_key_is_one_text_of_visible_ascii_and_an_answer_with_a_secret_is_not_kept() {
    let (world, admin, other) = setting();
    for key in [&b""[..], b"two words", b"\xc3\xa9", &[b'k'; 256]] {
        let answer = world.as_somebody(&admin, disable(&other, true).header("idempotency-key", key));
        assert_eq!(answer.problem(400)["errors"][0]["field"], "idempotency-key");
    }
    let longest = disable(&other, true).header("idempotency-key", [b'k'; 255]);
    assert_eq!(world.as_somebody(&admin, longest).status, 200);
    let token = Request::new("POST", "/api/v1/tokens").json(&json!({"name": "a", "scopes": ["audit:read"]}));
    world
        .as_somebody(&admin, token.header("idempotency-key", "a"))
        .problem(400);
}
