//! The embedded recogniser: PocketSphinx in a child process of our own binary, which may die without a call noticing
//! more than a re-prompt.
//!
//! [`Heard::confidence`] is certain or plausible as [`crate::speech::pocketsphinx::confidence`] says.

mod child;
mod pool;
mod protocol;

pub use child::run_recognizer_child;

use self::pool::{ChildPool, ChildSettings};
use self::protocol::{Request, Response};
use super::pocketsphinx::DEFAULT_MODELS;
use async_trait::async_trait;
use samvad_actors::domain::Language;
use samvad_actors::ports::{
    AudioMeter, Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream,
};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The hidden subcommand that makes our binary the child.
pub const CHILD_SUBCOMMAND: &str = "recognizer-child";

/// What the settings call it, and what listens.
const NAME: &str = "embedded";
const MODEL: &str = "pocketsphinx";

/// Samples of an utterance that are kept: a minute. What comes after is not listened to.
const MOST_SAMPLES: usize = 60 * 8_000;
/// Samples below which nothing can have been said: 100 ms.
const FEWEST_SAMPLES: usize = 800;
/// Utterances that may wait per thread. At some 100 ms each, the last of them has waited as long as a caller would.
const WAITING_PER_THREAD: usize = 32;

/// How the embedded recogniser runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmbeddedSettings {
    /// The program that has the subcommand [`CHILD_SUBCOMMAND`]; the running program if absent.
    pub program: Option<PathBuf>,
    /// Threads of the child, each with its own decoders; one per core if absent.
    pub threads: Option<u16>,
    /// Folder of the models, as Debian's package `pocketsphinx-en-us` lays it out.
    pub models: PathBuf,
    /// Longest wait for a result after the end of speech.
    pub deadline: Duration,
}

impl Default for EmbeddedSettings {
    fn default() -> Self {
        Self {
            program: None,
            threads: None,
            models: PathBuf::from(DEFAULT_MODELS),
            deadline: Duration::from_secs(3),
        }
    }
}

/// The embedded recogniser. English only. It may be used from any thread with a tokio timer; it uses none of its own
/// runtime. Dropping it, once no utterance is open any more, ends the child.
pub struct EmbeddedRecognizer {
    pool: Arc<ChildPool>,
    deadline: Duration,
}

impl EmbeddedRecognizer {
    /// Starts the child process in the background; whether its models load is told by [`Recognizer::prepare`].
    ///
    /// # Errors
    /// If our own program cannot be found or no thread can be started.
    pub fn start(settings: EmbeddedSettings) -> std::io::Result<Self> {
        let program = match settings.program {
            Some(program) => program,
            None => std::env::current_exe()?,
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = settings
            .threads
            .unwrap_or(u16::try_from(cores).unwrap_or(u16::MAX))
            .max(1);
        let pool = ChildPool::start(ChildSettings {
            program,
            argument: CHILD_SUBCOMMAND.to_owned(),
            setup: Request::Setup {
                threads,
                models: settings.models.to_string_lossy().into_owned(),
            },
            most_waiting: WAITING_PER_THREAD * usize::from(threads),
            patience: settings.deadline,
        })?;
        Ok(Self {
            pool: Arc::new(pool),
            deadline: settings.deadline,
        })
    }

    /// The child's process id, for accounting its CPU time and memory apart; `None` between two children.
    pub fn child_pid(&self) -> Option<u32> {
        self.pool.child_pid()
    }

    /// How many children were started so far.
    pub fn child_starts(&self) -> u64 {
        self.pool.starts()
    }

    /// Utterances and grammars the child has not answered yet.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }
}

#[async_trait]
impl Recognizer for EmbeddedRecognizer {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn prepare(&self, language: &Language, grammar: &Grammar) -> Result<(), RecognizerError> {
        speaks(language)?;
        let (phrases, free_text) = (grammar.phrases.clone(), grammar.free_text);
        let request = |sequence| Request::Prepare {
            sequence,
            phrases,
            free_text,
        };
        // Compiling waits behind whole queues of utterances at worst, and nobody's patience is at stake.
        match self.pool.ask(self.deadline * 4, request).await? {
            Response::Fault { reason, .. } => Err(RecognizerError::Unsupported { reason }),
            _ => Ok(()),
        }
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        Box::new(Utterance {
            pool: Arc::clone(&self.pool),
            deadline: self.deadline,
            request,
            samples: Vec::new(),
        })
    }
}

struct Utterance {
    pool: Arc<ChildPool>,
    deadline: Duration,
    request: RecognitionRequest,
    samples: Vec<i16>,
}

#[async_trait]
impl UtteranceStream for Utterance {
    fn push(&mut self, samples: &[i16]) {
        let room = MOST_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(samples.iter().take(room));
    }

    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError> {
        speaks(&self.request.language)?;
        if self.samples.len() < FEWEST_SAMPLES {
            return Ok(Heard::rejected());
        }
        let Self {
            pool,
            deadline,
            request,
            samples,
        } = *self;
        AudioMeter::new(request.meter, NAME, MODEL).sent(samples.len());
        let request = |sequence| Request::Recognize {
            sequence,
            phrases: request.grammar.phrases.clone(),
            free_text: request.grammar.free_text,
            samples,
        };
        match pool.ask(deadline, request).await? {
            Response::Heard {
                text,
                confidence,
                uncertain,
                ..
            } => Ok(Heard {
                text,
                confidence,
                uncertain,
            }),
            Response::Fault { reason, .. } => Err(RecognizerError::Unsupported { reason }),
            Response::Prepared { .. } => Err(RecognizerError::Lost {
                reason: "its process answered another question".to_owned(),
            }),
        }
    }
}

fn speaks(language: &Language) -> Result<(), RecognizerError> {
    match language.0.split('-').next() {
        Some("en") => Ok(()),
        _ => Err(RecognizerError::Unsupported {
            reason: format!(
                "the embedded recogniser knows English (\"en\") only, not {:?}; choose a speech service for it",
                language.0
            ),
        }),
    }
}
