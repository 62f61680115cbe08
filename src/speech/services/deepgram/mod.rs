//! Deepgram's streaming recognition: `/v1/listen`, telephone audio as it comes (mu-law, 8 kHz), interim results.
//!
//! Sources: the AsyncAPI description of the service (channel `/v1/listen`; an extract is in
//! `fixtures/services/deepgram`), <https://developers.deepgram.com/docs/finalize>,
//! <https://developers.deepgram.com/docs/audio-keep-alive>,
//! <https://developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors>.

mod session;
pub mod speech;

use self::session::DeepgramSession;
use super::client::{ServiceClient, ServiceClientError};
use super::pool::PoolSettings;
use super::protocol::{Habits, Protocol, Session};
use super::recognizer::StreamingRecognizer;
use super::threads::ServiceThreads;
use crate::config::{DeepgramSettings, Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use samvad_actors::domain::Language;
use samvad_actors::ports::RecognizerError;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Deepgram as a recogniser. Connections are opened when a campaign is prepared.
///
/// # Errors
/// If no HTTP client can be made.
pub fn recognizer(
    settings: &DeepgramSettings,
    key: &Secret<String>,
    proxy: Option<&Url>,
    pool: PoolSettings,
    threads: Arc<ServiceThreads>,
) -> Result<StreamingRecognizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let protocol = Deepgram {
        base_url: settings.base_url.clone(),
        model: settings.model.clone(),
        key: key.clone(),
    };
    Ok(StreamingRecognizer::new(protocol, client, threads, pool))
}

struct Deepgram {
    base_url: Url,
    model: String,
    key: Secret<String>,
}

impl Protocol for Deepgram {
    fn name(&self) -> &'static str {
        "deepgram"
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// The tag as the campaign writes it. Which languages a model has changes by the month: the service says.
    fn language_tag(&self, language: &Language) -> Result<String, RecognizerError> {
        Ok(language.0.clone())
    }

    fn endpoint(&self, tag: &str) -> (Url, HeaderMap) {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/v1/listen", self.base_url.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .append_pair("model", &self.model)
            .append_pair("language", tag)
            .append_pair("encoding", "mulaw")
            .append_pair("sample_rate", "8000")
            .append_pair("channels", "1")
            .append_pair("interim_results", "true")
            // We cut the utterances.
            .append_pair("endpointing", "false")
            // People who are called have not agreed to train anybody's models.
            .append_pair("mip_opt_out", "true");
        (url, token(&self.key))
    }

    fn session(&self, _tag: &str) -> Box<dyn Session> {
        Box::new(DeepgramSession::default())
    }

    fn habits(&self) -> Habits {
        Habits {
            // "every 3-5 seconds to prevent the 10-second timeout"
            keep_alive: Duration::from_secs(4),
            oldest: Duration::from_secs(30 * 60),
            shows_partials: true,
        }
    }
}

/// The key in its header.
fn token(key: &Secret<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(mut token) = HeaderValue::from_str(&format!("Token {}", key.expose())) {
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
    }
    headers
}
