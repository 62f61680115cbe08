//! The store: SQL behind the [`Store`](samvad_actors::ports::Store) port.
//!
//! Each method is one atomic use case, and correctness lives in SQL: a token is used up by one conditional update,
//! one open attempt per number is a unique index, and a writer takes the row it decides about before it reads it.
//! The statements (`statements`) are one text for SQLite and PostgreSQL; what differs is in `dialect`.
//!
//! Rows are locked in one order, whoever does what: campaign, attempt, number, contact. A number's row (`numbers`) is
//! what a call to it and an opt-out meet at: whichever commits first is seen by the other.
//!
//! The audit log (`audit`) is written in the transaction that makes the change, and locked last of all. Users are locked
//! in the order of their ids (`accounts`).

mod accounts;
mod attempts;
mod audit;
mod call_ledger;
mod callbacks;
mod campaigns;
mod catalog;
mod costs;
mod counted;
mod dialect;
mod dialer;
mod error;
mod idempotency;
mod many;
mod migrations;
mod node_lock;
mod opt_outs;
mod outcomes;
mod pools;
mod purge;
mod results;
mod rows;
mod statements;
#[cfg(test)]
mod tests;
mod url;

pub use error::OpenError;
pub use migrations::{MigrationStep, SchemaStatus, SchemaVersion, migrate_down, migrate_up, schema_status};
pub use node_lock::{NodeLock, NodeLockError, Sharing};
pub use url::DatabaseUrl;

use error::store_error;
use pools::Pools;
use samvad_actors::ports::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};

/// A store in an SQL database.
#[derive(Clone, Debug)]
pub struct SqlStore {
    pools: Pools,
}

impl SqlStore {
    /// Opens the database behind a `DATABASE_URL` whose schema is this binary's. A SQLite file that is missing or empty
    /// is made and given the schema; file and directory are for their owner alone. Any other change of a schema is
    /// [`migrate_up`]'s: a node that starts must not change what others run on.
    ///
    /// # Errors
    /// [`OpenError`], with the remedy; also if an older or newer Samvad wrote the schema.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let url = DatabaseUrl::parse(url)?;
        migrations::prepare(&url).await?;
        Ok(Self {
            pools: Pools::open(&url).await?,
        })
    }

    /// The same database over connections for reading of its own: what reads much there, such as statistics over a
    /// million contacts, never makes a call wait for a connection.
    #[must_use]
    pub fn with_own_readers(&self) -> Self {
        Self {
            pools: self.pools.with_own_readers(),
        }
    }

    /// The schema version this binary needs.
    pub fn schema_version() -> i64 {
        migrations::newest()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1")
            .execute(&mut *self.reader().await?)
            .await
            .map(drop)
            .map_err(db)
    }

    /// Closes every connection once it is idle.
    pub async fn close(&self) {
        self.pools.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.pools.reader().await.map_err(db)
    }

    async fn writer(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.pools.writer().await.map_err(db)
    }

    async fn begin_write(&self) -> Result<Write, StoreError> {
        self.pools.begin_write().await.map_err(db)
    }
}

/// A transaction that writes; rolled back unless committed.
type Write = Transaction<'static, Any>;

async fn commit(transaction: Write) -> Result<(), StoreError> {
    transaction.commit().await.map_err(db)
}

/// For `map_err`.
#[expect(clippy::needless_pass_by_value, reason = "the form map_err wants")]
fn db(error: sqlx::Error) -> StoreError {
    store_error(&error)
}
