//! A list of language models of which the next takes over when one fails, within the request's deadline.

use super::breaker::{Breaker, Fault};
use super::recognizer::Jitter;
use crate::ports::{AnswerSchema, Clock, LanguageModel, LanguageModelError, LanguageRequest, SentenceStream};
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Language models in the order of preference.
///
/// A request goes to the first that is not at rest; when it fails, the same request goes to the next. The deadline is
/// one for all: each may use up as much of what is left as leaves those after it the same. Of a spoken answer that
/// holds until its first sentence: what has been said cannot be taken back, so a later failure ends the stream. What
/// failed rests ([`Breaker`]); if all rest, they are tried all the same. If all fail, the error is that of the most
/// preferred one.
pub struct FailoverLanguageModel {
    shared: Arc<Shared>,
}

struct Shared {
    entries: Vec<Entry>,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
}

struct Entry {
    model: Arc<dyn LanguageModel>,
    breaker: Mutex<Breaker>,
}

impl FailoverLanguageModel {
    /// A list of at least one; of none, every request is refused.
    pub fn new(list: Vec<Arc<dyn LanguageModel>>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let entry = |model| Entry {
            model,
            breaker: Mutex::default(),
        };
        Self {
            shared: Arc::new(Shared {
                entries: list.into_iter().map(entry).collect(),
                clock: Arc::clone(clock),
                jitter: Arc::clone(jitter),
            }),
        }
    }
}

#[async_trait]
impl LanguageModel for FailoverLanguageModel {
    fn name(&self) -> &'static str {
        "list"
    }

    async fn structured(
        &self,
        request: &LanguageRequest,
        schema: &AnswerSchema,
    ) -> Result<serde_json::Value, LanguageModelError> {
        let mut search = Search::new(&self.shared, request.deadline);
        while let Some((index, entry, budget)) = search.next() {
            let request = LanguageRequest {
                deadline: budget,
                ..request.clone()
            };
            let asked = entry.model.structured(&request, schema);
            match search.judge(index, within(budget, asked).await) {
                Some(answer) => return Ok(answer),
                None => continue,
            }
        }
        Err(search.error())
    }

    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError> {
        let mut search = Search::new(&self.shared, request.deadline);
        while let Some((index, entry, budget)) = search.next() {
            let begun = async {
                let mut sentences = entry.model.spoken(request).await?;
                match sentences.next().await {
                    Some(first) => Ok((first?, sentences)),
                    None => Err(LanguageModelError::Unusable {
                        reason: "it says nothing".to_owned(),
                    }),
                }
            };
            if let Some((first, rest)) = search.judge(index, within(budget, begun).await) {
                let rest = watched(Arc::clone(&self.shared), index, rest);
                return Ok(stream::iter([Ok(first)]).chain(rest).boxed());
            }
        }
        Err(search.error())
    }
}

/// What is awaited, but no longer than this. A model that panics has failed like any other.
async fn within<T>(
    budget: Duration,
    asked: impl Future<Output = Result<T, LanguageModelError>>,
) -> Result<T, LanguageModelError> {
    match tokio::time::timeout(budget, AssertUnwindSafe(asked).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(panicked()),
        Err(_elapsed) => Err(timed_out(budget)),
    }
}

fn panicked() -> LanguageModelError {
    LanguageModelError::Unavailable {
        reason: "it panicked".to_owned(),
    }
}

fn timed_out(deadline: Duration) -> LanguageModelError {
    LanguageModelError::TimedOut {
        deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The sentences after the first; a failure among them rests the model all the same.
fn watched(
    shared: Arc<Shared>,
    index: usize,
    sentences: SentenceStream,
) -> impl futures_util::Stream<Item = Result<String, LanguageModelError>> {
    AssertUnwindSafe(sentences).catch_unwind().map(move |sentence| {
        let sentence = sentence.unwrap_or_else(|_panic| Err(panicked()));
        if let Err(error) = &sentence {
            shared.failed(index, error, "failed within its answer");
        }
        sentence
    })
}

impl Shared {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn failed(&self, index: usize, error: &LanguageModelError, what: &str) {
        let fault = match error {
            LanguageModelError::Refused { .. } => Fault::Refused,
            // One whose answers are of no use, too: at worst one caller's odd words rest it for a moment.
            LanguageModelError::Unavailable { .. }
            | LanguageModelError::Busy { .. }
            | LanguageModelError::TimedOut { .. }
            | LanguageModelError::Unusable { .. } => Fault::Passing,
        };
        if let Some(entry) = self.entries.get(index) {
            tracing::warn!(language_model = entry.model.name(), %error, "a language model {what}");
            entry.breaker().failed(self.now_ms(), fault, (self.jitter)());
        }
    }
}

impl Entry {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Every change under this lock is one step: a panic elsewhere leaves nothing half done.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's way through the list.
struct Search<'a> {
    shared: &'a Shared,
    deadline: Duration,
    /// On the clock's scale.
    end: Duration,
    tried: Vec<usize>,
    preferred: Option<(usize, LanguageModelError)>,
}

impl<'a> Search<'a> {
    fn new(shared: &'a Shared, deadline: Duration) -> Self {
        Self {
            shared,
            deadline,
            end: shared.clock.monotonic().saturating_add(deadline),
            tried: Vec::new(),
            preferred: None,
        }
    }

    /// The first that was not tried yet and is not at rest, else the one whose rest ends first, with what it may take
    /// of the time that is left. `None` if none is left, or no time.
    fn next(&mut self) -> Option<(usize, &'a Entry, Duration)> {
        let left = self.end.saturating_sub(self.shared.clock.monotonic());
        if left.is_zero() {
            return None;
        }
        let now_ms = self.shared.now_ms();
        let entries = self.shared.entries.iter().enumerate();
        let fresh: Vec<_> = entries.filter(|(index, _)| !self.tried.contains(index)).collect();
        let passing = fresh.iter().find(|(_, entry)| entry.breaker().try_pass(now_ms));
        let next = passing.or_else(|| fresh.iter().min_by_key(|(_, entry)| entry.breaker().passes_from_ms()));
        let (index, entry) = *next?;
        self.tried.push(index);
        Some((index, entry, left / u32::try_from(fresh.len()).unwrap_or(u32::MAX)))
    }

    /// The answer, or `None` if another is to be asked.
    fn judge<T>(&mut self, index: usize, answer: Result<T, LanguageModelError>) -> Option<T> {
        match answer {
            Ok(answer) => {
                if let Some(entry) = self.shared.entries.get(index) {
                    entry.breaker().succeeded();
                }
                Some(answer)
            }
            Err(error) => {
                self.shared.failed(index, &error, "failed; the next one takes over");
                if self.preferred.as_ref().is_none_or(|(first, _)| index < *first) {
                    self.preferred = Some((index, error));
                }
                None
            }
        }
    }

    fn error(self) -> LanguageModelError {
        match self.preferred {
            Some((_, error)) => error,
            None if self.shared.entries.is_empty() => LanguageModelError::Refused {
                reason: "there is none; name one in SAMVAD_LANGUAGE_MODEL".to_owned(),
            },
            None => timed_out(self.deadline),
        }
    }
}

#[cfg(test)]
mod tests;
