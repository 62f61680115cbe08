//! Bulbul, Sarvam's synthesis of Indian languages: `POST /text-to-speech/stream`, a WAV file at 8 kHz streamed in chunks.
//!
//! Sources: <https://docs.sarvam.ai/api-reference-docs/text-to-speech/convert-stream>,
//! <https://docs.sarvam.ai/api/api-guides-tutorials/text-to-speech/how-to/set-the-language> (languages),
//! <https://docs.sarvam.ai/api/getting-started/errors-troubleshooting> (refusals).

use super::super::client::{ServiceClient, ServiceClientError};
use super::super::synthesizer::{
    Encoding, ServiceSynthesizer, Speaker, SpeechApi, SpeechDeadlines, Variables, subtag, unsupported, voice_of,
};
use super::super::threads::ServiceThreads;
use super::subscription;
use crate::config::{SarvamSettings, Secret, Voices};
use reqwest::{Client, RequestBuilder};
use samvad_actors::ports::{SynthesisError, SynthesisRequest};
use serde_json::json;
use std::sync::Arc;
use url::Url;

const NAME: &str = "sarvam";
const VARIABLES: Variables = Variables {
    key: "SARVAM_API_KEY",
    base_url: "SARVAM_BASE_URL",
    voice: "SARVAM_VOICE",
    model: "SARVAM_SPEECH_MODEL",
};
/// The languages that it speaks, by ISO 639-1. Odia is `od-IN` there.
const LANGUAGES: [&str; 11] = ["en", "hi", "bn", "ta", "te", "kn", "ml", "mr", "gu", "pa", "or"];

/// Sarvam's Bulbul as a synthesiser.
///
/// # Errors
/// If no HTTP client can be made.
pub fn synthesizer(
    settings: &SarvamSettings,
    key: &Secret<String>,
    model: &str,
    voices: &Voices,
    proxy: Option<&Url>,
    deadlines: SpeechDeadlines,
    threads: Arc<ServiceThreads>,
) -> Result<ServiceSynthesizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let api = Bulbul {
        base_url: settings.base_url.clone(),
        key: key.clone(),
        model: model.to_owned(),
        voices: voices.clone(),
    };
    Ok(ServiceSynthesizer::new(api, client, deadlines, threads))
}

struct Bulbul {
    base_url: Url,
    key: Secret<String>,
    model: String,
    voices: Voices,
}

impl SpeechApi for Bulbul {
    fn name(&self) -> &'static str {
        NAME
    }

    fn speaker(&self, request: &SynthesisRequest) -> Result<Speaker, SynthesisError> {
        let subtag = subtag(request);
        if !LANGUAGES.contains(&subtag.as_str()) {
            return Err(unsupported(format!(
                "sarvam speaks Indian languages and English only, not {:?}; name another synthesiser for it",
                request.language.0
            )));
        }
        let code = if subtag == "or" { "od" } else { &subtag };
        Ok(Speaker {
            model: self.model.clone(),
            voice: voice_of(NAME, &self.voices, VARIABLES.voice, request)?,
            language: format!("{code}-IN"),
        })
    }

    fn request(&self, http: &Client, speaker: &Speaker, text: &str) -> RequestBuilder {
        let mut url = self.base_url.clone();
        let base = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{base}/text-to-speech/stream"));
        http.post(url).headers(subscription(&self.key)).json(&json!({
            "text": text,
            "language_code": speaker.language,
            "speaker": speaker.voice,
            "model": speaker.model,
            "speech_sample_rate": 8_000,
            "output_audio_codec": "wav",
        }))
    }

    fn encoding(&self) -> Encoding {
        Encoding::Linear(8_000)
    }

    fn variables(&self) -> Variables {
        VARIABLES
    }
}
