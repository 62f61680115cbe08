//! Liveness, readiness, and paths that are not ours.

use crate::callbacks::client;
use crate::harness::TestServer;

async fn get(server: &TestServer, path: &str) -> (u16, String, serde_json::Value) {
    let url = format!("http://{}{path}", server.address);
    let response = client().get(url).send().await.expect("an answer");
    let media_type = response.headers()["content-type"].to_str().expect("text").to_owned();
    (
        response.status().as_u16(),
        media_type,
        response.json().await.expect("JSON"),
    )
}

#[actix_web::test]
async fn l14_readiness_says_that_and_why_the_server_takes_no_new_calls() {
    let server = TestServer::start().await;
    assert_eq!(get(&server, "/readyz").await.0, 200);
    server.readiness.set_stuck_workers(1);
    server.readiness.set_draining();
    let (status, media_type, problem) = get(&server, "/readyz").await;
    assert_eq!((status, media_type.as_str()), (503, "application/problem+json"));
    assert_eq!(problem["detail"], "draining; worker threads stuck: 1");
    assert_eq!(
        get(&server, "/healthz").await.0,
        200,
        "the process is alive all the same"
    );
}

#[actix_web::test]
async fn what_is_not_ours_is_told_as_a_problem_without_echoing_it() {
    let server = TestServer::start().await;
    for (path, expected) in [("/canary", 404), ("/twilio/status/canary", 405), ("/twilio/media", 403)] {
        let (status, media_type, problem) = get(&server, path).await;
        assert_eq!(
            (status, media_type.as_str()),
            (expected, "application/problem+json"),
            "{path}"
        );
        assert_eq!(problem["status"], expected);
        assert!(!problem.to_string().contains("canary"));
    }
}
