//! Idempotency keys: a write that is sent twice with the same key is done once, and answered the same both times
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Kept is the answer of a write that was done, or that failed in a way that leaves it open what was done (5xx). One
//! that was refused (4xx) did nothing: its key is free again.

use super::ApiState;
use super::extract::read_body;
use super::operations::Operation;
use crate::access::csrf::is_safe;
use crate::access::{Principal, keys};
use crate::problem::Problem;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use samvad_actors::ports::{KeptAnswer, KeyState, KeyedRequest};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// The header with the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key.
const LONGEST_KEY: usize = 255;
/// A write that has not ended after this counts as never begun: its server is gone.
const ABANDONED_MS: i64 = 120_000;
/// When a write that is under way is worth asking for again.
const SOON: Duration = Duration::from_secs(1);
/// Headers that are kept with an answer.
const KEPT_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// The middleware; comes after the guard.
pub(super) async fn once(
    state: Data<ApiState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let keyed = match begin(&state, &mut request).await {
        Ok(Begun::Unkeyed) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Ok(Begun::Do(keyed)) => keyed,
        Ok(Begun::Replay(answer)) => return Ok(request.into_response(replay(&answer))),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    // In a task of its own: a client that hangs up does not stop it half-way.
    let work = async move {
        let response = next.call(request).await?.map_into_boxed_body();
        finish(&state, &keyed, response).await
    };
    match actix_web::rt::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(_) => Err(Problem::internal().into()),
    }
}

enum Begun {
    Unkeyed,
    Do(KeyedRequest),
    Replay(KeptAnswer),
}

async fn begin(state: &ApiState, request: &mut ServiceRequest) -> Result<Begun, Problem> {
    if is_safe(request.method()) {
        return Ok(Begun::Unkeyed);
    }
    let (principal, operation) = {
        let extensions = request.extensions();
        let principal = extensions.get::<Principal>().map(Principal::key);
        (principal, extensions.get::<Arc<Operation>>().cloned())
    };
    let (Some(principal), Some(operation)) = (principal, operation) else {
        return Ok(Begun::Unkeyed);
    };
    let Some(key) = key(request.headers())? else {
        return Ok(Begun::Unkeyed);
    };
    if !operation.keeps_answer {
        return Err(
            Problem::new(StatusCode::BAD_REQUEST, "this operation takes no idempotency key").with_fault(
                IDEMPOTENCY_KEY.as_str(),
                "cannot be used here: its body or answer is not kept",
                "leave it out",
            ),
        );
    }
    let body = read_body(request.take_payload(), request.headers(), operation.body_limit).await?;
    let keyed = KeyedRequest {
        principal,
        key,
        fingerprint: fingerprint(request, &body),
        came_at_ms: state.clock.unix_ms(),
    };
    request.set_payload(payload_of(body));
    match state.keys.take_key(&keyed, keyed.came_at_ms - ABANDONED_MS).await? {
        KeyState::New => Ok(Begun::Do(keyed)),
        KeyState::Done(answer) => Ok(Begun::Replay(answer)),
        KeyState::UnderWay => Err(Problem::new(
            StatusCode::CONFLICT,
            "the same request is under way; ask again soon for its answer",
        )
        .retry_after(SOON)),
        KeyState::OtherRequest => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the idempotency key belongs to another request",
        )
        .with_fault(
            IDEMPOTENCY_KEY.as_str(),
            "was used for another request",
            "choose a new one",
        )),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let malformed = || {
        Problem::new(StatusCode::BAD_REQUEST, "the idempotency key cannot be read").with_fault(
            IDEMPOTENCY_KEY.as_str(),
            "is not one key of 1 to 255 visible ASCII characters",
            "send for example a UUID",
        )
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        _ => return Err(malformed()),
    };
    let fits = (1..=LONGEST_KEY).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    let key = fits.then(|| String::from_utf8_lossy(value).into_owned());
    key.map(Some).ok_or_else(malformed)
}

/// What makes a request the same: method, path, query and body, each with its length.
fn fingerprint(request: &ServiceRequest, body: &[u8]) -> String {
    let parts: [&[u8]; 4] = [
        request.method().as_str().as_bytes(),
        request.path().as_bytes(),
        request.query_string().as_bytes(),
        body,
    ];
    let digest = parts.iter().fold(Sha256::new(), |digest, part| {
        digest
            .chain_update((part.len() as u64).to_be_bytes())
            .chain_update(part)
    });
    keys::hexadecimal(&digest.finalize())
}

fn payload_of(body: Bytes) -> Payload {
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(body);
    Payload::from(payload)
}

/// Keeps the answer of what was done, or gives the key back. The write has its effect either way: that a key could not
/// be kept is logged and not told.
async fn finish(
    state: &ApiState,
    keyed: &KeyedRequest,
    response: ServiceResponse<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if response.status().is_client_error() {
        if let Err(error) = state.keys.release_key(keyed).await {
            tracing::error!(%error, "an idempotency key could not be given back");
        }
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|_| Problem::internal())?;
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = KeptAnswer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    if let Err(error) = state.keys.keep_answer(keyed, &answer).await {
        tracing::error!(%error, "the answer to an idempotency key could not be kept");
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
}

fn replay(answer: &KeptAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        // What stood in it was for that instant.
        let told = "this write failed before, and it is open what was done of it; look, then send it with another key";
        let mut response = Problem::new(status, told).error_response();
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
        return response;
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    match answer.body.is_empty() {
        true => response.finish(),
        false => response.body(answer.body.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_key_is_one_text_of_visible_ascii() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).expect("a value"));
            }
            key(&headers)
        };
        assert_eq!(read(&[]).expect("none"), None);
        assert_eq!(read(&[b"a-b"]).expect("one").as_deref(), Some("a-b"));
        assert!(read(&[&[b'k'; 255]]).is_ok());
        for wrong in [&b""[..], b"a b", b"\xc3\xa9", &[b'k'; 256]] {
            assert!(read(&[wrong]).is_err());
        }
        assert!(read(&[b"a", b"a"]).is_err());
    }

    #[actix_web::test]
    async fn a_failure_is_told_again_as_one_that_left_open_what_was_done() {
        let kept = |status| KeptAnswer {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: r#"{"detail":"try again in a second"}"#.to_owned(),
        };
        let text = async |response: HttpResponse| {
            assert!(response.headers().contains_key(REPLAYED));
            let body = to_bytes(response.into_body()).await.expect("a body");
            String::from_utf8(body.to_vec()).expect("text")
        };
        let failed = replay(&kept(503));
        assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
        let told = text(failed).await;
        assert!(told.contains("another key") && !told.contains("in a second"), "{told}");
        assert_eq!(text(replay(&kept(201))).await, kept(201).body);
    }

    #[test]
    fn a_fingerprint_tells_requests_apart_by_all_that_they_ask() {
        let print =
            |uri: &str, body: &str| fingerprint(&TestRequest::post().uri(uri).to_srv_request(), body.as_bytes());
        assert_eq!(print("/a?b", "c"), print("/a?b", "c"));
        assert_ne!(print("/a?b", "c"), print("/a?b", "d"));
        assert_ne!(print("/a?b", "c"), print("/a", "bc"));
        assert_ne!(print("/a?b", "c"), print("/b?b", "c"));
    }
}
