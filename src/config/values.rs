//! The types of single settings, and how their text is read.

use super::reader::Invalid;
use samvad_actors::domain::PhoneNumber;
use std::fmt;
use url::{Host, Url};

/// The path of the media socket below the public URL.
pub const MEDIA_PATH: &str = "/twilio/media";

/// Where the carrier reaches the server: an origin, so `https` and a host, or `http` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        const REMEDY: &str = "write an origin such as https://calls.example.org, without path or query";
        let url = web_url(text, REMEDY)?;
        if url.path() != "/" {
            return Err(("has a path", REMEDY));
        }
        Ok(Self(url))
    }

    /// The origin without a slash at its end, for example `https://calls.example.org`.
    pub fn origin(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL of a path that starts with `/`.
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The media socket's URL: `wss`, or `ws` on this machine.
    pub fn media_socket(&self) -> String {
        format!("ws{}", self.with_path(MEDIA_PATH).trim_start_matches("http"))
    }

    /// True if it names this machine alone.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin())
    }
}

/// The carrier's API: its base URL, without a slash at its end.
pub(super) fn api_base_url(text: &str) -> Result<Url, Invalid> {
    const REMEDY: &str = "write https://api.twilio.com, or for a stand-in on this machine http://127.0.0.1:PORT";
    web_url(text, REMEDY)
}

/// True if a URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Telephone numbers with commas between them.
pub(super) fn phone_numbers(text: &str) -> Result<Vec<PhoneNumber>, Invalid> {
    let numbers = text.split(',').map(str::trim).filter(|number| !number.is_empty());
    numbers.map(PhoneNumber::parse).collect::<Result<_, _>>().map_err(|_| {
        (
            "holds what is no E.164 telephone number",
            "write for example +14155550123,+919812345678",
        )
    })
}

/// `https`, or `http` to this machine; no user, password, query or fragment.
pub(super) fn web_url(text: &str, remedy: &'static str) -> Result<Url, Invalid> {
    let url = Url::parse(text).map_err(|_| ("is not a URL", remedy))?;
    let fault = match url.scheme() {
        "https" | "http" if !url.has_host() => "names no host",
        "http" if !is_loopback(&url) => "is http to another machine",
        "https" | "http" if !url.username().is_empty() || url.password().is_some() => "holds a user or password",
        "https" | "http" if url.query().is_some() || url.fragment().is_some() => "has a query or fragment",
        "https" | "http" => return Ok(url),
        _ => "is neither https nor http",
    };
    Err((fault, remedy))
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(("names no format", "write json or text")),
        }
    }
}

pub(super) fn boolean(text: &str) -> Result<bool, Invalid> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(("is neither true nor false", "write true or false")),
    }
}

pub(super) fn is_account_sid(text: &str) -> bool {
    text.strip_prefix("AC")
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Bytes written in hexadecimal, at least 32 of them.
pub(super) fn key_from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() >= 64 && digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
/// A node's name: it stands in keys and logs.
pub(super) fn node_name(text: &str) -> Result<String, Invalid> {
    let well_formed = text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    well_formed.then(|| text.to_owned()).ok_or((
        "is not a name",
        "use at most 64 letters, digits, dots, dashes and underscores",
    ))
}

/// The machine's name, as far as it may be a node's.
pub(super) fn machine_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    node_name(&name).unwrap_or_else(|_| "node".to_owned())
}
