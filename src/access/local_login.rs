//! Signing in on the server's own machine, without an identity provider: with a secret that is shown there, once.

use super::keys::random_key;
use crate::config::PublicUrl;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{FORWARDED, HOST, HeaderMap, HeaderName, VIA};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use samvad_actors::domain::Role;
use samvad_actors::ports::SignIn;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;
use url::Url;

/// Tries in a row.
const TRIES: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// After these, one try each.
const TRY_INTERVAL: Duration = Duration::from_secs(10);

/// Shows a secret to whoever sits at the machine.
pub type Announce = Box<dyn Fn(&str) + Send + Sync>;

/// The local login of one server.
pub struct LocalLogin {
    secret: Mutex<String>,
    tries: DefaultDirectRateLimiter,
    announce: Announce,
}

impl LocalLogin {
    /// Makes and announces the first secret; `None` unless both the address and the public origin are this machine's.
    pub fn start(bound: SocketAddr, origin: &PublicUrl, announce: Announce) -> Option<Self> {
        if !bound.ip().is_loopback() || !origin.is_loopback() {
            return None;
        }
        let secret = random_key();
        announce(&secret);
        let quota = Quota::with_period(TRY_INTERVAL)?.allow_burst(TRIES);
        Some(Self {
            secret: Mutex::new(secret),
            tries: RateLimiter::direct(quota),
            announce,
        })
    }

    /// Uses the secret up, if this is it; another is announced then.
    ///
    /// # Errors
    /// 403 if it is wrong, 429 after too many tries.
    pub fn use_secret(&self, shown: &str) -> Result<(), Problem> {
        if let Err(not_until) = self.tries.check() {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many tries to sign in; wait a little",
            )
            .retry_after(wait));
        }
        let mut secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        if !bool::from(secret.as_bytes().ct_eq(shown.as_bytes())) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this is not the secret; take the last one that the server has shown, each serves once",
            ));
        }
        *secret = random_key();
        (self.announce)(&secret);
        Ok(())
    }
}

/// Refuses a request that does not come from this machine as a browser or program on it would send it. `peer` is the
/// other end of the connection.
///
/// # Errors
/// 403, with the condition that it does not meet.
pub fn check_request(headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(StatusCode::FORBIDDEN, format!("the local login is refused: {why}"));
    if !peer.is_some_and(|peer| peer.ip().is_loopback()) {
        return Err(refused("the connection is from another machine"));
    }
    let mut hosts = headers.get_all(HOST);
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    if !host.is_some_and(is_loopback_host) {
        return Err(refused(
            "the header host names another machine; use 127.0.0.1 or localhost",
        ));
    }
    let forwards = |name: &HeaderName| {
        [FORWARDED, VIA].contains(name) || name == "x-real-ip" || name.as_str().starts_with("x-forwarded-")
    };
    if headers.keys().any(forwards) {
        return Err(refused("a proxy has passed it on; sign in over an identity provider"));
    }
    Ok(())
}

fn is_loopback_host(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| {
        crate::config::is_loopback(&url)
            && url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
    })
}

/// The user of the local login: an admin.
pub fn local_admin() -> SignIn {
    SignIn {
        issuer: "local".to_owned(),
        subject: "admin".to_owned(),
        email: None,
        name: "Local admin".to_owned(),
        role: Role::Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use std::sync::Arc;

    fn origin(url: &str) -> PublicUrl {
        PublicUrl::parse(url).expect("an origin")
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn it_exists_only_where_address_and_origin_are_this_machine() {
        let start = |bind: &str, url: &str| LocalLogin::start(address(bind), &origin(url), Box::new(|_| {})).is_some();
        assert!(start("127.0.0.1:80", "http://localhost:80"));
        assert!(start("[::1]:80", "http://127.0.0.1:80"));
        assert!(!start("0.0.0.0:80", "http://localhost:80"));
        assert!(!start("127.0.0.1:80", "https://surveys.example.org"));
    }

    #[test]
    fn a_secret_serves_once_and_the_next_is_announced() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let announce = {
            let shown = shown.clone();
            Box::new(move |secret: &str| shown.lock().expect("a list").push(secret.to_owned()))
        };
        let login = LocalLogin::start(address("127.0.0.1:80"), &origin("http://localhost"), announce).expect("a login");
        let secret = |index: usize| shown.lock().expect("a list")[index].clone();
        assert!(login.use_secret("wrong").is_err());
        assert!(login.use_secret(&secret(0)).is_ok());
        assert!(login.use_secret(&secret(0)).is_err());
        assert!(login.use_secret(&secret(1)).is_ok());
        assert_eq!(shown.lock().expect("a list").len(), 3);
    }

    #[test]
    fn guessing_is_slowed_down() {
        let login =
            LocalLogin::start(address("127.0.0.1:80"), &origin("http://localhost"), Box::new(|_| {})).expect("a login");
        let statuses = (0..6).map(|_| login.use_secret("wrong").expect_err("refused").status);
        assert_eq!(statuses.last(), Some(StatusCode::TOO_MANY_REQUESTS));
    }

    #[test]
    fn each_sign_of_another_machine_is_enough_to_refuse() {
        let here = Some(address("127.0.0.1:40000"));
        let check = |pairs: &[(&str, &str)], peer| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                headers.append(name, HeaderValue::from_str(value).expect("a value"));
            }
            check_request(&headers, peer).is_ok()
        };
        for host in ["127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090"] {
            assert!(check(&[("host", host)], here), "{host}");
        }
        for host in [
            "surveys.example.org",
            "127.0.0.1.example.org",
            "localhost@example.org",
            "",
            "10.0.0.1",
        ] {
            assert!(!check(&[("host", host)], here), "{host}");
        }
        assert!(!check(&[], here));
        assert!(!check(&[("host", "localhost"), ("host", "localhost")], here));
        assert!(!check(&[("host", "localhost")], Some(address("10.0.0.2:40000"))));
        assert!(!check(&[("host", "localhost")], None));
        for header in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-real-ip",
        ] {
            assert!(
                !check(&[("host", "localhost"), (header, "127.0.0.1")], here),
                "{header}"
            );
        }
    }
}
