//! An utterance on its way from a call's thread to the connection that has it, and its result back.

use async_trait::async_trait;
use samvad_actors::ports::{AudioMeter, Heard, Progress, RecognizerError, UtteranceStream};
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

/// Frames of 20 ms that may wait for the connection: a minute and some. A connection that is so far behind has failed.
const MOST_WAITING: usize = 3_200;
/// Samples below which nothing can have been said: 100 ms. The services are not asked.
const FEWEST_SAMPLES: usize = 800;

/// What the call has for the connection. The end of commands without [`Command::Finish`] is an utterance abandoned.
#[derive(Debug)]
pub(super) enum Command {
    /// 8 kHz linear samples.
    Audio(Box<[i16]>),
    /// The speech is over.
    Finish,
}

/// The connection's end of an utterance.
pub(super) struct Job {
    pub(super) commands: mpsc::Receiver<Command>,
    /// Counts what is sent.
    pub(super) audio: AudioMeter,
    progress: watch::Sender<Progress>,
    reply: oneshot::Sender<Result<Heard, RecognizerError>>,
}

impl Job {
    /// A job and the stream that feeds it. `shows_partials`: see [`Progress::Awaited`].
    pub(super) fn new(shows_partials: bool, audio: AudioMeter) -> (Self, ServiceStream) {
        let (commands, receiver) = mpsc::channel(MOST_WAITING);
        let first = if shows_partials {
            Progress::Awaited
        } else {
            Progress::Untold
        };
        let (progress, watched) = watch::channel(first.clone());
        let (reply, result) = oneshot::channel();
        let job = Self {
            commands: receiver,
            audio,
            progress,
            reply,
        };
        let stream = ServiceStream {
            commands,
            progress: watched,
            shown: first,
            result,
            samples: 0,
            overrun: false,
        };
        (job, stream)
    }

    /// Shows the words so far.
    pub(super) fn show(&self, words: String) {
        self.progress.send_replace(Progress::Partial(Arc::from(words)));
    }

    /// Gives the result. Whether anybody still waits for it is theirs.
    pub(super) fn conclude(self, result: Result<Heard, RecognizerError>) {
        if let Err(error) = &result {
            self.progress.send_replace(Progress::Failed(error.clone()));
        }
        let _ = self.reply.send(result);
    }
}

/// The call's end of an utterance.
pub(super) struct ServiceStream {
    commands: mpsc::Sender<Command>,
    progress: watch::Receiver<Progress>,
    /// What was shown at the last frame: the lock is taken only where there is something new.
    shown: Progress,
    result: oneshot::Receiver<Result<Heard, RecognizerError>>,
    samples: usize,
    overrun: bool,
}

impl ServiceStream {
    fn send(&mut self, command: Command) {
        // One whose connection is gone has its result already.
        if let Err(TrySendError::Full(_)) = self.commands.try_send(command) {
            self.overrun = true;
        }
    }
}

#[async_trait]
impl UtteranceStream for ServiceStream {
    fn push(&mut self, samples: &[i16]) {
        self.samples += samples.len();
        // An error says that the connection has concluded.
        if self.progress.has_changed().unwrap_or(true) {
            self.shown = self.progress.borrow_and_update().clone();
        }
        self.send(Command::Audio(samples.into()));
    }

    fn progress(&self) -> Progress {
        if self.overrun {
            return Progress::Failed(RecognizerError::Overloaded);
        }
        match self.progress.has_changed() {
            Ok(false) => self.shown.clone(),
            _ => self.progress.borrow().clone(),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Heard, RecognizerError> {
        if self.samples < FEWEST_SAMPLES {
            return Ok(Heard::rejected());
        }
        self.send(Command::Finish);
        if self.overrun {
            return Err(RecognizerError::Overloaded);
        }
        // Commands are over, but their end would mean that the utterance is abandoned: the sender lives to the end.
        let result = (&mut self.result).await;
        result.unwrap_or_else(|_| {
            Err(RecognizerError::Lost {
                reason: "its connection was shut down".to_owned(),
            })
        })
    }
}
