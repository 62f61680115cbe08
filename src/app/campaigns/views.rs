//! What services answer with, ready to be written as JSON: ids as text, times in UTC milliseconds, words as they are kept.

use samvad_actors::domain::{
    AttemptState, Campaign, CarrierStatus, ContactState, Disposition, EmailAddress, Lifecycle, Mode, Outcome,
    PersonName,
};
use samvad_actors::ports::{
    AttemptRow, CampaignRecord, ContactCounts, ContactRecord, DoNotCallEntry, ExclusionSource, ImportRecord,
    ImportState, RowRejection,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Contacts by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the states of `ContactState`, and all of them")]
pub struct CountsView {
    pub total: u64,
    pub pending: u64,
    pub in_progress: u64,
    pub completed: u64,
    pub refused: u64,
    pub not_reached: u64,
    pub excluded: u64,
}

impl From<ContactCounts> for CountsView {
    fn from(counts: ContactCounts) -> Self {
        Self {
            total: counts.total(),
            pending: counts.pending,
            in_progress: counts.in_progress,
            completed: counts.completed,
            refused: counts.refused,
            not_reached: counts.not_reached,
            excluded: counts.excluded,
        }
    }
}

/// A campaign in a list; as in [`CampaignRecord`].
#[derive(Clone, PartialEq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `CampaignRecord`")]
pub struct CampaignView {
    pub campaign_id: String,
    pub name: String,
    pub language: String,
    pub status: Lifecycle,
    pub status_reason: Option<String>,
    pub mode: Mode,
    pub priority: i32,
    pub starts_at_ms: Option<i64>,
    pub version: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    pub contacts: CountsView,
}

impl From<&CampaignRecord> for CampaignView {
    fn from(record: &CampaignRecord) -> Self {
        let (definition, state) = (&record.definition, &record.state);
        Self {
            campaign_id: definition.id.to_string(),
            name: definition.name.clone(),
            language: definition.language.0.clone(),
            status: state.lifecycle,
            status_reason: state.reason.clone(),
            mode: state.mode,
            priority: state.priority,
            starts_at_ms: state.starts_at_ms,
            version: record.version,
            created_at_ms: record.created_at_ms,
            updated_at_ms: record.updated_at_ms,
            contacts: record.contacts.into(),
        }
    }
}

/// A campaign with its definition.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CampaignDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: CampaignView,
    /// As it was written.
    pub definition: Campaign,
}

/// A contact; as in [`ContactRecord`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `ContactRecord`")]
pub struct ContactView {
    pub contact_id: String,
    pub campaign_id: String,
    pub position: i64,
    pub phone_number: String,
    pub external_contact_id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub language: Option<String>,
    pub zone: Option<String>,
    pub has_prior_consent: bool,
    pub state: ContactState,
    pub excluded_reason: Option<String>,
    pub attempt_count: u32,
    pub last_attempt_at_ms: Option<i64>,
    pub last_outcome: Option<Outcome>,
    pub last_disposition: Option<Disposition>,
    /// Not called before this; only while it is pending, and it has been put off.
    pub next_attempt_at_ms: Option<i64>,
    pub created_at_ms: i64,
}

impl From<ContactRecord> for ContactView {
    fn from(record: ContactRecord) -> Self {
        let is_put_off = record.state == ContactState::Pending && record.next_attempt_at_ms > 0;
        Self {
            contact_id: record.id.to_string(),
            campaign_id: record.campaign.to_string(),
            position: record.position,
            phone_number: record.number.expose().to_owned(),
            external_contact_id: record.external_id,
            name: record.name.as_ref().map(PersonName::expose).map(str::to_owned),
            email: record.email.as_ref().map(EmailAddress::expose).map(str::to_owned),
            language: record.language.map(|language| language.0),
            zone: record.zone,
            has_prior_consent: record.prior_consent,
            state: record.state,
            excluded_reason: record.excluded_reason,
            attempt_count: record.attempts,
            last_attempt_at_ms: record.last_attempt_at_ms,
            last_outcome: record.last_outcome,
            last_disposition: record.last_disposition,
            next_attempt_at_ms: is_put_off.then_some(record.next_attempt_at_ms),
            created_at_ms: record.created_at_ms,
        }
    }
}

/// A contact with its attempts, the first first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContactDetail {
    /// As in a list.
    #[serde(flatten)]
    pub contact: ContactView,
    /// Every attempt, of every mode.
    pub attempts: Vec<AttemptView>,
}

impl From<(ContactRecord, Vec<AttemptRow>)> for ContactDetail {
    fn from((contact, attempts): (ContactRecord, Vec<AttemptRow>)) -> Self {
        Self {
            contact: contact.into(),
            attempts: attempts.iter().map(AttemptView::from).collect(),
        }
    }
}

/// An attempt; as in [`AttemptRow`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `AttemptRow`")]
pub struct AttemptView {
    pub attempt_id: String,
    pub attempt_number: u32,
    pub mode: Mode,
    pub state: AttemptState,
    pub carrier_status: Option<&'static str>,
    pub outcome: Option<Outcome>,
    pub disposition: Option<Disposition>,
    pub answered_by: Option<&'static str>,
    pub created_at_ms: i64,
    pub ended_at_ms: Option<i64>,
}

impl From<&AttemptRow> for AttemptView {
    fn from(row: &AttemptRow) -> Self {
        Self {
            attempt_id: row.id.to_string(),
            attempt_number: row.number,
            mode: row.mode,
            state: row.state,
            carrier_status: row.carrier_status.map(CarrierStatus::as_str),
            outcome: row.outcome,
            disposition: row.disposition,
            answered_by: row.answered_by.map(|who| who.as_str()),
            created_at_ms: row.created_at_ms,
            ended_at_ms: row.ended_at_ms,
        }
    }
}

/// An import; as in [`ImportRecord`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `ImportRecord`")]
pub struct ImportView {
    pub import_id: String,
    pub campaign_id: String,
    pub source_name: String,
    pub state: ImportState,
    pub fault: Option<String>,
    pub total_rows: u64,
    pub accepted_rows: u64,
    pub known_rows: u64,
    pub rejected_rows: u64,
    pub started_by: String,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
}

impl From<ImportRecord> for ImportView {
    fn from(record: ImportRecord) -> Self {
        Self {
            import_id: record.id.to_string(),
            campaign_id: record.campaign.to_string(),
            source_name: record.source_name,
            state: record.state,
            fault: record.fault,
            total_rows: record.rows.total,
            accepted_rows: record.rows.accepted,
            known_rows: record.rows.known,
            rejected_rows: record.rows.rejected,
            started_by: record.started_by,
            started_at_ms: record.started_at_ms,
            ended_at_ms: record.ended_at_ms,
        }
    }
}

/// A row that was not taken; as in [`RowRejection`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `RowRejection`")]
pub struct RejectionView {
    pub row: u64,
    pub column: String,
    pub reason: String,
}

impl From<RowRejection> for RejectionView {
    fn from(rejection: RowRejection) -> Self {
        Self {
            row: rejection.row,
            column: rejection.column,
            reason: rejection.reason,
        }
    }
}

/// An entry of the exclusion list; as in [`DoNotCallEntry`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "as in `DoNotCallEntry`")]
pub struct ExclusionView {
    pub phone_number: String,
    pub source: String,
    pub attempt_id: Option<String>,
    /// Whether it can be taken back: what was said in a call cannot.
    pub removable: bool,
    pub added_at_ms: i64,
}

impl From<DoNotCallEntry> for ExclusionView {
    fn from(entry: DoNotCallEntry) -> Self {
        Self {
            phone_number: entry.number.expose().to_owned(),
            removable: entry.source != ExclusionSource::InCall,
            source: entry.source.as_str().to_owned(),
            attempt_id: entry.attempt.map(|attempt| attempt.to_string()),
            added_at_ms: entry.added_at_ms,
        }
    }
}
