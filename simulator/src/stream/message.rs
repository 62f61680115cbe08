//! Media Streams messages of both directions, after Twilio's page "Media Streams: WebSocket messages". The shapes are
//! compared with `golden/` in the tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::seq::SliceRandom;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// A JSON value whose members keep the order they were given in, because the order is one of the things that vary.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Text(String),
    Number(u32),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// A text value.
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    /// An object with its members in this order.
    pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// Adds a member to an object; does nothing to another value.
    pub(crate) fn insert(&mut self, name: &str, value: Json) {
        if let Self::Object(members) = self {
            members.push((name.to_owned(), value));
        }
    }

    /// Puts the members of every object in another order.
    pub(crate) fn shuffle(&mut self, random: &mut impl rand::Rng) {
        match self {
            Self::Object(members) => {
                members.shuffle(random);
                members.iter_mut().for_each(|(_, value)| value.shuffle(random));
            }
            Self::List(values) => values.iter_mut().for_each(|value| value.shuffle(random)),
            Self::Text(_) | Self::Number(_) => {}
        }
    }

    /// The value as JSON text.
    pub(crate) fn write(&self) -> String {
        let mut out = String::with_capacity(400);
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(text, out),
            // Writing to a string cannot fail.
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    value.write_to(out);
                }
                out.push_str(if values.is_empty() { "[]" } else { "]" });
            }
            Self::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push(if index == 0 { '{' } else { ',' });
                    write_text(name, out);
                    out.push(':');
                    value.write_to(out);
                }
                out.push_str(if members.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Writes the messages of one stream and numbers them.
#[derive(Debug)]
pub(crate) struct Writer {
    stream_sid: String,
    account_sid: String,
    call_sid: String,
    sequence: u64,
    chunk: u64,
}

impl Writer {
    /// A writer for a stream that has not begun.
    pub(crate) fn new(stream_sid: String, account_sid: String, call_sid: String) -> Self {
        Self {
            stream_sid,
            account_sid,
            call_sid,
            sequence: 0,
            chunk: 0,
        }
    }

    /// The stream's id.
    pub(crate) fn stream_sid(&self) -> &str {
        &self.stream_sid
    }

    /// The first message, which has neither number nor stream.
    pub(crate) fn connected() -> Json {
        Json::object([
            ("event", Json::text("connected")),
            ("protocol", Json::text("Call")),
            ("version", Json::text("1.0.0")),
        ])
    }

    /// What the stream is, with the `<Parameter>`s of its TwiML.
    pub(crate) fn start(&mut self, parameters: &[(String, String)]) -> Json {
        let parameters = parameters
            .iter()
            .map(|(name, value)| (name.clone(), Json::text(value)))
            .collect();
        let format = Json::object([
            ("encoding", Json::text("audio/x-mulaw")),
            ("sampleRate", Json::Number(8000)),
            ("channels", Json::Number(1)),
        ]);
        let start = Json::object([
            ("accountSid", Json::text(&self.account_sid)),
            ("streamSid", Json::text(&self.stream_sid)),
            ("callSid", Json::text(&self.call_sid)),
            ("tracks", Json::List(vec![Json::text("inbound")])),
            ("mediaFormat", format),
            ("customParameters", Json::Object(parameters)),
        ]);
        self.numbered("start", Some(("start", start)))
    }

    /// Caller's audio; `timestamp_ms` since the stream's start.
    pub(crate) fn media(&mut self, timestamp_ms: u64, audio: &[u8]) -> Json {
        self.chunk += 1;
        let media = Json::object([
            ("track", Json::text("inbound")),
            ("chunk", Json::text(self.chunk.to_string())),
            ("timestamp", Json::text(timestamp_ms.to_string())),
            ("payload", Json::text(STANDARD.encode(audio))),
        ]);
        self.numbered("media", Some(("media", media)))
    }

    /// The same as [`Writer::media`], written at once: this is the message that comes fifty times a second.
    pub(crate) fn media_text(&mut self, timestamp_ms: u64, audio: &[u8]) -> String {
        self.sequence += 1;
        self.chunk += 1;
        let mut out = String::with_capacity(audio.len() * 4 / 3 + 200);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{timestamp_ms}","payload":""#,
            self.sequence, self.chunk
        );
        STANDARD.encode_string(audio, &mut out);
        let _ = write!(out, r#""}},"streamSid":"{}"}}"#, self.stream_sid);
        out
    }

    /// A key that the caller pressed.
    pub(crate) fn dtmf(&mut self, digit: char) -> Json {
        let dtmf = Json::object([("track", Json::text("inbound_track")), ("digit", Json::text(digit))]);
        self.numbered("dtmf", Some(("dtmf", dtmf)))
    }

    /// A mark that comes back.
    pub(crate) fn mark(&mut self, name: &str) -> Json {
        self.numbered("mark", Some(("mark", Json::object([("name", Json::text(name))]))))
    }

    /// The end.
    pub(crate) fn stop(&mut self) -> Json {
        let stop = Json::object([
            ("accountSid", Json::text(&self.account_sid)),
            ("callSid", Json::text(&self.call_sid)),
        ]);
        self.numbered("stop", Some(("stop", stop)))
    }

    /// A message of a kind that Twilio might add one day.
    pub(crate) fn unknown(&mut self) -> Json {
        self.numbered(
            "weather",
            Some(("weather", Json::object([("sky", Json::text("clear"))]))),
        )
    }

    fn numbered(&mut self, event: &str, body: Option<(&str, Json)>) -> Json {
        self.sequence += 1;
        let mut message = Json::object([
            ("event", Json::text(event)),
            ("sequenceNumber", Json::text(self.sequence.to_string())),
        ]);
        if let Some((name, value)) = body {
            message.insert(name, value);
        }
        message.insert("streamSid", Json::text(&self.stream_sid));
        message
    }
}

/// A message of the server.
#[derive(PartialEq, Debug)]
pub(crate) enum FromServer {
    Media(Vec<u8>),
    Mark(String),
    Clear,
}

/// Reads a text frame of the server.
///
/// # Errors
/// What is wrong with it, in words; Twilio reports 31950 and closes.
pub(crate) fn read(text: &str, stream_sid: &str) -> Result<FromServer, String> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        event: Cow<'a, str>,
        #[serde(borrow, rename = "streamSid")]
        stream_sid: Cow<'a, str>,
        #[serde(borrow)]
        media: Option<Media<'a>>,
        #[serde(borrow)]
        mark: Option<Mark<'a>>,
    }
    #[derive(Deserialize)]
    struct Media<'a> {
        #[serde(borrow)]
        payload: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Mark<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    let message: Message<'_> = serde_json::from_str(text).map_err(|error| format!("not a message: {error}"))?;
    if message.stream_sid != stream_sid {
        return Err("streamSid is not that of this stream".to_owned());
    }
    match (message.event.as_ref(), message.media, message.mark) {
        ("media", Some(media), None) => {
            let audio = STANDARD
                .decode(media.payload.as_bytes())
                .map_err(|error| format!("media.payload: {error}"))?;
            if audio.starts_with(b"RIFF") || audio.starts_with(b"OggS") {
                return Err("media.payload begins with a file header".to_owned());
            }
            Ok(FromServer::Media(audio))
        }
        ("mark", None, Some(mark)) => Ok(FromServer::Mark(mark.name.into_owned())),
        ("clear", None, None) => Ok(FromServer::Clear),
        (event, ..) => Err(format!(
            "event {event:?} is unknown or lacks its body, or has one of another event"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use serde_json::Value;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../golden/media_streams.json")).expect("golden file is JSON")
    }

    /// Same members, same types, at every depth; values of identifiers and counters may differ.
    fn same_shape(golden: &Value, ours: &Value) -> bool {
        match (golden, ours) {
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(key, value)| b.get(key).is_some_and(|v| same_shape(value, v)))
            }
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b)),
            (Value::String(_), Value::String(_)) => true,
            (a, b) => a == b,
        }
    }

    fn writer() -> Writer {
        Writer::new("MZ1".to_owned(), "AC1".to_owned(), "CA1".to_owned())
    }

    #[test]
    fn every_message_has_the_shape_that_twilio_documents() {
        let golden = golden();
        let parameters: Vec<(String, String)> = ["FirstName", "LastName", "RemoteParty"]
            .iter()
            .map(|name| ((*name).to_owned(), "x".to_owned()))
            .collect();
        let mut writer = writer();
        for (name, message) in [
            ("connected", Writer::connected()),
            ("start", writer.start(&parameters)),
            ("media", writer.media(20, &[0xFF; 160])),
            ("dtmf", writer.dtmf('1')),
            ("mark", writer.mark("my label")),
            ("stop", writer.stop()),
        ] {
            let ours: Value = serde_json::from_str(&message.write()).expect("is JSON");
            assert!(same_shape(&golden["from_twilio"][name], &ours), "{name}: {ours}");
        }
    }

    #[test]
    fn the_fast_way_of_writing_media_gives_the_same_message() {
        let (mut slow, mut fast) = (writer(), writer());
        for timestamp in [0, 20] {
            let audio = [0x55; 160];
            assert_eq!(
                slow.media(timestamp, &audio).write(),
                fast.media_text(timestamp, &audio)
            );
        }
    }

    #[test]
    fn numbering_begins_with_start_and_counts_every_message() {
        let mut writer = writer();
        let start: Value = serde_json::from_str(&writer.start(&[]).write()).expect("is JSON");
        let media: Value = serde_json::from_str(&writer.media(0, &[]).write()).expect("is JSON");
        assert_eq!(
            (&start["sequenceNumber"], &media["sequenceNumber"]),
            (&"1".into(), &"2".into())
        );
        assert_eq!(media["media"]["chunk"], "1");
    }

    #[test]
    fn shuffling_changes_the_order_alone() {
        let mut message = writer().start(&[("a".to_owned(), "\"\n".to_owned())]);
        let before: Value = serde_json::from_str(&message.write()).expect("is JSON");
        message.shuffle(&mut StdRng::seed_from_u64(3));
        let after: Value = serde_json::from_str(&message.write()).expect("is JSON");
        assert_eq!(before, after);
    }

    #[test]
    fn the_servers_messages_are_read_as_documented() {
        let golden = golden();
        let read_golden = |name: &str| read(&golden["to_twilio"][name].to_string(), "MZ0");
        assert!(matches!(read_golden("media"), Ok(FromServer::Media(audio)) if !audio.is_empty()));
        assert_eq!(read_golden("mark"), Ok(FromServer::Mark("my label".to_owned())));
        assert_eq!(read_golden("clear"), Ok(FromServer::Clear));
    }

    #[test]
    fn a_wrong_message_is_named() {
        for (text, fault) in [
            ("nonsense", "not a message"),
            (r#"{"event":"clear","streamSid":"MZ2"}"#, "streamSid"),
            (
                r#"{"event":"media","streamSid":"MZ1","media":{"payload":"*"}}"#,
                "media.payload",
            ),
            (
                r#"{"event":"media","streamSid":"MZ1","media":{"payload":"UklGRg=="}}"#,
                "file header",
            ),
            (r#"{"event":"dance","streamSid":"MZ1"}"#, "unknown"),
        ] {
            assert!(read(text, "MZ1").is_err_and(|error| error.contains(fault)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = read(&text, "MZ1");
        }
    }
}
