//! What the nodes of a fleet share besides the store: permits, one leader per campaign, and wake-ups.
//!
//! Coordination limits capacity and nothing else: that nobody is called twice is the store's law. Every implementation
//! takes each step atomically and by **one clock, its own**; callers speak in durations, so that the clocks of the
//! nodes never matter. Whatever fails, fails closed: no answer means no call.
//!
//! **Incarnations.** An empty coordination is shut: it does not know which calls are under way. One node takes the
//! rebuild lock, reads from the store every attempt that may be with the carrier, and hands them over; that opens
//! admission under a new [`Incarnation`]. A permit granted under an earlier incarnation is void. So that no call slips
//! through between two of them, a caller acquires, marks the attempt `submitting` in the store, **acquires again**
//! (which is idempotent and cheap), and calls the carrier only if both grants name the same incarnation; else it gives
//! the attempt up with [`Coordination::cancel`]. Then every call that is placed was marked before any later rebuild
//! read the store, and is counted in each incarnation until it ends.

use crate::domain::{AttemptId, CalendarDate, CampaignId, MachineVerdict, Mode, PhoneNumber};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Why coordination gave no answer. In every case no call may be placed; calls under way go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoordinationError {
    /// It cannot be reached, or did not answer in time. The step may or may not have been taken: what was acquired
    /// is given back with [`Coordination::cancel`] later, or expires.
    #[error("coordination is not available: {reason}")]
    Unavailable {
        /// What happened, without secrets.
        reason: String,
    },
    /// It started empty (or was emptied) and has not been rebuilt from the store.
    #[error("coordination is shut until it has been rebuilt from the store")]
    Shut,
    /// It holds or said something that this version does not understand.
    #[error("coordination holds or said something unexpected: {reason}")]
    Corrupt {
        /// What.
        reason: String,
    },
}

/// Everything that a call is counted under.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PermitScopes {
    /// Separate counters for each: a dry run uses up nothing of a live campaign.
    pub mode: Mode,
    /// The campaign.
    pub campaign: CampaignId,
    /// The country called, under whatever name the limits are kept by (`IN`, or a prefix such as `+91`).
    pub country: String,
    /// The number shown.
    pub caller_id: PhoneNumber,
    /// Today in the zone of the campaign.
    pub date: CalendarDate,
}

/// A rate: at most so many calls in any span of so long. Calls are spaced evenly, so that the law holds for every span
/// and not only for those that begin on the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Calls; 0 refuses every call.
    pub calls: u32,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// So many calls in a second.
    pub fn per_second(calls: u32) -> Self {
        Self {
            calls,
            per: Duration::from_secs(1),
        }
    }

    /// The least time between two calls, in microseconds, rounded up; `None` if no call is allowed at all.
    pub fn interval_us(&self) -> Option<u64> {
        let per = u64::try_from(self.per.as_micros()).unwrap_or(u64::MAX);
        (self.calls > 0).then(|| per.div_ceil(u64::from(self.calls)).min(LONGEST_US))
    }
}

/// The longest duration that coordination reckons with, in microseconds: 30 days. Longer ones count as this.
pub const LONGEST_US: u64 = 30 * 24 * 3600 * 1_000_000;

/// The limits of a request; `None` is no limit. Calls are counted whether limited or not, so that a limit holds from
/// the moment it is set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PermitLimits {
    /// Calls at once in the fleet.
    pub fleet_concurrency: Option<u32>,
    /// Calls at once of the campaign.
    pub campaign_concurrency: Option<u32>,
    /// Calls at once to the country.
    pub country_concurrency: Option<u32>,
    /// Calls at once from the caller id.
    pub caller_id_concurrency: Option<u32>,
    /// Calls begun per time in the fleet.
    pub fleet_rate: Option<Rate>,
    /// Calls begun per time by the campaign.
    pub campaign_rate: Option<Rate>,
    /// Calls on the local date in the fleet.
    pub fleet_per_day: Option<u32>,
    /// Calls on the local date of the campaign.
    pub campaign_per_day: Option<u32>,
    /// Calls on the local date to the country.
    pub country_per_day: Option<u32>,
}

/// A permit asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PermitRequest {
    /// For which attempt.
    pub attempt: AttemptId,
    /// What it counts under.
    pub scopes: PermitScopes,
    /// What must hold.
    pub limits: PermitLimits,
    /// How long the carrier can hold the call at the latest, see [`PermitRequest::longest_hold`].
    pub lasts: Duration,
}

impl PermitRequest {
    /// The latest moment at which the carrier can still hold a call that is created within `create_within` of the
    /// grant: its queue limit, the ringing (Twilio `Timeout`, to which Twilio adds 5 s), and the longest call
    /// (`TimeLimit`). A call goes on when its node dies, so that nothing short of this frees a permit by itself.
    pub fn longest_hold(create_within: Duration, queue: Duration, ring: Duration, longest_call: Duration) -> Duration {
        create_within + queue + ring + Duration::from_secs(5) + longest_call
    }
}

/// A limit, as a refusal names it. The order is that in which they are checked: what lasts longest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Calls on the local date in the fleet.
    FleetPerDay,
    /// Calls on the local date of the campaign.
    CampaignPerDay,
    /// Calls on the local date to the country.
    CountryPerDay,
    /// Calls at once in the fleet.
    FleetConcurrency,
    /// Calls at once of the campaign.
    CampaignConcurrency,
    /// Calls at once to the country.
    CountryConcurrency,
    /// Calls at once from the caller id.
    CallerIdConcurrency,
    /// Calls begun per time in the fleet.
    FleetRate,
    /// Calls begun per time by the campaign.
    CampaignRate,
}

impl Limit {
    /// All, in the order in which they are checked.
    pub const ALL: [Self; 9] = [
        Self::FleetPerDay,
        Self::CampaignPerDay,
        Self::CountryPerDay,
        Self::FleetConcurrency,
        Self::CampaignConcurrency,
        Self::CountryConcurrency,
        Self::CallerIdConcurrency,
        Self::FleetRate,
        Self::CampaignRate,
    ];
}

/// Which life of the coordination a permit belongs to: the token of the rebuild that opened it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub String);

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// The attempt holds a permit: taken now, or held before.
    Granted {
        /// How long it lasts still.
        expires_in: Duration,
        /// Of which incarnation it is.
        incarnation: Incarnation,
    },
    /// Nothing was written.
    Refused {
        /// The first limit in the way.
        limit: Limit,
        /// When asking again may help: for a rate exactly; for concurrency at the latest, as a call may end sooner;
        /// `None` if only another day, or another limit, helps.
        retry_after: Option<Duration>,
    },
}

/// The answer to a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Election {
    /// The node leads.
    Leader {
        /// Higher than that of every holder before. It fences: the database takes it with `WHERE epoch < $n` before
        /// the leader does anything, and every write of the leader asks `WHERE epoch <= $n`.
        epoch: u64,
    },
    /// Another node leads.
    Follower {
        /// When its lease ends unless it is renewed.
        retry_after: Duration,
    },
}

/// A candidate for the lead of a campaign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidacy {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The node: unique to one run of one process.
    pub node: String,
    /// The highest epoch the database knows of this campaign; keeps epochs rising when the coordination forgot them.
    pub known_epoch: u64,
    /// How long the lease lasts unless it is renewed.
    pub lasts: Duration,
}

/// What came of asking for the rebuild lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RebuildStart {
    /// Read the store **now, not before**, and call [`Coordination::finish_rebuild`] with the same token.
    Begun,
    /// Admission is open: there is nothing to rebuild.
    AlreadyOpen,
    /// Another node is at it.
    Busy {
        /// When its lock ends.
        retry_after: Duration,
    },
}

/// What the store knows of the calls under way and of the calls of the day. Rates need no history: the opening counts
/// as a call under every rate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuild {
    /// Every attempt that is marked `submitting` or later and may have a call: it has not ended, or the carrier has not
    /// said that its call is over. Each once.
    pub permits: Vec<HeldPermit>,
    /// Calls that reached, or may have reached, the carrier, those under way included.
    pub day_counts: BTreeMap<DayScope, u32>,
}

/// A permit as it is rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPermit {
    /// Whose.
    pub attempt: AttemptId,
    /// What it counts under.
    pub scopes: PermitScopes,
    /// How long the carrier can hold the call from now.
    pub lasts: Duration,
}

/// What daily counts are kept by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayScope {
    /// `live`, `dry_run` or `simulated`.
    pub mode: Mode,
    /// The local date of the campaign's zone.
    pub date: CalendarDate,
    /// Fleet, campaign or country.
    pub of: CountedOver,
}

/// Over what calls of a day are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountedOver {
    /// All campaigns.
    Fleet,
    /// One campaign.
    Campaign(CampaignId),
    /// One country.
    Country(String),
}

/// What is in use, for planning and gauges. It has changed by the time it is read; only a permit binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Permits held in the fleet.
    pub fleet_held: u32,
    /// Permits held by the campaign.
    pub campaign_held: u32,
    /// Calls of the date in the fleet.
    pub fleet_today: u32,
    /// Calls of the date of the campaign.
    pub campaign_today: u32,
}

/// A command to every node. The database holds the truth; this only wakes those who read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "of", rename_all = "snake_case")]
pub enum FleetCommand {
    /// Stop dialling and hang up everywhere.
    StopAll,
    /// A campaign was paused, stopped or resumed: read its state.
    CampaignChanged(CampaignId),
    /// A number must not be called: take back what rings or waits.
    CancelNumber(PhoneNumber),
    /// The carrier has told one node of a call that another one may have.
    CallTold {
        /// Of which attempt.
        attempt: AttemptId,
        /// What.
        told: CallTold,
    },
}

/// What the carrier has told of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallTold {
    /// Its machine detection has a verdict.
    Machine(MachineVerdict),
    /// It is over.
    Over,
}

/// What a subscriber hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FleetSignal {
    /// A command.
    Command(FleetCommand),
    /// Commands may have been missed (a slow reader, a broken connection): read the truth from the database.
    Missed,
}

/// Commands as they arrive.
#[async_trait]
pub trait FleetSignals: Send {
    /// The next signal; `None` when the coordination has been closed.
    async fn next(&mut self) -> Option<FleetSignal>;
}

/// Coordination between nodes. See the module for what all implementations share.
#[async_trait]
pub trait Coordination: Send + Sync + 'static {
    /// Asks for a permit: checks every limit, and only if all of them hold counts the call under all of them. An
    /// attempt that holds a permit is granted it again, and nothing is counted twice; but its place under a rate lasts
    /// for that rate's interval only, and after that another is taken, or waited for ([`Admission::Refused`]; the
    /// permit stays). Whoever asks again immediately before the call begins therefore never exceeds a rate by more than
    /// one call, however long it took in between.
    async fn acquire(&self, request: &PermitRequest) -> Result<Admission, CoordinationError>;

    /// Gives a permit back on **terminal evidence** (a callback, a fetch): the call ended. Rate and day stay counted.
    /// False, and harmless, if none is held.
    async fn release(&self, attempt: &AttemptId) -> Result<bool, CoordinationError>;

    /// Takes a permit back whose call certainly never reached the carrier; the day's counts go down as well. False,
    /// and harmless, if none is held.
    async fn cancel(&self, attempt: &AttemptId) -> Result<bool, CoordinationError>;

    /// The attempts that hold a permit of a mode, in no order: what reconciliation compares with the store.
    async fn held(&self, mode: Mode) -> Result<Vec<AttemptId>, CoordinationError>;

    /// What a campaign and the fleet use.
    async fn usage(&self, mode: Mode, campaign: &CampaignId, date: CalendarDate) -> Result<Usage, CoordinationError>;

    /// Runs for the lead of a campaign. The holder itself is told its epoch again and its lease begins anew.
    async fn campaign_lease(&self, candidacy: &Candidacy) -> Result<Election, CoordinationError>;

    /// Prolongs a lease. False if the node does not hold it with this epoch: it leads no more.
    async fn renew_lease(
        &self,
        campaign: &CampaignId,
        node: &str,
        epoch: u64,
        lasts: Duration,
    ) -> Result<bool, CoordinationError>;

    /// Gives a lease up. False if the node does not hold it with this epoch.
    async fn resign_lease(&self, campaign: &CampaignId, node: &str, epoch: u64) -> Result<bool, CoordinationError>;

    /// Whether permits are given at all.
    async fn is_open(&self) -> Result<bool, CoordinationError>;

    /// Takes the rebuild lock for `lasts`, or prolongs it for the token that holds it. The incarnation that follows is
    /// another one even if a token comes twice.
    async fn begin_rebuild(&self, token: &Incarnation, lasts: Duration) -> Result<RebuildStart, CoordinationError>;

    /// Writes what the store knows and opens admission, in one step. False, and nothing is written, if the lock is
    /// not held with this token (any more). Attempts released since the lock was taken are left out.
    async fn finish_rebuild(&self, token: &Incarnation, rebuild: &Rebuild) -> Result<bool, CoordinationError>;

    /// Wakes every node.
    async fn publish(&self, command: &FleetCommand) -> Result<(), CoordinationError>;

    /// Hears what is published from now on.
    async fn subscribe(&self) -> Result<Box<dyn FleetSignals>, CoordinationError>;
}
