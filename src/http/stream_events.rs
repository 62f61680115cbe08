//! What the carrier reports of a media stream itself: begun, ended, or at fault.
//!
//! These reports carry no sequence number, come in any order, and perhaps before the reply to the request that placed
//! the call. None of them decides anything; a fault is for the operator's eyes, once.

use super::HttpState;
use super::callbacks::{Callback, is_id};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use samvad_actors::domain::StreamSid;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Reports that are remembered; the oldest is forgotten first.
const REMEMBERED: usize = 8_192;

/// What happened to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamEventKind {
    /// It is connected.
    Started,
    /// It has ended.
    Stopped,
    /// It could not be connected, or something went wrong with it.
    Error,
}

impl StreamEventKind {
    /// Twilio's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "stream-started",
            Self::Stopped => "stream-stopped",
            Self::Error => "stream-error",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Started, Self::Stopped, Self::Error]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A report about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// Which stream; `None` if it never was one.
    pub stream_sid: Option<StreamSid>,
    /// What happened.
    pub kind: StreamEventKind,
    /// Twilio's error code, if one was given.
    pub error: Option<u32>,
}

impl StreamEvent {
    /// What is wrong and what helps; `None` if nothing is wrong.
    /// (Codes after <https://www.twilio.com/docs/api/errors>.)
    pub fn fault(&self) -> Option<&'static str> {
        if self.kind != StreamEventKind::Error {
            return None;
        }
        Some(match self.error {
            Some(31901) => "connecting took too long; check that SAMVAD_PUBLIC_URL reaches this server from outside",
            Some(31910) => "TLS failed; check the certificate of SAMVAD_PUBLIC_URL",
            Some(31920) => "the upgrade was not answered with 101; check that the proxy passes WebSocket upgrades on",
            Some(31923) => "the stream's URL is malformed; check SAMVAD_PUBLIC_URL",
            Some(31924 | 31950) => "a frame was not understood; report it with the journal of this attempt",
            Some(31930) => "this server reads too slowly and audio was discarded; allow fewer calls at once",
            Some(31931) => "too much audio was sent ahead; report it with the journal of this attempt",
            _ => "see the code in the carrier's list of errors",
        })
    }
}

/// Knows which reports have been told before, those of the latest streams.
#[derive(Debug, Default)]
pub struct StreamEvents(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    known: BTreeSet<String>,
    order: VecDeque<String>,
}

impl StreamEvents {
    /// True the first time.
    fn is_new(&self, key: String) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.known.insert(key.clone()) {
            return false;
        }
        told.order.push_back(key);
        if told.order.len() > REMEMBERED
            && let Some(oldest) = told.order.pop_front()
        {
            told.known.remove(&oldest);
        }
        true
    }
}

/// `POST /twilio/stream/{attempt}`.
pub(super) async fn stream(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let said = Callback::read(&request, payload, &state).await?;
    if let Some(kind) = said.word("StreamEvent", StreamEventKind::parse)? {
        let event = StreamEvent {
            stream_sid: stream_sid(said.form.get("StreamSid"))?,
            kind,
            error: said.form.get("StreamError").and_then(code),
        };
        let sid = event.stream_sid.as_ref().map_or("", StreamSid::as_str);
        let key = format!("{} {sid} {} {:?}", said.attempt, kind.as_str(), event.error);
        if state.stream_events.is_new(key) {
            state.events.stream(&said.attempt, &event);
        }
    }
    Ok(HttpResponse::NoContent().finish())
}

fn stream_sid(field: Option<&str>) -> Result<Option<StreamSid>, Problem> {
    let malformed = || {
        let detail = "StreamSid: not a stream id; send letters and digits only";
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    match field.filter(|sid| !sid.is_empty()) {
        None => Ok(None),
        Some(sid) if is_id(sid, |b| b.is_ascii_alphanumeric()) => Ok(Some(StreamSid::new(sid))),
        Some(_) => Err(malformed()),
    }
}

/// The error code in a text that may say more: the first number of five digits.
fn code(text: &str) -> Option<u32> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.find(|number| number.len() == 5)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_found_alone_and_in_a_sentence() {
        for (text, expected) in [
            ("31920", Some(31920)),
            ("Error 31920: handshake", Some(31920)),
            ("took 5000 ms", None),
            ("", None),
            ("1234567890", None),
        ] {
            assert_eq!(code(text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_fault_is_explained() {
        let event = |kind, error| StreamEvent {
            stream_sid: None,
            kind,
            error,
        };
        assert_eq!(event(StreamEventKind::Started, None).fault(), None);
        assert_eq!(event(StreamEventKind::Stopped, Some(31920)).fault(), None);
        for error in [None, Some(31920), Some(99999)] {
            assert!(event(StreamEventKind::Error, error).fault().is_some());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let events = StreamEvents::default();
        for number in 0..=REMEMBERED {
            assert!(events.is_new(number.to_string()));
        }
        assert!(!events.is_new("1".to_owned()));
        assert!(events.is_new("0".to_owned()), "the oldest was forgotten");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_search_for_a_code_panic(text in any::<String>()) {
            let _ = code(&text);
        }
    }
}
