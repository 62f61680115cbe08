//! Errors as the API reports them: a code, a message, a page, and the HTTP status again.

use super::resource::answer;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ApiError {
    NotFound,
    MethodNotAllowed,
    Unauthenticated,
    /// 429: nothing was done.
    TooManyRequests,
    /// 500, although the call was placed.
    ServerError,
    /// The update came too late.
    NotInProgress,
    /// A parameter is wrong.
    Parameter {
        code: u32,
        message: String,
    },
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::NotFound => (404, 20404, "The requested resource was not found".to_owned()),
            Self::MethodNotAllowed => (405, 20004, "Method not allowed".to_owned()),
            Self::Unauthenticated => (401, 20003, "Authenticate".to_owned()),
            Self::TooManyRequests => (429, 20429, "Too Many Requests".to_owned()),
            Self::ServerError => (500, 20500, "An internal server error has occurred".to_owned()),
            Self::NotInProgress => (400, 21220, "Call is not in-progress. Cannot redirect.".to_owned()),
            Self::Parameter { code, message } => (400, code, message),
        };
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        answer(
            status,
            &json!({ "code": code, "message": message, "more_info": more_info, "status": status }),
        )
    }
}
