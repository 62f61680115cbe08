//! The outermost layer: gives every request its id and span, every error the form of a problem, every answer its
//! security headers, and counts.

use super::operations::Operation;
use super::{ApiState, DOCS, RequestId};
use crate::problem::{PROBLEM_JSON, Problem};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// The request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers of the API are data: nothing in them is run or framed.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The page to try the API runs its own scripts, and shows images that its styles hold.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The middleware.
pub(super) async fn edge(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::generate();
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let is_docs = request.path().starts_with(DOCS);
    let span = tracing::info_span!("request", request_id = %id, method = %method.as_str());
    let response = next.call(request).instrument(span).await?.map_into_boxed_body();
    let mut response = as_problem(response, &id);
    let status = response.status();
    secure(response.response_mut().headers_mut(), &id, is_docs);
    let operation = response.request().extensions().get::<Arc<Operation>>().cloned();
    let path = operation.as_ref().map_or("none", |operation| operation.path.as_str());
    state
        .metrics
        .count_request(&method, path, status.as_u16(), started.elapsed());
    tracing::debug!(request_id = %id, method = %method.as_str(), path, status = status.as_u16(), "answered");
    Ok(response)
}

/// Every error becomes a problem with the request's id, those of the framework included.
fn as_problem(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let known = response.response().extensions().get::<Problem>().cloned();
    let problem = known.unwrap_or_else(|| {
        if status.is_server_error() {
            tracing::error!(request_id = %id, status = status.as_u16(), "a request failed");
        }
        Problem::new(status, unexplained(status))
    });
    let mut response = response.map_body(|_, _| BoxBody::new(problem.body(Some(id.as_str()))));
    let headers = response.response_mut().headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

/// What is said of an error that comes without words of ours.
fn unexplained(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "there is nothing at this path",
        StatusCode::METHOD_NOT_ALLOWED => "this path takes other methods",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
        _ if status.is_server_error() => "the server has failed; its log says why, under this request's id",
        _ => "the request cannot be read",
    }
}

fn secure(headers: &mut HeaderMap, id: &RequestId, is_docs: bool) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = if is_docs { DOCS_POLICY } else { API_POLICY };
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
