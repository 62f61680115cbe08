//! How much our own code adds between the end of an answer and the first audio that follows it.

use crate::doubles::deepgram::{self, Deepgram};
use crate::doubles::{Double, Ear};
use crate::harness::{output, root, samvad, text};
use crate::{number, runtime};
use samvad::store::SqlStore;
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::{ResultStore, TurnLatency};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What the service takes for a result.
const SERVICE_MS: u32 = 60;
/// Silence that ends a yes: see `patience_ms` in docs.
const PATIENCE_MS: u32 = 700;

/// Every turn of a run.
async fn turns(directory: &Path) -> Vec<TurnLatency> {
    let url = format!("sqlite://{}", directory.join("samvad.db").display());
    let store = SqlStore::open(&url).await.expect("the run's database");
    let rows = store.results(&CampaignId::from("three-yes-no")).await.expect("results");
    let mut turns = Vec::new();
    for attempt in rows.into_iter().filter_map(|row| row.attempt) {
        turns.extend(store.latencies(&attempt.id).await.expect("latencies"));
    }
    store.close().await;
    turns
}

fn say_quantiles(what: &str, mut values: Vec<u32>) {
    values.sort_unstable();
    let quantile = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    eprintln!(
        "{what:<44} p50 {:>4} ms, p95 {:>4} ms, p99 {:>4} ms, most {:>4} ms",
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        quantile(1.0)
    );
}

#[test]
fn what_our_own_code_adds_to_an_answer_is_told_for_every_turn() {
    let talkers = number("SERVICE_LOAD_TALKERS", 20);
    let scratch = tempfile::tempdir().expect("a folder");
    let directory = scratch.path().join("run");
    let runtime = runtime();
    let delay = Duration::from_millis(u64::from(SERVICE_MS));
    let service = runtime.block_on(Double::start::<Deepgram>(Ear::Says("Yes.", delay)));
    let mut command = samvad();
    command
        .arg("simulate")
        .arg("--scenario")
        .arg(root().join("fixtures/scenarios/spoken_yes.yaml"))
        .arg("--campaign")
        .arg(root().join("fixtures/campaigns/three_yes_no.yaml"))
        .arg("--directory")
        .arg(&directory)
        .args(["--recognizer", "deepgram", "--json"])
        .args(["--calls", &talkers.to_string()])
        .args(["--concurrent", &talkers.to_string()])
        .args(["--calls-per-second", "20"])
        .env("SAMVAD_SERVICE_CONNECTIONS", talkers.to_string())
        .env("DEEPGRAM_API_KEY", deepgram::KEY)
        .env("DEEPGRAM_BASE_URL", service.url().as_str());
    let run = output(&mut command);
    let summary: Value = text(&run.stdout)
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| panic!("the run failed: {}", text(&run.stderr)));
    assert_eq!(summary["differences"], serde_json::json!([]), "{summary}");

    let turns = runtime.block_on(turns(&directory));
    // "Hello", consent and three answers; the "hello" is greeted at its end, before it is understood.
    assert!(turns.len() >= 4 * talkers, "{} turns", turns.len());
    let understood: Vec<&TurnLatency> = turns.iter().filter(|turn| turn.recognition_ms >= SERVICE_MS).collect();
    assert!(
        understood.len() >= 4 * talkers,
        "{} turns of the service",
        understood.len()
    );
    let own = |turn: &&TurnLatency| (turn.recognition_ms - SERVICE_MS) + turn.decision_ms + turn.first_audio_ms;
    eprintln!(
        "{talkers} calls at once, {} answers, a service that takes {SERVICE_MS} ms:",
        understood.len()
    );
    say_quantiles(
        "silence that ends an answer, beyond patience",
        understood
            .iter()
            .map(|turn| turn.endpoint_ms.saturating_sub(PATIENCE_MS))
            .collect(),
    );
    say_quantiles(
        "recognition, beyond the service's time",
        understood.iter().map(|turn| turn.recognition_ms - SERVICE_MS).collect(),
    );
    say_quantiles("decision", understood.iter().map(|turn| turn.decision_ms).collect());
    say_quantiles(
        "first audio",
        understood.iter().map(|turn| turn.first_audio_ms).collect(),
    );
    say_quantiles("our own, together", understood.iter().map(own).collect());
    for turn in turns {
        let parts = turn.endpoint_ms + turn.recognition_ms + turn.decision_ms + turn.first_audio_ms;
        assert_eq!(parts, turn.total_ms, "L27: the parts add up: {turn:?}");
    }
}
