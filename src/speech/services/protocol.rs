//! What a streaming service's protocol has to say for itself. All of it is pure: no I/O, no clock.

use reqwest::header::HeaderMap;
use samvad_actors::domain::Language;
use samvad_actors::ports::{Heard, RecognizerError};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use url::Url;

/// A service, as far as its protocol goes.
pub(super) trait Protocol: Send + Sync + 'static {
    /// A short name for logs and figures.
    fn name(&self) -> &'static str;

    /// The model it is asked for.
    fn model(&self) -> &str;

    /// How the service writes a language; connections are kept apart by it. [`RecognizerError::Unsupported`] if it is
    /// known not to have it.
    fn language_tag(&self, language: &Language) -> Result<String, RecognizerError>;

    /// Where to connect for a language, and with which headers. The scheme is `https`, or `http` on this machine.
    fn endpoint(&self, tag: &str) -> (Url, HeaderMap);

    /// The state of one connection.
    fn session(&self, tag: &str) -> Box<dyn Session>;

    /// How its connections are kept.
    fn habits(&self) -> Habits;
}

/// How connections of a service are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Habits {
    /// Between two signs of life on a connection that is not used.
    pub keep_alive: Duration,
    /// A connection that is older is used no more.
    pub oldest: Duration,
    /// Whether it shows what it hears within a second or two of audio, words or not.
    pub shows_partials: bool,
}

/// What a message of the service means.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Event {
    /// Nothing to us.
    Nothing,
    /// The words so far; perhaps none yet.
    Partial(String),
    /// The utterance is recognised.
    Result(Heard),
    /// The connection is of no more use.
    Failed(RecognizerError),
}

/// One connection, over which one utterance after the other goes. What is to be sent is appended to `out`.
pub(super) trait Session: Send {
    /// The connection is open.
    fn open(&mut self, out: &mut Vec<Message>);

    /// Whether utterances may begin; asked after every message.
    fn is_ready(&self) -> bool;

    /// An utterance begins.
    fn begin(&mut self, out: &mut Vec<Message>);

    /// Takes audio of the utterance: 8 kHz linear samples.
    fn audio(&mut self, samples: &[i16], out: &mut Vec<Message>);

    /// The utterance is over, and its result is wanted.
    fn end(&mut self, out: &mut Vec<Message>);

    /// Takes a text message.
    fn receive(&mut self, text: &str) -> Event;

    /// All of the utterance so far is final: at its end, [`Session::settle`] need not wait for more.
    fn is_complete(&self) -> bool {
        false
    }

    /// Nothing has come for [`SETTLE`] since the end: the result, if all of it has come already.
    fn settle(&mut self) -> Option<Heard> {
        None
    }

    /// A sign of life between utterances.
    fn keep_alive(&self) -> Message;
}

/// See [`Session::settle`].
pub(super) const SETTLE: Duration = Duration::from_millis(400);

/// What a service wrote about a fault, as far as it is a word of its own protocol: a code, no sentence, which could
/// repeat a key or what was said.
pub(crate) fn code_of(text: &str) -> &str {
    let is_code = !text.is_empty()
        && text.len() <= 48
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_code { text } else { "without a code" }
}

/// Whether a code tells that the account's quota or credit is used up, which some services tell of with 401 or 429.
pub(crate) fn is_of_credit(code: &str) -> bool {
    let lower = code.to_ascii_lowercase();
    let words = ["quota", "credit", "payment", "billing", "balance"];
    words.iter().any(|word| lower.contains(word))
}

/// The error that a code stands for: quota, rate, key and the like are refusals, all else is a loss.
pub(super) fn fault_of(code: &str) -> RecognizerError {
    const REFUSALS: [&str; 12] = [
        "auth",
        "key",
        "quota",
        "rate",
        "limit",
        "credit",
        "payment",
        "billing",
        "permission",
        "forbidden",
        "model",
        "invalid",
    ];
    let lower = code.to_ascii_lowercase();
    let reason = format!("it reports an error, {}", code_of(code));
    let is_refusal = !lower.contains("unavailable") && REFUSALS.iter().any(|word| lower.contains(word));
    match is_refusal {
        true => RecognizerError::Refused { reason },
        false => RecognizerError::Lost { reason },
    }
}

/// What cannot be read.
pub(super) fn unreadable() -> Event {
    Event::Failed(RecognizerError::Lost {
        reason: "it sends what is not of its protocol".to_owned(),
    })
}

/// What the end of a connection means: by RFC 6455, section 7.4.1, 1008 is a breach of policy (Sarvam: inactivity or
/// the longest session); Sarvam's 1003 is a key, quota or rate. A code at the start of the reason is told.
pub(super) fn closed(frame: Option<&CloseFrame>) -> RecognizerError {
    let Some(frame) = frame else {
        return RecognizerError::Lost {
            reason: "the connection is cut".to_owned(),
        };
    };
    let code = frame.reason.split([' ', ':']).next().unwrap_or_default();
    let reason = format!(
        "it closed the connection ({}, {})",
        u16::from(frame.code),
        code_of(code)
    );
    let refused = u16::from(frame.code) == 1003 || matches!(fault_of(code), RecognizerError::Refused { .. });
    match refused {
        true => RecognizerError::Refused { reason },
        false => RecognizerError::Lost { reason },
    }
}
