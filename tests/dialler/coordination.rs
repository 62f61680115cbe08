//! A coordination that fails as told.

use async_trait::async_trait;
use rand::RngExt;
use rand::rngs::StdRng;
use samvad::coordination::InProcessCoordination;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, Candidacy, Coordination, CoordinationError, Election, FleetCommand, FleetSignals, Incarnation,
    PermitRequest, Rebuild, RebuildStart, Usage,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub struct Fickle {
    pub inner: InProcessCoordination,
    /// Nothing is answered.
    pub away: AtomicBool,
    /// Whoever asks a second time for an attempt is told of another incarnation.
    pub reborn_between: AtomicBool,
    /// So many questions after usage end in a panic.
    pub panics: AtomicU32,
    /// One answer in four is lost, by chance.
    pub shaky: Mutex<Option<StdRng>>,
    asked: Mutex<BTreeSet<AttemptId>>,
}

impl Fickle {
    pub fn over(inner: InProcessCoordination) -> Self {
        Self {
            inner,
            away: AtomicBool::new(false),
            reborn_between: AtomicBool::new(false),
            panics: AtomicU32::new(0),
            shaky: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    fn here(&self) -> Result<(), CoordinationError> {
        let mut shaky = self.shaky.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = shaky.as_mut().is_some_and(|random| random.random_ratio(1, 4));
        match lost || self.away.load(Ordering::Relaxed) {
            true => Err(CoordinationError::Unavailable {
                reason: "away, as told".into(),
            }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Coordination for Fickle {
    async fn acquire(&self, request: &PermitRequest) -> Result<Admission, CoordinationError> {
        self.here()?;
        let granted = self.inner.acquire(request).await?;
        let again = !self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(request.attempt.clone());
        match granted {
            Admission::Granted { expires_in, .. } if again && self.reborn_between.load(Ordering::Relaxed) => {
                Ok(Admission::Granted {
                    expires_in,
                    incarnation: Incarnation("another".into()),
                })
            }
            granted => Ok(granted),
        }
    }

    async fn release(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.release(attempt).await
    }

    async fn cancel(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.cancel(attempt).await
    }

    async fn held(&self, mode: Mode) -> Result<Vec<AttemptId>, CoordinationError> {
        self.here()?;
        self.inner.held(mode).await
    }

    async fn usage(&self, mode: Mode, campaign: &CampaignId, date: CalendarDate) -> Result<Usage, CoordinationError> {
        self.here()?;
        let panics = self.panics.load(Ordering::Relaxed);
        if panics > 0 {
            self.panics.store(panics - 1, Ordering::Relaxed);
            panic!("as told");
        }
        self.inner.usage(mode, campaign, date).await
    }

    async fn campaign_lease(&self, candidacy: &Candidacy) -> Result<Election, CoordinationError> {
        self.here()?;
        self.inner.campaign_lease(candidacy).await
    }

    async fn renew_lease(
        &self,
        campaign: &CampaignId,
        node: &str,
        epoch: u64,
        lasts: Duration,
    ) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.renew_lease(campaign, node, epoch, lasts).await
    }

    async fn resign_lease(&self, campaign: &CampaignId, node: &str, epoch: u64) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.resign_lease(campaign, node, epoch).await
    }

    async fn is_open(&self) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.is_open().await
    }

    async fn begin_rebuild(&self, token: &Incarnation, lasts: Duration) -> Result<RebuildStart, CoordinationError> {
        self.here()?;
        self.inner.begin_rebuild(token, lasts).await
    }

    async fn finish_rebuild(&self, token: &Incarnation, rebuild: &Rebuild) -> Result<bool, CoordinationError> {
        self.here()?;
        self.inner.finish_rebuild(token, rebuild).await
    }

    async fn publish(&self, command: &FleetCommand) -> Result<(), CoordinationError> {
        self.here()?;
        self.inner.publish(command).await
    }

    async fn subscribe(&self) -> Result<Box<dyn FleetSignals>, CoordinationError> {
        self.inner.subscribe().await
    }
}
