//! The life of an attempt.

use super::Disposition;
use serde::{Deserialize, Serialize};

/// How real an attempt is. Only `Live` reaches a carrier that is not loopback.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Against the simulator on this machine.
    Simulated,
    /// Everything but the call itself.
    DryRun,
    /// A real call.
    Live,
}

impl Mode {
    /// The word it is kept as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::DryRun => "dry_run",
            Self::Live => "live",
        }
    }
}

/// Where an attempt stands between us and the carrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Written, the carrier not yet asked.
    Planned,
    /// The carrier is being asked; a crash from here on may have left a call behind.
    Submitting,
    /// The carrier took it and gave a call id.
    Submitted,
    /// The carrier's answer was unclear: reconciled, never repeated.
    SubmissionUnknown,
    /// The media stream was admitted: a conversation is going on.
    Live,
    /// Over; carrier status and outcome are written.
    Ended,
}

/// What the carrier says of a call (Twilio's statuses; `answered` arrives as `in-progress`).
///
/// The order of the variants is the order of a call's life; a later one is never overwritten by an earlier one
/// ([`CarrierStatus::rank`]), because callbacks arrive in any order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierStatus {
    /// Accepted, waiting in the carrier's queue.
    Queued,
    /// Leaving the carrier.
    Initiated,
    /// The phone rings.
    Ringing,
    /// Answered.
    InProgress,
    /// Ended after an answer.
    Completed,
    /// Busy.
    Busy,
    /// Not answered within the ringing time.
    NoAnswer,
    /// The carrier could not place it.
    Failed,
    /// Taken back before an answer.
    Canceled,
}

impl CarrierStatus {
    /// Position in a call's life: 0 queued … 3 answered, 4 for every terminal status.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => 4,
        }
    }

    /// True if nothing follows.
    pub fn is_terminal(self) -> bool {
        self.rank() == 4
    }

    /// The disposition of a call that ended with this status without a conversation (AAPOR mapping of the carrier's
    /// statuses; SIP 404 says that there is no such number). The outcome is `Failed` in every case.
    pub fn disposition_without_conversation(self, sip_code: Option<u16>) -> Disposition {
        match (self, sip_code) {
            (Self::Busy, _) => Disposition::Busy,
            (Self::NoAnswer, _) => Disposition::NoAnswer,
            (Self::Failed, Some(404)) => Disposition::NonWorkingNumber,
            // Failed; taken back by us; or answered, and the media stream never came.
            _ => Disposition::TechnicalProblem,
        }
    }

    /// The carrier's own word (Twilio's `CallStatus`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Reads Twilio's `CallStatus`; `None` for a word we do not know.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Initiated,
            Self::Ringing,
            Self::InProgress,
            Self::Completed,
            Self::Busy,
            Self::NoAnswer,
            Self::Failed,
            Self::Canceled,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}
