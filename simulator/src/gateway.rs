//! The way from the network to the server under test: what a proxy that ends TLS does. Requests are signed over the
//! public origin, and reach the server in the clear at its own address, with a `Host` that is not the public one.

use crate::signature::sign;
use reqwest::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::{Url, form_urlencoded};

/// The `Host` that the server sees: a name inside the proxy's own network.
const FOREIGN_HOST: &str = "samvad-backend.internal";

/// How long Twilio waits for a webhook's answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the network waits for a stream's handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The socket's read buffer. The library's own 128 KiB are cleared at every read, which took a fifth of the processor
/// time of a load run.
const READ_BUFFER: usize = 8 * 1024;

/// How a request is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signing {
    /// As it should be.
    Right,
    /// As it should be, over the URL with a slash at its end.
    WithSlash,
    /// With another key.
    Wrong,
    /// Not at all.
    None,
}

/// A webhook's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: String,
}

/// Why there is no stream, with Twilio's error code.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub code: u32,
    pub reason: String,
    /// The HTTP status, if the server answered with one.
    pub status: Option<u16>,
}

/// The proxy.
#[derive(Debug)]
pub(crate) struct Gateway {
    public: Url,
    server: SocketAddr,
    auth_token: String,
    client: reqwest::Client,
}

impl Gateway {
    /// A proxy for the public origin `public`, in front of `server`.
    pub(crate) fn new(public: Url, server: SocketAddr, auth_token: String) -> reqwest::Result<Self> {
        // Nothing here speaks TLS, but built together with the server the client has it, and then asks for a provider.
        // An error only says that one has been installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(WEBHOOK_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            public,
            server,
            auth_token,
            client,
        })
    }

    /// The server's public origin, without a slash at its end.
    pub(crate) fn public_origin(&self) -> &str {
        self.public.as_str().trim_end_matches('/')
    }

    /// Calls a webhook: POST with a form, or GET with the fields in the query.
    ///
    /// # Errors
    /// In words: the URL is not on the public origin, the connection broke, or there was no answer in time.
    pub(crate) async fn webhook(
        &self,
        url: &str,
        post: bool,
        fields: &[(String, String)],
        signing: Signing,
        idempotency_token: Option<&str>,
    ) -> Result<Answer, String> {
        let mut url = self.on_origin(url, "https")?;
        if !post {
            url.query_pairs_mut().extend_pairs(fields);
        }
        let signed_fields = if post { fields } else { &[] };
        let mut headers = self.headers(url.as_str(), signed_fields, signing);
        if let Some(token) = idempotency_token.and_then(|token| HeaderValue::from_str(token).ok()) {
            headers.insert(HeaderName::from_static("i-twilio-idempotency-token"), token);
        }
        let target = format!("http://{}{}", self.server, path_and_query(&url));
        let request = if post {
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8"),
            );
            self.client.post(target).body(body)
        } else {
            self.client.get(target)
        };
        let answer = request
            .headers(headers)
            .send()
            .await
            .map_err(|error| described(&error.without_url()))?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(|error| described(&error.without_url()))?;
        Ok(Answer { status, body })
    }

    /// Opens a media stream's WebSocket.
    pub(crate) async fn connect(&self, url: &str, signing: Signing) -> Result<WebSocketStream<TcpStream>, Refusal> {
        let refused = |code, reason: String| Refusal {
            code,
            reason,
            status: None,
        };
        let public = self.on_origin(url, "wss").map_err(|reason| refused(31901, reason))?;
        let mut builder = Request::builder().uri(public.as_str());
        if let Some(headers) = builder.headers_mut() {
            *headers = self.headers(url, &[], signing);
            headers.insert("Connection", HeaderValue::from_static("Upgrade"));
            headers.insert("Upgrade", HeaderValue::from_static("websocket"));
            headers.insert("Sec-WebSocket-Version", HeaderValue::from_static("13"));
        }
        let request = builder
            .header("Sec-WebSocket-Key", generate_key())
            .body(())
            .map_err(|error| refused(31923, error.to_string()))?;
        let handshake = async {
            let tcp = TcpStream::connect(self.server)
                .await
                .map_err(|error| refused(31901, error.to_string()))?;
            // Frames are small and timely: they must not wait for one another.
            tcp.set_nodelay(true)
                .map_err(|error| refused(31901, error.to_string()))?;
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
            match tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await {
                Ok((socket, _)) => Ok(socket),
                Err(SocketError::Http(response)) => {
                    let status = response.status().as_u16();
                    let reason = format!("the upgrade was answered with {status}");
                    Err(Refusal {
                        code: 31920,
                        reason,
                        status: Some(status),
                    })
                }
                Err(error) => Err(refused(31920, error.to_string())),
            }
        };
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
            Ok(result) => result,
            Err(_) => Err(refused(31901, "the handshake took more than five seconds".to_owned())),
        }
    }

    /// The URL, if it is one that reaches this server.
    fn on_origin(&self, url: &str, scheme: &str) -> Result<Url, String> {
        let mut url = Url::parse(url).map_err(|error| format!("the URL is malformed: {error}"))?;
        let same_place =
            url.host() == self.public.host() && url.port_or_known_default() == self.public.port_or_known_default();
        if url.scheme() != scheme || !same_place {
            let host = url.host_str().unwrap_or_default();
            return Err(format!(
                "{}://{host} is not the server's public origin with {scheme}",
                url.scheme()
            ));
        }
        // Twilio leaves user and password out of what it signs. Both setters only fail for URLs without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(url)
    }

    fn headers(&self, url: &str, fields: &[(String, String)], signing: Signing) -> HeaderMap {
        let signature = match signing {
            Signing::Right => Some(sign(&self.auth_token, url, fields)),
            Signing::WithSlash => Some(sign(&self.auth_token, &format!("{url}/"), fields)),
            Signing::Wrong => Some(sign("another key", url, fields)),
            Signing::None => None,
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(FOREIGN_HOST));
        headers.insert("User-Agent", HeaderValue::from_static("TwilioProxy/1.1"));
        headers.insert("X-Forwarded-Proto", HeaderValue::from_static("https"));
        headers.insert("X-Forwarded-For", HeaderValue::from_static("192.0.2.10"));
        if let Some(signature) = signature.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert("X-Twilio-Signature", signature);
        }
        headers
    }
}

fn path_and_query(url: &Url) -> String {
    url.query()
        .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// An error with its causes: the outermost alone says only that sending failed.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
