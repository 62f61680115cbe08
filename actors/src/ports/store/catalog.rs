//! Campaigns as people look after them: written, edited, copied, deleted, listed. Every change goes into the audit log
//! within its own transaction; where an entry says nothing of before or after, the store puts in what it found.

use super::{AuditEntry, CampaignState, ContactCounts, StoreError};
use crate::domain::{Campaign, CampaignId, Lifecycle, Mode};
use async_trait::async_trait;

/// A campaign with everything that a list or an editor shows.
#[derive(Clone, PartialEq, Debug)]
pub struct CampaignRecord {
    /// As it was written.
    pub definition: Campaign,
    /// Where it stands.
    pub state: CampaignState,
    /// Grows with every change of definition, mode or lifecycle, whoever makes it; the first is 1.
    pub version: i64,
    /// Written first.
    pub created_at_ms: i64,
    /// Last changed.
    pub updated_at_ms: i64,
    /// Its contacts by state.
    pub contacts: ContactCounts,
}

/// Where a page of campaigns ended.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct CampaignCursor {
    /// When its last campaign was created.
    pub created_at_ms: i64,
    /// Its last campaign.
    pub id: CampaignId,
}

/// Which campaigns, the newest first; what is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct CampaignQuery {
    /// Where they stand.
    pub lifecycle: Option<Lifecycle>,
    /// Created at this moment or later.
    pub created_from_ms: Option<i64>,
    /// Created before this moment.
    pub created_until_ms: Option<i64>,
    /// Part of the name, in capitals or small letters.
    pub name_contains: Option<String>,
    /// After the last page.
    pub after: Option<CampaignCursor>,
    /// Campaigns wanted at most.
    pub limit: u32,
}

/// Why a campaign is not edited.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditRefusal {
    /// Somebody else changed it meanwhile.
    #[error("the campaign has version {current}: somebody changed it meanwhile; read it again")]
    VersionMismatch {
        /// Its version now.
        current: i64,
    },
    /// It runs, or is over.
    #[error("a campaign that is {} cannot be edited; {}", .lifecycle.as_str(), remedy(*.lifecycle))]
    NotEditable {
        /// Where it stands.
        lifecycle: Lifecycle,
    },
    /// Calls go by the definition until they end.
    #[error("{open} attempts of the campaign have not ended; wait until they have")]
    OpenAttempts {
        /// How many.
        open: u64,
    },
}

fn remedy(lifecycle: Lifecycle) -> &'static str {
    match lifecycle {
        Lifecycle::Running => "pause it first",
        _ => "make a copy",
    }
}

/// A change of where a campaign stands, and of how real its attempts are, in one step.
#[derive(Clone, Debug)]
pub struct CampaignChange {
    /// Which.
    pub campaign: CampaignId,
    /// Refused unless it has this version; `None`: whatever it has.
    pub expected_version: Option<i64>,
    /// How real; `None`: as it is. Contacts start anew where it changes.
    pub mode: Option<Mode>,
    /// Where to.
    pub to: Lifecycle,
    /// Why, for people.
    pub reason: Option<String>,
    /// When it begins (for `Scheduled`).
    pub starts_at_ms: Option<i64>,
}

/// Campaigns, for those who look after them.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// Writes a draft. `Conflict` if there is a campaign of its id.
    async fn create_campaign(&self, campaign: &Campaign, audit: &AuditEntry, now_ms: i64) -> Result<(), StoreError>;
    /// Writes what a copy is made of, as a draft without contacts: `copy` with another id and name. `NotFound` if there is
    /// no original, `Conflict` if there is a campaign of the copy's id.
    async fn clone_campaign(
        &self,
        original: &CampaignId,
        copy: &CampaignId,
        name: Option<&str>,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Campaign, StoreError>;
    /// Replaces the definition of a campaign that is a draft, scheduled or paused and has no open attempt. Returns its new
    /// version. `NotFound` if there is no such campaign.
    async fn edit_campaign(
        &self,
        campaign: &Campaign,
        expected_version: i64,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<i64, EditRefusal>, StoreError>;
    /// Deletes a draft with its contacts and imports. `Conflict` if it is no draft, if an attempt was ever made, or if
    /// something was paid for it: then it can be archived.
    async fn delete_draft(
        &self,
        campaign: &CampaignId,
        expected_version: Option<i64>,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<(), EditRefusal>, StoreError>;
    /// Moves a campaign on, with its mode if that changes. `Conflict` as of
    /// [`change_lifecycle`](super::DialerStore::change_lifecycle) and [`set_mode`](super::DialerStore::set_mode).
    async fn change_campaign(
        &self,
        change: &CampaignChange,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<CampaignState, EditRefusal>, StoreError>;

    /// One campaign.
    async fn campaign_record(&self, id: &CampaignId) -> Result<Option<CampaignRecord>, StoreError>;
    /// A page of campaigns, the newest first. Contacts are counted in an index.
    async fn campaign_page(&self, query: &CampaignQuery) -> Result<Vec<CampaignRecord>, StoreError>;
}
