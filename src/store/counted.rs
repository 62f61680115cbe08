//! Which results statistics count: people, not calls. Of each contact the newest consent counts, and the newest interview,
//! in each mode; it is marked when a call's outcome is recorded, so that counting reads an index and nothing else.

use super::attempts::{lock, number_of_contact};
use super::opt_outs::lock_number;
use super::{SqlStore, Write, commit, db, rows, statements as sql};
use samvad_actors::domain::{AnswerValue, AttemptId, Outcome};
use samvad_actors::ports::{AttemptRow, CallReport, StoreError};

/// Whether a call was an interview: a question was answered, or the survey gone through to its end, every question skipped
/// perhaps.
pub(super) fn is_interview(report: &CallReport) -> bool {
    let answered = |value: &AnswerValue| *value != AnswerValue::NotAnswered;
    match report.outcome {
        Outcome::Completed => !report.answers.is_empty(),
        _ => report.answers.iter().any(|answer| answered(&answer.value)),
    }
}

/// Takes what the contact's earlier attempts left out of statistics. The number of the contact is held.
pub(super) async fn supersede(
    statement: &'static str,
    transaction: &mut Write,
    attempt: &AttemptRow,
) -> Result<(), StoreError> {
    if attempt.number <= 1 {
        return Ok(());
    }
    sqlx::query(statement)
        .bind(attempt.campaign.as_str())
        .bind(attempt.contact.as_str())
        .bind(rows::word(attempt.mode)?)
        .bind(i64::from(attempt.number))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// Counts results that were recorded by a server of an older version, as one that is replaced beside others leaves them.
/// There are none otherwise, and an index says so.
pub(super) async fn settle(store: &SqlStore) -> Result<(), StoreError> {
    loop {
        let unsettled = sqlx::query(sql::UNSETTLED)
            .fetch_all(&mut *store.reader().await?)
            .await
            .map_err(db)?;
        if unsettled.is_empty() {
            return Ok(());
        }
        for row in &unsettled {
            let mut transaction = store.begin_write().await?;
            settle_attempt(
                &mut transaction,
                &AttemptId::new(rows::get::<String>(row, "attempt_id")?),
            )
            .await?;
            commit(transaction).await?;
        }
    }
}

async fn settle_attempt(transaction: &mut Write, attempt: &AttemptId) -> Result<(), StoreError> {
    let attempt = lock(transaction, attempt).await?;
    let number = number_of_contact(transaction, &attempt.contact, &attempt.campaign).await?;
    lock_number(transaction, &number).await?;
    let consents = sqlx::query(sql::SETTLE_CONSENT)
        .bind(attempt.id.as_str())
        .bind(attempt.campaign.as_str())
        .bind(rows::word(attempt.mode)?)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if consents.rows_affected() > 0 {
        supersede(sql::SUPERSEDE_CONSENTS, transaction, &attempt).await?;
    }
    let answers = sqlx::query(sql::SETTLE_ANSWERS)
        .bind(attempt.id.as_str())
        .bind(attempt.campaign.as_str())
        .bind(rows::word(attempt.mode)?)
        .bind(i32::from(attempt.outcome == Some(Outcome::Completed)))
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    match answers.first() {
        Some(row) if rows::get_flag(row, "counted")? => supersede(sql::SUPERSEDE_ANSWERS, transaction, &attempt).await,
        _ => Ok(()),
    }
}
