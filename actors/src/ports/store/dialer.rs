//! What the dialler asks of the store. Whoever leads a campaign does so under an epoch, and every write of the leader is
//! refused once the campaign's row knows a newer one: a lock elsewhere may have two holders, a row has one.

use super::{AttemptRow, AuditEntry, DoNotCallEntry, NewContact, StoreError};
use crate::domain::{
    AttemptId, CalendarDate, CampaignId, ContactId, Disposition, Language, Lifecycle, Mode, PersonName, PhoneNumber,
};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Who leads a campaign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leadership {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The node.
    pub node: String,
    /// Grows with every election.
    pub epoch: i64,
}

/// A campaign as the dialler sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CampaignState {
    /// Which.
    pub id: CampaignId,
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// Why, for people: "stopped", "most of the recent calls failed".
    pub reason: Option<String>,
    /// How real its attempts are.
    pub mode: Mode,
    /// When a scheduled one begins, UTC milliseconds.
    pub starts_at_ms: Option<i64>,
    /// Higher first.
    pub priority: i32,
    /// The newest leadership.
    pub epoch: i64,
    /// The node that leads, or led last.
    pub leader: Option<String>,
}

/// A change of a campaign's lifecycle.
#[derive(Clone, Debug)]
pub struct LifecycleChange {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Where to.
    pub to: Lifecycle,
    /// Why, for people.
    pub reason: Option<String>,
    /// When it begins (for `Scheduled`).
    pub starts_at_ms: Option<i64>,
    /// For a change that the leader makes (the breaker, the end): refused if it leads no more. `None`: an operator's.
    pub epoch: Option<i64>,
}

/// A contact to be imported.
#[derive(Clone, Debug)]
pub struct ContactImport {
    /// Id, campaign, number, name, language.
    pub contact: NewContact,
    /// IANA zone; `None`: the campaign's.
    pub zone: Option<String>,
    /// Whether the person agreed to be called.
    pub prior_consent: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Contacts that were new.
    pub added: u64,
    /// Positions in the batch whose number the campaign has already: left as they are.
    pub duplicates: Vec<usize>,
}

/// Contacts by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the states of `ContactState`")]
pub struct ContactCounts {
    pub pending: u64,
    pub in_progress: u64,
    pub completed: u64,
    pub refused: u64,
    pub not_reached: u64,
    pub excluded: u64,
}

impl ContactCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.pending + self.in_progress + self.completed + self.refused + self.not_reached + self.excluded
    }

    /// Those that nobody calls any more, excluded ones among them.
    pub fn finished(&self) -> u64 {
        self.completed + self.refused + self.not_reached + self.excluded
    }
}

/// Calls by mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the modes of `Mode`")]
pub struct ModeCounts {
    pub simulated: u64,
    pub dry_run: u64,
    pub live: u64,
}

/// How many contacts a campaign could call, and why not the others. A contact counts once, under the first reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eligibility {
    /// May be called now or when due.
    pub eligible: u64,
    /// Answered, refused, or not to be reached.
    pub settled: u64,
    /// On do-not-call.
    pub do_not_call: u64,
    /// Taken out by the customer.
    pub excluded: u64,
    /// Without the prior consent that the campaign asks for.
    pub no_consent: u64,
    /// Called by another campaign within the cooldown.
    pub cooling_down: u64,
    /// Listed by the registry, or not looked up lately.
    pub not_scrubbed: u64,
}

/// What a tick asks for.
#[derive(Clone, Debug)]
pub struct DueQuery {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Zones in which the window is open now; `None` stands for the campaign's own.
    pub open_zones: Vec<Option<String>>,
    /// Today in the campaign's zone.
    pub local_date: CalendarDate,
    /// Candidates wanted at most.
    pub limit: u32,
}

/// A contact whose turn it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueContact {
    /// Which.
    pub contact: ContactId,
    /// Its number.
    pub number: PhoneNumber,
    /// Its own zone.
    pub zone: Option<String>,
    /// Its own language.
    pub language: Option<Language>,
    /// Attempts used up in the campaign's present mode.
    pub used_attempts: u32,
    /// Since when it is due; 0 if it never was called.
    pub due_at_ms: i64,
}

/// What a tick plans from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueSnapshot {
    /// Those longest due first.
    pub candidates: Vec<DueContact>,
    /// Attempts of the campaign that have not ended.
    pub in_flight: u64,
    /// Calls begun on the day asked for.
    pub today: ModeCounts,
}

/// A dial order, to be claimed.
#[derive(Clone, Debug)]
pub struct DialClaim {
    /// The attempt's id.
    pub attempt: AttemptId,
    /// Whom.
    pub contact: ContactId,
    /// SHA-256 of the media token, hexadecimal.
    pub token_hash: String,
    /// Until when the token may be used.
    pub token_expires_at_ms: i64,
    /// The latest moment at which the carrier can still hold the call: until then its permits count.
    pub permit_deadline_ms: i64,
    /// What a limit per country counts by.
    pub country: String,
    /// The number shown.
    pub caller_id: PhoneNumber,
    /// The day it counts for, in the campaign's zone.
    pub local_date: CalendarDate,
}

/// Why a contact is not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefusal {
    /// Somebody newer leads the campaign.
    #[error("this node leads the campaign no more")]
    StaleEpoch,
    /// It is paused, stopped or not begun.
    #[error("the campaign does not run")]
    NotRunning,
    /// Another transaction is deciding about the number this instant.
    #[error("the number is being decided on elsewhere")]
    Contended,
    /// An attempt to the number, of this or another campaign, has not ended, or its call may not be over.
    #[error("an attempt to the number is in flight")]
    InFlight,
    /// The contact is settled: completed, refused, not reached.
    #[error("the contact is settled")]
    Settled,
    /// The contact is excluded.
    #[error("the contact is excluded")]
    Excluded,
    /// The number is on do-not-call.
    #[error("the number is on do-not-call")]
    DoNotCall,
    /// It is not its turn yet.
    #[error("the contact is not due")]
    NotDue,
    /// Another campaign called the number lately.
    #[error("the number is in its cooldown")]
    CoolingDown,
    /// The campaign asks for prior consent, and there is none.
    #[error("there is no prior consent")]
    NoConsent,
    /// The registry lists the number, or its word is stale or missing.
    #[error("the registry lists the number, or has not been asked lately")]
    NotScrubbed,
}

/// Why an attempt is not submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitRefusal {
    /// Somebody newer leads the campaign, and looks after the attempt: nothing has changed.
    #[error("this node leads the campaign no more")]
    StaleEpoch,
    /// The campaign was paused or stopped meanwhile: the claim has been released, nothing is used up.
    #[error("the campaign does not run")]
    NotRunning,
    /// The contact was excluded meanwhile: the claim has been released, nothing is used up.
    #[error("the contact is excluded")]
    Excluded,
    /// The number came onto do-not-call: the attempt has been ended as never called.
    #[error("the number is on do-not-call")]
    DoNotCall,
    /// It was submitted or ended before.
    #[error("the attempt is not planned any more")]
    NotPlanned,
}

/// An attempt that has not ended, with what its permits were taken for. What an attempt was not claimed with is `None`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InFlightAttempt {
    /// The attempt.
    pub row: AttemptRow,
    /// The node that claimed it.
    pub node: Option<String>,
    /// Until when its permits count.
    pub permit_deadline_ms: Option<i64>,
    /// What a limit per country counts by.
    pub country: Option<String>,
    /// The number shown.
    pub caller_id: Option<PhoneNumber>,
    /// The day it counts for.
    pub local_date: Option<CalendarDate>,
}

/// Calls begun on a day, of one campaign, country, caller id and mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayCount {
    /// The day, in the campaign's zone.
    pub local_date: CalendarDate,
    /// The campaign.
    pub campaign: CampaignId,
    /// The country.
    pub country: String,
    /// The number shown.
    pub caller_id: PhoneNumber,
    /// How real.
    pub mode: Mode,
    /// How many.
    pub calls: u64,
}

/// Everything that counts against a limit, of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedUsage {
    /// Attempts in flight, and those with an outcome of whose call the carrier has not said that it is over while it
    /// can still hold it. Of every campaign, oldest first.
    pub may_have_call: Vec<InFlightAttempt>,
    /// Of every campaign and the days asked for.
    pub by_day: Vec<DayCount>,
}

/// What an addition to do-not-call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOutReport {
    /// Numbers that were new on the list.
    pub added: u64,
    /// Attempts to these numbers that have not ended, to be cancelled if the person has not answered yet.
    pub in_flight: Vec<AttemptRow>,
}

/// What the registry of those who want no calls said of a number.
#[derive(Clone, Debug)]
pub struct RegistryScrub {
    /// The number.
    pub number: PhoneNumber,
    /// Whether it is listed there.
    pub listed: bool,
    /// When the registry said so.
    pub scrubbed_at_ms: i64,
}

/// An event in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SurveyEvent {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// `survey.completed`, `survey.refused` or `survey.not_reached`.
    pub kind: String,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its contact.
    pub contact: ContactId,
    /// How real.
    pub mode: Mode,
    /// When it happened.
    pub created_at_ms: i64,
}

/// What the dialler needs besides [`Store`](super::Store). Laws, whatever runs at the same time on any number of nodes:
///
/// - at most one attempt to a number is in flight, over all campaigns, and none begins while the carrier may still hold
///   the call of an earlier one;
/// - nothing is written for a leader whose epoch is older than the campaign's;
/// - no attempt is marked as submitting after do-not-call, an exclusion, a pause or a stop was committed;
/// - an attempt, once ended, has moved its contact on in the same transaction, by whichever way it ended: callback,
///   report or refusal. A contact that is settled is never due again, and has one event of that kind for the attempt;
/// - attempts in simulation and dry run leave live counters and cooldowns alone.
#[async_trait]
pub trait DialerStore: Send + Sync {
    /// Reads where a campaign stands.
    async fn campaign_state(&self, campaign: &CampaignId) -> Result<Option<CampaignState>, StoreError>;
    /// Campaigns that are scheduled, running or paused, highest priority first.
    async fn active_campaigns(&self) -> Result<Vec<CampaignState>, StoreError>;
    /// Moves a campaign on of itself, with an entry in the audit log. `Conflict` if it may not go there from where it is, the
    /// epoch is stale, or a leader would complete a campaign that has somebody to call.
    async fn change_lifecycle(&self, change: &LifecycleChange, now_ms: i64) -> Result<CampaignState, StoreError>;
    /// Changes how real a campaign's attempts are; contacts start anew, but those excluded. `Conflict` while it runs,
    /// while an attempt is open, or if live calls have been made: rehearse with a copy then.
    async fn set_mode(&self, campaign: &CampaignId, mode: Mode, now_ms: i64) -> Result<(), StoreError>;
    /// Writes who leads. False if the campaign knows a newer epoch, or the same of another node.
    async fn take_leadership(&self, leadership: &Leadership) -> Result<bool, StoreError>;

    /// Adds contacts in the order given. A number the campaign has already is left as it is and reported; one on
    /// do-not-call is excluded from the start; one that another campaign called lately is due after its cooldown.
    async fn import_contacts(&self, contacts: &[ContactImport], now_ms: i64) -> Result<ImportReport, StoreError>;
    /// Reads the name of the person whom an attempt is to, with the language that they chose beforehand; `None` if there
    /// is no such attempt, or no name. What greets them by it can be spoken before the phone is picked up.
    async fn name_of_attempt(&self, attempt: &AttemptId) -> Result<Option<(PersonName, Option<Language>)>, StoreError>;
    /// Whether a contact is excluded; one that does not exist is not.
    async fn is_excluded(&self, contact: &ContactId) -> Result<bool, StoreError>;
    /// Attempts that have not ended though their contact is excluded since.
    async fn in_flight_to_excluded(&self) -> Result<Vec<AttemptRow>, StoreError>;
    /// Zones of pending contacts, each once; `None` is the campaign's own.
    async fn zones(&self, campaign: &CampaignId) -> Result<Vec<Option<String>>, StoreError>;
    /// How many contacts are in which state. Counts every contact: for people, not for every tick.
    async fn contact_counts(&self, campaign: &CampaignId) -> Result<ContactCounts, StoreError>;
    /// How many pending contacts each zone has; `None` is the campaign's own. Counts them in the index.
    async fn pending_by_zone(&self, campaign: &CampaignId) -> Result<BTreeMap<Option<String>, u64>, StoreError>;
    /// Whom the campaign could call in a mode, and why not the others: where that is not the mode it has, contacts begin
    /// anew. Looks at every contact: for people.
    async fn eligibility(&self, campaign: &CampaignId, mode: Mode, now_ms: i64) -> Result<Eligibility, StoreError>;
    /// How the campaign's attempts ended in its present mode since it was last changed, the latest first, at
    /// most `limit`.
    async fn latest_ends(&self, campaign: &CampaignId, limit: u32) -> Result<Vec<Disposition>, StoreError>;
    /// Who may be called now, by index: due, in an open zone, not excluded, not on do-not-call, not in a cooldown, nobody
    /// calling the number, consent and registry as the campaign wants them.
    async fn due_snapshot(&self, query: &DueQuery, now_ms: i64) -> Result<DueSnapshot, StoreError>;

    /// Writes a planned attempt, in the campaign's mode, and moves its contact to in progress, in one transaction.
    /// Everything that [`Self::due_snapshot`] looked at is looked at again, and what refuses is named.
    async fn claim(
        &self,
        leadership: &Leadership,
        claim: &DialClaim,
        now_ms: i64,
    ) -> Result<Result<AttemptRow, ClaimRefusal>, StoreError>;
    /// Undoes a claim whose attempt is still planned: the attempt is gone, nothing is used up. False if it is not
    /// planned any more, or the epoch is stale.
    async fn release_claim(&self, leadership: &Leadership, attempt: &AttemptId) -> Result<bool, StoreError>;
    /// The last gate before the carrier is asked: `planned` to `submitting`, if the leader still leads, the campaign
    /// still runs and the contact may still be called. For a live attempt the number's cooldown begins.
    async fn mark_submitting_as(
        &self,
        leadership: &Leadership,
        attempt: &AttemptId,
        now_ms: i64,
    ) -> Result<Result<(), SubmitRefusal>, StoreError>;

    /// Attempts that have not ended, of one node or of all, oldest first.
    async fn in_flight(&self, node: Option<&str>) -> Result<Vec<InFlightAttempt>, StoreError>;
    /// Everything that counts against a limit: attempts that may have a call, and calls begun on `since` and later days.
    async fn usage(&self, since: CalendarDate, now_ms: i64) -> Result<RecordedUsage, StoreError>;

    /// Adds numbers to do-not-call and takes their pending contacts out, in one transaction.
    async fn opt_out(&self, entries: &[DoNotCallEntry]) -> Result<OptOutReport, StoreError>;
    /// Keeps what the registry said; an older word does not replace a newer one.
    async fn record_scrubs(&self, scrubs: &[RegistryScrub], entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError>;

    /// Events not delivered yet, oldest first.
    async fn pending_events(&self, limit: u32) -> Result<Vec<SurveyEvent>, StoreError>;
    /// Marks an event as delivered. False if it was.
    async fn mark_event_delivered(&self, attempt: &AttemptId, kind: &str) -> Result<bool, StoreError>;
}
