//! Requests that another site has a browser send (cross-site request forgery). Whoever changes something with a
//! session's cookie must show its CSRF token, and come from our own pages as far as the browser says.

use crate::problem::Problem;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};
use actix_web::http::{Method, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The header with the token that `GET /api/v1/session` gives.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// Where a browser says that a request comes from (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The CSRF token of a session: computed from its key, so that it is the same in every tab and is kept nowhere.
pub fn token(session_key: &str) -> String {
    // A key of any length will do.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(session_key.as_bytes()) else {
        return String::new();
    };
    let mac = mac.chain_update(b"samvad CSRF token").finalize();
    super::keys::hexadecimal(&mac.into_bytes())
}

/// Whether a method changes nothing (RFC 9110, 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Refuses an unsafe request that came with a session's cookie and does not show that it is meant.
///
/// # Errors
/// 403, with the cause.
pub fn check(headers: &HeaderMap, expected_token: &str, own_origin: &str) -> Result<(), Problem> {
    from_own_pages(headers, own_origin)?;
    let refused = |fault: &str| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "a change with a session's cookie needs its CSRF token",
        )
        .with_fault(
            CSRF_HEADER.as_str(),
            fault,
            "send the csrf_token that GET /api/v1/session gives",
        )
    };
    let mut values = headers.get_all(CSRF_HEADER);
    match (values.next(), values.next()) {
        (None, _) => Err(refused("is missing")),
        (Some(shown), None) if bool::from(shown.as_bytes().ct_eq(expected_token.as_bytes())) => Ok(()),
        _ => Err(refused("is not this session's")),
    }
}

/// Refuses what a browser says comes from another site's page. Other clients say nothing.
///
/// # Errors
/// 403.
pub fn from_own_pages(headers: &HeaderMap, own_origin: &str) -> Result<(), Problem> {
    let only = |name: HeaderName, wanted: &str| {
        let is_wanted = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes());
        headers.get_all(name).all(is_wanted)
    };
    if only(SEC_FETCH_SITE, "same-origin") && only(ORIGIN, own_origin) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "another site's page sent this with your session's cookie; programs on other sites use an API token",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://surveys.example.org";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn a_sessions_token_is_its_own_and_always_the_same() {
        assert_eq!(token("a key"), token("a key"));
        assert_ne!(token("a key"), token("another key"));
        assert!(!token("a key").contains("a key"));
    }

    #[test]
    fn only_the_token_once_and_from_our_own_pages_is_let_through() {
        let passes = |pairs: &[(HeaderName, &str)]| check(&headers(pairs), "good", OWN).is_ok();
        assert!(passes(&[(CSRF_HEADER, "good")]));
        assert!(passes(&[
            (CSRF_HEADER, "good"),
            (SEC_FETCH_SITE, "same-origin"),
            (ORIGIN, OWN)
        ]));
        assert!(!passes(&[]));
        assert!(!passes(&[(CSRF_HEADER, "goo")]));
        assert!(!passes(&[(CSRF_HEADER, "good"), (CSRF_HEADER, "bad")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!passes(&[(CSRF_HEADER, "good"), (SEC_FETCH_SITE, site)]), "{site}");
        }
        for origin in ["https://evil.example", "null", "http://surveys.example.org"] {
            assert!(!passes(&[(CSRF_HEADER, "good"), (ORIGIN, origin)]), "{origin}");
        }
    }
}
