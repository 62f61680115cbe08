//! A language model: text in, a checked structure or spoken sentences out.

use super::service_use::ServiceMeter;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who said something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person on the telephone.
    Caller,
    /// Ourselves.
    Agent,
}

/// One thing that was said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spoken {
    /// By whom.
    pub speaker: Speaker,
    /// The words.
    pub text: String,
}

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct LanguageRequest {
    /// What it is to do, and everything it may know. Never a telephone number.
    pub instructions: String,
    /// What was said, oldest first; the last is what is to be understood or answered.
    pub conversation: Vec<Spoken>,
    /// Most tokens it may write.
    pub most_tokens: u32,
    /// For the whole answer; of a spoken one, for each of its sentences.
    pub deadline: Duration,
    /// Where tokens are counted.
    pub meter: ServiceMeter,
}

/// The shape an answer must have.
#[derive(Clone, PartialEq, Debug)]
pub struct AnswerSchema {
    /// A name of letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// JSON Schema, of the part of it that OpenAI's structured outputs know in strict mode: every object closed
    /// (`additionalProperties: false`), every property required.
    pub schema: serde_json::Value,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanguageModelError {
    /// It cannot be reached, broke off, or failed.
    #[error("the language model is not available: {reason}")]
    Unavailable {
        /// What happened and, if known, the remedy.
        reason: String,
    },
    /// It will not, and asking again does not help: key, credit, quota, a model or parameter it does not know.
    #[error("the language model refuses: {reason}")]
    Refused {
        /// Why, and the remedy.
        reason: String,
    },
    /// Too much is asked of it at once.
    #[error("the language model is busy: {reason}")]
    Busy {
        /// Why.
        reason: String,
        /// When to ask again, if it said so (RFC 9110, section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("the language model was too slow: more than {deadline_ms} ms")]
    TimedOut {
        /// The deadline, in milliseconds.
        deadline_ms: u64,
    },
    /// It answered with something else than was asked for: not JSON, not of the schema, cut short, empty, or it
    /// declined to answer.
    #[error("the language model's answer cannot be used: {reason}")]
    Unusable {
        /// What is wrong with it, without its words.
        reason: String,
    },
}

/// Sentences as they are written, each whole: what a synthesiser can begin with.
pub type SentenceStream = BoxStream<'static, Result<String, LanguageModelError>>;

/// A language model.
#[async_trait]
pub trait LanguageModel: Send + Sync + 'static {
    /// A short name for logs and figures.
    fn name(&self) -> &'static str;

    /// Answers with JSON of the given shape. The answer is JSON and an object; whether it means anything is for the
    /// caller to check.
    async fn structured(
        &self,
        request: &LanguageRequest,
        schema: &AnswerSchema,
    ) -> Result<serde_json::Value, LanguageModelError>;

    /// Answers with text to be spoken, sentence by sentence as it comes. The stream ends after an error. Dropping it
    /// ends the request.
    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError>;
}
