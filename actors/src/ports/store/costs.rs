//! What calls and preparations used of services, and how long turns took: what a sheet of costs and latency is made of.
//! Everything is added up by the database, or read in pages: a campaign may have a million attempts.

use crate::domain::{AttemptId, CampaignId, Mode, Outcome};
use crate::ports::{ServiceUse, StoreError, UsedService};
use async_trait::async_trait;

/// Which attempts count: those of a campaign that ended in a span of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostQuery {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// How real; `None`: all, each apart. A preparation belongs to no mode: what was rendered for a rehearsal is what live
    /// calls play.
    pub mode: Option<Mode>,
    /// From this moment on.
    pub since_ms: i64,
    /// Before this moment.
    pub until_ms: i64,
}

/// Everything that adds up, of one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CostTotals {
    /// How many attempts there are, by mode.
    pub calls: Vec<CallTotals>,
    /// What was used, in the order of mode, kind, service, model; preparations last.
    pub services: Vec<ServiceTotal>,
    /// What the carrier's calls took, in the order of mode and country.
    pub carrier: Vec<CarrierTotal>,
}

/// Attempts of one mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallTotals {
    /// How real.
    pub mode: Mode,
    /// Attempts that ended.
    pub attempts: u64,
    /// Of them, those in which a conversation began.
    pub conversations: u64,
    /// Of the conversations, those of which no use of a service is recorded: written by an earlier version, or lost
    /// with what else could not be kept of a report.
    pub without_use: u64,
    /// Of the conversations, those without a turn that was measured: nobody spoke, or the report was cut.
    pub without_latency: u64,
    /// Interviews that were completed.
    pub completed: u64,
}

/// What was used of one model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceTotal {
    /// Of the calls; `None`: of preparations.
    pub mode: Option<Mode>,
    /// Which.
    pub service: UsedService,
    /// Calls, or preparations, that used it.
    pub users: u64,
    /// How much.
    pub amount: ServiceUse,
}

/// What the carrier's calls to one country took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CarrierTotal {
    /// How real.
    pub mode: Mode,
    /// The country calling code with its plus sign; `None` if the attempt was not claimed with one.
    pub country: Option<String>,
    /// Calls whose length the carrier told, those of length 0 (busy, no answer) included.
    pub calls: u64,
    /// Minutes begun, call by call.
    pub minutes: u64,
    /// Answered calls whose length the carrier has not told.
    pub unknown: u64,
}

/// Where a page of calls ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallCursor {
    /// When its last call ended.
    pub ended_at_ms: i64,
    /// Its last call.
    pub attempt: AttemptId,
}

/// What one attempt used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallUse {
    /// Which.
    pub attempt: AttemptId,
    /// How real.
    pub mode: Mode,
    /// What came of it.
    pub outcome: Outcome,
    /// When it ended.
    pub ended_at_ms: i64,
    /// As in [`CarrierTotal`].
    pub country: Option<String>,
    /// Minutes begun; `None` if the carrier has not told the length of an answered call, 0 for one that nobody answered.
    pub minutes: Option<u64>,
    /// What was used, in the order of kind, service, model.
    pub services: Vec<(UsedService, ServiceUse)>,
}

/// A part of a turn, as in [`TurnLatency`](super::TurnLatency).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the fields of `TurnLatency`")]
pub enum TurnPart {
    EndPointing,
    Recognition,
    Understanding,
    Decision,
    FirstAudio,
    Total,
}

impl TurnPart {
    /// In the order of a turn, the total last.
    pub const ALL: [Self; 6] = [
        Self::EndPointing,
        Self::Recognition,
        Self::Understanding,
        Self::Decision,
        Self::FirstAudio,
        Self::Total,
    ];
}

/// How many turns took how long in one part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LatencyCount {
    /// How real.
    pub mode: Mode,
    /// Milliseconds.
    pub ms: u64,
    /// Turns.
    pub turns: u64,
}

impl LatencyCount {
    /// Longer parts of a turn count as so long: more than a minute.
    pub const LONGEST_MS: u64 = 60_001;
}

/// Costs and latency. Laws: what a call used is counted once, with the report that ended it; what a page adds up to is
/// what the totals say of the same query.
#[async_trait]
pub trait CostStore: Send + Sync {
    /// Keeps what a campaign's preparation used; nothing if it used nothing.
    async fn record_preparation(
        &self,
        campaign: &CampaignId,
        used: &[(UsedService, ServiceUse)],
        at_ms: i64,
    ) -> Result<(), StoreError>;
    /// Adds everything up.
    async fn cost_totals(&self, query: &CostQuery) -> Result<CostTotals, StoreError>;
    /// The calls behind the totals, in the order in which they ended, at most `limit` of those after the cursor.
    async fn calls_used(
        &self,
        query: &CostQuery,
        after: Option<&CallCursor>,
        limit: u32,
    ) -> Result<Vec<CallUse>, StoreError>;
    /// How long turns took in one part, by mode, shortest first. Exact to the millisecond up to a minute; whatever took
    /// longer counts as [`LatencyCount::LONGEST_MS`], so that the answer has a bounded length.
    async fn latency_counts(&self, query: &CostQuery, part: TurnPart) -> Result<Vec<LatencyCount>, StoreError>;
}
