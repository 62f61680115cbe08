//! The way out that `async-openai` is given in place of its own: our HTTP client with our proxy and TLS, no retries, and
//! no answer that is refused, of another kind or without end comes back through it.

use super::ChatService;
use super::answer::unusable;
use super::refusal::refusal;
use crate::speech::services::{ServiceClient, innermost};
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Response};
use samvad_actors::ports::LanguageModelError;
use secrecy::SecretString;
use std::error::Error;
use std::task::{Context, Poll};
use url::Url;

/// Longest answer that is read, in bytes, what is around its words included: some 1,000 tokens streamed one by one.
const LONGEST_ANSWER: usize = 512 * 1024;

/// May begin a text (for event streams: <https://html.spec.whatwg.org/multipage/server-sent-events.html>). The library's
/// parser of events panics at it, and JSON has none.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What kind of answer is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// One JSON value.
    Whole,
    /// Server-sent events.
    Events,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Self::Whole => "application/json",
            Self::Events => "text/event-stream",
        }
    }
}

/// Sends what the library asks, once. Its errors are [`LanguageModelError`]s already, or [`Unreached`].
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) client: ServiceClient,
    pub(super) kind: Kind,
    pub(super) service: ChatService,
}

impl tower_service::Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            let answer = match this.client.http().execute(request).await {
                Ok(answer) => answer,
                Err(error) if error.is_connect() => return Err(Unreached(lost(error, &this.service)).into()),
                Err(error) => return Err(lost(error, &this.service).into()),
            };
            Ok(this.check(answer).await?)
        })
    }
}

impl Transport {
    async fn check(&self, answer: Response) -> Result<Response, LanguageModelError> {
        if !answer.status().is_success() {
            return Err(refusal(answer, &self.service).await);
        }
        let wanted = self.kind.content_type();
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.unwrap_or_default().to_ascii_lowercase().starts_with(wanted) {
            return Err(unusable(&format!(
                "it is not {wanted}; check {}, and what stands between",
                self.service.base_url
            )));
        }
        let (mut left, mut mark) = (LONGEST_ANSWER, BYTE_ORDER_MARK);
        let body = answer.bytes_stream().map(move |chunk| {
            let mut chunk = chunk?;
            left = left.checked_sub(chunk.len()).ok_or(TooLong)?;
            strip(&mut chunk, &mut mark);
            Ok::<_, Box<dyn Error + Send + Sync>>(chunk)
        });
        Ok(http::Response::new(Body::wrap_stream(body)).into())
    }
}

/// The request did not get as far as the service.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreached(LanguageModelError);

/// An answer longer than [`LONGEST_ANSWER`].
#[derive(Debug, thiserror::Error)]
#[error("it does not end")]
struct TooLong;

/// Takes from a chunk what is left of a mark that has begun; the mark may be torn, and there may be none.
fn strip(chunk: &mut Bytes, mark: &mut &[u8]) {
    let common = chunk
        .iter()
        .zip(*mark)
        .take_while(|(byte, marked)| byte == marked)
        .count();
    *mark = match common == chunk.len() {
        true => &mark[common..],
        false => &[],
    };
    chunk.advance(common);
}

/// What failed on the way. The URL is left out: it says nothing new.
fn lost(error: reqwest::Error, service: &ChatService) -> LanguageModelError {
    if is_too_long(&error) {
        return unusable("it does not end");
    }
    let what = innermost(&error.without_url());
    LanguageModelError::Unavailable {
        reason: format!("{what}; check {} and the way to it", service.base_url),
    }
}

fn is_too_long(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<TooLong>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the request never got as far as the service.
pub(super) fn is_unreached(error: &OpenAIError) -> bool {
    matches!(error, OpenAIError::Boxed(error) if error.is::<Unreached>())
}

/// What the library's error means.
pub(super) fn error_of(error: OpenAIError, service: &ChatService) -> LanguageModelError {
    let unavailable = |reason: &str| LanguageModelError::Unavailable {
        reason: reason.to_owned(),
    };
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<Unreached>() {
            Ok(unreached) => unreached.0,
            Err(error) => match error.downcast::<LanguageModelError>() {
                Ok(error) => *error,
                Err(_) => unavailable("the request cannot be sent"),
            },
        },
        OpenAIError::Reqwest(error) => lost(error, service),
        OpenAIError::JSONDeserialize(..) => unusable("what it sends is not JSON"),
        OpenAIError::StreamError(_) => unavailable("it broke off within its answer, or the answer does not end"),
        OpenAIError::InvalidArgument(_) => unavailable("the request cannot be written"),
        // Of files and statuses, none of which gets here.
        _ => unavailable("it failed"),
    }
}

/// Where the service is, and its key. (The library's own would read variables of the environment.)
pub(super) struct Endpoint {
    base_url: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Endpoint {
    /// `key`: none for a server that wants none.
    pub(super) fn new(base_url: &Url, key: Option<&str>) -> Self {
        let mut headers = HeaderMap::new();
        let bearer = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok());
        if let Some(mut bearer) = bearer {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Self {
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            key: key.unwrap_or_default().to_owned().into(),
            headers,
        }
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base_url
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_at_the_beginning_is_taken_away_however_it_is_torn(marked: bool, text in "[a{\u{feff}]{1,5}", size in 1_usize..6) {
            prop_assume!(!text.starts_with('\u{feff}'));
            let whole = if marked { format!("\u{feff}{text}") } else { text.clone() };
            let mut mark = BYTE_ORDER_MARK;
            let mut stripped = Vec::new();
            for chunk in whole.as_bytes().chunks(size) {
                let mut chunk = Bytes::copy_from_slice(chunk);
                strip(&mut chunk, &mut mark);
                stripped.extend_from_slice(&chunk);
            }
            prop_assert_eq!(stripped, text.into_bytes());
        }
    }
}
