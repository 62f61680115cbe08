//! Sarvam's realtime recognition of Indian languages: `/speech-to-text-realtime/ws`, 8 kHz linear audio, end-pointing by
//! us.
//!
//! Sources: <https://docs.sarvam.ai/api-reference/speech-to-text/transcribe/realtime/ws> (the AsyncAPI description),
//! <https://docs.sarvam.ai/api/api-guides-tutorials/speech-to-text/realtime-streaming>.

mod session;
pub mod speech;

use self::session::SarvamSession;
use super::client::{ServiceClient, ServiceClientError};
use super::pool::PoolSettings;
use super::protocol::{Habits, Protocol, Session};
use super::recognizer::StreamingRecognizer;
use super::threads::ServiceThreads;
use crate::config::{SarvamSettings, Secret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use samvad_actors::domain::Language;
use samvad_actors::ports::RecognizerError;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The languages it has, by their first subtag; each is written with `-IN`.
const LANGUAGES: [&str; 23] = [
    "en", "hi", "bn", "kn", "ml", "mr", "or", "pa", "ta", "te", "gu", "as", "ur", "ne", "kok", "ks", "sd", "sa", "sat",
    "mni", "brx", "mai", "doi",
];

/// Sarvam as a recogniser. Connections are opened when a campaign is prepared.
///
/// # Errors
/// If no HTTP client can be made.
pub fn recognizer(
    settings: &SarvamSettings,
    key: &Secret<String>,
    proxy: Option<&Url>,
    pool: PoolSettings,
    threads: Arc<ServiceThreads>,
) -> Result<StreamingRecognizer, ServiceClientError> {
    let client = ServiceClient::new(&settings.base_url, proxy)?;
    let protocol = Sarvam {
        base_url: settings.base_url.clone(),
        model: settings.model.clone(),
        key: key.clone(),
    };
    Ok(StreamingRecognizer::new(protocol, client, threads, pool))
}

struct Sarvam {
    base_url: Url,
    model: String,
    key: Secret<String>,
}

impl Protocol for Sarvam {
    fn name(&self) -> &'static str {
        "sarvam"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn language_tag(&self, language: &Language) -> Result<String, RecognizerError> {
        let subtag = language.0.split('-').next().unwrap_or_default().to_ascii_lowercase();
        match LANGUAGES.contains(&subtag.as_str()) {
            true => Ok(format!("{subtag}-IN")),
            false => Err(RecognizerError::Unsupported {
                reason: format!("sarvam has Indian languages and English only, not {:?}", language.0),
            }),
        }
    }

    fn endpoint(&self, tag: &str) -> (Url, HeaderMap) {
        let mut url = self.base_url.clone();
        let base = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{base}/speech-to-text-realtime/ws"));
        url.query_pairs_mut()
            .append_pair("model", &self.model)
            .append_pair("language_code", tag)
            .append_pair("mode", "transcribe")
            .append_pair("stream_type", "fast")
            .append_pair("endpointing", "manual")
            .append_pair("encoding", "linear16")
            .append_pair("sample_rate", "8000");
        (url, subscription(&self.key))
    }

    fn session(&self, _tag: &str) -> Box<dyn Session> {
        Box::new(SarvamSession::default())
    }

    fn habits(&self) -> Habits {
        Habits {
            keep_alive: Duration::from_secs(10),
            oldest: Duration::from_secs(20 * 60),
            // Accounts are known that get none.
            shows_partials: false,
        }
    }
}

/// The key in its header.
fn subscription(key: &Secret<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(mut key) = HeaderValue::from_str(key.expose()) {
        key.set_sensitive(true);
        headers.insert(HeaderName::from_static("api-subscription-key"), key);
    }
    headers
}
