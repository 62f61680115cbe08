//! The carrier's callbacks.

use crate::harness::{ACCOUNT, AUTH_TOKEN, PUBLIC_HOST, TestServer, sign};
use samvad_actors::domain::CarrierStatus;
use samvad_actors::ports::StoreError;

const STATUS: &str = "/twilio/status/attempt-1";
const MACHINE: &str = "/twilio/amd/attempt-1";
const STREAM: &str = "/twilio/stream/attempt-1";

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}

pub type Fields<'a> = Vec<(&'a str, &'a str)>;

/// A status callback as Twilio sends it.
fn status_fields<'a>(status: &'a str, sequence: &'a str) -> Fields<'a> {
    vec![
        ("CallSid", "CA1"),
        ("AccountSid", ACCOUNT),
        ("From", "+14155550100"),
        ("To", "+14155550123"),
        ("CallStatus", status),
        ("SequenceNumber", sequence),
        ("Timestamp", "Tue, 31 Aug 2010 20:36:28 +0000"),
        ("CallbackSource", "call-progress-events"),
    ]
}

pub fn signature(path: &str, fields: &Fields<'_>) -> String {
    let mut fields = fields.clone();
    fields.sort();
    let fields: String = fields.into_iter().flat_map(|(name, value)| [name, value]).collect();
    sign(AUTH_TOKEN, &format!("https://{PUBLIC_HOST}{path}{fields}"))
}

pub async fn post_signed(
    server: &TestServer,
    path: &str,
    fields: &Fields<'_>,
    signature: Option<&str>,
) -> (u16, String) {
    let mut request = client().post(format!("http://{}{path}", server.address)).form(fields);
    if let Some(signature) = signature {
        request = request.header("X-Twilio-Signature", signature);
    }
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("text"))
}

pub async fn post(server: &TestServer, path: &str, fields: &Fields<'_>) -> (u16, String) {
    post_signed(server, path, fields, Some(&signature(path, fields))).await
}

#[actix_web::test]
async fn a_status_is_kept_and_told_with_all_it_says() {
    let server = TestServer::start().await;
    let mut fields = status_fields("completed", "3");
    fields.extend([
        ("CallDuration", "42"),
        ("Duration", "1"),
        ("SipResponseCode", "200"),
        ("New", "field"),
    ]);
    assert_eq!(post(&server, STATUS, &fields).await, (204, String::new()));
    let [kept] = &server.store.kept()[..] else {
        panic!("not one")
    };
    assert_eq!((kept.attempt.as_str(), kept.call_sid.as_str()), ("attempt-1", "CA1"));
    assert_eq!(kept.status, CarrierStatus::Completed);
    assert_eq!(
        (kept.sequence, kept.call_duration_seconds, kept.sip_code),
        (Some(3), Some(42), Some(200))
    );
    assert_eq!(server.calls.events(), ["attempt-1 completed Ended"]);
}

#[actix_web::test]
async fn l24_a_callback_that_twilio_did_not_sign_changes_nothing() {
    let server = TestServer::start().await;
    let fields = status_fields("completed", "3");
    let mut altered = fields.clone();
    altered[4].1 = "busy";
    let good = signature(STATUS, &fields);
    for (path, fields, signature) in [
        (STATUS, &fields, None),
        (STATUS, &altered, Some(good.as_str())),
        ("/twilio/status/attempt-2", &fields, Some(good.as_str())),
        (MACHINE, &fields, Some(good.as_str())),
        (STATUS, &fields, Some("L/OH5YylLD5NRKLltdqwSvS0BnU=")),
    ] {
        let (status, body) = post_signed(&server, path, fields, signature).await;
        assert_eq!(status, 403, "{path} {signature:?}");
        assert!(!body.contains("4155550123"), "{body}");
    }
    assert!(server.store.kept().is_empty() && server.calls.events().is_empty());
}

#[actix_web::test]
async fn l24_a_signed_callback_about_another_account_is_refused() {
    let server = TestServer::start().await;
    let mut fields = status_fields("completed", "3");
    fields[1].1 = "AC00000000000000000000000000000000";
    assert_eq!(post(&server, STATUS, &fields).await.0, 403);
    fields.remove(1);
    assert_eq!(post(&server, STATUS, &fields).await.0, 403);
    assert!(server.store.kept().is_empty());
}

#[actix_web::test]
async fn l26_the_signature_is_over_the_public_origin_and_not_over_the_host() {
    let server = TestServer::start().await;
    let fields = status_fields("ringing", "1");
    let mut sorted = fields.clone();
    sorted.sort();
    let sorted: String = sorted.into_iter().flat_map(|(name, value)| [name, value]).collect();
    let over_host = sign(AUTH_TOKEN, &format!("http://{}{STATUS}{sorted}", server.address));
    assert_eq!(post_signed(&server, STATUS, &fields, Some(&over_host)).await.0, 403);
    assert_eq!(post(&server, STATUS, &fields).await.0, 204);
}

#[actix_web::test]
async fn l21_every_status_of_a_call_is_kept_each_once_in_whatever_order_they_come() {
    let server = TestServer::start().await;
    for (status, sequence) in [
        ("ringing", "1"),
        ("in-progress", "2"),
        ("ringing", "1"),
        ("initiated", "0"),
    ] {
        assert_eq!(post(&server, STATUS, &status_fields(status, sequence)).await.0, 204);
    }
    assert_eq!(server.store.kept().len(), 3);
    assert_eq!(
        server.calls.events(),
        ["attempt-1 ringing Advanced", "attempt-1 in-progress Advanced"]
    );
}

#[actix_web::test]
async fn l21_a_store_that_is_away_makes_twilio_send_again() {
    let server = TestServer::start().await;
    server.store.away();
    let fields = status_fields("completed", "3");
    let machine = vec![("CallSid", "CA1"), ("AccountSid", ACCOUNT), ("AnsweredBy", "human")];
    assert_eq!(post(&server, STATUS, &fields).await.0, 503);
    assert_eq!(post(&server, MACHINE, &machine).await.0, 503);
    assert!(server.calls.events().is_empty());
    server.store.back();
    assert_eq!(post(&server, STATUS, &fields).await.0, 204);
    assert_eq!(server.calls.events(), ["attempt-1 completed Ended"]);
}

#[actix_web::test]
async fn a_status_word_that_is_not_known_is_let_pass() {
    let server = TestServer::start().await;
    assert_eq!(post(&server, STATUS, &status_fields("parked", "1")).await.0, 204);
    assert!(server.store.kept().is_empty());
}

#[actix_web::test]
async fn a_machine_verdict_is_told_once() {
    let server = TestServer::start().await;
    for word in [
        "machine_start",
        "machine_end_beep",
        "machine_end_silence",
        "human",
        "fax",
        "unknown",
        "robot",
        "human",
    ] {
        let fields = vec![("CallSid", "CA1"), ("AccountSid", ACCOUNT), ("AnsweredBy", word)];
        assert_eq!(post(&server, MACHINE, &fields).await.0, 204, "{word}");
    }
    let expected = ["MachineStart", "MachineEnd", "Human", "Fax", "Unknown"].map(|word| format!("attempt-1 {word}"));
    assert_eq!(server.calls.events(), expected);
}

/// A stream's report as Twilio sends it.
fn stream_fields<'a>(event: &'a str, error: Option<&'a str>) -> Fields<'a> {
    let mut fields = vec![
        ("CallSid", "CA1"),
        ("AccountSid", ACCOUNT),
        ("StreamSid", "MZ1"),
        ("StreamName", "any"),
        ("StreamEvent", event),
        ("Timestamp", "2026-01-01T00:00:00Z"),
        ("New", "field"),
    ];
    fields.extend(error.map(|error| ("StreamError", error)));
    fields
}

#[actix_web::test]
async fn each_report_of_a_stream_is_told_once_in_whatever_order_they_come() {
    let server = TestServer::start().await;
    for (event, error) in [
        ("stream-stopped", None),
        ("stream-started", None),
        ("stream-error", Some("31930 - too slow")),
        ("stream-stopped", None),
        ("stream-error", Some("31930 - too slow")),
        ("stream-paused", None),
    ] {
        let answer = post(&server, STREAM, &stream_fields(event, error)).await;
        assert_eq!(answer.0, 204, "{event}");
    }
    assert_eq!(
        server.calls.events(),
        [
            "attempt-1 stream-stopped None",
            "attempt-1 stream-started None",
            "attempt-1 stream-error Some(31930)"
        ]
    );
}

#[actix_web::test]
async fn a_stream_that_never_came_to_be_is_told_without_an_id() {
    let server = TestServer::start().await;
    let mut fields = stream_fields("stream-error", Some("31920"));
    fields[2].1 = "";
    assert_eq!(post(&server, STREAM, &fields).await.0, 204);
    assert_eq!(server.calls.events(), ["attempt-1 stream-error Some(31920)"]);
    fields[2].1 = "canary/..";
    let (status, body) = post(&server, STREAM, &fields).await;
    assert!(
        status == 400 && body.contains("StreamSid") && !body.contains("canary"),
        "{status} {body}"
    );
}

#[actix_web::test]
async fn l24_a_report_of_a_stream_that_twilio_did_not_sign_is_not_told() {
    let server = TestServer::start().await;
    let fields = stream_fields("stream-error", None);
    assert_eq!(post_signed(&server, STREAM, &fields, None).await.0, 403);
    let elsewhere = signature(STATUS, &fields);
    assert_eq!(post_signed(&server, STREAM, &fields, Some(&elsewhere)).await.0, 403);
    assert!(server.calls.events().is_empty());
}

#[actix_web::test]
async fn a_fault_in_a_signed_callback_names_the_field_and_does_not_repeat_its_value() {
    let server = TestServer::start().await;
    let mut no_sid = status_fields("ringing", "1");
    no_sid.remove(0);
    let mut bad_sid = status_fields("ringing", "1");
    bad_sid[0].1 = "canary/../";
    let mut no_status = status_fields("ringing", "1");
    no_status.remove(4);
    let bad_sequence = status_fields("ringing", "canary");
    for (fields, field) in [
        (no_sid, "CallSid"),
        (bad_sid, "CallSid"),
        (no_status, "CallStatus"),
        (bad_sequence, "SequenceNumber"),
    ] {
        let (status, body) = post(&server, STATUS, &fields).await;
        assert_eq!(status, 400, "{field}");
        assert!(body.contains(field) && !body.contains("canary"), "{body}");
    }
    let (status, body) = post(&server, "/twilio/status/can%20ary", &status_fields("ringing", "1")).await;
    assert_eq!(status, 404, "{body}");
}

#[actix_web::test]
async fn a_store_that_does_not_know_the_attempt_or_the_call_is_not_asked_again() {
    let server = TestServer::start().await;
    let id = "attempt-1".to_owned();
    let reason = "call id".to_owned();
    for (fault, expected) in [
        (StoreError::NotFound { what: "attempt", id }, 404),
        (StoreError::Conflict { reason }, 409),
    ] {
        *server.store.fault.lock().expect("not poisoned") = Some(fault);
        assert_eq!(post(&server, STATUS, &status_fields("ringing", "1")).await.0, expected);
    }
}

#[actix_web::test]
async fn a_body_too_long_or_of_another_kind_is_refused() {
    let server = TestServer::start().await;
    let long = "x".repeat(16 * 1024);
    let mut fields = status_fields("ringing", "1");
    fields.push(("Padding", &long));
    assert_eq!(post(&server, STATUS, &fields).await.0, 413);
    let url = format!("http://{}{STATUS}", server.address);
    let json = client()
        .post(url)
        .json(&serde_json::json!({}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(json.status(), 415);
}
