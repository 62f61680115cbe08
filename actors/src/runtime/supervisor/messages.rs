//! What the supervisor is told.

use crate::domain::{AttemptId, CallSid, CarrierStatus, EndReason, MachineVerdict};
use crate::ports::{CallReport, CallTold, CallbackEffect};
use crate::runtime::call::CallCommand;
use crate::runtime::probe::CallProbe;
use actix::{Message, Recipient};
use std::sync::Arc;

/// A call actor has started.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallStarted {
    /// Its probe.
    pub probe: Arc<CallProbe>,
    /// Its address.
    pub call: Recipient<CallCommand>,
}

/// A call actor has come to its own end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallFinished {
    /// What it leaves behind.
    pub report: CallReport,
    /// The carrier's id.
    pub call_sid: CallSid,
    /// True if the carrier ended it: nobody needs to hang up.
    pub ended_by_carrier: bool,
}

/// A call actor is gone without having come to its end: it panicked, or its thread is shutting down. Sent by its
/// death watch.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallDied {
    /// What it left behind.
    pub probe: Arc<CallProbe>,
}

/// End a live call in an orderly way.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndCall {
    /// Which.
    pub attempt: AttemptId,
    /// Why.
    pub reason: EndReason,
}

/// Write this outcome; somebody else could not.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WriteOutcome {
    /// What to write.
    pub report: CallReport,
}

/// An attempt has been ended by somebody else: forget it.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub struct AttemptOver {
    /// Which.
    pub attempt: AttemptId,
}

/// A verified status callback took effect in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CarrierStatusChanged {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The new status.
    pub status: CarrierStatus,
    /// What the store made of it.
    pub effect: CallbackEffect,
}

/// A verified machine-detection callback.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CarrierMachine {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What it says.
    pub verdict: MachineVerdict,
}

/// The carrier has told another node of an attempt whose call may be here.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ToldElsewhere {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What.
    pub told: CallTold,
}

/// Take no new calls; with `end_live`, end the live ones too.
#[derive(Message)]
#[rtype(result = "()")]
pub struct BeginDrain {
    /// True when the drain limit has passed.
    pub end_live: bool,
}

/// Tell the carrier now to end every call whose conversation is over; answered when that has been done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct HangUpNow;

/// How many calls there are whose conversation is over and which the carrier has not reported as over. Each is ended
/// over the carrier's REST API after two seconds, and counts no more then.
#[derive(Message)]
#[rtype(result = "usize")]
pub struct CountUnreported;
