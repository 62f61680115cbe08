//! Text to speech.

use crate::domain::Language;
use async_trait::async_trait;

/// A text to be spoken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SynthesisRequest {
    /// Plain text, one sentence.
    pub text: String,
    /// Its language.
    pub language: Language,
    /// A voice by the synthesiser's own name; its default for the language if absent.
    pub voice: Option<String>,
}

/// Linear audio, one channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pcm {
    /// Samples per second.
    pub sample_rate: u32,
    /// 16-bit samples.
    pub samples: Vec<i16>,
}

/// Why there is no audio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthesisError {
    /// The program or the service is missing or gone.
    #[error("the synthesiser is not available: {reason}")]
    Unavailable {
        /// What happened and, if known, the remedy.
        reason: String,
    },
    /// It does not know this language or voice.
    #[error("the synthesiser cannot speak this: {reason}")]
    Unsupported {
        /// What it lacks.
        reason: String,
    },
    /// It answered with nothing, with silence, or with a length that cannot be right.
    #[error("the synthesiser returned unusable audio: {reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
}

/// A synthesiser.
#[async_trait]
pub trait Synthesizer: Send + Sync + 'static {
    /// Names the engine and its version: part of the prompt cache's key.
    fn identity(&self) -> String;

    /// Speaks one sentence.
    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError>;
}
