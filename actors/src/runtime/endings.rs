//! How an attempt ends, whoever ends it: its outcome is written and everybody is told once; its permit comes back when
//! the carrier says that there is no call any more.

use super::events::{CallEvent, EventSink};
use super::permits::Permits;
use super::probe::CallTable;
use super::watchdog::Readiness;
use crate::domain::{AnswerValue, AttemptId, CallSid, CallbackRequest, CarrierStatus, Disposition, EndReason, Outcome};
use crate::ports::{
    CallReport, CallUpdate, CallbackEffect, Carrier, CarrierError, Clock, StatusCallback, Store, StoreError,
};
use futures_util::FutureExt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What supervisor, dialler and reconciler work with.
#[derive(Clone)]
pub struct SupervisorPorts {
    /// Where outcomes are written.
    pub store: Arc<dyn Store>,
    /// For placing calls and hanging up.
    pub carrier: Arc<dyn Carrier>,
    /// Wall time of outcomes.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub events: Arc<dyn EventSink>,
    /// Every live call.
    pub calls: Arc<CallTable>,
    /// What this node answers for, and permits on their way back.
    pub permits: Arc<Permits>,
    /// Whether new calls are taken.
    pub readiness: Arc<Readiness>,
}

/// Pauses between tries, doubling from here.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Tries to hang up. Asking twice does no harm; after the last, the call ends at the time limit it was placed with.
const HANG_UP_TRIES: u32 = 5;

/// An attempt is over and its outcome is written.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) attempt: AttemptId,
    pub(super) outcome: Outcome,
    pub(super) disposition: Disposition,
    /// `None` if there was no conversation.
    pub(super) end_reason: Option<EndReason>,
    /// In the order of the questions.
    pub(super) answers: Vec<AnswerValue>,
}

impl Ended {
    /// The end that a report tells of.
    pub(super) fn with_report(report: &CallReport) -> Self {
        Self {
            attempt: report.attempt.clone(),
            outcome: report.outcome,
            disposition: report.disposition,
            end_reason: Some(report.end_reason),
            answers: report.answers.iter().map(|answer| answer.value.clone()).collect(),
        }
    }

    /// The end that a carrier's terminal status makes of an attempt that never became a conversation.
    pub(super) fn without_conversation(attempt: AttemptId, status: CarrierStatus) -> Self {
        Self {
            attempt,
            outcome: Outcome::Failed,
            disposition: status.disposition_without_conversation(None),
            end_reason: None,
            answers: Vec::new(),
        }
    }
}

impl SupervisorPorts {
    /// Tells of the end. Told once, though several report an attempt as over (its actor late, the watchdog, a callback,
    /// another node): by whoever ended it in the store (`first`), or answered for it here.
    pub(super) fn finish(&self, ended: Ended, first: bool) {
        if !self.permits.settle(&ended.attempt) && !first {
            return;
        }
        tracing::info!(attempt = %ended.attempt, outcome = ?ended.outcome, disposition = ended.disposition.code(),
            reason = ?ended.end_reason, "attempt ended");
        self.tell(CallEvent::Ended {
            attempt: ended.attempt,
            outcome: ended.outcome,
            disposition: ended.disposition,
            end_reason: ended.end_reason,
            answers: ended.answers,
        });
    }

    /// Tells of an event. A sink that panics loses it, and nothing else.
    pub(super) fn tell(&self, event: CallEvent) {
        if catch_unwind(AssertUnwindSafe(|| self.events.emit(event))).is_err() {
            tracing::error!("an event could not be told: its sink panicked");
        }
    }

    /// Keeps the carrier's answer that a call is over, as a callback would be: the permit goes back, and the attempt
    /// ends unless a conversation does that.
    ///
    /// # Errors
    /// If it cannot be kept; the permit stays then.
    pub(super) async fn record_end(
        &self,
        attempt: AttemptId,
        call_sid: CallSid,
        status: CarrierStatus,
    ) -> Result<(), StoreError> {
        let callback = StatusCallback {
            attempt: attempt.clone(),
            call_sid,
            status,
            sequence: None,
            call_duration_seconds: None,
            sip_code: None,
        };
        let effect = self.store.record_callback(&callback, self.clock.unix_ms()).await?;
        self.permits.release(&attempt);
        if effect == CallbackEffect::Ended {
            self.finish(Ended::without_conversation(attempt, status), true);
        }
        Ok(())
    }

    /// The carrier's terminal status of a call, if it has one; a call that the carrier knows no more is over.
    pub(super) async fn fetch_end(&self, attempt: &AttemptId, sid: &CallSid) -> Option<CarrierStatus> {
        match self.carrier.fetch_call(sid).await {
            Ok(call) => call.status.filter(|status| status.is_terminal()),
            Err(CarrierError::NotInProgress { .. }) => Some(CarrierStatus::Failed),
            Err(error) => {
                tracing::warn!(%attempt, %error, "the carrier could not be asked about a call");
                None
            }
        }
    }

    /// Writes an outcome, for as long as it takes, then tells of the end.
    pub(super) async fn write_outcome(&self, report: CallReport) {
        let ended = Ended::with_report(&report);
        let first = self.write_report(report).await;
        self.finish(ended, first);
    }

    /// Writes an outcome, for as long as it takes. Whether it was the first of its attempt.
    async fn write_report(&self, mut report: CallReport) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match caught(self.store.record_outcome(&report)).await {
                Ok(first) => return first,
                Err(error @ StoreError::NotFound { .. }) => {
                    tracing::error!(attempt = %report.attempt, %error, "an outcome has no attempt to be written to");
                    return false;
                }
                Err(error @ (StoreError::Conflict { .. } | StoreError::Corrupt { .. })) => {
                    // Something in the report cannot be kept; the end, and a wish for removal, still can.
                    tracing::error!(attempt = %report.attempt, %error, "a report cannot be kept whole");
                    report = bare(report);
                }
                Err(error @ StoreError::Unavailable { .. }) => {
                    tracing::error!(attempt = %report.attempt, %error, "an outcome cannot be written yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tells the carrier to end a call. Its terminal status, if the carrier says that it is over.
    pub(super) async fn hang_up(&self, attempt: &AttemptId, sid: &CallSid) -> Option<CarrierStatus> {
        hang_up(self.carrier.as_ref(), attempt, sid).await
    }

    /// Tells the carrier to change a call; tries again while it cannot be told.
    pub(super) async fn update_call(&self, attempt: &AttemptId, sid: &CallSid, change: CallUpdate) {
        update(self.carrier.as_ref(), attempt, sid, change).await;
    }
}

/// Tells the carrier to end a call. Its terminal status, if the carrier says that it is over.
pub(super) async fn hang_up(carrier: &dyn Carrier, attempt: &AttemptId, sid: &CallSid) -> Option<CarrierStatus> {
    update(carrier, attempt, sid, CallUpdate::Complete).await
}

/// Tells the carrier to end a call or to take it back; tries again while it cannot be told.
async fn update(
    carrier: &dyn Carrier,
    attempt: &AttemptId,
    sid: &CallSid,
    update: CallUpdate,
) -> Option<CarrierStatus> {
    let mut pause = FIRST_PAUSE;
    for left in (0..HANG_UP_TRIES).rev() {
        let asked = AssertUnwindSafe(async { carrier.update_call(sid, update.clone()).await });
        let error = match asked.catch_unwind().await {
            Ok(Ok(call)) => return call.status.filter(|status| status.is_terminal()),
            Ok(Err(CarrierError::NotInProgress { .. })) => return None,
            Ok(Err(
                error @ (CarrierError::Refused { .. } | CarrierError::Stopped { .. } | CarrierError::BadNumber { .. }),
            )) => {
                tracing::error!(%attempt, %error, "a call could not be hung up");
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_panic) => "the carrier's client panicked".to_owned(),
        };
        tracing::error!(%attempt, error, tries_left = left, "a call could not be hung up");
        if left > 0 {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    None
}

/// A store's answer; a panic counts as the store being away, so that it is asked again.
pub(super) async fn caught<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_panic| {
        Err(StoreError::Unavailable {
            reason: "its client panicked".to_owned(),
        })
    })
}

/// A report with nothing that the end of an attempt could do without.
fn bare(report: CallReport) -> CallReport {
    CallReport {
        consent: None,
        answers: Vec::new(),
        transcript: Vec::new(),
        latencies: Vec::new(),
        service_use: Vec::new(),
        callback_request: report
            .callback_request
            .map(|request| CallbackRequest { words: None, ..request }),
        ..report
    }
}
