//! What the carrier sends: `connected`, `start`, `media`, `dtmf`, `mark`, `stop`, and whatever it may invent.

use super::MessageError;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A message from the carrier, borrowed from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// The socket is open; the first message.
    Connected,
    /// What stream this is and what call it belongs to; the second message.
    Start(Start<'a>),
    /// A piece of the caller's audio.
    Media(MediaFrame<'a>),
    /// The caller pressed a key.
    Dtmf {
        /// `0`-`9`, `*`, `#` or `A`-`D`.
        digit: char,
    },
    /// A mark came back: all audio before it has been played, or a `clear` has emptied the buffer.
    Mark {
        /// The name we gave it.
        name: Cow<'a, str>,
    },
    /// The stream has ended.
    Stop,
    /// An event Twilio does not document today: to be ignored.
    Unknown {
        /// Its name.
        event: Cow<'a, str>,
    },
}

/// The `start` message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start<'a> {
    /// Names the stream in every message (`MZ…`).
    pub stream_sid: Cow<'a, str>,
    /// The call (`CA…`).
    pub call_sid: Cow<'a, str>,
    /// The account (`AC…`).
    pub account_sid: Cow<'a, str>,
    /// The `<Parameter>` elements of the TwiML.
    pub custom_parameters: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Always `audio/x-mulaw` by Twilio's page, and so if absent.
    pub encoding: Cow<'a, str>,
    /// Hertz; always 8000 by Twilio's page, and so if absent.
    pub sample_rate: u32,
    /// Always 1 by Twilio's page, and so if absent.
    pub channels: u32,
}

/// The `media` message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFrame<'a> {
    /// Number of the message in the stream.
    pub sequence: Option<u64>,
    /// Number of the media message in the stream, from 1.
    pub chunk: Option<u64>,
    /// Where the frame begins, in milliseconds since the stream's start.
    pub timestamp_ms: Option<u64>,
    /// `inbound`, and so if absent.
    pub track: Cow<'a, str>,
    /// The audio, still base64.
    pub payload: Cow<'a, str>,
}

impl<'a> MediaFrame<'a> {
    /// A frame of the caller's track without numbers, as a test or a tool needs it.
    pub fn from_payload(timestamp_ms: Option<u64>, payload: impl Into<Cow<'a, str>>) -> Self {
        Self {
            sequence: None,
            chunk: None,
            timestamp_ms,
            track: Cow::Borrowed(INBOUND_TRACK),
            payload: payload.into(),
        }
    }

    /// Whether this is the caller's audio, not ours.
    pub fn is_inbound(&self) -> bool {
        // Twilio writes `inbound` in `media` and `inbound_track` in `dtmf`.
        self.track.starts_with(INBOUND_TRACK)
    }
}

const INBOUND_TRACK: &str = "inbound";

/// Reads one message.
///
/// # Errors
/// If the text is no JSON object, has no event, or lacks a field that its event needs.
pub fn parse_inbound(text: &str) -> Result<Inbound<'_>, MessageError> {
    let envelope: Envelope<'_> = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) => return parse_event_alone(text).ok_or_else(|| json_error(&error)),
    };
    let event = envelope.event.required("inbound", "event")?;
    Ok(match &*event {
        "connected" => Inbound::Connected,
        "start" => Inbound::Start(start(envelope.start, envelope.stream_sid)?),
        "media" => Inbound::Media(media(envelope.media, envelope.sequence_number)?),
        "dtmf" => Inbound::Dtmf {
            digit: digit(envelope.dtmf)?,
        },
        "mark" => Inbound::Mark {
            name: envelope
                .mark
                .ok_or(missing("mark", "mark"))?
                .name
                .required("mark", "mark.name")?,
        },
        "stop" => Inbound::Stop,
        _ => Inbound::Unknown { event },
    })
}

/// An event of the future may give a familiar field another shape: only its name counts then.
fn parse_event_alone(text: &str) -> Option<Inbound<'_>> {
    #[derive(Deserialize)]
    struct EventAlone<'a> {
        #[serde(borrow, default)]
        event: Scalar<'a>,
    }
    match serde_json::from_str(text) {
        Ok(EventAlone {
            event: Scalar::Text(event),
        }) => match &*event {
            "connected" => Some(Inbound::Connected),
            "stop" => Some(Inbound::Stop),
            "start" | "media" | "dtmf" | "mark" => None,
            _ => Some(Inbound::Unknown { event }),
        },
        _ => None,
    }
}

/// serde's own message may quote the input.
fn json_error(error: &serde_json::Error) -> MessageError {
    let fault = match error.classify() {
        serde_json::error::Category::Syntax => "invalid JSON",
        serde_json::error::Category::Eof => "unfinished JSON",
        serde_json::error::Category::Data | serde_json::error::Category::Io => "a value of the wrong type",
    };
    MessageError::Json {
        fault,
        line: error.line(),
        column: error.column(),
    }
}

fn missing(event: &'static str, field: &'static str) -> MessageError {
    MessageError::Missing { event, field }
}

fn start<'a>(body: Option<StartBody<'a>>, outer_sid: Scalar<'a>) -> Result<Start<'a>, MessageError> {
    let body = body.ok_or(missing("start", "start"))?;
    let format = body.media_format.unwrap_or_default();
    let stream_sid = if matches!(body.stream_sid, Scalar::Absent) {
        outer_sid
    } else {
        body.stream_sid
    };
    let mut custom_parameters = BTreeMap::new();
    for (name, value) in body.custom_parameters.unwrap_or_default() {
        let name = name.required("start", "start.customParameters")?;
        custom_parameters.insert(name, value.required("start", "start.customParameters")?);
    }
    Ok(Start {
        stream_sid: stream_sid.required("start", "start.streamSid")?,
        call_sid: body.call_sid.required("start", "start.callSid")?,
        account_sid: body.account_sid.required("start", "start.accountSid")?,
        custom_parameters,
        encoding: format
            .encoding
            .or("audio/x-mulaw", "start", "start.mediaFormat.encoding")?,
        sample_rate: format
            .sample_rate
            .small_number("start.mediaFormat.sampleRate")?
            .unwrap_or(crate::LINE_RATE),
        channels: format.channels.small_number("start.mediaFormat.channels")?.unwrap_or(1),
    })
}

fn media<'a>(body: Option<MediaBody<'a>>, sequence: Scalar<'a>) -> Result<MediaFrame<'a>, MessageError> {
    let body = body.ok_or(missing("media", "media"))?;
    Ok(MediaFrame {
        sequence: sequence.number("media", "sequenceNumber")?,
        chunk: body.chunk.number("media", "media.chunk")?,
        timestamp_ms: body.timestamp.number("media", "media.timestamp")?,
        track: body.track.or(INBOUND_TRACK, "media", "media.track")?,
        payload: body.payload.required("media", "media.payload")?,
    })
}

fn digit(body: Option<DtmfBody<'_>>) -> Result<char, MessageError> {
    let text = body
        .ok_or(missing("dtmf", "dtmf"))?
        .digit
        .required("dtmf", "dtmf.digit")?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(digit @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Ok(digit),
        _ => Err(MessageError::Invalid {
            event: "dtmf",
            field: "dtmf.digit",
            expected: "one of 0-9, *, # and A-D",
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Scalar<'a>,
    #[serde(borrow, default)]
    sequence_number: Scalar<'a>,
    #[serde(borrow, default)]
    stream_sid: Scalar<'a>,
    #[serde(borrow)]
    start: Option<StartBody<'a>>,
    #[serde(borrow)]
    media: Option<MediaBody<'a>>,
    #[serde(borrow)]
    dtmf: Option<DtmfBody<'a>>,
    #[serde(borrow)]
    mark: Option<MarkBody<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    #[serde(borrow, default)]
    stream_sid: Scalar<'a>,
    #[serde(borrow, default)]
    call_sid: Scalar<'a>,
    #[serde(borrow, default)]
    account_sid: Scalar<'a>,
    #[serde(borrow)]
    custom_parameters: Option<BTreeMap<Scalar<'a>, Scalar<'a>>>,
    #[serde(borrow)]
    media_format: Option<FormatBody<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatBody<'a> {
    #[serde(borrow, default)]
    encoding: Scalar<'a>,
    #[serde(borrow, default)]
    sample_rate: Scalar<'a>,
    #[serde(borrow, default)]
    channels: Scalar<'a>,
}

#[derive(Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow, default)]
    track: Scalar<'a>,
    #[serde(borrow, default)]
    chunk: Scalar<'a>,
    #[serde(borrow, default)]
    timestamp: Scalar<'a>,
    #[serde(borrow, default)]
    payload: Scalar<'a>,
}

#[derive(Deserialize)]
struct DtmfBody<'a> {
    #[serde(borrow, default)]
    digit: Scalar<'a>,
}

#[derive(Deserialize)]
struct MarkBody<'a> {
    #[serde(borrow, default)]
    name: Scalar<'a>,
}

/// Any value: a text is borrowed where it has no escapes. A value that is no scalar is remembered as such, so that the
/// error can name the field.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
enum Scalar<'a> {
    #[default]
    Absent,
    Invalid,
    Number(u64),
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    fn required(self, event: &'static str, field: &'static str) -> Result<Cow<'a, str>, MessageError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(number) => Ok(Cow::Owned(number.to_string())),
            Self::Absent => Err(missing(event, field)),
            Self::Invalid => Err(MessageError::Invalid {
                event,
                field,
                expected: "a string",
            }),
        }
    }

    fn or(self, default: &'static str, event: &'static str, field: &'static str) -> Result<Cow<'a, str>, MessageError> {
        match self {
            Self::Absent => Ok(Cow::Borrowed(default)),
            present => present.required(event, field),
        }
    }

    fn number(self, event: &'static str, field: &'static str) -> Result<Option<u64>, MessageError> {
        let invalid = MessageError::Invalid {
            event,
            field,
            expected: "a whole number from 0",
        };
        match self {
            Self::Absent => Ok(None),
            Self::Number(number) => Ok(Some(number)),
            Self::Text(text) => text.parse().map(Some).map_err(|_| invalid),
            Self::Invalid => Err(invalid),
        }
    }

    fn small_number(self, field: &'static str) -> Result<Option<u32>, MessageError> {
        let invalid = MessageError::Invalid {
            event: "start",
            field,
            expected: "a whole number below 2^32",
        };
        self.number("start", field)?
            .map(u32::try_from)
            .transpose()
            .map_err(|_| invalid)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a number")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Invalid)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Invalid)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Invalid)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Invalid)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Invalid)
    }
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
