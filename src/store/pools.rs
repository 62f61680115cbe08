//! Connections to the database, and waiting for one while it is away.

use super::dialect::{Access, Dialect, Trouble, trouble};
use super::{DatabaseUrl, OpenError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Row, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;

/// How long a use case waits for a connection before the database counts as not available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to reach a database that is away: doubling from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long the write-ahead log is tried to be emptied. SQLite waits for readers by itself (`busy_timeout`), but not for
/// another process that empties it as well.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

const SQLITE_READERS: u32 = 4;
/// Of one node, for reading and for writing each, and [`API_READERS`] besides. A server takes 100 connections unless told
/// otherwise: enough for five nodes.
const POSTGRES_CONNECTIONS: u32 = 8;
/// Of the HTTP API.
const API_READERS: u32 = 4;

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    pub(super) dialect: Dialect,
    options: AnyConnectOptions,
    read: AnyPool,
    /// On SQLite one connection: it has one writer at a time, and this pool's queue is fair where its lock is not.
    write: AnyPool,
}

impl Pools {
    /// Opens a database. A SQLite file is made, with its directory, if it is missing.
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let failed = |error| OpenError::connect(url, &error);
        let options = connect_options(url)?;
        let dialect = dialect(url);
        let (readers, writers) = match dialect {
            Dialect::Sqlite => (SQLITE_READERS, 1),
            Dialect::Postgres => (POSTGRES_CONNECTIONS, POSTGRES_CONNECTIONS),
        };
        let write = pool_options(dialect, Access::Write, writers)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        if dialect == Dialect::Sqlite {
            // Kept in the file: one switch by one connection is enough.
            let wal = patiently_while(is_locked, || sqlx::query("PRAGMA journal_mode = WAL").execute(&write));
            wal.await.map_err(failed)?;
        }
        let read = pool_options(dialect, Access::Read, readers)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        Ok(Self {
            dialect,
            options,
            read,
            write,
        })
    }

    /// The same with a few connections for reading that are used for nothing else. They are opened when first needed.
    pub(super) fn with_own_readers(&self) -> Self {
        let options = pool_options(self.dialect, Access::Read, API_READERS).min_connections(0);
        Self {
            read: options.connect_lazy_with(self.options.clone()),
            ..self.clone()
        }
    }

    /// A connection for single reads and read transactions.
    pub(super) async fn reader(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        patiently(|| self.read.acquire()).await
    }

    /// A connection for a single statement that writes.
    pub(super) async fn writer(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        patiently(|| self.write.acquire()).await
    }

    /// Begins a transaction that will write.
    pub(super) async fn begin_write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        patiently(|| self.write.begin_with(self.dialect.begin_write())).await
    }

    /// Takes what a purge removed out of SQLite's write-ahead log too. False if it may still be there: somebody was reading
    /// an older state of the database all the while.
    pub(super) async fn settle_purge(&self) -> Result<bool, sqlx::Error> {
        let Some(statement) = self.dialect.settle_purge() else {
            return Ok(true);
        };
        let mut writer = self.writer().await?;
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        let mut pause = FIRST_PAUSE;
        loop {
            let row = sqlx::query(statement).fetch_one(&mut *writer).await?;
            let is_busy = row.try_get::<i64, _>("busy")? != 0;
            if !is_busy || Instant::now() + pause >= deadline {
                return Ok(!is_busy);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// One connection of its own, for reading and changing the schema. A SQLite file is made if it is missing; a server that
/// is starting is waited for.
pub(super) async fn connect_once(url: &DatabaseUrl) -> Result<AnyConnection, OpenError> {
    let options = connect_options(url)?;
    let connected = async {
        let mut connection = patiently(|| AnyConnection::connect_with(&options)).await?;
        for statement in dialect(url).connection_setup(Access::Migrate) {
            sqlx::query(*statement).execute(&mut connection).await?;
        }
        Ok(connection)
    };
    connected.await.map_err(|error| OpenError::connect(url, &error))
}

pub(super) fn dialect(url: &DatabaseUrl) -> Dialect {
    match url {
        DatabaseUrl::Sqlite(_) => Dialect::Sqlite,
        DatabaseUrl::Postgres(_) => Dialect::Postgres,
    }
}

/// Tries again while the database is away, up to [`ACQUIRE_TIMEOUT`]. Only for getting a connection or beginning a
/// transaction: nothing has been asked of the database then. What fails later is the caller's to judge, because it
/// may have been done.
async fn patiently<T, F>(attempt: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    patiently_while(is_passing, attempt).await
}

async fn patiently_while<T, F>(
    is_passing: impl Fn(&sqlx::Error) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let deadline = Instant::now() + ACQUIRE_TIMEOUT;
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Err(error) if is_passing(&error) && Instant::now() + pause < deadline => {}
            done => return done,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A file that another process is using: SQLite waits for it by itself, but not where it changes to a write-ahead log.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Extended result codes of SQLITE_BUSY and SQLITE_LOCKED (<https://sqlite.org/rescode.html>).
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// A broken connection, or a server that is starting up or shutting down. Waiting for a free connection has had its time.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5 && matches!(&code[..2], "08" | "57") && trouble(Some(&code)) != Trouble::Unexpected
        }),
        _ => false,
    }
}

fn connect_options(url: &DatabaseUrl) -> Result<AnyConnectOptions, OpenError> {
    sqlx::any::install_default_drivers();
    let unusable = || OpenError::Url {
        fault: "its path cannot be written as a URL",
    };
    let text = match url {
        DatabaseUrl::Sqlite(file) => {
            prepare_file(file)?;
            let absolute = std::path::absolute(file).map_err(|_| unusable())?;
            let path = url::Url::from_file_path(absolute).map_err(|()| unusable())?;
            format!("sqlite://{}", path.path())
        }
        DatabaseUrl::Postgres(url) => url.to_string(),
    };
    let options = AnyConnectOptions::from_str(&text).map_err(|_| unusable())?;
    Ok(options.disable_statement_logging())
}

/// Makes the file readable by its owner alone before SQLite does; the write-ahead log takes its permissions over.
fn prepare_file(file: &Path) -> Result<(), OpenError> {
    use crate::config::private_files;
    let directory = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    private_files::ensure_directory(directory)
        .and_then(|()| private_files::ensure_file(file))
        .map_err(OpenError::Files)
}

fn pool_options(dialect: Dialect, access: Access, connections: u32) -> AnyPoolOptions {
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                use sqlx::Executor;
                for statement in dialect.connection_setup(access) {
                    connection.execute(*statement).await?;
                }
                Ok(())
            })
        });
    match dialect {
        // A file does not go away.
        // Each connection has a thread: all of them from the start, so that their number says nothing about the load.
        Dialect::Sqlite => options
            .min_connections(connections)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false),
        // A server does, and a proxy may forget a connection.
        Dialect::Postgres => options.test_before_acquire(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn broken() -> sqlx::Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_is_waited_for_and_then_given_up() {
        let away = Cell::new(5);
        let back = patiently(|| async {
            away.set(away.get() - 1);
            if away.get() == 0 { Ok(()) } else { Err(broken()) }
        });
        assert!(back.await.is_ok());
        let started = Instant::now();
        let gone: Result<(), _> = patiently(|| async { Err(broken()) }).await;
        assert!(gone.is_err());
        assert!(started.elapsed() <= ACQUIRE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_does_not_pass_is_told_at_once() {
        let tries = Cell::new(0);
        let refused: Result<(), _> = patiently(|| async {
            tries.set(tries.get() + 1);
            Err(sqlx::Error::PoolTimedOut)
        })
        .await;
        assert!(refused.is_err());
        assert_eq!(tries.get(), 1);
    }
}
