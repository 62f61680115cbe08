//! What the network does wrong when a scenario asks for it, seen by a server that knows nothing of this project.

use super::support::{Program, call, done, form, post, scenario, simulator};
use samvad_simulator::{CallReport, Simulator};
use serde_json::Value;
use std::time::{Duration, Instant};

const NUMBER: &str = "+14155550101";

/// A caller with these faults and further fields, before a server that behaves so.
async fn start(behaviour: &str, faults: &str, more: &str) -> (Program, Simulator, tempfile::TempDir) {
    let (server, port) = Program::media_server(behaviour).await;
    let (folder, path) = scenario(&format!(
        r#"
name: Faults
network: {{calls_per_second: 0, setup_ms: 20, dtmf_in_audio: false}}
callers:
  - {{name: one, number: "{NUMBER}", ring_ms: 20, faults: [{faults}], {more}}}
"#
    ));
    let simulator = simulator(&path, port).await;
    (server, simulator, folder)
}

const HANGS_UP: &str = "steps: [{hang_up: true}]";
const TALKS: &str =
    r#"steps: [{say: yes.wav}, {talk_over: {after_ms: 1000, say: yes.wav}}, {keys: "1"}], expect: {all_steps: true}"#;

/// One call from its creation to its end; what the server saw by then is in `server.seen`.
async fn one_call(server: &mut Program, simulator: &Simulator) -> CallReport {
    call(simulator, NUMBER).await;
    done(simulator).await;
    server
        .until("the end of the stream", |line| line["seen"] == "closed")
        .await;
    simulator.reports().remove(0)
}

/// Sequence numbers of the status callbacks in the order of their arrival, once there are `count`.
async fn sequence(server: &mut Program, count: usize) -> Vec<String> {
    while server.callbacks().len() < count {
        server.until("a callback", |line| line["seen"] == "callback").await;
    }
    server
        .callbacks()
        .iter()
        .filter_map(|form| form["SequenceNumber"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_survives_everything_that_the_protocol_leaves_open() {
    let faults = "unknown_fields, unknown_events, varied_key_order, odd_frames, stall, slash_signed_upgrade";
    let (mut server, simulator, _folder) = start("talk", faults, TALKS).await;
    let report = one_call(&mut server, &simulator).await;
    assert!(
        report.failures.is_empty() && report.violations.is_empty(),
        "{report:#?}"
    );
    assert_eq!(server.messages("start")[0]["flavour"]["since"], 2);
    assert!(!server.messages("weather").is_empty());
    assert_eq!(server.callbacks()[0]["StirVerstat"], "TN-Validation-Passed-A");
    let closed = server
        .seen
        .iter()
        .find(|line| line["seen"] == "closed")
        .expect("closed");
    let mean_ms = closed["heard_ms"].as_f64().expect("number") / closed["frames"].as_f64().expect("number");
    assert!(mean_ms > 30.0, "frames of 1 to 100 ms, not of 20: {mean_ms} on average");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_frames_leave_gaps_and_a_discarding_network_reports_31930() {
    let (mut server, simulator, _folder) = start("hold", "lost_frames, stream_error_31930", "patience_ms: 8000").await;
    let report = one_call(&mut server, &simulator).await;
    assert_eq!(report.stream_error, Some(31930));
    let closed = server
        .seen
        .iter()
        .find(|line| line["seen"] == "closed")
        .expect("closed");
    let heard_ms = closed["heard_ms"].as_f64().expect("number");
    assert!(
        heard_ms <= report.stream_ms as f64 - 2_000.0,
        "two seconds are missing: {heard_ms} of {report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_callback_can_come_before_the_reply() {
    let (_server, port) = Program::media_server("hold").await;
    let (_folder, path) = scenario(
        r#"
name: Early
network: {calls_per_second: 2, setup_ms: 20}
callers: [{name: one, count: 2, number: "+14155550101", busy: true, faults: [callback_before_reply]}]
"#,
    );
    let simulator = simulator(&path, port).await;
    call(&simulator, "+14155550101").await;
    let begin = Instant::now();
    call(&simulator, "+14155550102").await;
    assert!(
        begin.elapsed() > Duration::from_millis(250),
        "the reply waits for the call's turn and its callback"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn media_can_come_before_the_answered_callback() {
    let (mut server, simulator, _folder) = start("hold", "media_before_answered", HANGS_UP).await;
    one_call(&mut server, &simulator).await;
    sequence(&mut server, 4).await;
    let at = |fits: &dyn Fn(&Value) -> bool| server.seen.iter().position(fits).expect("seen");
    assert!(at(&|line| line["message"]["event"] == "start") < at(&|line| line["form"]["CallStatus"] == "in-progress"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_can_be_missing() {
    let (mut server, simulator, _folder) = start("hold", "missing_stop", HANGS_UP).await;
    one_call(&mut server, &simulator).await;
    assert_eq!(server.messages("stop").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_can_be_refused_with_429() {
    let (mut server, simulator, _folder) = start("hold", "rate_limited", HANGS_UP).await;
    let (status, body) = post(&simulator, "Calls.json", &form(NUMBER, &[])).await;
    assert_eq!((status, &body["code"]), (429, &20429.into()));
    one_call(&mut server, &simulator).await;
    assert_eq!(simulator.summary().calls, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l20_a_call_is_placed_although_the_reply_is_a_500() {
    let (_server, simulator, _folder) = start("hold", "server_error_after_placing", HANGS_UP).await;
    let (status, _) = post(&simulator, "Calls.json", &form(NUMBER, &[])).await;
    assert_eq!(status, 500);
    done(&simulator).await;
    assert_eq!(simulator.summary().statuses["completed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l20_a_call_is_placed_although_no_reply_comes() {
    let (_server, simulator, _folder) = start("hold", "timeout_after_placing", HANGS_UP).await;
    let request = form(NUMBER, &[]);
    let asking = post(&simulator, "Calls.json", &request);
    tokio::select! {
        _ = asking => panic!("there must be no reply"),
        () = done(&simulator) => {}
    }
    assert_eq!(simulator.summary().statuses["completed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_can_come_at_the_moment_of_the_hang_up() {
    let (mut server, simulator, _folder) = start("hold", "ended_before_update", "").await;
    let sid = call(&simulator, NUMBER).await;
    server
        .until("the stream", |line| line["message"]["event"] == "start")
        .await;
    let end = [("Status".to_owned(), "completed".to_owned())];
    let (status, body) = post(&simulator, &format!("Calls/{sid}.json"), &end).await;
    assert_eq!((status, &body["code"]), (400, &21220.into()));
    done(&simulator).await;
    assert_eq!(simulator.reports()[0].ended_by.name(), "caller");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_end_with_the_errors_of_twilio() {
    for (behaviour, code) in [("flood", 31931), ("hold", 31950)] {
        let expect = format!("expect: {{stream_error: {code}, ended_by: network}}");
        let (mut server, simulator, _folder) = start(behaviour, &format!("stream_error_{code}"), &expect).await;
        let report = one_call(&mut server, &simulator).await;
        assert!(report.failures.is_empty(), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_can_be_doubled_reordered_and_lost() {
    for (fault, expected) in [
        ("duplicate_callbacks", vec!["0", "0", "1", "1", "2", "2", "3", "3"]),
        ("reordered_callbacks", vec!["1", "0", "3", "2"]),
        ("dropped_callbacks", vec!["3"]),
        ("dropped_final_callback", vec!["0", "1", "2"]),
    ] {
        let (mut server, simulator, _folder) = start("hold", fault, HANGS_UP).await;
        one_call(&mut server, &simulator).await;
        assert_eq!(sequence(&mut server, expected.len()).await, expected, "{fault}");
    }
}

/// The independent server asks for a signature and does not check it: so it refuses one forgery and not the other.
#[tokio::test(flavor = "multi_thread")]
async fn l24_who_accepts_a_forgery_is_found_out() {
    for (fault, found_out) in [
        ("unsigned_callbacks", false),
        ("wrongly_signed_callbacks", true),
        ("unsigned_upgrade", false),
        ("wrongly_signed_upgrade", true),
    ] {
        let (mut server, simulator, _folder) = start("hold", fault, HANGS_UP).await;
        let report = one_call(&mut server, &simulator).await;
        assert_eq!(!report.violations.is_empty(), found_out, "{fault}: {report:#?}");
        assert_eq!(report.status, "completed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l16_machine_detection_speaks_by_callback_and_can_be_late_and_wrong() {
    const DETECTION: [(&str, &str); 3] = [
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", "https://survey.example/amd/1"),
    ];
    for (faults, more, verdict, duration) in [
        ("", "machine_detection: {after_ms: 100}", "human", "100"),
        (
            "",
            "voicemail: {greeting: yes.wav}, machine_detection: {after_ms: 100}",
            "machine_start",
            "100",
        ),
        (
            "late_machine_verdict",
            "machine_detection: {after_ms: 100}",
            "machine_start",
            "20100",
        ),
    ] {
        let (mut server, simulator, _folder) = start("hold", faults, more).await;
        let (status, _) = post(&simulator, "Calls.json", &form(NUMBER, &DETECTION)).await;
        assert_eq!(status, 201);
        let line = server
            .until("the verdict", |line| !line["form"]["AnsweredBy"].is_null())
            .await;
        assert_eq!(line["path"], "/amd/1");
        assert_eq!(line["form"]["AnsweredBy"], verdict);
        assert_eq!(line["form"]["MachineDetectionDuration"], duration);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_by_probability_strikes_the_same_calls_in_every_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (_server, port) = Program::media_server("hold").await;
        let (_folder, path) = scenario(
            r#"
name: Chance
seed: 4
network: {calls_per_second: 0, setup_ms: 1}
faults: {stall: 0.5}
callers: [{name: many, count: 40, number: "+14155550100", busy: true}]
"#,
        );
        let simulator = simulator(&path, port).await;
        for index in 100..140 {
            call(&simulator, &format!("+14155550{index}")).await;
        }
        done(&simulator).await;
        let mut struck: Vec<(usize, usize)> = simulator
            .reports()
            .iter()
            .map(|report| (report.respondent.expect("known"), report.faults.len()))
            .collect();
        struck.sort_unstable();
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
    let count = runs[0].iter().filter(|(_, faults)| *faults > 0).count();
    assert!((8..=32).contains(&count), "{count} of 40");
}
