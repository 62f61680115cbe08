//! The end of keeping. What was said goes when it is old enough: in slices, each a transaction of its own, so that a long
//! history passes no time limit and calls can write meanwhile. A purge that was stopped goes on the next time.

use super::{SqlStore, Write, commit, db, rows, statements as sql};
use samvad_actors::ports::{PurgeCounts, StoreError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two slices at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Words of attempts that ended, and names and e-mail addresses of contacts that are not called
/// any more.
pub(super) async fn purge(store: &SqlStore, before_ms: i64) -> Result<PurgeCounts, StoreError> {
    let mut counts = PurgeCounts::default();
    let mut after = (i64::MIN, String::new());
    while let Some(last) = last_of_slice(store, &after, before_ms).await? {
        purge_words(store, &after, &last, &mut counts).await?;
        after = last;
    }
    counts.names = by_key(store, sql::PURGE_NAMES_SLICE, sql::PURGE_NAMES, before_ms).await?;
    let addresses = sql::PURGE_EMAIL_ADDRESSES_SLICE;
    counts.email_addresses = by_key(store, addresses, sql::PURGE_EMAIL_ADDRESSES, before_ms).await?;
    counts.left_in_log = !store.pools.settle_purge().await.map_err(db)?;
    Ok(counts)
}

/// What the registry said before.
pub(super) async fn purge_scrubs(store: &SqlStore, before_ms: i64) -> Result<u64, StoreError> {
    by_key(store, sql::PURGE_SCRUBS_SLICE, sql::PURGE_SCRUBS, before_ms).await
}

/// Where the slice after this attempt ends; `None` after the last one.
async fn last_of_slice(
    store: &SqlStore,
    (ended_at_ms, id): &(i64, String),
    before_ms: i64,
) -> Result<Option<(i64, String)>, StoreError> {
    let slice = sqlx::query(sql::PURGE_SLICE)
        .bind(ended_at_ms)
        .bind(id)
        .bind(before_ms)
        .fetch_all(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    let last = slice.last();
    last.map(|row| Ok((rows::get(row, "ended_at_ms")?, rows::get(row, "id")?)))
        .transpose()
}

async fn purge_words(
    store: &SqlStore,
    after: &(i64, String),
    last: &(i64, String),
    counts: &mut PurgeCounts,
) -> Result<(), StoreError> {
    let mut slice = Slice::begin(store).await?;
    let mut removed = [0; 4];
    let statements = [
        sql::PURGE_TRANSCRIPTS,
        sql::PURGE_ANSWERS,
        sql::PURGE_CONSENTS,
        sql::PURGE_CALLBACK_REQUESTS,
    ];
    for (removed, statement) in removed.iter_mut().zip(statements) {
        let purged = sqlx::query(statement)
            .bind(after.0)
            .bind(&after.1)
            .bind(last.0)
            .bind(&last.1)
            .execute(&mut *slice.transaction)
            .await
            .map_err(db)?;
        *removed = purged.rows_affected();
    }
    slice.end(removed.iter().sum()).await?;
    let [lines, verbatims @ ..] = removed;
    counts.transcript_lines += lines;
    counts.verbatims += verbatims.iter().sum::<u64>();
    Ok(())
}

/// Goes through a table in the order of its key. `find` says where the slice after a key ends, and in how many of its rows
/// there may be something to remove; nothing is written for a slice without any.
async fn by_key(store: &SqlStore, find: &'static str, remove: &'static str, before_ms: i64) -> Result<u64, StoreError> {
    let (mut removed, mut after) = (0, String::new());
    loop {
        let found = sqlx::query(find)
            .bind(&after)
            .bind(before_ms)
            .fetch_one(&mut *store.reader().await?)
            .await
            .map_err(db)?;
        let Some(last) = rows::get::<Option<String>>(&found, "last")? else {
            return Ok(removed);
        };
        if rows::get_count::<u64>(&found, "n")? > 0 {
            let mut slice = Slice::begin(store).await?;
            let of_slice = sqlx::query(remove)
                .bind(before_ms)
                .bind(&after)
                .bind(&last)
                .execute(&mut *slice.transaction)
                .await
                .map_err(db)?;
            slice.end(of_slice.rows_affected()).await?;
            removed += of_slice.rows_affected();
        }
        after = last;
    }
}

/// A transaction that holds the one writer of SQLite.
struct Slice {
    transaction: Write,
    begun: Instant,
}

impl Slice {
    async fn begin(store: &SqlStore) -> Result<Self, StoreError> {
        let transaction = store.begin_write().await?;
        Ok(Self {
            transaction,
            begun: Instant::now(),
        })
    }

    /// Commits, and leaves the database to others for as long as it was held: SQLite's lock goes to whoever asks first, and
    /// a server asks at intervals.
    async fn end(self, changed: u64) -> Result<(), StoreError> {
        commit(self.transaction).await?;
        if changed > 0 {
            tokio::time::sleep(self.begun.elapsed().min(LONGEST_PAUSE)).await;
        }
        Ok(())
    }
}
