//! Every request against what Twilio's own description of its API says.

use crate::api_double::{ACCOUNT, ApiDouble, Asked, Behaviour, CALL, new_call, page_json};
use samvad_actors::domain::{CallSid, CarrierStatus, PhoneNumber};
use samvad_actors::ports::{AnswerDetection, CallQuery, CallUpdate, Carrier, CarrierCall};
use serde_json::Value;
use std::collections::BTreeMap;

/// The operation of the description that a request belongs to, its path parameters checked.
fn operation(request: &Asked) -> Value {
    let text = include_str!("../../fixtures/twilio/calls_openapi.json");
    let description: Value = serde_json::from_str(text).expect("JSON");
    let operations = description["operations"].as_array().expect("operations");
    let fits = |operation: &&Value| operation["method"] == request.method && path_fits(operation, &request.path);
    operations
        .iter()
        .find(fits)
        .unwrap_or_else(|| panic!("no such operation: {request:?}"))
        .clone()
}

fn path_fits(operation: &Value, path: &str) -> bool {
    let template = operation["path"].as_str().expect("a path").split('/');
    template.clone().count() == path.split('/').count()
        && template
            .zip(path.split('/'))
            .all(|(expected, actual)| match expected.split_once('}') {
                None => expected == actual,
                Some((name, suffix)) => actual.strip_suffix(suffix).is_some_and(|value| {
                    let pattern = operation["path_parameters"][&name[1..]].as_str().expect("a pattern");
                    let prefix = &pattern[1..3];
                    assert_eq!(pattern, format!("^{prefix}[0-9a-fA-F]{{32}}$"));
                    value.starts_with(prefix) && value.len() == 34 && value[2..].bytes().all(|b| b.is_ascii_hexdigit())
                }),
            })
}

/// Names, types, required and repeated fields.
fn assert_keeps_to_the_description(request: &Asked) {
    let operation = operation(request);
    let mut seen = BTreeMap::<&str, usize>::new();
    for (name, value) in request.form.iter().chain(&request.query) {
        let field = &operation["fields"][name];
        assert!(field.is_object(), "{name}: unknown to {}", operation["path"]);
        *seen.entry(name).or_default() += 1;
        match (field["type"].as_str(), field["format"].as_str()) {
            (Some("integer"), _) => drop(value.parse::<u32>().expect(name)),
            (Some("string"), Some("date-time")) => {
                let date: Vec<_> = value.split('-').map(str::len).collect();
                assert_eq!(date, [4, 2, 2], "{name}: the description shows YYYY-MM-DD");
            }
            (Some("string"), Some("uri")) => drop(url::Url::parse(value).expect(name)),
            (Some("string" | "array"), _) => {}
            other => panic!("{name}: type {other:?} is not handled by this test"),
        }
        if let Some(allowed) = field["enum"].as_array() {
            assert!(allowed.iter().any(|allowed| allowed == value), "{name}={value}");
        }
    }
    for required in operation["required"].as_array().expect("a list") {
        assert!(
            seen.contains_key(required.as_str().expect("a name")),
            "{required} is missing"
        );
    }
    for (name, count) in seen {
        assert!(
            count == 1 || operation["fields"][name]["type"] == "array",
            "{name} is repeated"
        );
    }
    // base64("AC…:the-primary-token")
    use base64::Engine;
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{ACCOUNT}:the-primary-token"));
    assert_eq!(request.headers["authorization"], format!("Basic {credentials}"));
    if request.method == "POST" {
        assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    }
}

fn values<'a>(request: &'a Asked, name: &str) -> Vec<&'a str> {
    request
        .form
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
        .collect()
}

fn queued() -> CarrierCall {
    CarrierCall {
        sid: CallSid::from(CALL),
        status: Some(CarrierStatus::Queued),
        queue_time_ms: Some(1000),
        to: PhoneNumber::parse("+14155550123").ok(),
        from: PhoneNumber::parse("+14155550100").ok(),
        created_at_ms: Some(1_283_286_988_000),
    }
}

#[tokio::test]
async fn a_creation_keeps_to_twilios_description_and_says_all_a_call_needs() {
    let double = ApiDouble::answering(201).await;
    assert_eq!(double.carrier.create_call(new_call()).await, Ok(queued()));
    let [request] = &double.asked()[..] else {
        panic!("not one request")
    };
    assert_keeps_to_the_description(request);
    assert_eq!(values(request, "To"), ["+14155550123"]);
    assert_eq!(values(request, "From"), ["+14155550100"]);
    assert_eq!(values(request, "Timeout"), ["30"]);
    assert_eq!(values(request, "TimeLimit"), ["300"]);
    assert_eq!(
        values(request, "StatusCallback"),
        ["https://voice.example.org/twilio/status/0e7b4e0c-5a0f-4c0e-8b7e-0d5c0f6f2a11"]
    );
    assert_eq!(
        values(request, "StatusCallbackEvent"),
        ["initiated", "ringing", "answered", "completed"]
    );
    assert_eq!(
        values(request, "Twiml"),
        [
            "<Response><Connect><Stream url=\"wss://voice.example.org/twilio/media\" \
             statusCallback=\"https://voice.example.org/twilio/stream/0e7b4e0c-5a0f-4c0e-8b7e-0d5c0f6f2a11\" \
             statusCallbackMethod=\"POST\"><Parameter name=\"token\" value=\"the-media-token\"/>\
             <Parameter name=\"language\" value=\"en\"/><Parameter name=\"campaign\" value=\"the-campaign\"/>\
             <Parameter name=\"contact\" value=\"the-contact\"/></Stream></Connect></Response>"
        ]
    );
    assert!(values(request, "MachineDetection").is_empty());
}

#[tokio::test]
async fn machine_detection_is_asked_for_asynchronously_and_only_when_wanted() {
    for (detection, word) in [
        (AnswerDetection::Machine, "Enable"),
        (AnswerDetection::MessageEnd, "DetectMessageEnd"),
    ] {
        let double = ApiDouble::answering(201).await;
        let mut call = new_call();
        call.answer_detection = detection;
        double.carrier.create_call(call).await.expect("a call");
        let request = &double.asked()[0];
        assert_keeps_to_the_description(request);
        assert_eq!(values(request, "MachineDetection"), [word]);
        assert_eq!(values(request, "AsyncAmd"), ["true"]);
        assert_eq!(
            values(request, "AsyncAmdStatusCallback"),
            ["https://voice.example.org/twilio/amd/0e7b4e0c-5a0f-4c0e-8b7e-0d5c0f6f2a11"]
        );
        assert_eq!(values(request, "AsyncAmdStatusCallbackMethod"), ["POST"]);
    }
}

#[tokio::test]
async fn fetching_and_updating_keep_to_twilios_description() {
    let double = ApiDouble::answering(200).await;
    let sid = CallSid::from(CALL);
    let twiml = "<Response><Hangup/></Response>".to_owned();
    assert_eq!(double.carrier.fetch_call(&sid).await, Ok(queued()));
    assert_eq!(double.carrier.complete_call(&sid).await, Ok(queued()));
    for update in [CallUpdate::Cancel, CallUpdate::Instructions(twiml.clone())] {
        assert_eq!(double.carrier.update_call(&sid, update).await, Ok(queued()));
    }
    let asked = double.asked();
    for request in &asked {
        assert_keeps_to_the_description(request);
    }
    let forms: Vec<_> = asked.into_iter().map(|request| request.form).collect();
    let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(
        forms,
        [
            vec![],
            field("Status", "completed"),
            field("Status", "canceled"),
            field("Twiml", &twiml)
        ]
    );
}

#[tokio::test]
async fn a_list_keeps_to_twilios_description_and_follows_every_page() {
    let next = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?To=%2B14155550123&PageSize=100&Page=1&PageToken=PA1");
    let pages = vec![
        (200, page_json(&[CALL, "CA2"], Some(&next))),
        (200, page_json(&["CA3"], None)),
    ];
    let double = ApiDouble::start(Behaviour::Answers(pages)).await;
    let query = CallQuery {
        to: PhoneNumber::parse("+14155550123").expect("a number"),
        from: PhoneNumber::parse("+14155550100").ok(),
        status: Some(CarrierStatus::InProgress),
        started_since_ms: Some(1_283_286_988_000),
    };
    let calls = double.carrier.list_calls(&query).await.expect("a list");
    let sids: Vec<_> = calls.iter().map(|call| call.sid.as_str()).collect();
    assert_eq!(sids, [CALL, "CA2", "CA3"]);
    let [first, second] = &double.asked()[..] else {
        panic!("not two requests")
    };
    assert_keeps_to_the_description(first);
    assert_keeps_to_the_description(second);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        first.query,
        [
            pair("To", "+14155550123"),
            pair("From", "+14155550100"),
            pair("Status", "in-progress"),
            pair("StartTime>", "2010-08-31"),
            pair("PageSize", "100"),
        ]
    );
    assert!(second.query.contains(&pair("PageToken", "PA1")));
}
