//! What is malformed in any way comes out as a problem that says where, and repeats nothing.

use super::client::Request;
use super::world::World;
use samvad_actors::domain::Role;
use serde_json::json;

const TOKENS: &str = "/api/v1/tokens";

#[test]
fn a_body_that_cannot_be_read_is_refused_with_its_cause() {
    let world = World::start();
    let person = world.person(Role::Admin);
    let post = |request: Request| world.as_somebody(&person, request);
    let json_type = |request: Request| request.header("content-type", "application/json");
    let empty = Request::new("POST", TOKENS);
    post(empty.clone()).problem(415);
    post(empty.clone().header("content-type", "text/plain").body("{}")).problem(415);
    post(json_type(empty.clone())).problem(400);
    post(json_type(empty.clone()).body("{")).problem(400);
    post(json_type(empty.clone()).body(b"{\"name\":\"\xff\"}".to_vec())).problem(400);
    post(json_type(empty.clone()).body("[1,2]")).problem(422);
    post(json_type(empty.clone()).body(r#"{"name":"a","scopes":["audit:read"]} {}"#)).problem(400);
    post(json_type(empty.clone()).body("null")).problem(422);
    post(json_type(empty.clone()).body(r#"{"a":"#.repeat(10_000))).problem(422);
    let charset = empty.header("content-type", "application/json; charset=utf-8");
    assert_eq!(
        post(charset.body(r#"{"name":"a","scopes":["audit:read"]}"#)).status,
        201
    );
}

#[test]
fn faults_of_fields_are_told_together_and_by_pointer() {
    let world = World::start();
    let person = world.person(Role::Viewer);
    let body = json!({"name": "", "scopes": ["campaigns:read", "audit:read"], "expires_at": "2001-01-01T00:00:00Z"});
    let answer = world.as_somebody(&person, Request::new("POST", TOKENS).json(&body));
    let problem = answer.problem(422);
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect();
    assert_eq!(fields, ["/name", "/scopes", "/expires_at"]);
}

#[test]
fn what_the_client_sent_is_not_repeated() {
    let world = World::start();
    let person = world.person(Role::Admin);
    let secret = "a-secret-of-the-client";
    let requests = [
        Request::new("POST", TOKENS).json(&json!({ "name": [secret], "scopes": [] })),
        Request::new("POST", TOKENS).json(&json!({ "name": "a", "scopes": [secret] })),
        Request::new("POST", TOKENS).json(&json!({ "name": "a", "scopes": [], secret: 1 })),
        Request::get(&format!("/api/v1/users?limit={secret}")),
        Request::get(&format!("/api/v1/users?{secret}=1")),
        Request::get(&format!("/api/v1/users?cursor={secret}")),
        Request::get(&format!("/api/v1/{secret}")),
        Request::new("DELETE", &format!("{TOKENS}/{secret}")),
        Request::new("DELETE", &format!("{TOKENS}/none")).header("idempotency-key", format!("{secret} with spaces")),
    ];
    for request in requests {
        let answer = world.as_somebody(&person, request.clone());
        assert!((400..500).contains(&answer.status), "{request:?}");
        answer.problem(answer.status);
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
}

#[test]
fn a_query_that_cannot_be_read_names_its_parameter() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=%00", "cursor"),
        ("unknown=1", ""),
    ] {
        let answer = world.as_somebody(&admin, Request::get(&format!("/api/v1/users?{query}")));
        assert_eq!(answer.problem(400)["errors"][0]["field"], field, "{query}");
    }
    let answer = world.as_somebody(&admin, Request::get("/api/v1/audit?from=yesterday"));
    assert_eq!(answer.problem(400)["errors"][0]["field"], "from");
}

#[test]
fn a_body_that_is_too_long_is_refused_announced_or_not() {
    let world = World::start();
    let person = world.person(Role::Admin);
    let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(300 * 1024));
    let request = Request::new("POST", TOKENS).header("content-type", "application/json");
    world
        .as_somebody(&person, request.clone().body(long.clone()))
        .problem(413);
    let announced = request.clone().header("content-length", (long.len()).to_string());
    world.as_somebody(&person, announced.body("{")).problem(413);
    let chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let chunked = request.header("transfer-encoding", "chunked").body(chunk);
    world.as_somebody(&person, chunked).problem(413);
}

#[test]
fn every_answer_has_its_id_and_the_headers_of_a_safe_answer() {
    let world = World::start();
    let paths = ["/healthz", "/nothing", "/api/v1/users", "/api/v1/openapi.json"];
    let mut ids = std::collections::BTreeSet::new();
    for path in paths {
        let answer = world.send(&Request::get(path).header("x-request-id", "chosen-by-the-client"));
        let id = answer.header("x-request-id").expect("an id").to_owned();
        assert_ne!(id, "chosen-by-the-client");
        ids.insert(id);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(
            answer
                .header("cache-control")
                .is_some_and(|cache| cache.starts_with("no-")),
            "{path}"
        );
    }
    assert_eq!(ids.len(), paths.len());
}

#[test]
fn the_page_to_try_the_api_is_served_from_the_binary_and_loads_nothing_from_elsewhere() {
    let world = World::start();
    let moved = world.send(&Request::get("/api/docs"));
    assert_eq!((moved.status, moved.header("location")), (307, Some("/api/docs/")));
    let page = world.send(&Request::get("/api/docs/"));
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy")
            .is_some_and(|policy| policy.contains("script-src 'self'"))
    );
    let text = page.text();
    assert!(
        text.contains("swagger-ui") && !text.contains("https://") && !text.contains("http://"),
        "{text}"
    );
    for (path, kind) in [("swagger-ui-bundle.js", "javascript"), ("swagger-ui.css", "css")] {
        let file = world.send(&Request::get(&format!("/api/docs/{path}")));
        assert!(file.status == 200 && file.body.len() > 1_000, "{path}");
        assert!(
            file.header("content-type").is_some_and(|found| found.contains(kind)),
            "{path}"
        );
    }
    let script = world.send(&Request::get("/api/docs/swagger-initializer.js")).text();
    assert!(script.contains("/api/v1/openapi.json"), "{script}");
    world.send(&Request::get("/api/docs/nothing.js")).problem(404);
}
