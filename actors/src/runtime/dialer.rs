//! The dialler's first form: calls every contact of a campaign once, paced and within the permits.
//!
//! The order is what keeps people from being called twice: permit, attempt written, marked `submitting`, one request
//! to the carrier, its answer written. An unclear answer is never repeated (L20); the attempt waits as
//! `submission_unknown` until a callback or the media stream says otherwise, or until no call can exist any more.

use super::events::CallEvent;
use super::supervisor::SupervisorPorts;
use crate::domain::{AttemptId, Campaign, CampaignId, Mode};
use crate::ports::{CarrierError, Contact, NewAttempt, NewCall, StoreError, Submission};
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
            match self.place(&attempt, &campaign, &contact).await {
                Ok(()) => {
                    summary.placed += 1;
                }
                Err(reason) => {
                    summary.not_placed += 1;
                    self.ports.permits.release(&attempt);
                    tracing::warn!(contact = %contact.id, %reason, "a contact was not called");
                    self.ports.events.emit(CallEvent::NotPlaced {
                        contact: contact.id,
                        reason,
                    });
                }
            }
        }
        Ok(summary)
    }

    async fn place(&self, attempt: &AttemptId, campaign: &Campaign, contact: &Contact) -> Result<(), String> {
        if self.settings.mode == Mode::DryRun {
            return Err("dry run: nobody is called; set DRY_RUN_MODE=false to call".to_owned());
        }
        let (store, clock) = (&self.ports.store, &self.ports.clock);
        let token = self.mint.media_token(attempt, clock.unix_ms())?;
        let new = NewAttempt {
            id: attempt.clone(),
            campaign: campaign.id.clone(),
            contact: contact.id.clone(),
            mode: self.settings.mode,
            token_hash: token.hash,
            token_expires_at_ms: token.expires_at_ms,
        };
        store
            .create_attempt(new, clock.unix_ms())
            .await
            .map_err(|error| error.to_string())?;
        store
            .mark_submitting(attempt, clock.unix_ms())
            .await
            .map_err(|error| error.to_string())?;
        self.ports.events.emit(CallEvent::Placed {
            attempt: attempt.clone(),
            contact: contact.id.clone(),
        });
        let call = NewCall {
            attempt: attempt.clone(),
            to: contact.number.clone(),
            from: campaign.caller_id.clone(),
            media_token: token.text,
            ring_timeout_seconds: self.settings.ring_timeout_seconds,
            time_limit_seconds: campaign.longest_call_seconds.saturating_add(60),
            machine_detection: self.settings.machine_detection,
        };
        let submission = self.submit(call).await;
        let refused = match &submission {
            Submission::Refused { reason } => Some(reason.clone()),
            Submission::Accepted { .. } | Submission::Unknown => None,
        };
        // The call may exist now: the write is tried until it succeeds, because a callback or the stream would
        // bind the attempt anyway and nothing else may happen to it.
        let mut pause = Duration::from_millis(100);
        while let Err(error) = store
            .record_submission(attempt, submission.clone(), clock.unix_ms())
            .await
        {
            tracing::error!(%attempt, %error, "the carrier's answer could not be written yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_RATE_PAUSE);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Asks the carrier: repeated only after an answer that says nothing was done.
    async fn submit(&self, call: NewCall) -> Submission {
        let mut pause = FIRST_RATE_PAUSE;
        loop {
            match self.ports.carrier.create_call(call.clone()).await {
                Ok(placed) => return Submission::Accepted { sid: placed.sid },
                Err(error @ CarrierError::RateLimited { .. }) => {
                    tracing::warn!(attempt = %call.attempt, %error, ?pause, "the carrier asks to slow down");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RATE_PAUSE);
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
}
