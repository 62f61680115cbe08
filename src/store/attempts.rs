//! Attempts from the plan to the stream's admission. Callbacks and outcomes are in their own files.

use super::error::{conflict, corrupt, is_unique_violation, not_found, store_error};
use super::opt_outs::{is_listed, lock_number};
use super::outcomes::{self, Ending};
use super::{SqlStore, Write, callbacks, commit, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, AttemptState, CallSid, CampaignId, ContactId, Disposition, Language};
use samvad_actors::ports::{
    AdmittedCall, AttemptRow, AttemptStore, CallReport, CallbackEffect, DialClaim, DoNotCallStore, Leadership,
    MachineDetection, MediaTokenClaim, NewAttempt, StatusCallback, StoreError, Submission, TokenRefusal,
};

#[async_trait]
impl AttemptStore for SqlStore {
    async fn create_attempt(&self, attempt: NewAttempt, now_ms: i64) -> Result<AttemptRow, StoreError> {
        let mut transaction = self.begin_write().await?;
        let phone_number = number_of_contact(&mut transaction, &attempt.contact, &attempt.campaign).await?;
        lock_number(&mut transaction, &phone_number).await?;
        if is_listed(&mut transaction, &phone_number).await? {
            return Err(conflict("the number is on do-not-call"));
        }
        let row = create(&mut transaction, &attempt, &phone_number, None, now_ms)
            .await?
            .ok_or_else(|| conflict("an attempt to this number is open; wait until it has ended"))?;
        commit(transaction).await?;
        Ok(row)
    }

    async fn mark_submitting(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = lock(&mut transaction, attempt).await?;
        if found.state != AttemptState::Planned {
            return Err(conflict("the attempt is not planned any more"));
        }
        let number = number_of_contact(&mut transaction, &found.contact, &found.campaign).await?;
        lock_number(&mut transaction, &number).await?;
        if is_listed(&mut transaction, &number).await? {
            let never_called = Ending::unanswered(Disposition::NotAttempted, now_ms);
            outcomes::end(&mut transaction, &found, &never_called).await?;
            commit(transaction).await?;
            return Err(conflict(
                "the number is on do-not-call; the attempt has been ended without a call",
            ));
        }
        set_state(&mut transaction, attempt, AttemptState::Submitting).await?;
        commit(transaction).await
    }

    async fn record_submission(
        &self,
        attempt: &AttemptId,
        submission: Submission,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = lock(&mut transaction, attempt).await?;
        if found.state == AttemptState::Planned {
            return Err(conflict("the attempt has not been marked as submitting"));
        }
        // A call id that is known already came with a callback or the stream: the call exists, whatever the reply
        // says, and its state is further on.
        let waiting = found.call_sid.is_none()
            && matches!(found.state, AttemptState::Submitting | AttemptState::SubmissionUnknown);
        match submission {
            Submission::Accepted { sid } => bind_call(&mut transaction, &found, &sid).await?,
            Submission::Unknown if waiting => {
                set_state(&mut transaction, attempt, AttemptState::SubmissionUnknown).await?;
            }
            Submission::Refused { reason, disposition } if waiting => {
                if disposition == Disposition::NotAttempted {
                    sqlx::query(sql::UNCOUNT_ATTEMPT)
                        .bind(found.contact.as_str())
                        .execute(&mut *transaction)
                        .await
                        .map_err(db)?;
                }
                let refused = Ending::unanswered(disposition, now_ms);
                outcomes::end(&mut transaction, &found, &refused).await?;
                sqlx::query(sql::SET_REFUSAL_REASON)
                    .bind(attempt.as_str())
                    .bind(reason)
                    .execute(&mut *transaction)
                    .await
                    .map_err(db)?;
            }
            Submission::Unknown | Submission::Refused { .. } => {}
        }
        commit(transaction).await
    }

    async fn consume_media_token(
        &self,
        claim: &MediaTokenClaim,
        now_ms: i64,
    ) -> Result<Result<AdmittedCall, TokenRefusal>, StoreError> {
        let admitted = sqlx::query(sql::CONSUME_TOKEN)
            .bind(now_ms)
            .bind(claim.call_sid.as_str())
            .bind(claim.account_sid.as_str())
            .bind(claim.stream_sid.as_str())
            .bind(claim.attempt.as_str())
            .bind(claim.token_hash.as_str())
            .fetch_all(&mut *self.writer().await?)
            .await;
        let admitted = match admitted {
            Ok(rows) => rows,
            // Call ids are unique: this one belongs to another attempt.
            Err(error) if is_unique_violation(&error) => return Ok(Err(TokenRefusal::OtherCall)),
            Err(error) => return Err(store_error(&error)),
        };
        let Some(row) = admitted.first() else {
            return self.token_refusal(claim, now_ms).await.map(Err);
        };
        Ok(Ok(AdmittedCall {
            attempt: claim.attempt.clone(),
            campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
            contact: ContactId::new(rows::get::<String>(row, "contact_id")?),
            call_sid: claim.call_sid.clone(),
            mode: rows::get_word(row, "mode")?,
            machine: rows::get_optional_word(row, "machine_verdict")?,
            name: rows::name(row)?,
            language: rows::get::<Option<String>>(row, "contact_language")?.map(Language),
        }))
    }

    async fn record_callback(&self, callback: &StatusCallback, now_ms: i64) -> Result<CallbackEffect, StoreError> {
        let mut transaction = self.begin_write().await?;
        let effect = callbacks::record_status(&mut transaction, callback, now_ms).await?;
        commit(transaction).await?;
        Ok(effect)
    }

    async fn record_machine_detection(&self, detection: &MachineDetection, now_ms: i64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let new = callbacks::record_machine_detection(&mut transaction, detection, now_ms).await?;
        commit(transaction).await?;
        Ok(new)
    }

    async fn record_outcome(&self, report: &CallReport) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        match outcomes::record(&mut transaction, report).await {
            Ok(first) => commit(transaction).await.map(|()| first),
            Err(error) => {
                transaction.rollback().await.map_err(db)?;
                // The rest of a report may be beyond keeping; a wish for removal is not.
                if report.do_not_call {
                    self.add_do_not_call_by_attempt(&report.attempt, report.ended_at_ms)
                        .await?;
                }
                Err(error)
            }
        }
    }

    async fn attempt(&self, id: &AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        let row = sqlx::query(sql::GET_ATTEMPT)
            .bind(id.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        row.as_ref().map(rows::attempt).transpose()
    }

    async fn open_attempts(&self) -> Result<Vec<AttemptRow>, StoreError> {
        let rows = sqlx::query(sql::OPEN_ATTEMPTS)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(rows::attempt).collect()
    }
}

impl SqlStore {
    /// Why a token that was not admitted is refused; read afterwards, for the log alone.
    async fn token_refusal(&self, claim: &MediaTokenClaim, now_ms: i64) -> Result<TokenRefusal, StoreError> {
        let row = sqlx::query(sql::TOKEN_STATE)
            .bind(claim.attempt.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        let Some(row) = row else {
            return Ok(TokenRefusal::Unknown);
        };
        let call_sid: Option<String> = rows::get(&row, "call_sid")?;
        let state: AttemptState = rows::get_word(&row, "state")?;
        Ok(if rows::get::<String>(&row, "token_hash")? != claim.token_hash {
            TokenRefusal::Unknown
        } else if rows::get::<Option<i64>>(&row, "token_used_at_ms")?.is_some() {
            TokenRefusal::Used
        } else if state == AttemptState::Ended {
            TokenRefusal::Over
        } else if rows::get::<i64>(&row, "token_expires_at_ms")? <= now_ms {
            TokenRefusal::Expired
        } else if call_sid.is_some_and(|sid| sid != claim.call_sid.as_str()) {
            TokenRefusal::OtherCall
        } else if rows::get::<i64>(&row, "listed")? > 0 {
            TokenRefusal::DoNotCall
        } else {
            // Planned: its token has not been given to the carrier yet.
            TokenRefusal::Unknown
        })
    }
}

/// Reads an attempt and holds its row until the transaction ends.
pub(super) async fn lock(transaction: &mut Write, attempt: &AttemptId) -> Result<AttemptRow, StoreError> {
    let rows = sqlx::query(sql::LOCK_ATTEMPT)
        .bind(attempt.as_str())
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    rows.first()
        .map(rows::attempt)
        .transpose()?
        .ok_or_else(|| not_found("attempt", attempt))
}

/// Binds the carrier's call to an attempt. One that waited for it is submitted now; a later state stays.
pub(super) async fn bind_call(transaction: &mut Write, found: &AttemptRow, sid: &CallSid) -> Result<(), StoreError> {
    match &found.call_sid {
        Some(bound) if bound == sid => return Ok(()),
        Some(_) => return Err(conflict("the attempt is bound to another call")),
        None => {}
    }
    let state = match found.state {
        AttemptState::Planned | AttemptState::Submitting | AttemptState::SubmissionUnknown => AttemptState::Submitted,
        later => later,
    };
    sqlx::query(sql::BIND_CALL)
        .bind(found.id.as_str())
        .bind(sid.as_str())
        .bind(rows::word(state)?)
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => conflict("the call belongs to another attempt"),
            false => store_error(&error),
        })?;
    Ok(())
}

async fn set_state(transaction: &mut Write, attempt: &AttemptId, state: AttemptState) -> Result<(), StoreError> {
    sqlx::query(sql::SET_STATE)
        .bind(attempt.as_str())
        .bind(rows::word(state)?)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// The telephone number of a contact. It never changes.
pub(super) async fn number_of_contact(
    transaction: &mut Write,
    contact: &ContactId,
    campaign: &CampaignId,
) -> Result<String, StoreError> {
    let row = sqlx::query(sql::NUMBER_OF_CONTACT)
        .bind(contact.as_str())
        .bind(campaign.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?
        .ok_or_else(|| not_found("contact", contact))?;
    rows::get(&row, "phone_number")
}

/// What an attempt claimed by a leader is kept with.
pub(super) struct Claimed<'a> {
    pub(super) leadership: &'a Leadership,
    pub(super) claim: &'a DialClaim,
}

/// Writes a planned attempt and counts it with its contact; the number is held. `None` if an attempt to it is open.
pub(super) async fn create(
    transaction: &mut Write,
    attempt: &NewAttempt,
    phone_number: &str,
    claimed: Option<Claimed<'_>>,
    now_ms: i64,
) -> Result<Option<AttemptRow>, StoreError> {
    let counted = sqlx::query(sql::COUNT_ATTEMPT)
        .bind(attempt.contact.as_str())
        .bind(attempt.campaign.as_str())
        .bind(now_ms)
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    let counted = counted.first().ok_or_else(|| not_found("contact", &attempt.contact))?;
    let number: i64 = rows::get(counted, "attempts_count")?;
    let claim = claimed.as_ref().map(|claimed| claimed.claim);
    let leadership = claimed.as_ref().map(|claimed| claimed.leadership);
    let written = sqlx::query(sql::CREATE_ATTEMPT)
        .bind(attempt.id.as_str())
        .bind(attempt.campaign.as_str())
        .bind(attempt.contact.as_str())
        .bind(number)
        .bind(rows::word(attempt.mode)?)
        .bind(phone_number)
        .bind(attempt.token_hash.as_str())
        .bind(attempt.token_expires_at_ms)
        .bind(now_ms)
        .bind(leadership.map(|leadership| leadership.node.as_str()))
        .bind(leadership.map(|leadership| leadership.epoch))
        .bind(claim.map(|claim| claim.permit_deadline_ms))
        .bind(claim.map(|claim| claim.country.as_str()))
        .bind(claim.map(|claim| claim.caller_id.expose()))
        .bind(claim.map(|claim| claim.local_date.to_string()))
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => conflict("an attempt with this id exists already"),
            false => store_error(&error),
        })?;
    if written.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(AttemptRow {
        id: attempt.id.clone(),
        campaign: attempt.campaign.clone(),
        contact: attempt.contact.clone(),
        number: u32::try_from(number).map_err(|_| corrupt("column attempts_count is out of range"))?,
        mode: attempt.mode,
        state: AttemptState::Planned,
        call_sid: None,
        carrier_status: None,
        outcome: None,
        disposition: None,
        answered_by: None,
        created_at_ms: now_ms,
        ended_at_ms: None,
    }))
}
