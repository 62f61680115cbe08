//! A transcription session of the Realtime API. Turn detection is off: every utterance is one commit of the buffer.

use super::super::protocol::{Event, Habits, Protocol, Session, fault_of, unreadable};
use super::super::{score, text};
use super::{Token, gives_scores, headers, language_code, probabilities, under};
use crate::config::{OpenAiSettings, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use samvad_actors::domain::Language;
use samvad_actors::ports::{Heard, RecognizerError};
use samvad_media::codec::encode_mulaw;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

/// The service's protocol.
pub(super) struct Realtime {
    base_url: Url,
    model: String,
    key: Option<Secret<String>>,
}

impl Realtime {
    pub(super) fn new(settings: &OpenAiSettings) -> Self {
        Self {
            base_url: settings.base_url.clone(),
            model: settings.transcription_model.clone(),
            key: settings.api_key.clone(),
        }
    }
}

impl Protocol for Realtime {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn language_tag(&self, language: &Language) -> Result<String, RecognizerError> {
        Ok(language_code(language))
    }

    /// "connect to wss://api.openai.com/v1/realtime?intent=transcription … but omit model from the URL".
    fn endpoint(&self, _tag: &str) -> (Url, HeaderMap) {
        let mut url = under(&self.base_url, "realtime");
        url.query_pairs_mut().append_pair("intent", "transcription");
        (url, headers(self.key.as_ref()))
    }

    fn session(&self, tag: &str) -> Box<dyn Session> {
        Box::new(RealtimeSession {
            model: self.model.clone(),
            language: tag.to_owned(),
            ..RealtimeSession::default()
        })
    }

    fn habits(&self) -> Habits {
        Habits {
            keep_alive: Duration::from_secs(15),
            // A session ends by itself: after 60 minutes, once after 30.
            oldest: Duration::from_secs(25 * 60),
            // Some models send nothing before the commit, the others nothing before a word.
            shows_partials: false,
        }
    }
}

/// A server event, as far as it is read. Whatever else there is is left alone.
#[derive(Debug, Deserialize)]
struct ServerEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(default)]
    delta: Option<String>,
    #[serde(default)]
    transcript: Option<String>,
    #[serde(default)]
    logprobs: Option<Vec<Token>>,
    #[serde(default)]
    error: Option<ServerError>,
}

#[derive(Debug, Deserialize)]
struct ServerError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// The state of one connection.
#[derive(Default)]
struct RealtimeSession {
    model: String,
    language: String,
    ready: bool,
    ended: bool,
    /// The utterance's words so far.
    partial: String,
    /// The items of utterances before: what still comes of them is not ours. The last one is enough, because an
    /// utterance without a result closes its connection.
    item_before: Option<String>,
}

impl RealtimeSession {
    fn completed(&mut self, event: ServerEvent) -> Event {
        if event.item_id.is_some() && event.item_id == self.item_before {
            return Event::Nothing;
        }
        let Some(transcript) = event.transcript else {
            return unreadable();
        };
        self.item_before = event.item_id;
        let text = text::plain(&transcript);
        if text.is_empty() {
            return Event::Result(Heard::rejected());
        }
        Event::Result(Heard {
            text,
            confidence: score::of_words(&probabilities(&event.logprobs.unwrap_or_default())),
            uncertain: false,
        })
    }
}

impl Session for RealtimeSession {
    fn open(&mut self, out: &mut Vec<Message>) {
        let mut session = json!({
            "type": "transcription",
            "audio": {"input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {"model": self.model, "language": self.language},
                "turn_detection": null,
            }},
        });
        if gives_scores(&self.model) {
            session["include"] = json!(["item.input_audio_transcription.logprobs"]);
        }
        out.push(Message::text(
            json!({"type": "session.update", "session": session}).to_string(),
        ));
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn begin(&mut self, _out: &mut Vec<Message>) {
        self.ended = false;
        self.partial.clear();
    }

    fn audio(&mut self, samples: &[i16], out: &mut Vec<Message>) {
        let mut codes = Vec::with_capacity(samples.len());
        encode_mulaw(samples, &mut codes);
        let append = json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(codes)});
        out.push(Message::text(append.to_string()));
    }

    fn end(&mut self, out: &mut Vec<Message>) {
        self.ended = true;
        out.push(Message::text(r#"{"type":"input_audio_buffer.commit"}"#));
    }

    fn receive(&mut self, text: &str) -> Event {
        let Ok(event) = serde_json::from_str::<ServerEvent>(text) else {
            return unreadable();
        };
        match event.kind.as_str() {
            "session.updated" => {
                self.ready = true;
                Event::Nothing
            }
            "conversation.item.input_audio_transcription.delta" if event.item_id != self.item_before => {
                self.partial.push_str(&event.delta.unwrap_or_default());
                Event::Partial(text::plain(&self.partial))
            }
            "conversation.item.input_audio_transcription.completed" => self.completed(event),
            "conversation.item.input_audio_transcription.failed" | "error" => {
                let error = event.error.and_then(|error| error.code.or(error.kind));
                Event::Failed(fault_of(&error.unwrap_or_default()))
            }
            // session.created, input_audio_buffer.committed, conversation.item.added and so on.
            _ => Event::Nothing,
        }
    }

    fn keep_alive(&self) -> Message {
        Message::Ping(Vec::new().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> RealtimeSession {
        RealtimeSession {
            model: "gpt-4o-transcribe".to_owned(),
            language: "en".to_owned(),
            ..RealtimeSession::default()
        }
    }

    fn messages(act: impl FnOnce(&mut Vec<Message>)) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        act(&mut out);
        let read = |message: &Message| serde_json::from_str(message.to_text().expect("text")).expect("JSON");
        out.iter().map(read).collect()
    }

    fn fixture(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/openai");
        std::fs::read_to_string(format!("{folder}/{name}.json")).expect("a fixture")
    }

    fn written(name: &str) -> serde_json::Value {
        serde_json::from_str(&fixture(name)).expect("JSON")
    }

    #[test]
    fn what_is_sent_has_the_shape_of_the_fixtures() {
        let mut session = session();
        assert_eq!(messages(|out| session.open(out)), [written("session_update")]);
        assert_eq!(messages(|out| session.audio(&[0; 4], out)), [written("append")]);
        assert_eq!(messages(|out| session.end(out)), [written("commit")]);
    }

    #[test]
    fn it_is_ready_when_the_session_is_as_we_want_it() {
        let mut session = session();
        assert_eq!(session.receive(&fixture("session_created")), Event::Nothing);
        assert!(!session.is_ready());
        assert_eq!(session.receive(&fixture("session_updated")), Event::Nothing);
        assert!(session.is_ready());
    }

    #[test]
    fn the_weakest_token_of_a_short_answer_is_its_confidence() {
        let mut session = session();
        session.begin(&mut Vec::new());
        assert_eq!(session.receive(&fixture("delta")), Event::Partial("yes".to_owned()));
        session.end(&mut Vec::new());
        let Event::Result(heard) = session.receive(&fixture("completed")) else {
            panic!("no result");
        };
        assert_eq!(heard.text, "yes please");
        assert!(heard.confidence >= Heard::BINDING, "{heard:?}");
        // What comes again of the same item is not the next utterance's.
        session.begin(&mut Vec::new());
        assert_eq!(session.receive(&fixture("completed")), Event::Nothing);
        assert_eq!(session.receive(&fixture("delta")), Event::Nothing);
    }

    #[test]
    fn words_without_scores_are_certain_and_never_binding() {
        let unscored =
            r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":"Yes."}"#;
        let Event::Result(heard) = session().receive(unscored) else {
            panic!("no result");
        };
        assert_eq!((heard.text.as_str(), heard.confidence), ("yes", score::UNSCORED));
    }

    #[test]
    fn quota_is_a_refusal_and_other_errors_are_losses_without_their_sentences() {
        let Event::Failed(RecognizerError::Refused { reason }) = session().receive(&fixture("error_quota")) else {
            panic!("no refusal");
        };
        assert!(
            reason.contains("insufficient_quota") && !reason.contains("billing details"),
            "{reason}"
        );
        let failed = session().receive(&fixture("failed"));
        assert!(
            matches!(failed, Event::Failed(RecognizerError::Lost { .. })),
            "{failed:?}"
        );
        assert!(matches!(
            session().receive("{"),
            Event::Failed(RecognizerError::Lost { .. })
        ));
    }
}
