//! What follows a call: never again, once more, or at the time asked for. One budget of attempts for all causes.

use super::CallingWindow;
use crate::domain::{Disposition, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a contact is tried again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryCause {
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// A machine answered.
    Voicemail,
    /// Somebody answered and then nothing could be used.
    Abandoned,
    /// A fault of ours or of the carrier.
    Fault,
}

/// How often and when a contact is tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts per contact in all, whatever they end with; callbacks are among them.
    pub max_attempts: u32,
    /// Minutes from the end of an attempt to the next, by cause.
    pub delay_minutes: BTreeMap<RetryCause, u32>,
    /// Minutes for a cause that is not named.
    pub default_delay_minutes: u32,
}

impl Default for RetryPolicy {
    /// Three attempts; a busy line after a quarter of an hour, a fault after half an hour, anything else four hours.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            delay_minutes: BTreeMap::from([(RetryCause::Busy, 15), (RetryCause::Fault, 30)]),
            default_delay_minutes: 240,
        }
    }
}

/// An attempt that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// Its disposition.
    pub disposition: Disposition,
    /// When, UTC milliseconds.
    pub ended_at_ms: i64,
    /// The time asked for, if a callback was agreed and one was named.
    pub callback_at_ms: Option<i64>,
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextDial {
    /// The contact is done: reached, refused, or not to be reached at this number.
    Never,
    /// The budget of attempts is used up without having reached anybody.
    NotReached,
    /// Tried again from this instant on (UTC milliseconds), in the window.
    Retry {
        /// From when on.
        due_at_ms: i64,
    },
    /// Called back from this instant on (UTC milliseconds), in the window.
    Callback {
        /// From when on.
        due_at_ms: i64,
    },
}

impl RetryPolicy {
    /// What follows an attempt, of which `attempts` were made with it. A due time is moved to where the contact's
    /// window is open; one that never opens leaves it as it is.
    pub fn after(&self, ended: &Ended, attempts: u32, window: &CallingWindow) -> NextDial {
        let in_window = |at_ms: i64| window.next_opening(at_ms).unwrap_or(at_ms);
        let later = |cause| {
            let minutes = self
                .delay_minutes
                .get(&cause)
                .copied()
                .unwrap_or(self.default_delay_minutes);
            ended.ended_at_ms.saturating_add(i64::from(minutes) * 60_000)
        };
        let next = match (ended.outcome, cause_of(ended)) {
            (Outcome::Callback, _) => {
                // Never before now, and not at once if no time was named.
                let asked = ended.callback_at_ms.unwrap_or_else(|| later(RetryCause::NoAnswer));
                let due_at_ms = in_window(asked.max(ended.ended_at_ms));
                NextDial::Callback { due_at_ms }
            }
            (_, Some(cause)) => {
                let due_at_ms = in_window(later(cause));
                NextDial::Retry { due_at_ms }
            }
            (_, None) => return NextDial::Never,
        };
        if attempts < self.max_attempts {
            next
        } else {
            NextDial::NotReached
        }
    }
}

/// Why to try again; `None` if never.
fn cause_of(ended: &Ended) -> Option<RetryCause> {
    match (ended.outcome, ended.disposition) {
        (Outcome::Completed | Outcome::Partial | Outcome::Refused | Outcome::WrongPerson | Outcome::Callback, _) => {
            None
        }
        (_, Disposition::NonWorkingNumber | Disposition::Fax) => None,
        (Outcome::Voicemail, _) => Some(RetryCause::Voicemail),
        (Outcome::Abandoned, _) => Some(RetryCause::Abandoned),
        (Outcome::Failed, Disposition::Busy) => Some(RetryCause::Busy),
        (Outcome::Failed, Disposition::NoAnswer) => Some(RetryCause::NoAnswer),
        (Outcome::Failed, _) => Some(RetryCause::Fault),
    }
}
