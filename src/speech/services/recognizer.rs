//! A streaming service as a recogniser.

use super::client::ServiceClient;
use super::pool::{Pool, PoolGauges, PoolSettings};
use super::protocol::Protocol;
use super::threads::ServiceThreads;
use super::utterance::Job;
use async_trait::async_trait;
use samvad_actors::domain::Language;
use samvad_actors::ports::{AudioMeter, Grammar, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream};
use std::sync::Arc;

/// A recogniser whose utterances go over a pool of connections to a service.
///
/// Our own voice activity detector cuts the utterances, so the service's end-pointing is switched off where it can be,
/// and every utterance is ended explicitly. The grammar is not sent: any words may come back, and the lexicon says what
/// they mean.
pub struct StreamingRecognizer {
    service: Box<dyn Service>,
}

impl StreamingRecognizer {
    pub(super) fn new(
        protocol: impl Protocol,
        client: ServiceClient,
        threads: Arc<ServiceThreads>,
        settings: PoolSettings,
    ) -> Self {
        Self {
            service: Box::new(Pooled(Arc::new(Pool::new(protocol, client, threads, settings)))),
        }
    }

    /// What its pool of connections holds.
    pub fn gauges(&self) -> PoolGauges {
        self.service.gauges()
    }
}

#[async_trait]
impl Recognizer for StreamingRecognizer {
    fn name(&self) -> &'static str {
        self.service.name()
    }

    /// Opens a connection for the language, which shows whether key, model and language are taken.
    async fn prepare(&self, language: &Language, _grammar: &Grammar) -> Result<(), RecognizerError> {
        self.service.warm(language).await
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        self.service.start(request)
    }
}

/// What is asked of a pool, whatever its protocol.
#[async_trait]
trait Service: Send + Sync {
    fn name(&self) -> &'static str;
    fn gauges(&self) -> PoolGauges;
    async fn warm(&self, language: &Language) -> Result<(), RecognizerError>;
    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream>;
}

struct Pooled<P: Protocol>(Arc<Pool<P>>);

#[async_trait]
impl<P: Protocol> Service for Pooled<P> {
    fn name(&self) -> &'static str {
        self.0.protocol().name()
    }

    fn gauges(&self) -> PoolGauges {
        self.0.gauges()
    }

    async fn warm(&self, language: &Language) -> Result<(), RecognizerError> {
        let tag = self.0.protocol().language_tag(language)?;
        self.0.warm(&tag).await
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        let protocol = self.0.protocol();
        let audio = AudioMeter::new(request.meter, protocol.name(), protocol.model());
        let (job, stream) = Job::new(protocol.habits().shows_partials, audio);
        match protocol.language_tag(&request.language) {
            Ok(tag) => self.0.dispatch(&tag, job),
            Err(error) => job.conclude(Err(error)),
        }
        Box::new(stream)
    }
}

impl<P: Protocol> Drop for Pooled<P> {
    fn drop(&mut self) {
        self.0.close();
    }
}
