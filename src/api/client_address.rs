//! Whom a request comes from, where proxies stand between.

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The nearest address that is no proxy of ours: the peer's, unless that is one of the proxies, else what these say in
/// `x-forwarded-for`, read from its end. What stands before that the client may have written itself.
pub(super) fn client_address(headers: &HeaderMap, peer: Option<SocketAddr>, proxies: &[IpNet]) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let peer = peer?.ip().to_canonical();
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    let values: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Some(address) = address(hop.trim()) else { break };
        nearest = address;
        if !is_proxy(&address) {
            break;
        }
    }
    Some(nearest)
}

/// An address, with or without a port, as proxies write it.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare
        .parse()
        .or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(value).expect("a value"));
        }
        let proxies = ["127.0.0.1/32", "10.0.0.0/8"].map(|network| network.parse().expect("a network"));
        let peer = SocketAddr::new(peer.parse().expect("an address"), 4_000);
        client_address(&headers, Some(peer), &proxies)
            .expect("somebody")
            .to_string()
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        assert_eq!(client("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client_address(&HeaderMap::new(), None, &[]), None);
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_what_its_client_wrote_is_not() {
        assert_eq!(client("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            client("::ffff:127.0.0.1", &["203.0.113.9, 198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            client("127.0.0.1", &["203.0.113.9", "198.51.100.1, 10.1.2.3"]),
            "198.51.100.1"
        );
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
    }

    #[test]
    fn where_proxies_say_nothing_that_can_be_read_the_last_known_one_counts() {
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["198.51.100.1, unknown"]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["unknown, 10.0.0.7"]), "10.0.0.7");
    }
}
