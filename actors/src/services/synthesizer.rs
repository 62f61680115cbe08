//! A list of synthesisers of which the next takes over when one fails.

use super::breaker::Fault;
use super::guard::{Guard, Jitter, Search};
use super::speaking;
use crate::ports::{Clock, Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
use async_trait::async_trait;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

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
/// sentences goes through the [list](FailoverSynthesizer::list). What failed rests ([`Breaker`](super::Breaker)); if all rest, they are tried
/// all the same.
///
/// Of a sentence that is streamed the next takes over as long as nothing of it can have been heard: until there is
/// sound. The deadline for that is one for all: each may use up as much of what is left as leaves those after it the
/// same. A fault that comes later is the sentence's.
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
            guard: Arc::new(Guard::new(clock, jitter)),
        };
        Self {
            entries: list.into_iter().map(guarded).collect(),
            live_deadline: LIVE_SPEECH_DEADLINE,
        }
    }

    /// The same with another deadline for sentences that are streamed: for the first sound, whoever makes it, and for
    /// each further piece.
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
        let mut search = Search::new();
        while let Some((place, entry, _)) = search.next(&self.entries) {
            match entry.synthesize(request).await {
                Ok(pcm) => return Ok(pcm),
                Err(error) => search.failed(place, entry.passed_over(error)),
            }
        }
        Err(unspoken(search))
    }

    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let mut search = Search::within(self.live_deadline);
        while let Some((place, entry, share)) = search.next(&self.entries) {
            match entry.begin(request, share, self.live_deadline).await {
                Ok(speech) => return Ok(speech),
                Err(error) => search.failed(place, entry.passed_over(error)),
            }
        }
        Err(unspoken(search))
    }
}

/// What a sentence comes to that nobody speaks.
fn unspoken(search: Search<SynthesisError>) -> SynthesisError {
    search.into_error().unwrap_or_else(|| SynthesisError::Unavailable {
        reason: "there is none; name one in SAMVAD_SYNTHESIZER".to_owned(),
    })
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
    /// ([`Breaker::try_pass`](super::Breaker::try_pass)).
    pub fn try_pass(&self) -> bool {
        self.guard.try_pass()
    }

    /// Speaks one sentence, unless it is at rest when it is the sentence's turn: `None` then.
    pub async fn synthesize_unless_at_rest(&self, request: &SynthesisRequest) -> Option<Result<Pcm, SynthesisError>> {
        let _place = self.place().await;
        match self.try_pass() {
            true => Some(self.ask(request).await),
            false => None,
        }
    }

    /// One of the places, once it is free.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // An error only says that they are closed, which nobody does.
        self.places.acquire().await.ok()
    }

    async fn ask(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let patience = self.ranked.patience;
        // A synthesiser that panics has failed like any other.
        let asked = AssertUnwindSafe(async { self.ranked.synthesizer.synthesize(request).await }).catch_unwind();
        let answer = match tokio::time::timeout(patience, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(speaking::panicked()),
            Err(_elapsed) => Err(speaking::late("a sentence", patience)),
        };
        count(&self.guard, answer.as_ref().err());
        answer
    }

    /// Begins to speak within the first deadline; what it returns has sound in its first pieces. From there on each piece
    /// comes within the next deadline, or an error.
    async fn begin(
        &self,
        request: &SynthesisRequest,
        first: Duration,
        next: Duration,
    ) -> Result<SpeechStream, SynthesisError> {
        let begun = speaking::begin(self.ranked.synthesizer.as_ref(), request, first).await;
        match begun {
            Ok(speech) => Ok(speaking::watched(speech, next, self.name(), Arc::clone(&self.guard))),
            Err(error) => {
                count(&self.guard, Some(&error));
                Err(error)
            }
        }
    }

    fn passed_over(&self, error: SynthesisError) -> SynthesisError {
        tracing::warn!(synthesizer = self.name(), %error, "a synthesiser failed; the next one takes over");
        error
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
        let _place = self.place().await;
        self.ask(request).await
    }
}

impl AsRef<Guard> for GuardedSynthesizer {
    fn as_ref(&self) -> &Guard {
        &self.guard
    }
}

/// Counts what became of a sentence.
pub(super) fn count(guard: &Guard, error: Option<&SynthesisError>) {
    match error {
        None => guard.succeeded(),
        // A voice or a language that it lacks is no failure of it.
        Some(SynthesisError::Unsupported { .. }) => {}
        Some(SynthesisError::Refused { .. }) => guard.failed(Fault::Refused),
        Some(_) => guard.failed(Fault::Passing),
    }
}

#[cfg(test)]
mod tests;
