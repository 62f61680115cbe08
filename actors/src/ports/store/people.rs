//! Contacts as people look at them, and the files they come from.

use super::{AttemptRow, AuditEntry, ContactImport, OptOutReport, StoreError};
use crate::domain::{
    CampaignId, ChangedBy, ContactId, ContactState, Disposition, EmailAddress, ExclusionReason, ImportId, Language,
    Outcome, PersonName, PhoneNumber,
};
use async_trait::async_trait;

/// A contact with where it stands. Counts and times are of the campaign's present mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactRecord {
    /// Its id.
    pub id: ContactId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Order of adding, from 1; numbers may be missing.
    pub position: i64,
    /// The number.
    pub number: PhoneNumber,
    /// The customer's own id for the person.
    pub external_id: Option<String>,
    /// The person's name.
    pub name: Option<PersonName>,
    /// Where to write to the person.
    pub email: Option<EmailAddress>,
    /// Their own language.
    pub language: Option<Language>,
    /// Their own IANA zone.
    pub zone: Option<String>,
    /// Whether they agreed to be called.
    pub prior_consent: bool,
    /// Where it stands.
    pub state: ContactState,
    /// Why it is excluded.
    pub excluded_reason: Option<String>,
    /// Attempts used up.
    pub attempts: u32,
    /// Begin of the last attempt.
    pub last_attempt_at_ms: Option<i64>,
    /// What came of the last one that ended.
    pub last_outcome: Option<Outcome>,
    /// Standard code of the same.
    pub last_disposition: Option<Disposition>,
    /// Not called before this, while it is pending; 0 if it may be called at once.
    pub next_attempt_at_ms: i64,
    /// Added at.
    pub created_at_ms: i64,
}

/// In which order contacts are listed; what is equal goes by position, in the same direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ContactOrder {
    /// As they were added.
    #[default]
    Position,
    /// Those added last first.
    PositionDescending,
    /// Those never called first, then those whose last attempt is longest ago.
    LastAttempt,
    /// Those called last first, those never called last.
    LastAttemptDescending,
}

/// Where a page of contacts ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ContactCursor {
    /// Last attempt of its last contact, 0 if there was none. Means nothing where the order is by position.
    pub last_attempt_at_ms: i64,
    /// Position of its last contact.
    pub position: i64,
}

impl ContactCursor {
    /// After this contact.
    pub fn after(contact: &ContactRecord) -> Self {
        Self {
            last_attempt_at_ms: contact.last_attempt_at_ms.unwrap_or(0),
            position: contact.position,
        }
    }
}

/// What contacts must be like; what is `None` matches everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactFilter {
    /// Where they stand.
    pub state: Option<ContactState>,
    /// What came of the last attempt.
    pub last_outcome: Option<Outcome>,
    /// Standard code of the last attempt.
    pub last_disposition: Option<Disposition>,
    /// The customer's own id, whole.
    pub external_id: Option<String>,
}

/// Which contacts.
#[derive(Clone, Debug)]
pub struct ContactQuery {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Like what.
    pub filter: ContactFilter,
    /// In which order.
    pub order: ContactOrder,
    /// After the last page.
    pub after: Option<ContactCursor>,
    /// Contacts wanted at most.
    pub limit: u32,
}

/// Why a contact is not taken out by hand, or not let back in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContactRefusal {
    /// Nobody of it is called any more.
    #[error("the campaign is over, and calls nobody any more; copy it to call people again")]
    CampaignOver,
    /// It is called no more in any case.
    #[error("the contact is settled: it has answered, refused or cannot be reached; there is nothing to exclude")]
    Settled,
    /// Somebody took it out before.
    #[error("the contact is excluded already; include it first to exclude it for another reason")]
    ExcludedAlready,
    /// There is nothing to take back.
    #[error("the contact is not excluded; nothing is to be done")]
    NotExcluded,
    /// It is out for more than that somebody took it out.
    #[error("the contact's number is on the exclusion list; take it off there first, if it can be")]
    Listed,
}

/// Where a page of imports ended.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ImportCursor {
    /// When its last import began.
    pub started_at_ms: i64,
    /// Its last import.
    pub id: ImportId,
}

/// How far an import has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Rows are being read; or whoever read them died.
    Running,
    /// Every row was read.
    Completed,
    /// It broke off; what had been taken until then stays.
    Failed,
}

/// What became of the rows of a file. They add up: total = accepted + known + rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RowCounts {
    /// Rows read.
    pub total: u64,
    /// Contacts that were new.
    pub accepted: u64,
    /// Rows whose number the campaign has already: left as it is.
    pub known: u64,
    /// Rows that were not taken.
    pub rejected: u64,
}

/// An import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRecord {
    /// Which.
    pub id: ImportId,
    /// Into which campaign.
    pub campaign: CampaignId,
    /// The file's name, as whoever sent it calls it.
    pub source_name: String,
    /// How far it has come.
    pub state: ImportState,
    /// Why it failed.
    pub fault: Option<String>,
    /// What became of its rows so far.
    pub rows: RowCounts,
    /// Who began it.
    pub started_by: String,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
}

/// A row that was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowRejection {
    /// As a spreadsheet counts, the header being row 1.
    pub row: u64,
    /// The column's name; empty: the row as a whole.
    pub column: String,
    /// What is wrong, and what to do. Nothing of what stands in the cell.
    pub reason: String,
}

/// Rows of a file, to be taken in one transaction.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    /// Of which import.
    pub import: ImportId,
    /// Contacts with the numbers of their rows.
    pub contacts: Vec<(u64, ContactImport)>,
    /// Numbers that want no calls, in any campaign; they are listed before the contacts are added.
    pub opt_outs: Vec<PhoneNumber>,
    /// Rows that are not taken.
    pub rejections: Vec<RowRejection>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchReport {
    /// Contacts that were new.
    pub accepted: u64,
    /// Rows whose number the campaign has already; they stand among the rejections too, with that reason.
    pub known: Vec<u64>,
    /// What listing its numbers did.
    pub opt_outs: OptOutReport,
}

/// Contacts and imports.
#[async_trait]
pub trait PeopleStore: Send + Sync {
    /// A page of contacts.
    async fn contact_page(&self, query: &ContactQuery) -> Result<Vec<ContactRecord>, StoreError>;
    /// How many contacts there are of a kind. Reads an index from end to end of the campaign.
    async fn count_contacts(&self, campaign: &CampaignId, filter: &ContactFilter) -> Result<u64, StoreError>;
    /// One contact of a campaign with its attempts, the first first.
    async fn contact_record(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
    ) -> Result<Option<(ContactRecord, Vec<AttemptRow>)>, StoreError>;

    /// Takes a contact out by hand: it is called no more, also not if its number is taken off the exclusion list. Returns
    /// its attempts that have not ended: what waits or rings is to be taken back. `NotFound` if the campaign has no such
    /// contact.
    async fn exclude_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        reason: &ExclusionReason,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<Vec<AttemptRow>, ContactRefusal>, StoreError>;
    /// Lets a contact back in that was taken out by hand: it is pending again, and due when it was. `NotFound` if the
    /// campaign has no such contact.
    async fn include_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<(), ContactRefusal>, StoreError>;

    /// Begins an import. `NotFound` if there is no such campaign, `Conflict` if it is completed or archived.
    async fn begin_import(
        &self,
        id: &ImportId,
        campaign: &CampaignId,
        source_name: &str,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// Takes rows of a file, all or none. `Conflict` if the import has ended, or its campaign is another than that of a
    /// contact.
    async fn import_batch(&self, batch: &ImportBatch, now_ms: i64) -> Result<BatchReport, StoreError>;
    /// Ends an import: completed, or failed with why. Returns how it stands. `Conflict` if it has ended.
    async fn end_import(
        &self,
        id: &ImportId,
        fault: Option<&str>,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<ImportRecord, StoreError>;
    /// Keeps a running import from counting as abandoned; one that has ended stays as it is.
    async fn import_goes_on(&self, id: &ImportId, now_ms: i64) -> Result<(), StoreError>;
    /// Ends imports that are running, of which nothing has been heard since `before_ms` (no batch, no sign): failed with
    /// this fault, each with an entry in the audit log. Returns how many.
    async fn end_abandoned_imports(
        &self,
        before_ms: i64,
        fault: &str,
        by: &ChangedBy,
        now_ms: i64,
    ) -> Result<u64, StoreError>;
    /// One import.
    async fn import(&self, id: &ImportId) -> Result<Option<ImportRecord>, StoreError>;
    /// Imports into a campaign, the newest first, after the last page, at most `limit`.
    async fn imports(
        &self,
        campaign: &CampaignId,
        after: Option<&ImportCursor>,
        limit: u32,
    ) -> Result<Vec<ImportRecord>, StoreError>;
    /// Rows that were not taken, in their order, after a row (0: from the first).
    async fn rejections(&self, import: &ImportId, after_row: u64, limit: u32) -> Result<Vec<RowRejection>, StoreError>;
}
