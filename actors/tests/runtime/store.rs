//! A store in memory that can be away, and that can panic.

use async_trait::async_trait;
use samvad_actors::domain::{
    AttemptId, AttemptState, Campaign, CampaignId, CarrierStatus, ContactId, Disposition, Mode, Outcome, PhoneNumber,
};
use samvad_actors::ports::{
    AdmittedCall, AttemptRow, AttemptStore, CallLedger, CallMarks, CallReport, CallbackEffect, CampaignStore, Contact,
    ContactStore, DoNotCallEntry, DoNotCallStore, MachineDetection, MediaTokenClaim, NewAttempt, NewContact,
    PurgeCounts, ResultRow, ResultStore, StatusCallback, StoreError, Submission, TokenRefusal, TranscriptLine,
    TurnLatency,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was done, in order, by store and carrier together.
pub type Log = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
pub struct Tables {
    pub campaigns: BTreeMap<CampaignId, Campaign>,
    pub contacts: Vec<Contact>,
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    pub reports: Vec<CallReport>,
    pub do_not_call: BTreeSet<String>,
}

/// How a use case fails: by name, this often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    Away,
    Panics,
    Corrupt,
    /// Does it, and says that it could not.
    AnswerLost,
}

#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    failing: Mutex<BTreeMap<&'static str, (Failing, u32)>>,
    pub log: Log,
}

impl MemoryStore {
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The use case fails the next `times` times.
    pub fn fail(&self, use_case: &'static str, failing: Failing, times: u32) {
        let mut map = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(use_case, (failing, times));
    }

    /// The use case works again.
    pub fn mend(&self, use_case: &'static str) {
        self.failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(use_case);
    }

    /// How often the use case has still to fail.
    pub fn failures_left(&self, use_case: &'static str) -> u32 {
        let map = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(use_case).map_or(0, |(_, left)| *left)
    }

    pub fn row(&self, attempt: &AttemptId) -> AttemptRow {
        self.tables().attempts.get(attempt).cloned().expect("attempt")
    }

    pub fn outcome(&self, attempt: &AttemptId) -> Option<Outcome> {
        self.tables().attempts.get(attempt)?.outcome
    }

    pub fn report(&self, attempt: &AttemptId) -> CallReport {
        let tables = self.tables();
        let report = tables.reports.iter().find(|report| report.attempt == *attempt);
        report.cloned().expect("report")
    }

    pub fn is_listed(&self, number: &str) -> bool {
        self.tables().do_not_call.contains(number)
    }

    pub fn number_of(&self, attempt: &AttemptId) -> String {
        let tables = self.tables();
        let contact = &tables.attempts[attempt].contact;
        let found = tables.contacts.iter().find(|found| found.id == *contact);
        found.expect("contact").number.expose().to_owned()
    }

    /// An attempt in the middle of its life, for a contact of its own.
    pub fn put_attempt(&self, id: &str, state: AttemptState, call_sid: Option<&str>, created_at_ms: i64) -> AttemptId {
        let mut tables = self.tables();
        let contact = ContactId::new(format!("contact-of-{id}"));
        let number = format!("+1415556{:04}", tables.contacts.len());
        tables.contacts.push(Contact {
            id: contact.clone(),
            campaign: "health-survey".into(),
            number: PhoneNumber::parse(&number).expect("number"),
            external_id: None,
            attempts: 1,
        });
        let id = AttemptId::from(id);
        tables.attempts.insert(
            id.clone(),
            AttemptRow {
                id: id.clone(),
                campaign: "health-survey".into(),
                contact,
                number: 1,
                mode: Mode::Simulated,
                state,
                call_sid: call_sid.map(Into::into),
                carrier_status: None,
                outcome: None,
                disposition: None,
                answered_by: None,
                created_at_ms,
                ended_at_ms: None,
            },
        );
        id
    }

    fn begin(&self, use_case: &'static str, of: &dyn std::fmt::Display) -> Result<bool, StoreError> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{use_case} {of}"));
        let mut map = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((failing, left)) = map.get_mut(use_case).filter(|(_, left)| *left > 0) else {
            return Ok(true);
        };
        *left -= 1;
        let failing = *failing;
        drop(map);
        match failing {
            Failing::Away => Err(lost()),
            Failing::Corrupt => Err(StoreError::Corrupt {
                reason: "told to".into(),
            }),
            Failing::Panics => panic!("the store panics, as told"),
            Failing::AnswerLost => Ok(false),
        }
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable {
        reason: "told to".into(),
    }
}

fn conflict(reason: &str) -> StoreError {
    StoreError::Conflict { reason: reason.into() }
}

fn answer<T>(said: bool, value: T) -> Result<T, StoreError> {
    if said { Ok(value) } else { Err(lost()) }
}

impl Tables {
    fn attempt_mut(&mut self, id: &AttemptId) -> Result<&mut AttemptRow, StoreError> {
        self.attempts.get_mut(id).ok_or_else(|| StoreError::NotFound {
            what: "attempt",
            id: id.to_string(),
        })
    }

    fn is_listed(&self, contact: &ContactId) -> bool {
        let contact = self.contacts.iter().find(|found| found.id == *contact);
        contact.is_some_and(|contact| self.do_not_call.contains(contact.number.expose()))
    }

    fn list(&mut self, attempt: &AttemptId) {
        let contact = self.attempts.get(attempt).map(|row| row.contact.clone());
        let number = self.contacts.iter().find(|found| Some(&found.id) == contact.as_ref());
        if let Some(number) = number.map(|contact| contact.number.expose().to_owned()) {
            self.do_not_call.insert(number);
        }
    }
}

#[async_trait]
impl CampaignStore for MemoryStore {
    async fn put_campaign(&self, campaign: &Campaign, _now_ms: i64) -> Result<(), StoreError> {
        self.tables().campaigns.insert(campaign.id.clone(), campaign.clone());
        Ok(())
    }

    async fn campaign(&self, id: &CampaignId) -> Result<Option<Campaign>, StoreError> {
        Ok(self.tables().campaigns.get(id).cloned())
    }
}

#[async_trait]
impl ContactStore for MemoryStore {
    async fn add_contacts(&self, contacts: &[NewContact], _now_ms: i64) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        tables.contacts.extend(contacts.iter().map(|contact| Contact {
            id: contact.id.clone(),
            campaign: contact.campaign.clone(),
            number: contact.number.clone(),
            external_id: contact.external_id.clone(),
            attempts: 0,
        }));
        Ok(contacts.len() as u64)
    }

    async fn contacts(&self, campaign: &CampaignId) -> Result<Vec<Contact>, StoreError> {
        let tables = self.tables();
        let found = tables.contacts.iter().filter(|contact| contact.campaign == *campaign);
        Ok(found.cloned().collect())
    }
}

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn create_attempt(&self, attempt: NewAttempt, now_ms: i64) -> Result<AttemptRow, StoreError> {
        let said = self.begin("create_attempt", &attempt.id)?;
        let mut tables = self.tables();
        if tables.is_listed(&attempt.contact) {
            return Err(conflict("do-not-call"));
        }
        let row = AttemptRow {
            id: attempt.id.clone(),
            campaign: attempt.campaign,
            contact: attempt.contact.clone(),
            number: 1,
            mode: attempt.mode,
            state: AttemptState::Planned,
            call_sid: None,
            carrier_status: None,
            outcome: None,
            disposition: None,
            answered_by: None,
            created_at_ms: now_ms,
            ended_at_ms: None,
        };
        tables.attempts.insert(attempt.id, row.clone());
        for contact in tables.contacts.iter_mut().filter(|found| found.id == attempt.contact) {
            contact.attempts += 1;
        }
        answer(said, row)
    }

    async fn mark_submitting(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError> {
        let said = self.begin("mark_submitting", attempt)?;
        let mut tables = self.tables();
        let contact = tables.attempt_mut(attempt)?.contact.clone();
        let listed = tables.is_listed(&contact);
        let row = tables.attempt_mut(attempt)?;
        if row.state != AttemptState::Planned {
            return Err(conflict("not planned"));
        }
        if listed {
            end(row, Outcome::Failed, Disposition::NotAttempted, now_ms);
            return Err(conflict("do-not-call"));
        }
        row.state = AttemptState::Submitting;
        answer(said, ())
    }

    async fn record_submission(
        &self,
        attempt: &AttemptId,
        submission: Submission,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let said = self.begin("record_submission", attempt)?;
        let mut tables = self.tables();
        let row = tables.attempt_mut(attempt)?;
        let waiting =
            row.call_sid.is_none() && matches!(row.state, AttemptState::Submitting | AttemptState::SubmissionUnknown);
        match submission {
            Submission::Accepted { sid } => {
                if waiting {
                    row.state = AttemptState::Submitted;
                }
                row.call_sid.get_or_insert(sid);
            }
            Submission::Unknown if waiting => row.state = AttemptState::SubmissionUnknown,
            Submission::Refused { disposition, .. } if waiting => {
                end(row, Outcome::Failed, disposition, now_ms);
            }
            Submission::Unknown | Submission::Refused { .. } => {}
        }
        answer(said, ())
    }

    async fn consume_media_token(
        &self,
        claim: &MediaTokenClaim,
        _now_ms: i64,
    ) -> Result<Result<AdmittedCall, TokenRefusal>, StoreError> {
        let mut tables = self.tables();
        let row = tables.attempt_mut(&claim.attempt)?;
        if row.state == AttemptState::Ended {
            return Ok(Err(TokenRefusal::Over));
        }
        row.state = AttemptState::Live;
        row.call_sid = Some(claim.call_sid.clone());
        Ok(Ok(AdmittedCall {
            machine: None,
            name: None,
            language: None,
            attempt: row.id.clone(),
            campaign: row.campaign.clone(),
            contact: row.contact.clone(),
            call_sid: claim.call_sid.clone(),
            mode: row.mode,
        }))
    }

    async fn record_callback(&self, callback: &StatusCallback, now_ms: i64) -> Result<CallbackEffect, StoreError> {
        let said = self.begin("record_callback", &callback.attempt)?;
        let mut tables = self.tables();
        let row = tables.attempt_mut(&callback.attempt)?;
        row.call_sid.get_or_insert(callback.call_sid.clone());
        let known = row.carrier_status.map(CarrierStatus::rank);
        if known.is_some_and(|known| known >= callback.status.rank()) {
            return Ok(CallbackEffect::Stale);
        }
        row.carrier_status = Some(callback.status);
        if matches!(
            row.state,
            AttemptState::Planned | AttemptState::Submitting | AttemptState::SubmissionUnknown
        ) {
            row.state = AttemptState::Submitted;
        }
        if !callback.status.is_terminal() || matches!(row.state, AttemptState::Live | AttemptState::Ended) {
            return answer(said, CallbackEffect::Advanced);
        }
        end(
            row,
            Outcome::Failed,
            callback.status.disposition_without_conversation(None),
            now_ms,
        );
        answer(said, CallbackEffect::Ended)
    }

    async fn record_machine_detection(&self, _detection: &MachineDetection, _now_ms: i64) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn record_outcome(&self, report: &CallReport) -> Result<bool, StoreError> {
        let said = self.begin("record_outcome", &report.attempt)?;
        let mut tables = self.tables();
        tables.attempt_mut(&report.attempt)?;
        if report.do_not_call {
            tables.list(&report.attempt);
        }
        let row = tables.attempt_mut(&report.attempt)?;
        if row.state == AttemptState::Ended {
            return Ok(false);
        }
        end(row, report.outcome, report.disposition, report.ended_at_ms);
        tables.reports.push(report.clone());
        answer(said, true)
    }

    async fn attempt(&self, id: &AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        Ok(self.tables().attempts.get(id).cloned())
    }

    async fn open_attempts(&self) -> Result<Vec<AttemptRow>, StoreError> {
        self.begin("open_attempts", &"")?;
        let tables = self.tables();
        let open = tables.attempts.values().filter(|row| row.state != AttemptState::Ended);
        Ok(open.cloned().collect())
    }
}

fn end(row: &mut AttemptRow, outcome: Outcome, disposition: Disposition, now_ms: i64) {
    row.state = AttemptState::Ended;
    row.outcome = Some(outcome);
    row.disposition = Some(disposition);
    row.ended_at_ms = Some(now_ms);
}

#[async_trait]
impl DoNotCallStore for MemoryStore {
    async fn add_do_not_call_by_attempt(&self, attempt: &AttemptId, _now_ms: i64) -> Result<(), StoreError> {
        let said = self.begin("add_do_not_call", attempt)?;
        self.tables().list(attempt);
        answer(said, ())
    }

    async fn add_do_not_call(&self, entry: &DoNotCallEntry) -> Result<bool, StoreError> {
        Ok(self.tables().do_not_call.insert(entry.number.expose().to_owned()))
    }

    async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        Ok(self.is_listed(number.expose()))
    }
}

#[async_trait]
impl ResultStore for MemoryStore {
    async fn results(&self, _campaign: &CampaignId) -> Result<Vec<ResultRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn transcript(&self, _attempt: &AttemptId) -> Result<Vec<TranscriptLine>, StoreError> {
        Ok(Vec::new())
    }

    async fn latencies(&self, _attempt: &AttemptId) -> Result<Vec<TurnLatency>, StoreError> {
        Ok(Vec::new())
    }

    async fn purge(&self, _before_ms: i64) -> Result<PurgeCounts, StoreError> {
        Ok(PurgeCounts::default())
    }

    async fn purge_scrubs(&self, _before_ms: i64) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// The calling number of every attempt.
pub const CALLER_ID: &str = "+14155550100";

#[async_trait]
impl CallLedger for MemoryStore {
    async fn marks(&self, attempt: &AttemptId) -> Result<Option<CallMarks>, StoreError> {
        self.begin("marks", attempt)?;
        let tables = self.tables();
        let Some(row) = tables.attempts.get(attempt) else {
            return Ok(None);
        };
        let contact = tables.contacts.iter().find(|contact| contact.id == row.contact);
        Ok(contact.map(|contact| CallMarks {
            to: contact.number.clone(),
            from: PhoneNumber::parse(CALLER_ID).expect("a number"),
            submitted_at_ms: row.created_at_ms,
            taken: Vec::new(),
        }))
    }

    async fn last_campaign_to(&self, _: &PhoneNumber, _: i64) -> Result<Option<Campaign>, StoreError> {
        Ok(None)
    }
}
