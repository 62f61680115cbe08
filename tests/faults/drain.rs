//! What SIGTERM does to live, ringing, queued and planned calls (L14).

use crate::harness::{World, assert_no_panic, count, count_status, poll};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Signals closer together are taken as one.
const ONE_SIGNAL: Duration = Duration::from_millis(1_100);

/// Refuses as soon as there is somebody to refuse; the network takes one call a second, so that some wait their turn.
const REFUSERS: &str = r#"
name: Refusers
network: {calls_per_second: 1, setup_ms: 100, dtmf_in_audio: false}
callers:
  - {name: refuser, count: 12, ring_ms: 2500, steps: [{when: answered, after_ms: 1500, keys: "*"}, {when: prompt_begins, after_ms: 1000, keys: "2"}]}
"#;

/// Says nothing, and does not hang up.
const SILENT: &str = r#"
name: Silent
network: {calls_per_second: 2, setup_ms: 100}
callers:
  - {name: silent, count: 2, ring_ms: 300, patience_ms: 120000}
  - {name: slow, count: 2, ring_ms: 25000}
"#;

#[test]
fn l14_sigterm_stops_dialling_and_lets_live_ringing_and_queued_calls_finish() {
    let mut world = World::of(REFUSERS).set("SAMVAD_MAX_CALLS", "7");
    let mut server = world.calling();
    server.until("one talks, one rings, some are queued", |lines| {
        count(lines, "talking") >= 1 && count_status(lines, "ringing") > count_status(lines, "in-progress")
    });
    server.signal(Signal::TERM);
    let status = server.ended(Duration::from_secs(60));
    assert!(status.success(), "{status}: {}", server.log_text());
    let lines = server.lines().clone();
    let placed = count(&lines, "placed");
    assert!(placed < 12, "dialling has stopped");
    let outcomes = world.outcomes();
    assert_eq!(
        outcomes.get("Refused"),
        Some(&placed),
        "each came to its real end: {outcomes:?}"
    );
    assert_eq!(outcomes.get("none"), Some(&(12 - placed)), "{outcomes:?}");
    assert_no_panic(&server.log_text());
    drop(lines);
    world.assert_all_ended_once(0);
}

/// Two live calls and two that ring; then the server is told to stop, and stops before they would end.
fn is_cut_short(drain_seconds: &str, signals: usize) {
    let mut world = World::of(SILENT).set("SAMVAD_DRAIN_SECONDS", drain_seconds);
    let mut server = world.calling();
    server.until("two talk, two ring", |lines| {
        count(lines, "talking") == 2 && count_status(lines, "ringing") == 4
    });
    for _ in 0..signals {
        let sent = Instant::now();
        server.signal(Signal::TERM);
        poll(
            "it drains",
            || server.log_text().contains("told to stop"),
            || server.log_text(),
        );
        // Two within a second count as one.
        poll(
            "the next signal is another one",
            || sent.elapsed() > ONE_SIGNAL,
            String::new,
        );
    }
    let status = server.ended(Duration::from_secs(12));
    assert!(status.success(), "{status}: {}", server.log_text());
    let outcomes = world.outcomes();
    assert_eq!(outcomes.values().sum::<usize>(), 4);
    assert_eq!(outcomes.get("none"), None, "every attempt has an outcome: {outcomes:?}");
    assert_no_panic(&server.log_text());
    let canceled = |row: &samvad_actors::ports::ResultRow| {
        let status = row.attempt.as_ref().and_then(|attempt| attempt.carrier_status);
        status == Some(samvad_actors::domain::CarrierStatus::Canceled)
    };
    assert_eq!(
        world.results().iter().filter(|row| canceled(row)).count(),
        2,
        "what rang was taken back"
    );
    world.assert_all_ended_once(0);
}

#[test]
fn l14_a_second_sigterm_ends_live_and_ringing_calls_at_once_with_outcomes() {
    is_cut_short("600", 2);
}

#[test]
fn l14_the_drain_limit_ends_live_and_ringing_calls_with_outcomes() {
    is_cut_short("1", 1);
}
