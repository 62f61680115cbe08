//! What is kept. Each method is one atomic use case; correctness (claims, one-time tokens, idempotency) lives here.
//! Times are UTC milliseconds since 1970.

mod accounts;
mod audit;
mod catalog;
mod costs;
mod dialer;
mod exclusions;
mod idempotency;
mod people;
mod purge;
mod statistics;

pub use accounts::{
    AccountStore, ApiToken, LoginAttempt, MOST_TOKENS, NewSession, NewToken, Session, SignIn, TokenCursor, User,
};
pub use audit::{AuditEntry, AuditQuery, AuditRow, AuditStore};
pub use catalog::{CampaignChange, CampaignCursor, CampaignQuery, CampaignRecord, CatalogStore, EditRefusal};
pub use costs::{
    CallCursor, CallTotals, CallUse, CarrierTotal, CostQuery, CostStore, CostTotals, LatencyCount, ServiceTotal,
    TurnPart,
};
pub use dialer::{
    CampaignState, ClaimRefusal, ContactCounts, ContactImport, DayCount, DialClaim, DialerStore, DueContact, DueQuery,
    DueSnapshot, Eligibility, ImportReport, InFlightAttempt, Leadership, LifecycleChange, ModeCounts, OptOutReport,
    RecordedUsage, RegistryScrub, SubmitRefusal, SurveyEvent,
};
pub use exclusions::{ExclusionCursor, ExclusionQuery, ExclusionSource, ExclusionStore, RemovalRefusal};
pub use idempotency::{IdempotencyStore, KeptAnswer, KeyState, KeyedRequest};
pub use people::{
    BatchReport, ContactCursor, ContactFilter, ContactOrder, ContactQuery, ContactRecord, ContactRefusal, ImportBatch,
    ImportCursor, ImportRecord, ImportState, PeopleStore, RowCounts, RowRejection,
};
pub use purge::PurgeCounts;
pub use statistics::{
    AttemptCount, CampaignCounts, DayTally, ExportQuery, ExportRow, ExportStamp, MOST_VALUES, NumberSummary,
    QuestionCounts, StatisticsStore,
};

use super::service_use::{ServiceUse, UsedService};
use crate::domain::{
    AccountSid, Answer, AnsweredBy, AttemptId, AttemptState, CallSid, CallbackRequest, Campaign, CampaignId,
    CarrierStatus, ConsentEvidence, ContactId, Disposition, EmailAddress, EndReason, Language, MachineVerdict, Mode,
    Outcome, PersonName, PhoneNumber, StreamSid,
};
use async_trait::async_trait;

/// Why the store did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The row asked for does not exist.
    #[error("no such {what}: {id}")]
    NotFound {
        /// Kind of row.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A rule of the data forbids it (a duplicate, a wrong state, do-not-call).
    #[error("not possible: {reason}")]
    Conflict {
        /// Which rule.
        reason: String,
    },
    /// The database is away or overloaded; the same call may succeed later.
    #[error("the database is not available: {reason}")]
    Unavailable {
        /// What happened, without values.
        reason: String,
    },
    /// The database answered in a way we do not understand, or holds a value we cannot read.
    #[error("the database holds or said something unexpected: {reason}")]
    Corrupt {
        /// What.
        reason: String,
    },
}

/// A contact to be added.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// Its id.
    pub id: ContactId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The number; unique within the campaign.
    pub number: PhoneNumber,
    /// The customer's own id for the person.
    pub external_id: Option<String>,
    /// The person's name, to greet them by.
    pub name: Option<PersonName>,
    /// Where to write to the person.
    pub email: Option<EmailAddress>,
    /// The language to begin in; `None`: the campaign's.
    pub language: Option<Language>,
}

/// A contact.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The number.
    pub number: PhoneNumber,
    /// The customer's own id for the person.
    pub external_id: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
}

/// An attempt to be written before the carrier is called.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// To which contact.
    pub contact: ContactId,
    /// How real.
    pub mode: Mode,
    /// SHA-256 of the media token, hexadecimal.
    pub token_hash: String,
    /// Until when the token may be used.
    pub token_expires_at_ms: i64,
}

/// What came of asking the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// Taken.
    Accepted {
        /// The carrier's id.
        sid: CallSid,
    },
    /// Unclear: reconciled later, never repeated.
    Unknown,
    /// Not placed; the attempt ends as failed.
    Refused {
        /// Why, for people.
        reason: String,
        /// What that says of the number: [`Disposition::TechnicalProblem`] if nothing,
        /// [`Disposition::NonWorkingNumber`] if it is never to be called again, [`Disposition::NotAttempted`] if the
        /// fault has nothing to do with this attempt, which then is not one of those a contact has.
        disposition: Disposition,
    },
}

/// Who presents a media token.
#[derive(Clone, Debug)]
pub struct MediaTokenClaim {
    /// From the verified token.
    pub attempt: AttemptId,
    /// SHA-256 of the token, hexadecimal.
    pub token_hash: String,
    /// From the stream's `start`.
    pub call_sid: CallSid,
    /// From the stream's `start`; compared with ours before this is asked, kept here for the record.
    pub account_sid: AccountSid,
    /// From the stream's `start`.
    pub stream_sid: StreamSid,
}

/// Why a token does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// No such attempt, or another token.
    #[error("unknown token")]
    Unknown,
    /// Used before.
    #[error("token already used")]
    Used,
    /// Too late.
    #[error("token expired")]
    Expired,
    /// The attempt is bound to another call id.
    #[error("token bound to another call")]
    OtherCall,
    /// The attempt is over.
    #[error("attempt already over")]
    Over,
    /// Its number came onto do-not-call while it rang.
    #[error("number on do-not-call")]
    DoNotCall,
}

/// What a call actor needs to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedCall {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its contact.
    pub contact: ContactId,
    /// The carrier's id for the call.
    pub call_sid: CallSid,
    /// How real.
    pub mode: Mode,
    /// What the carrier's machine detection has said already, on whatever node.
    pub machine: Option<MachineVerdict>,
    /// The contact's name, to greet them by.
    pub name: Option<PersonName>,
    /// The language that the contact chose beforehand.
    pub language: Option<Language>,
}

/// A carrier's status callback, verified.
#[derive(Clone, Debug)]
pub struct StatusCallback {
    /// From the URL's path.
    pub attempt: AttemptId,
    /// The carrier's id for the call.
    pub call_sid: CallSid,
    /// The status.
    pub status: CarrierStatus,
    /// Twilio's `SequenceNumber`, from 0; `None` if absent.
    pub sequence: Option<u32>,
    /// Length of the call in seconds (terminal callbacks).
    pub call_duration_seconds: Option<u32>,
    /// SIP response code if the carrier gave one.
    pub sip_code: Option<u16>,
}

/// What a callback changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackEffect {
    /// Seen before (same call and sequence): nothing changed.
    Duplicate,
    /// Kept, but a later status was known already.
    Stale,
    /// The attempt's carrier status moved on.
    Advanced,
    /// The status is terminal and no conversation was or will be: the attempt has been ended in the same
    /// transaction (busy, no answer, failed, cancelled; or completed without a stream).
    Ended,
}

/// An asynchronous machine-detection callback, verified.
#[derive(Clone, Debug)]
pub struct MachineDetection {
    /// From the URL's path.
    pub attempt: AttemptId,
    /// The carrier's id for the call.
    pub call_sid: CallSid,
    /// What it says.
    pub verdict: MachineVerdict,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptSpeaker {
    /// We.
    Agent,
    /// The person called.
    Caller,
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TranscriptLine {
    /// Milliseconds since the stream's start.
    pub at_ms: u64,
    /// Who.
    pub speaker: TranscriptSpeaker,
    /// What was said; of the agent's words only what was heard by the caller.
    pub text: String,
    /// Recogniser's confidence; `None` for the agent and for keys.
    pub confidence: Option<f32>,
}

/// How long one turn took, in parts that add up to `total_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TurnLatency {
    /// Which turn of the call, from 0.
    pub turn: u32,
    /// From the end of speech to the end-point.
    pub endpoint_ms: u32,
    /// From the end-point to the recogniser's result.
    pub recognition_ms: u32,
    /// In which a language model was asked what the words mean; 0 where none was.
    #[serde(default)]
    pub understanding_ms: u32,
    /// From the result to the dialogue's decision, without the understanding.
    pub decision_ms: u32,
    /// From the decision to the first audio handed to the socket.
    pub first_audio_ms: u32,
    /// From the end of speech to the first audio.
    pub total_ms: u32,
}

/// Everything a finished conversation leaves behind; written in one transaction.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The attempt.
    pub attempt: AttemptId,
    /// What came of it.
    pub outcome: Outcome,
    /// Standard code.
    pub disposition: Disposition,
    /// Why it ended.
    pub end_reason: EndReason,
    /// Who took the call.
    pub answered_by: AnsweredBy,
    /// Consent or refusal; `None` if it never came to that.
    pub consent: Option<ConsentEvidence>,
    /// Answers, at most three.
    pub answers: Vec<Answer>,
    /// The language of the call at its end; `None` if nothing was spoken.
    pub language: Option<Language>,
    /// What was said.
    pub transcript: Vec<TranscriptLine>,
    /// Per-turn latency.
    pub latencies: Vec<TurnLatency>,
    /// What was used of services.
    pub service_use: Vec<(UsedService, ServiceUse)>,
    /// The person's wish to be called at another time.
    pub callback_request: Option<CallbackRequest>,
    /// True if the person asked for removal: written to do-not-call in this transaction too, whatever happened
    /// to the earlier, separate write.
    pub do_not_call: bool,
    /// When it ended.
    pub ended_at_ms: i64,
}

/// A do-not-call entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoNotCallEntry {
    /// The number.
    pub number: PhoneNumber,
    /// Why.
    pub source: ExclusionSource,
    /// From which attempt, if in a call.
    pub attempt: Option<AttemptId>,
    /// Since when.
    pub added_at_ms: i64,
}

/// An attempt as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its contact.
    pub contact: ContactId,
    /// First attempt to a contact is 1.
    pub number: u32,
    /// How real.
    pub mode: Mode,
    /// State between us and the carrier.
    pub state: AttemptState,
    /// The carrier's id once known.
    pub call_sid: Option<CallSid>,
    /// The carrier's last word.
    pub carrier_status: Option<CarrierStatus>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Standard code.
    pub disposition: Option<Disposition>,
    /// Who took the call; `None` if it has not ended, nobody took it, or it was before that was kept.
    pub answered_by: Option<AnsweredBy>,
    /// Written at.
    pub created_at_ms: i64,
    /// Ended at.
    pub ended_at_ms: Option<i64>,
}

/// One contact's result.
#[derive(Clone, Debug)]
pub struct ResultRow {
    /// The contact.
    pub contact: Contact,
    /// Its last attempt, if any.
    pub attempt: Option<AttemptRow>,
    /// Consent or refusal.
    pub consent: Option<ConsentEvidence>,
    /// Answers in the order of the questions.
    pub answers: Vec<Answer>,
    /// The language of the last call at its end; `None` if there was none, or it was before that was kept.
    pub language: Option<Language>,
    /// The time the person asked to be called back at, as said.
    pub callback_request: Option<String>,
    /// When the person will be called again; `None` if never, or not called yet.
    pub next_call: Option<NextCall>,
    /// True if the number is on do-not-call now.
    pub do_not_call: bool,
}

/// When somebody is due to be called again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextCall {
    /// From when on, in UTC milliseconds; the calling window and the limits decide besides.
    pub not_before_ms: i64,
    /// IANA zone by which the person's time is read: the contact's, else the campaign's.
    pub zone: String,
}

/// Campaigns.
#[async_trait]
pub trait CampaignStore: Send + Sync {
    /// Writes a campaign, replacing one of the same id only if none of its attempts is open.
    async fn put_campaign(&self, campaign: &Campaign, now_ms: i64) -> Result<(), StoreError>;
    /// Reads a campaign.
    async fn campaign(&self, id: &CampaignId) -> Result<Option<Campaign>, StoreError>;
}

/// Contacts.
#[async_trait]
pub trait ContactStore: Send + Sync {
    /// Adds contacts; a number the campaign has already is left as it is. Returns how many were new.
    async fn add_contacts(&self, contacts: &[NewContact], now_ms: i64) -> Result<u64, StoreError>;
    /// Contacts of a campaign, in the order they were added.
    async fn contacts(&self, campaign: &CampaignId) -> Result<Vec<Contact>, StoreError>;
}

/// Attempts: from the plan to the end.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Writes an attempt as `planned`, gives it the contact's next number, and counts it with the contact, in one
    /// transaction. `Conflict` if the number is on do-not-call or an attempt to it is open.
    async fn create_attempt(&self, attempt: NewAttempt, now_ms: i64) -> Result<AttemptRow, StoreError>;
    /// `planned` to `submitting`. `Conflict` if it is not planned, or the number came onto do-not-call meanwhile
    /// (the attempt is then ended as never called).
    async fn mark_submitting(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError>;
    /// Keeps what the carrier answered. A callback that came first is not overwritten (L21).
    async fn record_submission(
        &self,
        attempt: &AttemptId,
        submission: Submission,
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// Uses up a media token: one conditional update, so that of any number of nodes exactly one admits. The
    /// attempt becomes `live`; its call id is bound if the carrier's reply has not come yet.
    async fn consume_media_token(
        &self,
        claim: &MediaTokenClaim,
        now_ms: i64,
    ) -> Result<Result<AdmittedCall, TokenRefusal>, StoreError>;
    /// Takes a status callback, idempotent on (call, sequence) and independent of order. A terminal status ends
    /// the attempt unless it is `live` (then the call actor or its death watch does).
    async fn record_callback(&self, callback: &StatusCallback, now_ms: i64) -> Result<CallbackEffect, StoreError>;
    /// Keeps a machine-detection verdict. False if the same one was known.
    async fn record_machine_detection(&self, detection: &MachineDetection, now_ms: i64) -> Result<bool, StoreError>;
    /// Writes everything a call left behind and ends the attempt, in one transaction. The first report wins: false
    /// if the attempt had ended already (its do-not-call wish is written all the same).
    async fn record_outcome(&self, report: &CallReport) -> Result<bool, StoreError>;
    /// Reads an attempt.
    async fn attempt(&self, id: &AttemptId) -> Result<Option<AttemptRow>, StoreError>;
    /// Every attempt that is not `ended`, oldest first.
    async fn open_attempts(&self) -> Result<Vec<AttemptRow>, StoreError>;
}

/// Do-not-call: permanent, global, keyed by number.
#[async_trait]
pub trait DoNotCallStore: Send + Sync {
    /// Adds the number of an attempt's contact. Idempotent.
    async fn add_do_not_call_by_attempt(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError>;
    /// Adds a number. True if it was new.
    async fn add_do_not_call(&self, entry: &DoNotCallEntry) -> Result<bool, StoreError>;
    /// Whether a number is on the list.
    async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, StoreError>;
}

/// Results and their retention.
#[async_trait]
pub trait ResultStore: Send + Sync {
    /// One row per contact, in the order the contacts were added.
    async fn results(&self, campaign: &CampaignId) -> Result<Vec<ResultRow>, StoreError>;
    /// A call's transcript in order.
    async fn transcript(&self, attempt: &AttemptId) -> Result<Vec<TranscriptLine>, StoreError>;
    /// A call's turn latencies in order.
    async fn latencies(&self, attempt: &AttemptId) -> Result<Vec<TurnLatency>, StoreError>;
    /// Removes transcripts and verbatim words of attempts that ended before `before_ms`. Not one step but many: what a purge
    /// that fails has removed stays removed, and the next one removes the rest.
    async fn purge(&self, before_ms: i64) -> Result<PurgeCounts, StoreError>;
    /// Removes what the registry said before `before_ms` of numbers; returns of how many. As [`ResultStore::purge`], which
    /// empties the log for both: to be asked first.
    async fn purge_scrubs(&self, before_ms: i64) -> Result<u64, StoreError>;
}

/// All of it.
pub trait Store: CampaignStore + ContactStore + AttemptStore + DoNotCallStore + ResultStore + 'static {}

impl<T> Store for T where T: CampaignStore + ContactStore + AttemptStore + DoNotCallStore + ResultStore + 'static {}
