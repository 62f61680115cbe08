//! What goes over the wire.

use crate::server::{Conduct, KEY, LanguageServer, fixture};
use crate::world::{Kind, PATIENT, ask, listen, well};
use serde_json::Value;

fn written(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

#[tokio::test]
async fn what_is_sent_has_the_shape_of_the_fixtures_and_the_key_stands_in_its_header() {
    let server = LanguageServer::start();
    let model = well(Kind::Schema, &server);
    ask(&*model, PATIENT).await.unwrap();
    listen(&*model, PATIENT).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].json(), written("request_schema.json"));
    assert_eq!(requests[1].json(), written("request_spoken.json"));
    for request in &requests {
        assert_eq!(request.line, "POST /v1/chat/completions HTTP/1.1");
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
        assert!(!String::from_utf8_lossy(&request.body).contains(KEY));
    }
}

#[tokio::test]
async fn a_server_without_schemas_is_told_the_schema_in_words_and_the_limit_by_its_older_name() {
    let server = LanguageServer::start();
    server.behave(Conduct::KnowsNoSchemas);
    ask(&*well(Kind::JsonMode, &server), PATIENT).await.unwrap();
    let body = server.requests()[0].json();
    assert_eq!(body["response_format"], serde_json::json!({"type": "json_object"}));
    let instructions = body["messages"][0]["content"].as_str().unwrap();
    assert!(instructions.starts_with("Understand the answer.") && instructions.contains("JSON Schema"));
    assert!(
        instructions.contains("\"additionalProperties\":false"),
        "{instructions}"
    );
    assert_eq!(
        (body["max_tokens"].as_u64(), body.get("max_completion_tokens")),
        (Some(64), None)
    );
    assert_eq!(body["temperature"], 0.0);
}

#[tokio::test]
async fn a_failure_is_told_at_once_and_nothing_is_asked_twice() {
    for conduct in [
        Conduct::Refuses(429, "error_rate", Some("1")),
        Conduct::Refuses(500, "error_rate", None),
        Conduct::TalksNonsense,
        Conduct::Cuts,
    ] {
        let server = LanguageServer::start();
        server.behave(conduct);
        ask(&*well(Kind::Schema, &server), PATIENT).await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{conduct:?}");
    }
}

#[tokio::test]
async fn connections_are_kept_for_the_next_request() {
    const REQUESTS: usize = 20;
    let server = LanguageServer::start();
    let model = well(Kind::Schema, &server);
    for _ in 0..REQUESTS {
        ask(&*model, PATIENT).await.unwrap();
    }
    // Now and then one is not back in time for the next.
    assert!(server.open() < REQUESTS / 2, "{} connections", server.open());
}
