//! Several servers: takeover, caps, outages of Redis, calls that land anywhere.

use crate::nodes::{Fleet, Process};
use samvad::coordination::RedisCoordination;
use samvad_actors::domain::{AttemptState, Lifecycle, Mode};
use samvad_actors::ports::Coordination;
use std::time::{Duration, Instant};

const NOBODY_ANSWERS: &str = r#"
name: Nobody answers
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
  - {name: away, count: 24, no_answer: {after_ms: 1500}}
"#;

const REFUSERS: &str = r#"
name: Refusers
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
  - {name: refuser, count: 8, ring_ms: 300, steps: [{when: answered, after_ms: 500, keys: "*"}, {when: prompt_begins, after_ms: 500, keys: "2"}]}
"#;

const SILENT_MACHINES: &str = r#"
name: Silent machines
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
  - {name: machine, count: 8, ring_ms: 300, machine_detection: {verdict: machine_start, after_ms: 2500}}
"#;

const LISTENERS: &str = r#"
name: Listeners
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
  - {name: listener, count: 12, ring_ms: 300, steps: [{when: answered, after_ms: 500, keys: "*"}, {silent: 60000}]}
"#;

async fn four_ring(fleet: &Fleet) {
    fleet
        .until("four ring", async || {
            let open = fleet.open_attempts().await;
            open.len() == 4 && open.iter().all(|row| row.state == AttemptState::Submitted)
        })
        .await;
}

async fn no_permit_is_left(fleet: &Fleet) {
    let coordination = RedisCoordination::new(&fleet.redis.settings()).expect("a URL");
    fleet
        .until("no permit is left", async || {
            coordination
                .held(Mode::Simulated)
                .await
                .is_ok_and(|held| held.is_empty())
        })
        .await;
}

#[actix::test]
async fn another_server_takes_over_within_ten_seconds_of_a_kill_and_nobody_is_called_twice() {
    let mut fleet = Fleet::start(3, NOBODY_ANSWERS, &[("SAMVAD_MAX_CALLS", "4")]).await;
    let campaign = fleet.call("spring", |_| true).await;
    four_ring(&fleet).await;
    let leader = fleet.leader(&campaign).await.expect("a server leads");
    let epoch = fleet.state(&campaign).await.epoch;
    fleet.nodes[leader].kill();
    let killed = Instant::now();
    fleet
        .until("another leads", async || {
            fleet.leader(&campaign).await.is_some_and(|now| now != leader)
        })
        .await;
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    assert!(fleet.state(&campaign).await.epoch > epoch, "the fence");
    fleet.completed(&campaign).await;
    assert_eq!(fleet.outcomes(&campaign).await.get("Failed"), Some(&24));
    no_permit_is_left(&fleet).await;
    assert_eq!(fleet.judge(4), 24);
}

#[actix::test]
async fn without_redis_dialling_stops_and_with_an_empty_one_it_is_rebuilt_and_goes_on() {
    let mut fleet = Fleet::start(2, NOBODY_ANSWERS, &[("SAMVAD_MAX_CALLS", "4")]).await;
    let campaign = fleet.call("spring", |_| true).await;
    four_ring(&fleet).await;
    fleet.redis.kill();
    fleet
        .until("calls under way come to their end, for the carrier too", async || {
            // In this order: what has ended is told of by then, and the carrier's count may come later.
            let none_is_open = fleet.open_attempts().await.is_empty();
            let told = fleet.outcomes(&campaign).await.get("Failed").copied();
            none_is_open && told == Some(fleet.calls_ended())
        })
        .await;
    let ended = fleet.calls_ended();
    let looks = |node: &Process| node.log().matches("nobody can be elected now").count();
    let before: Vec<usize> = fleet.nodes.iter().map(looks).collect();
    fleet
        .until("every server has looked again, twice", async || {
            fleet
                .nodes
                .iter()
                .zip(&before)
                .all(|(node, before)| looks(node) >= before + 2)
        })
        .await;
    assert_eq!(fleet.calls_ended(), ended, "nobody is called");
    assert!(fleet.open_attempts().await.is_empty());
    fleet.redis.start_again();
    fleet.completed(&campaign).await;
    assert_eq!(fleet.outcomes(&campaign).await.get("Failed"), Some(&24));
    no_permit_is_left(&fleet).await;
    assert_eq!(fleet.judge(4), 24);
}

#[actix::test]
async fn p15_caps_of_the_day_and_concurrency_hold_for_all_servers_and_campaigns_together() {
    let limits = [("SAMVAD_MAX_CALLS", "3"), ("SAMVAD_CALLS_PER_DAY", "9")];
    let fleet = Fleet::start(2, NOBODY_ANSWERS, &limits).await;
    fleet.call("even", |index| index % 2 == 0).await;
    fleet.call("odd", |index| index % 2 == 1).await;
    fleet
        .until("the cap is reached", async || {
            fleet.calls_ended() == 9 && fleet.open_attempts().await.is_empty()
        })
        .await;
    fleet
        .until("both campaigns have looked since, and tell why they wait", async || {
            let logs: String = fleet.nodes.iter().map(Process::log).collect();
            let told = |campaign: &str| {
                let of_campaign = format!("\"campaign\":\"{campaign}\"");
                let mut lines = logs.lines().filter(|line| line.contains(&of_campaign));
                lines.any(|line| {
                    line.contains("nobody is called now") && line.contains("the 9 calls of the day are made")
                })
            };
            told("even") && told("odd")
        })
        .await;
    assert_eq!(fleet.judge(3), 9);
}

#[actix::test]
async fn a_stop_of_everything_ends_conversations_on_every_server_and_nobody_else_is_called() {
    let fleet = Fleet::start(2, LISTENERS, &[("SAMVAD_MAX_CALLS", "4")]).await;
    let campaign = fleet.call("spring", |_| true).await;
    fleet
        .until("four listen", async || {
            let open = fleet.open_attempts().await;
            open.len() == 4 && open.iter().all(|row| row.state == AttemptState::Live)
        })
        .await;
    let said = fleet.operate(&["stop-all", "--yes"]);
    // Servers hang up too as soon as the campaign is paused, so that fewer than four may be left to hang up.
    assert!(said.contains("1 campaign paused"), "{said}");
    fleet
        .until("nobody speaks any more", async || {
            fleet.open_attempts().await.is_empty()
        })
        .await;
    assert_eq!(fleet.state(&campaign).await.lifecycle, Lifecycle::Paused);
    no_permit_is_left(&fleet).await;
    let outcomes = fleet.outcomes(&campaign).await;
    assert_eq!(outcomes.get("none"), Some(&8), "{outcomes:?}");
    assert_eq!(fleet.judge(4), 4);
}

#[actix::test]
async fn media_and_callbacks_land_on_any_server() {
    let fleet = Fleet::start(2, REFUSERS, &[("SAMVAD_MAX_CALLS", "4")]).await;
    let campaign = fleet.call("spring", |_| true).await;
    fleet.completed(&campaign).await;
    assert_eq!(fleet.outcomes(&campaign).await.get("Refused"), Some(&8));
    for node in &fleet.nodes {
        let talked = node.lines().iter().filter(|line| line["event"] == "talking").count();
        assert!(talked > 0, "every server had some of the calls");
    }
    no_permit_is_left(&fleet).await;
    assert_eq!(fleet.judge(4), 8);
}

#[actix::test]
async fn a_verdict_of_the_machine_detection_reaches_its_call_on_whatever_server() {
    let fleet = Fleet::start(2, SILENT_MACHINES, &[("SAMVAD_MAX_CALLS", "4")]).await;
    let campaign = fleet.call("spring", |_| true).await;
    fleet.completed(&campaign).await;
    assert_eq!(fleet.outcomes(&campaign).await.get("Voicemail"), Some(&8));
}

#[actix::test]
async fn a_server_without_redis_does_not_start_beside_others() {
    let fleet = Fleet::start(1, REFUSERS, &[]).await;
    let refused = fleet.start_without_redis();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("another server runs on") && said.contains("REDIS_URL"),
        "{said}"
    );
}
