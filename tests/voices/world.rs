//! Synthesisers over test servers.

use crate::server::{KEY, Service, SpeechServer};
use futures_util::TryStreamExt;
use samvad::config::{Settings, SynthesisSettings};
use samvad::speech::services::{
    ServiceSynthesizer, ServiceThreads, SpeechDeadlines, deepgram, elevenlabs, openai, sarvam,
};
use samvad_actors::domain::Language;
use samvad_actors::ports::{Pcm, ServiceMeter, SynthesisError, SynthesisRequest, Synthesizer};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a busy machine.
pub const PATIENT: SpeechDeadlines = SpeechDeadlines {
    first_byte: Duration::from_secs(60),
    total: Duration::from_secs(60),
};

/// The settings of a service at a test server.
fn settings(server: &SpeechServer, key: &str) -> Settings {
    let url = server.url();
    let pairs = [
        ("SAMVAD_SYNTHESIZER", "elevenlabs,openai,deepgram,sarvam"),
        ("ELEVENLABS_API_KEY", key),
        ("ELEVENLABS_BASE_URL", &url),
        ("ELEVENLABS_VOICE", "JBFqnCBsd6RMkjVDRZzb,hi=hindi-voice"),
        ("OPENAI_API_KEY", key),
        ("OPENAI_BASE_URL", &url),
        ("DEEPGRAM_API_KEY", key),
        ("DEEPGRAM_BASE_URL", &url),
        ("SARVAM_API_KEY", key),
        ("SARVAM_BASE_URL", &url),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings::from_env(&pairs.into()).unwrap()
}

/// A service's synthesiser at a test server.
pub fn over(
    service: Service,
    server: &SpeechServer,
    key: &str,
    deadlines: SpeechDeadlines,
    threads: &Arc<ServiceThreads>,
) -> ServiceSynthesizer {
    let settings = settings(server, key);
    let services = &settings.services;
    let SynthesisSettings {
        elevenlabs,
        openai_model,
        openai_voices,
        deepgram_voices,
        sarvam_model,
        sarvam_voices,
        ..
    } = &settings.synthesis;
    let threads = Arc::clone(threads);
    let synthesizer = match service {
        Service::ElevenLabs => {
            let key = elevenlabs.api_key.as_ref().unwrap();
            elevenlabs::synthesizer(elevenlabs, key, None, deadlines, threads)
        }
        Service::OpenAi => {
            openai::speech::synthesizer(&services.openai, openai_model, openai_voices, None, deadlines, threads)
        }
        Service::Deepgram => {
            let key = services.deepgram.api_key.as_ref().unwrap();
            deepgram::speech::synthesizer(&services.deepgram, key, deepgram_voices, None, deadlines, threads)
        }
        Service::Sarvam => {
            let key = services.sarvam.api_key.as_ref().unwrap();
            sarvam::speech::synthesizer(
                &services.sarvam,
                key,
                sarvam_model,
                sarvam_voices,
                None,
                deadlines,
                threads,
            )
        }
    };
    synthesizer.unwrap()
}

/// With its key and much patience, on threads of its own.
pub fn well(service: Service, server: &SpeechServer) -> ServiceSynthesizer {
    over(service, server, KEY, PATIENT, &threads())
}

pub fn threads() -> Arc<ServiceThreads> {
    Arc::new(ServiceThreads::start().unwrap())
}

pub fn request(text: &str, language: &str, voice: Option<&str>) -> SynthesisRequest {
    SynthesisRequest {
        text: text.to_owned(),
        language: Language(language.to_owned()),
        voice: voice.map(str::to_owned),
        meter: ServiceMeter::default(),
    }
}

/// The pieces of a sentence, until its end or its first fault.
pub async fn streamed(synthesizer: &dyn Synthesizer, text: &str) -> Result<Vec<Pcm>, SynthesisError> {
    synthesizer
        .stream(&request(text, "en", None))
        .await?
        .try_collect()
        .await
}
