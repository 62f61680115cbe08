//! What operators do with campaigns: write, preview, activate, pause, resume, stop, watch, import, export, opt out, stop
//! all. The command line and the HTTP API are two ways to the same services; every change says who makes it and stands in
//! the audit log.
//!
//! Everything is written to the database, which the servers read; where Redis is configured they are woken at once. A
//! command line needs no server that runs, and never asks one.

mod audit;
mod catalogue;
mod changed_by;
mod exclusions;
mod export;
mod imports;
mod lifecycle;
mod preview;
mod statistics;
mod taken_out;
#[cfg(test)]
mod tests;
mod views;

pub use changed_by::{command_line, on_the_command_line};
pub use exclusions::OptOuts;
pub use export::{EXPORT_COLUMNS, EXPORT_PAGE, write_header, write_rows};
pub use imports::{ImportFile, ImportProgress, ImportSummary};
pub use lifecycle::{Activation, StopReport};
pub use preview::Preview;
pub use statistics::{AttemptsView, DayView, NumbersView, QuestionView, RatesView, StatisticsView, ValueView};
pub use taken_out::TakenBack;
pub use views::{
    AttemptView, CampaignDetail, CampaignView, ContactDetail, ContactView, CountsView, ExclusionView, ImportView,
    RejectionView,
};

use self::preview::{Means, mode_word};
use super::{Outlook, SystemClock};
use crate::campaign_files::check_languages;
use crate::carrier::twilio::TwilioCarrier;
use crate::config::Settings;
use crate::coordination::RedisCoordination;
use crate::coordination::redis::RedisSettings;
use crate::store::SqlStore;
use samvad_actors::domain::{Campaign, CampaignFault, CampaignId, Mode};
use samvad_actors::ports::{
    AttemptRow, CampaignState, CampaignStore, Carrier, CarrierError, Clock, ContactCounts, ContactRefusal,
    Coordination, DialerStore, EditRefusal, FleetCommand, RemovalRefusal, StoreError,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Why an operator's wish is not done.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The campaign is not valid; every fault is named.
    #[error("the campaign is not valid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<CampaignFault>),
    /// There is no such campaign.
    #[error("there is no campaign {0}; create it first")]
    Unknown(CampaignId),
    /// Going live wants the confirmation of a preview that still holds.
    #[error("the confirmation does not fit what would be done now; look at the preview again and confirm that")]
    NotConfirmed,
    /// This installation does not make calls that real.
    #[error("this server makes {node} attempts and no {wanted} ones; {remedy}")]
    WrongMode {
        /// What is asked for.
        wanted: &'static str,
        /// What this installation makes.
        node: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It cannot be activated as it is; everything that is missing is named.
    #[error("the campaign is not ready: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotReady(Vec<CampaignFault>),
    /// Somebody changed it meanwhile, or it cannot be edited now.
    #[error(transparent)]
    Edit(#[from] EditRefusal),
    /// An entry of the exclusion list stays.
    #[error(transparent)]
    Removal(#[from] RemovalRefusal),
    /// A contact is not taken out by hand, or not let back in.
    #[error(transparent)]
    Contact(#[from] ContactRefusal),
    /// There is no such contact or import of the campaign.
    #[error("the campaign has no {what} {id}")]
    NotFound {
        /// `contact` or `import`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A file of contacts that cannot be read at all: what it is, and what to do.
    #[error("{0}")]
    UnusableFile(String),
    /// The database refuses or is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a campaign stands.
#[derive(Clone, Debug)]
pub struct CampaignStatus {
    /// Its state.
    pub state: CampaignState,
    /// Its contacts by state.
    pub contacts: ContactCounts,
    /// Attempts that have not ended.
    pub in_flight: Vec<AttemptRow>,
    /// What it has to do now.
    pub outlook: Outlook,
}

/// Campaigns, for operators.
pub struct Campaigns {
    pub(super) store: Arc<SqlStore>,
    clock: Arc<dyn Clock>,
    /// Wakes the servers; `None` without Redis: they look every second.
    coordination: Option<Arc<dyn Coordination>>,
    /// `None` without an account: nothing can be hung up from here.
    carrier: Option<Arc<dyn Carrier>>,
    node_mode: Mode,
    prompts_dir: Option<PathBuf>,
    pub(super) means: Means,
}

impl Campaigns {
    /// Opens the database that the settings name.
    ///
    /// # Errors
    /// If it cannot be opened, with the remedy.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let store = Arc::new(SqlStore::open(&settings.database_url).await?);
        let carrier: Option<Arc<dyn Carrier>> = match settings.twilio.account {
            Some(_) => Some(Arc::new(TwilioCarrier::new(super::node::twilio_settings(settings)?)?)),
            None => None,
        };
        let coordination: Option<Arc<dyn Coordination>> = match &settings.redis_url {
            Some(url) => Some(Arc::new(RedisCoordination::new(&RedisSettings::new(url.expose()))?)),
            None => None,
        };
        Ok(Self::over(
            settings,
            store,
            carrier,
            coordination,
            Arc::new(SystemClock::default()),
        ))
    }

    /// The same over what is open already.
    pub fn over(
        settings: &Settings,
        store: Arc<SqlStore>,
        carrier: Option<Arc<dyn Carrier>>,
        coordination: Option<Arc<dyn Coordination>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            clock,
            coordination,
            carrier,
            node_mode: settings.mode(),
            prompts_dir: settings.prompts_dir.clone(),
            means: Means {
                max_calls: settings.max_calls,
                calls_per_second: settings.calls_per_second,
                calls_per_day: settings.fleet.calls_per_day,
                price_per_minute: settings.price_per_minute,
            },
        }
    }

    /// What activating would do. Changes nothing.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn preview(&self, campaign: &CampaignId, mode: Mode) -> Result<Preview, CampaignError> {
        let definition = self.definition(campaign).await?;
        self.preview_of(&definition, mode).await
    }

    async fn preview_of(&self, definition: &Campaign, mode: Mode) -> Result<Preview, CampaignError> {
        let eligibility = self.store.eligibility(&definition.id, mode, self.now_ms()).await?;
        let mut missing = definition.validate();
        // The prompts may have changed since it was created.
        if let Err(CampaignError::Invalid(of_languages)) = self.check_languages(definition) {
            missing.extend(of_languages);
        }
        if eligibility.eligible == 0 {
            missing.push(CampaignFault {
                field: "contacts".to_owned(),
                fault: "the campaign has nobody to call".to_owned(),
                remedy: "import contacts first, or see in the preview why they are left out".to_owned(),
            });
        }
        Ok(Preview::of(definition, mode, eligibility, missing, &self.means)?)
    }

    fn check_languages(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        check_languages(campaign, self.prompts_dir.as_deref()).map_err(CampaignError::Invalid)
    }

    /// Where a campaign stands.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn status(&self, campaign: &CampaignId) -> Result<CampaignStatus, CampaignError> {
        Ok(CampaignStatus {
            state: self.state(campaign).await?,
            contacts: self.store.contact_counts(campaign).await?,
            in_flight: self.in_flight_of(campaign).await?,
            outlook: self.outlook(campaign).await?,
        })
    }

    /// Campaigns that are scheduled, running or paused.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn active(&self) -> Result<Vec<CampaignState>, CampaignError> {
        Ok(self.store.active_campaigns().await?)
    }

    /// Closes the database.
    pub async fn close(self) {
        self.store.close().await;
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.unix_ms()
    }

    pub(super) async fn definition(&self, campaign: &CampaignId) -> Result<Campaign, CampaignError> {
        let found = self.store.campaign(campaign).await?;
        found.ok_or_else(|| CampaignError::Unknown(campaign.clone()))
    }

    pub(super) async fn state(&self, campaign: &CampaignId) -> Result<CampaignState, CampaignError> {
        let found = self.store.campaign_state(campaign).await?;
        found.ok_or_else(|| CampaignError::Unknown(campaign.clone()))
    }

    async fn in_flight_of(&self, campaign: &CampaignId) -> Result<Vec<AttemptRow>, CampaignError> {
        let mut rows: Vec<_> = self
            .store
            .in_flight(None)
            .await?
            .into_iter()
            .map(|found| found.row)
            .collect();
        rows.retain(|row| row.campaign == *campaign);
        Ok(rows)
    }

    /// Whether this installation makes attempts that real.
    ///
    /// # Errors
    /// [`CampaignError::WrongMode`], with the remedy.
    pub fn check_mode(&self, wanted: Mode) -> Result<(), CampaignError> {
        // A rehearsal that calls nobody can be held anywhere.
        if wanted == self.node_mode || wanted == Mode::DryRun {
            return Ok(());
        }
        Err(CampaignError::WrongMode {
            wanted: mode_word(wanted),
            node: mode_word(self.node_mode),
            remedy: match wanted {
                Mode::Live => "set DRY_RUN_MODE=false and TWILIO_API_BASE_URL to the carrier's API",
                _ => "set TWILIO_API_BASE_URL to a stand-in on this machine",
            },
        })
    }

    /// Tells the servers. They look by themselves as well, so a word that is lost costs a second.
    async fn wake(&self, command: FleetCommand) {
        if let Some(coordination) = &self.coordination
            && let Err(error) = coordination.publish(&command).await
        {
            tracing::warn!(%error, "the servers could not be told; they look by themselves");
        }
    }

    /// How many the carrier ended, and how many are left.
    async fn hang_up(&self, attempts: impl Iterator<Item = &AttemptRow>) -> (u64, u64) {
        let (mut ended, mut left) = (0, 0);
        for attempt in attempts {
            let told = match (&self.carrier, &attempt.call_sid) {
                (Some(carrier), Some(sid)) => match carrier.complete_call(sid).await {
                    Ok(_) | Err(CarrierError::NotInProgress { .. }) => true,
                    Err(error) => {
                        tracing::error!(attempt = %attempt.id, %error, "a call could not be ended");
                        false
                    }
                },
                _ => false,
            };
            *if told { &mut ended } else { &mut left } += 1;
        }
        (ended, left)
    }
}
