//! Errors as problem details (RFC 9457), on the carrier's listener and on the API's.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use samvad_actors::ports::StoreError;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Its media type.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error as it is told to a client. Nothing that the client sent is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// What is wrong and what to do.
    pub detail: String,
    /// What is wrong with single fields.
    pub errors: Vec<FieldFault>,
    /// Headers that belong to it: `Retry-After`, `Allow`, `WWW-Authenticate`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// Where: a JSON pointer into the body (RFC 6901), or the name of a query parameter, path parameter or header.
    #[schema(example = "/scopes/0")]
    pub field: String,
    /// What is wrong.
    #[schema(example = "is not known")]
    pub fault: String,
    /// What to do.
    #[schema(example = "write one of the scopes that the description lists")]
    pub remedy: String,
}

impl FieldFault {
    /// A fault of a field.
    pub fn new(field: impl Into<String>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            fault: fault.into(),
            remedy: remedy.into(),
        }
    }
}

/// A problem as it is written (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Bad Request")]
    pub title: &'a str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: &'a str,
    /// What is wrong with single fields.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [FieldFault],
    /// The request's id, as in the logs and in `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
}

impl Problem {
    /// A problem without faults of fields.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Fields are wrong, in a request that could be read otherwise (422).
    pub fn invalid(errors: Vec<FieldFault>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the request has faults; `errors` says which",
        );
        problem.errors = errors;
        problem
    }

    /// There is nothing of this kind by this id (404).
    pub fn no_such(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    /// The server has failed (500). The cause belongs into the log, not into the answer.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server has failed; its log says why, under this request's id",
        )
    }

    /// Adds the fault of a field.
    #[must_use]
    pub fn with_fault(mut self, field: impl Into<String>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        self.errors.push(FieldFault::new(field, fault, remedy));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to come back, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// The body, with the request's id where it has one.
    pub fn body(&self, request_id: Option<&str>) -> String {
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            request_id,
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// The response keeps the problem itself, so that the API can write it anew with the request's id.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        for header in &self.headers {
            response.append_header(header.clone());
        }
        let mut response = response.body(self.body(None));
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<StoreError> for Problem {
    /// Logs what is the server's own fault.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, .. } => Self::no_such(what),
            StoreError::Conflict { reason } => Self::new(StatusCode::CONFLICT, reason),
            StoreError::Unavailable { .. } => {
                tracing::error!(%error, "a request could not be served");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the database does not answer; try again soon",
                )
                .retry_after(Duration::from_secs(5))
            }
            StoreError::Corrupt { .. } => {
                tracing::error!(%error, "a request could not be served");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_problem_names_its_fields_and_carries_its_headers() {
        let problem = Problem::invalid(vec![FieldFault::new("/name", "is empty", "write a name")])
            .retry_after(Duration::from_millis(1_200));
        let body: Value = serde_json::from_str(&problem.body(Some("an-id"))).expect("JSON");
        assert_eq!(body["status"], 422);
        assert_eq!(body["errors"][0]["field"], "/name");
        assert_eq!(body["request_id"], "an-id");
        let response = problem.error_response();
        assert_eq!(response.headers().get(RETRY_AFTER).expect("a time"), "2");
        assert_eq!(response.headers().get(CONTENT_TYPE).expect("a type"), PROBLEM_JSON);
    }

    #[test]
    fn what_the_database_said_is_not_told() {
        let told = Problem::from(StoreError::Corrupt {
            reason: "a private detail".into(),
        });
        assert!(!told.body(None).contains("private"));
        let told = Problem::from(StoreError::NotFound {
            what: "user",
            id: "what the client sent".into(),
        });
        assert!(!told.body(None).contains("client sent"));
    }
}
