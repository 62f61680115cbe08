//! A synthesiser kept away from the threads that calls live on.

use super::services::ServiceThreads;
use async_trait::async_trait;
use samvad_actors::ports::{Pcm, SynthesisError, SynthesisRequest, Synthesizer};
use std::sync::Arc;

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
}
