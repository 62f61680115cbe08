//! The campaign actor: one per running campaign in the whole fleet, and what every node does besides.
//!
//! - [`CampaignFleet`] runs on every node: it sees which campaigns run, starts an actor for each and builds it anew if
//!   it dies, hears commands, takes back what must not ring any more, and looks after what dead nodes left.
//! - [`CampaignActor`] runs for the lead of its campaign. The one that leads plans ticks and places calls.
//! - `placing` is the way of one call through the store and the permits, `asking` its way to the carrier; `gate` opens
//!   admission.
//!
//! Whatever is heard from other nodes is a wake-up; the truth is read from the store at least once a second.

mod actor;
mod asking;
mod fleet;
mod gate;
mod holdback;
mod placing;
mod returns;
mod tick;
mod upkeep;

pub use actor::{CampaignActor, CampaignOver, CampaignWake};
pub use fleet::{CampaignFleet, FleetStop, Preparation, PrepareSurveys};
pub use gate::{Gate, GateError};
pub use returns::give_permits_back;
pub use upkeep::{REHEARSED, STOPPED_ALL, Upkeep};

use super::endings::SupervisorPorts;
use super::mint::TokenMint;
use crate::domain::{AttemptId, CalendarDate, Campaign, Mode, PhoneNumber};
use crate::ports::{Coordination, DialerStore, PermitLimits, PermitRequest, PermitScopes, Rate};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How calls are placed by this node.
#[derive(Clone, Debug)]
pub struct DialSettings {
    /// The node, unique to one run of one process.
    pub node: String,
    /// The most real attempts this node makes; dry runs it makes besides.
    pub mode: Mode,
    /// How long a call may ring, in seconds.
    pub ring_timeout_seconds: u32,
    /// How long the carrier may queue a call, in seconds.
    pub queue_limit_seconds: u32,
    /// Ask the carrier whether a machine answered.
    pub machine_detection: bool,
    /// The limits of the fleet; those of a campaign are added to them.
    pub limits: PermitLimits,
    /// How long a lead lasts unless it is renewed. Another node takes over after it at the latest.
    pub lease: Duration,
    /// The longest time between two looks at the store.
    pub poll: Duration,
}

impl DialSettings {
    /// Settings with a lead of six seconds and a look every second.
    pub fn new(node: String, mode: Mode, limits: PermitLimits) -> Self {
        Self {
            node,
            mode,
            ring_timeout_seconds: 30,
            queue_limit_seconds: 300,
            machine_detection: true,
            limits,
            lease: Duration::from_secs(6),
            poll: Duration::from_secs(1),
        }
    }

    /// Whether this node makes attempts of a mode. Only `live` reaches a carrier elsewhere, so that a campaign is never
    /// made more real than both it and the node are set to; a dry run calls nobody and may be held anywhere.
    pub fn makes(&self, mode: Mode) -> bool {
        mode == self.mode || mode == Mode::DryRun
    }

    /// From the request to the answer at the latest: the carrier's queue and the ringing.
    pub fn lead(&self) -> Duration {
        Duration::from_secs(u64::from(self.queue_limit_seconds) + u64::from(self.ring_timeout_seconds))
    }

    /// Longest call after the answer, as the carrier is told (Twilio `TimeLimit`): the campaign's own, and a minute more
    /// for the dialogue to keep it.
    pub(super) fn time_limit_seconds(campaign: &Campaign) -> u32 {
        campaign.longest_call_seconds.saturating_add(60)
    }

    /// How long the carrier can hold a call of a campaign.
    pub fn longest_hold(&self, campaign: &Campaign) -> Duration {
        PermitRequest::longest_hold(
            CREATE_WITHIN,
            Duration::from_secs(u64::from(self.queue_limit_seconds)),
            Duration::from_secs(u64::from(self.ring_timeout_seconds)),
            Duration::from_secs(u64::from(Self::time_limit_seconds(campaign))),
        )
    }

    /// The limits that a call of a campaign is under.
    pub(super) fn limits_of(&self, campaign: &Campaign) -> PermitLimits {
        let own = &campaign.dialing.limits;
        PermitLimits {
            campaign_concurrency: own.concurrent_calls,
            campaign_rate: own.calls_per_second.map(Rate::per_second),
            campaign_per_day: own.calls_per_day,
            ..self.limits.clone()
        }
    }

    pub(super) fn permit(
        &self,
        attempt: &AttemptId,
        campaign: &Campaign,
        mode: Mode,
        number: &PhoneNumber,
        date: CalendarDate,
    ) -> PermitRequest {
        PermitRequest {
            attempt: attempt.clone(),
            scopes: PermitScopes {
                mode,
                campaign: campaign.id.clone(),
                country: number.calling_code().to_owned(),
                caller_id: campaign.caller_id.clone(),
                date,
            },
            limits: self.limits_of(campaign),
            lasts: self.longest_hold(campaign),
        }
    }
}

/// A carrier that asks to slow down is asked again for so long; what it holds after that is counted from then.
const CREATE_WITHIN: Duration = Duration::from_secs(60);

/// What campaigns are run with.
#[derive(Clone)]
pub struct CampaignPorts {
    /// Outcomes, the carrier, events, what this node answers for.
    pub base: SupervisorPorts,
    /// Claims and snapshots.
    pub dialer: Arc<dyn DialerStore>,
    /// Permits and leads.
    pub coordination: Arc<dyn Coordination>,
    /// Attempt ids and media tokens.
    pub mint: Arc<dyn TokenMint>,
    /// How.
    pub settings: Arc<DialSettings>,
    /// Opens admission.
    pub gate: Arc<Gate>,
    /// The carrier asked to slow down until then, UTC milliseconds.
    pub hold_off: HoldOff,
}

/// Until when the carrier wants to be left alone. Shared by all campaigns of the node.
#[derive(Clone, Default)]
pub struct HoldOff(Arc<AtomicI64>);

impl HoldOff {
    pub(super) fn until(&self, at_ms: i64) {
        self.0.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// When calls may be placed again, UTC milliseconds; in the past if they may.
    pub(super) fn at_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl CampaignPorts {
    pub(super) fn now_ms(&self) -> i64 {
        self.base.clock.unix_ms()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
