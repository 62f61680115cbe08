//! ElevenLabs' synthesis: `POST /v1/text-to-speech/{voice_id}/stream`, mu-law at 8 kHz as the line wants it.
//!
//! Sources: <https://elevenlabs.io/docs/api-reference/text-to-speech/stream>,
//! <https://help.elevenlabs.io/hc/en-us/articles/19572237925521> (refusals) and the SDK `elevenlabs/elevenlabs-python`
//! (`src/elevenlabs/text_to_speech`).

use super::client::{ServiceClient, ServiceClientError};
use super::synthesizer::{
    Encoding, ServiceSynthesizer, Speaker, SpeechApi, SpeechDeadlines, Variables, subtag, voice_of,
};
use super::threads::ServiceThreads;
use crate::config::{ElevenLabsSettings, Secret, Voices};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder};
use samvad_actors::ports::{SynthesisError, SynthesisRequest};
use serde_json::json;
use std::sync::Arc;
use url::Url;

const NAME: &str = "elevenlabs";
const VARIABLES: Variables = Variables {
    key: "ELEVENLABS_API_KEY",
    base_url: "ELEVENLABS_BASE_URL",
    voice: "ELEVENLABS_VOICE",
    model: "ELEVENLABS_MODEL",
};

/// ElevenLabs as a synthesiser.
///
/// # Errors
/// If no HTTP client can be made.
pub fn synthesizer(
    settings: &ElevenLabsSettings,
    key: &Secret<String>,
    proxy: Option<&Url>,
    deadlines: SpeechDeadlines,
    threads: Arc<ServiceThreads>,
) -> Result<ServiceSynthesizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let api = ElevenLabs {
        base_url: settings.base_url.clone(),
        model: settings.model.clone(),
        voices: settings.voices.clone(),
        key: key.clone(),
    };
    Ok(ServiceSynthesizer::new(api, client, deadlines, threads))
}

struct ElevenLabs {
    base_url: Url,
    model: String,
    voices: Voices,
    key: Secret<String>,
}

impl SpeechApi for ElevenLabs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn speaker(&self, request: &SynthesisRequest) -> Result<Speaker, SynthesisError> {
        Ok(Speaker {
            model: self.model.clone(),
            voice: voice_of(NAME, &self.voices, VARIABLES.voice, request)?,
            language: subtag(request),
        })
    }

    fn request(&self, http: &Client, speaker: &Speaker, text: &str) -> RequestBuilder {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["v1", "text-to-speech", &speaker.voice, "stream"]);
        }
        url.query_pairs_mut().append_pair("output_format", "ulaw_8000");
        let mut body = json!({"text": text, "model_id": speaker.model});
        // "If the model does not support provided language code, an error will be returned": the older ones take none.
        if takes_language(&speaker.model) {
            body["language_code"] = json!(speaker.language);
        }
        let mut request = http.post(url).json(&body);
        if let Ok(mut key) = HeaderValue::from_str(self.key.expose()) {
            key.set_sensitive(true);
            request = request.header(HeaderName::from_static("xi-api-key"), key);
        }
        request
    }

    fn encoding(&self) -> Encoding {
        Encoding::Mulaw
    }

    fn variables(&self) -> Variables {
        VARIABLES
    }
}

/// The models that are told the language: Flash and Turbo v2.5, and v3.
fn takes_language(model: &str) -> bool {
    model.ends_with("_v2_5") || model.starts_with("eleven_v3")
}
