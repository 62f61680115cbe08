//! A list of recognisers of which the next takes over when one fails, within the same utterance.

use super::breaker::Fault;
use super::guard::{self, Guard, Jitter};
use crate::domain::Language;
use crate::ports::{Clock, Grammar, Heard, Progress, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Samples of an utterance that are kept to be sent again: a minute.
const MOST_SAMPLES: usize = 60 * 8_000;
/// Tries of one recogniser for one utterance: a connection may be stale, a second one hardly is.
const MOST_TRIES: u8 = 2;

/// One recogniser of the list.
#[derive(Clone)]
pub struct Ranked {
    /// It.
    pub recognizer: Arc<dyn Recognizer>,
    /// Longest wait for its result after the end of speech.
    pub patience: Duration,
}

/// What holds for the whole list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailoverSettings {
    /// From the end of speech until the call wants a result: everything has to fit in.
    pub deadline: Duration,
    /// Live audio after which a recogniser that shows what it hears must have shown something, or counts as silent.
    pub silence: Duration,
}

impl Default for FailoverSettings {
    /// 3.8 s of the 4 s a call waits; 2.5 s, in which any service that streams has sent several partial results.
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(3_800),
            silence: Duration::from_millis(2_500),
        }
    }
}

/// Recognisers in the order of preference.
///
/// An utterance goes to the first that is not at rest. Its audio is kept, and when the recogniser fails, stays silent
/// or is late, all of it goes to the next, as long as the call's deadline allows. What failed rests ([`Breaker`](super::Breaker)); if
/// all rest, they are tried all the same. The words and their confidence are those of the recogniser that answered.
pub struct FailoverRecognizer {
    shared: Arc<Shared>,
}

struct Shared {
    entries: Vec<Entry>,
    settings: FailoverSettings,
    clock: Arc<dyn Clock>,
}

struct Entry {
    ranked: Ranked,
    guard: Guard,
}

impl FailoverRecognizer {
    /// A list of at least one; of none, every utterance fails.
    pub fn new(list: Vec<Ranked>, settings: FailoverSettings, clock: Arc<dyn Clock>, jitter: Jitter) -> Self {
        let entry = |ranked| Entry {
            ranked,
            guard: Guard::new(&clock, &jitter),
        };
        Self {
            shared: Arc::new(Shared {
                entries: list.into_iter().map(entry).collect(),
                settings,
                clock,
            }),
        }
    }
}

#[async_trait]
impl Recognizer for FailoverRecognizer {
    fn name(&self) -> &'static str {
        "failover"
    }

    /// Prepares all of them; one that can serve is enough. What the others say is logged.
    async fn prepare(&self, language: &Language, grammar: &Grammar) -> Result<(), RecognizerError> {
        let entries = &self.shared.entries;
        let results = join_all(
            entries
                .iter()
                .map(|entry| entry.ranked.recognizer.prepare(language, grammar)),
        )
        .await;
        let mut first_error = None;
        let mut served = false;
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(()) => served = true,
                Err(error) => {
                    self.shared.report(index, &error, "cannot serve a campaign");
                    first_error = first_error.or(Some(error));
                }
            }
        }
        match first_error {
            Some(error) if !served => Err(error),
            _ => Ok(()),
        }
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        let mut utterance = Utterance {
            tries: vec![Tries::default(); self.shared.entries.len()],
            shared: Arc::clone(&self.shared),
            request,
            samples: Vec::new(),
            active: None,
            last_error: None,
        };
        utterance.go_on();
        Box::new(utterance)
    }
}

impl Shared {
    /// Logs a failure, and rests what failed. Being full or not made for a language is no failure of a service.
    fn report(&self, index: usize, error: &RecognizerError, what: &str) {
        let fault = match error {
            RecognizerError::TimedOut { .. } | RecognizerError::Lost { .. } => Some(Fault::Passing),
            RecognizerError::Refused { .. } => Some(Fault::Refused),
            RecognizerError::Overloaded | RecognizerError::Unsupported { .. } => None,
        };
        if let Some(entry) = self.entries.get(index) {
            if let Some(fault) = fault {
                entry.guard.failed(fault);
            }
            tracing::warn!(recognizer = entry.ranked.recognizer.name(), %error, "a recogniser {what}");
        }
    }
}

/// How often a recogniser had this utterance.
#[derive(Clone, Copy, Default)]
struct Tries {
    made: u8,
    /// It was cut off, so that another connection may do.
    may_retry: bool,
}

/// The stream that has the utterance now.
struct Active {
    index: usize,
    stream: Box<dyn UtteranceStream>,
    /// Samples it got as they were spoken, without those that were sent again.
    live_samples: usize,
}

struct Utterance {
    shared: Arc<Shared>,
    request: RecognitionRequest,
    samples: Vec<i16>,
    tries: Vec<Tries>,
    active: Option<Active>,
    last_error: Option<RecognizerError>,
}

impl Utterance {
    /// Gives the utterance so far to the next recogniser. False if there is none.
    fn go_on(&mut self) -> bool {
        let Some(index) = self.next() else {
            return false;
        };
        let Some((entry, tries)) = self.shared.entries.get(index).zip(self.tries.get_mut(index)) else {
            return false;
        };
        tries.made += 1;
        let mut stream = entry.ranked.recognizer.start(self.request.clone());
        if !self.samples.is_empty() {
            stream.push(&self.samples);
        }
        self.active = Some(Active {
            index,
            stream,
            live_samples: 0,
        });
        true
    }

    /// The first that had it not yet and is not at rest, else the one whose rest ends first, else one that was cut off.
    fn next(&self) -> Option<usize> {
        let entries = self.shared.entries.iter().zip(&self.tries).enumerate();
        let fresh = entries.filter(|(_, (_, tries))| tries.made == 0);
        guard::next(fresh.map(|(index, (entry, _))| (index, &entry.guard))).or_else(|| {
            let again = |tries: &Tries| tries.may_retry && tries.made < MOST_TRIES;
            self.tries.iter().position(again)
        })
    }

    fn failed(&mut self, index: usize, error: RecognizerError) {
        self.shared.report(index, &error, "failed; the next one takes over");
        if let Some(tries) = self.tries.get_mut(index) {
            tries.may_retry = matches!(error, RecognizerError::Lost { .. });
        }
        self.last_error = Some(error);
    }

    /// What the active one may take of `left`: as much as leaves those that had it not yet the same.
    fn budget(&self, index: usize, left: Duration) -> Duration {
        let waiting = self.tries.iter().filter(|tries| tries.made == 0).count();
        let share = left / u32::try_from(waiting + 1).unwrap_or(u32::MAX);
        let patience = self.shared.entries.get(index).map(|entry| entry.ranked.patience);
        share.min(patience.unwrap_or(share))
    }
}

#[async_trait]
impl UtteranceStream for Utterance {
    fn push(&mut self, samples: &[i16]) {
        let room = MOST_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(samples.iter().take(room));
        let Some(active) = &mut self.active else {
            return;
        };
        active.stream.push(samples);
        active.live_samples += samples.len();
        let silent_ms = u64::try_from(self.shared.settings.silence.as_millis()).unwrap_or(u64::MAX);
        let error = match active.stream.progress() {
            Progress::Failed(error) => error,
            Progress::Awaited if active.live_samples as u64 / 8 >= silent_ms => {
                RecognizerError::TimedOut { deadline_ms: silent_ms }
            }
            _ => return,
        };
        let index = active.index;
        self.active = None;
        self.failed(index, error);
        self.go_on();
    }

    fn progress(&self) -> Progress {
        match self.active.as_ref().map(|active| active.stream.progress()) {
            // The next one will take over.
            None | Some(Progress::Failed(_)) => Progress::Untold,
            Some(progress) => progress,
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Heard, RecognizerError> {
        let end = self.shared.clock.monotonic() + self.shared.settings.deadline;
        loop {
            if self.active.is_none() && !self.go_on() {
                break;
            }
            let Some(Active { index, stream, .. }) = self.active.take() else {
                break;
            };
            let left = end.saturating_sub(self.shared.clock.monotonic());
            if left.is_zero() {
                break;
            }
            let budget = self.budget(index, left);
            // A recogniser that panics has failed like any other. Its stream is made within, so that it is dropped there.
            let finish = AssertUnwindSafe(async move { stream.finish().await }).catch_unwind();
            let error = match tokio::time::timeout(budget, finish).await {
                Ok(Ok(Ok(heard))) => {
                    if let Some(entry) = self.shared.entries.get(index) {
                        entry.guard.succeeded();
                    }
                    return Ok(heard);
                }
                Ok(Ok(Err(error))) => error,
                Ok(Err(_panic)) => RecognizerError::Lost {
                    reason: "it panicked".to_owned(),
                },
                Err(_elapsed) => RecognizerError::TimedOut {
                    deadline_ms: u64::try_from(budget.as_millis()).unwrap_or(u64::MAX),
                },
            };
            self.failed(index, error);
        }
        Err(self.last_error.take().unwrap_or_else(|| RecognizerError::Unsupported {
            reason: "no recogniser is left to ask".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests;
