//! Audio of whole sentences, ready to be sent.

use super::service_use::ServiceMeter;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;

/// One sentence as audio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prompt {
    /// 8 kHz G.711 mu-law, one byte a sample.
    pub mulaw: Bytes,
    /// Its length.
    pub duration_ms: u64,
}

/// The audio of every fixed sentence of a campaign, shared by all its calls.
#[derive(Clone, Default, Debug)]
pub struct PromptBook {
    by_text: BTreeMap<String, Prompt>,
}

impl PromptBook {
    /// The audio of a sentence.
    pub fn get(&self, text: &str) -> Option<&Prompt> {
        self.by_text.get(text)
    }
}

impl FromIterator<(String, Prompt)> for PromptBook {
    fn from_iter<I: IntoIterator<Item = (String, Prompt)>>(prompts: I) -> Self {
        Self {
            by_text: prompts.into_iter().collect(),
        }
    }
}

/// Speaks the sentences of one campaign that carry somebody's name, in the voice of its [`PromptBook`] and at its level.
#[async_trait]
pub trait NameVoice: Send + Sync + 'static {
    /// The audio of a sentence; `None` if it cannot be had. Asking for it early makes it be there when it is needed:
    /// whoever asks while it is being spoken waits for the same audio, and it is spoken to its end though nobody waits
    /// any more. It is kept for a while, in memory alone.
    /// `meter` counts what it takes to speak it; who is given audio that others asked for uses nothing.
    async fn speak(&self, sentence: &str, meter: &ServiceMeter) -> Option<Prompt>;
}
