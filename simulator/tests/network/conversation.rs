//! A media server that knows nothing of this project holds conversations with the simulator.

use super::support::{Program, call, done, form, options, post, scenario, simulator};

const TALKER: &str = r#"
name: A conversation
network: {calls_per_second: 0, setup_ms: 20, dtmf_in_audio: false}
callers:
  - name: talker
    number: "+14155550101"
    ring_ms: 20
    steps:
      - {name: answer, say: yes.wav}
      - {name: interrupt, talk_over: {after_ms: 1000, say: yes.wav}}
      - {name: key, keys: "1"}
    expect: {answered: true, status: completed, ended_by: agent, cleared_within_ms: 300, clears: 1, prompts: 4, holes: 0,
      all_steps: true, goodbye_played: true, calls: 1, prompts_after_steps: 1, response_ms: {max: 900}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_answers_interrupts_and_presses_a_key() {
    let (mut server, port) = Program::media_server("talk").await;
    let (folder, path) = scenario(TALKER);
    let recordings = folder.path().join("recordings");
    let mut options = options(&path, port);
    options.recordings = Some(recordings.clone());
    let simulator = samvad_simulator::Simulator::start(&options).await.expect("starts");
    let sid = call(&simulator, "+14155550101").await;
    done(&simulator).await;
    server
        .until("the end of the stream", |line| line["seen"] == "closed")
        .await;

    let reports = simulator.reports();
    let [report] = reports.as_slice() else {
        panic!("one call: {reports:#?}")
    };
    assert!(
        report.failures.is_empty() && report.violations.is_empty(),
        "{report:#?}"
    );
    assert_eq!((report.marks_received, report.marks_returned), (4, 4));
    assert_eq!(report.to, "+14*******01");
    assert!(recordings.join(format!("{sid}.wav")).exists());

    let start = server.messages("start")[0];
    assert_eq!(start["start"]["customParameters"]["token"], "t&1");
    assert_eq!(start["start"]["callSid"], sid.as_str());
    assert_eq!(start["sequenceNumber"], "1");
    assert_eq!(server.messages("connected").len(), 1);
    let marks: Vec<&str> = server
        .messages("mark")
        .iter()
        .filter_map(|mark| mark["mark"]["name"].as_str())
        .collect();
    assert_eq!(
        marks,
        ["opening", "long", "asked", "bye"],
        "the cut prompt's mark comes back with the clear"
    );
    assert_eq!(server.messages("dtmf")[0]["dtmf"]["digit"], "1");
    let statuses: Vec<&str> = server
        .callbacks()
        .iter()
        .filter_map(|form| form["CallStatus"].as_str())
        .collect();
    assert_eq!(statuses[..3], ["initiated", "ringing", "in-progress"]);
    assert!(simulator.stop().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_sends_stop_and_a_close_frame() {
    let (mut server, port) = Program::media_server("hold").await;
    let (_folder, path) = scenario(
        r#"
name: Hang up
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: leaves, number: "+14155550101", ring_ms: 20, steps: [{hang_up: true}], expect: {ended_by: caller, status: completed}}
"#,
    );
    let simulator = simulator(&path, port).await;
    call(&simulator, "+14155550101").await;
    done(&simulator).await;
    let closed = server
        .until("the end of the stream", |line| line["seen"] == "closed")
        .await;
    assert_eq!(closed["code"], 1000);
    assert_eq!(server.messages("stop").len(), 1);
    assert!(simulator.stop().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_reset_closes_without_a_frame_and_the_call_ends() {
    let (mut server, port) = Program::media_server("hold").await;
    let (_folder, path) = scenario(
        r#"
name: Reset
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: lost, number: "+14155550101", ring_ms: 20, steps: [{reset_socket: true}], expect: {ended_by: network}}
"#,
    );
    let simulator = simulator(&path, port).await;
    call(&simulator, "+14155550101").await;
    done(&simulator).await;
    let closed = server
        .until("the end of the stream", |line| line["seen"] == "closed")
        .await;
    assert_eq!(closed["code"], 1006, "no close frame came");
    assert_eq!(server.messages("stop").len(), 0);
    assert!(simulator.stop().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_ends_a_call_that_is_connected() {
    let (mut server, port) = Program::media_server("hold").await;
    let (_folder, path) = scenario(
        r#"
name: Ended from outside
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: waits, number: "+14155550101", ring_ms: 20, expect: {ended_by: agent, status: completed}}
"#,
    );
    let simulator = simulator(&path, port).await;
    let sid = call(&simulator, "+14155550101").await;
    server
        .until("the mark", |line| line["message"]["event"] == "mark")
        .await;
    let end = [("Status".to_owned(), "completed".to_owned())];
    let (status, body) = post(&simulator, &format!("Calls/{sid}.json"), &end).await;
    assert_eq!(status, 200, "{body}");
    done(&simulator).await;
    server
        .until("the end of the stream", |line| line["seen"] == "closed")
        .await;
    assert_eq!(server.messages("stop").len(), 1);
    assert!(simulator.stop().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_must_not_send_ends_the_stream_with_twilios_error() {
    for (behaviour, code, expected) in [
        ("binary", 31950, true),
        ("nonsense", 31950, true),
        ("flood", 31931, false),
    ] {
        let (_server, port) = Program::media_server(behaviour).await;
        let (_folder, path) = scenario(
            r#"
name: Misbehaviour
network: {calls_per_second: 0, setup_ms: 20, playout_limit_ms: 2000}
callers:
  - {name: any, number: "+14155550101", ring_ms: 20}
"#,
        );
        let simulator = simulator(&path, port).await;
        call(&simulator, "+14155550101").await;
        done(&simulator).await;
        let report = simulator.reports().remove(0);
        assert_eq!(report.stream_error, Some(code), "{behaviour}");
        assert_eq!(!report.violations.is_empty(), expected, "{report:#?}");
        assert!(
            !report.failures.is_empty(),
            "an error that was not expected is a failure: {report:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upgrade_is_31920_and_a_number_that_nobody_has_fails() {
    let (_server, port) = Program::media_server("refuse").await;
    let (_folder, path) = scenario(
        r#"
name: Refused
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: any, number: "+14155550101", ring_ms: 20}
"#,
    );
    let simulator = simulator(&path, port).await;
    call(&simulator, "+14155550101").await;
    call(&simulator, "+14155550777").await;
    done(&simulator).await;
    let reports = simulator.reports();
    let by_number = |ends: &str| reports.iter().find(|report| report.to.ends_with(ends)).expect("called");
    assert_eq!(by_number("01").stream_error, Some(31920));
    assert_eq!(by_number("77").status, "failed");
    assert!(by_number("77").violations[0].contains("does not have"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_wait_their_turn_and_the_reply_says_how_long() {
    let (_server, port) = Program::media_server("silence").await;
    let (_folder, path) = scenario(
        r#"
name: Queue
network: {calls_per_second: 2, setup_ms: 20}
callers:
  - {name: busy, count: 3, number: "+14155550101", busy: true}
"#,
    );
    let simulator = simulator(&path, port).await;
    let mut waits = Vec::new();
    for to in ["+14155550101", "+14155550102", "+14155550103"] {
        let (status, body) = post(&simulator, "Calls.json", &form(to, &[])).await;
        assert_eq!((status, &body["status"]), (201, &"queued".into()));
        waits.push(
            body["queue_time"]
                .as_str()
                .and_then(|text| text.parse::<u64>().ok())
                .expect("a number"),
        );
    }
    assert!(
        waits[0] == 0 && waits[1] <= 500 && waits[2] > waits[1] && waits[2] <= 1_000,
        "{waits:?}"
    );
    done(&simulator).await;
    assert_eq!(simulator.stop().statuses["busy"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_and_instructions_are_violations() {
    let (_server, port) = Program::media_server("silence").await;
    let (_folder, path) = scenario(
        r#"
name: Violations
network: {calls_per_second: 0, setup_ms: 20}
callers:
  - {name: any, number: "+14155550101", ring_ms: 20}
"#,
    );
    let simulator = simulator(&path, port).await;
    let mut form = form("+14155550101", &[("IdempotencyKey", "1")]);
    form.retain(|(name, _)| name != "Twiml");
    form.push(("Twiml".to_owned(), "<Response><Gather/></Response>".to_owned()));
    assert_eq!(post(&simulator, "Calls.json", &form).await.0, 201);
    done(&simulator).await;
    let report = simulator.reports().remove(0);
    assert_eq!(report.status, "failed");
    assert!(report.violations[0].contains("12200"), "{report:#?}");
    let summary = simulator.stop();
    assert!(
        summary.violations.iter().any(|text| text.contains("IdempotencyKey")),
        "{summary:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_about_to_end_when_the_run_is_over_is_still_reported() {
    let (server, port) = Program::media_server("hold").await;
    let (_folder, path) = scenario(
        r#"
name: Settle
network: {calls_per_second: 0, setup_ms: 20}
callers: [{name: away, number: "+14155550101", no_answer: {after_ms: 300}, expect: {status: no-answer}}]
"#,
    );
    let simulator = simulator(&path, port).await;
    call(&simulator, "+14155550101").await;
    drop(server);
    simulator.settle().await;
    let summary = simulator.stop();
    assert_eq!(summary.calls, 1);
    assert!(
        summary.is_clean(),
        "a server that is gone is not at fault any more: {summary:#?}"
    );
}
