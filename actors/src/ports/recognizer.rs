//! Speech to text, an utterance at a time.

use super::service_use::ServiceMeter;
use crate::domain::{AttemptId, Language};
use async_trait::async_trait;
use std::sync::Arc;

/// What may be said at one point of a survey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grammar {
    /// Names the content: equal ids mean equal phrases, so that a recogniser may compile and cache by it.
    pub id: String,
    /// Whole phrases in lower case, words separated by one space, each phrase once. Empty only with `free_text`.
    pub phrases: Vec<String>,
    /// True if anything at all may be said besides; a recogniser that cannot do that returns its best guess with
    /// [`Heard::uncertain`] set.
    pub free_text: bool,
}

/// What an utterance is to be recognised against.
#[derive(Clone, Debug)]
pub struct RecognitionRequest {
    /// Whose call: lets a streaming service keep one connection per call.
    pub attempt: AttemptId,
    /// Language of the grammar.
    pub language: Language,
    /// What may be said.
    pub grammar: Arc<Grammar>,
    /// Where the audio is counted that a recogniser gets.
    pub meter: ServiceMeter,
}

/// What was heard.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// The words in lower case; empty if nothing was recognised (a rejection).
    pub text: String,
    /// 0 to 1. At least [`Heard::BINDING`]: enough for consent and removal. At least [`Heard::CERTAIN`]: act on it.
    /// At least [`Heard::PLAUSIBLE`]: confirm it where it matters. Below: as good as nothing. Each recogniser maps its own score to these marks and says how in its docs.
    pub confidence: f32,
    /// True for words that are a guess at free speech by a recogniser not made for it.
    pub uncertain: bool,
}

impl Heard {
    /// At or above: so sure that consent or removal follows without another turn (L3).
    pub const BINDING: f32 = 0.9;
    /// At or above: false acceptances of sentences outside the grammar are about 1 %.
    pub const CERTAIN: f32 = 0.8;
    /// At or above: more likely right than wrong.
    pub const PLAUSIBLE: f32 = 0.5;

    /// Nothing was recognised.
    pub fn rejected() -> Self {
        Self {
            text: String::new(),
            confidence: 0.0,
            uncertain: false,
        }
    }
}

/// Why there is no result. In every case the dialogue re-prompts (CALL-7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecognizerError {
    /// No result within the deadline.
    #[error("no result within {deadline_ms} ms")]
    TimedOut {
        /// The deadline.
        deadline_ms: u64,
    },
    /// The service or the child process died or closed the connection.
    #[error("the recogniser is gone: {reason}")]
    Lost {
        /// What happened.
        reason: String,
    },
    /// Too many utterances wait already.
    #[error("the recogniser is overloaded")]
    Overloaded,
    /// The service will have nothing of us for now: a key it does not know, a quota that is used up, a rate exceeded, a
    /// model or parameter it refuses. Asking again at once would be refused again.
    #[error("the recogniser refuses: {reason}")]
    Refused {
        /// What it says, without key or words.
        reason: String,
    },
    /// It cannot serve this request at all.
    #[error("the recogniser cannot serve this: {reason}")]
    Unsupported {
        /// What it lacks, for example a language or a word missing from its dictionary.
        reason: String,
    },
}

/// What a recogniser shows of an utterance before its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Progress {
    /// It shows nothing before the end; that says nothing about how it does.
    #[default]
    Untold,
    /// It is one that shows something within a second of audio or two, and has shown nothing yet.
    Awaited,
    /// It gave a sign of life: the words so far in lower case, which may change; empty if there are none yet.
    Partial(Arc<str>),
    /// There will be no result.
    Failed(RecognizerError),
}

/// A recogniser.
#[async_trait]
pub trait Recognizer: Send + Sync + 'static {
    /// A short name for logs and figures.
    fn name(&self) -> &'static str;

    /// Compiles a grammar ahead of the first call and says what is wrong with it (for example every word that is
    /// missing from the dictionary).
    async fn prepare(&self, language: &Language, grammar: &Grammar) -> Result<(), RecognizerError>;

    /// Opens an utterance. Does not block and does no I/O on the caller's thread.
    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream>;
}

/// One utterance as it is spoken. Dropping it abandons it.
#[async_trait]
pub trait UtteranceStream: Send {
    /// Takes 8 kHz linear samples, from 300 ms before the speech. Never blocks.
    fn push(&mut self, samples: &[i16]);

    /// How it goes. Never blocks.
    fn progress(&self) -> Progress {
        Progress::Untold
    }

    /// The speech is over: gives the result. The future may be awaited on another thread.
    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError>;
}
