//! Twilio's own Python package judges the Calls API and the signatures.

use super::support::{ACCOUNT, PUBLIC, Program, TOKEN, scenario, simulator};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn twilios_own_client_and_validator_find_nothing_wrong() {
    let (mut judge, port) = Program::python_judge().await;
    let (_folder, path) = scenario(
        r#"
name: For the judge
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: answers, number: "+14155550101", ring_ms: 20}
  - {name: rings, number: "+14155550102", ring_ms: 20000}
  - {name: busy, number: "+14155550103", busy: true}
"#,
    );
    let simulator = simulator(&path, port).await;
    judge
        .tell(&json!({
            "api": format!("http://{}", simulator.address()),
            "public": PUBLIC,
            "sid": ACCOUNT,
            "token": TOKEN,
            "answers": "+14155550101",
            "rings": "+14155550102",
            "busy": "+14155550103",
        }))
        .await;
    assert!(judge.succeeded().await, "{:#?}", judge.seen.last());
    let checks = judge.seen.iter().filter(|line| line["passed"] == true).count();
    assert_eq!(checks, 18, "{:#?}", judge.seen);
    let summary = simulator.stop();
    assert_eq!(summary.calls, 5, "{summary:#?}");
}
