//! The store: SQL behind the [`Store`](samvad_actors::ports::Store) port.
//!
//! Each method is one atomic use case, and correctness lives in SQL: a token is used up by one conditional update,
//! one open attempt per number is a unique index, and a writer takes the row it decides about before it reads it.
//! The statements (`statements`) are one text for SQLite and PostgreSQL; what differs is in `dialect`.

mod attempts;
mod callbacks;
mod campaigns;
mod dialect;
mod error;
mod migrations;
mod outcomes;
mod results;
mod rows;
mod statements;
#[cfg(test)]
mod tests;

pub use dialect::sqlite_file;
pub use error::OpenError;

use dialect::Pools;
use error::store_error;
use samvad_actors::ports::StoreError;
use sqlx::{Any, Transaction};

/// A store in an SQL database.
#[derive(Clone, Debug)]
pub struct SqlStore {
    pools: Pools,
}

impl SqlStore {
    /// Opens the database behind a URL (`sqlite:///path/to/samvad.db`), made if missing, and brings its schema up to
    /// date. File and directory are for their owner alone.
    ///
    /// # Errors
    /// [`OpenError`], with the remedy; also if a newer Samvad wrote the schema.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let pools = Pools::open(url).await?;
        migrations::up(&pools).await?;
        Ok(Self { pools })
    }

    /// The schema version this binary writes.
    pub fn schema_version() -> i64 {
        migrations::newest()
    }

    /// Takes the schema back to an older version, 0 for none: what the versions above it hold is lost. The store
    /// cannot be used afterwards; a binary that knows that version can open the database again.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is changed then.
    pub async fn migrate_down(self, version: i64) -> Result<(), OpenError> {
        migrations::down_to(&self.pools, version).await?;
        self.close().await;
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1")
            .execute(&self.pools.read)
            .await
            .map(drop)
            .map_err(db)
    }

    /// Closes every connection once it is idle.
    pub async fn close(&self) {
        self.pools.close().await;
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
