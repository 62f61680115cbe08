//! Recognisers over test servers.

use crate::doubles::deepgram::{self, Deepgram};
use crate::doubles::openai::{self, Files, Realtime};
use crate::doubles::sarvam::{self, Sarvam};
use crate::doubles::{Double, Ear};
use samvad::app::SystemClock;
use samvad::config::{DeepgramSettings, OpenAiSettings, SarvamSettings, Secret, TranscriptionApi};
use samvad::speech::services::{self, PoolSettings, ServiceThreads, StreamingRecognizer};
use samvad_actors::ports::Recognizer;
use samvad_actors::services::{FailoverRecognizer, FailoverSettings, Ranked};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A streaming service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    Deepgram,
    OpenAi,
    Sarvam,
}

pub const STREAMING: [Service; 3] = [Service::Deepgram, Service::OpenAi, Service::Sarvam];

impl Service {
    pub async fn double(self, ear: Ear) -> Double {
        match self {
            Self::Deepgram => Double::start::<Deepgram>(ear).await,
            Self::OpenAi => Double::start::<Realtime>(ear).await,
            Self::Sarvam => Double::start::<Sarvam>(ear).await,
        }
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Deepgram => deepgram::KEY,
            Self::OpenAi => openai::KEY,
            Self::Sarvam => sarvam::KEY,
        }
    }

    pub fn recognizer(
        self,
        url: Url,
        key: &str,
        pool: PoolSettings,
        threads: Arc<ServiceThreads>,
    ) -> StreamingRecognizer {
        let key = Secret::new(key.to_owned());
        let made = match self {
            Self::Deepgram => {
                let settings = DeepgramSettings {
                    api_key: Some(key.clone()),
                    base_url: url,
                    model: "nova-3".to_owned(),
                };
                services::deepgram::recognizer(&settings, &key, None, pool, threads)
            }
            Self::OpenAi => services::openai::realtime_recognizer(&openai_settings(url, key), None, pool, threads),
            Self::Sarvam => {
                let settings = SarvamSettings {
                    api_key: Some(key.clone()),
                    base_url: url,
                    model: "saaras:v3-realtime".to_owned(),
                };
                services::sarvam::recognizer(&settings, &key, None, pool, threads)
            }
        };
        made.unwrap()
    }
}

fn openai_settings(mut url: Url, key: Secret<String>) -> OpenAiSettings {
    url.set_path("/v1");
    OpenAiSettings {
        api_key: Some(key),
        base_url: url,
        transcription_model: "gpt-4o-transcribe".to_owned(),
        transcription_api: TranscriptionApi::Realtime,
    }
}

pub fn threads() -> Arc<ServiceThreads> {
    Arc::new(ServiceThreads::start().unwrap())
}

/// A recogniser over a double, with the right key.
pub fn over(service: Service, double: &Double) -> StreamingRecognizer {
    service.recognizer(double.url(), service.key(), PoolSettings::default(), threads())
}

pub fn over_files(files: &Files, key: &str) -> services::openai::FileRecognizer {
    let settings = openai_settings(files.url.clone(), Secret::new(key.to_owned()));
    services::openai::FileRecognizer::new(&settings, None, 50, threads()).unwrap()
}

/// A list of recognisers, each with as much patience.
pub fn list(recognizers: Vec<Arc<dyn Recognizer>>, patience: Duration) -> FailoverRecognizer {
    let ranked = |recognizer| Ranked { recognizer, patience };
    let settings = FailoverSettings {
        deadline: Duration::from_secs(60),
        ..FailoverSettings::default()
    };
    FailoverRecognizer::new(
        recognizers.into_iter().map(ranked).collect(),
        settings,
        Arc::new(SystemClock::default()),
        Arc::new(|| 0.5),
    )
}

/// Waits for what another thread or process does; there is no event to wait for.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never happened: {what}");
}
