//! Whatever goes wrong: one request, and the error that says whether a call may have been placed.

use crate::api_double::{ACCOUNT, ApiDouble, Behaviour, CALL, new_call, page_json, settings};
use samvad::carrier::twilio::TwilioCarrier;
use samvad_actors::domain::{CallSid, CampaignId, PhoneNumber};
use samvad_actors::ports::{Advice, CallQuery, CallUpdate, Carrier, CarrierError, StopScope};

fn query() -> CallQuery {
    CallQuery {
        to: PhoneNumber::parse("+14155550123").expect("a number"),
        from: None,
        status: None,
        started_since_ms: None,
    }
}

/// Creates a call and says what came of it, and how many requests were made.
async fn create(behaviour: Behaviour) -> (CarrierError, usize) {
    let double = ApiDouble::start(behaviour).await;
    let error = double.carrier.create_call(new_call()).await.expect_err("no call");
    (error, double.asked().len())
}

#[tokio::test]
async fn l20_a_creation_whose_answer_does_not_come_is_unclear_and_never_repeated() {
    for behaviour in [
        Behaviour::Silence,
        Behaviour::HangUp,
        Behaviour::Truncate,
        Behaviour::Endless,
        Behaviour::Answer(500, String::new()),
        Behaviour::Answer(503, "<html>".to_owned()),
        Behaviour::Answer(201, "<html>".to_owned()),
    ] {
        let (error, requests) = create(behaviour).await;
        assert!(matches!(error, CarrierError::Unclear { .. }), "{error:?}");
        assert_eq!(requests, 1, "{error:?}");
    }
}

#[tokio::test]
async fn a_request_that_never_left_is_unreachable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let carrier = TwilioCarrier::new(settings(&format!("http://{address}"))).expect("good settings");
    let error = carrier.create_call(new_call()).await.expect_err("no call");
    assert!(matches!(error, CarrierError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (error, requests) = create(Behaviour::Redirect).await;
    assert!(matches!(error, CarrierError::Refused { http: 307, .. }), "{error:?}");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_request_to_slow_down_is_told_apart_from_a_refusal() {
    let body = r#"{"code":20429,"message":"Too Many Requests","status":429}"#;
    let (error, requests) = create(Behaviour::Answer(429, body.to_owned())).await;
    assert_eq!(error, CarrierError::RateLimited { code: Some(20429) });
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_call_that_has_ended_is_not_in_progress() {
    let body = r#"{"code":21220,"message":"Call is not in-progress. Cannot redirect."}"#;
    let double = ApiDouble::start(Behaviour::Answer(400, body.to_owned())).await;
    let error = double
        .carrier
        .complete_call(&CallSid::from(CALL))
        .await
        .expect_err("an error");
    assert_eq!(error, CarrierError::NotInProgress { code: Some(21220) });
}

#[tokio::test]
async fn what_twilio_could_not_take_is_refused_before_it_is_sent() {
    let double = ApiDouble::answering(201).await;
    let mut long_token = new_call();
    long_token.media_token = "x".repeat(500);
    let mut long_campaign = new_call();
    long_campaign.campaign = CampaignId::new("x".repeat(500));
    let mut long_ringing = new_call();
    long_ringing.ring_timeout_seconds = 601;
    for (call, field) in [
        (long_token, "media_token"),
        (long_campaign, "campaign"),
        (long_ringing, "ring_timeout_seconds"),
    ] {
        let error = double.carrier.create_call(call).await.expect_err("an error");
        assert!(
            matches!(&error, CarrierError::Refused { http: 0, message, .. } if message.contains(field)),
            "{error:?}"
        );
    }
    let error = double
        .carrier
        .fetch_call(&CallSid::from("../Calls"))
        .await
        .expect_err("an error");
    assert!(matches!(error, CarrierError::Refused { http: 0, .. }), "{error:?}");
    let instructions = CallUpdate::Instructions("x".repeat(4001));
    let error = double
        .carrier
        .update_call(&CallSid::from(CALL), instructions)
        .await
        .expect_err("an error");
    assert!(matches!(error, CarrierError::Refused { http: 0, .. }), "{error:?}");
    assert!(double.asked().is_empty());
}

#[tokio::test]
async fn no_error_shows_a_secret_or_a_number() {
    let body = r#"{"code":21211,"message":"+14155550123 is not valid; token the-primary-token"}"#;
    for behaviour in [
        Behaviour::Silence,
        Behaviour::HangUp,
        Behaviour::Answer(400, body.replace("; token the-primary-token", "")),
    ] {
        let (error, _) = create(behaviour).await;
        let printed = format!("{error} {error:?}");
        for secret in [
            "4155550123",
            "the-primary-token",
            "the-media-token",
            crate::api_double::ACCOUNT,
        ] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_refusal_says_what_is_to_be_done() {
    let coded = |code: u32| format!(r#"{{"code":{code},"message":"no"}}"#);
    for (behaviour, advice) in [
        (Behaviour::Answer(429, coded(20429)), Advice::RetryLater),
        (Behaviour::Answer(400, coded(10004)), Advice::RetryLater),
        (Behaviour::Answer(400, coded(21211)), Advice::NumberIsBad),
        (Behaviour::Answer(400, coded(21217)), Advice::NumberIsBad),
        (Behaviour::Answer(401, coded(20003)), Advice::Stop(StopScope::Account)),
        (Behaviour::Answer(403, coded(10001)), Advice::Stop(StopScope::Account)),
        (Behaviour::Answer(400, coded(21212)), Advice::Stop(StopScope::CallerId)),
        (
            Behaviour::Answer(403, coded(21215)),
            Advice::Stop(StopScope::Destination),
        ),
        (Behaviour::Answer(400, coded(21262)), Advice::AttemptFailed),
        (Behaviour::Answer(400, String::new()), Advice::AttemptFailed),
        (Behaviour::Answer(502, coded(21211)), Advice::Reconcile),
        (Behaviour::HangUp, Advice::Reconcile),
    ] {
        let (error, requests) = create(behaviour).await;
        assert_eq!(error.advice(), advice, "{error:?}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_no_list() {
    let next = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Page=1");
    let first = (200, page_json(&[CALL], Some(&next)));
    for second in [
        (500, String::new()),
        (200, "{}".to_owned()),
        // For ever.
        first.clone(),
    ] {
        let double = ApiDouble::start(Behaviour::Answers(vec![first.clone(), second])).await;
        let error = double.carrier.list_calls(&query()).await.expect_err("no list");
        assert!(matches!(error, CarrierError::Unclear { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn credentials_go_nowhere_but_to_our_own_list() {
    for foreign in [
        "https://elsewhere.example/2010-04-01/x",
        "@elsewhere.example/",
        "/2010-04-01/Accounts/AC00000000000000000000000000000000/Calls.json?Page=1",
        "//elsewhere.example/Calls.json?Page=1",
    ] {
        let page = (200, page_json(&[CALL], Some(foreign)));
        let double = ApiDouble::start(Behaviour::Answers(vec![page])).await;
        let error = double.carrier.list_calls(&query()).await.expect_err("no list");
        assert!(matches!(error, CarrierError::Unclear { .. }), "{error:?}");
        assert_eq!(double.asked().len(), 1, "{foreign}");
    }
}
