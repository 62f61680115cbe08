//! A carrier that answers as told.

use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CallSid, CarrierStatus, PhoneNumber};
use samvad_actors::ports::{CallQuery, CallUpdate, Carrier, CarrierCall, CarrierError, NewCall, StopScope};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How a request to place a call is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Taken,
    /// Taken, but told only after [`ScriptedCarrier::release`].
    Held,
    RateLimited,
    Unclear,
    /// The number does not exist.
    BadNumber,
    /// Wrong credentials.
    Stopped,
    /// No connection.
    Unreachable,
}

#[derive(Default)]
pub struct Told {
    /// Answers to come; `Taken` when there are none.
    pub answers: VecDeque<Answer>,
    /// Requests to place a call.
    pub created: Vec<(AttemptId, PhoneNumber)>,
    /// When each of them must have begun, UTC milliseconds.
    pub latest_starts: Vec<Option<i64>>,
    /// Calls told to end or to be taken back.
    pub changed: Vec<(CallSid, CallUpdate)>,
    /// Calls that are over; others ring.
    pub over: BTreeSet<CallSid>,
}

#[derive(Default)]
pub struct ScriptedCarrier(Mutex<Told>, Notify);

impl ScriptedCarrier {
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn answer_next(&self, answers: &[Answer]) {
        self.told().answers.extend(answers);
    }

    /// Gives the answer that is held.
    pub fn release(&self) {
        self.1.notify_one();
    }

    /// How many requests to place a call came.
    pub fn asked(&self) -> usize {
        self.told().created.len()
    }
}

/// The call id of an attempt.
pub fn sid(attempt: &AttemptId) -> CallSid {
    CallSid::new(format!("CA-{attempt}"))
}

fn call(sid: CallSid, status: CarrierStatus) -> CarrierCall {
    CarrierCall {
        sid,
        status: Some(status),
        queue_time_ms: None,
        to: None,
        from: None,
        created_at_ms: None,
    }
}

#[async_trait]
impl Carrier for ScriptedCarrier {
    async fn create_call(&self, new: NewCall) -> Result<CarrierCall, CarrierError> {
        let sid = sid(&new.attempt);
        let answer = {
            let mut told = self.told();
            told.created.push((new.attempt, new.to));
            told.latest_starts.push(new.latest_start_ms);
            told.answers.pop_front().unwrap_or(Answer::Taken)
        };
        match answer {
            Answer::Taken => Ok(call(sid, CarrierStatus::Queued)),
            Answer::Held => {
                self.1.notified().await;
                Ok(call(sid, CarrierStatus::Queued))
            }
            Answer::RateLimited => Err(CarrierError::RateLimited { code: Some(20_429) }),
            Answer::Unclear => Err(CarrierError::Unclear {
                reason: "no answer".into(),
            }),
            Answer::BadNumber => Err(CarrierError::BadNumber {
                code: 21_211,
                message: "not a number".into(),
            }),
            Answer::Stopped => Err(CarrierError::Stopped {
                scope: StopScope::Account,
                http: 401,
                code: Some(20_003),
                message: "Authenticate".into(),
            }),
            Answer::Unreachable => Err(CarrierError::Unreachable {
                reason: "connection refused".into(),
            }),
        }
    }

    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError> {
        let is_over = self.told().over.contains(sid);
        let status = match is_over {
            true => CarrierStatus::Completed,
            false => CarrierStatus::Ringing,
        };
        Ok(call(sid.clone(), status))
    }

    async fn update_call(&self, sid: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError> {
        self.told().changed.push((sid.clone(), update));
        Ok(call(sid.clone(), CarrierStatus::Completed))
    }

    async fn list_calls(&self, _query: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError> {
        Ok(Vec::new())
    }
}
