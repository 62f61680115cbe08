//! `X-Twilio-Signature`: whether a request comes from Twilio.
//!
//! The signature is base64(HMAC(auth token, URL + the form's fields sorted by name)), after
//! <https://www.twilio.com/docs/usage/security>. The URL is the one Twilio called: our configured public origin with
//! the path and query as they came. What a proxy says of host and scheme is never looked at.

use super::{AuthToken, TwilioSettings, TwilioSetupError, check, under};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::{Choice, ConstantTimeEq};
use url::Url;

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";
/// The header that names key and algorithm if they are not the account's auth token and SHA-1.
pub const SIGNATURE_SETTINGS_HEADER: &str = "X-Twilio-Webhooks-Signature-Settings";

/// What a request carries besides its URL.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Nothing: a GET request.
    Nothing,
    /// The decoded fields of a form, in any order.
    Form(&'a [(String, String)]),
    /// A body that is no form. It is covered by its SHA-256 in the query (`bodySHA256`).
    Raw(&'a [u8]),
    /// Nothing: the upgrade to a WebSocket, whose URL Twilio signs as `wss`.
    Upgrade,
}

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Path and query exactly as received.
    pub path_and_query: &'a str,
    /// What else is signed.
    pub content: Content<'a>,
    /// Value of [`SIGNATURE_HEADER`].
    pub signature: Option<&'a str>,
    /// Value of [`SIGNATURE_SETTINGS_HEADER`].
    pub settings: Option<&'a str>,
}

/// Why a request is not taken for Twilio's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// There is no signature.
    #[error("the request carries no X-Twilio-Signature")]
    Missing,
    /// The signature is of another kind than those known here.
    #[error("the request is signed with an algorithm that is not supported")]
    UnknownAlgorithm,
    /// The signature was made with another key, over another URL or over other fields.
    #[error("the request's X-Twilio-Signature does not fit; check the auth token and the public URL")]
    Mismatch,
}

/// Validates signatures with our keys over our public origin. There is no way to switch it off.
#[derive(Clone, Debug)]
pub struct SignatureValidator {
    /// Every form in which Twilio may write our origin: with and without the port.
    origins: Vec<String>,
    /// The same for a WebSocket.
    socket_origins: Vec<String>,
    keys: Vec<AuthToken>,
}

impl SignatureValidator {
    /// A validator for the account and the public origin of these settings.
    ///
    /// # Errors
    /// [`TwilioSetupError`] if the settings cannot be used.
    pub fn new(settings: &TwilioSettings) -> Result<Self, TwilioSetupError> {
        check(settings)?;
        let keys = std::iter::once(&settings.auth_token).chain(&settings.other_auth_token);
        Ok(Self {
            origins: spellings(&settings.public_url, false),
            socket_origins: spellings(&settings.public_url, true),
            keys: keys.cloned().collect(),
        })
    }

    /// Says whether the request was signed by Twilio. Takes as long for a wrong signature as for a right one.
    ///
    /// # Errors
    /// [`SignatureFault`] if it was not.
    pub fn verify(&self, request: &SignedRequest<'_>) -> Result<(), SignatureFault> {
        let algorithm = Algorithm::named_in(request.settings).ok_or(SignatureFault::UnknownAlgorithm)?;
        let given = request.signature.ok_or(SignatureFault::Missing)?;
        let given = STANDARD.decode(given).map_err(|_| SignatureFault::Mismatch)?;

        let body_fits = match request.content {
            Content::Raw(body) => body_hash_fits(request.path_and_query, body),
            Content::Nothing | Content::Form(_) | Content::Upgrade => Choice::from(1),
        };
        let fields = match request.content {
            Content::Form(fields) => sorted_fields(fields),
            Content::Nothing | Content::Raw(_) | Content::Upgrade => String::new(),
        };
        let (origins, paths) = match request.content {
            Content::Upgrade => (&self.socket_origins, with_and_without_slash(request.path_and_query)),
            _ => (&self.origins, vec![request.path_and_query.to_owned()]),
        };

        let mut fits = Choice::from(0);
        for key in &self.keys {
            for origin in origins {
                for path in &paths {
                    let expected = algorithm.sign(key, &[origin, path, &fields]);
                    fits |= expected.ct_eq(given.as_slice());
                }
            }
        }
        if bool::from(fits & body_fits) {
            Ok(())
        } else {
            Err(SignatureFault::Mismatch)
        }
    }
}

/// What a signature is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Reads the settings header (`key=…,algorithm=…`); SHA-1 without one, `None` for a name not known.
    fn named_in(settings: Option<&str>) -> Option<Self> {
        let name = settings.unwrap_or_default().split(',').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim() == "algorithm" && !value.trim().is_empty()).then(|| value.trim())
        });
        match name {
            None => Some(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => Some(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => Some(Self::Sha256),
            Some(_) => None,
        }
    }

    fn sign(self, key: &AuthToken, parts: &[&str]) -> Vec<u8> {
        match self {
            Self::Sha1 => authenticate::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => authenticate::<Hmac<Sha256>>(key, parts),
        }
    }
}

fn authenticate<M: Mac + KeyInit>(key: &AuthToken, parts: &[&str]) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104), so there is no error to report; an empty code fits nothing.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.expose().as_bytes()) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

/// Every way to write an origin: as it is, with its port whatever it is, and without.
fn spellings(public_url: &Url, socket: bool) -> Vec<String> {
    let whole = under(public_url, "");
    let port = public_url.port_or_known_default();
    let scheme = match (socket, public_url.scheme()) {
        (false, scheme) => scheme,
        (true, "http") => "ws",
        (true, _) => "wss",
    };
    let host = public_url.host_str().unwrap_or_default();
    let path = public_url.path().trim_end_matches('/');
    let rest = whole.split_once(':').map_or("", |(_, rest)| rest);
    let spellings = [
        Some(format!("{scheme}:{rest}")),
        port.map(|port| format!("{scheme}://{host}:{port}{path}")),
        Some(format!("{scheme}://{host}{path}")),
    ];
    BTreeSet::from_iter(spellings.into_iter().flatten())
        .into_iter()
        .collect()
}

/// The path as it came, and with a slash at its end: Twilio signs a WebSocket's URL either way.
fn with_and_without_slash(path_and_query: &str) -> Vec<String> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (path_and_query, String::new()),
    };
    vec![path_and_query.to_owned(), format!("{path}/{query}")]
}

/// Names and values, sorted by name and then by value; a pair that comes twice is signed once.
fn sorted_fields(fields: &[(String, String)]) -> String {
    let sorted: BTreeSet<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    sorted.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// Whether the query's `bodySHA256` is the hash of the body. Without one the body is not covered by the signature.
fn body_hash_fits(path_and_query: &str, body: &[u8]) -> Choice {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    let given = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let actual = hex(&Sha256::digest(body));
    match given {
        Some((_, given)) => given.to_ascii_lowercase().as_bytes().ct_eq(actual.as_bytes()),
        None => Choice::from(0),
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
