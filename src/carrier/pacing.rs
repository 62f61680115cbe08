//! Calls per second at the carrier's edge, and the carrier's queue against the window.
//!
//! Twilio queues what exceeds the account's rate and does not refuse it: calls would drift out of the window. So the
//! rate is kept here, whoever asks, and a call that the carrier would begin too late is taken back.

use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CallSid, CarrierStatus};
use samvad_actors::ports::{CallQuery, CallUpdate, Carrier, CarrierCall, CarrierError, Clock, NewCall};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait for a turn. Who would have to wait longer is told to come back, because what was checked before the
/// wait (do-not-call, the window) may not hold after it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Tries to take a call back. Asking twice does no harm.
const CANCEL_TRIES: u32 = 5;
/// Pause after the first of them, then doubled.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Gives out turns, evenly spaced. Idle time is not made up for.
#[derive(Clone, Debug)]
pub struct Turns {
    interval: Duration,
    next: Duration,
}

impl Turns {
    /// Turns for so many calls a second; fewer than one in a hundred seconds count as that.
    pub fn new(calls_per_second: f64) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / calls_per_second.max(0.01)),
            next: Duration::ZERO,
        }
    }

    /// Takes the next turn at monotonic time `now`: how long to wait for it. `None`, and no turn is taken, if that is
    /// longer than `patience`.
    pub fn take(&mut self, now: Duration, patience: Duration) -> Option<Duration> {
        let turn = self.next.max(now);
        let wait = turn - now;
        if wait > patience {
            return None;
        }
        self.next = turn.saturating_add(self.interval);
        Some(wait)
    }

    /// The carrier holds a call back for so long: whatever came now would wait behind it.
    pub fn held_back(&mut self, now: Duration, queue_time: Duration) {
        self.next = self.next.max(now.saturating_add(queue_time));
    }
}

/// Whether a call that the carrier took at `now_ms` and holds for `queue_time_ms` would begin after `latest_start_ms`.
pub fn begins_too_late(latest_start_ms: Option<i64>, now_ms: i64, queue_time_ms: Option<u64>) -> bool {
    let queue_ms = i64::try_from(queue_time_ms.unwrap_or(0)).unwrap_or(i64::MAX);
    latest_start_ms.is_some_and(|latest_ms| now_ms.saturating_add(queue_ms) > latest_ms)
}

/// A carrier that is asked no faster than it allows, and whose queue does not outlast a call's window.
pub struct PacedCarrier {
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Clock>,
    turns: Mutex<Turns>,
}

impl PacedCarrier {
    /// Paces the creation of calls through `carrier`; all else passes.
    pub fn new(carrier: Arc<dyn Carrier>, clock: Arc<dyn Clock>, calls_per_second: f64) -> Self {
        Self {
            carrier,
            clock,
            turns: Mutex::new(Turns::new(calls_per_second)),
        }
    }

    fn turns<T>(&self, of: impl FnOnce(&mut Turns, Duration) -> T) -> T {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        of(&mut turns, self.clock.monotonic())
    }

    /// Takes a call back that would begin too late; what the carrier says of it then.
    async fn take_back(&self, attempt: &AttemptId, call: CarrierCall) -> CarrierCall {
        let mut pause = FIRST_PAUSE;
        for _ in 0..CANCEL_TRIES {
            match self.carrier.update_call(&call.sid, CallUpdate::Cancel).await {
                // Somebody answered meanwhile, and is spoken to.
                Ok(answered) if answered.status == Some(CarrierStatus::InProgress) => return answered,
                Ok(taken_back) => {
                    tracing::info!(%attempt, queue_time_ms = call.queue_time_ms,
                        "the carrier would have begun a call after its window; it was taken back");
                    let status = taken_back.status.filter(|status| status.is_terminal());
                    return CarrierCall {
                        status: status.or(Some(CarrierStatus::Canceled)),
                        ..call
                    };
                }
                Err(CarrierError::NotInProgress { .. }) => return call,
                Err(error) => {
                    tracing::error!(%attempt, %error, "a call that would begin too late could not be taken back");
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        call
    }
}

#[async_trait]
impl Carrier for PacedCarrier {
    async fn create_call(&self, call: NewCall) -> Result<CarrierCall, CarrierError> {
        let wait = self.turns(|turns, now| turns.take(now, LONGEST_WAIT));
        let Some(wait) = wait else {
            return Err(CarrierError::RateLimited { code: None });
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let (attempt, latest_start_ms) = (call.attempt.clone(), call.latest_start_ms);
        if begins_too_late(latest_start_ms, self.clock.unix_ms(), None) {
            return Err(CarrierError::Refused {
                http: 0,
                code: None,
                message: "latest_start_ms: has passed; place the call in the next window".to_owned(),
            });
        }
        let placed = self.carrier.create_call(call).await?;
        if let Some(queue_ms) = placed.queue_time_ms {
            self.turns(|turns, now| turns.held_back(now, Duration::from_millis(queue_ms)));
        }
        if begins_too_late(latest_start_ms, self.clock.unix_ms(), placed.queue_time_ms) {
            return Ok(self.take_back(&attempt, placed).await);
        }
        Ok(placed)
    }

    async fn update_call(&self, sid: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError> {
        self.carrier.update_call(sid, update).await
    }

    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError> {
        self.carrier.fetch_call(sid).await
    }

    async fn list_calls(&self, query: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError> {
        self.carrier.list_calls(query).await
    }
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
