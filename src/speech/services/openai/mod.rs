//! OpenAI's recognition, and that of servers compatible with it (vLLM, speaches, Ollama and the like) by their base URL:
//! a transcription session of the Realtime API, or a request for each utterance.
//!
//! Sources: <https://developers.openai.com/api/docs/guides/realtime-transcription>,
//! <https://developers.openai.com/api/reference/resources/realtime/client-events> and `…/server-events`, and the types
//! of the SDK `openai/openai-python` (`src/openai/types/realtime`, `src/openai/types/audio`).

mod file;
mod realtime;
pub mod speech;

pub use file::FileRecognizer;

use self::realtime::Realtime;
use super::client::{ServiceClient, ServiceClientError};
use super::pool::PoolSettings;
use super::recognizer::StreamingRecognizer;
use super::threads::ServiceThreads;
use crate::config::{OpenAiSettings, Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use samvad_actors::domain::Language;
use std::sync::Arc;
use url::Url;

/// OpenAI's Realtime transcription as a recogniser. Connections are opened when a campaign is prepared.
///
/// # Errors
/// If no HTTP client can be made.
pub fn realtime_recognizer(
    settings: &OpenAiSettings,
    proxy: Option<&Url>,
    pool: PoolSettings,
    threads: Arc<ServiceThreads>,
) -> Result<StreamingRecognizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    Ok(StreamingRecognizer::new(Realtime::new(settings), client, threads, pool))
}

/// The key in its header; none for a server that wants none.
fn headers(key: Option<&Secret<String>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let bearer = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok());
    if let Some(mut bearer) = bearer {
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    headers
}

/// A path below the base URL.
fn under(base_url: &Url, path: &str) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/{path}", base_url.path().trim_end_matches('/')));
    url
}

/// "Supplying the input language in ISO-639-1 (e.g. `en`) format will improve accuracy and latency."
fn language_code(language: &Language) -> String {
    language.0.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a model gives the tokens' probabilities on request: "only … with the models gpt-4o-transcribe and
/// gpt-4o-mini-transcribe".
fn gives_scores(model: &str) -> bool {
    model.starts_with("gpt-4o") && !model.contains("diarize")
}

/// A token with its probability (`LogProbProperties`).
#[derive(Debug, serde::Deserialize)]
struct Token {
    logprob: f32,
}

fn probabilities(tokens: &[Token]) -> Vec<f32> {
    tokens.iter().map(|token| token.logprob.exp()).collect()
}
