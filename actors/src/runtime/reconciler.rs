//! Ends attempts that nobody else will end: those a crashed server left behind, and those nothing has been heard of
//! for longer than the carrier could hold them.

use super::draft::CallDraft;
use super::endings::{Ended, SupervisorPorts};
use super::unknown::{Finding, Horizon, find};
use crate::domain::{AttemptId, AttemptState, CallSid, EndReason};
use crate::ports::{AttemptRow, CallLedger, CallQuery, StoreError, Submission};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::time::Duration;

/// Requests to the carrier under way at once.
const AT_ONCE: usize = 16;
/// How long callbacks and the media stream are given to tell of a call before the carrier is asked.
const FIRST_LOOK_MS: i64 = 30_000;

/// What a call that nobody has seen is waited for beyond the carrier's queue and the ringing, and one that has an id is
/// not, but for ten seconds.
const UNSEEN_MARGIN_MS: i64 = 110_000;

/// Ends attempts that nobody else will end.
pub struct Reconciler {
    ports: SupervisorPorts,
    ledger: Arc<dyn CallLedger>,
    horizon: Horizon,
}

impl Reconciler {
    /// A reconciler. The carrier queues a call for at most `queue_limit_seconds` and rings it for
    /// `ring_timeout_seconds`.
    pub fn new(
        ports: SupervisorPorts,
        ledger: Arc<dyn CallLedger>,
        queue_limit_seconds: u32,
        ring_timeout_seconds: u32,
    ) -> Self {
        Self {
            ports,
            ledger,
            horizon: Horizon::new(queue_limit_seconds, ring_timeout_seconds),
        }
    }

    /// The same with another limit on how long nothing may be heard of an attempt.
    pub fn with_silence_limit(mut self, limit: Duration) -> Self {
        self.horizon = Horizon::of_unseen(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
        self
    }

    /// Takes over what a server that is gone left behind; called once, before the first call. Attempts that were
    /// never submitted end; submissions without an answer become unknown; conversations whose actor is gone end with
    /// a fault and are hung up; what may still be queued or ringing keeps its permit.
    ///
    /// # Errors
    /// If the store fails; nothing may be dialled then.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let mut orphans = Vec::new();
        for attempt in self.ports.store.open_attempts().await? {
            tracing::warn!(attempt = %attempt.id, state = ?attempt.state, "left behind by a server that is gone");
            self.ports.permits.adopt(&attempt.id);
            match attempt.state {
                AttemptState::Planned => self.end_without_call(attempt.id).await?,
                AttemptState::Live => {
                    self.end_cut(attempt.id.clone()).await?;
                    orphans.push(attempt);
                }
                AttemptState::Submitting => {
                    let now_ms = self.ports.clock.unix_ms();
                    self.ports
                        .store
                        .record_submission(&attempt.id, Submission::Unknown, now_ms)
                        .await?;
                }
                AttemptState::Submitted | AttemptState::SubmissionUnknown | AttemptState::Ended => {}
            }
        }
        self.hang_up_all(orphans).await
    }

    /// Ends what is queued or ringing: this server will not be there when it is answered. Live calls are left to their
    /// actors. What the carrier does not say is over stays open, for its callback or the next start.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_waiting(&self) -> Result<(), StoreError> {
        let mut waiting = self.ports.store.open_attempts().await?;
        waiting.retain(|attempt| matches!(attempt.state, AttemptState::Submitted | AttemptState::SubmissionUnknown));
        for attempt in waiting.iter().filter(|attempt| attempt.call_sid.is_none()) {
            self.end_unknown(attempt.id.clone()).await?;
        }
        self.hang_up_all(waiting).await
    }

    /// Ends an attempt of which it is not known whether there is a call; if there is, it is hung up.
    async fn end_unknown(&self, attempt: AttemptId) -> Result<(), StoreError> {
        match self.look_for(&attempt).await? {
            Finding::Placed { sid, .. } => {
                self.record_found(&attempt, sid.clone()).await?;
                self.hang_up_one(attempt, sid).await
            }
            Finding::Failed => self.end_without_call(attempt).await,
            // There may be one all the same: the next start looks again.
            Finding::Open => Ok(()),
        }
    }

    /// Asks the carrier about submissions whose answer was unclear, and about attempts nothing has been heard of for
    /// too long; ends those that are over or that cannot become a call any more (failed, 3.16). Returns how many
    /// attempts were open.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let open = self.ports.store.open_attempts().await?;
        let count = open.len();
        let now_ms = self.ports.clock.unix_ms();
        for attempt in open {
            let unanswered = attempt.state == AttemptState::SubmissionUnknown && attempt.call_sid.is_none();
            let patience_ms = if unanswered {
                FIRST_LOOK_MS.min(self.horizon.unseen_ms())
            } else if attempt.call_sid.is_some() {
                // The carrier can be asked about it as soon as it should have been over.
                self.horizon.unseen_ms().saturating_sub(UNSEEN_MARGIN_MS).max(0)
            } else {
                self.horizon.unseen_ms()
            };
            if now_ms.saturating_sub(attempt.created_at_ms) <= patience_ms {
                continue;
            }
            let id = attempt.id.clone();
            let resolved = match attempt.state {
                AttemptState::Submitted | AttemptState::SubmissionUnknown => self.resolve(attempt).await,
                // Nobody is at it any more.
                AttemptState::Planned | AttemptState::Submitting if !self.ports.permits.holds(&id) => {
                    self.end_without_call(attempt.id).await
                }
                AttemptState::Planned | AttemptState::Submitting | AttemptState::Live | AttemptState::Ended => Ok(()),
            };
            if let Err(error) = resolved {
                tracing::error!(attempt = %id, %error, "an old attempt could not be ended yet");
            }
        }
        Ok(count)
    }

    async fn resolve(&self, attempt: AttemptRow) -> Result<(), StoreError> {
        let Some(call_sid) = attempt.call_sid else {
            return self.resolve_unknown(attempt.id).await;
        };
        match self.ports.fetch_end(&attempt.id, &call_sid).await {
            Some(status) => self.ports.record_end(attempt.id, call_sid, status).await,
            None => Ok(()),
        }
    }

    /// Looks at the carrier for the call of a submission whose answer was unclear. It is never submitted again (L20).
    async fn resolve_unknown(&self, attempt: AttemptId) -> Result<(), StoreError> {
        match self.look_for(&attempt).await? {
            Finding::Open => Ok(()),
            Finding::Failed => self.end_without_call(attempt).await,
            Finding::Placed { sid, status } => {
                tracing::info!(%attempt, ?status, "the carrier has the call whose submission was unclear");
                self.record_found(&attempt, sid.clone()).await?;
                match status.filter(|status| status.is_terminal()) {
                    Some(status) => self.ports.record_end(attempt, sid, status).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn record_found(&self, attempt: &AttemptId, sid: CallSid) -> Result<(), StoreError> {
        let now_ms = self.ports.clock.unix_ms();
        let accepted = Submission::Accepted { sid };
        self.ports.store.record_submission(attempt, accepted, now_ms).await
    }

    async fn look_for(&self, attempt: &AttemptId) -> Result<Finding, StoreError> {
        let Some(marks) = self.ledger.marks(attempt).await? else {
            return Ok(Finding::Failed);
        };
        let query = CallQuery {
            to: marks.to.clone(),
            from: Some(marks.from.clone()),
            status: None,
            started_since_ms: None,
        };
        let listed = self.ports.carrier.list_calls(&query).await;
        if let Err(error) = &listed {
            tracing::warn!(%attempt, %error, "the carrier could not be asked about a submission");
        }
        let now_ms = self.ports.clock.unix_ms();
        Ok(find(&marks, listed.as_deref(), self.horizon, now_ms))
    }

    /// Hangs up the calls among these attempts, and keeps what the carrier says is over.
    async fn hang_up_all(&self, attempts: Vec<AttemptRow>) -> Result<(), StoreError> {
        let calls = attempts
            .into_iter()
            .filter_map(|attempt| Some((attempt.id, attempt.call_sid?)));
        stream::iter(calls)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |(attempt, sid)| self.hang_up_one(attempt, sid))
            .await
    }

    async fn hang_up_one(&self, attempt: AttemptId, sid: CallSid) -> Result<(), StoreError> {
        match self.ports.hang_up(&attempt, &sid).await {
            Some(status) => self.ports.record_end(attempt, sid, status).await,
            None => Ok(()),
        }
    }

    /// Ends an attempt that left nothing behind and has no call.
    async fn end_without_call(&self, attempt: AttemptId) -> Result<(), StoreError> {
        self.end_cut(attempt.clone()).await?;
        self.ports.permits.release(&attempt);
        Ok(())
    }

    /// Ends an attempt that left nothing behind.
    async fn end_cut(&self, attempt: AttemptId) -> Result<(), StoreError> {
        let now_ms = self.ports.clock.unix_ms();
        let report = CallDraft::default().into_cut_report(attempt, EndReason::Fault, now_ms);
        let first = self.ports.store.record_outcome(&report).await?;
        self.ports.finish(Ended::with_report(&report), first);
        Ok(())
    }
}
