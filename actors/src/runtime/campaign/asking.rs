//! The second half of a call's way: the carrier is asked once, its answer is written, and the call is taken back if it
//! must not ring any more.

use super::millis;
use super::placing::{Permitted, Placing};
use super::upkeep::taken_back_by;
use super::{CampaignPorts, DialSettings};
use crate::domain::{AttemptId, AttemptState, Disposition, EndReason, Lifecycle, Mode, Outcome};
use crate::ports::{
    Advice, AnswerDetection, AttemptRow, CallUpdate, CarrierCall, CarrierError, Incarnation, LifecycleChange, NewCall,
    PermitRequest, StopScope, StoreError, Submission,
};
use crate::runtime::draft::CallDraft;
use crate::runtime::endings::caught;
use crate::runtime::events::CallEvent;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Pauses after the carrier asked to slow down: doubling from here.
const FIRST_RATE_PAUSE: Duration = Duration::from_secs(1);
/// … up to here.
const LONGEST_RATE_PAUSE: Duration = Duration::from_secs(30);
/// Pauses while the store cannot be written: doubling from here.
pub(super) const FIRST_STORE_PAUSE: Duration = Duration::from_millis(100);
/// … up to here.
pub(super) const LONGEST_STORE_PAUSE: Duration = Duration::from_secs(5);

impl Placing {
    /// Asks the carrier, and sees to what it says.
    pub(super) async fn call(self, attempt: AttemptId, permitted: Permitted) {
        if self.mode == Mode::DryRun {
            return self.rehearse(&attempt).await;
        }
        self.ports.base.tell(CallEvent::Placed {
            attempt: attempt.clone(),
            campaign: self.campaign.id.clone(),
            contact: self.order.contact.clone(),
        });
        let settings = &self.ports.settings;
        let Permitted {
            request,
            token,
            incarnation,
        } = permitted;
        let call = NewCall {
            attempt: attempt.clone(),
            campaign: self.campaign.id.clone(),
            contact: self.order.contact.clone(),
            language: self.campaign.language.clone(),
            to: self.order.number.clone(),
            from: self.campaign.caller_id.clone(),
            media_token: token.text,
            ring_timeout_seconds: settings.ring_timeout_seconds,
            time_limit_seconds: DialSettings::time_limit_seconds(&self.campaign),
            answer_detection: match settings.machine_detection {
                true => AnswerDetection::serving(&self.campaign.voicemail),
                false => AnswerDetection::Off,
            },
            // What begins then may ring to the end of the window and no longer.
            latest_start_ms: self
                .order
                .window_closes_ms
                .map(|closes_ms| closes_ms.saturating_sub(i64::from(settings.ring_timeout_seconds) * 1_000)),
        };
        let (submission, placed) = self.submit(call, &request, &incarnation).await;
        let row = record(&self.ports, &attempt, submission).await;
        match (placed, row) {
            (Some(placed), Some(row)) if row.state != AttemptState::Ended => {
                self.judge(&attempt, &placed).await;
            }
            // Refused, and nothing has shown since that there is a call all the same (L21).
            (None, Some(row)) if row.state == AttemptState::Ended && row.call_sid.is_none() => {
                self.ports.base.permits.cancel(&attempt);
                self.ports.base.tell(CallEvent::NotPlaced {
                    contact: self.order.contact.clone(),
                    reason: "the carrier did not take the call".to_owned(),
                });
            }
            _ => {}
        }
    }

    /// A dry run: everything but the call.
    async fn rehearse(&self, attempt: &AttemptId) {
        tracing::info!(%attempt, contact = %self.order.contact, to = %self.order.number, from = %self.campaign.caller_id,
            campaign = %self.campaign.id, "dry run: this call would be placed now");
        self.ports.base.tell(CallEvent::NotPlaced {
            contact: self.order.contact.clone(),
            reason: "dry run: nobody is called; set DRY_RUN_MODE=false to call".to_owned(),
        });
        let end = (EndReason::Terminated, Outcome::Failed, Disposition::NotAttempted);
        let report = CallDraft::default().into_report(attempt.clone(), end, self.ports.now_ms());
        self.ports.base.write_outcome(report).await;
        // There is no call that could last.
        self.ports.base.permits.release(attempt);
    }

    /// Asks the carrier: repeated only after an answer that says nothing was done, and only while the call may still be
    /// made.
    async fn submit(
        &self,
        call: NewCall,
        request: &PermitRequest,
        incarnation: &Incarnation,
    ) -> (Submission, Option<CarrierCall>) {
        let last_ms = self.ports.now_ms().saturating_add(millis(super::CREATE_WITHIN));
        let mut pause = FIRST_RATE_PAUSE;
        loop {
            let asked = AssertUnwindSafe(async { self.ports.base.carrier.create_call(call.clone()).await });
            let answer = asked.catch_unwind().await.unwrap_or_else(|_panic| {
                Err(CarrierError::Unclear {
                    reason: "the carrier's client panicked".to_owned(),
                })
            });
            match answer {
                Ok(placed) => {
                    let sid = placed.sid.clone();
                    return (Submission::Accepted { sid }, Some(placed));
                }
                Err(error) if error.advice() == Advice::RetryLater => {
                    tracing::warn!(attempt = %call.attempt, %error, ?pause, "the carrier is left alone for a while");
                    self.ports
                        .hold_off
                        .until(self.ports.now_ms().saturating_add(millis(pause)));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RATE_PAUSE);
                    if let Some(reason) = self.reason_to_stop(request, incarnation, last_ms).await {
                        return (refusal(&reason, Disposition::NotAttempted), None);
                    }
                }
                Err(error) => return (self.refused(&call.attempt, &error).await, None),
            }
        }
    }

    /// What an answer means that is not a call.
    async fn refused(&self, attempt: &AttemptId, error: &CarrierError) -> Submission {
        let disposition = match error.advice() {
            Advice::Reconcile => {
                tracing::warn!(%attempt, %error, "not repeated: the call may have been placed");
                return Submission::Unknown;
            }
            Advice::NumberIsBad => Disposition::NonWorkingNumber,
            Advice::Stop(StopScope::Account | StopScope::CallerId) => {
                self.pause(error.to_string()).await;
                Disposition::NotAttempted
            }
            // One country may be one contact of a million; if it is most of them, the breaker trips.
            Advice::Stop(StopScope::Destination) | Advice::AttemptFailed | Advice::RetryLater => {
                Disposition::TechnicalProblem
            }
        };
        tracing::warn!(%attempt, %error, "the carrier did not take a call");
        refusal(&error.to_string(), disposition)
    }

    /// Nobody can be called until an operator has acted.
    async fn pause(&self, reason: String) {
        let ports = &self.ports;
        tracing::error!(campaign = %self.campaign.id, reason, "the campaign is paused");
        let change = LifecycleChange {
            campaign: self.campaign.id.clone(),
            to: Lifecycle::Paused,
            reason: Some(reason),
            starts_at_ms: None,
            epoch: Some(self.leadership.epoch),
        };
        match caught(ports.dialer.change_lifecycle(&change, ports.now_ms())).await {
            // Another attempt, an operator or a newer leader was first.
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => tracing::error!(campaign = %self.campaign.id, %error, "the campaign could not be paused"),
        }
    }

    /// Much may have happened while the carrier was left alone.
    async fn reason_to_stop(&self, request: &PermitRequest, incarnation: &Incarnation, last_ms: i64) -> Option<String> {
        if self.ports.base.readiness.is_draining() {
            return Some("the server is stopping".to_owned());
        }
        let now_ms = self.ports.now_ms();
        if now_ms > last_ms || self.window(now_ms).is_none() {
            return Some("the carrier asked to slow down for too long".to_owned());
        }
        if let Err(not_placed) = self.keep_permit(request, incarnation).await {
            return Some(not_placed.reason());
        }
        self.must_not_ring().await.map(|ban| ban.reason)
    }

    /// Why a call that has not been answered must not ring any more.
    pub(super) async fn must_not_ring(&self) -> Option<Ban> {
        match self.contact_is_out().await {
            Ok(None) => {}
            Ok(Some(reason)) => return Some(Ban::new(reason.to_owned(), CallUpdate::Cancel)),
            Err(error) => {
                let reason = format!("do-not-call could not be looked up: {error}");
                return Some(Ban::new(reason, CallUpdate::Cancel));
            }
        }
        match caught(self.ports.dialer.campaign_state(&self.campaign.id)).await {
            Ok(Some(state)) => {
                let take_back = taken_back_by(&state)?;
                Some(Ban::new("the campaign was stopped".to_owned(), take_back))
            }
            Ok(None) => Some(Ban::new("the campaign is not there".to_owned(), CallUpdate::Cancel)),
            Err(error) => {
                let reason = format!("the campaign could not be looked up: {error}");
                Some(Ban::new(reason, CallUpdate::Cancel))
            }
        }
    }

    /// Why the contact is not to be called, if it is not.
    async fn contact_is_out(&self) -> Result<Option<&'static str>, StoreError> {
        if caught(self.ports.base.store.is_do_not_call(&self.order.number)).await? {
            return Ok(Some("the number is on do-not-call"));
        }
        let is_excluded = caught(self.ports.dialer.is_excluded(&self.order.contact)).await?;
        Ok(is_excluded.then_some("the contact was excluded"))
    }

    /// Takes a call back at once that was forbidden while the carrier was asked. One that the carrier holds for longer
    /// than it may is taken back by upkeep.
    async fn judge(&self, attempt: &AttemptId, placed: &CarrierCall) {
        if let Some(Ban { reason, take_back }) = self.must_not_ring().await {
            tracing::warn!(%attempt, reason, "a call is taken back");
            let base = &self.ports.base;
            base.update_call(attempt, &placed.sid, take_back).await;
        }
    }
}

/// Why a call must not ring, and how one that does is taken back.
pub(super) struct Ban {
    pub reason: String,
    pub take_back: CallUpdate,
}

impl Ban {
    fn new(reason: String, take_back: CallUpdate) -> Self {
        Self { reason, take_back }
    }
}

pub(super) fn refusal(reason: &str, disposition: Disposition) -> Submission {
    Submission::Refused {
        reason: reason.to_owned(),
        disposition,
    }
}

/// Writes the carrier's answer, for as long as it takes: the call may exist now. The attempt as it stands then; `None`
/// if it cannot be read.
pub(super) async fn record(ports: &CampaignPorts, attempt: &AttemptId, submission: Submission) -> Option<AttemptRow> {
    let store = &ports.base.store;
    let mut pause = FIRST_STORE_PAUSE;
    while let Err(error) = caught(store.record_submission(attempt, submission.clone(), ports.now_ms())).await {
        tracing::error!(%attempt, %error, "the carrier's answer could not be written");
        if !matches!(error, StoreError::Unavailable { .. }) {
            // It never will be. The attempt is looked after by upkeep.
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_STORE_PAUSE);
    }
    caught(store.attempt(attempt)).await.ok().flatten()
}
