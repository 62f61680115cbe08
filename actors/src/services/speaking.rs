//! A sentence that one synthesiser speaks while it is heard: when it has begun, and what is a fault after that.

use super::guard::Guard;
use super::plausible::SpeechCheck;
use super::synthesizer::count;
use crate::ports::{Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Silence at the beginning of a sentence; with more of it there is no voice behind it (L12).
const LONGEST_LEADING_SILENCE_MS: u64 = 1_000;

/// Asks for a sentence and waits until something of it can be heard. What it returns begins with that.
pub(super) async fn begin(
    synthesizer: &dyn Synthesizer,
    request: &SynthesisRequest,
    deadline: Duration,
) -> Result<SpeechStream, SynthesisError> {
    let audible = async {
        let mut speech = synthesizer.stream(request).await?;
        let mut begun = Vec::new();
        let mut check: Option<SpeechCheck> = None;
        loop {
            let Some(piece) = speech.next().await.transpose()? else {
                // Nothing, or nothing that can be heard.
                check.unwrap_or_else(|| SpeechCheck::new(1)).finish(&request.text)?;
                break;
            };
            let check = check.get_or_insert_with(|| SpeechCheck::new(piece.sample_rate));
            check.push(&piece.samples);
            begun.push(Ok(piece));
            if check.is_audible() {
                break;
            }
            if check.duration_ms() > LONGEST_LEADING_SILENCE_MS {
                return Err(SynthesisError::Unusable {
                    reason: format!("it begins with more than {LONGEST_LEADING_SILENCE_MS} ms of silence"),
                });
            }
        }
        Ok(stream::iter(begun).chain(speech).boxed())
    };
    // A synthesiser that panics has failed like any other.
    match timeout(deadline, AssertUnwindSafe(audible).catch_unwind()).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(_panic)) => Err(panicked()),
        Err(_elapsed) => Err(late("the first sound", deadline)),
    }
}

/// The rest of a sentence that has begun, each piece within the deadline. Counts what becomes of it, and logs the fault of
/// this synthesiser; a sentence that nobody wants any more does not count.
pub(super) fn watched(
    speech: SpeechStream,
    deadline: Duration,
    synthesizer: &'static str,
    guard: Arc<Guard>,
) -> SpeechStream {
    let next = move |speech: Option<SpeechStream>| {
        let guard = Arc::clone(&guard);
        async move {
            let mut speech = speech?;
            let piece = timeout(deadline, AssertUnwindSafe(speech.next()).catch_unwind()).await;
            let piece: Option<Result<Pcm, SynthesisError>> = match piece {
                Ok(Ok(piece)) => piece,
                Ok(Err(_panic)) => Some(Err(panicked())),
                Err(_elapsed) => Some(Err(late("the next piece", deadline))),
            };
            match piece {
                Some(Ok(piece)) => Some((Ok(piece), Some(speech))),
                Some(Err(error)) => {
                    tracing::warn!(synthesizer, %error, "a synthesiser breaks off within a sentence");
                    count(&guard, Some(&error));
                    Some((Err(error), None))
                }
                None => {
                    count(&guard, None);
                    None
                }
            }
        }
    };
    stream::unfold(Some(speech), next).boxed()
}

pub(super) fn panicked() -> SynthesisError {
    SynthesisError::Unavailable {
        reason: "it panicked".to_owned(),
    }
}

pub(super) fn late(what: &'static str, deadline: Duration) -> SynthesisError {
    SynthesisError::TimedOut {
        what,
        deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
