//! Coordination of one process: the lease table behind a mutex. A second node cannot share it.

use async_trait::async_trait;
use samvad_actors::coordination::LeaseTable;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, Candidacy, Clock, Coordination, CoordinationError, Election, FleetCommand, FleetSignal, FleetSignals,
    Incarnation, PermitRequest, Rebuild, RebuildStart, Usage,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Coordination for a single node. Starts shut, as every coordination does: calls of an earlier run of the process
/// may still be under way.
pub struct InProcessCoordination {
    table: Mutex<LeaseTable>,
    clock: Arc<dyn Clock>,
    commands: broadcast::Sender<FleetCommand>,
}

/// Commands that a slow subscriber may leave unread before it is told that it missed some.
const UNREAD_COMMANDS: usize = 64;

impl InProcessCoordination {
    /// An empty coordination by the clock's monotonic time.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            table: Mutex::default(),
            clock,
            commands: broadcast::Sender::new(UNREAD_COMMANDS),
        }
    }

    fn step<T>(&self, step: impl FnOnce(&mut LeaseTable, u64) -> T) -> T {
        // No step of the table can panic half-way, so a poisoned lock is as good as any.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: the table's time never goes back.
        let now_us = u64::try_from(self.clock.monotonic().as_micros()).unwrap_or(u64::MAX);
        step(&mut table, now_us)
    }
}

#[async_trait]
impl Coordination for InProcessCoordination {
    async fn acquire(&self, request: &PermitRequest) -> Result<Admission, CoordinationError> {
        self.step(|table, now_us| table.acquire(request, now_us))
    }

    async fn release(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, now_us| table.release(attempt, now_us)))
    }

    async fn cancel(&self, attempt: &AttemptId) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, now_us| table.cancel(attempt, now_us)))
    }

    async fn held(&self, mode: Mode) -> Result<Vec<AttemptId>, CoordinationError> {
        self.step(|table, now_us| table.held(mode, now_us))
    }

    async fn usage(&self, mode: Mode, campaign: &CampaignId, date: CalendarDate) -> Result<Usage, CoordinationError> {
        self.step(|table, now_us| table.usage(mode, campaign, date, now_us))
    }

    async fn campaign_lease(&self, candidacy: &Candidacy) -> Result<Election, CoordinationError> {
        Ok(self.step(|table, now_us| table.campaign_lease(candidacy, now_us)))
    }

    async fn renew_lease(
        &self,
        campaign: &CampaignId,
        node: &str,
        epoch: u64,
        lasts: Duration,
    ) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, now_us| table.renew_lease(campaign, node, epoch, lasts, now_us)))
    }

    async fn resign_lease(&self, campaign: &CampaignId, node: &str, epoch: u64) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, now_us| table.resign_lease(campaign, node, epoch, now_us)))
    }

    async fn is_open(&self) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, _| table.is_open()))
    }

    async fn begin_rebuild(&self, token: &Incarnation, lasts: Duration) -> Result<RebuildStart, CoordinationError> {
        Ok(self.step(|table, now_us| table.begin_rebuild(token, lasts, now_us)))
    }

    async fn finish_rebuild(&self, token: &Incarnation, rebuild: &Rebuild) -> Result<bool, CoordinationError> {
        Ok(self.step(|table, now_us| table.finish_rebuild(token, rebuild, now_us)))
    }

    async fn publish(&self, command: &FleetCommand) -> Result<(), CoordinationError> {
        // An error says that nobody listens, which is no fault.
        self.commands.send(command.clone()).map_or(Ok(()), |_| Ok(()))
    }

    async fn subscribe(&self) -> Result<Box<dyn FleetSignals>, CoordinationError> {
        Ok(Box::new(Signals(self.commands.subscribe())))
    }
}

struct Signals(broadcast::Receiver<FleetCommand>);

#[async_trait]
impl FleetSignals for Signals {
    async fn next(&mut self) -> Option<FleetSignal> {
        match self.0.recv().await {
            Ok(command) => Some(FleetSignal::Command(command)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(FleetSignal::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
