//! One call as the API shows it, and the orders that the API gives it.

use crate::scenario::{FaultSet, Respondent};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A call's status in the API. (`initiated` is the name of a callback only.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallStatus {
    Queued,
    Ringing,
    InProgress,
    Completed,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
}

impl CallStatus {
    /// Twilio's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// True once nothing can follow.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}

/// Where the instructions of a call come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Document {
    Twiml(String),
    Url { url: String, post: bool },
}

/// Where a call's progress is reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StatusCallback {
    pub url: String,
    pub post: bool,
    /// Of `initiated`, `ringing`, `answered`, `completed`.
    pub events: BTreeSet<String>,
}

/// What machine detection was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Detection {
    /// The instructions wait for the verdict.
    Before,
    /// The verdict comes by callback.
    Beside { url: String, post: bool },
}

/// What the API was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CallRequest {
    pub to: String,
    pub from: String,
    pub document: Document,
    pub status_callback: Option<StatusCallback>,
    pub ring_timeout_s: u64,
    pub time_limit_s: u64,
    pub detection: Option<Detection>,
}

/// What the API wants of a call in progress.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Continue,
    /// End it, whatever its state.
    End,
    /// The caller hangs up at the moment of an update: a fault of the scenario.
    CallerHangsUp,
    /// Follow these instructions in place of the present ones.
    Redirect(Document),
}

/// What changes in a call.
#[derive(Clone, Debug)]
pub(crate) struct CallState {
    pub status: CallStatus,
    pub updated: Timestamp,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub duration_s: Option<u64>,
    pub answered_by: Option<&'static str>,
    pub violations: Vec<String>,
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub sid: String,
    pub request: CallRequest,
    /// Who is called; `None` for a number that the scenario does not have.
    pub respondent: Option<Respondent>,
    /// Which call to this number it is, from 1.
    pub ordinal: u64,
    pub faults: FaultSet,
    pub created: Timestamp,
    pub queue_time_ms: u64,
    /// When its turn in the queue comes.
    pub dial_at: Instant,
    pub orders: watch::Sender<Order>,
    /// The `initiated` callback has been delivered.
    pub initiated: Notify,
    state: Mutex<CallState>,
}

impl Call {
    /// A call that waits in the queue.
    #[expect(clippy::too_many_arguments, reason = "each is a field, and there is one caller")]
    pub(crate) fn new(
        sid: String,
        request: CallRequest,
        respondent: Option<Respondent>,
        ordinal: u64,
        faults: FaultSet,
        queue_time_ms: u64,
        dial_at: Instant,
        created: Timestamp,
    ) -> Self {
        let state = CallState {
            status: CallStatus::Queued,
            updated: created,
            started: None,
            ended: None,
            duration_s: None,
            answered_by: None,
            violations: Vec::new(),
        };
        Self {
            sid,
            request,
            respondent,
            ordinal,
            faults,
            created,
            queue_time_ms,
            dial_at,
            orders: watch::Sender::new(Order::Continue),
            initiated: Notify::new(),
            state: Mutex::new(state),
        }
    }

    /// What changes, locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on to a status that is not the last.
    pub(crate) fn progress(&self, status: CallStatus) {
        let mut state = self.state();
        state.status = status;
        let now = Timestamp::now();
        state.updated = now;
        // Twilio's start time is that of the dialling, not of the answer.
        state.started.get_or_insert(now);
    }

    /// Ends the call; `answered_ms` is how long it was connected.
    pub(crate) fn finish(&self, status: CallStatus, answered_ms: Option<u64>) {
        let mut state = self.state();
        let now = Timestamp::now();
        state.status = status;
        state.updated = now;
        state.started.get_or_insert(now);
        state.ended = Some(now);
        state.duration_s = Some(answered_ms.map_or(0, |ms| ms.div_ceil(1_000)));
    }

    /// Notes something that the server did and should not have.
    pub(crate) fn violation(&self, what: impl Into<String>) {
        self.state().violations.push(what.into());
    }
}

/// A time as Twilio writes it, RFC 2822 with a numeric zone.
pub(crate) fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_twilios_examples() {
        let time: Timestamp = "2010-08-31T20:36:28Z".parse().expect("well formed");
        assert_eq!(rfc2822(time), "Tue, 31 Aug 2010 20:36:28 +0000");
    }
}
