//! The telephone company.

use crate::domain::{AttemptId, CallSid, CarrierStatus, PhoneNumber};
use async_trait::async_trait;

/// A call to be placed.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Travels in the path of the status callback's URL.
    pub attempt: AttemptId,
    /// Called number.
    pub to: PhoneNumber,
    /// Calling number.
    pub from: PhoneNumber,
    /// The one-time media token, sent as a stream `<Parameter>` named `token`. Never logged.
    pub media_token: String,
    /// How long it may ring, in seconds (Twilio `Timeout`).
    pub ring_timeout_seconds: u32,
    /// Longest call in seconds after the answer (Twilio `TimeLimit`).
    pub time_limit_seconds: u32,
    /// Ask the carrier whether a machine answered, asynchronously.
    pub machine_detection: bool,
}

/// What the carrier says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierCall {
    /// The carrier's id.
    pub sid: CallSid,
    /// Its status; `None` for a word we do not know.
    pub status: Option<CarrierStatus>,
    /// How long the carrier expects to queue it, in milliseconds.
    pub queue_time_ms: Option<u64>,
}

/// Why the carrier did not do as asked. The variants are what callers act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// Nothing was done; the same request may be sent again later (HTTP 429).
    #[error("the carrier asks to slow down (code {code:?})")]
    RateLimited {
        /// The carrier's error code if it gave one.
        code: Option<u32>,
    },
    /// Nothing was done, and repeating will not help.
    #[error("the carrier refused: {message} (HTTP {http}, code {code:?})")]
    Refused {
        /// HTTP status.
        http: u16,
        /// The carrier's error code if it gave one.
        code: Option<u32>,
        /// The carrier's words, with numbers masked.
        message: String,
    },
    /// The call is unknown to the carrier, or already over (Twilio 20404, 21220).
    #[error("the carrier has no such call in progress (code {code:?})")]
    NotInProgress {
        /// The carrier's error code if it gave one.
        code: Option<u32>,
    },
    /// Account or key is wrong (HTTP 401, 403).
    #[error(
        "the carrier does not accept our credentials (HTTP {http}); check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
    )]
    Credentials {
        /// HTTP status.
        http: u16,
    },
    /// The request may or may not have been carried out: time-out, broken connection, 5xx, unreadable answer.
    /// **A creation is never repeated after this.**
    #[error("the carrier's answer is unclear: {reason}")]
    Unclear {
        /// What happened.
        reason: String,
    },
    /// The request never left: nothing was done.
    #[error("the carrier cannot be reached: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
    },
}

/// The carrier.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Places a call: exactly one request, never repeated.
    async fn create_call(&self, call: NewCall) -> Result<CarrierCall, CarrierError>;

    /// Reads a call's state.
    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError>;

    /// Ends a call whatever its state.
    async fn complete_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError>;
}
