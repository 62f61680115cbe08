//! A list of synthesisers of which the next takes over when one fails.

use super::breaker::{Breaker, Fault};
use super::recognizer::Jitter;
use super::speaking;
use crate::ports::{Clock, Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
use async_trait::async_trait;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest wait for sound in a call, unless set otherwise: a caller who hears nothing for longer says "hello?".
pub const LIVE_SPEECH_DEADLINE: Duration = Duration::from_millis(1_500);

/// One synthesiser of the list.
#[derive(Clone)]
pub struct RankedSynthesizer {
    /// It.
    pub synthesizer: Arc<dyn Synthesizer>,
    /// Longest wait for a sentence, whatever deadlines of its own it keeps.
    pub patience: Duration,
    /// Sentences asked of it at a time, whoever wants them; those that are streamed into a call wait for nobody.
    pub at_once: usize,
}

/// Synthesisers in the order of preference.
///
/// As a [`Synthesizer`] it speaks each sentence by the first that is not at rest and can. Who wants one voice for many
/// sentences goes through the [list](FailoverSynthesizer::list). What failed rests ([`Breaker`]); if all rest, they are tried
/// all the same.
///
/// Of a sentence that is streamed the next takes over as long as nothing of it can have been heard: until there is
/// sound. A fault that comes later is the sentence's.
#[derive(Clone)]
pub struct FailoverSynthesizer {
    entries: Vec<GuardedSynthesizer>,
    live_deadline: Duration,
}

impl FailoverSynthesizer {
    /// A list of at least one; of none, nothing can be spoken.
    pub fn new(list: Vec<RankedSynthesizer>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let guarded = |ranked: RankedSynthesizer| GuardedSynthesizer {
            places: Arc::new(Semaphore::new(ranked.at_once.max(1))),
            ranked,
            guard: Arc::new(Guard {
                breaker: Mutex::default(),
                clock: Arc::clone(clock),
                jitter: Arc::clone(jitter),
            }),
        };
        Self {
            entries: list.into_iter().map(guarded).collect(),
            live_deadline: LIVE_SPEECH_DEADLINE,
        }
    }

    /// The same with another deadline for sentences that are streamed: for the first sound of each synthesiser that is
    /// asked, and for each further piece.
    #[must_use]
    pub fn with_live_deadline(self, live_deadline: Duration) -> Self {
        Self { live_deadline, ..self }
    }

    /// The same synthesisers, what is known of their faults included, but the one at this place preferred.
    #[must_use]
    pub fn preferring(&self, place: usize) -> Self {
        let mut list = self.clone();
        if let Some(first) = list.entries.get_mut(..=place) {
            first.rotate_right(1);
        }
        list
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
            .or_else(|| fresh().min_by_key(|(_, entry)| entry.guard.breaker().passes_from_ms()))
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
        let mut tried = Tried::default();
        while let Some((place, entry)) = self.next(&tried.places) {
            match entry.synthesize(request).await {
                Ok(pcm) => return Ok(pcm),
                Err(error) => tried.failed(place, entry, error),
            }
        }
        Err(tried.into_error())
    }

    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let mut tried = Tried::default();
        while let Some((place, entry)) = self.next(&tried.places) {
            match entry.begin(request, self.live_deadline).await {
                Ok(speech) => return Ok(speech),
                Err(error) => tried.failed(place, entry, error),
            }
        }
        Err(tried.into_error())
    }
}

/// Who has failed with a sentence.
#[derive(Default)]
struct Tried {
    places: Vec<usize>,
    /// The failure of the most preferred one: that is the one to mend.
    preferred: Option<(usize, SynthesisError)>,
}

impl Tried {
    fn failed(&mut self, place: usize, entry: &GuardedSynthesizer, error: SynthesisError) {
        tracing::warn!(synthesizer = entry.name(), %error, "a synthesiser failed; the next one takes over");
        self.places.push(place);
        if self.preferred.as_ref().is_none_or(|(first, _)| place < *first) {
            self.preferred = Some((place, error));
        }
    }

    fn into_error(self) -> SynthesisError {
        match self.preferred {
            Some((_, error)) => error,
            None => SynthesisError::Unavailable {
                reason: "there is none; name one in SAMVAD_SYNTHESIZER".to_owned(),
            },
        }
    }
}

/// A synthesiser of the list, with its breaker: whatever becomes of a sentence is counted. Clones share the breaker, and
/// how much is asked of it at a time.
#[derive(Clone)]
pub struct GuardedSynthesizer {
    ranked: RankedSynthesizer,
    /// As many as sentences may be asked at a time.
    places: Arc<Semaphore>,
    guard: Arc<Guard>,
}

impl GuardedSynthesizer {
    /// Sentences asked of it at a time.
    pub fn at_once(&self) -> usize {
        self.ranked.at_once.max(1)
    }

    /// Whether it may be asked now: it is not at rest, or its rest is over and nobody else tries it already
    /// ([`Breaker::try_pass`]).
    pub fn try_pass(&self) -> bool {
        self.guard.breaker().try_pass(self.guard.now_ms())
    }

    async fn ask(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        // An error only says that the places are closed, which nobody does.
        let _place = self.places.acquire().await;
        let patience = self.ranked.patience;
        // A synthesiser that panics has failed like any other.
        let asked = AssertUnwindSafe(async { self.ranked.synthesizer.synthesize(request).await }).catch_unwind();
        match tokio::time::timeout(patience, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(speaking::panicked()),
            Err(_elapsed) => Err(speaking::late("a sentence", patience)),
        }
    }

    /// Begins to speak; what it returns has sound in its first pieces. From there on each piece comes within the deadline,
    /// or an error.
    async fn begin(&self, request: &SynthesisRequest, deadline: Duration) -> Result<SpeechStream, SynthesisError> {
        let begun = speaking::begin(self.ranked.synthesizer.as_ref(), request, deadline).await;
        match begun {
            Ok(speech) => Ok(speaking::watched(speech, deadline, Arc::clone(&self.guard))),
            Err(error) => {
                self.guard.count(Some(&error));
                Err(error)
            }
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
        self.guard.count(answer.as_ref().err());
        answer
    }

    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        self.begin(request, LIVE_SPEECH_DEADLINE).await
    }
}

/// What is known of one synthesiser's faults.
pub(super) struct Guard {
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
}

impl Guard {
    /// Counts what became of a sentence.
    pub(super) fn count(&self, error: Option<&SynthesisError>) {
        let fault = match error {
            None => return self.breaker().succeeded(),
            // A voice or a language that it lacks is no failure of it.
            Some(SynthesisError::Unsupported { .. }) => return,
            Some(SynthesisError::Refused { .. }) => Fault::Refused,
            Some(_) => Fault::Passing,
        };
        self.breaker().failed(self.now_ms(), fault, (self.jitter)());
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Every change under this lock is one step: a panic elsewhere leaves nothing half done.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
