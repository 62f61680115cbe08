//! What else operators do with campaigns: look at all of them, see whether anything is left to do now, and keep what
//! the registry of those who want no calls said.

use super::campaigns::{CampaignError, Campaigns};
use samvad_actors::campaign::{ZonedWindow, ZonesNow};
use samvad_actors::domain::{CalendarDate, Campaign, CampaignId, ChangedBy, Lifecycle, Mode};
use samvad_actors::ports::{AuditEntry, CampaignState, DialerStore, DueQuery, DueSnapshot, RegistryScrub};

/// What a campaign has to do at this instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Somebody is being called, or may be called now.
    Busy,
    /// The window is closed everywhere, and no call is under way. `opens_at_ms`: when it opens first, UTC milliseconds.
    WindowClosed {
        /// `None` if it does not within a year.
        opens_at_ms: Option<i64>,
    },
    /// Nobody may be called now though the window is open, and no call is under way: retries are not due yet.
    NothingDue,
    /// The campaign, or the fleet, has made the calls it may make today, and none is under way.
    DayIsFull,
    /// It is scheduled for later; UTC milliseconds.
    NotBegun {
        /// When it begins.
        starts_at_ms: i64,
    },
    /// It does not run.
    Halted {
        /// Where it stands.
        lifecycle: Lifecycle,
        /// Why, for people.
        reason: Option<String>,
    },
}

impl Campaigns {
    /// Every campaign, drafts included, oldest first.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn all(&self) -> Result<Vec<CampaignState>, CampaignError> {
        Ok(self.store.all_campaigns().await?)
    }

    /// A campaign as it was written.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn written(&self, campaign: &CampaignId) -> Result<Campaign, CampaignError> {
        self.definition(campaign).await
    }

    /// Keeps what the registry said of numbers. An older word does not replace a newer one.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn record_scrubs(&self, scrubs: &[RegistryScrub], by: &ChangedBy) -> Result<(), CampaignError> {
        let entry = AuditEntry {
            by: by.clone(),
            action: "registry.scrub",
            target: ("registry", String::new()),
            before: None,
            after: Some(serde_json::json!({"numbers": scrubs.len()})),
        };
        Ok(self.store.record_scrubs(scrubs, &entry, self.now_ms()).await?)
    }

    /// What a campaign has to do now.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn outlook(&self, campaign: &CampaignId) -> Result<Outlook, CampaignError> {
        let state = self.state(campaign).await?;
        let now_ms = self.now_ms();
        match (state.lifecycle, state.starts_at_ms) {
            (Lifecycle::Running, _) => {}
            (Lifecycle::Scheduled, Some(starts_at_ms)) if starts_at_ms > now_ms => {
                return Ok(Outlook::NotBegun { starts_at_ms });
            }
            (Lifecycle::Scheduled, _) => return Ok(Outlook::Busy),
            (lifecycle, _) => {
                return Ok(Outlook::Halted {
                    lifecycle,
                    reason: state.reason,
                });
            }
        }
        let definition = self.definition(campaign).await?;
        let written = &definition.dialing.window;
        let window = ZonedWindow::new(written, &written.zone).ok();
        let zones = self.store.zones(campaign).await?;
        let nobody_pending = zones.is_empty();
        let zones = ZonesNow::of(written, zones, now_ms);
        let closed = zones.open.is_empty();
        let Some(local_date) = window.and_then(|window| window.local_date(now_ms)) else {
            return Ok(Outlook::WindowClosed { opens_at_ms: None });
        };
        let query = DueQuery {
            campaign: campaign.clone(),
            open_zones: zones.open,
            local_date,
            limit: 1,
        };
        let due = self.store.due_snapshot(&query, now_ms).await?;
        Ok(match (due.in_flight, due.candidates.is_empty()) {
            // With nobody left at all its actor says in a moment that it is completed.
            (0, true) if nobody_pending => Outlook::Busy,
            (0, true) if closed => Outlook::WindowClosed {
                opens_at_ms: zones.opens_at_ms,
            },
            (0, true) => Outlook::NothingDue,
            (0, false) if self.day_is_full(&definition, &state, &due, local_date).await? => Outlook::DayIsFull,
            _ => Outlook::Busy,
        })
    }

    /// Whether a cap of the day lets no other call begin, as far as the store knows.
    async fn day_is_full(
        &self,
        definition: &Campaign,
        state: &CampaignState,
        due: &DueSnapshot,
        date: CalendarDate,
    ) -> Result<bool, CampaignError> {
        let today = match state.mode {
            Mode::Live => due.today.live,
            Mode::DryRun => due.today.dry_run,
            Mode::Simulated => due.today.simulated,
        };
        let own = definition.dialing.limits.calls_per_day;
        if own.is_some_and(|cap| today >= u64::from(cap)) {
            return Ok(true);
        }
        let Some(cap) = self.means.calls_per_day else {
            return Ok(false);
        };
        let usage = self.store.usage(date, self.now_ms()).await?;
        let of_today = usage
            .by_day
            .iter()
            .filter(|day| day.mode == state.mode && day.local_date == date);
        Ok(of_today.map(|day| day.calls).sum::<u64>() >= u64::from(cap))
    }
}
