//! Do-not-call, and the rows that calls and opt-outs meet at.

use super::error::{conflict, not_found};
use super::{SqlStore, Write, commit, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, PhoneNumber};
use samvad_actors::ports::{AttemptRow, DoNotCallEntry, DoNotCallStore, OptOutReport, StoreError};

#[async_trait]
impl DoNotCallStore for SqlStore {
    async fn add_do_not_call_by_attempt(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        add_by_attempt(&mut transaction, attempt, now_ms).await?;
        commit(transaction).await
    }

    async fn add_do_not_call(&self, entry: &DoNotCallEntry) -> Result<bool, StoreError> {
        Ok(self.opt_out_all(std::slice::from_ref(entry)).await?.added > 0)
    }

    async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        let row = sqlx::query(sql::IS_DO_NOT_CALL)
            .bind(number.expose())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        Ok(row.is_some())
    }
}

impl SqlStore {
    /// Adds numbers, and finds the attempts to them that are open.
    pub(super) async fn opt_out_all(&self, entries: &[DoNotCallEntry]) -> Result<OptOutReport, StoreError> {
        let mut transaction = self.begin_write().await?;
        let report = add_all(&mut transaction, entries).await?;
        commit(transaction).await?;
        Ok(report)
    }
}

/// Adds numbers, and finds the attempts to them that are open.
pub(super) async fn add_all(transaction: &mut Write, entries: &[DoNotCallEntry]) -> Result<OptOutReport, StoreError> {
    let known = |entry: &DoNotCallEntry| matches!(entry.source.as_str(), "in_call" | "import" | "manual");
    if !entries.iter().all(known) {
        return Err(conflict(
            "the source of a do-not-call entry is in_call, import or manual",
        ));
    }
    // In one order everywhere: two imports must not wait for each other.
    let mut entries: Vec<&DoNotCallEntry> = entries.iter().collect();
    entries.sort_by(|a, b| a.number.cmp(&b.number));
    let mut report = OptOutReport::default();
    for entry in entries {
        let number = entry.number.expose();
        let attempt = entry.attempt.as_ref();
        let added = add_number(transaction, number, &entry.source, attempt, entry.added_at_ms).await?;
        report.added += u64::from(added);
        let open = sqlx::query(sql::OPEN_ATTEMPTS_TO)
            .bind(number)
            .fetch_all(&mut **transaction)
            .await
            .map_err(db)?;
        let open = open.iter().map(rows::attempt).collect::<Result<Vec<AttemptRow>, _>>()?;
        report.in_flight.extend(open);
    }
    Ok(report)
}

/// Puts the number of an attempt's contact on the list.
pub(super) async fn add_by_attempt(
    transaction: &mut Write,
    attempt: &AttemptId,
    now_ms: i64,
) -> Result<(), StoreError> {
    let row = sqlx::query(sql::NUMBER_OF_ATTEMPT)
        .bind(attempt.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?
        .ok_or_else(|| not_found("attempt", attempt))?;
    let number: String = rows::get(&row, "phone_number")?;
    add_number(transaction, &number, "in_call", Some(attempt), now_ms)
        .await
        .map(drop)
}

/// Lists a number and takes its pending contacts out. False if it is listed already.
async fn add_number(
    transaction: &mut Write,
    number: &str,
    source: &str,
    attempt: Option<&AttemptId>,
    added_at_ms: i64,
) -> Result<bool, StoreError> {
    lock_number(transaction, number).await?;
    let written = sqlx::query(sql::ADD_DO_NOT_CALL)
        .bind(number)
        .bind(source)
        .bind(attempt.map(AttemptId::as_str))
        .bind(added_at_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let is_new = written.rows_affected() > 0;
    if !is_new && source == "in_call" {
        sqlx::query(sql::SAID_IN_CALL)
            .bind(number)
            .bind(attempt.map(AttemptId::as_str))
            .bind(added_at_ms)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
    }
    sqlx::query(sql::EXCLUDE_NUMBER)
        .bind(number)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(is_new)
}

/// Holds a number until the transaction ends: whoever comes second sees what the first did.
pub(super) async fn lock_number(transaction: &mut Write, number: &str) -> Result<(), StoreError> {
    sqlx::query(sql::LOCK_NUMBER)
        .bind(number)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// Whether a number is listed, as a transaction that holds it sees it.
pub(super) async fn is_listed(transaction: &mut Write, number: &str) -> Result<bool, StoreError> {
    let row = sqlx::query(sql::IS_DO_NOT_CALL)
        .bind(number)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(row.is_some())
}
