//! Do-not-call, and the rows that calls and opt-outs meet at.

use super::error::not_found;
use super::many::{self, AT_ONCE};
use super::{SqlStore, Write, commit, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, PhoneNumber};
use samvad_actors::ports::{AttemptRow, DoNotCallEntry, DoNotCallStore, ExclusionSource, OptOutReport, StoreError};
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

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
    // In one order everywhere: two imports must not wait for each other. Of two entries of one number the one that was
    // said in a call counts.
    let mut listings: Vec<Listing<'_>> = entries.iter().map(Listing::from).collect();
    listings.sort_by_key(|listing| (listing.number, !listing.is_said_in_call()));
    listings.dedup_by_key(|listing| listing.number);
    let mut report = OptOutReport::default();
    for listings in listings.chunks(AT_ONCE) {
        report.added += add_numbers(transaction, listings).await?;
        let open = with_numbers(many::list(sql::OPEN_ATTEMPTS_TO, 1, listings.len()), listings)
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
    let said = Listing {
        number: &number,
        source: ExclusionSource::InCall,
        attempt: Some(attempt),
        added_at_ms: now_ms,
    };
    add_numbers(transaction, &[said]).await.map(drop)
}

/// What is kept of a number that is listed.
struct Listing<'a> {
    number: &'a str,
    source: ExclusionSource,
    attempt: Option<&'a AttemptId>,
    added_at_ms: i64,
}

impl<'a> From<&'a DoNotCallEntry> for Listing<'a> {
    fn from(entry: &'a DoNotCallEntry) -> Self {
        Self {
            number: entry.number.expose(),
            source: entry.source,
            attempt: entry.attempt.as_ref(),
            added_at_ms: entry.added_at_ms,
        }
    }
}

impl Listing<'_> {
    fn is_said_in_call(&self) -> bool {
        self.source == ExclusionSource::InCall
    }
}

/// Lists numbers and takes their pending contacts out. At most [`AT_ONCE`], each once and in their order. Returns how many
/// were not listed before.
async fn add_numbers(transaction: &mut Write, listings: &[Listing<'_>]) -> Result<u64, StoreError> {
    let count = listings.len();
    with_numbers(many::rows(sql::LOCK_NUMBERS, 1, 1, count), listings)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let mut adding = many::rows(sql::ADD_DO_NOT_CALL, 1, 4, count);
    for listing in listings {
        adding = adding
            .bind(listing.number)
            .bind(listing.source.as_str())
            .bind(listing.attempt.map(AttemptId::as_str))
            .bind(listing.added_at_ms);
    }
    let added = adding.execute(&mut **transaction).await.map_err(db)?.rows_affected();
    if added < count as u64 {
        for listing in listings.iter().filter(|listing| listing.is_said_in_call()) {
            sqlx::query(sql::SAID_IN_CALL)
                .bind(listing.number)
                .bind(listing.attempt.map(AttemptId::as_str))
                .bind(listing.added_at_ms)
                .execute(&mut **transaction)
                .await
                .map_err(db)?;
        }
    }
    let pending = with_numbers(many::rows(sql::PENDING_NUMBERS, 1, 1, count), listings)
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    for row in &pending {
        sqlx::query(sql::EXCLUDE_NUMBER)
            .bind(rows::get::<String>(row, "phone_number")?)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
    }
    Ok(added)
}

fn with_numbers<'q>(statement: Query<'q, Any, AnyArguments>, listings: &[Listing<'q>]) -> Query<'q, Any, AnyArguments> {
    let mut statement = statement;
    for listing in listings {
        statement = statement.bind(listing.number);
    }
    statement
}

/// Holds a number until the transaction ends: whoever comes second sees what the first did.
pub(super) async fn lock_number(transaction: &mut Write, number: &str) -> Result<(), StoreError> {
    sqlx::query(sql::LOCK_NUMBERS)
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
