//! What supervisors and the command line are told of calls as they go.

use crate::domain::{AnswerValue, AttemptId, CampaignId, CarrierStatus, ContactId, Disposition, EndReason, Outcome};
use serde::{Deserialize, Serialize};

/// One thing that happened to an attempt. Holds no number and no transcript.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CallEvent {
    /// The carrier was asked to call.
    Placed {
        /// The attempt.
        attempt: AttemptId,
        /// Its campaign.
        campaign: CampaignId,
        /// Its contact.
        contact: ContactId,
    },
    /// The attempt could not be placed.
    NotPlaced {
        /// The contact.
        contact: ContactId,
        /// Why, for people.
        reason: String,
    },
    /// The carrier's status changed.
    Status {
        /// The attempt.
        attempt: AttemptId,
        /// The new status.
        status: CarrierStatus,
    },
    /// The conversation began.
    Talking {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The conversation moved on; a word for the phase, such as `consent`, `question 2` or `goodbye`.
    Phase {
        /// The attempt.
        attempt: AttemptId,
        /// The phase.
        phase: String,
    },
    /// The attempt is over and its outcome is written.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// What came of it.
        outcome: Outcome,
        /// Standard code.
        disposition: Disposition,
        /// Why it ended.
        end_reason: Option<EndReason>,
        /// Answers in the order of the questions.
        answers: Vec<AnswerValue>,
    },
    /// Nothing is left to do: every contact was tried and every attempt has ended.
    Idle,
}

/// Takes events. Never blocks.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn emit(&self, event: CallEvent);
}

/// Takes events and forgets them.
pub struct NoEvents;

impl EventSink for NoEvents {
    fn emit(&self, _event: CallEvent) {}
}
