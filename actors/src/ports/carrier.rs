//! The telephone company.

use crate::domain::{AttemptId, CallSid, CampaignId, CarrierStatus, ContactId, Language, PhoneNumber, VoicemailPolicy};
use async_trait::async_trait;

/// A call to be placed.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Travels in the path of the callbacks' URLs.
    pub attempt: AttemptId,
    /// Of which campaign; sent as the stream parameter `campaign`.
    pub campaign: CampaignId,
    /// To which contact; sent as the stream parameter `contact`. Our own id, never a number.
    pub contact: ContactId,
    /// What is spoken; sent as the stream parameter `language`.
    pub language: Language,
    /// Called number.
    pub to: PhoneNumber,
    /// Calling number.
    pub from: PhoneNumber,
    /// The one-time media token, sent as the stream parameter `token`. Never logged.
    pub media_token: String,
    /// How long it may ring, in seconds (Twilio `Timeout`).
    pub ring_timeout_seconds: u32,
    /// Longest call in seconds after the answer (Twilio `TimeLimit`).
    pub time_limit_seconds: u32,
    /// Whether the carrier is asked if a machine answered; it says so later, by callback.
    pub answer_detection: AnswerDetection,
    /// UTC milliseconds after which the call must not begin: the end of the window. A call that the carrier would
    /// hold back beyond it is taken back. `None`: no such limit.
    pub latest_start_ms: Option<i64>,
}

/// What the carrier is to find out about who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerDetection {
    /// Nothing.
    Off,
    /// Whether it is a machine, as soon as that is known (Twilio `MachineDetection=Enable`): for hanging up.
    Machine,
    /// Whether it is a machine, once its greeting has ended (Twilio `DetectMessageEnd`): for leaving a message.
    MessageEnd,
}

impl AnswerDetection {
    /// What a campaign with this policy needs to know.
    pub fn serving(policy: &VoicemailPolicy) -> Self {
        match policy {
            VoicemailPolicy::HangUp => Self::Machine,
            VoicemailPolicy::LeaveMessage(_) => Self::MessageEnd,
        }
    }
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
    /// Called number, where the carrier names one.
    pub to: Option<PhoneNumber>,
    /// Calling number, where the carrier names one.
    pub from: Option<PhoneNumber>,
    /// When the carrier took it, UTC milliseconds, to the second.
    pub created_at_ms: Option<i64>,
}

/// A change of a call that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallUpdate {
    /// Take it back if nobody has answered yet; a call in progress goes on (Twilio `Status=canceled`). Whether it was
    /// taken back, the answer's status or [`CarrierError::NotInProgress`] says.
    Cancel,
    /// End it, whatever its state (Twilio `Status=completed`).
    Complete,
    /// Follow these instructions in place of the present ones, in the carrier's own language (TwiML, at most 4,000
    /// characters).
    Instructions(String),
}

/// Which calls are listed.
#[derive(Clone, Debug)]
pub struct CallQuery {
    /// Called number.
    pub to: PhoneNumber,
    /// Calling number; `None`: any.
    pub from: Option<PhoneNumber>,
    /// Only those in this status.
    pub status: Option<CarrierStatus>,
    /// Only those begun on this UTC day or later, as any moment of that day in UTC milliseconds: the carrier filters
    /// by days. Calls that have not begun are no calls of a day; leave it out to see those too.
    pub started_since_ms: Option<i64>,
}

/// How far a carrier's refusal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopScope {
    /// No call of the account succeeds: wrong credentials, suspended, out of money.
    Account,
    /// No call from this calling number succeeds: not ours, or not verified.
    CallerId,
    /// No call to this country or range succeeds until an operator allows it.
    Destination,
}

/// Why the carrier did not do as asked. The variants are what callers act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// Nothing was done; the same request may be sent again later.
    #[error("the carrier asks to slow down (code {code:?})")]
    RateLimited {
        /// The carrier's error code if it gave one.
        code: Option<u32>,
    },
    /// Nothing was done, and the called number will never do: it does not exist, cannot be reached, or may not be
    /// called. Another attempt to it is of no use.
    #[error("the carrier cannot call this number: {message} (code {code})")]
    BadNumber {
        /// The carrier's error code.
        code: u32,
        /// The carrier's words, with numbers masked.
        message: String,
    },
    /// Nothing was done, and nothing will be until an operator has seen to it; the number is not at fault.
    #[error("the carrier refuses until an operator acts: {message} (HTTP {http}, code {code:?}); {}", remedy(*scope))]
    Stopped {
        /// What no longer works.
        scope: StopScope,
        /// HTTP status.
        http: u16,
        /// The carrier's error code if it gave one.
        code: Option<u32>,
        /// The carrier's words, with numbers masked.
        message: String,
    },
    /// Nothing was done, and repeating this request will not help.
    #[error("the carrier refused: {message} (HTTP {http}, code {code:?})")]
    Refused {
        /// HTTP status; 0 if it was refused here, before it was sent.
        http: u16,
        /// The carrier's error code if it gave one.
        code: Option<u32>,
        /// The carrier's words, with numbers masked.
        message: String,
    },
    /// The call is unknown to the carrier, or already over, or answered where only an unanswered one could be changed
    /// (Twilio 20404, 21220).
    #[error("the carrier has no such call in progress (code {code:?})")]
    NotInProgress {
        /// The carrier's error code if it gave one.
        code: Option<u32>,
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

/// What an operator can do.
fn remedy(scope: StopScope) -> &'static str {
    match scope {
        StopScope::Account => {
            "check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and the account's state in the carrier's console"
        }
        StopScope::CallerId => "choose a caller_id that the account owns or has verified",
        StopScope::Destination => "allow the country among the geographic permissions in the carrier's console",
    }
}

/// What is done after a request to place a call has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing was done: the same call may be placed later.
    RetryLater,
    /// This number is never called again.
    NumberIsBad,
    /// Nothing is placed within this scope until an operator has acted; contacts are left as they are.
    Stop(StopScope),
    /// This attempt has failed; the number may be tried again by the usual rules.
    AttemptFailed,
    /// A call may have been placed: reconciled, never repeated.
    Reconcile,
}

impl CarrierError {
    /// What follows from this answer to a request to place a call.
    pub fn advice(&self) -> Advice {
        match self {
            Self::RateLimited { .. } | Self::Unreachable { .. } => Advice::RetryLater,
            Self::BadNumber { .. } => Advice::NumberIsBad,
            Self::Stopped { scope, .. } => Advice::Stop(*scope),
            Self::Refused { .. } | Self::NotInProgress { .. } => Advice::AttemptFailed,
            Self::Unclear { .. } => Advice::Reconcile,
        }
    }
}

/// The carrier.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Places a call: exactly one request, never repeated.
    async fn create_call(&self, call: NewCall) -> Result<CarrierCall, CarrierError>;

    /// Changes a call.
    async fn update_call(&self, sid: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError>;

    /// Reads a call's state.
    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError>;

    /// Lists calls, the newest first, every page of them. Reading twice does no harm.
    async fn list_calls(&self, query: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError>;

    /// Ends a call whatever its state.
    async fn complete_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError> {
        self.update_call(sid, CallUpdate::Complete).await
    }
}
