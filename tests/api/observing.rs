//! Health, readiness, metrics, and the audit log.

use super::client::Request;
use super::world::World;
use samvad_actors::domain::{Permission, Role};
use serde_json::json;

#[test]
fn readiness_is_the_nodes_and_says_why_not() {
    let world = World::start();
    assert_eq!(world.send(&Request::get("/healthz")).json()["status"], "alive");
    assert_eq!(world.send(&Request::get("/readyz")).json()["status"], "ready");
    world.readiness.set_draining();
    let answer = world.send(&Request::get("/readyz"));
    assert_eq!(answer.problem(503)["detail"], "draining");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(world.send(&Request::get("/healthz")).status, 200);
}

#[test]
fn metrics_count_requests_by_template_and_show_the_nodes_gauges() {
    let world = World::start();
    let viewer = world.person(Role::Viewer);
    let prometheus = world.program(viewer.id(), &[Permission::ReadMetrics]);
    world
        .as_somebody(&viewer, Request::new("DELETE", "/api/v1/tokens/made-up-by-somebody"))
        .problem(404);
    world.send(&Request::get("/made-up-too"));
    let answer = world.as_somebody(&prometheus, Request::get("/metrics"));
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/openmetrics-text"))
    );
    let text = answer.text();
    for line in [
        "samvad_media_sockets 3",
        "samvad_calls 2",
        "samvad_permits 1",
        "samvad_api_requests_total{method=\"DELETE\",path=\"/api/v1/tokens/{id}\",status=\"404\"} 1",
        "samvad_api_requests_total{method=\"GET\",path=\"none\",status=\"404\"} 1",
        "samvad_api_request_duration_seconds_count{method=\"GET\",path=\"none\"} 1",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("made-up"), "{text}");
}

#[test]
fn the_audit_log_is_searched_and_comes_in_pages() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    for name in ["one", "two", "three"] {
        let body = json!({"name": name, "scopes": ["audit:read"]});
        assert_eq!(
            world
                .as_somebody(&admin, Request::new("POST", "/api/v1/tokens").json(&body))
                .status,
            201
        );
    }
    let get = |query: &str| {
        world
            .as_somebody(&admin, Request::get(&format!("/api/v1/audit?{query}")))
            .json()
    };
    let first = get("action=token.&limit=2");
    let names = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|item| item["after"]["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["three", "two"]);
    assert_eq!(first["items"][0]["by"]["id"], admin.id().as_str());
    assert!(first["items"][0]["request_id"].is_string());
    let next = first["next"].as_str().expect("a cursor");
    let second = get(&format!("action=token.&limit=2&cursor={next}"));
    assert_eq!(
        (names(&second), second["next"].clone()),
        (vec!["one".to_owned()], json!(null))
    );
    assert_eq!(get("target_kind=token&by=nobody")["items"], json!([]));
    let all = get("action=token.").to_string();
    assert!(!all.contains("smv_"), "{all}");
}
