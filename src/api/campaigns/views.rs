//! Campaigns as the API shows them.

use super::definition::CampaignDefinition;
use crate::api::etag::Version;
use crate::api::moment::Moment;
use crate::api::words::{CampaignStatusWord, ModeWord};
use crate::app::campaigns::{CampaignDetail, CampaignView, CountsView, Preview};
use crate::problem::FieldFault;
use samvad_actors::ports::{CampaignCursor, Eligibility};
use serde::Serialize;
use utoipa::ToSchema;

/// A campaign in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CampaignSummary {
    id: String,
    name: String,
    /// The language in which its calls begin.
    language: String,
    status: CampaignStatusWord,
    /// Why it is there, for people.
    #[schema(required = true)]
    status_reason: Option<String>,
    /// How real its attempts are since it was last activated.
    mode: ModeWord,
    /// Which campaign goes first where they share a limit: the higher.
    priority: i32,
    /// When it begins, or was to begin.
    #[schema(required = true)]
    starts_at: Option<Moment>,
    /// As in its etag.
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    contacts: CountsView,
}

impl From<CampaignView> for CampaignSummary {
    fn from(view: CampaignView) -> Self {
        Self {
            id: view.campaign_id,
            name: view.name,
            language: view.language,
            status: CampaignStatusWord(view.status),
            status_reason: view.status_reason,
            mode: ModeWord(view.mode),
            priority: view.priority,
            starts_at: view.starts_at_ms.map(Moment),
            version: view.version,
            created_at: Moment(view.created_at_ms),
            updated_at: Moment(view.updated_at_ms),
            contacts: view.contacts,
        }
    }
}

/// Where a page ends that ends with this campaign.
pub(super) fn cursor(view: &CampaignView) -> CampaignCursor {
    CampaignCursor {
        created_at_ms: view.created_at_ms,
        id: view.campaign_id.as_str().into(),
    }
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(super) struct CampaignBody {
    #[serde(flatten)]
    summary: CampaignSummary,
    /// As it was written, with all defaults: what an edit sends back.
    definition: CampaignDefinition,
}

impl CampaignBody {
    /// The version for the etag.
    pub(super) fn version(&self) -> Version {
        Version(self.summary.version)
    }

    pub(super) fn id(&self) -> &str {
        &self.summary.id
    }
}

impl From<CampaignDetail> for CampaignBody {
    fn from(detail: CampaignDetail) -> Self {
        Self {
            summary: detail.summary.into(),
            definition: detail.definition.into(),
        }
    }
}

/// Who of a campaign's contacts would be called, and why not the others.
#[derive(Debug, Serialize, ToSchema)]
struct EligibleContacts {
    /// May be called now or when due.
    eligible: u64,
    /// Answered, refused, or not to be reached.
    settled: u64,
    /// On the exclusion list.
    do_not_call: u64,
    /// Taken out by the customer.
    excluded: u64,
    /// Without the prior consent that the campaign asks for.
    no_consent: u64,
    /// Called by another campaign lately.
    cooling_down: u64,
    /// Listed by the registry, or not looked up there lately.
    not_scrubbed: u64,
}

impl From<Eligibility> for EligibleContacts {
    fn from(found: Eligibility) -> Self {
        Self {
            eligible: found.eligible,
            settled: found.settled,
            do_not_call: found.do_not_call,
            excluded: found.excluded,
            no_consent: found.no_consent,
            cooling_down: found.cooling_down,
            not_scrubbed: found.not_scrubbed,
        }
    }
}

/// What activating a campaign would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(super) struct PreviewBody {
    mode: ModeWord,
    contacts: EligibleContacts,
    /// The least time of open windows that one attempt to everybody takes.
    dialling_seconds: u64,
    /// Days with an open window that this takes at the least.
    days: u32,
    /// Minutes of call that would be paid at the most, if everybody stayed to the longest call.
    most_minutes: u64,
    /// What they cost at the most; `null` if the server knows no price.
    #[schema(required = true)]
    most_cost: Option<f64>,
    /// What `confirmation` of a live activation must be. Changes with the campaign, its contacts and the mode.
    confirmation: String,
    /// Everything that keeps it from being activated so; empty if nothing does.
    missing: Vec<FieldFault>,
}

impl PreviewBody {
    pub(super) fn new(preview: Preview, missing: Vec<FieldFault>) -> Self {
        Self {
            mode: ModeWord(preview.mode),
            contacts: preview.eligibility.into(),
            dialling_seconds: preview.dialling_time.as_secs(),
            days: preview.days,
            most_minutes: preview.most_minutes,
            most_cost: preview.most_cost,
            confirmation: preview.confirmation,
            missing,
        }
    }
}
