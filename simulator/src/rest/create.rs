//! `POST …/Calls.json`.

use super::error::ApiError;
use super::parameters::{DESCRIPTION, Fields};
use super::resource;
use crate::network::{CallRequest, Detection, Document, StatusCallback, World};
use crate::scenario::FaultKind;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;

/// Longest TwiML in a request, in characters.
const LONGEST_TWIML: usize = 4_000;

/// A client has given up long before.
const NO_REPLY_FOR: Duration = Duration::from_secs(300);

/// How long the reply waits for the callback that must come before it.
const REPLY_WAITS_FOR: Duration = Duration::from_secs(10);

pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> Result<Response, ApiError> {
    let fields = Fields::parse(&body);
    for fault in fields.faults(&DESCRIPTION.create_call) {
        world.reporter.violation(format!("creating a call: {fault}"));
    }
    let request = request(&fields).inspect_err(|error| {
        world
            .reporter
            .violation(format!("creating a call was refused: {error:?}"));
    })?;
    let attempt = world.registry().count_request(&request.to);
    if attempt == 1 && world.faults(&request.to, attempt).has(FaultKind::RateLimited) {
        return Err(ApiError::TooManyRequests);
    }
    let call = world.place(request);
    if call.faults.has(FaultKind::CallbackBeforeReply) {
        // Without a callback for this event there is nothing to wait for, and the reply must come all the same.
        let _ = tokio::time::timeout(REPLY_WAITS_FOR, call.initiated.notified()).await;
    }
    if call.faults.has(FaultKind::ServerErrorAfterPlacing) {
        return Err(ApiError::ServerError);
    }
    if call.faults.has(FaultKind::TimeoutAfterPlacing) {
        tokio::time::sleep(NO_REPLY_FOR).await;
    }
    Ok(resource::answer(201, &resource::call(&call, &world.account_sid)))
}

fn wrong<T>(code: u32, message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::Parameter {
        code,
        message: message.into(),
    })
}

fn request(fields: &Fields) -> Result<CallRequest, ApiError> {
    let to = match fields.get("To") {
        None => return wrong(21201, "No 'To' number is specified"),
        Some(to) if !is_e164(to) => return wrong(21211, "The 'To' number is not a valid phone number"),
        Some(to) => to.to_owned(),
    };
    let from = match fields.get("From") {
        None => return wrong(21213, "No 'From' number is specified"),
        Some(from) if !is_e164(from) => return wrong(21212, "The 'From' number is not a valid phone number"),
        Some(from) => from.to_owned(),
    };
    let document = document(fields)?;
    let Some(document) = document else {
        return wrong(21205, "Url parameter is required, or Twiml");
    };
    let ring_timeout_s = bounded(fields, "Timeout", 60, 600)?;
    let time_limit_s = bounded(fields, "TimeLimit", 14_400, 86_400)?;
    let detection = detection(fields)?;
    let status_callback = status_callback(fields)?;
    Ok(CallRequest {
        to,
        from,
        document,
        status_callback,
        ring_timeout_s,
        time_limit_s,
        detection,
    })
}

/// `Twiml` or `Url`; for an update neither is needed.
pub(super) fn document(fields: &Fields) -> Result<Option<Document>, ApiError> {
    match (fields.get("Twiml"), fields.get("Url")) {
        (Some(_), Some(_)) => wrong(20001, "Twiml and Url exclude one another"),
        (Some(text), None) if text.chars().count() > LONGEST_TWIML => {
            wrong(20001, "Twiml is longer than 4000 characters")
        }
        (Some(text), None) => Ok(Some(Document::Twiml(text.to_owned()))),
        (None, Some(url)) => {
            check_url(url)?;
            Ok(Some(Document::Url {
                url: url.to_owned(),
                post: fields.is_post("Method"),
            }))
        }
        (None, None) => Ok(None),
    }
}

fn status_callback(fields: &Fields) -> Result<Option<StatusCallback>, ApiError> {
    let mut events: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    for event in fields.all("StatusCallbackEvent") {
        if !["initiated", "ringing", "answered", "completed"].contains(&event) {
            return wrong(
                21626,
                "StatusCallbackEvent is not one of initiated, ringing, answered, completed",
            );
        }
        events.insert(event.to_owned());
    }
    if events.is_empty() {
        events.insert("completed".to_owned());
    }
    let Some(url) = fields.get("StatusCallback") else {
        return Ok(None);
    };
    check_url(url)?;
    Ok(Some(StatusCallback {
        url: url.to_owned(),
        post: fields.is_post("StatusCallbackMethod"),
        events,
    }))
}

fn detection(fields: &Fields) -> Result<Option<Detection>, ApiError> {
    match fields.get("MachineDetection") {
        None => return Ok(None),
        Some("Enable" | "DetectMessageEnd") => {}
        Some(_) => return wrong(20001, "MachineDetection is neither Enable nor DetectMessageEnd"),
    }
    bounded(fields, "MachineDetectionTimeout", 30, 59)?;
    for (name, range) in [
        ("MachineDetectionSpeechThreshold", 1_000..=6_000),
        ("MachineDetectionSpeechEndThreshold", 500..=5_000),
        ("MachineDetectionSilenceTimeout", 2_000..=10_000),
    ] {
        if fields.integer(name).is_some_and(|value| !range.contains(&value)) {
            return wrong(
                20001,
                format!("{name} is not from {} to {} milliseconds", range.start(), range.end()),
            );
        }
    }
    match (fields.get("AsyncAmd"), fields.get("AsyncAmdStatusCallback")) {
        (Some("true"), Some(url)) => {
            check_url(url)?;
            let post = fields.is_post("AsyncAmdStatusCallbackMethod");
            Ok(Some(Detection::Beside {
                url: url.to_owned(),
                post,
            }))
        }
        (Some("true"), None) => wrong(21262, "AsyncAmd needs AsyncAmdStatusCallback"),
        (None | Some("false"), _) => Ok(Some(Detection::Before)),
        (Some(_), _) => wrong(20001, "AsyncAmd is neither true nor false"),
    }
}

fn bounded(fields: &Fields, name: &str, default: u64, largest: u64) -> Result<u64, ApiError> {
    match fields.get(name) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(value) if (1..=largest).contains(&value) => Ok(value),
            _ => wrong(20001, format!("{name} is not a number of seconds from 1 to {largest}")),
        },
    }
}

fn check_url(url: &str) -> Result<(), ApiError> {
    match url::Url::parse(url) {
        Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) => Ok(()),
        _ => wrong(21205, "a URL is not an absolute http or https URL"),
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(form: &str) -> Option<u32> {
        match request(&Fields::parse(form.as_bytes())) {
            Err(ApiError::Parameter { code, .. }) => Some(code),
            _ => None,
        }
    }

    #[test]
    fn a_wrong_request_gets_twilios_code() {
        const NUMBERS: &str = "To=%2B14155550123&From=%2B14155550199";
        for (form, code) in [
            ("From=%2B14155550199".to_owned(), 21201),
            ("To=911&From=%2B14155550199".to_owned(), 21211),
            ("To=%2B14155550123".to_owned(), 21213),
            (NUMBERS.to_owned(), 21205),
            (format!("{NUMBERS}&Url=ftp://x"), 21205),
            (format!("{NUMBERS}&Twiml={}", "x".repeat(4_001)), 20001),
            (format!("{NUMBERS}&Twiml=x&Timeout=601"), 20001),
            (
                format!("{NUMBERS}&Twiml=x&MachineDetection=Enable&AsyncAmd=true"),
                21262,
            ),
            (
                format!("{NUMBERS}&Twiml=x&MachineDetection=Enable&MachineDetectionSpeechThreshold=3"),
                20001,
            ),
        ] {
            assert_eq!(code_of(&form), Some(code), "{form}");
        }
        assert_eq!(code_of(&format!("{NUMBERS}&Twiml=x")), None);
    }

    #[test]
    fn only_the_end_is_reported_unless_more_is_asked_for() {
        let form = b"To=%2B14155550123&From=%2B14155550199&Twiml=x&StatusCallback=https://s.example/";
        let request = request(&Fields::parse(form)).expect("well formed");
        let events: Vec<String> = request.status_callback.expect("given").events.into_iter().collect();
        assert_eq!(events, ["completed"]);
    }
}
