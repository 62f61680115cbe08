//! A list of synthesisers of which the next takes over when one fails.

use super::breaker::{Breaker, Fault};
use super::recognizer::Jitter;
use crate::ports::{Clock, Pcm, SynthesisError, SynthesisRequest, Synthesizer};
use async_trait::async_trait;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One synthesiser of the list.
#[derive(Clone)]
pub struct RankedSynthesizer {
    /// It.
    pub synthesizer: Arc<dyn Synthesizer>,
    /// Longest wait for a sentence, whatever deadlines of its own it keeps.
    pub patience: Duration,
    /// Sentences asked of it at a time when many are wanted.
    pub at_once: usize,
}

/// Synthesisers in the order of preference.
///
/// As a [`Synthesizer`] it speaks each sentence by the first that is not at rest and can. Who wants one voice for many
/// sentences goes through the [list](FailoverSynthesizer::list). What failed rests ([`Breaker`]); if all rest, they are tried
/// all the same.
pub struct FailoverSynthesizer {
    entries: Vec<GuardedSynthesizer>,
}

impl FailoverSynthesizer {
    /// A list of at least one; of none, nothing can be spoken.
    pub fn new(list: Vec<RankedSynthesizer>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let guarded = |ranked| GuardedSynthesizer {
            ranked,
            breaker: Mutex::default(),
            clock: Arc::clone(clock),
            jitter: Arc::clone(jitter),
        };
        Self {
            entries: list.into_iter().map(guarded).collect(),
        }
    }

    /// All of them, the preferred one first.
    pub fn list(&self) -> &[GuardedSynthesizer] {
        &self.entries
    }

    /// The first that is not in `tried` and not at rest, else the one whose rest ends first; its place in the list, and
    /// it. The one that is returned counts as being tried.
    fn next(&self, tried: &[usize]) -> Option<(usize, &GuardedSynthesizer)> {
        let fresh = || {
            self.entries
                .iter()
                .enumerate()
                .filter(|(index, _)| !tried.contains(index))
        };
        fresh()
            .find(|(_, entry)| entry.try_pass())
            .or_else(|| fresh().min_by_key(|(_, entry)| entry.breaker().passes_from_ms()))
    }
}

#[async_trait]
impl Synthesizer for FailoverSynthesizer {
    fn name(&self) -> &'static str {
        "list"
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        let identities: Vec<String> = self.entries.iter().map(|entry| entry.identity(request)).collect();
        identities.join(", else ")
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let mut tried = Vec::new();
        let mut preferred: Option<(usize, SynthesisError)> = None;
        while let Some((index, entry)) = self.next(&tried) {
            match entry.synthesize(request).await {
                Ok(pcm) => return Ok(pcm),
                Err(error) => {
                    tracing::warn!(synthesizer = entry.name(), %error, "a synthesiser failed; the next one takes over");
                    if preferred.as_ref().is_none_or(|(first, _)| index < *first) {
                        preferred = Some((index, error));
                    }
                }
            }
            tried.push(index);
        }
        Err(match preferred {
            Some((_, error)) => error,
            None => SynthesisError::Unavailable {
                reason: "there is none; name one in SAMVAD_SYNTHESIZER".to_owned(),
            },
        })
    }
}

/// A synthesiser of the list, with its breaker: whatever becomes of a sentence is counted.
pub struct GuardedSynthesizer {
    ranked: RankedSynthesizer,
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
}

impl GuardedSynthesizer {
    /// Sentences asked of it at a time.
    pub fn at_once(&self) -> usize {
        self.ranked.at_once.max(1)
    }

    /// Whether it may be asked now: it is not at rest, or its rest is over and nobody else tries it already
    /// ([`Breaker::try_pass`]).
    pub fn try_pass(&self) -> bool {
        self.breaker().try_pass(self.now_ms())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Every change under this lock is one step: a panic elsewhere leaves nothing half done.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let patience = self.ranked.patience;
        // A synthesiser that panics has failed like any other.
        let asked = AssertUnwindSafe(async { self.ranked.synthesizer.synthesize(request).await }).catch_unwind();
        match tokio::time::timeout(patience, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(SynthesisError::Unavailable {
                reason: "it panicked".to_owned(),
            }),
            Err(_elapsed) => Err(SynthesisError::TimedOut {
                what: "a sentence",
                deadline_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }
}

#[async_trait]
impl Synthesizer for GuardedSynthesizer {
    fn name(&self) -> &'static str {
        self.ranked.synthesizer.name()
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        self.ranked.synthesizer.identity(request)
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let answer = self.ask(request).await;
        let fault = match &answer {
            Ok(_) => {
                self.breaker().succeeded();
                None
            }
            Err(SynthesisError::Refused { .. }) => Some(Fault::Refused),
            // A voice or a language that it lacks is no failure of it.
            Err(SynthesisError::Unsupported { .. }) => None,
            Err(_) => Some(Fault::Passing),
        };
        if let Some(fault) = fault {
            self.breaker().failed(self.now_ms(), fault, (self.jitter)());
        }
        answer
    }
}

#[cfg(test)]
mod tests;
