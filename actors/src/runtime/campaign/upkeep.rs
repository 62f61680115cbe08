//! What every node looks after: attempts that dead nodes left, calls that must not ring any more, permits that nobody
//! gave back. Everything here may be done by several nodes at once, and is harmless where a live node is still at it:
//! the store decides.

use super::placing::rings_on;
use super::{CampaignPorts, millis};
use crate::domain::{AttemptId, AttemptState, CallSid, CampaignId, EndReason, Mode, PhoneNumber};
use crate::ports::{
    AttemptRow, CallUpdate, CampaignState, DoNotCallEntry, ExclusionSource, InFlightAttempt, Leadership, StoreError,
    Submission,
};
use crate::runtime::draft::CallDraft;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Mutex;

/// The reason that a stop of everything leaves with each campaign: what such a campaign has in flight is hung up.
pub const STOPPED_ALL: &str = "everything was stopped";

/// The reason with which a rehearsal is paused once everybody has been tried: it can be activated as live then, which what
/// is completed could not.
pub const REHEARSED: &str = "the rehearsal is over, every contact has been tried; activate it as live, or stop it";

/// An attempt that has not got as far as the carrier's answer after so long has been left by its node.
const LEFT_AFTER_MS: i64 = 60_000;

/// A live call that is not on this node is asked about once it is so old.
const ASKED_ABOUT_AFTER_MS: i64 = 15_000;

/// After a conversation the carrier is given so long to report the call as over; then it is asked.
const TOLD_OF_WITHIN_MS: i64 = 10_000;

/// After the carrier's queue and the ringing a call has so long to be reported as over.
const REPORT_MARGIN_MS: i64 = 5_000;

/// After the end of a call its node has so long to write what came of the conversation.
const WRITTEN_WITHIN_MS: i64 = 5_000;

/// A call that was told to end is not told again before so long.
const TOLD_AGAIN_AFTER_MS: i64 = 10_000;

/// How calls of a campaign that have been placed are taken back; `None` if they may ring on. After a stop of everything
/// nobody is spoken to any more; after any other, who has answered meanwhile is.
pub(super) fn taken_back_by(state: &CampaignState) -> Option<CallUpdate> {
    if state.reason.as_deref() == Some(STOPPED_ALL) {
        Some(CallUpdate::Complete)
    } else if rings_on(state.lifecycle) {
        None
    } else {
        Some(CallUpdate::Cancel)
    }
}

/// Takes back what earlier leaders had claimed and not marked: they can mark no more. What they had marked may be with
/// the carrier, and is unclear unless they still say more.
pub(super) async fn take_over_claims(ports: &CampaignPorts, leadership: &Leadership) -> Result<(), StoreError> {
    for found in ports.dialer.in_flight(None).await? {
        let of_another = found.row.campaign == leadership.campaign && found.node.as_deref() != Some(&leadership.node);
        if of_another && found.row.state == AttemptState::Planned {
            release_claim(ports, leadership, &found.row.id).await?;
        }
    }
    Ok(())
}

async fn release_claim(ports: &CampaignPorts, leadership: &Leadership, attempt: &AttemptId) -> Result<(), StoreError> {
    match ports.dialer.release_claim(leadership, attempt).await {
        Ok(true) => {
            tracing::warn!(%attempt, "a claim of a node that is gone was taken back");
            ports.base.permits.cancel(attempt);
            Ok(())
        }
        // Marked or gone meanwhile.
        Ok(false) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What every node looks after.
pub struct Upkeep {
    ports: CampaignPorts,
    /// Calls told to end, how, and when.
    told: Mutex<BTreeMap<AttemptId, (CallUpdate, i64)>>,
    /// Conversations elsewhere whose call was seen to be over, and when first.
    over: Mutex<BTreeMap<AttemptId, i64>>,
}

impl Upkeep {
    /// An upkeep.
    pub fn new(ports: CampaignPorts) -> Self {
        Self {
            ports,
            told: Mutex::default(),
            over: Mutex::default(),
        }
    }

    /// Takes back every claim that has not been marked. For a node that is alone, before it begins: nobody is at them.
    ///
    /// # Errors
    /// If the store cannot be asked.
    pub async fn release_all_claims(&self) -> Result<(), StoreError> {
        for found in self.ports.dialer.in_flight(None).await? {
            if found.row.state == AttemptState::Planned {
                self.release_claim_of_nobody(found.row).await?;
            }
        }
        Ok(())
    }

    /// Any node may take back a claim, under the epoch that the campaign has now.
    async fn release_claim_of_nobody(&self, row: AttemptRow) -> Result<(), StoreError> {
        let Some(state) = self.ports.dialer.campaign_state(&row.campaign).await? else {
            return Ok(());
        };
        let leadership = Leadership {
            campaign: row.campaign,
            node: self.ports.settings.node.clone(),
            epoch: state.epoch,
        };
        release_claim(&self.ports, &leadership, &row.id).await
    }

    /// Looks after everything once.
    ///
    /// # Errors
    /// If the store cannot be read; a fault with one attempt is logged and passed over.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.free_permits_of_calls_that_are_over().await?;
        let now_ms = self.ports.now_ms();
        let mut open = BTreeSet::new();
        for found in self.ports.dialer.in_flight(None).await? {
            let attempt = found.row.id.clone();
            open.insert(attempt.clone());
            let age_ms = now_ms.saturating_sub(found.row.created_at_ms);
            if let Err(error) = self.look_after(found, age_ms).await {
                tracing::warn!(%attempt, %error, "an attempt could not be looked after yet");
            }
        }
        self.over.lock().await.retain(|attempt, _| open.contains(attempt));
        self.forget_what_others_ended(&open).await
    }

    async fn look_after(&self, found: InFlightAttempt, age_ms: i64) -> Result<(), StoreError> {
        let InFlightAttempt { row, .. } = found;
        let here = self.ports.base.permits.holds(&row.id);
        match row.state {
            AttemptState::Planned if age_ms > LEFT_AFTER_MS && !here => self.release_claim_of_nobody(row).await,
            // Its node may yet say what the carrier answered: that is taken as before.
            AttemptState::Submitting if age_ms > LEFT_AFTER_MS && !here => {
                let now_ms = self.ports.now_ms();
                let store = &self.ports.base.store;
                store.record_submission(&row.id, Submission::Unknown, now_ms).await
            }
            // It was placed so that it could not ring past its window within this time, and not after.
            AttemptState::Submitted if age_ms > millis(self.ports.settings.lead()) + REPORT_MARGIN_MS => {
                self.tell(&row, CallUpdate::Complete).await;
                Ok(())
            }
            AttemptState::Live if age_ms > ASKED_ABOUT_AFTER_MS && !self.ports.base.calls.contains(&row.id) => {
                self.end_if_over(row).await
            }
            _ => Ok(()),
        }
    }

    /// A conversation that is not on this node: if the carrier's call is over, and its node has not written an outcome,
    /// nobody will.
    async fn end_if_over(&self, row: AttemptRow) -> Result<(), StoreError> {
        let Some(sid) = row.call_sid.clone() else {
            return Ok(());
        };
        let is_told = row.carrier_status.is_some_and(|status| status.is_terminal());
        let is_over = is_told || self.is_over(&row.id, sid).await?;
        let mut over = self.over.lock().await;
        if !is_over {
            over.remove(&row.id);
            return Ok(());
        }
        // Its node has had the time to write what came of it.
        let now_ms = self.ports.now_ms();
        let seen_ms = *over.entry(row.id.clone()).or_insert(now_ms);
        if now_ms.saturating_sub(seen_ms) < WRITTEN_WITHIN_MS {
            return Ok(());
        }
        over.remove(&row.id);
        drop(over);
        tracing::error!(attempt = %row.id, "a call is over and its node has left no outcome");
        let report = CallDraft::default().into_cut_report(row.id, EndReason::Fault, now_ms);
        self.ports.base.write_outcome(report).await;
        Ok(())
    }

    /// Whether the carrier says that a call is over; kept if it does.
    async fn is_over(&self, attempt: &AttemptId, sid: CallSid) -> Result<bool, StoreError> {
        let Some(status) = self.ports.base.fetch_end(attempt, &sid).await else {
            return Ok(false);
        };
        self.ports.base.record_end(attempt.clone(), sid, status).await?;
        Ok(true)
    }

    /// Permits of calls that are over go back: their node died before it could give them back, or nobody was told of the
    /// end, so that the carrier must be asked.
    async fn free_permits_of_calls_that_are_over(&self) -> Result<(), StoreError> {
        let base = &self.ports.base;
        for mode in [Mode::Live, Mode::Simulated, Mode::DryRun] {
            // Read before the store: an attempt is written before it holds a permit.
            let Ok(held) = self.ports.coordination.held(mode).await else {
                return Ok(());
            };
            if held.is_empty() {
                continue;
            }
            let in_flight = self.ports.dialer.in_flight(None).await?;
            for attempt in held {
                if in_flight.iter().any(|found| found.row.id == attempt) {
                    continue;
                }
                match base.store.attempt(&attempt).await? {
                    Some(row) if row.state == AttemptState::Ended => self.free_if_over(row).await?,
                    Some(_) => {}
                    None => base.permits.cancel(&attempt),
                }
            }
        }
        Ok(())
    }

    /// Gives back the permit of an attempt that has its outcome, once there is no call.
    async fn free_if_over(&self, row: AttemptRow) -> Result<(), StoreError> {
        let base = &self.ports.base;
        let is_told = row.carrier_status.is_some_and(|status| status.is_terminal());
        let Some(sid) = row.call_sid.filter(|_| !is_told) else {
            base.permits.release(&row.id);
            return Ok(());
        };
        let ended_ms = row.ended_at_ms.unwrap_or(row.created_at_ms);
        if self.ports.now_ms().saturating_sub(ended_ms) < TOLD_OF_WITHIN_MS {
            return Ok(());
        }
        self.is_over(&row.id, sid).await.map(drop)
    }

    /// Attempts that this node began and another one ended.
    async fn forget_what_others_ended(&self, open: &BTreeSet<AttemptId>) -> Result<(), StoreError> {
        for attempt in self.ports.base.permits.all() {
            if open.contains(&attempt) {
                continue;
            }
            let ended = self.ports.base.store.attempt(&attempt).await?;
            if ended.is_some_and(|row| row.state == AttemptState::Ended) {
                self.ports.base.permits.settle(&attempt);
            }
        }
        Ok(())
    }

    /// Takes back calls that wait or ring for campaigns that were stopped, or for contacts that were excluded since, and
    /// ends every call of campaigns that were stopped with everything.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn silence(&self) -> Result<(), StoreError> {
        let in_flight = self.ports.dialer.in_flight(None).await?;
        let mut states: BTreeMap<CampaignId, Option<CampaignState>> = BTreeMap::new();
        for InFlightAttempt { row, .. } in in_flight {
            if !states.contains_key(&row.campaign) {
                let state = self.ports.dialer.campaign_state(&row.campaign).await?;
                states.insert(row.campaign.clone(), state);
            }
            let Some(Some(state)) = states.get(&row.campaign) else {
                continue;
            };
            match taken_back_by(state) {
                Some(CallUpdate::Cancel) if row.state == AttemptState::Live => {}
                Some(update) => self.tell(&row, update).await,
                None => {}
            }
        }
        for row in self.ports.dialer.in_flight_to_excluded().await? {
            if row.state != AttemptState::Live {
                self.tell(&row, CallUpdate::Cancel).await;
            }
        }
        Ok(())
    }

    /// Takes back what waits or rings at a number that must not be called.
    ///
    /// # Errors
    /// If the store cannot be asked.
    pub async fn silence_number(&self, number: &PhoneNumber) -> Result<(), StoreError> {
        let entry = DoNotCallEntry {
            number: number.clone(),
            source: ExclusionSource::Manual,
            attempt: None,
            added_at_ms: self.ports.now_ms(),
        };
        // It is listed already; adding it again tells what is in flight.
        for row in self.ports.dialer.opt_out(&[entry]).await?.in_flight {
            if row.state != AttemptState::Live {
                self.tell(&row, CallUpdate::Cancel).await;
            }
        }
        Ok(())
    }

    /// Tells the carrier to end a call (`Complete`), or to take it back unless somebody has answered (`Cancel`).
    async fn tell(&self, row: &AttemptRow, update: CallUpdate) {
        let Some(sid) = row.call_sid.clone() else {
            // Whoever asked the carrier takes it back when it has answered.
            return;
        };
        let now_ms = self.ports.now_ms();
        let mut told = self.told.lock().await;
        told.retain(|_, (_, told_ms)| now_ms.saturating_sub(*told_ms) < TOLD_AGAIN_AFTER_MS);
        // Who has answered meanwhile was not reached by a `Cancel`; a `Complete` reaches everybody.
        let is_told = |(before, _): &(CallUpdate, i64)| *before == update || *before == CallUpdate::Complete;
        if told.get(&row.id).is_some_and(is_told) {
            return;
        }
        told.insert(row.id.clone(), (update.clone(), now_ms));
        let (base, attempt) = (self.ports.base.clone(), row.id.clone());
        actix::spawn(async move { base.update_call(&attempt, &sid, update).await });
    }
}
