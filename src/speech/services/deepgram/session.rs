//! Deepgram's messages on one connection.

use super::super::protocol::{Event, Session, fault_of, unreadable};
use super::super::{score, text};
use samvad_actors::ports::Heard;
use samvad_media::codec::encode_mulaw;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;

/// The stream's samples in a second.
const RATE: f64 = 8_000.0;
/// How far the results may fall short of the audio and be complete all the same, in seconds.
const SLACK: f64 = 0.3;
/// How exactly times of results are taken, in seconds.
const EXACTNESS: f64 = 0.01;

/// `ListenV1Results` and the other server messages, as far as they are read. Whatever else there is is left alone.
#[derive(Debug, Deserialize)]
struct ServerMessage {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    start: f64,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    from_finalize: bool,
    #[serde(default)]
    channel: Option<serde_json::Value>,
    /// Of an error: its code, where there is one.
    #[serde(default)]
    err_code: Option<String>,
    #[serde(default)]
    variant: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Deserialize)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    confidence: f32,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Debug, Deserialize)]
struct Word {
    #[serde(default)]
    confidence: f32,
}

/// The state of one connection.
#[derive(Default)]
pub(super) struct DeepgramSession {
    /// Samples sent since the connection was opened: the service's own time.
    sent: u64,
    /// Of them, those before this utterance.
    sent_before: u64,
    /// What is final of this utterance: its text, and how sure each of its words is.
    words: Vec<String>,
    scores: Vec<f32>,
    /// Until where it is final, in seconds of the service's time; `None` if nothing is.
    final_until: Option<f64>,
    ended: bool,
}

impl DeepgramSession {
    fn heard(&self) -> Heard {
        let text = text::plain(&self.words.join(" "));
        if text.is_empty() {
            return Heard::rejected();
        }
        Heard {
            confidence: score::of_words(&self.scores),
            text,
            uncertain: false,
        }
    }

    fn results(&mut self, message: ServerMessage) -> Event {
        let until = message.start + message.duration;
        let began = self.sent_before as f64 / RATE;
        let is_stale = if message.duration > 0.0 {
            until <= began + EXACTNESS
        } else {
            message.start < began - EXACTNESS
        };
        if is_stale {
            return Event::Nothing;
        }
        let Some(Ok(channel)) = message.channel.map(serde_json::from_value::<Channel>) else {
            return unreadable();
        };
        let best = channel.alternatives.into_iter().next();
        if !message.is_final {
            let interim = best.map(|best| best.transcript).unwrap_or_default();
            return Event::Partial(text::plain(&format!("{} {interim}", self.words.join(" "))));
        }
        self.final_until = Some(self.final_until.map_or(until, |before| before.max(until)));
        if let Some(best) = best.filter(|best| !best.transcript.trim().is_empty()) {
            if best.words.is_empty() {
                self.scores.push(best.confidence);
            }
            self.scores.extend(best.words.iter().map(|word| word.confidence));
            self.words.push(best.transcript);
        }
        // What is final does not change: where it reaches to the end, the answer to `Finalize` brings no words.
        match self.ended && (message.from_finalize || self.is_complete()) {
            true => Event::Result(self.heard()),
            false => Event::Partial(text::plain(&self.words.join(" "))),
        }
    }

    /// How much of the audio that was sent is not final, in seconds.
    fn lacks(&self) -> Option<f64> {
        self.final_until.map(|until| self.sent as f64 / RATE - until)
    }
}

impl Session for DeepgramSession {
    fn open(&mut self, _out: &mut Vec<Message>) {}

    fn is_ready(&self) -> bool {
        true
    }

    fn begin(&mut self, _out: &mut Vec<Message>) {
        let sent = self.sent;
        *self = Self {
            sent,
            sent_before: sent,
            ..Self::default()
        };
    }

    fn audio(&mut self, samples: &[i16], out: &mut Vec<Message>) {
        let mut codes = Vec::with_capacity(samples.len());
        encode_mulaw(samples, &mut codes);
        self.sent += samples.len() as u64;
        out.push(Message::binary(codes));
    }

    fn end(&mut self, out: &mut Vec<Message>) {
        self.ended = true;
        out.push(Message::text(r#"{"type":"Finalize"}"#));
    }

    fn receive(&mut self, text: &str) -> Event {
        let Ok(message) = serde_json::from_str::<ServerMessage>(text) else {
            return unreadable();
        };
        match message.kind.as_str() {
            "Results" => self.results(message),
            "Error" => {
                let code = message.err_code.or(message.variant).unwrap_or_default();
                Event::Failed(fault_of(&code))
            }
            // Metadata, UtteranceEnd, SpeechStarted, and what there may be in a year.
            _ => Event::Nothing,
        }
    }

    fn is_complete(&self) -> bool {
        self.lacks().is_some_and(|seconds| seconds <= EXACTNESS)
    }

    /// The answer to `Finalize` is not guaranteed: where nearly all audio was final before, none may come.
    fn settle(&mut self) -> Option<Heard> {
        (self.lacks()? <= SLACK).then(|| self.heard())
    }

    fn keep_alive(&self) -> Message {
        Message::text(r#"{"type":"KeepAlive"}"#)
    }
}

#[cfg(test)]
mod tests;
