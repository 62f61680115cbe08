//! Text to speech.

use super::service_use::ServiceMeter;
use crate::domain::Language;
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream};
use std::time::Duration;

/// A text to be spoken.
#[derive(Clone, Debug)]
pub struct SynthesisRequest {
    /// Plain text, one sentence.
    pub text: String,
    /// Its language.
    pub language: Language,
    /// A voice, as the campaign names it: the embedded synthesiser's by its name, a service's as `SERVICE:NAME`. What
    /// is not a synthesiser's own leaves it at its default for the language.
    pub voice: Option<String>,
    /// Where its characters are counted, by each synthesiser that is asked.
    pub meter: ServiceMeter,
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
    /// It does not know this language, voice or model.
    #[error("the synthesiser cannot speak this: {reason}")]
    Unsupported {
        /// What it lacks, and the remedy.
        reason: String,
    },
    /// It answered with nothing, with silence, or with a length that cannot be right.
    #[error("the synthesiser returned unusable audio: {reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
    /// It will not, and asking again does not help: key, credit, quota.
    #[error("the synthesiser refuses: {reason}")]
    Refused {
        /// Why, and the remedy.
        reason: String,
    },
    /// Too much is asked of it at once.
    #[error("the synthesiser is busy: {reason}")]
    Busy {
        /// Why, and the remedy.
        reason: String,
        /// When to ask again, if it said so (RFC 9110, section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// It took too long to begin or to end.
    #[error("the synthesiser was too slow: {what} took more than {deadline_ms} ms")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// The longest wait, in milliseconds.
        deadline_ms: u64,
    },
}

/// The audio of one sentence as it is spoken: pieces of any length in their order, all of one sample rate. Together they
/// are what [`Synthesizer::synthesize`] gives. It ends after an error; dropping it ends the request.
pub type SpeechStream = BoxStream<'static, Result<Pcm, SynthesisError>>;

/// A synthesiser.
#[async_trait]
pub trait Synthesizer: Send + Sync + 'static {
    /// A short name for logs and figures.
    fn name(&self) -> &'static str;

    /// Everything beside text and language that the audio of a request depends on: engine, version, model, voice. Part
    /// of the prompt cache's key.
    fn identity(&self, request: &SynthesisRequest) -> String;

    /// Speaks one sentence. What it returns is sound of a plausible length.
    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError>;

    /// Speaks one sentence and gives its audio as it comes: faults may show when some of it has been heard. A synthesiser
    /// that does not stream gives the whole sentence as one piece.
    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let whole = self.synthesize(request).await?;
        Ok(stream::once(ready(Ok(whole))).boxed())
    }
}
