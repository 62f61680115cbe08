//! The recognisers that the settings name, running.

use crate::config::{RecognizerSetting, Secret, Settings, TranscriptionApi};
use crate::speech::FixedRecognizer;
use crate::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use crate::speech::services::{PoolSettings, ServiceThreads, deepgram, openai, sarvam};
use anyhow::Context;
use rand::RngExt;
use samvad_actors::ports::{Clock, Recognizer};
use samvad_actors::services::{FailoverRecognizer, FailoverSettings, Ranked};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Longest wait for the result of a service; they take some hundred milliseconds.
pub(crate) const SERVICE_PATIENCE: Duration = Duration::from_millis(1_500);
/// Longest wait for the result of the embedded recogniser, as it is by itself.
const EMBEDDED_PATIENCE: Duration = Duration::from_secs(3);

/// The recognisers of a node.
pub(super) struct RunningRecognizer {
    port: Arc<dyn Recognizer>,
    embedded: Option<Arc<EmbeddedRecognizer>>,
    threads: Option<Arc<ServiceThreads>>,
}

impl RunningRecognizer {
    /// Starts them. More than one, or one that may fail on the way to it, are a list in which the next takes over.
    pub(super) fn start(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let mut embedded = None;
        let mut threads = None;
        let mut ranked = Vec::new();
        for setting in settings.recognizers.list() {
            let (recognizer, patience): (Arc<dyn Recognizer>, _) = match setting {
                RecognizerSetting::Fixed { delay } => {
                    let port = Arc::new(FixedRecognizer::new(*delay));
                    return Ok(Self {
                        port,
                        embedded: None,
                        threads: None,
                    });
                }
                RecognizerSetting::Embedded => {
                    let recognizer = Arc::new(start_embedded(settings)?);
                    embedded = Some(Arc::clone(&recognizer));
                    (recognizer, EMBEDDED_PATIENCE)
                }
                service => {
                    let threads = match &threads {
                        Some(threads) => Arc::clone(threads),
                        None => Arc::clone(threads.insert(Arc::new(ServiceThreads::start()?))),
                    };
                    let recognizer = start_service(*service, settings, threads);
                    (
                        recognizer.with_context(|| format!("{service} cannot be used"))?,
                        SERVICE_PATIENCE,
                    )
                }
            };
            ranked.push(Ranked { recognizer, patience });
        }
        let port: Arc<dyn Recognizer> = match &embedded {
            Some(embedded) if ranked.len() == 1 => Arc::clone(embedded) as Arc<dyn Recognizer>,
            _ => Arc::new(FailoverRecognizer::new(
                ranked,
                FailoverSettings::default(),
                Arc::clone(clock),
                Arc::new(|| rand::rng().random()),
            )),
        };
        Ok(Self {
            port,
            embedded,
            threads,
        })
    }

    /// As the port.
    pub(super) fn port(&self) -> Arc<dyn Recognizer> {
        Arc::clone(&self.port)
    }

    /// Process id of the embedded recogniser's child, if there is one.
    pub(super) fn child_pid(&self) -> Option<u32> {
        self.embedded.as_ref().and_then(|embedded| embedded.child_pid())
    }

    /// The threads on which services are talked to, if there are any.
    pub(super) fn threads(&self) -> Option<&Arc<ServiceThreads>> {
        self.threads.as_ref()
    }
}

fn start_embedded(settings: &Settings) -> anyhow::Result<EmbeddedRecognizer> {
    let threads = Some(u16::try_from(settings.recognizer_threads).unwrap_or(u16::MAX));
    EmbeddedRecognizer::start(EmbeddedSettings {
        threads,
        ..EmbeddedSettings::default()
    })
    .context("the recogniser cannot be started")
}

/// A service that recognises, alone.
///
/// # Errors
/// Why it cannot be used.
pub(crate) fn start_service(
    service: RecognizerSetting,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> anyhow::Result<Arc<dyn Recognizer>> {
    let services = &settings.services;
    let proxy: Option<&Url> = services.proxy.as_ref().map(Secret::expose);
    let pool = PoolSettings {
        most: services.connections,
        ..PoolSettings::default()
    };
    Ok(match service {
        RecognizerSetting::Deepgram => {
            let key = services
                .deepgram
                .api_key
                .as_ref()
                .context("DEEPGRAM_API_KEY is not set")?;
            Arc::new(deepgram::recognizer(&services.deepgram, key, proxy, pool, threads)?)
        }
        RecognizerSetting::Sarvam => {
            let key = services.sarvam.api_key.as_ref().context("SARVAM_API_KEY is not set")?;
            Arc::new(sarvam::recognizer(&services.sarvam, key, proxy, pool, threads)?)
        }
        RecognizerSetting::OpenAi => match services.openai.transcription_api {
            TranscriptionApi::Realtime => {
                Arc::new(openai::realtime_recognizer(&services.openai, proxy, pool, threads)?)
            }
            TranscriptionApi::File => Arc::new(openai::FileRecognizer::new(
                &services.openai,
                proxy,
                pool.most,
                threads,
            )?),
        },
        RecognizerSetting::Embedded | RecognizerSetting::Fixed { .. } => anyhow::bail!("it is no service"),
    })
}
