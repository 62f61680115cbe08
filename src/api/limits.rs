//! How often the API may be asked: a rate for each principal, and one for each address that shows no valid credential.
//! Kept in memory, by each server for itself.

use super::ApiState;
use super::client_address::client_address;
use crate::problem::Problem;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// After so many checks, keys that have not been seen lately are forgotten.
const TIDY_EVERY: u32 = 4_096;

/// Requests a second, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// So many a second, so many at once.
    pub const fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { per_second, burst }
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

/// The rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of one user or token.
    pub principal: Rate,
    /// Of one address without a valid credential.
    pub address: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        const fn of(count: u32) -> NonZeroU32 {
            match NonZeroU32::new(count) {
                Some(count) => count,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            principal: Rate::new(of(50), of(200)),
            address: Rate::new(of(20), of(200)),
        }
    }
}

/// Counts requests of all workers.
pub struct RateLimits {
    principals: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    checks: AtomicU32,
}

impl RateLimits {
    /// With these rates.
    pub fn new(rates: Rates) -> Self {
        Self {
            principals: RateLimiter::keyed(rates.principal.quota()),
            addresses: RateLimiter::keyed(rates.address.quota()),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request of a principal.
    ///
    /// # Errors
    /// 429.
    pub fn check_principal(&self, key: &str) -> Result<(), Problem> {
        self.tidy();
        check(&self.principals, &key.to_owned())
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// 429.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        self.tidy();
        check(&self.addresses, &network(address))
    }

    fn tidy(&self) {
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.principals.retain_recent();
            self.addresses.retain_recent();
        }
    }
}

/// Counts a request without a valid credential.
///
/// # Errors
/// 429.
pub(crate) fn check_address(state: &ApiState, request: &ServiceRequest) -> Result<(), Problem> {
    match client_address(request.headers(), request.peer_addr(), &state.proxies) {
        Some(address) => state.limits.check_address(address),
        None => Ok(()),
    }
}

fn check<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Problem> {
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests; `retry-after` says in how many seconds to come back",
        )
        .retry_after(wait)
    })
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> RateLimits {
        let rate = Rate::new(NonZeroU32::MIN, NonZeroU32::MIN);
        RateLimits::new(Rates {
            principal: rate,
            address: rate,
        })
    }

    #[test]
    fn one_senders_haste_is_not_anothers() {
        let limits = limits();
        assert!(limits.check_principal("user:1").is_ok());
        let refused = limits.check_principal("user:1").expect_err("too fast");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers[0].0, "retry-after");
        assert!(limits.check_principal("user:2").is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one_sender() {
        let limits = limits();
        let address = |text: &str| text.parse().expect("an address");
        assert!(limits.check_address(address("2001:db8::1")).is_ok());
        assert!(limits.check_address(address("2001:db8::2")).is_err());
        assert!(limits.check_address(address("2001:db8:0:1::1")).is_ok());
        assert!(limits.check_address(address("192.0.2.1")).is_ok());
        assert!(limits.check_address(address("::ffff:192.0.2.1")).is_err());
    }
}
