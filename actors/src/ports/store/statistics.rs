//! What came of a campaign: counts for statistics, rows for an export.

use super::{ContactCounts, StoreError};
use crate::domain::{
    AnswerValue, CalendarDate, CampaignId, ContactId, ContactState, Disposition, Mode, Outcome, PhoneNumber,
};
use crate::statistics::CaseCounts;
use async_trait::async_trait;

/// Everything that is counted of a campaign's attempts of one mode, of one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct CampaignCounts {
    /// How real the attempts are.
    pub mode: Mode,
    /// Contacts by state, if the campaign is in this mode now: states are of the present mode.
    pub contacts: Option<ContactCounts>,
    /// Contacts in all.
    pub contacts_total: u64,
    /// Contacts that were called: an attempt of this mode [was](AttemptCount::was_called).
    pub contacts_attempted: u64,
    /// Attempts that have not ended.
    pub in_flight: u64,
    /// Attempts that have ended, by outcome and disposition, in that order.
    pub attempts: Vec<AttemptCount>,
    /// Attempts by the day of the call in the campaign's zone, the first first.
    pub days: Vec<DayTally>,
    /// Contacts that gave their consent. Of a contact that was asked in several attempts the newest word counts.
    pub consents_granted: u64,
    /// Contacts that refused it.
    pub consents_refused: u64,
    /// Contacts by the group of their final disposition. Of several attempts the one that tells most counts: an
    /// interview, a refusal or a contact, else a number that cannot be a case, else the rest. Contacts without an attempt
    /// were not attempted (3.11).
    pub cases: CaseCounts,
    /// Answers by question, 0 to 2. Each contact counts once, with the answers of its
    /// [newest interview](ExportRow::answers), also while it waits for another call.
    pub questions: Vec<QuestionCounts>,
}

/// Attempts that ended alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptCount {
    /// What came of them.
    pub outcome: Outcome,
    /// Standard code; `None` for what was never called.
    pub disposition: Option<Disposition>,
    /// How many.
    pub attempts: u64,
}

impl AttemptCount {
    /// Whether somebody was called: not by a dry run, nor if the carrier was not asked in the end or its account was stopped
    /// (3.11).
    pub fn was_called(&self) -> bool {
        self.disposition.is_some_and(|code| code != Disposition::NotAttempted)
    }
}

/// Attempts of one day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayTally {
    /// The day in the campaign's zone; of a call outside the dialler, in UTC.
    pub date: CalendarDate,
    /// Attempts that have ended.
    pub attempts: u64,
    /// Of them, those that somebody or something took.
    pub answered: u64,
    /// Of them, interviews that were completed.
    pub completed: u64,
}

/// Answers to one question.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct QuestionCounts {
    /// 0, 1 or 2.
    pub question: usize,
    /// Contacts whose answer has a value.
    pub answered: u64,
    /// Contacts that were asked and did not answer it.
    pub not_answered: u64,
    /// Answers by value (`yes`, `no`, a whole number, the key of an option), the most frequent first, at most
    /// [`MOST_VALUES`]. Free text has none: it is counted alone.
    pub values: Vec<(String, u64)>,
    /// Of answers that are numbers: the least, the greatest, the mean.
    pub numbers: Option<NumberSummary>,
}

/// Values of one question that are counted one by one.
pub const MOST_VALUES: u32 = 100;

/// Of answers that are numbers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NumberSummary {
    /// How many.
    pub count: u64,
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// Their mean.
    pub mean: f64,
}

/// A contact that is finished, as it is exported. Everything is of the campaign's present mode.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportRow {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Which contact.
    pub contact: ContactId,
    /// Where it stands in the order of adding: where the next page begins.
    pub position: i64,
    /// The customer's own id for the person.
    pub external_id: Option<String>,
    /// The number.
    pub number: PhoneNumber,
    /// Completed, refused, not reached; excluded if that was asked for.
    pub state: ContactState,
    /// Standard code of the last attempt.
    pub disposition: Option<Disposition>,
    /// How real the attempts were.
    pub mode: Mode,
    /// Attempts used up.
    pub attempts: u32,
    /// Begin of the last attempt.
    pub last_attempt_at_ms: Option<i64>,
    /// End of the last attempt.
    pub ended_at_ms: Option<i64>,
    /// Answers in the order of the questions, whatever state the contact ended in: those of its newest attempt that has
    /// any, in which a question was answered or the survey was gone through to its end. An attempt in which nobody answered
    /// takes nothing back.
    pub answers: [Option<AnswerValue>; 3],
}

/// Which finished contacts, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Whether contacts that are excluded are wanted too.
    pub include_excluded: bool,
    /// After this position; 0: from the first.
    pub after_position: i64,
    /// Rows wanted at most.
    pub limit: u32,
}

/// What an export without excluded contacts is of: as long as it stays the same, so does the export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportStamp {
    /// The campaign's version.
    pub version: i64,
    /// When the newest attempt ended.
    pub last_ended_at_ms: Option<i64>,
    /// Contacts that are finished, without the excluded ones.
    pub results: u64,
}

/// Statistics and exports. Everything is added up by the database in indexes, or read in pages.
#[async_trait]
pub trait StatisticsStore: Send + Sync {
    /// Counts of a campaign; `None` stands for its present mode. `NotFound` if there is no such campaign.
    async fn campaign_counts(&self, campaign: &CampaignId, mode: Option<Mode>) -> Result<CampaignCounts, StoreError>;
    /// A page of finished contacts.
    async fn export_page(&self, query: &ExportQuery) -> Result<Vec<ExportRow>, StoreError>;
    /// What an export would be of. `NotFound` if there is no such campaign.
    async fn export_stamp(&self, campaign: &CampaignId) -> Result<ExportStamp, StoreError>;
}
