//! Twilio: the client of its Calls API, and the proof that a request comes from it.

mod client;
mod codes;
mod reply;
mod signature;
mod twiml;

pub use client::TwilioCarrier;
pub(crate) use signature::hex;
pub use signature::{
    Content, SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER, SignatureFault, SignatureValidator, SignedRequest,
};
pub(crate) use twiml::{Menu, hang_up_after, offer};

use samvad_actors::domain::AccountSid;
use std::fmt;
use std::time::Duration;
use url::{Host, Url};

/// Path of the media socket under the public URL.
pub const MEDIA_PATH: &str = "/twilio/media";
/// Path of the status callback under the public URL; the attempt's id follows.
pub const STATUS_PATH: &str = "/twilio/status";
/// Path of the machine-detection callback under the public URL; the attempt's id follows.
pub const MACHINE_DETECTION_PATH: &str = "/twilio/amd";
/// Path of the media stream's own status callback under the public URL; the attempt's id follows.
pub const STREAM_PATH: &str = "/twilio/stream";
/// Path under the public URL at which a call to one of our numbers asks what to do: the number's voice URL in Twilio's
/// console.
pub const INBOUND_PATH: &str = "/twilio/voice";
/// Path under the public URL to which a caller's key is told.
pub const INBOUND_KEY_PATH: &str = "/twilio/voice/key";
/// Numbers that nobody has and that may stand for a withheld one: ANONYMOUS, BLOCKED, RESTRICTED, UNAVAILABLE and UNKNOWN,
/// spelt on the keys of a telephone.
pub const WITHHELD_NUMBERS: [&str; 5] = ["+266696687", "+2562533", "+7378742833", "+86282452253", "+8656696"];
/// Name of the stream parameter that carries the media token.
pub const TOKEN_PARAMETER: &str = "token";

/// An auth token of a Twilio account. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthToken(String);

impl AuthToken {
    /// Wraps a token.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the request and the signature only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(***)")
    }
}

/// How to reach Twilio, and how Twilio reaches us.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// Where the API is: `https://api.twilio.com`, or whatever stands in for it. Plain HTTP only to this machine.
    pub api_base_url: Url,
    /// Our account.
    pub account_sid: AccountSid,
    /// Its primary auth token: signs our requests and theirs.
    pub auth_token: AuthToken,
    /// A second token that requests to us may be signed with while tokens are being rotated.
    pub other_auth_token: Option<AuthToken>,
    /// Our own origin as Twilio sees it, `https://…`, perhaps with a path in front of ours. Signatures are computed
    /// over it, never over the host a proxy hands us.
    pub public_url: Url,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer, the connection included.
    pub request_timeout: Duration,
}

impl TwilioSettings {
    /// Twilio's own API.
    pub const API_BASE_URL: &str = "https://api.twilio.com";
    /// Default of [`TwilioSettings::connect_timeout`].
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// Default of [`TwilioSettings::request_timeout`].
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

    /// A URL of ours that Twilio calls: a path under the public URL.
    pub fn own_url(&self, path: &str) -> String {
        under(&self.public_url, path)
    }
}

/// What is wrong with [`TwilioSettings`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwilioSetupError {
    /// A URL of a kind that cannot be used.
    #[error("{field}: {fault}; {remedy}")]
    Url {
        /// Which setting.
        field: &'static str,
        /// What is wrong with it.
        fault: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The account id is not one.
    #[error("account_sid: not a Twilio account id; write AC and 32 hexadecimal digits, as the Twilio console shows it")]
    AccountSid,
    /// A token is empty.
    #[error("auth_token: empty; copy it from the Twilio console")]
    AuthToken,
    /// The connection must be given up before the whole request is, or the two cannot be told apart.
    #[error("connect_timeout: not below request_timeout; choose a shorter one")]
    Timeouts,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {reason}; install the package ca-certificates")]
    Client {
        /// What happened.
        reason: String,
    },
}

/// Checks what is known before any request is made.
fn check(settings: &TwilioSettings) -> Result<(), TwilioSetupError> {
    check_url("api_base_url", &settings.api_base_url)?;
    check_url("public_url", &settings.public_url)?;
    let sid = settings.account_sid.as_str();
    let well_formed = sid.len() == 34 && sid.starts_with("AC") && sid.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
    if !well_formed {
        return Err(TwilioSetupError::AccountSid);
    }
    let mut tokens = std::iter::once(&settings.auth_token).chain(&settings.other_auth_token);
    if tokens.any(|token| token.expose().is_empty()) {
        return Err(TwilioSetupError::AuthToken);
    }
    if settings.connect_timeout >= settings.request_timeout {
        return Err(TwilioSetupError::Timeouts);
    }
    Ok(())
}

fn check_url(field: &'static str, url: &Url) -> Result<(), TwilioSetupError> {
    let fault = |fault, remedy| Err(TwilioSetupError::Url { field, fault, remedy });
    match url.scheme() {
        "https" if url.host().is_some() => {}
        "http" if is_loopback(url) => {}
        _ => return fault("neither https nor on this machine", "write https://HOST"),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return fault("has a query or a fragment", "leave them out");
    }
    Ok(())
}

/// True if the URL's host is this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The URL under a base, whose own path stays in front.
fn under(base: &Url, path: &str) -> String {
    let mut url = base.clone();
    // Refused only by URLs without a host, which `check_url` does not let in.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    format!("{}{path}", url.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TwilioSettings {
        TwilioSettings {
            api_base_url: Url::parse("https://api.twilio.com").expect("a URL"),
            account_sid: AccountSid::new(format!("AC{}", "0a".repeat(16))),
            auth_token: AuthToken::new("primary-secret"),
            other_auth_token: Some(AuthToken::new("other-secret")),
            public_url: Url::parse("https://voice.example.org").expect("a URL"),
            connect_timeout: TwilioSettings::CONNECT_TIMEOUT,
            request_timeout: TwilioSettings::REQUEST_TIMEOUT,
        }
    }

    #[test]
    fn an_auth_token_is_never_printed() {
        let printed = format!("{:?}", settings());
        assert!(!printed.contains("secret"), "{printed}");
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (url, good) in [
            ("https://api.twilio.com", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080/prefix", true),
            ("http://localhost", true),
            ("http://api.twilio.com", false),
            ("http://127.0.0.1.example.org", false),
            ("http://10.0.0.1", false),
            ("ws://127.0.0.1", false),
            ("https://example.org/?token=1", false),
        ] {
            let mut settings = settings();
            settings.api_base_url = Url::parse(url).expect("a URL");
            assert_eq!(check(&settings).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_fault_in_the_settings_is_named() {
        let mut wrong = settings();
        wrong.account_sid = AccountSid::new("AC12");
        assert_eq!(check(&wrong), Err(TwilioSetupError::AccountSid));
        let mut wrong = settings();
        wrong.other_auth_token = Some(AuthToken::new(""));
        assert_eq!(check(&wrong), Err(TwilioSetupError::AuthToken));
        let mut wrong = settings();
        wrong.connect_timeout = wrong.request_timeout;
        assert_eq!(check(&wrong), Err(TwilioSetupError::Timeouts));
        assert_eq!(check(&settings()), Ok(()));
    }

    #[test]
    fn a_path_goes_under_the_public_url_without_its_user_information() {
        for (base, url) in [
            ("https://voice.example.org", "https://voice.example.org/x"),
            (
                "https://voice.example.org:8443/calls/",
                "https://voice.example.org:8443/calls/x",
            ),
            (
                "https://user:pass@voice.example.org/calls",
                "https://voice.example.org/calls/x",
            ),
        ] {
            assert_eq!(under(&Url::parse(base).expect("a URL"), "/x"), url);
        }
    }
}
