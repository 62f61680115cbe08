//! Extractors for handlers: JSON bodies and queries, whose faults are told with the place and without what was sent.

use super::operations::{BODY_LIMIT, Operation};
use crate::problem::{FieldFault, Problem};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;
use url::form_urlencoded;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest name of a client's own that is repeated in a pointer.
const LONGEST_NAME: usize = 64;

/// A JSON body.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// A query.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = body_limit(request);
        let headers = request.headers().clone();
        let payload = payload.take();
        Box::pin(async move {
            if !is_json(&headers) {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "the body is to be JSON: send `content-type: application/json`",
                ));
            }
            let body = read_body(payload, &headers, limit).await?;
            parse_json(&body).map(Self)
        })
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

/// The longest body that the request's operation takes.
pub(super) fn body_limit(request: &impl HttpMessage) -> usize {
    let extensions = request.extensions();
    extensions
        .get::<Arc<Operation>>()
        .map_or(BODY_LIMIT, |operation| operation.body_limit)
}

/// A whole body.
///
/// # Errors
/// 413, 408, or 400 if the connection fails meanwhile.
pub(super) async fn read_body(mut payload: Payload, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {limit} bytes; send less at once"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(too_long());
    }
    let read = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk
                .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body did not arrive whole; send it again"))?;
            if body.len() + chunk.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time; send it again",
        ))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A value from a JSON body. NUL is refused in texts: PostgreSQL cannot keep it.
fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    if std::str::from_utf8(body).is_err() {
        return Err(malformed("the body is not UTF-8; encode it so".to_owned()));
    }
    // A list of its values in order would do for a struct otherwise.
    if body.trim_ascii_start().first().is_some_and(|&byte| byte != b'{') {
        return Err(Problem::invalid(vec![FieldFault::new(
            "",
            "the body is not an object",
            "send a JSON object",
        )]));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let inner = error.inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                let (what, pointer) = (explain(&inner.to_string()), pointer(error.path()));
                Problem::invalid(vec![what.at(pointer)])
            }
            _ => not_json(inner),
        }
    })?;
    reader.end().map_err(|error| not_json(&error))?;
    if has_nul(body) {
        return Err(Problem::invalid(vec![FieldFault::new(
            "",
            "a text holds the character U+0000",
            "leave it out",
        )]));
    }
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!(
            "the body is not JSON from line {}, column {} on",
            error.line(),
            error.column()
        ),
    )
}

/// Whether a JSON text that could be read escapes U+0000 (as it is it could not be read).
pub(super) fn has_nul(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        // What follows a backslash is part of the escape, another backslash too.
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// A value from a query.
fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let malformed = |field: &str, fault: &str, remedy: &str| {
        Problem::new(StatusCode::BAD_REQUEST, "the query has faults; `errors` says which")
            .with_fault(field, fault, remedy)
    };
    // What is not UTF-8 becomes U+FFFD when it is decoded.
    let unfit = |text: &str| text.contains(['\u{fffd}', '\0']);
    if let Some((name, _)) = pairs().find(|(name, value)| unfit(name) || unfit(value)) {
        return Err(malformed(
            &repeatable(&name).unwrap_or_default(),
            "is not UTF-8, or holds the character U+0000",
            "encode it as UTF-8, then in percent",
        ));
    }
    let reader = serde_urlencoded::Deserializer::new(pairs());
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let name = pointer(error.path());
        let what = explain(&error.inner().to_string());
        let fault = what.at(name);
        malformed(fault.field.trim_start_matches('/'), &fault.fault, &fault.remedy)
    })
}

/// What is wrong with a value, without the value.
struct Explained {
    /// A field below the place, if it is about one of ours.
    field: Option<String>,
    /// The last name of the place is the client's own and belongs to nothing.
    drops_last: bool,
    fault: String,
    remedy: String,
}

impl Explained {
    fn at(self, mut pointer: String) -> FieldFault {
        if self.drops_last {
            pointer.truncate(pointer.rfind('/').unwrap_or_default());
        }
        if let Some(field) = &self.field
            && !pointer.ends_with(&format!("/{field}"))
        {
            pointer.push('/');
            pointer.push_str(field);
        }
        FieldFault::new(pointer, self.fault, self.remedy)
    }
}

/// Says what serde found, leaving out everything that may be from the client: what stands before `expected` is theirs,
/// what stands after it ours.
fn explain(message: &str) -> Explained {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let named = |prefix: &str| message.strip_prefix(prefix)?.strip_suffix('`').map(str::to_owned);
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| plain(expected));
    let told = |field, drops_last, fault: &str, remedy: String| Explained {
        field,
        drops_last,
        fault: fault.to_owned(),
        remedy,
    };
    if let Some(field) = named("missing field `") {
        return told(Some(field), false, "is missing", "send it".to_owned());
    }
    if let Some(field) = named("duplicate field `") {
        return told(Some(field), false, "is there twice", "send it once".to_owned());
    }
    if message.starts_with("unknown field `") {
        let remedy = match message.rsplit_once("`, expected ") {
            Some((_, known)) => format!("known is {known}"),
            None => "nothing is known here".to_owned(),
        };
        return told(None, true, "has a field that is not known", remedy);
    }
    match expected {
        Some(expected) => told(None, false, "is not what is expected", format!("send {expected}")),
        None => told(
            None,
            false,
            "is not valid",
            "send what the description of the API says".to_owned(),
        ),
    }
}

/// What serde expects, without the names of types.
fn plain(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that fits",
        _ if expected.starts_with("struct ") || expected == "a map" => "an object",
        "a sequence" => "a list",
        _ => expected,
    }
}

/// A JSON pointer (RFC 6901) as far as it repeats nothing but plain names.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => match repeatable(key) {
                Some(key) => pointer.push_str(&format!("/{key}")),
                None => break,
            },
            Segment::Unknown => break,
        }
    }
    pointer
}

/// A name that may stand in an answer.
fn repeatable(name: &str) -> Option<String> {
    let is_plain = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_plain.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        #[serde(default)]
        parts: Vec<Part>,
        limit: Option<u8>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Part {
        Wheel,
        Bell,
    }

    fn fault(body: &str) -> (u16, String, String) {
        let problem = parse_json::<Thing>(body.as_bytes()).expect_err("refused");
        let first = problem.errors.first().cloned();
        let (field, fault) = first.map_or((String::new(), problem.detail), |first| (first.field, first.fault));
        (problem.status.as_u16(), field, fault)
    }

    #[test]
    fn a_fault_of_a_body_is_told_with_its_place() {
        assert_eq!(fault(r#"{"parts":[]}"#), (422, "/name".into(), "is missing".into()));
        assert_eq!(fault(r#"{"name":"a","name":"b"}"#).2, "is there twice");
        assert_eq!(fault(r#"{"name":7}"#).1, "/name");
        let refused = parse_json::<Thing>(br#"{"name":"a","limit":"7"}"#).expect_err("refused");
        assert_eq!(refused.errors[0].remedy, "send a whole number that fits");
        assert_eq!(fault(r#"{"name":"a","parts":["wheel","secret"]}"#).1, "/parts/1");
        assert_eq!(
            fault(r#"{"name":"a","secret":1}"#),
            (422, String::new(), "has a field that is not known".into())
        );
        assert_eq!(fault(r#"{"name":"a""#).0, 400);
        assert_eq!(fault(r#"{"name":"a"} x"#).0, 400);
        assert_eq!(fault("").0, 400);
        assert_eq!(fault(r#"["a",[],1]"#).0, 422);
        assert_eq!(fault(r#"{"name":"a\u0000"}"#).0, 422);
        assert!(parse_json::<Thing>(br#"{"name":"a\\u0000"}"#).is_ok());
        assert_eq!(
            parse_json::<Thing>(b"{\"name\":\"\xff\"}").expect_err("refused").status,
            400
        );
    }

    #[test]
    fn a_fault_of_a_query_names_its_parameter() {
        let refused = |query: &str| parse_query::<Thing>(query).expect_err("refused").errors[0].clone();
        assert_eq!(refused("").field, "name");
        assert_eq!(refused("name=a&limit=many").field, "limit");
        assert_eq!(refused("name=a&limit=1&limit=2").fault, "is there twice");
        assert_eq!(refused("name=a&secret=1").field, "");
        assert_eq!(refused("name=%ff").field, "name");
        assert_eq!(refused("name=%00").field, "name");
        assert_eq!(parse_query::<Thing>("name=a%20b").expect("read").name, "a b");
    }

    proptest! {
        #[test]
        fn nothing_that_was_sent_is_repeated(secret in "[a-zA-Z]{12}", shape in 0..6_usize) {
            let body = match shape {
                0 => format!(r#"{{"name":["{secret}"]}}"#),
                1 => format!(r#"{{"name":"a","limit":"{secret}"}}"#),
                2 => format!(r#"{{"name":"a","parts":["{secret}"]}}"#),
                3 => format!(r#"{{"name":"a","{secret}":1}}"#),
                4 => format!(r#"{{"name":{secret}}}"#),
                _ => format!(r#""{secret}, expected"#),
            };
            let problem = parse_json::<Thing>(body.as_bytes()).expect_err("refused");
            prop_assert!(!problem.body(None).contains(&secret), "{}", problem.body(None));
        }

        #[test]
        fn nothing_makes_reading_panic(body in proptest::collection::vec(any::<u8>(), 0..64), query in ".{0,40}") {
            let _ = parse_json::<Thing>(&body);
            let _ = parse_query::<Thing>(&query);
        }
    }
}
