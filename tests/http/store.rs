//! Attempts in memory: what the edge needs of the store, with faults on demand.

use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CampaignId, ContactId, Mode};
use samvad_actors::ports::{
    AdmittedCall, AttemptRow, AttemptStore, CallReport, CallbackEffect, MachineDetection, MediaTokenClaim, NewAttempt,
    StatusCallback, StoreError, Submission, TokenRefusal,
};
use std::collections::HashMap;
use std::sync::Mutex;
use tokio::sync::Semaphore;

pub struct MemoryStore {
    /// Attempts that are over, by id.
    pub over: Mutex<Vec<AttemptId>>,
    /// What every call answers while it is set.
    pub fault: Mutex<Option<StoreError>>,
    /// Admissions wait for a permit each.
    pub admissions: Semaphore,
    used: Mutex<Vec<String>>,
    statuses: Mutex<HashMap<(String, Option<u32>), StatusCallback>>,
    verdicts: Mutex<Vec<String>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            over: Mutex::default(),
            fault: Mutex::default(),
            admissions: Semaphore::new(1000),
            used: Mutex::default(),
            statuses: Mutex::default(),
            verdicts: Mutex::default(),
        }
    }
}

impl MemoryStore {
    pub fn away(&self) {
        let reason = "connection refused".to_owned();
        *self.fault.lock().expect("not poisoned") = Some(StoreError::Unavailable { reason });
    }

    pub fn back(&self) {
        *self.fault.lock().expect("not poisoned") = None;
    }

    pub fn kept(&self) -> Vec<StatusCallback> {
        self.statuses.lock().expect("not poisoned").values().cloned().collect()
    }

    fn check(&self) -> Result<(), StoreError> {
        self.fault.lock().expect("not poisoned").clone().map_or(Ok(()), Err)
    }
}

fn not_asked<T>() -> Result<T, StoreError> {
    let reason = "the edge has no business with this".to_owned();
    Err(StoreError::Corrupt { reason })
}

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn consume_media_token(
        &self,
        claim: &MediaTokenClaim,
        _: i64,
    ) -> Result<Result<AdmittedCall, TokenRefusal>, StoreError> {
        self.admissions.acquire().await.expect("never closed").forget();
        self.check()?;
        if self.over.lock().expect("not poisoned").contains(&claim.attempt) {
            return Ok(Err(TokenRefusal::Over));
        }
        let mut used = self.used.lock().expect("not poisoned");
        if used.contains(&claim.token_hash) {
            return Ok(Err(TokenRefusal::Used));
        }
        used.push(claim.token_hash.clone());
        Ok(Ok(AdmittedCall {
            machine: None,
            name: None,
            language: None,
            attempt: claim.attempt.clone(),
            campaign: CampaignId::from("campaign"),
            contact: ContactId::from("contact"),
            call_sid: claim.call_sid.clone(),
            mode: Mode::Simulated,
        }))
    }

    async fn record_callback(&self, callback: &StatusCallback, _: i64) -> Result<CallbackEffect, StoreError> {
        self.check()?;
        let mut statuses = self.statuses.lock().expect("not poisoned");
        let highest = statuses.values().map(|kept| kept.status.rank()).max().unwrap_or(0);
        let key = (callback.call_sid.as_str().to_owned(), callback.sequence);
        if statuses.insert(key, callback.clone()).is_some() {
            return Ok(CallbackEffect::Duplicate);
        }
        Ok(match callback.status.rank() {
            rank if rank < highest => CallbackEffect::Stale,
            4 => CallbackEffect::Ended,
            _ => CallbackEffect::Advanced,
        })
    }

    async fn record_machine_detection(&self, detection: &MachineDetection, _: i64) -> Result<bool, StoreError> {
        self.check()?;
        let mut verdicts = self.verdicts.lock().expect("not poisoned");
        let verdict = format!("{} {:?}", detection.call_sid, detection.verdict);
        let new = !verdicts.contains(&verdict);
        verdicts.push(verdict);
        Ok(new)
    }

    async fn create_attempt(&self, _: NewAttempt, _: i64) -> Result<AttemptRow, StoreError> {
        not_asked()
    }
    async fn mark_submitting(&self, _: &AttemptId, _: i64) -> Result<(), StoreError> {
        not_asked()
    }
    async fn record_submission(&self, _: &AttemptId, _: Submission, _: i64) -> Result<(), StoreError> {
        not_asked()
    }
    async fn record_outcome(&self, _: &CallReport) -> Result<bool, StoreError> {
        not_asked()
    }
    async fn attempt(&self, _: &AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        not_asked()
    }
    async fn open_attempts(&self) -> Result<Vec<AttemptRow>, StoreError> {
        not_asked()
    }
}
