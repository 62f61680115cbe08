//! What comes from Twilio: nothing is looked at before its signature has been verified.

use super::HttpState;
use crate::carrier::twilio::{Content, SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER, SignedRequest};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use std::time::Duration;

/// Longest body of a callback, in bytes; Twilio's have about 1 KiB.
const LONGEST_BODY: usize = 16 * 1024;
/// Longest wait for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form that Twilio signed.
#[derive(Debug)]
pub(super) struct SignedForm(Vec<(String, String)>);

impl SignedForm {
    /// Reads and verifies a form, and that it is about our account.
    pub async fn read(request: &HttpRequest, payload: web::Payload, state: &HttpState) -> Result<Self, Problem> {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(FORM) {
            let detail = format!("send the body as {FORM}");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(LONGEST_BODY))
            .await
            .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 KiB"))?
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body did not arrive whole"))?;
        let fields: Vec<_> = url::form_urlencoded::parse(&body).into_owned().collect();
        verify(request, Content::Form(&fields), state)?;
        let form = Self(fields);
        if form.get("AccountSid") != Some(state.account_sid.as_str()) {
            tracing::warn!("a signed callback is not about our account");
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "AccountSid: not this server's account",
            ));
        }
        Ok(form)
    }

    /// A field's first value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// A field that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, Problem> {
        let missing = || Problem::new(StatusCode::BAD_REQUEST, format!("{name}: missing; send it"));
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }
}

/// Verifies a request's signature.
pub(super) fn verify(request: &HttpRequest, content: Content<'_>, state: &HttpState) -> Result<(), Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let verdict = state.signatures.verify(&SignedRequest {
        path_and_query: request.uri().path_and_query().map_or("/", |path| path.as_str()),
        content,
        signature: header(SIGNATURE_HEADER),
        settings: header(SIGNATURE_SETTINGS_HEADER),
    });
    verdict.map_err(|fault| {
        let what = match content {
            Content::Upgrade => "an upgrade to a media socket was not taken for Twilio's",
            _ => "a callback was not taken for Twilio's",
        };
        state.refusals.note(what, fault.to_string());
        Problem::new(StatusCode::FORBIDDEN, fault.to_string())
    })
}
