//! One tick of a campaign that this node leads: a snapshot, a plan, and calls begun in its order.

use super::holdback::{Holdback, Told};
use super::placing::{NotPlaced, Placing, ends_the_tick};
use super::{CampaignPorts, REHEARSED};
use crate::campaign::{Candidate, DialOrder, Due, Plan, RefusalReason, Snapshot, ZonedWindow, ZonesNow, plan_tick};
use crate::domain::{CalendarDate, Campaign, CampaignId, Lifecycle, Mode};
use crate::ports::{CampaignState, DueContact, DueQuery, Leadership, LifecycleChange, StoreError};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Calls begun in one tick at most, so that what an operator wants is heard between.
const MOST_ORDERS: u32 = 64;

/// How long the number of contacts left is taken as it was counted.
const COUNT_LASTS_MS: i64 = 30_000;

/// How many contacts are left in each zone; `None` is the campaign's own.
type LeftByZone = BTreeMap<Option<String>, u32>;

/// What follows a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Another after so long, or as soon as something happens.
    Wake(Duration),
    /// The campaign runs no more.
    Over,
}

/// Ticks of one campaign.
pub(super) struct Ticks {
    pub(super) ports: CampaignPorts,
    pub(super) campaign: CampaignId,
    /// When a call was last begun, UTC milliseconds.
    last_begun_ms: Cell<Option<i64>>,
    /// Contacts left by zone, and when they were counted.
    left: RefCell<Option<(i64, LeftByZone)>>,
    told: Told,
}

impl Ticks {
    pub(super) fn new(ports: CampaignPorts, campaign: CampaignId) -> Self {
        Self {
            ports,
            campaign,
            last_begun_ms: Cell::new(None),
            left: RefCell::new(None),
            told: Told::default(),
        }
    }

    /// Plans once and begins the calls.
    pub(super) async fn tick(&self, leadership: &Leadership) -> Result<Next, StoreError> {
        let poll = Next::Wake(self.ports.settings.poll);
        let Some((campaign, state)) = self.running().await? else {
            return Ok(Next::Over);
        };
        let now_ms = self.ports.now_ms();
        let written = &campaign.dialing.window;
        let Some(date) = ZonedWindow::new(written, &written.zone)
            .ok()
            .and_then(|window| window.local_date(now_ms))
        else {
            tracing::error!(campaign = %self.campaign, "the calling window's zone is not known; nobody is called");
            return Ok(poll);
        };
        let zones = self.ports.dialer.zones(&self.campaign).await?;
        let nobody_pending = zones.is_empty();
        let zones = ZonesNow::of(written, zones, now_ms);
        let free = if zones.open.is_empty() {
            Err(Holdback::Window {
                opens_at_ms: zones.opens_at_ms,
            })
        } else if self.ports.hold_off.at_ms() > now_ms {
            Err(Holdback::Carrier)
        } else {
            self.free_permits(&campaign, &state, date).await
        };
        let (free, mut holdback) = match free {
            Ok(free) => (free, None),
            Err(holdback) => (0, Some(holdback)),
        };
        let query = DueQuery {
            campaign: self.campaign.clone(),
            open_zones: zones.open,
            local_date: date,
            limit: free.saturating_mul(4),
        };
        let due = self.ports.dialer.due_snapshot(&query, now_ms).await?;
        if nobody_pending && due.in_flight == 0 {
            return self.complete(leadership, state.mode).await;
        }
        if due.in_flight == 0 && free > 0 && due.candidates.is_empty() {
            holdback = Some(Holdback::NobodyDue);
        }
        let breaker = campaign.dialing.breaker;
        let latest_ends = match breaker.recent {
            0 => Vec::new(),
            recent => self.ports.dialer.latest_ends(&self.campaign, recent).await?,
        };
        let to_call = match campaign.dialing.spread {
            true => Some(self.left_by_zone(now_ms).await?),
            false => None,
        };
        let mut zones_of = BTreeMap::new();
        let snapshot = Snapshot {
            window: written.clone(),
            candidates: candidates(due.candidates, &mut zones_of),
            to_call,
            free_permits: free,
            last_begun_ms: self.last_begun_ms.get(),
            // The store leaves out whoever is being called.
            in_flight: BTreeSet::new(),
            lead: self.ports.settings.lead(),
            breaker,
            latest_ends,
            longest_sleep: self.ports.settings.poll,
        };
        let plan = plan_tick(&snapshot, now_ms);
        if let Some(trip) = plan.pause {
            return self.pause(leadership, trip.to_string()).await;
        }
        // Whoever is still being called may be the last.
        let holdback = holdback.or_else(|| closing(&plan)).filter(|_| !nobody_pending);
        self.told.tell(&self.campaign, holdback);
        if let Some(refusal) = plan
            .refusals
            .iter()
            .find(|refusal| refusal.reason == RefusalReason::UnknownZone)
        {
            tracing::warn!(campaign = %self.campaign, contact = %refusal.contact, "a contact's zone is not known; it is not called");
        }
        let campaign = Arc::new(campaign);
        for order in plan.orders {
            let zone = zones_of.remove(&order.contact).flatten();
            if let Some(wait) = self.begin(leadership, &campaign, &state, order, zone).await {
                return Ok(Next::Wake(wait.min(self.ports.settings.poll)));
            }
        }
        let wait_ms = plan.wake_at_ms.saturating_sub(self.ports.now_ms()).max(1);
        Ok(Next::Wake(Duration::from_millis(wait_ms.unsigned_abs())))
    }

    /// The campaign, if it runs here and now.
    async fn running(&self) -> Result<Option<(Campaign, CampaignState)>, StoreError> {
        let state = self.ports.dialer.campaign_state(&self.campaign).await?;
        let Some(state) = state.filter(|state| state.lifecycle == Lifecycle::Running) else {
            return Ok(None);
        };
        if self.ports.base.readiness.is_draining() || !self.ports.settings.makes(state.mode) {
            return Ok(None);
        }
        let campaign = self.ports.base.store.campaign(&self.campaign).await?;
        Ok(campaign.map(|campaign| (campaign, state)))
    }

    /// How many calls may begin as far as is known; only a permit binds.
    async fn free_permits(
        &self,
        campaign: &Campaign,
        state: &CampaignState,
        date: CalendarDate,
    ) -> Result<u32, Holdback> {
        let shut = |reason: &dyn std::fmt::Display| Holdback::Admission(reason.to_string());
        let is_open = self.ports.gate.open().await.map_err(|error| shut(&error))?;
        if !is_open {
            return Err(shut(&"a server is telling Redis what is under way"));
        }
        let usage = self.ports.coordination.usage(state.mode, &self.campaign, date).await;
        let usage = usage.map_err(|error| shut(&error))?;
        let limits = self.ports.settings.limits_of(campaign);
        let used_up = |limit: Option<u32>, used: u32| limit.filter(|limit| used >= *limit);
        if let Some(calls) = used_up(limits.fleet_per_day, usage.fleet_today) {
            return Err(Holdback::FleetsDay(calls));
        }
        if let Some(calls) = used_up(limits.campaign_per_day, usage.campaign_today) {
            return Err(Holdback::CampaignsDay(calls));
        }
        let free = [
            (limits.fleet_concurrency, usage.fleet_held),
            (limits.campaign_concurrency, usage.campaign_held),
            (limits.fleet_per_day, usage.fleet_today),
            (limits.campaign_per_day, usage.campaign_today),
        ]
        .into_iter()
        .filter_map(|(limit, used)| Some(limit?.saturating_sub(used)))
        .fold(MOST_ORDERS, u32::min);
        Ok(free)
    }

    async fn left_by_zone(&self, now_ms: i64) -> Result<LeftByZone, StoreError> {
        if let Some((at_ms, left)) = &*self.left.borrow()
            && now_ms.saturating_sub(*at_ms) < COUNT_LASTS_MS
        {
            return Ok(left.clone());
        }
        let counted = self.ports.dialer.pending_by_zone(&self.campaign).await?;
        let left: LeftByZone = counted
            .into_iter()
            .map(|(zone, contacts)| (zone, u32::try_from(contacts).unwrap_or(u32::MAX)))
            .collect();
        self.left.replace(Some((now_ms, left.clone())));
        Ok(left)
    }

    /// Begins a call. How long to wait if no other is to be begun now.
    async fn begin(
        &self,
        leadership: &Leadership,
        campaign: &Arc<Campaign>,
        state: &CampaignState,
        order: DialOrder,
        zone: Option<String>,
    ) -> Option<Duration> {
        let placing = Placing {
            ports: self.ports.clone(),
            leadership: leadership.clone(),
            campaign: campaign.clone(),
            mode: state.mode,
            zone,
            order,
        };
        match actix::spawn(placing.begin()).await {
            Ok(Ok(())) => {
                self.last_begun_ms.set(Some(self.ports.now_ms()));
                None
            }
            Ok(Err(not_placed)) => {
                let wait = match &not_placed {
                    NotPlaced::NoPermit(_, Some(retry_after)) => *retry_after,
                    _ => self.ports.settings.poll,
                };
                ends_the_tick(&not_placed).then_some(wait)
            }
            Err(error) => {
                tracing::error!(campaign = %self.campaign, %error, "a call could not be begun");
                Some(self.ports.settings.poll)
            }
        }
    }

    /// Everybody is settled.
    async fn complete(&self, leadership: &Leadership, mode: Mode) -> Result<Next, StoreError> {
        let (to, reason) = match mode {
            Mode::DryRun => (Lifecycle::Paused, REHEARSED),
            Mode::Simulated | Mode::Live => (Lifecycle::Completed, "every contact is settled"),
        };
        self.change(leadership, to, reason.to_owned()).await
    }

    async fn pause(&self, leadership: &Leadership, reason: String) -> Result<Next, StoreError> {
        tracing::error!(campaign = %self.campaign, reason, "the campaign is paused");
        self.change(leadership, Lifecycle::Paused, reason).await
    }

    async fn change(&self, leadership: &Leadership, to: Lifecycle, reason: String) -> Result<Next, StoreError> {
        let change = LifecycleChange {
            campaign: self.campaign.clone(),
            to,
            reason: Some(reason),
            starts_at_ms: None,
            epoch: Some(leadership.epoch),
        };
        match self.ports.dialer.change_lifecycle(&change, self.ports.now_ms()).await {
            Ok(_) => {
                tracing::info!(campaign = %self.campaign, to = to.as_str(), "the campaign has come to a halt");
                Ok(Next::Over)
            }
            // An operator or a newer leader was first; the next look tells.
            Err(StoreError::Conflict { .. }) => Ok(Next::Wake(Duration::from_millis(100))),
            Err(error) => Err(error),
        }
    }
}

/// The window is open, but closes before any of these could be answered.
fn closing(plan: &Plan) -> Option<Holdback> {
    let openings: Option<Vec<_>> = plan
        .refusals
        .iter()
        .map(|refusal| match refusal.reason {
            RefusalReason::OutsideWindow { opens_at_ms } => Some(opens_at_ms),
            _ => None,
        })
        .collect();
    let opens_at_ms = openings.filter(|openings| plan.orders.is_empty() && !openings.is_empty())?;
    Some(Holdback::Window {
        opens_at_ms: opens_at_ms.into_iter().flatten().min(),
    })
}

/// Candidates in the order in which the store gives them; their zones are kept for the dial.
fn candidates(
    due: Vec<DueContact>,
    zones_of: &mut BTreeMap<crate::domain::ContactId, Option<String>>,
) -> Vec<Candidate> {
    let fresh_or_again = |position: usize, contact: &DueContact| match contact.due_at_ms {
        0 => Due::Fresh {
            position: position as u64,
        },
        at_ms => Due::Retry { at_ms },
    };
    due.into_iter()
        .enumerate()
        .map(|(position, contact)| {
            zones_of.insert(contact.contact.clone(), contact.zone.clone());
            Candidate {
                due: fresh_or_again(position, &contact),
                contact: contact.contact,
                number: contact.number,
                zone: contact.zone,
            }
        })
        .collect()
}
