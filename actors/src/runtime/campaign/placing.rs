//! The way of one call: claimed in the store, permitted by the coordination, marked in the store, permitted still, and
//! then asked of the carrier (`asking`).
//!
//! The order is what keeps people from being called wrongly. The mark is the last moment at which the store may say no
//! (do-not-call, exclusion, pause, another leader). The second permit is granted by the same incarnation of the
//! coordination only if every rebuild that comes later has seen the mark, so that the call is counted for as long as
//! it lasts. An unclear answer of the carrier is never repeated (L20).

use super::asking::{FIRST_STORE_PAUSE, LONGEST_STORE_PAUSE, record, refusal};
use super::{CampaignPorts, millis};
use crate::campaign::{DialOrder, ZonedWindow};
use crate::domain::{AttemptId, AttemptState, Campaign, Disposition, Lifecycle, Mode};
use crate::ports::{
    Admission, ClaimRefusal, CoordinationError, DialClaim, Incarnation, Leadership, Limit, PermitRequest, StoreError,
    SubmitRefusal,
};
use crate::runtime::endings::caught;
use crate::runtime::events::CallEvent;
use crate::runtime::mint::MediaToken;
use std::sync::Arc;
use std::time::Duration;

/// A permit that a rate refuses is waited for with the claim in hand for so long; longer, and the claim goes back.
const LONGEST_RATE_WAIT: Duration = Duration::from_secs(2);

/// What was looked at is still so after such a time.
const LOOKED_AT_LASTS: Duration = Duration::from_millis(500);

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
    /// The number or the campaign may not be called any more.
    Forbidden(String),
    /// The store failed.
    Store(StoreError),
    /// There is no randomness for a token.
    NoToken(String),
}

impl NotPlaced {
    /// In words, for people.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::NotClaimed(refusal) => refusal.to_string(),
            Self::NoPermit(limit, _) => format!("the limit is reached: {limit:?}"),
            Self::Coordination(error) => error.to_string(),
            Self::OutsideWindow => "the calling window closes".to_owned(),
            Self::NotMarked(refusal) => refusal.to_string(),
            Self::Void => "the permit is void".to_owned(),
            Self::Store(error) => error.to_string(),
            Self::NoToken(reason) | Self::Forbidden(reason) => reason.clone(),
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
pub(super) struct Permitted {
    pub(super) request: PermitRequest,
    pub(super) token: MediaToken,
    pub(super) incarnation: Incarnation,
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
            ports.base.permits.settle(attempt);
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
            local_date: date,
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
        if let Err(not_placed) = self.keep_permit(&request, &incarnation).await {
            self.take_back(attempt);
            return Err(not_placed);
        }
        Ok(Permitted {
            request,
            token,
            incarnation,
        })
    }

    /// Whether the permit still counts, immediately before the carrier is asked. If the way here took longer than a
    /// place under the rate lasts, another is waited for, and what may have happened meanwhile is looked at again.
    pub(super) async fn keep_permit(
        &self,
        request: &PermitRequest,
        incarnation: &Incarnation,
    ) -> Result<(), NotPlaced> {
        let asked = self.ports.base.clock.monotonic();
        if self.acquire_patiently(request).await? != *incarnation {
            return Err(NotPlaced::Void);
        }
        if self.ports.base.clock.monotonic().saturating_sub(asked) < LOOKED_AT_LASTS {
            return Ok(());
        }
        if self.window(self.ports.now_ms()).is_none() {
            return Err(NotPlaced::OutsideWindow);
        }
        self.must_not_ring()
            .await
            .map_or(Ok(()), |ban| Err(NotPlaced::Forbidden(ban.reason)))
    }

    /// The contact's window, if a call may begin now and be answered before it closes. `None` as well for a zone that
    /// is not known.
    pub(super) fn window(&self, now_ms: i64) -> Option<ZonedWindow> {
        let written = &self.campaign.dialing.window;
        let zone = self.zone.as_deref().unwrap_or(&written.zone);
        let window = ZonedWindow::new(written, zone).ok()?;
        let closes_at_ms = window.closes_at(now_ms);
        let stays = closes_at_ms.is_none_or(|at_ms| at_ms.saturating_sub(now_ms) >= millis(self.ports.settings.lead()));
        // Counted by the campaign's day, wherever the contact is.
        let counted = ZonedWindow::new(written, &written.zone).ok()?;
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
                            let refusal = refusal("the permit could not be kept", Disposition::NotAttempted);
                            record(&ports, &attempt, refusal).await;
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
}

/// Whether a claim's refusal says that this node should stop planning, and look again who leads.
pub(super) fn ends_the_tick(not_placed: &NotPlaced) -> bool {
    match not_placed {
        NotPlaced::NotClaimed(refusal) => matches!(refusal, ClaimRefusal::StaleEpoch | ClaimRefusal::NotRunning),
        NotPlaced::NotMarked(refusal) => matches!(refusal, SubmitRefusal::StaleEpoch | SubmitRefusal::NotRunning),
        NotPlaced::OutsideWindow => false,
        NotPlaced::Forbidden(_)
        | NotPlaced::NoPermit(..)
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
