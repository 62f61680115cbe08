//! A call as the API shows it.

use super::parameters::DESCRIPTION;
use crate::network::{Call, rfc2822};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// A reply with a JSON body.
pub(super) fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// All members of a call.
pub(super) fn call(call: &Call, account_sid: &str) -> Value {
    let state = call.state().clone();
    let path = format!("/2010-04-01/Accounts/{account_sid}/Calls/{}", call.sid);
    let subresources: Map<String, Value> = DESCRIPTION
        .subresources
        .iter()
        .map(|name| (name.clone(), Value::from(format!("{path}/{}.json", camel_case(name)))))
        .collect();
    json!({
        "sid": call.sid,
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(state.updated),
        "parent_call_sid": null,
        "account_sid": account_sid,
        "to": call.request.to,
        "to_formatted": formatted(&call.request.to),
        "from": call.request.from,
        "from_formatted": formatted(&call.request.from),
        "phone_number_sid": null,
        "status": state.status.word(),
        "start_time": state.started.map(rfc2822),
        "end_time": state.ended.map(rfc2822),
        "duration": state.duration_s.map(|seconds| seconds.to_string()),
        "price": null,
        "price_unit": "USD",
        "direction": "outbound-api",
        "answered_by": state.answered_by,
        "api_version": "2010-04-01",
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": call.queue_time_ms.to_string(),
        "trunk_sid": null,
        "uri": format!("{path}.json"),
        "subresource_uris": subresources,
    })
}

/// A number of the North American plan as it is written there; another as it is.
fn formatted(number: &str) -> String {
    match number
        .strip_prefix("+1")
        .filter(|rest| rest.len() == 10 && rest.is_ascii())
    {
        Some(rest) => format!("({}) {}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        None => number.to_owned(),
    }
}

fn camel_case(name: &str) -> String {
    name.split('_')
        .map(|word| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default())
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::network::{CallRequest, CallStatus, Document};
    use crate::scenario::FaultSet;
    use jiff::Timestamp;

    pub(in crate::rest) fn sample(sid: &str, to: &str, created: Timestamp) -> Call {
        let request = CallRequest {
            to: to.to_owned(),
            from: "+14155550199".to_owned(),
            document: Document::Twiml("<Response/>".to_owned()),
            status_callback: None,
            ring_timeout_s: 60,
            time_limit_s: 60,
            detection: None,
        };
        let now = tokio::time::Instant::now();
        Call::new(
            sid.to_owned(),
            request,
            None,
            1,
            FaultSet::default(),
            1_000,
            now,
            created,
        )
    }

    #[test]
    fn a_call_has_exactly_the_members_that_twilio_documents_with_their_types() {
        let golden: Value = serde_json::from_str(include_str!("../../golden/calls_api.json")).expect("is JSON");
        let sample = sample("CA0", "+14155550123", Timestamp::now());
        sample.finish(CallStatus::Completed, Some(1_001));
        let ours = call(&sample, "AC0");
        let (golden, ours) = (
            golden["call"].as_object().expect("object"),
            ours.as_object().expect("object"),
        );
        let names = |object: &Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(golden), names(ours));
        for (name, value) in ours {
            let same_type = std::mem::discriminant(value) == std::mem::discriminant(&golden[name]);
            assert!(
                same_type || value.is_null() || golden[name].is_null(),
                "{name}: {value}"
            );
            assert!(!value.is_null() || DESCRIPTION.call_members[name].nullable, "{name}");
        }
        assert_eq!(ours["duration"], "2");
        assert_eq!(ours["queue_time"], "1000");
        assert_eq!(
            names(golden["subresource_uris"].as_object().expect("object")),
            names(ours["subresource_uris"].as_object().expect("object"))
        );
    }

    #[test]
    fn numbers_are_formatted_as_in_twilios_examples() {
        assert_eq!(formatted("+14158675309"), "(415) 867-5309");
        assert_eq!(formatted("+919876543210"), "+919876543210");
        assert_eq!(camel_case("user_defined_messages"), "UserDefinedMessages");
    }
}
