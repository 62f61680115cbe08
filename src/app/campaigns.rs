//! What operators do with campaigns: create, preview, activate, pause, resume, stop, watch, import, opt out, stop all.
//!
//! Everything is written to the database, which the servers read; where Redis is configured they are woken at once. A
//! command line needs no server that runs, and never asks one.

mod preview;

pub use preview::Preview;

use self::preview::{Means, mode_word};
use super::SystemClock;
use crate::campaign_files::check_languages;
use crate::carrier::twilio::TwilioCarrier;
use crate::config::Settings;
use crate::coordination::RedisCoordination;
use crate::coordination::redis::RedisSettings;
use crate::store::SqlStore;
use samvad_actors::domain::{AttemptState, Campaign, CampaignFault, CampaignId, Lifecycle, Mode, PhoneNumber};
use samvad_actors::ports::{
    AttemptRow, CampaignState, CampaignStore, Carrier, CarrierError, Clock, ContactCounts, ContactImport, Coordination,
    DialerStore, DoNotCallEntry, DoNotCallStore, FleetCommand, ImportReport, LifecycleChange, StoreError,
};
use samvad_actors::runtime::STOPPED_ALL;
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
    /// Nobody would be called.
    #[error("the campaign has nobody to call; import contacts first, or see in the preview why they are left out")]
    NobodyToCall,
    /// The database refuses or is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A wish to activate a campaign.
#[derive(Clone, Debug)]
pub struct Activation {
    /// Which.
    pub campaign: CampaignId,
    /// How real.
    pub mode: Mode,
    /// When it begins, UTC milliseconds; `None`: now.
    pub starts_at_ms: Option<i64>,
    /// [`Preview::confirmation`]; needed for live calls.
    pub confirmation: Option<String>,
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
}

/// What a change of do-not-call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptOuts {
    /// Numbers that were new.
    pub added: u64,
    /// Calls to them that were queued or ringing and have been taken back.
    pub calls_cancelled: u64,
    /// Calls to them that could not be taken back now; a running server tries again.
    pub calls_left: u64,
}

/// What a stop of everything did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Campaigns that ran and are paused now.
    pub paused: u64,
    /// Calls that the carrier was told to end.
    pub hung_up: u64,
    /// Calls that it could not be told to end: without a call id yet, or the carrier does not answer. Running servers
    /// end those that they find.
    pub left: u64,
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

    /// Writes a campaign, as a draft if it is new; one that is there is replaced if none of its attempts is open.
    ///
    /// # Errors
    /// [`CampaignError::Invalid`], [`CampaignError::Store`].
    pub async fn create(&self, campaign: &Campaign) -> Result<CampaignState, CampaignError> {
        let faults = campaign.validate();
        if !faults.is_empty() {
            return Err(CampaignError::Invalid(faults));
        }
        self.check_languages(campaign)?;
        self.store.put_campaign(campaign, self.now_ms()).await?;
        self.wake(FleetCommand::CampaignChanged(campaign.id.clone())).await;
        self.state(&campaign.id).await
    }

    /// Adds contacts. A number that the campaign has already is left as it is and reported.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn import_contacts(
        &self,
        campaign: &CampaignId,
        contacts: &[ContactImport],
    ) -> Result<ImportReport, CampaignError> {
        self.state(campaign).await?;
        let report = self.store.import_contacts(contacts, self.now_ms()).await?;
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(report)
    }

    /// What activating would do. Changes nothing.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn preview(&self, campaign: &CampaignId, mode: Mode) -> Result<Preview, CampaignError> {
        let definition = self.definition(campaign).await?;
        let eligibility = self.store.eligibility(campaign, self.now_ms()).await?;
        Ok(Preview::of(&definition, mode, eligibility, &self.means)?)
    }

    /// Starts a campaign, now or later. A live one needs the confirmation of its [`Preview`], and an installation that
    /// makes live calls (`DRY_RUN_MODE=false`).
    ///
    /// # Errors
    /// [`CampaignError`]; `Store` with a conflict if it may not start from where it stands.
    pub async fn activate(&self, activation: &Activation) -> Result<CampaignState, CampaignError> {
        let Activation { campaign, mode, .. } = activation;
        self.check_mode(*mode)?;
        // The prompts may have changed since it was created.
        self.check_languages(&self.definition(campaign).await?)?;
        let preview = self.preview(campaign, *mode).await?;
        if *mode == Mode::Live && activation.confirmation.as_deref() != Some(&preview.confirmation) {
            return Err(CampaignError::NotConfirmed);
        }
        if preview.eligibility.eligible == 0 {
            return Err(CampaignError::NobodyToCall);
        }
        self.store.set_mode(campaign, *mode, self.now_ms()).await?;
        let to = match activation.starts_at_ms {
            Some(starts_at_ms) if starts_at_ms > self.now_ms() => Lifecycle::Scheduled,
            _ => Lifecycle::Running,
        };
        self.change(campaign, to, None, activation.starts_at_ms).await
    }

    fn check_languages(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        check_languages(campaign, self.prompts_dir.as_deref()).map_err(CampaignError::Invalid)
    }

    /// Begins no call any more; queued, ringing and live ones go on.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`]; `Store` with a conflict unless it runs.
    pub async fn pause(&self, campaign: &CampaignId) -> Result<CampaignState, CampaignError> {
        self.change(campaign, Lifecycle::Paused, Some("paused"), None).await
    }

    /// Goes on after a pause, by hand or by the breaker, or after a stop. The mode stays.
    ///
    /// # Errors
    /// As [`Campaigns::pause`]; [`CampaignError::WrongMode`].
    pub async fn resume(&self, campaign: &CampaignId) -> Result<CampaignState, CampaignError> {
        let state = self.state(campaign).await?;
        self.check_mode(state.mode)?;
        self.change(campaign, Lifecycle::Running, None, None).await
    }

    /// Ends a campaign: queued and ringing calls are taken back, live ones come to their end.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn stop(&self, campaign: &CampaignId) -> Result<CampaignState, CampaignError> {
        let state = self
            .change(campaign, Lifecycle::Completed, Some("stopped"), None)
            .await?;
        let in_flight = self.in_flight_of(campaign).await?;
        self.hang_up(in_flight.iter().filter(|attempt| attempt.state != AttemptState::Live))
            .await;
        Ok(state)
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
        })
    }

    /// Campaigns that are scheduled, running or paused.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn active(&self) -> Result<Vec<CampaignState>, CampaignError> {
        Ok(self.store.active_campaigns().await?)
    }

    /// Puts numbers on do-not-call; `source` is `manual` or `import`. Calls to them that wait or ring are taken back.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn add_do_not_call(&self, numbers: &[PhoneNumber], source: &str) -> Result<OptOuts, CampaignError> {
        let added_at_ms = self.now_ms();
        let entries: Vec<_> = numbers
            .iter()
            .map(|number| DoNotCallEntry {
                number: number.clone(),
                source: source.to_owned(),
                attempt: None,
                added_at_ms,
            })
            .collect();
        let report = self.store.opt_out(&entries).await?;
        let waiting = report
            .in_flight
            .iter()
            .filter(|attempt| attempt.state != AttemptState::Live);
        let (calls_cancelled, calls_left) = self.hang_up(waiting).await;
        if calls_left > 0 {
            for number in numbers {
                self.wake(FleetCommand::CancelNumber(number.clone())).await;
            }
        }
        Ok(OptOuts {
            added: report.added,
            calls_cancelled,
            calls_left,
        })
    }

    /// Whether a number is on do-not-call.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, CampaignError> {
        Ok(self.store.is_do_not_call(number).await?)
    }

    /// Pauses every campaign and hangs up every call, from here and on every server.
    ///
    /// # Errors
    /// [`CampaignError::Store`]; what was paused until then stays so.
    pub async fn stop_all(&self) -> Result<StopReport, CampaignError> {
        let mut report = StopReport::default();
        for state in self.store.active_campaigns().await? {
            let to = match state.lifecycle {
                Lifecycle::Running => Lifecycle::Paused,
                Lifecycle::Scheduled => Lifecycle::Draft,
                _ => continue,
            };
            match self.change(&state.id, to, Some(STOPPED_ALL), None).await {
                Ok(_) => report.paused += 1,
                // It ended or was paused this instant.
                Err(CampaignError::Store(StoreError::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.wake(FleetCommand::StopAll).await;
        let in_flight = self.store.in_flight(None).await?;
        let rows: Vec<_> = in_flight.into_iter().map(|attempt| attempt.row).collect();
        (report.hung_up, report.left) = self.hang_up(rows.iter()).await;
        Ok(report)
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

    async fn change(
        &self,
        campaign: &CampaignId,
        to: Lifecycle,
        reason: Option<&str>,
        starts_at_ms: Option<i64>,
    ) -> Result<CampaignState, CampaignError> {
        self.state(campaign).await?;
        let change = LifecycleChange {
            campaign: campaign.clone(),
            to,
            reason: reason.map(str::to_owned),
            starts_at_ms,
            epoch: None,
        };
        let state = self.store.change_lifecycle(&change, self.now_ms()).await?;
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(state)
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
