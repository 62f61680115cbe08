//! Sarvam's messages on one connection.

use super::super::protocol::{Event, Session, fault_of, unreadable};
use super::super::{score, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use samvad_actors::ports::Heard;
use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

/// A server event, as far as it is read. Whatever else there is is left alone.
#[derive(Debug, Deserialize)]
struct ServerEvent {
    event: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    utterance_idx: Option<u64>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    is_fatal: bool,
}

/// The state of one connection.
#[derive(Default)]
pub(super) struct SarvamSession {
    ready: bool,
    /// The utterance that had its result last: what still comes of it is not ours.
    utterance_before: Option<u64>,
}

impl Session for SarvamSession {
    fn open(&mut self, _out: &mut Vec<Message>) {}

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn begin(&mut self, out: &mut Vec<Message>) {
        out.push(Message::text(r#"{"event":"speech_start"}"#));
    }

    fn audio(&mut self, samples: &[i16], out: &mut Vec<Message>) {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let input = json!({"event": "audio_input", "audio": STANDARD.encode(bytes)});
        out.push(Message::text(input.to_string()));
    }

    fn end(&mut self, out: &mut Vec<Message>) {
        out.push(Message::text(r#"{"event":"speech_end"}"#));
    }

    fn receive(&mut self, text: &str) -> Event {
        let Ok(event) = serde_json::from_str::<ServerEvent>(text) else {
            return unreadable();
        };
        let is_stale = event.utterance_idx.is_some() && event.utterance_idx == self.utterance_before;
        match event.event.as_str() {
            "session.begin" => {
                self.ready = true;
                Event::Nothing
            }
            "transcript.partial" if !is_stale => Event::Partial(text::plain(&event.text.unwrap_or_default())),
            "transcript.final" if !is_stale => {
                let Some(words) = event.text else {
                    return unreadable();
                };
                self.utterance_before = event.utterance_idx;
                let text = text::plain(&words);
                if text.is_empty() {
                    return Event::Result(Heard::rejected());
                }
                // `language_confidence` is how sure it is of the language, not of the words.
                Event::Result(Heard {
                    text,
                    confidence: score::UNSCORED,
                    uncertain: false,
                })
            }
            "error" if event.is_fatal => Event::Failed(fault_of(&event.code.unwrap_or_default())),
            "session.end" => Event::Failed(fault_of("session_ended")),
            // vad.*, pong, errors that are not fatal, and what there may be in a year.
            _ => Event::Nothing,
        }
    }

    fn keep_alive(&self) -> Message {
        Message::text(r#"{"event":"ping"}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::ports::RecognizerError;

    fn fixture(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/sarvam");
        std::fs::read_to_string(format!("{folder}/{name}.json")).expect("a fixture")
    }

    #[test]
    fn what_is_sent_has_the_shape_of_the_fixtures() {
        let mut session = SarvamSession::default();
        let mut out = Vec::new();
        session.begin(&mut out);
        session.audio(&[1, -2], &mut out);
        session.end(&mut out);
        out.push(session.keep_alive());
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        for (message, name) in out.iter().zip(["speech_start", "audio_input", "speech_end", "ping"]) {
            assert_eq!(read(message.to_text().expect("text")), read(&fixture(name)), "{name}");
        }
    }

    #[test]
    fn a_final_transcript_is_a_result_that_never_binds() {
        let mut session = SarvamSession::default();
        assert_eq!(session.receive(&fixture("session_begin")), Event::Nothing);
        assert!(session.is_ready());
        assert_eq!(session.receive(&fixture("partial")), Event::Partial("हाँ".to_owned()));
        let Event::Result(heard) = session.receive(&fixture("final")) else {
            panic!("no result");
        };
        assert_eq!((heard.text.as_str(), heard.confidence), ("हाँ बिल्कुल 4", score::UNSCORED));
        assert_eq!(
            session.receive(&fixture("final")),
            Event::Nothing,
            "the same utterance again"
        );
    }

    #[test]
    fn fatal_errors_end_the_connection_and_others_do_not() {
        let mut session = SarvamSession::default();
        let quota = session.receive(&fixture("error_quota"));
        assert!(
            matches!(quota, Event::Failed(RecognizerError::Refused { .. })),
            "{quota:?}"
        );
        assert_eq!(session.receive(&fixture("error_passing")), Event::Nothing);
        assert!(matches!(
            session.receive("[]"),
            Event::Failed(RecognizerError::Lost { .. })
        ));
    }
}
