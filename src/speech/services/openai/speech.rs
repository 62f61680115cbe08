//! Speech: `POST …/audio/speech`, linear audio at 24 kHz streamed in chunks.
//!
//! Sources: <https://developers.openai.com/api/docs/guides/text-to-speech> and `CreateSpeechRequest` of the OpenAPI
//! description. Raw audio is asked for, not events: `tts-1` and most compatible servers have no events.

use super::super::client::{ServiceClient, ServiceClientError};
use super::super::synthesizer::{
    Encoding, ServiceSynthesizer, Speaker, SpeechApi, SpeechDeadlines, Variables, subtag, voice_of,
};
use super::super::threads::ServiceThreads;
use super::{headers, under};
use crate::config::{OpenAiSettings, Secret, Voices};
use reqwest::{Client, RequestBuilder};
use samvad_actors::ports::{SynthesisError, SynthesisRequest};
use serde_json::json;
use std::sync::Arc;
use url::Url;

const NAME: &str = "openai";
const VARIABLES: Variables = Variables {
    key: "OPENAI_API_KEY",
    base_url: "OPENAI_BASE_URL",
    voice: "OPENAI_SPEECH_VOICE",
    model: "OPENAI_SPEECH_MODEL",
};
/// "`pcm`: … raw samples in 24kHz (16-bit signed, low-endian), without the header."
const RATE: u32 = 24_000;

/// OpenAI, or a server compatible with it, as a synthesiser.
///
/// # Errors
/// If no HTTP client can be made.
pub fn synthesizer(
    settings: &OpenAiSettings,
    model: &str,
    voices: &Voices,
    proxy: Option<&Url>,
    deadlines: SpeechDeadlines,
    threads: Arc<ServiceThreads>,
) -> Result<ServiceSynthesizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let api = OpenAiSpeech {
        base_url: settings.base_url.clone(),
        key: settings.api_key.clone(),
        model: model.to_owned(),
        voices: voices.clone(),
    };
    Ok(ServiceSynthesizer::new(api, client, deadlines, threads))
}

struct OpenAiSpeech {
    base_url: Url,
    key: Option<Secret<String>>,
    model: String,
    voices: Voices,
}

impl SpeechApi for OpenAiSpeech {
    fn name(&self) -> &'static str {
        NAME
    }

    fn speaker(&self, request: &SynthesisRequest) -> Result<Speaker, SynthesisError> {
        Ok(Speaker {
            model: self.model.clone(),
            voice: voice_of(NAME, &self.voices, VARIABLES.voice, request)?,
            // It takes the language from the text.
            language: subtag(request),
        })
    }

    fn request(&self, http: &Client, speaker: &Speaker, text: &str) -> RequestBuilder {
        http.post(under(&self.base_url, "audio/speech"))
            .headers(headers(self.key.as_ref()))
            .json(&json!({
                "model": speaker.model,
                "input": text,
                "voice": speaker.voice,
                "response_format": "pcm",
            }))
    }

    fn encoding(&self) -> Encoding {
        Encoding::Linear(RATE)
    }

    fn variables(&self) -> Variables {
        VARIABLES
    }
}
