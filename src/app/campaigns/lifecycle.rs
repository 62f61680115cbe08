//! The life of a campaign: activated, paused, resumed, stopped, put away.

use super::{CampaignError, Campaigns};
use samvad_actors::domain::{AttemptState, CampaignId, ChangedBy, Lifecycle, Mode};
use samvad_actors::ports::{
    AuditEntry, CampaignChange, CampaignState, CatalogStore, DialerStore, EditRefusal, FleetCommand, StoreError,
};
use samvad_actors::runtime::STOPPED_ALL;

/// A wish to activate a campaign.
#[derive(Clone, Debug)]
pub struct Activation {
    /// Which.
    pub campaign: CampaignId,
    /// How real.
    pub mode: Mode,
    /// When it begins, UTC milliseconds; `None`: now.
    pub starts_at_ms: Option<i64>,
    /// [`Preview::confirmation`](super::Preview::confirmation); needed for live calls.
    pub confirmation: Option<String>,
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

impl Campaigns {
    /// Starts a campaign, now or later. A live one needs the confirmation of its [`Preview`](super::Preview), and an
    /// installation that makes live calls (`DRY_RUN_MODE=false`).
    ///
    /// # Errors
    /// [`CampaignError::NotReady`] with all that is missing; `Store` with a conflict if it may not start from where it
    /// stands.
    pub async fn activate(&self, activation: &Activation, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let Activation { campaign, mode, .. } = activation;
        // First, so that what does not exist is not told as a mode that does not fit.
        let record = self.record(campaign).await?;
        self.check_mode(*mode)?;
        let preview = self.preview_of(&record.definition, *mode).await?;
        if !preview.missing.is_empty() {
            return Err(CampaignError::NotReady(preview.missing));
        }
        let is_live = *mode == Mode::Live;
        if is_live && activation.confirmation.as_deref() != Some(&preview.confirmation) {
            return Err(CampaignError::NotConfirmed);
        }
        let to = match activation.starts_at_ms {
            Some(starts_at_ms) if starts_at_ms > self.now_ms() => Lifecycle::Scheduled,
            _ => Lifecycle::Running,
        };
        let wish = CampaignChange {
            mode: Some(*mode),
            starts_at_ms: activation.starts_at_ms,
            // Only what was confirmed is called for real, whoever edits it in this instant.
            expected_version: is_live.then_some(record.version),
            ..change(campaign, to, None)
        };
        match self.change(&wish, "campaign.activate", by).await {
            Err(CampaignError::Edit(EditRefusal::VersionMismatch { .. })) => Err(CampaignError::NotConfirmed),
            done => done,
        }
    }

    /// Runs a campaign of a rehearsal in a mode, whether or not anybody is left to call. Nobody confirms it, so never live.
    pub(in crate::app) async fn run(
        &self,
        campaign: &CampaignId,
        mode: Mode,
        by: &ChangedBy,
    ) -> Result<(), CampaignError> {
        let state = self.state(campaign).await?;
        if mode == Mode::Live {
            return Err(CampaignError::NotConfirmed);
        }
        if state.lifecycle == Lifecycle::Running {
            if state.mode == mode {
                return Ok(());
            }
            // Begun in another mode by an earlier run.
            self.pause(campaign, by).await?;
        }
        let wish = CampaignChange {
            mode: Some(mode),
            ..change(campaign, Lifecycle::Running, None)
        };
        self.change(&wish, "campaign.activate", by).await.map(drop)
    }

    /// Begins no call any more; queued, ringing and live ones go on.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`]; `Store` with a conflict unless it runs.
    pub async fn pause(&self, campaign: &CampaignId, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let wish = change(campaign, Lifecycle::Paused, Some("paused"));
        self.change(&wish, "campaign.pause", by).await
    }

    /// Goes on after a pause, by hand or by the breaker. The mode stays.
    ///
    /// # Errors
    /// `Store` with a conflict unless it is paused; [`CampaignError::Unknown`], [`CampaignError::WrongMode`].
    pub async fn resume(&self, campaign: &CampaignId, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let state = self.state(campaign).await?;
        // What was never activated is not resumed: nobody has looked at what is missing, or confirmed it.
        if state.lifecycle != Lifecycle::Paused {
            let reason = format!(
                "a campaign that is {} cannot be resumed, only one that is paused",
                state.lifecycle.as_str()
            );
            return Err(CampaignError::Store(StoreError::Conflict { reason }));
        }
        self.check_mode(state.mode)?;
        let wish = change(campaign, Lifecycle::Running, None);
        self.change(&wish, "campaign.resume", by).await
    }

    /// Ends a campaign: queued and ringing calls are taken back, live ones come to their end.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn stop(&self, campaign: &CampaignId, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let wish = change(campaign, Lifecycle::Completed, Some("stopped"));
        let state = self.change(&wish, "campaign.stop", by).await?;
        let in_flight = self.in_flight_of(campaign).await?;
        self.hang_up(in_flight.iter().filter(|attempt| attempt.state != AttemptState::Live))
            .await;
        Ok(state)
    }

    /// Makes a scheduled campaign a draft again.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn unschedule(&self, campaign: &CampaignId, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let wish = change(campaign, Lifecycle::Draft, None);
        self.change(&wish, "campaign.unschedule", by).await
    }

    /// Puts a campaign away that is completed.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn archive(&self, campaign: &CampaignId, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        let wish = change(campaign, Lifecycle::Archived, None);
        self.change(&wish, "campaign.archive", by).await
    }

    /// Pauses every campaign and hangs up every call, from here and on every server.
    ///
    /// # Errors
    /// [`CampaignError::Store`]; what was paused until then stays so.
    pub async fn stop_all(&self, by: &ChangedBy) -> Result<StopReport, CampaignError> {
        let mut report = StopReport::default();
        for state in self.store.active_campaigns().await? {
            let to = match state.lifecycle {
                Lifecycle::Running => Lifecycle::Paused,
                Lifecycle::Scheduled => Lifecycle::Draft,
                _ => continue,
            };
            let wish = change(&state.id, to, Some(STOPPED_ALL));
            match self.change(&wish, "campaign.stop_all", by).await {
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

    async fn change(
        &self,
        change: &CampaignChange,
        action: &'static str,
        by: &ChangedBy,
    ) -> Result<CampaignState, CampaignError> {
        let campaign = &change.campaign;
        self.state(campaign).await?;
        let audit = entry(by, action, campaign);
        let state = self.store.change_campaign(change, &audit, self.now_ms()).await??;
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(state)
    }
}

/// A change of a campaign, for the audit log; the store fills in before and after.
pub(super) fn entry(by: &ChangedBy, action: &'static str, campaign: &CampaignId) -> AuditEntry {
    AuditEntry {
        by: by.clone(),
        action,
        target: ("campaign", campaign.to_string()),
        before: None,
        after: None,
    }
}

fn change(campaign: &CampaignId, to: Lifecycle, reason: Option<&str>) -> CampaignChange {
    CampaignChange {
        campaign: campaign.clone(),
        expected_version: None,
        mode: None,
        to,
        reason: reason.map(str::to_owned),
        starts_at_ms: None,
    }
}
