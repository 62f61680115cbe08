//! Everything in which one database differs from another; today SQLite alone. The statements themselves are the
//! same for all (see `statements`).

use super::OpenError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Transaction};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How long a use case waits for a connection before the database counts as not available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// Takes the write lock at once: a transaction that reads first and writes later would otherwise fail with
/// `SQLITE_BUSY` when another wrote in between, whatever the busy timeout.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Set on every connection. `busy_timeout` (milliseconds) is for other processes, such as a purge; `synchronous = FULL`,
/// because an attempt forgotten in a power cut could be called twice; `secure_delete`, because purged words must not stay
/// in free pages; `cache_size` (here in KiB), because each of several connections would keep up to 2 MiB of pages, and the
/// operating system keeps them anyway.
const CONNECTION_SETUP: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA cache_size = -256",
];

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    /// For single reads and read transactions.
    pub(super) read: AnyPool,
    /// One connection: SQLite has one writer at a time, and this pool's queue is fair where its lock is not.
    write: AnyPool,
}

impl Pools {
    /// Opens the database behind a URL, made with its directory if missing.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let file = sqlite_file(url)?;
        prepare_file(&file)?;
        let options = connect_options(&file)?;
        let write = pool_options(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| OpenError::connect(&error))?;
        // Kept in the file: one switch by one connection is enough.
        sqlx::query("PRAGMA journal_mode = WAL")
            .execute(&write)
            .await
            .map_err(|error| OpenError::connect(&error))?;
        let read = pool_options(READERS)
            .connect_with(options)
            .await
            .map_err(|error| OpenError::connect(&error))?;
        Ok(Self { read, write })
    }

    /// Begins a transaction that will write.
    pub(super) async fn begin_write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.write.begin_with(BEGIN_WRITE).await
    }

    /// For a single statement that writes.
    pub(super) fn write_one(&self) -> &AnyPool {
        &self.write
    }

    /// Takes what a purge removed out of the write-ahead log too.
    pub(super) async fn settle_purge(&self) -> Result<(), sqlx::Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_all(&self.write)
            .await
            .map(drop)
    }

    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// What a database error without a constraint's name means.
pub(super) enum Trouble {
    /// Passing, or curable from outside; with words for people.
    Unavailable(&'static str),
    /// Not to be expected.
    Unexpected,
}

/// Reads a database's error code (SQLite: the extended result code, whose low byte is the primary one,
/// <https://sqlite.org/rescode.html>).
pub(super) fn trouble(code: Option<&str>) -> Trouble {
    let primary = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    match primary {
        Some(5 | 6) => Trouble::Unavailable("it is locked by another process for too long"),
        Some(8) => Trouble::Unavailable("its file is read-only"),
        Some(10) => Trouble::Unavailable("its disk fails to read or write"),
        Some(13) => Trouble::Unavailable("its disk is full"),
        Some(14) => Trouble::Unavailable("its file cannot be opened"),
        Some(7) => Trouble::Unavailable("memory is exhausted"),
        _ => Trouble::Unexpected,
    }
}

/// The file behind a `sqlite:` URL: `sqlite:data/samvad.db`, `sqlite://data/samvad.db`, `sqlite:///var/lib/samvad.db`.
///
/// # Errors
/// [`OpenError::Url`] for another scheme, a database in memory, or options after `?`. The URL itself is left out:
/// those of other databases hold passwords.
pub fn sqlite_file(url: &str) -> Result<PathBuf, OpenError> {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        let scheme = url.split(':').next().unwrap_or_default();
        let fault = if matches!(scheme, "postgres" | "postgresql") {
            "PostgreSQL is not supported yet"
        } else {
            "it is no SQLite URL"
        };
        return Err(OpenError::Url { fault });
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let fault = if path.is_empty() || path.ends_with('/') {
        "it names no file"
    } else if path.contains(":memory:") {
        "a database in memory is not kept"
    } else if path.contains(['?', '#', '%']) {
        "it has options or escapes, which are not supported"
    } else {
        return Ok(PathBuf::from(path));
    };
    Err(OpenError::Url { fault })
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

fn connect_options(file: &Path) -> Result<AnyConnectOptions, OpenError> {
    let unusable = || OpenError::Url {
        fault: "its path cannot be written as a URL",
    };
    let absolute = std::path::absolute(file).map_err(|_| unusable())?;
    let path = url::Url::from_file_path(absolute).map_err(|()| unusable())?;
    let options = AnyConnectOptions::from_str(&format!("sqlite://{}", path.path())).map_err(|_| unusable())?;
    Ok(options.disable_statement_logging())
}

fn pool_options(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                use sqlx::Executor;
                for pragma in CONNECTION_SETUP {
                    connection.execute(*pragma).await?;
                }
                Ok(())
            })
        })
}
