//! Coordination over Redis: one script per step, atomic on the server, by the server's clock.
//!
//! - A permit is a member of one sorted set per limit, with its expiry as score; what is held is counted, never
//!   incremented and decremented, so that a crash leaks nothing for longer than the permit lasts.
//! - A script checks every limit before it writes anything, and declares every key; all keys share one hash tag.
//! - Every wait is limited and short: an answer that does not come means that no call is placed.
//! - Losing a key that matters shuts admission: the state key is written by a rebuild only. Redis must not evict
//!   (`maxmemory-policy noeviction`, its default).

mod connections;
mod keys;
mod reply;
mod scripts;
mod signals;
mod steps;

use crate::config::Secret;
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, Candidacy, Coordination, CoordinationError, Election, FleetCommand, FleetSignals, Incarnation,
    PermitRequest, Rebuild, RebuildStart, Usage,
};
use std::time::Duration;

pub use steps::Steps;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://`, `rediss://` (TLS) or `redis+unix://`; may hold a password.
    pub url: Secret<String>,
    /// What the keys of this fleet begin with; fleets that share a Redis differ in it.
    pub fleet: String,
    /// Connections at most.
    pub connections: usize,
    /// How long a step may take, connecting included. Dialling waits for it and no longer.
    pub time_limit: Duration,
}

impl RedisSettings {
    /// The defaults: fleet `samvad`, 8 connections, half a second a step.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            fleet: "samvad".to_owned(),
            connections: 8,
            time_limit: Duration::from_millis(500),
        }
    }
}

/// Why Redis cannot be used as configured.
#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL: {reason}")]
pub struct RedisSettingsError {
    /// What is wrong and the remedy, without the URL.
    reason: String,
}

/// What a step said, with the time it was taken at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// Redis's clock, microseconds since 1970.
    pub at_us: u64,
    /// What it said.
    pub value: T,
}

/// Coordination of any number of nodes.
pub struct RedisCoordination {
    steps: Steps,
}

impl RedisCoordination {
    /// Coordination over a Redis, which is not asked anything yet.
    ///
    /// # Errors
    /// [`RedisSettingsError`] if the URL cannot be read.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisSettingsError> {
        Ok(Self {
            steps: Steps::new(settings)?,
        })
    }

    /// The steps with their times, as a model is compared with them.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }
}

#[async_trait]
impl Coordination for RedisCoordination {
    async fn acquire(&self, request: &PermitRequest) -> Result<Admission, CoordinationError> {
        self.steps.acquire(request).await?.value
    }

    async fn release(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        Ok(self.steps.release(attempt).await?.value)
    }

    async fn cancel(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        Ok(self.steps.cancel(attempt).await?.value)
    }

    async fn held(&self, mode: Mode) -> Result<Vec<AttemptId>, CoordinationError> {
        self.steps.held(mode).await?.value
    }

    async fn usage(&self, mode: Mode, campaign: &CampaignId, date: CalendarDate) -> Result<Usage, CoordinationError> {
        self.steps.usage(mode, campaign, date).await?.value
    }

    async fn campaign_lease(&self, candidacy: &Candidacy) -> Result<Election, CoordinationError> {
        Ok(self.steps.campaign_lease(candidacy).await?.value)
    }

    async fn renew_lease(
        &self,
        campaign: &CampaignId,
        node: &str,
        epoch: u64,
        lasts: Duration,
    ) -> Result<bool, CoordinationError> {
        Ok(self.steps.renew_lease(campaign, node, epoch, lasts).await?.value)
    }

    async fn resign_lease(&self, campaign: &CampaignId, node: &str, epoch: u64) -> Result<bool, CoordinationError> {
        let ended = self.steps.renew_lease(campaign, node, epoch, Duration::ZERO).await?;
        Ok(ended.value)
    }

    async fn is_open(&self) -> Result<bool, CoordinationError> {
        self.steps.is_open().await
    }

    async fn begin_rebuild(&self, token: &Incarnation, lasts: Duration) -> Result<RebuildStart, CoordinationError> {
        Ok(self.steps.begin_rebuild(token, lasts).await?.value)
    }

    async fn finish_rebuild(&self, token: &Incarnation, rebuild: &Rebuild) -> Result<bool, CoordinationError> {
        Ok(self.steps.finish_rebuild(token, rebuild).await?.value)
    }

    async fn publish(&self, command: &FleetCommand) -> Result<(), CoordinationError> {
        self.steps.publish(command).await
    }

    async fn subscribe(&self) -> Result<Box<dyn FleetSignals>, CoordinationError> {
        self.steps.subscribe().await
    }
}
