//! Aura, Deepgram's synthesis: `POST /v1/speak`, mu-law at 8 kHz without a container, streamed.
//!
//! Sources: the OpenAPI description of the service (`/v1/speak`),
//! <https://developers.deepgram.com/reference/text-to-speech/speak-request>,
//! <https://developers.deepgram.com/docs/tts-models> (a voice is a model of one language).

use super::super::client::{ServiceClient, ServiceClientError};
use super::super::synthesizer::{
    Encoding, ServiceSynthesizer, Speaker, SpeechApi, SpeechDeadlines, Variables, subtag, unsupported, voice_of,
};
use super::super::threads::ServiceThreads;
use super::token;
use crate::config::{DeepgramSettings, Secret, Voices};
use reqwest::{Client, RequestBuilder};
use samvad_actors::ports::{SynthesisError, SynthesisRequest};
use serde_json::json;
use std::sync::Arc;
use url::Url;

const NAME: &str = "deepgram";
const VARIABLES: Variables = Variables {
    key: "DEEPGRAM_API_KEY",
    base_url: "DEEPGRAM_BASE_URL",
    voice: "DEEPGRAM_VOICE",
    model: "DEEPGRAM_VOICE",
};

/// Deepgram's Aura as a synthesiser.
///
/// # Errors
/// If no HTTP client can be made.
pub fn synthesizer(
    settings: &DeepgramSettings,
    key: &Secret<String>,
    voices: &Voices,
    proxy: Option<&Url>,
    deadlines: SpeechDeadlines,
    threads: Arc<ServiceThreads>,
) -> Result<ServiceSynthesizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let api = Aura {
        base_url: settings.base_url.clone(),
        voices: voices.clone(),
        key: key.clone(),
    };
    Ok(ServiceSynthesizer::new(api, client, deadlines, threads))
}

struct Aura {
    base_url: Url,
    voices: Voices,
    key: Secret<String>,
}

impl SpeechApi for Aura {
    fn name(&self) -> &'static str {
        NAME
    }

    fn speaker(&self, request: &SynthesisRequest) -> Result<Speaker, SynthesisError> {
        let voice = voice_of(NAME, &self.voices, VARIABLES.voice, request)?;
        let language = subtag(request);
        // "[modelname]-[voicename]-[language]": in another language it would read letters.
        let of_voice = voice.rsplit('-').next().filter(|_| voice.starts_with("aura-"));
        if of_voice.is_some_and(|of_voice| of_voice != language) {
            return Err(unsupported(format!(
                "{voice} does not speak the language {language:?}; set {}={language}=VOICE",
                VARIABLES.voice
            )));
        }
        Ok(Speaker {
            model: "aura".to_owned(),
            voice,
            language,
        })
    }

    fn request(&self, http: &Client, speaker: &Speaker, text: &str) -> RequestBuilder {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/v1/speak", self.base_url.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .append_pair("model", &speaker.voice)
            .append_pair("encoding", "mulaw")
            .append_pair("sample_rate", "8000")
            .append_pair("container", "none")
            // As for recognition: what people are told trains nobody's models.
            .append_pair("mip_opt_out", "true");
        http.post(url).headers(token(&self.key)).json(&json!({"text": text}))
    }

    fn encoding(&self) -> Encoding {
        Encoding::Mulaw
    }

    fn variables(&self) -> Variables {
        VARIABLES
    }
}
