//! A synthesiser kept away from the threads that calls live on.

use super::services::ServiceThreads;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use samvad_actors::ports::{Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
use std::sync::Arc;

/// Length of the pieces of a sentence that is streamed.
const PIECE_MS: usize = 100;

/// Runs a synthesiser on other threads: starting programs and reading what they wrote is not a call's business.
pub struct OnThreads<S> {
    synthesizer: Arc<S>,
    threads: Arc<ServiceThreads>,
}

impl<S: Synthesizer> OnThreads<S> {
    /// The synthesiser on these threads.
    pub fn new(synthesizer: S, threads: Arc<ServiceThreads>) -> Self {
        Self {
            synthesizer: Arc::new(synthesizer),
            threads,
        }
    }
}

#[async_trait]
impl<S: Synthesizer> Synthesizer for OnThreads<S> {
    fn name(&self) -> &'static str {
        self.synthesizer.name()
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        self.synthesizer.identity(request)
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let (synthesizer, request) = (Arc::clone(&self.synthesizer), request.clone());
        let spoken = self.threads.run(async move { synthesizer.synthesize(&request).await });
        spoken.await.unwrap_or_else(|| {
            Err(SynthesisError::Unavailable {
                reason: "it panicked, or was shut down".to_owned(),
            })
        })
    }

    /// In short pieces, between which others on the listener's thread have their turn: what a call does with them takes
    /// time in proportion to their length.
    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let Pcm { sample_rate, samples } = self.synthesize(request).await?;
        let length = (sample_rate as usize * PIECE_MS / 1_000).max(1);
        let pieces: Vec<Vec<i16>> = samples.chunks(length).map(<[i16]>::to_vec).collect();
        let pieces = stream::iter(pieces).then(move |samples| async move {
            tokio::task::yield_now().await;
            Ok(Pcm { sample_rate, samples })
        });
        Ok(pieces.boxed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use samvad_actors::domain::Language;
    use samvad_actors::ports::ServiceMeter;

    /// Two seconds and a bit.
    struct Whole;

    #[async_trait]
    impl Synthesizer for Whole {
        fn name(&self) -> &'static str {
            "whole"
        }

        fn identity(&self, _: &SynthesisRequest) -> String {
            "whole".to_owned()
        }

        async fn synthesize(&self, _: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
            Ok(Pcm {
                sample_rate: 16_000,
                samples: (0..32_007).map(|n| (n % 1_000) as i16).collect(),
            })
        }
    }

    #[tokio::test]
    async fn a_whole_sentence_comes_in_short_pieces_and_others_have_their_turn_between_them() {
        let threads = Arc::new(ServiceThreads::start().expect("threads"));
        let synthesizer = OnThreads::new(Whole, threads);
        let request = SynthesisRequest {
            text: "Good morning".to_owned(),
            language: Language::default(),
            voice: None,
            meter: ServiceMeter::default(),
        };
        let mut speech = synthesizer.stream(&request).await.expect("speech");
        let mut samples = Vec::new();
        loop {
            let next = speech.next();
            let mut next = std::pin::pin!(next);
            assert!(
                next.as_mut().now_or_never().is_none() || samples.len() == 32_007,
                "a turn for others"
            );
            let Some(piece) = next.await else { break };
            let piece = piece.expect("a piece");
            assert!(piece.sample_rate == 16_000 && piece.samples.len() <= 1_600);
            samples.extend(piece.samples);
        }
        assert_eq!(samples, Whole.synthesize(&request).await.expect("speech").samples);
    }
}
