//! Ends attempts that nobody else will end: those a crashed server left behind, and those nothing has been heard of
//! for longer than the carrier could hold them.

use super::draft::CallDraft;
use super::events::CallEvent;
use super::supervisor::{AttemptOver, SupervisorPorts};
use crate::domain::{AttemptId, AttemptState, CarrierStatus, EndReason, Outcome};
use crate::ports::{AttemptRow, CallbackEffect, CarrierError, StatusCallback, StoreError, Submission};

/// Ends attempts that nobody else will end.
pub struct Reconciler {
    ports: SupervisorPorts,
    /// How long the carrier may queue and ring a call, and two minutes more.
    silence_limit_ms: i64,
}

impl Reconciler {
    /// A reconciler. The carrier queues a call for at most `queue_limit_seconds` and rings it for
    /// `ring_timeout_seconds`.
    pub fn new(ports: SupervisorPorts, queue_limit_seconds: u32, ring_timeout_seconds: u32) -> Self {
        let seconds = i64::from(queue_limit_seconds) + i64::from(ring_timeout_seconds) + 120;
        Self {
            ports,
            silence_limit_ms: seconds * 1_000,
        }
    }

    /// Takes over what a server that is gone left behind; called once, before the first call. Attempts that were
    /// never submitted end; submissions without an answer become unknown; conversations whose actor is gone are hung
    /// up and end with a fault; what may still be queued or ringing keeps its permit.
    ///
    /// # Errors
    /// If the store cannot be read; nothing may be dialled then.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        for attempt in self.ports.store.open_attempts().await? {
            tracing::warn!(attempt = %attempt.id, state = ?attempt.state, "left behind by a server that is gone");
            match attempt.state {
                AttemptState::Planned => self.end_cut(attempt.id).await,
                AttemptState::Live => {
                    self.hang_up(&attempt).await;
                    self.end_cut(attempt.id).await;
                }
                AttemptState::Submitting => {
                    self.ports.permits.try_take(&attempt.id);
                    let now_ms = self.ports.clock.unix_ms();
                    self.ports
                        .store
                        .record_submission(&attempt.id, Submission::Unknown, now_ms)
                        .await?;
                }
                AttemptState::Submitted | AttemptState::SubmissionUnknown => {
                    self.ports.permits.try_take(&attempt.id);
                }
                AttemptState::Ended => {}
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
            let waiting = matches!(attempt.state, AttemptState::Submitted | AttemptState::SubmissionUnknown);
            if waiting && now_ms.saturating_sub(attempt.created_at_ms) > self.silence_limit_ms {
                self.resolve(attempt).await;
            }
        }
        Ok(count)
    }

    async fn resolve(&self, attempt: AttemptRow) {
        let Some(call_sid) = attempt.call_sid else {
            self.end_cut(attempt.id).await;
            return;
        };
        let status = match self.ports.carrier.fetch_call(&call_sid).await {
            Ok(call) => call.status.filter(|status| status.is_terminal()),
            Err(CarrierError::NotInProgress { .. }) => Some(CarrierStatus::Failed),
            Err(error) => {
                tracing::warn!(attempt = %attempt.id, %error, "the carrier could not be asked about an old attempt");
                None
            }
        };
        let Some(status) = status else { return };
        let callback = StatusCallback {
            attempt: attempt.id.clone(),
            call_sid,
            status,
            sequence: None,
            call_duration_seconds: None,
            sip_code: None,
        };
        match self
            .ports
            .store
            .record_callback(&callback, self.ports.clock.unix_ms())
            .await
        {
            Ok(CallbackEffect::Ended) => {
                let (outcome, disposition) = (Outcome::Failed, status.disposition_without_conversation(None));
                self.over(AttemptOver {
                    attempt: attempt.id,
                    outcome,
                    disposition,
                    end_reason: None,
                    answers: vec![],
                });
            }
            Ok(_) => {}
            Err(error) => tracing::error!(attempt = %attempt.id, %error, "an old attempt could not be ended yet"),
        }
    }

    async fn hang_up(&self, attempt: &AttemptRow) {
        let Some(sid) = &attempt.call_sid else { return };
        match self.ports.carrier.complete_call(sid).await {
            Ok(_) | Err(CarrierError::NotInProgress { .. }) => {}
            Err(error) => tracing::error!(attempt = %attempt.id, %error, "a call left behind could not be hung up"),
        }
    }

    async fn end_cut(&self, attempt: AttemptId) {
        let now_ms = self.ports.clock.unix_ms();
        let report = CallDraft::default().into_cut_report(attempt, EndReason::Fault, now_ms);
        match self.ports.store.record_outcome(&report).await {
            Ok(true) => self.over(AttemptOver::from_report(&report)),
            Ok(false) => {}
            Err(error) => tracing::error!(attempt = %report.attempt, %error, "an old attempt could not be ended yet"),
        }
    }

    fn over(&self, over: AttemptOver) {
        tracing::warn!(attempt = %over.attempt, "an attempt nobody else would end has been ended");
        self.ports.permits.release(&over.attempt);
        self.ports.events.emit(CallEvent::Ended {
            attempt: over.attempt,
            outcome: over.outcome,
            disposition: over.disposition,
            end_reason: over.end_reason,
            answers: over.answers,
        });
    }
}
