//! The way to services: one HTTP client for requests and WebSockets, with the proxy.

use super::protocol::code_of;
use reqwest::header::{CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Client, ClientBuilder, Proxy, Response, StatusCode, Upgraded, redirect};
use samvad_actors::ports::RecognizerError;
use std::error::Error;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

/// A connection that no request has wanted for so long is closed, rather than by the service just as the next one begins.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a connection, TLS and proxy included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest message that is read, in bytes; results have a few KiB.
const LONGEST_MESSAGE: usize = 1024 * 1024;
/// Longest body of a refusal that is read for its code, in bytes.
const LONGEST_REFUSAL: usize = 16 * 1024;
/// Longest wait for it.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(1);

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<Upgraded>;

/// Why a client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceClientError {
    /// The proxy is no URL of one.
    #[error("the proxy cannot be used; write http:// or https://, host and port")]
    Proxy,
    /// No client can be made on this machine.
    #[error("no HTTP client can be made: {0}; install ca-certificates")]
    Client(String),
}

/// An HTTP client for one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    requests: Client,
    /// Keeps no connections: where an upgrade is refused, the service may close the connection as the next begins.
    upgrades: Client,
}

impl ServiceClient {
    /// A client for a service at `base_url`. `proxy`: the one to use; without it that of the environment
    /// (`HTTPS_PROXY`, `NO_PROXY`). This machine is never reached through a proxy.
    ///
    /// # Errors
    /// [`ServiceClientError`] names what cannot be used.
    pub fn new(base_url: &Url, proxy: Option<&Url>) -> Result<Self, ServiceClientError> {
        let build = |builder: ClientBuilder| {
            builder
                .build()
                .map_err(|error| ServiceClientError::Client(innermost(&error)))
        };
        Ok(Self {
            requests: build(builder(base_url, proxy)?)?,
            upgrades: build(builder(base_url, proxy)?.pool_max_idle_per_host(0))?,
        })
    }

    /// The client itself, for plain requests.
    pub fn http(&self) -> &Client {
        &self.requests
    }

    /// Opens a WebSocket (RFC 6455, section 4.1) over an HTTP/1.1 upgrade.
    pub(super) async fn open_socket(&self, url: Url, headers: HeaderMap) -> Result<Socket, RecognizerError> {
        let key = generate_key();
        let request = self
            .upgrades
            .get(url)
            .headers(headers)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let answer = request.send().await.map_err(lost)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(answer).await);
        }
        let accept = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes());
        if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(RecognizerError::Lost {
                reason: "what answers is no WebSocket server".to_owned(),
            });
        }
        let upgraded = answer.upgrade().await.map_err(lost)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
    }
}

fn builder(base_url: &Url, proxy: Option<&Url>) -> Result<ClientBuilder, ServiceClientError> {
    // An error only says that a provider has been installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never());
    if crate::config::is_loopback(base_url) {
        builder = builder.no_proxy();
    } else if let Some(proxy) = proxy {
        builder = builder.proxy(Proxy::all(proxy.clone()).map_err(|_| ServiceClientError::Proxy)?);
    }
    if base_url.scheme() == "http" {
        // No certificate will be checked, so none need be installed on this machine.
        builder = builder.tls_certs_only([]);
    }
    Ok(builder)
}

/// What an answer other than the wanted one means: key, quota, rate, model and language are refusals; the service's own
/// faults are losses.
pub(super) async fn refusal(answer: Response) -> RecognizerError {
    let status = answer.status();
    let meaning = match status.as_u16() {
        401 | 403 => "it does not accept the key",
        402 => "the account has no credit",
        408 | 429 => "too much is asked of it at once, or the quota is used up",
        400 | 404 | 422 => "it does not take the model, the language or another parameter",
        _ if status.is_client_error() => "it does not take the request",
        _ => "it has a fault of its own",
    };
    let code = code_in(answer).await;
    let reason = format!("{meaning} ({}, {})", status.as_u16(), code_of(&code));
    match status.is_client_error() {
        true => RecognizerError::Refused { reason },
        false => RecognizerError::Lost { reason },
    }
}

/// The code that the services write into the body: `err_code` (Deepgram), `error.code` (OpenAI, Sarvam),
/// `detail.status` (ElevenLabs).
pub(super) async fn code_in(answer: Response) -> String {
    let body = refusal_body(answer).await;
    let code = body["err_code"].as_str().or_else(|| body["error"]["code"].as_str());
    let code = code.or_else(|| body["detail"]["status"].as_str());
    code.or_else(|| body["code"].as_str()).unwrap_or_default().to_owned()
}

/// The body of a refusal, as far as it is JSON, short, and there within a second; null else.
pub(crate) async fn refusal_body(mut answer: Response) -> serde_json::Value {
    let read = async {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_REFUSAL {
                break;
            }
        }
        body
    };
    let body = tokio::time::timeout(REFUSAL_DEADLINE, read).await.unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_default()
}

/// What failed on the way. The URL is left out: it says nothing new.
pub(super) fn lost(error: reqwest::Error) -> RecognizerError {
    RecognizerError::Lost {
        reason: innermost(&error.without_url()),
    }
}

/// The fault at the bottom of an error, without what led to it.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
