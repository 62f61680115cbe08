//! The dialler's first form: calls every contact of a campaign once, paced and within the permits.
//!
//! The order is what keeps people from being called twice: permit, attempt written, marked `submitting`, one request
//! to the carrier, its answer written. An unclear answer is never repeated (L20); the attempt waits as
//! `submission_unknown` until a callback or the media stream says otherwise, or until no call can exist any more.

use super::draft::CallDraft;
use super::endings::{SupervisorPorts, caught};
use super::events::CallEvent;
use crate::domain::{AttemptId, AttemptState, Campaign, CampaignId, EndReason, Mode};
use crate::ports::{AnswerDetection, CarrierError, Contact, NewAttempt, NewCall, StoreError, Submission};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// A media token, fresh from the mint. Its text is a secret.
pub struct MediaToken {
    /// What travels to the carrier.
    pub text: String,
    /// What is stored: SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// Until when it may be used.
    pub expires_at_ms: i64,
}

/// Makes media tokens and attempt ids: the two things here that need randomness.
pub trait TokenMint: Send + Sync + 'static {
    /// A new attempt id.
    fn attempt_id(&self) -> AttemptId;
    /// A token for an attempt.
    ///
    /// # Errors
    /// If the system gives no randomness.
    fn media_token(&self, attempt: &AttemptId, now_ms: i64) -> Result<MediaToken, String>;
}

/// How to dial.
#[derive(Clone, Debug)]
pub struct DialerSettings {
    /// How real the calls are.
    pub mode: Mode,
    /// Calls begun per second at most; more than 0.
    pub calls_per_second: f64,
    /// How long a call may ring.
    pub ring_timeout_seconds: u32,
    /// Ask the carrier whether a machine answered.
    pub machine_detection: bool,
}

/// Why a campaign cannot be dialled.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// It is not in the store.
    #[error("no such campaign: {0}")]
    NoCampaign(CampaignId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run of the dialler did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DialSummary {
    /// Calls the carrier took, or may have taken.
    pub placed: u32,
    /// Contacts that were not called.
    pub not_placed: u32,
}

/// The dialler.
pub struct Dialer {
    ports: SupervisorPorts,
    mint: Arc<dyn TokenMint>,
    settings: DialerSettings,
}

/// Pauses after the carrier asked to slow down: doubling from here.
const FIRST_RATE_PAUSE: Duration = Duration::from_secs(1);
/// … up to here.
const LONGEST_RATE_PAUSE: Duration = Duration::from_secs(30);

/// What a token must be good for after the carrier has taken a call, beyond the ringing.
const TOKEN_MARGIN_MS: i64 = 60_000;

/// Why a contact was not called.
enum NotPlaced {
    /// Nothing is written, or the attempt has been ended.
    Settled(String),
    /// The attempt may be written, and is open then; the carrier was not asked.
    Open(String),
}

impl Dialer {
    /// A dialler.
    pub fn new(ports: SupervisorPorts, mint: Arc<dyn TokenMint>, settings: DialerSettings) -> Self {
        Self { ports, mint, settings }
    }

    /// Calls every contact of a campaign that was not called yet. Returns when the last one has been placed; the
    /// calls themselves go on. Stops early when draining.
    ///
    /// # Errors
    /// [`DialError`] if the campaign cannot be read. A single contact's fault is logged, told, and passed over.
    pub async fn run(&self, campaign: &CampaignId) -> Result<DialSummary, DialError> {
        let campaign = self
            .ports
            .store
            .campaign(campaign)
            .await?
            .ok_or_else(|| DialError::NoCampaign(campaign.clone()))?;
        let contacts = self.ports.store.contacts(&campaign.id).await?;
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / self.settings.calls_per_second.max(0.01)));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut summary = DialSummary::default();
        for contact in contacts.into_iter().filter(|contact| contact.attempts == 0) {
            let attempt = self.mint.attempt_id();
            self.ports.permits.take(&attempt).await;
            pace.tick().await;
            if self.ports.readiness.is_draining() {
                self.ports.permits.release(&attempt);
                tracing::info!("draining: dialling stops");
                break;
            }
            // A panic here is a fault of the mint: store and carrier are caught where they are asked.
            let placed = AssertUnwindSafe(self.place(&attempt, &campaign, &contact)).catch_unwind();
            let not_placed = match placed.await {
                Ok(Ok(())) => {
                    summary.placed += 1;
                    continue;
                }
                Ok(Err(not_placed)) => not_placed,
                Err(_panic) => NotPlaced::Open("a fault of ours (a panic)".to_owned()),
            };
            let reason = match not_placed {
                NotPlaced::Settled(reason) => reason,
                NotPlaced::Open(reason) => {
                    self.end_unplaced(&attempt).await;
                    reason
                }
            };
            summary.not_placed += 1;
            self.ports.permits.release(&attempt);
            tracing::warn!(contact = %contact.id, %reason, "a contact was not called");
            self.ports.tell(CallEvent::NotPlaced {
                contact: contact.id,
                reason,
            });
        }
        Ok(summary)
    }

    async fn place(&self, attempt: &AttemptId, campaign: &Campaign, contact: &Contact) -> Result<(), NotPlaced> {
        if self.settings.mode == Mode::DryRun {
            let reason = "dry run: nobody is called; set DRY_RUN_MODE=false to call";
            return Err(NotPlaced::Settled(reason.to_owned()));
        }
        let (store, clock) = (&self.ports.store, &self.ports.clock);
        let token = self
            .mint
            .media_token(attempt, clock.unix_ms())
            .map_err(NotPlaced::Settled)?;
        let new = NewAttempt {
            id: attempt.clone(),
            campaign: campaign.id.clone(),
            contact: contact.id.clone(),
            mode: self.settings.mode,
            token_hash: token.hash,
            token_expires_at_ms: token.expires_at_ms,
        };
        caught(store.create_attempt(new, clock.unix_ms()))
            .await
            .map_err(|error| match error {
                StoreError::Conflict { .. } | StoreError::NotFound { .. } => NotPlaced::Settled(error.to_string()),
                // It may have been written, and only the answer lost.
                StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => NotPlaced::Open(error.to_string()),
            })?;
        caught(store.mark_submitting(attempt, clock.unix_ms()))
            .await
            .map_err(|error| NotPlaced::Open(error.to_string()))?;
        self.ports.tell(CallEvent::Placed {
            attempt: attempt.clone(),
            contact: contact.id.clone(),
        });
        let ring_ms = i64::from(self.settings.ring_timeout_seconds) * 1_000;
        let call = NewCall {
            attempt: attempt.clone(),
            campaign: campaign.id.clone(),
            contact: contact.id.clone(),
            language: campaign.language.clone(),
            to: contact.number.clone(),
            from: campaign.caller_id.clone(),
            media_token: token.text,
            ring_timeout_seconds: self.settings.ring_timeout_seconds,
            time_limit_seconds: campaign.longest_call_seconds.saturating_add(60),
            answer_detection: match self.settings.machine_detection {
                true => AnswerDetection::serving(&campaign.voicemail),
                false => AnswerDetection::Off,
            },
            latest_start_ms: None,
        };
        let submission = self.submit(call, token.expires_at_ms - ring_ms - TOKEN_MARGIN_MS).await;
        self.record(attempt, submission).await
    }

    /// Writes the carrier's answer, for as long as it takes: the call may exist now.
    async fn record(&self, attempt: &AttemptId, submission: Submission) -> Result<(), NotPlaced> {
        let (store, clock) = (&self.ports.store, &self.ports.clock);
        let mut pause = Duration::from_millis(100);
        while let Err(error) = caught(store.record_submission(attempt, submission.clone(), clock.unix_ms())).await {
            tracing::error!(%attempt, %error, "the carrier's answer could not be written");
            if !matches!(error, StoreError::Unavailable { .. }) {
                // It never will be. The attempt is looked after by the reconciler.
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_RATE_PAUSE);
        }
        let Submission::Refused { reason } = submission else {
            return Ok(());
        };
        // A callback or the stream may have shown that there is a call, whatever the reply said (L21).
        match caught(store.attempt(attempt)).await {
            Ok(Some(row)) if row.state != AttemptState::Ended => Ok(()),
            _ => Err(NotPlaced::Settled(reason)),
        }
    }

    /// Asks the carrier: repeated only after an answer that says nothing was done, and only before `last_ms`.
    async fn submit(&self, call: NewCall, last_ms: i64) -> Submission {
        let mut pause = FIRST_RATE_PAUSE;
        loop {
            let asked = AssertUnwindSafe(async { self.ports.carrier.create_call(call.clone()).await });
            let answer = asked.catch_unwind().await.unwrap_or_else(|_panic| {
                Err(CarrierError::Unclear {
                    reason: "the carrier's client panicked".to_owned(),
                })
            });
            match answer {
                Ok(placed) => return Submission::Accepted { sid: placed.sid },
                Err(error @ CarrierError::RateLimited { .. }) => {
                    tracing::warn!(attempt = %call.attempt, %error, ?pause, "the carrier asks to slow down");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RATE_PAUSE);
                    if let Some(reason) = self.reason_to_stop(&call, last_ms).await {
                        return Submission::Refused { reason };
                    }
                }
                Err(error @ CarrierError::Unclear { .. }) => {
                    tracing::warn!(attempt = %call.attempt, %error, "not repeated: the call may have been placed");
                    return Submission::Unknown;
                }
                Err(error) => {
                    return Submission::Refused {
                        reason: error.to_string(),
                    };
                }
            }
        }
    }

    /// Much may have happened while the carrier was left alone.
    async fn reason_to_stop(&self, call: &NewCall, last_ms: i64) -> Option<String> {
        if self.ports.readiness.is_draining() {
            return Some("the server is stopping".to_owned());
        }
        if self.ports.clock.unix_ms() > last_ms {
            return Some("the carrier asked to slow down for too long".to_owned());
        }
        match caught(self.ports.store.is_do_not_call(&call.to)).await {
            Ok(false) => None,
            Ok(true) => Some("the number is on do-not-call".to_owned()),
            Err(error) => Some(format!("do-not-call could not be looked up: {error}")),
        }
    }

    async fn end_unplaced(&self, attempt: &AttemptId) {
        let now_ms = self.ports.clock.unix_ms();
        let report = CallDraft::default().into_cut_report(attempt.clone(), EndReason::Fault, now_ms);
        self.ports.write_report(report).await;
    }
}
