//! Ends attempts that nobody else will end: those a crashed server left behind, and those nothing has been heard of
//! for longer than the carrier could hold them.

use super::draft::CallDraft;
use super::endings::{Ended, SupervisorPorts};
use crate::domain::{AttemptId, AttemptState, CallSid, CarrierStatus, EndReason};
use crate::ports::{AttemptRow, CallbackEffect, CarrierError, StatusCallback, StoreError, Submission};
use futures_util::StreamExt;
use futures_util::stream;
use std::time::Duration;

/// Requests to the carrier under way at once.
const AT_ONCE: usize = 16;

/// Ends attempts that nobody else will end.
pub struct Reconciler {
    ports: SupervisorPorts,
    /// How long the carrier may queue and ring a call, and two minutes more.
    silence_limit_ms: i64,
    /// The same for a call whose id is known, and a few seconds more: the carrier can be asked about it.
    report_limit_ms: i64,
}

impl Reconciler {
    /// A reconciler. The carrier queues a call for at most `queue_limit_seconds` and rings it for
    /// `ring_timeout_seconds`.
    pub fn new(ports: SupervisorPorts, queue_limit_seconds: u32, ring_timeout_seconds: u32) -> Self {
        let seconds = i64::from(queue_limit_seconds) + i64::from(ring_timeout_seconds) + 120;
        Self {
            ports,
            silence_limit_ms: seconds * 1_000,
            report_limit_ms: (seconds - 110) * 1_000,
        }
    }

    /// The same with another limit on how long nothing may be heard of an attempt.
    pub fn with_silence_limit(mut self, limit: Duration) -> Self {
        self.silence_limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        self.report_limit_ms = self.silence_limit_ms;
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
                AttemptState::Planned => self.end_cut(attempt.id).await?,
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
        self.hang_up_all(&orphans).await;
        Ok(())
    }

    /// Ends what is queued or ringing: this server will not be there when it is answered. Live calls are left to their
    /// actors.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_waiting(&self) -> Result<(), StoreError> {
        let mut waiting = self.ports.store.open_attempts().await?;
        waiting.retain(|attempt| matches!(attempt.state, AttemptState::Submitted | AttemptState::SubmissionUnknown));
        self.hang_up_all(&waiting).await;
        for AttemptRow { id, call_sid, .. } in waiting {
            match call_sid {
                Some(sid) => self.end_as(id, sid, CarrierStatus::Canceled).await?,
                None => self.end_cut(id).await?,
            }
        }
        Ok(())
    }

    /// Asks the carrier about attempts nothing has been heard of for too long, and ends those that are over or that
    /// cannot become a call any more (failed, 3.16). Returns how many attempts were open.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let open = self.ports.store.open_attempts().await?;
        let count = open.len();
        let now_ms = self.ports.clock.unix_ms();
        for attempt in open {
            let limit_ms = match attempt.call_sid {
                Some(_) => self.report_limit_ms,
                None => self.silence_limit_ms,
            };
            if now_ms.saturating_sub(attempt.created_at_ms) <= limit_ms {
                continue;
            }
            let id = attempt.id.clone();
            let resolved = match attempt.state {
                AttemptState::Submitted | AttemptState::SubmissionUnknown => self.resolve(attempt).await,
                // Nobody is at it any more.
                AttemptState::Planned | AttemptState::Submitting if !self.ports.permits.holds(&id) => {
                    self.end_cut(attempt.id).await
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
            return self.end_cut(attempt.id).await;
        };
        let status = match self.ports.carrier.fetch_call(&call_sid).await {
            Ok(call) => call.status.filter(|status| status.is_terminal()),
            Err(CarrierError::NotInProgress { .. }) => Some(CarrierStatus::Failed),
            Err(error) => {
                tracing::warn!(attempt = %attempt.id, %error, "the carrier could not be asked about an old attempt");
                None
            }
        };
        match status {
            Some(status) => self.end_as(attempt.id, call_sid, status).await,
            None => Ok(()),
        }
    }

    /// Ends an attempt as a callback with this status would.
    async fn end_as(&self, attempt: AttemptId, call_sid: CallSid, status: CarrierStatus) -> Result<(), StoreError> {
        let callback = StatusCallback {
            attempt: attempt.clone(),
            call_sid,
            status,
            sequence: None,
            call_duration_seconds: None,
            sip_code: None,
        };
        let now_ms = self.ports.clock.unix_ms();
        if self.ports.store.record_callback(&callback, now_ms).await? == CallbackEffect::Ended {
            self.ports.finish(Ended::without_conversation(attempt, status), true);
        }
        Ok(())
    }

    async fn hang_up_all(&self, attempts: &[AttemptRow]) {
        let calls = attempts
            .iter()
            .filter_map(|attempt| Some((&attempt.id, attempt.call_sid.as_ref()?)));
        stream::iter(calls)
            .for_each_concurrent(AT_ONCE, |(attempt, sid)| self.ports.hang_up(attempt, sid))
            .await;
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
