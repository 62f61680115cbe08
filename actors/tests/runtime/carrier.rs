//! A carrier that answers as told.

use super::store::Log;
use async_trait::async_trait;
use samvad_actors::domain::{CallSid, CarrierStatus};
use samvad_actors::ports::{CallQuery, CallUpdate, Carrier, CarrierCall, CarrierError, NewCall};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Told {
    /// Requests that were to place a call.
    pub created: Vec<NewCall>,
    /// Calls that were hung up.
    pub completed: Vec<CallSid>,
    /// What a call's state is; unknown calls are not in progress.
    pub status: BTreeMap<CallSid, CarrierStatus>,
    /// What a list holds, whatever is asked for; `None`: it cannot be read.
    pub listed: Option<Vec<CarrierCall>>,
    /// Requests to hang up that fail, and how often.
    pub hang_ups_fail: u32,
    /// A hang-up is never answered.
    pub hang_ups_hang: bool,
}

#[derive(Default)]
pub struct FakeCarrier {
    pub told: Mutex<Told>,
    pub log: Log,
}

impl FakeCarrier {
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has_hung_up(&self, sid: &str) -> bool {
        self.told().completed.contains(&sid.into())
    }
}

fn call(sid: CallSid, status: Option<CarrierStatus>) -> CarrierCall {
    CarrierCall {
        sid,
        status,
        queue_time_ms: None,
        to: None,
        from: None,
        created_at_ms: None,
    }
}

#[async_trait]
impl Carrier for FakeCarrier {
    async fn create_call(&self, new: NewCall) -> Result<CarrierCall, CarrierError> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("create_call {}", new.attempt));
        let sid = CallSid::new(format!("CA-{}", new.attempt));
        self.told().created.push(new);
        Ok(call(sid, Some(CarrierStatus::Queued)))
    }

    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError> {
        match self.told().status.get(sid) {
            Some(status) => Ok(call(sid.clone(), Some(*status))),
            None => Err(CarrierError::NotInProgress { code: Some(20_404) }),
        }
    }

    async fn list_calls(&self, _: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError> {
        self.told().listed.clone().ok_or(CarrierError::Unclear {
            reason: "no answer".into(),
        })
    }

    async fn update_call(&self, sid: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError> {
        assert_eq!(update, CallUpdate::Complete, "nothing else is asked for");
        let hang = {
            let mut told = self.told();
            if told.hang_ups_fail > 0 {
                told.hang_ups_fail -= 1;
                return Err(CarrierError::Unclear {
                    reason: "no answer".into(),
                });
            }
            told.completed.push(sid.clone());
            told.hang_ups_hang
        };
        if hang {
            std::future::pending::<()>().await;
        }
        Ok(call(sid.clone(), Some(CarrierStatus::Completed)))
    }
}
