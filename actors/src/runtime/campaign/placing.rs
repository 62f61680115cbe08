//! The way of one call: claimed in the store, permitted by the coordination, marked in the store, permitted still,
//! asked of the carrier once, its answer written.
//!
//! The order is what keeps people from being called wrongly. The mark is the last moment at which the store may say no
//! (do-not-call, exclusion, pause, another leader). The second permit is granted by the same incarnation of the
//! coordination only if every rebuild that comes later has seen the mark, so that the call is counted for as long as
//! it lasts. An unclear answer of the carrier is never repeated (L20).

use super::{CampaignPorts, DialSettings, millis};
use crate::campaign::{CallingWindow, DialOrder, WindowRule};
use crate::domain::{AttemptId, AttemptState, CallSid, Campaign, Disposition, EndReason, Lifecycle, Mode, Outcome};
use crate::ports::{
    Admission, AnswerDetection, AttemptRow, CarrierCall, CarrierError, ClaimRefusal, CoordinationError, DialClaim,
    Incarnation, Leadership, Limit, NewCall, PermitRequest, StoreError, Submission, SubmitRefusal,
};
use crate::runtime::draft::CallDraft;
use crate::runtime::endings::caught;
use crate::runtime::events::CallEvent;
use crate::runtime::mint::MediaToken;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Pauses after the carrier asked to slow down: doubling from here.
const FIRST_RATE_PAUSE: Duration = Duration::from_secs(1);
/// … up to here.
const LONGEST_RATE_PAUSE: Duration = Duration::from_secs(30);
/// Pauses while the store cannot be written: doubling from here.
const FIRST_STORE_PAUSE: Duration = Duration::from_millis(100);
/// … up to here.
const LONGEST_STORE_PAUSE: Duration = Duration::from_secs(5);
/// A permit that a rate refuses is waited for with the claim in hand for so long; longer, and the claim goes back.
const LONGEST_RATE_WAIT: Duration = Duration::from_secs(2);

/// Why a contact is not called now. Nothing is left behind, or is being taken back.
#[derive(Debug)]
pub(super) enum NotPlaced {
    /// The store does not give the contact.
    NotClaimed(ClaimRefusal),
    /// A limit is in the way.
    NoPermit(Limit, Option<Duration>),
    /// No answer means no call.
    Coordination(CoordinationError),
    /// The window is closed, or closes before the call could be answered.
    OutsideWindow,
    /// The store says no at the last moment.
    NotMarked(SubmitRefusal),
    /// The permit was given by an incarnation of the coordination that is no more.
    Void,
    /// The store failed.
    Store(StoreError),
    /// There is no randomness for a token.
    NoToken(String),
}

impl NotPlaced {
    /// In words, for people.
    fn reason(&self) -> String {
        match self {
            Self::NotClaimed(refusal) => refusal.to_string(),
            Self::NoPermit(limit, _) => format!("the limit is reached: {limit:?}"),
            Self::Coordination(error) => error.to_string(),
            Self::OutsideWindow => "the calling window closes".to_owned(),
            Self::NotMarked(refusal) => refusal.to_string(),
            Self::Void => "the permit is void".to_owned(),
            Self::Store(error) => error.to_string(),
            Self::NoToken(reason) => reason.clone(),
        }
    }

    /// Whether somebody should be told: the contact will not be called by itself in a moment.
    fn is_told(&self) -> bool {
        matches!(
            self,
            Self::NotClaimed(ClaimRefusal::DoNotCall | ClaimRefusal::Excluded)
                | Self::NotMarked(SubmitRefusal::DoNotCall | SubmitRefusal::Excluded)
        )
    }
}

/// A call on its way.
pub(super) struct Placing {
    pub(super) ports: CampaignPorts,
    pub(super) leadership: Leadership,
    pub(super) campaign: Arc<Campaign>,
    pub(super) mode: Mode,
    /// IANA name of the contact's own zone.
    pub(super) zone: Option<String>,
    pub(super) order: DialOrder,
}

/// What the carrier is asked with.
struct Permitted {
    request: PermitRequest,
    token: MediaToken,
    incarnation: Incarnation,
}

impl Placing {
    /// Goes the way up to the carrier, which is asked in a task of its own. To be run in a task of its own too: it must
    /// come to its end though nobody waits for it any more.
    pub(super) async fn begin(self) -> Result<(), NotPlaced> {
        let attempt = self.ports.mint.attempt_id();
        // The node answers for it from here on, so that a stop waits for what is on its way.
        self.ports.base.permits.adopt(&attempt);
        let permitted = match self.permit(&attempt).await {
            Ok(permitted) => permitted,
            Err(not_placed) => {
                let reason = not_placed.reason();
                tracing::info!(%attempt, contact = %self.order.contact, reason, "a contact is not called now");
                if not_placed.is_told() {
                    let contact = self.order.contact.clone();
                    self.ports.base.tell(CallEvent::NotPlaced { contact, reason });
                }
                return Err(not_placed);
            }
        };
        actix::spawn(async move { self.call(attempt, permitted).await });
        Ok(())
    }

    /// Claim, permit, mark, permit.
    async fn permit(&self, attempt: &AttemptId) -> Result<Permitted, NotPlaced> {
        let (ports, settings) = (&self.ports, &self.ports.settings);
        let now_ms = ports.now_ms();
        let given_up = |not_placed| {
            ports.base.permits.forget(attempt);
            Err(not_placed)
        };
        let window = match self.window(now_ms) {
            Some(window) => window,
            None => return given_up(NotPlaced::OutsideWindow),
        };
        let Some(date) = window.local_date(now_ms) else {
            return given_up(NotPlaced::OutsideWindow);
        };
        let token = match ports.mint.media_token(attempt, now_ms) {
            Ok(token) => token,
            Err(reason) => return given_up(NotPlaced::NoToken(reason)),
        };
        let request = settings.permit(attempt, &self.campaign, self.mode, &self.order.number, date);
        let claim = DialClaim {
            attempt: attempt.clone(),
            contact: self.order.contact.clone(),
            token_hash: token.hash.clone(),
            token_expires_at_ms: token.expires_at_ms,
            permit_deadline_ms: now_ms.saturating_add(millis(request.lasts)),
            country: request.scopes.country.clone(),
            caller_id: self.campaign.caller_id.clone(),
            local_date: date.into(),
        };
        match caught(ports.dialer.claim(&self.leadership, &claim, now_ms)).await {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => return given_up(NotPlaced::NotClaimed(refusal)),
            Err(error) => {
                // It may have been written, and only the answer lost.
                self.take_back(attempt);
                return Err(NotPlaced::Store(error));
            }
        }
        let incarnation = match self.acquire_patiently(&request).await {
            Ok(incarnation) => incarnation,
            Err(not_placed) => {
                self.take_back(attempt);
                return Err(not_placed);
            }
        };
        // At the instant of the dial: the claim may have waited.
        if self.window(ports.now_ms()).is_none() {
            self.take_back(attempt);
            return Err(NotPlaced::OutsideWindow);
        }
        let marked = caught(
            ports
                .dialer
                .mark_submitting_as(&self.leadership, attempt, ports.now_ms()),
        );
        match marked.await {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => {
                // The store has ended or released the attempt, or leaves it to a newer leader.
                ports.base.permits.cancel(attempt);
                return Err(NotPlaced::NotMarked(refusal));
            }
            Err(error) => {
                self.take_back(attempt);
                return Err(NotPlaced::Store(error));
            }
        }
        let still = match ports.coordination.acquire(&request).await {
            Ok(Admission::Granted { incarnation: now, .. }) if now == incarnation => Ok(()),
            Ok(_) => Err(NotPlaced::Void),
            Err(error) => Err(NotPlaced::Coordination(error)),
        };
        if let Err(not_placed) = still {
            self.take_back(attempt);
            return Err(not_placed);
        }
        Ok(Permitted {
            request,
            token,
            incarnation,
        })
    }

    /// The contact's window, if a call may begin now and be answered before it closes. `None` as well for a zone that
    /// is not known.
    fn window(&self, now_ms: i64) -> Option<CallingWindow> {
        let written = &self.campaign.dialing.window;
        let zone = self.zone.as_deref().unwrap_or(&written.zone);
        let window = CallingWindow::new(WindowRule::from(written), zone).ok()?;
        let closes_at_ms = window.closes_at(now_ms);
        let stays = closes_at_ms.is_none_or(|at_ms| at_ms.saturating_sub(now_ms) >= millis(self.ports.settings.lead()));
        // Counted by the campaign's day, wherever the contact is.
        let counted = CallingWindow::new(WindowRule::from(written), &written.zone).ok()?;
        (window.is_open(now_ms) && stays).then_some(counted)
    }

    /// A permit; a rate that is in the way for a moment is waited for.
    async fn acquire_patiently(&self, request: &PermitRequest) -> Result<Incarnation, NotPlaced> {
        let mut waited = Duration::ZERO;
        loop {
            match self.ports.coordination.acquire(request).await {
                Ok(Admission::Granted { incarnation, .. }) => return Ok(incarnation),
                Ok(Admission::Refused { limit, retry_after }) => {
                    let pause = match (limit, retry_after) {
                        (Limit::FleetRate | Limit::CampaignRate, Some(pause)) => pause,
                        _ => return Err(NotPlaced::NoPermit(limit, retry_after)),
                    };
                    waited += pause;
                    if waited > LONGEST_RATE_WAIT || self.ports.base.readiness.is_draining() {
                        return Err(NotPlaced::NoPermit(limit, retry_after));
                    }
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(NotPlaced::Coordination(error)),
            }
        }
    }

    /// Undoes what was begun, for as long as it takes: the carrier was not asked. A claim goes back and uses up nothing;
    /// a marked attempt ends as never placed.
    fn take_back(&self, attempt: &AttemptId) {
        let (ports, leadership, attempt) = (self.ports.clone(), self.leadership.clone(), attempt.clone());
        actix::spawn(async move {
            let mut pause = FIRST_STORE_PAUSE;
            loop {
                match caught(ports.dialer.release_claim(&leadership, &attempt)).await {
                    Ok(true) | Err(StoreError::NotFound { .. }) => break,
                    // Marked, or a newer leader's: that one takes back what is only planned.
                    Ok(false) => match caught(ports.base.store.attempt(&attempt)).await {
                        Ok(Some(row)) if row.state == AttemptState::Submitting => {
                            refuse(&ports, &attempt, "the permit could not be kept").await;
                            break;
                        }
                        Ok(_) => break,
                        Err(error) => tracing::warn!(%attempt, %error, "a claim cannot be taken back yet"),
                    },
                    Err(error) => tracing::warn!(%attempt, %error, "a claim cannot be taken back yet"),
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_STORE_PAUSE);
            }
            ports.base.permits.cancel(&attempt);
        });
    }

    /// Asks the carrier, and sees to what it says.
    async fn call(self, attempt: AttemptId, permitted: Permitted) {
        if self.mode == Mode::DryRun {
            return self.rehearse(&attempt).await;
        }
        self.ports.base.tell(CallEvent::Placed {
            attempt: attempt.clone(),
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
            latest_start_ms: self.order.window_closes_ms,
        };
        let (submission, placed) = self.submit(call, &request, &incarnation).await;
        let row = record(&self.ports, &attempt, submission).await;
        match (placed, row) {
            (Some(placed), Some(row)) if row.state != AttemptState::Ended => {
                self.judge(&attempt, placed).await;
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
                Err(error @ CarrierError::RateLimited { .. }) => {
                    tracing::warn!(attempt = %call.attempt, %error, ?pause, "the carrier asks to slow down");
                    self.ports
                        .hold_off
                        .until(self.ports.now_ms().saturating_add(millis(pause)));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RATE_PAUSE);
                    if let Some(reason) = self.reason_to_stop(request, incarnation, last_ms).await {
                        return (Submission::Refused { reason }, None);
                    }
                }
                Err(error @ CarrierError::Unclear { .. }) => {
                    tracing::warn!(attempt = %call.attempt, %error, "not repeated: the call may have been placed");
                    return (Submission::Unknown, None);
                }
                Err(error) => {
                    tracing::warn!(attempt = %call.attempt, %error, "the carrier did not take a call");
                    let reason = error.to_string();
                    return (Submission::Refused { reason }, None);
                }
            }
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
        match self.ports.coordination.acquire(request).await {
            Ok(Admission::Granted { incarnation: now, .. }) if now == *incarnation => {}
            _ => return Some("the permit could not be kept".to_owned()),
        }
        self.must_not_ring().await
    }

    /// Why a call that has not been answered must not ring any more.
    async fn must_not_ring(&self) -> Option<String> {
        match caught(self.ports.base.store.is_do_not_call(&self.order.number)).await {
            Ok(false) => {}
            Ok(true) => return Some("the number is on do-not-call".to_owned()),
            Err(error) => return Some(format!("do-not-call could not be looked up: {error}")),
        }
        match caught(self.ports.dialer.campaign_state(&self.campaign.id)).await {
            Ok(Some(state)) if super::upkeep::calls_may_ring(&state) => None,
            Ok(_) => Some("the campaign was stopped".to_owned()),
            Err(error) => Some(format!("the campaign could not be looked up: {error}")),
        }
    }

    /// Takes a call back at once that would ring past its window, or that was forbidden while the carrier was asked. One
    /// that the carrier holds for longer than it may is taken back by upkeep.
    async fn judge(&self, attempt: &AttemptId, placed: CarrierCall) {
        let now_ms = self.ports.now_ms();
        let closes_ms = self.order.window_closes_ms.unwrap_or(i64::MAX);
        let queued_ms = placed
            .queue_time_ms
            .map_or(0, |queue| i64::try_from(queue).unwrap_or(i64::MAX));
        let ring_ms = i64::from(self.ports.settings.ring_timeout_seconds) * 1_000;
        if queued_ms > 0 && now_ms.saturating_add(queued_ms).saturating_add(ring_ms) > closes_ms {
            tracing::warn!(%attempt, "the carrier would ring past the calling window; the call is taken back");
            return self.ports.base.hang_up(attempt, &placed.sid).await;
        }
        if let Some(reason) = self.must_not_ring().await {
            tracing::warn!(%attempt, reason, "a call is taken back");
            self.hang_up_unless_answered(attempt, &placed.sid).await;
        }
    }

    async fn hang_up_unless_answered(&self, attempt: &AttemptId, sid: &CallSid) {
        match caught(self.ports.base.store.attempt(attempt)).await {
            Ok(Some(row)) if matches!(row.state, AttemptState::Live | AttemptState::Ended) => {}
            // It waits, or nobody knows: nobody must be rung.
            _ => self.ports.base.hang_up(attempt, sid).await,
        }
    }
}

/// Ends a marked attempt that the carrier was never asked about.
pub(super) async fn refuse(ports: &CampaignPorts, attempt: &AttemptId, reason: &str) {
    let reason = reason.to_owned();
    record(ports, attempt, Submission::Refused { reason }).await;
}

/// Writes the carrier's answer, for as long as it takes: the call may exist now. The attempt as it stands then; `None`
/// if it cannot be read.
async fn record(ports: &CampaignPorts, attempt: &AttemptId, submission: Submission) -> Option<AttemptRow> {
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

/// Whether a claim's refusal says that this node should stop planning, and look again who leads.
pub(super) fn ends_the_tick(not_placed: &NotPlaced) -> bool {
    match not_placed {
        NotPlaced::NotClaimed(refusal) => matches!(refusal, ClaimRefusal::StaleEpoch | ClaimRefusal::NotRunning),
        NotPlaced::NotMarked(refusal) => matches!(refusal, SubmitRefusal::StaleEpoch | SubmitRefusal::NotRunning),
        NotPlaced::OutsideWindow => false,
        NotPlaced::NoPermit(..)
        | NotPlaced::Coordination(_)
        | NotPlaced::Void
        | NotPlaced::Store(_)
        | NotPlaced::NoToken(_) => true,
    }
}

/// A lifecycle in which calls that have been placed go on ringing.
pub(super) fn rings_on(lifecycle: Lifecycle) -> bool {
    matches!(lifecycle, Lifecycle::Running | Lifecycle::Paused)
}
