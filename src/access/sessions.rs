//! Sessions of people, in a cookie. The key is in the cookie alone; the database has its SHA-256.

use super::csrf;
use super::keys::{hash, random_key};
use super::principal::{Credential, Principal};
use crate::config::PublicUrl;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use samvad_actors::domain::UserId;
use samvad_actors::ports::{AccountStore, NewSession, SignIn, StoreError, User};
use std::time::Duration;
use uuid::Uuid;

/// A session that nobody uses ends after this.
pub const IDLE: Duration = Duration::from_hours(8);
/// A session ends after this whatever happens.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The cookie of sessions, as the API's origin allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    secure: bool,
}

/// A session that has been opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose.
    pub user: User,
    /// For `Set-Cookie`.
    pub cookie: HeaderValue,
    /// What unsafe requests must show.
    pub csrf_token: String,
    /// Ends then whatever happens, in UTC milliseconds.
    pub expires_at_ms: i64,
}

/// What a request's cookies hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No cookie of ours.
    Nothing,
    /// One key.
    Key(String),
    /// More than one of ours, or what is no key: somebody has planted one.
    Unclear,
}

impl SessionCookie {
    /// For an API at this origin: `Secure` and with the prefix `__Host-` (RFC 6265bis), except over plain http, which
    /// only this machine has.
    pub fn for_origin(origin: &PublicUrl) -> Self {
        Self {
            secure: origin.origin().starts_with("https://"),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        if self.secure { "__Host-samvad" } else { "samvad" }
    }

    fn with(self, value: &str, max_age: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name(),
            max_age.as_secs()
        );
        // Base64 and digits are always a header's value.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// `Set-Cookie` that takes the cookie back.
    pub fn removal(self) -> (actix_web::http::header::HeaderName, HeaderValue) {
        (SET_COOKIE, self.with("", Duration::ZERO))
    }

    /// The key in a request's cookies.
    pub fn find(self, headers: &HeaderMap) -> Found {
        let mut found = Found::Nothing;
        for header in headers.get_all(COOKIE) {
            for pair in header.as_bytes().split(|&byte| byte == b';') {
                let pair = pair.trim_ascii();
                let Some(value) = pair
                    .strip_prefix(self.name().as_bytes())
                    .and_then(|rest| rest.strip_prefix(b"="))
                else {
                    continue;
                };
                let is_key = value.len() == 43
                    && value
                        .iter()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
                found = match found {
                    Found::Nothing if is_key => Found::Key(String::from_utf8_lossy(value).into_owned()),
                    _ => Found::Unclear,
                };
            }
        }
        found
    }

    /// Makes or updates a user and opens a session for them; `None` if they are disabled.
    ///
    /// # Errors
    /// If the store cannot.
    pub async fn open(
        self,
        accounts: &dyn AccountStore,
        who: &SignIn,
        request_id: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<Opened>, StoreError> {
        let key = random_key();
        let csrf_token = csrf::token(&key);
        let longest = i64::try_from(LONGEST.as_millis()).unwrap_or(i64::MAX);
        let session = NewSession {
            key_hash: hash(&key),
            csrf_hash: hash(&csrf_token),
            expires_at_ms: now_ms.saturating_add(longest),
        };
        let new_id = UserId::new(Uuid::new_v4().to_string());
        let user = accounts.sign_in(who, &new_id, &session, request_id, now_ms).await?;
        Ok(user.map(|user| Opened {
            user,
            cookie: self.with(&key, LONGEST),
            csrf_token,
            expires_at_ms: session.expires_at_ms,
        }))
    }
}

/// Whoever has the session of this key, if it is open.
///
/// # Errors
/// If the store cannot say.
pub async fn resolve(accounts: &dyn AccountStore, key: &str, now_ms: i64) -> Result<Option<Principal>, StoreError> {
    let key_hash = hash(key);
    let idle = i64::try_from(IDLE.as_millis()).unwrap_or(i64::MAX);
    let session = accounts.session(&key_hash, idle, now_ms).await?;
    Ok(session.map(|session| Principal {
        user: session.user,
        credential: Credential::Session {
            key_hash,
            csrf_token: csrf::token(key),
            expires_at_ms: session.expires_at_ms,
        },
    }))
}

/// 403 for somebody who may not sign in any more.
pub fn disabled() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this user is disabled; ask an admin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).expect("a value"));
        }
        headers
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_wherever_there_is_https() {
        let secure = SessionCookie { secure: true }.with("KEY", LONGEST);
        assert_eq!(
            secure,
            "__Host-samvad=KEY; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        );
        let plain = SessionCookie { secure: false }.with("KEY", LONGEST);
        assert_eq!(plain, "samvad=KEY; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_key_is_found_among_cookies_and_a_planted_second_one_is_noticed() {
        let cookie = SessionCookie { secure: false };
        let key = random_key();
        let ours = format!("samvad={key}");
        assert_eq!(cookie.find(&headers(&[])), Found::Nothing);
        assert_eq!(cookie.find(&headers(&["other=1; samvad2=x"])), Found::Nothing);
        assert_eq!(cookie.find(&headers(&[&format!("a=b; {ours}; c=d")])), Found::Key(key));
        assert_eq!(cookie.find(&headers(&[&ours, &ours])), Found::Unclear);
        assert_eq!(cookie.find(&headers(&["samvad=short"])), Found::Unclear);
    }
}
