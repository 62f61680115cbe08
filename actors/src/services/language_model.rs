//! A list of language models of which the next takes over when one fails, within the request's deadline.

use super::breaker::Fault;
use super::guard::{Guard, Jitter, Search};
use crate::ports::{AnswerSchema, Clock, LanguageModel, LanguageModelError, LanguageRequest, SentenceStream};
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Language models in the order of preference.
///
/// A request goes to the first that is not at rest; when it fails, the same request goes to the next. The deadline is
/// one for all: each may use up as much of what is left as leaves those after it the same. Of a spoken answer that
/// holds until its first sentence: what has been said cannot be taken back, so a later failure ends the stream. What
/// failed rests ([`Breaker`](super::Breaker)); if all rest, they are tried all the same. If all fail, the error is that of the most
/// preferred one.
pub struct FailoverLanguageModel {
    shared: Arc<Shared>,
}

struct Shared {
    entries: Vec<Entry>,
}

struct Entry {
    model: Arc<dyn LanguageModel>,
    guard: Guard,
}

impl AsRef<Guard> for Entry {
    fn as_ref(&self) -> &Guard {
        &self.guard
    }
}

impl FailoverLanguageModel {
    /// A list of at least one; of none, every request is refused.
    pub fn new(list: Vec<Arc<dyn LanguageModel>>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let entry = |model| Entry {
            model,
            guard: Guard::new(clock, jitter),
        };
        Self {
            shared: Arc::new(Shared {
                entries: list.into_iter().map(entry).collect(),
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
        let mut search = Search::within(request.deadline);
        while let Some((place, entry, budget)) = search.next(&self.shared.entries) {
            let request = LanguageRequest {
                deadline: budget,
                ..request.clone()
            };
            let asked = entry.model.structured(&request, schema);
            match self.shared.judge(&mut search, place, within(budget, asked).await) {
                Some(answer) => return Ok(answer),
                None => continue,
            }
        }
        Err(self.shared.error(search, request.deadline))
    }

    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError> {
        let mut search = Search::within(request.deadline);
        while let Some((place, entry, budget)) = search.next(&self.shared.entries) {
            let begun = async {
                let mut sentences = entry.model.spoken(request).await?;
                match sentences.next().await {
                    Some(first) => Ok((first?, sentences)),
                    None => Err(LanguageModelError::Unusable {
                        reason: "it says nothing".to_owned(),
                    }),
                }
            };
            let begun = within(budget, begun).await;
            if let Some((first, rest)) = self.shared.judge(&mut search, place, begun) {
                let rest = watched(Arc::clone(&self.shared), place, rest);
                return Ok(stream::iter([Ok(first)]).chain(rest).boxed());
            }
        }
        Err(self.shared.error(search, request.deadline))
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
    place: usize,
    sentences: SentenceStream,
) -> impl futures_util::Stream<Item = Result<String, LanguageModelError>> {
    AssertUnwindSafe(sentences).catch_unwind().map(move |sentence| {
        let sentence = sentence.unwrap_or_else(|_panic| Err(panicked()));
        if let Err(error) = &sentence {
            shared.failed(place, error, "failed within its answer");
        }
        sentence
    })
}

impl Shared {
    /// The answer, or `None` if another is to be asked.
    fn judge<T>(
        &self,
        search: &mut Search<LanguageModelError>,
        place: usize,
        answer: Result<T, LanguageModelError>,
    ) -> Option<T> {
        match answer {
            Ok(answer) => {
                if let Some(entry) = self.entries.get(place) {
                    entry.guard.succeeded();
                }
                Some(answer)
            }
            Err(error) => {
                self.failed(place, &error, "failed; the next one takes over");
                search.failed(place, error);
                None
            }
        }
    }

    fn failed(&self, place: usize, error: &LanguageModelError, what: &str) {
        let fault = match error {
            LanguageModelError::Refused { .. } => Fault::Refused,
            // One whose answers are of no use, too: at worst one caller's odd words rest it for a moment.
            LanguageModelError::Unavailable { .. }
            | LanguageModelError::Busy { .. }
            | LanguageModelError::TimedOut { .. }
            | LanguageModelError::Unusable { .. } => Fault::Passing,
        };
        if let Some(entry) = self.entries.get(place) {
            tracing::warn!(language_model = entry.model.name(), %error, "a language model {what}");
            entry.guard.failed(fault);
        }
    }

    /// What a request comes to that nobody answers.
    fn error(&self, search: Search<LanguageModelError>, deadline: Duration) -> LanguageModelError {
        search.into_error().unwrap_or_else(|| match self.entries.is_empty() {
            true => LanguageModelError::Refused {
                reason: "there is none; name one in SAMVAD_LANGUAGE_MODEL".to_owned(),
            },
            false => timed_out(deadline),
        })
    }
}

#[cfg(test)]
mod tests;
