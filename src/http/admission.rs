//! What a media stream says of itself before it is admitted: `connected`, then `start`.
//!
//! Message shapes: <https://www.twilio.com/docs/voice/media-streams/websocket-messages>. Unknown events and fields are
//! let pass; media, keys and marks before `start` are not.

use super::callbacks::is_id;
use crate::carrier::twilio::TOKEN_PARAMETER;
use samvad_actors::domain::{AccountSid, CallSid, StreamSid};
use serde_json::Value;

/// A frame before admission.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Opening {
    /// Nothing to act on.
    Preamble,
    /// The stream's description of itself.
    Start(StreamStart),
}

/// Who wants to be admitted.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StreamStart {
    pub call_sid: CallSid,
    pub account_sid: AccountSid,
    pub stream_sid: StreamSid,
    /// Not yet verified. Never logged.
    pub token: String,
}

/// Why a frame before admission closes the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpeningFault {
    #[error("not a JSON object")]
    NotJson,
    #[error("{0}: missing or malformed")]
    Field(&'static str),
    #[error("customParameters.token: missing")]
    NoToken,
    #[error("start expected first")]
    OutOfOrder,
    #[error("mediaFormat: not audio/x-mulaw at 8000 Hz, 1 channel")]
    Format,
}

/// Reads one frame.
pub(super) fn read(frame: &str) -> Result<Opening, OpeningFault> {
    let message: Value = serde_json::from_str(frame).map_err(|_| OpeningFault::NotJson)?;
    if !message.is_object() {
        return Err(OpeningFault::NotJson);
    }
    match message["event"].as_str() {
        None => Err(OpeningFault::Field("event")),
        Some("start") => read_start(&message["start"]).map(Opening::Start),
        Some("media" | "dtmf" | "mark" | "stop") => Err(OpeningFault::OutOfOrder),
        Some(_) => Ok(Opening::Preamble),
    }
}

fn read_start(start: &Value) -> Result<StreamStart, OpeningFault> {
    let format = &start["mediaFormat"];
    let is_number = |value: &Value, number: u64| value.as_u64() == Some(number);
    let supported = format["encoding"] == "audio/x-mulaw"
        && is_number(&format["sampleRate"], 8000)
        && is_number(&format["channels"], 1);
    let token = &start["customParameters"][TOKEN_PARAMETER];
    let described = StreamStart {
        call_sid: CallSid::new(sid(start, "callSid")?),
        account_sid: AccountSid::new(sid(start, "accountSid")?),
        stream_sid: StreamSid::new(sid(start, "streamSid")?),
        token: token.as_str().ok_or(OpeningFault::NoToken)?.to_owned(),
    };
    supported.then_some(described).ok_or(OpeningFault::Format)
}

fn sid<'a>(start: &'a Value, field: &'static str) -> Result<&'a str, OpeningFault> {
    let text = start[field]
        .as_str()
        .filter(|text| is_id(text, |b| b.is_ascii_alphanumeric()));
    text.ok_or(OpeningFault::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn start() -> Value {
        json!({
            "event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "new": {"field": []},
            "start": {
                "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound"],
                "customParameters": {"token": "abc", "other": "1"},
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        })
    }

    /// The error of `start` with one part replaced or, by null, left out.
    fn fault(pointer: &str, value: Value) -> Option<OpeningFault> {
        let mut message = start();
        *message.pointer_mut(pointer).expect("there") = value;
        read(&message.to_string()).err()
    }

    #[test]
    fn a_start_is_read_whatever_else_it_says() {
        let Ok(Opening::Start(start)) = read(&start().to_string()) else {
            panic!("not a start");
        };
        assert_eq!(start.call_sid.as_str(), "CA1");
        assert_eq!(start.account_sid.as_str(), "AC1");
        assert_eq!(start.stream_sid.as_str(), "MZ1");
        assert_eq!(start.token, "abc");
    }

    #[test]
    fn connected_and_events_to_come_are_let_pass() {
        for event in ["connected", "a-new-one"] {
            assert!(
                matches!(read(&json!({"event": event}).to_string()), Ok(Opening::Preamble)),
                "{event}"
            );
        }
    }

    #[test]
    fn l24_media_before_start_is_out_of_order() {
        for event in ["media", "dtmf", "mark", "stop"] {
            let frame = json!({"event": event, "streamSid": "MZ1"}).to_string();
            assert_eq!(read(&frame).err(), Some(OpeningFault::OutOfOrder), "{event}");
        }
    }

    #[test]
    fn a_fault_in_start_is_named() {
        use OpeningFault::{Field, Format, NoToken};
        assert_eq!(fault("/start/callSid", json!("CA 1")), Some(Field("callSid")));
        assert_eq!(fault("/start/accountSid", json!(7)), Some(Field("accountSid")));
        assert_eq!(fault("/start/streamSid", Value::Null), Some(Field("streamSid")));
        assert_eq!(fault("/start/customParameters", Value::Null), Some(NoToken));
        assert_eq!(fault("/start", json!("CA1")), Some(Field("callSid")));
        assert_eq!(fault("/event", Value::Null), Some(Field("event")));
        assert_eq!(fault("/start/mediaFormat/encoding", json!("audio/l16")), Some(Format));
        assert_eq!(fault("/start/mediaFormat/sampleRate", json!(16000)), Some(Format));
        assert_eq!(fault("/start/mediaFormat/channels", json!(2)), Some(Format));
        for frame in ["", "{", "[]", "7", "nul"] {
            assert_eq!(read(frame).err(), Some(OpeningFault::NotJson), "{frame}");
        }
    }

    proptest! {
        #[test]
        fn no_frame_makes_the_reader_panic(frame in any::<String>(), at in any::<prop::sample::Index>(), byte in any::<char>()) {
            let _ = read(&frame);
            let start = start().to_string();
            let at = at.index(start.len());
            let altered = format!("{}{byte}{}", &start[..at], &start[at + 1..]);
            let _ = read(&altered);
            let _ = read(&start[..at]);
        }
    }
}
