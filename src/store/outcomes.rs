//! The end of an attempt, with everything a conversation leaves behind.

use super::attempts::lock;
use super::rows::{answer_columns, fraction, stored, word};
use super::{Write, campaigns, db, statements as sql};
use samvad_actors::domain::{Answer, AttemptId, AttemptState, ConsentEvidence, Disposition, EndReason, Outcome};
use samvad_actors::ports::{CallReport, StoreError, TranscriptLine, TurnLatency};

/// How an attempt ends.
pub(super) struct Ending<'a> {
    outcome: Outcome,
    disposition: Disposition,
    end_reason: Option<EndReason>,
    callback_request: Option<&'a str>,
    at_ms: i64,
}

impl Ending<'_> {
    /// No conversation was or will be.
    pub(super) fn without_conversation(outcome: Outcome, disposition: Disposition, at_ms: i64) -> Self {
        Self {
            outcome,
            disposition,
            end_reason: None,
            callback_request: None,
            at_ms,
        }
    }
}

/// Ends an attempt and frees its number.
pub(super) async fn end(transaction: &mut Write, attempt: &AttemptId, ending: &Ending<'_>) -> Result<(), StoreError> {
    sqlx::query(sql::END_ATTEMPT)
        .bind(attempt.as_str())
        .bind(word(ending.outcome)?)
        .bind(word(ending.disposition)?)
        .bind(ending.end_reason.map(word).transpose()?)
        .bind(ending.callback_request)
        .bind(ending.at_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// Keeps a call's report. False if the attempt had ended already; a wish for removal is kept all the same.
pub(super) async fn record(transaction: &mut Write, report: &CallReport) -> Result<bool, StoreError> {
    let found = lock(transaction, &report.attempt).await?;
    if report.do_not_call {
        campaigns::add_by_attempt(transaction, &report.attempt, report.ended_at_ms).await?;
    }
    if found.state == AttemptState::Ended {
        return Ok(false);
    }
    let ending = Ending {
        outcome: report.outcome,
        disposition: report.disposition,
        end_reason: Some(report.end_reason),
        callback_request: report.callback_request.as_deref(),
        at_ms: report.ended_at_ms,
    };
    end(transaction, &report.attempt, &ending).await?;
    if let Some(consent) = &report.consent {
        add_consent(transaction, &report.attempt, consent).await?;
    }
    for answer in &report.answers {
        add_answer(transaction, &report.attempt, answer).await?;
    }
    for (line, said) in (0_i64..).zip(&report.transcript) {
        add_line(transaction, &report.attempt, line, said).await?;
    }
    for latency in &report.latencies {
        add_latency(transaction, &report.attempt, latency).await?;
    }
    Ok(true)
}

async fn add_consent(
    transaction: &mut Write,
    attempt: &AttemptId,
    consent: &ConsentEvidence,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_CONSENT)
        .bind(attempt.as_str())
        .bind(i32::from(consent.granted))
        .bind(consent.wording.as_str())
        .bind(consent.language.as_str())
        .bind(consent.heard.as_str())
        .bind(consent.confidence.map(fraction))
        .bind(word(consent.via)?)
        .bind(stored(consent.at_ms))
        .bind(consent.reason.as_deref())
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_answer(transaction: &mut Write, attempt: &AttemptId, answer: &Answer) -> Result<(), StoreError> {
    let (value_type, value) = answer_columns(&answer.value);
    sqlx::query(sql::ADD_ANSWER)
        .bind(attempt.as_str())
        .bind(stored(answer.question as u64))
        .bind(value_type)
        .bind(value)
        .bind(word(answer.via)?)
        .bind(answer.heard.as_deref())
        .bind(answer.confidence.map(fraction))
        .bind(i32::from(answer.uncertain))
        .bind(i64::from(answer.times_asked))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_line(
    transaction: &mut Write,
    attempt: &AttemptId,
    line: i64,
    said: &TranscriptLine,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_TRANSCRIPT_LINE)
        .bind(attempt.as_str())
        .bind(line)
        .bind(stored(said.at_ms))
        .bind(word(said.speaker)?)
        .bind(said.text.as_str())
        .bind(said.confidence.map(fraction))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_latency(transaction: &mut Write, attempt: &AttemptId, latency: &TurnLatency) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_LATENCY)
        .bind(attempt.as_str())
        .bind(i64::from(latency.turn))
        .bind(i64::from(latency.endpoint_ms))
        .bind(i64::from(latency.recognition_ms))
        .bind(i64::from(latency.decision_ms))
        .bind(i64::from(latency.first_audio_ms))
        .bind(i64::from(latency.total_ms))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}
