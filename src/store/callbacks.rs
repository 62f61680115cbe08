//! What the carrier tells of a call: any number of times, in any order, before or after the reply to our request.

use super::attempts::{bind_call, lock};
use super::outcomes::{self, Ending};
use super::{Write, db, rows, statements as sql};
use samvad_actors::domain::{AttemptId, AttemptState, CallSid, CarrierStatus};
use samvad_actors::ports::{CallbackEffect, MachineDetection, StatusCallback, StoreError};

/// Takes a status callback.
pub(super) async fn record_status(
    transaction: &mut Write,
    callback: &StatusCallback,
    now_ms: i64,
) -> Result<CallbackEffect, StoreError> {
    let found = lock(transaction, &callback.attempt).await?;
    bind_call(transaction, &found, &callback.call_sid).await?;
    let status = callback.status;
    let told = Told {
        attempt: &callback.attempt,
        call_sid: &callback.call_sid,
        sequence: callback.sequence,
        kind: "status",
        value: status.as_str(),
    };
    if !told.is_news(transaction, now_ms).await? {
        return Ok(CallbackEffect::Duplicate);
    }
    if found.carrier_status.is_some_and(|known| known.rank() >= status.rank()) {
        return Ok(CallbackEffect::Stale);
    }
    sqlx::query(sql::SET_CARRIER_STATUS)
        .bind(callback.attempt.as_str())
        .bind(status.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if !status.is_terminal() {
        return Ok(CallbackEffect::Advanced);
    }
    sqlx::query(sql::SET_CARRIER_END)
        .bind(callback.attempt.as_str())
        .bind(callback.call_duration_seconds.map(i64::from))
        .bind(callback.sip_code.map(i64::from))
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if matches!(found.state, AttemptState::Live | AttemptState::Ended) {
        return Ok(CallbackEffect::Advanced);
    }
    let disposition = status.disposition_without_conversation(callback.sip_code);
    let ending = match status {
        CarrierStatus::Completed => Ending::without_conversation(disposition, now_ms),
        _ => Ending::unanswered(disposition, now_ms),
    };
    outcomes::end(transaction, &found, &ending).await?;
    Ok(CallbackEffect::Ended)
}

/// Keeps a machine-detection verdict. False if it was known.
pub(super) async fn record_machine_detection(
    transaction: &mut Write,
    detection: &MachineDetection,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let found = lock(transaction, &detection.attempt).await?;
    bind_call(transaction, &found, &detection.call_sid).await?;
    let verdict = rows::word(detection.verdict)?;
    let told = Told {
        attempt: &detection.attempt,
        call_sid: &detection.call_sid,
        sequence: None,
        kind: "machine_detection",
        value: &verdict,
    };
    if !told.is_news(transaction, now_ms).await? {
        return Ok(false);
    }
    sqlx::query(sql::SET_MACHINE_VERDICT)
        .bind(detection.attempt.as_str())
        .bind(&verdict)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(true)
}

/// One thing the carrier told.
struct Told<'a> {
    attempt: &'a AttemptId,
    call_sid: &'a CallSid,
    sequence: Option<u32>,
    kind: &'static str,
    value: &'a str,
}

impl Told<'_> {
    /// Keeps it; false if it was kept before. The call id alone would not do: later statuses would be lost (L21).
    async fn is_news(&self, transaction: &mut Write, now_ms: i64) -> Result<bool, StoreError> {
        let dedupe_key = match self.sequence {
            Some(sequence) => format!("sequence:{sequence}"),
            None => format!("{}:{}", self.kind, self.value),
        };
        let written = sqlx::query(sql::ADD_CALLBACK)
            .bind(self.call_sid.as_str())
            .bind(dedupe_key)
            .bind(self.attempt.as_str())
            .bind(self.kind)
            .bind(self.value)
            .bind(now_ms)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
        Ok(written.rows_affected() > 0)
    }
}
