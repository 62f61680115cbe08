//! The `X-Twilio-Signature` of a request, after Twilio's page "Webhooks security".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Signs a request: base64 of HMAC-SHA1, keyed with the auth token, over the URL followed by each form field's name
/// and value in the order of the names. Repeated names count once for each different value.
///
/// A WebSocket upgrade and a GET have no fields. The URL is the public one as its owner wrote it, without user and
/// password.
pub(crate) fn sign(auth_token: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else {
        return String::new();
    };
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn twilios_published_example_gets_its_published_signature() {
        let fields = fields(&[
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("Caller", "+14158675310"),
            ("From", "+14158675310"),
        ]);
        let signature = sign("12345", "https://example.com/myapp.php?foo=1&bar=2", &fields);
        assert_eq!(signature, "L/OH5YylLD5NRKLltdqwSvS0BnU=");
    }

    #[test]
    fn a_field_repeated_with_one_value_counts_once() {
        let once = sign("k", "https://a.example/", &fields(&[("A", "1"), ("A", "2")]));
        let twice = sign(
            "k",
            "https://a.example/",
            &fields(&[("A", "2"), ("A", "1"), ("A", "2")]),
        );
        assert_eq!(once, twice);
    }
}
