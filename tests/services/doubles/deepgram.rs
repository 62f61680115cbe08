//! Deepgram's `/v1/listen`, after its AsyncAPI description and the pages named in `fixtures/services/deepgram`.

use super::ear::Words;
use super::server::{Input, Quota, Service, Upgrade};
use samvad_media::codec::decode_mulaw;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

pub const KEY: &str = "deepgram-key";

#[derive(Default)]
pub struct Deepgram {
    /// Samples so far, and where the utterance began.
    taken: usize,
    began: usize,
    /// Until where results are final.
    finalised: usize,
    language: String,
}

impl Deepgram {
    fn results(&mut self, text: &str, probability: f64, is_final: bool, from_finalize: Option<bool>) -> Value {
        let seconds = |samples: usize| samples as f64 / 8_000.0;
        let (start, end) = (seconds(self.finalised.max(self.began)), seconds(self.taken));
        let said: Vec<&str> = text.split_whitespace().collect();
        let step = (end - start) / said.len().max(1) as f64;
        let words: Vec<Value> = said
            .iter()
            .enumerate()
            .map(|(index, word)| {
                let at = start + step * index as f64;
                json!({"word": word.to_lowercase(), "start": at, "end": at + step, "confidence": probability,
                       "punctuated_word": word})
            })
            .collect();
        if is_final {
            self.finalised = self.taken;
        }
        let mut results = json!({
            "type": "Results",
            "channel_index": [0, 1],
            "duration": end - start,
            "start": start,
            "is_final": is_final,
            "speech_final": is_final,
            "channel": {"alternatives": [{"transcript": text, "confidence": probability, "words": words}]},
            "metadata": {
                "request_id": "5f2c8a1e-0b6d-4a43-9a55-3d0f6c2f7a10",
                "model_info": {"name": "general-nova-3", "version": "2025-04-17.21547", "arch": "nova-3"},
                "model_uuid": "40bd3654-e622-47c4-a111-63a61b23bfe8",
            },
        });
        if let Some(from_finalize) = from_finalize {
            results["from_finalize"] = json!(from_finalize);
        }
        results
    }
}

impl Service for Deepgram {
    fn admit(request: &Upgrade) -> Result<Self, (u16, Value)> {
        if request.path != "/v1/listen" {
            return Err((404, Self::refusal("NOT_FOUND")));
        }
        if request.headers.get("authorization").map(String::as_str) != Some(&format!("Token {KEY}")) {
            return Err((401, Self::refusal("INVALID_AUTH")));
        }
        let wanted = [
            ("encoding", "mulaw"),
            ("sample_rate", "8000"),
            ("interim_results", "true"),
        ];
        let is_wanted = |(name, value): &(&str, &str)| request.query.get(*name).map(String::as_str) == Some(value);
        match request.query.get("language") {
            Some(language) if wanted.iter().all(is_wanted) => Ok(Self {
                language: language.clone(),
                ..Self::default()
            }),
            _ => Err((400, Self::refusal("INVALID_QUERY_PARAMETER"))),
        }
    }

    fn language(&self) -> &str {
        &self.language
    }

    fn read(&mut self, message: Message) -> Input {
        match message {
            Message::Binary(codes) => {
                let mut samples = Vec::new();
                decode_mulaw(&codes, &mut samples);
                self.taken += samples.len();
                Input::Audio(samples)
            }
            Message::Text(text) => match serde_json::from_str::<Value>(&text).unwrap()["type"].as_str() {
                Some("Finalize") => Input::End,
                Some("KeepAlive") => Input::Nothing,
                other => panic!("{other:?} is no client message"),
            },
            _ => Input::Nothing,
        }
    }

    fn partial(&mut self, words: &Words) -> Vec<Value> {
        vec![
            json!({"type": "SpeechStarted", "channel": [0], "timestamp": 0.1}),
            self.results(&words.text, words.probability, false, None),
        ]
    }

    /// Final and finalised in one; final before, and finalised without words; final before, and no answer at all to
    /// `Finalize`, which is "not guaranteed".
    fn result(&mut self, words: &Words, round: usize) -> Vec<Value> {
        let answer = match round % 3 {
            0 => vec![self.results(&words.text, words.probability, true, Some(true))],
            1 => vec![
                self.results(&words.text, words.probability, true, Some(false)),
                json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.5}),
                self.results("", 0.0, true, Some(true)),
            ],
            _ => vec![self.results(&words.text, words.probability, true, None)],
        };
        self.began = self.taken;
        answer
    }

    fn quota(&mut self) -> Quota {
        Quota::Close(1008, "ASR_PAYMENT_REQUIRED: the project has no credit left")
    }

    fn refusal(code: &str) -> Value {
        json!({"err_code": code, "err_msg": "a sentence with canary words", "request_id": "r"})
    }
}
