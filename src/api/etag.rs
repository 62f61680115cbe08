//! Optimistic concurrency: what can be edited has a version, told as a strong `ETag`, and an edit says in `If-Match`
//! which version it is meant for (RFC 9110, 8.8.3 and 13.1.1).

use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// The version of something that can be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub i64);

impl Version {
    /// As `ETag`: for example `"v7"`.
    pub fn etag(self) -> HeaderValue {
        // Digits are always a header's value.
        HeaderValue::from_str(&format!("\"v{}\"", self.0)).unwrap_or_else(|_| HeaderValue::from_static("\"v\""))
    }

    /// From an entity tag of ours.
    fn from_tag(tag: &str) -> Option<Self> {
        let digits = tag.strip_prefix("\"v")?.strip_suffix('"')?;
        let version: i64 = digits.parse().ok()?;
        // One version has one tag.
        (version.to_string() == digits).then_some(Self(version))
    }
}

/// Extractor: the version that an edit is meant for. Describe it with `params(("if-match" = String, Header, …))`: what
/// has that parameter answers 412 and 428 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Version);

impl IfMatch {
    /// Compares it with the version that there is.
    ///
    /// # Errors
    /// 412.
    pub fn check(self, current: Version) -> Result<(), Problem> {
        match self.0 == current {
            true => Ok(()),
            false => Err(changed()),
        }
    }
}

/// Extractor: the version that a change is meant for, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionalIfMatch(pub Option<Version>);

/// 412: somebody else was faster.
pub fn changed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "it has been changed since; read it again, and send the edit with its new etag",
    )
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(IF_MATCH);
        ready(match (values.next(), values.next()) {
            (None, _) => Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "an edit says which version it is meant for",
            )
            .with_fault("if-match", "is missing", "send the etag of the last answer")),
            // A tag that is not ours is that of no version, so it cannot match.
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(Version::from_tag)
                .map(Self)
                .ok_or_else(changed),
            _ => Err(changed()),
        })
    }
}

impl FromRequest for OptionalIfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.headers().contains_key(IF_MATCH) {
            let read = IfMatch::from_request(request, payload).into_inner();
            return ready(read.map(|IfMatch(version)| Self(Some(version))));
        }
        ready(Ok(Self(None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn read(values: &[&str]) -> Result<IfMatch, Problem> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((IF_MATCH, *value));
        }
        IfMatch::from_request(&request.to_http_request(), &mut Payload::None).into_inner()
    }

    #[test]
    fn an_edit_needs_the_version_and_only_that_one_matches() {
        assert_eq!(read(&["\"v7\""]).expect("read"), IfMatch(Version(7)));
        assert_eq!(Version(7).etag(), "\"v7\"");
        assert_eq!(read(&[]).expect_err("refused").status, 428);
        for tag in ["W/\"v7\"", "*", "v7", "\"v07\"", "\"v+7\"", "\"v7\", \"v8\"", ""] {
            assert_eq!(read(&[tag]).expect_err("refused").status, 412, "{tag}");
        }
        assert_eq!(read(&["\"v7\"", "\"v8\""]).expect_err("refused").status, 412);
        let optional = |request: TestRequest| {
            let request = request.to_http_request();
            OptionalIfMatch::from_request(&request, &mut Payload::None).into_inner()
        };
        assert_eq!(optional(TestRequest::default()).expect("read"), OptionalIfMatch(None));
        let tagged = |tag: &str| optional(TestRequest::default().append_header((IF_MATCH, tag)));
        assert_eq!(tagged("\"v7\"").expect("read"), OptionalIfMatch(Some(Version(7))));
        assert_eq!(tagged("v7").expect_err("refused").status, 412);
        assert!(IfMatch(Version(7)).check(Version(7)).is_ok());
        assert_eq!(IfMatch(Version(7)).check(Version(8)).expect_err("refused").status, 412);
    }
}
