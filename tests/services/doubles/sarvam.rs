//! Sarvam's `/speech-to-text-realtime/ws`, after the pages named in `fixtures/services/sarvam`.

use super::ear::Words;
use super::server::{Input, Quota, Service, Upgrade};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

pub const KEY: &str = "sarvam-key";

#[derive(Default)]
pub struct Sarvam {
    utterance: usize,
    speaking: bool,
}

impl Service for Sarvam {
    fn admit(request: &Upgrade) -> Result<Self, (u16, Value)> {
        if request.path != "/speech-to-text-realtime/ws" {
            return Err((404, Self::refusal("not_found_error")));
        }
        if request.headers.get("api-subscription-key").map(String::as_str) != Some(KEY) {
            return Err((403, Self::refusal("invalid_api_key_error")));
        }
        let wanted = [
            ("endpointing", "manual"),
            ("encoding", "linear16"),
            ("sample_rate", "8000"),
        ];
        let is_wanted = |(name, value): &(&str, &str)| request.query.get(*name).map(String::as_str) == Some(value);
        let language = request
            .query
            .get("language_code")
            .map(String::as_str)
            .unwrap_or_default();
        if !wanted.iter().all(is_wanted) || !language.ends_with("-IN") {
            return Err((400, Self::refusal("invalid_request_error")));
        }
        Ok(Self::default())
    }

    fn greeting(&mut self) -> Vec<Value> {
        vec![json!({"event": "session.begin", "session_id": "s-1", "request_id": "r-1"})]
    }

    fn read(&mut self, message: Message) -> Input {
        let Message::Text(text) = message else {
            return Input::Nothing;
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        match event["event"].as_str() {
            Some("speech_start") => {
                self.speaking = true;
                Input::Begin
            }
            Some("audio_input") => {
                assert!(self.speaking, "audio comes between speech_start and speech_end");
                let bytes = STANDARD.decode(event["audio"].as_str().unwrap()).unwrap();
                let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                Input::Audio(samples.collect())
            }
            Some("speech_end") => {
                self.speaking = false;
                Input::End
            }
            Some("ping") => Input::Answered(vec![json!({"event": "pong"})]),
            other => panic!("{other:?} is no client event"),
        }
    }

    fn partial(&mut self, words: &Words) -> Vec<Value> {
        vec![
            json!({"event": "transcript.partial", "utterance_idx": self.utterance, "text": words.text,
                    "language": "en-IN", "language_confidence": 0.9}),
        ]
    }

    fn result(&mut self, words: &Words, round: usize) -> Vec<Value> {
        let utterance = self.utterance;
        self.utterance += 1;
        let last = json!({"event": "transcript.final", "utterance_idx": utterance, "text": words.text,
                          "language": "en-IN", "language_confidence": 0.9});
        let vad = json!({"event": "vad.speech_end"});
        match round % 3 {
            0 => vec![last],
            1 => vec![
                json!({"event": "error", "code": "slow_down", "is_fatal": false}),
                last,
                vad,
            ],
            _ => vec![vad, last.clone(), last],
        }
    }

    fn quota(&mut self) -> Quota {
        Quota::Close(1003, "insufficient_quota_error")
    }

    fn refusal(code: &str) -> Value {
        json!({"error": {"code": code, "message": "a sentence with canary words", "request_id": "r"}})
    }
}
