//! The way to a provider: no redirects, limited in time and size, over TLS or within this machine.

use crate::config::is_loopback;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::{Client, redirect};
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use url::Url;

/// Longest wait for an answer and its body.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest body that is read, in bytes.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// Why there is no usable HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// An address that is never asked.
    #[error("one of its addresses is neither https nor, with an issuer on this machine, http on this machine")]
    Address,
    /// No connection, or one that broke.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The answer takes too long.
    #[error("it does not answer within 10 seconds")]
    TooSlow,
    /// The answer is too long.
    #[error("its answer is longer than 1 MiB")]
    TooLong,
    /// Another status than 200, without an error code that is known.
    #[error("it answers with status {0}")]
    Status(u16),
    /// It wants to send us elsewhere; whoever controls it must not choose whom this server asks.
    #[error("it answers with a redirect, which is not followed")]
    Redirect,
}

/// Why no client can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no HTTP client can be made: {0}; install ca-certificates")]
pub struct HttpClientError(String);

/// An HTTP client for one provider.
#[derive(Debug)]
pub(super) struct ProviderHttp {
    client: Client,
    timeout: Duration,
    local: bool,
}

impl ProviderHttp {
    /// A client for the provider at `issuer`. Only an issuer on this machine may name `http` addresses on it.
    pub(super) fn new(issuer: &Url, timeout: Duration) -> Result<Self, HttpClientError> {
        // An error only says that a provider has been installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local = issuer.scheme() == "http" && is_loopback(issuer);
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never());
        if is_loopback(issuer) {
            builder = builder.no_proxy();
        }
        if local {
            // No certificate will be checked, so none need be installed on this machine.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| HttpClientError(innermost(&error)))?;
        Ok(Self { client, timeout, local })
    }

    /// Whether an address may be asked, or a browser sent there.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => !self.local || is_loopback(url),
            "http" => self.local && is_loopback(url),
            _ => false,
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let request = reqwest::Request::try_from(request).map_err(|_| HttpFault::Address)?;
        if !self.may_ask(request.url()) {
            return Err(HttpFault::Address);
        }
        let answer = tokio::time::timeout(self.timeout, self.exchange(request));
        answer.await.unwrap_or(Err(HttpFault::TooSlow))
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<HttpResponse, HttpFault> {
        let mut answer = self.client.execute(request).await.map_err(lost)?;
        if answer.status().is_redirection() {
            return Err(HttpFault::Redirect);
        }
        if answer.status().is_server_error() {
            return Err(HttpFault::Status(answer.status().as_u16()));
        }
        let announced = answer.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |length| length > LONGEST_BODY) {
            return Err(HttpFault::TooLong);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(HttpFault::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = HttpFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// What failed on the way. The URL is left out: it may hold what others must not see.
fn lost(error: reqwest::Error) -> HttpFault {
    match error.is_timeout() {
        true => HttpFault::TooSlow,
        false => HttpFault::Unreachable(innermost(&error.without_url())),
    }
}

/// The fault at the bottom of an error, without what led to it.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_elsewhere_names_no_address_without_tls_nor_does_one_here_name_one_elsewhere() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        let elsewhere = ProviderHttp::new(&url("https://login.example.org"), TIMEOUT).expect("made");
        assert!(elsewhere.may_ask(&url("https://keys.example.org/jwks")));
        for refused in [
            "http://login.example.org",
            "http://127.0.0.1:6379",
            "file:///etc/passwd",
        ] {
            assert!(!elsewhere.may_ask(&url(refused)), "{refused}");
        }
        let here = ProviderHttp::new(&url("http://127.0.0.1:9000"), TIMEOUT).expect("made");
        assert!(here.may_ask(&url("http://localhost:9000/jwks")));
        for refused in [
            "http://login.example.org",
            "https://login.example.org",
            "ftp://127.0.0.1",
        ] {
            assert!(!here.may_ask(&url(refused)), "{refused}");
        }
    }
}
