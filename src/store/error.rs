//! From the database's errors to the port's, without a value in their text: a message of the database may quote
//! one.

use super::DatabaseUrl;
use super::dialect::{Trouble, trouble};
use crate::config::private_files::PrivateFileError;
use samvad_actors::ports::StoreError;
use sqlx::error::ErrorKind;
use sqlx::migrate::MigrateError;

/// Why a store cannot be opened, or its schema not changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not usable. It is not repeated here: it may hold a password.
    #[error(
        "DATABASE_URL is not usable: {fault}; write sqlite:///path/to/samvad.db or postgres://user:password@host/database"
    )]
    Url {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Its file or directory cannot be had.
    #[error("the database file cannot be used: {0}")]
    Files(PrivateFileError),
    /// The database does not answer.
    #[error("the database {database} cannot be opened: {error}; start it, or correct DATABASE_URL")]
    Connect {
        /// Which, without its password.
        database: String,
        /// Why.
        error: StoreError,
    },
    /// Nobody has made the tables.
    #[error("the database has no schema yet; run `samvad migrate up`")]
    NoSchema,
    /// An older Samvad wrote it.
    #[error(
        "the database has schema version {found}, and this samvad needs {known}; make a backup, then run `samvad migrate up`"
    )]
    SchemaTooOld {
        /// In the database.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// A newer Samvad has been here.
    #[error(
        "the database has schema version {found}, and this samvad knows up to {known}; run the newer samvad again, or take \
         the schema back with it: `samvad migrate down --to {known}`"
    )]
    SchemaTooNew {
        /// In the database.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The schema in the database is not what this version wrote.
    #[error(
        "schema version {version} in the database differs from this samvad's; restore a backup, or use a new database"
    )]
    SchemaAltered {
        /// Which migration.
        version: i64,
    },
    /// There is no such version.
    #[error("there is no schema version {wanted}; this samvad knows 0 to {known}, 0 being no schema")]
    NoSuchVersion {
        /// As asked for.
        wanted: i64,
        /// The newest in this binary.
        known: i64,
    },
    /// A migration failed; nothing of it remains.
    #[error("the schema cannot be changed: {0}")]
    Migration(StoreError),
}

impl OpenError {
    pub(super) fn connect(url: &DatabaseUrl, error: &sqlx::Error) -> Self {
        let database = url.to_string();
        let error = match error {
            sqlx::Error::PoolTimedOut => StoreError::Unavailable {
                reason: "it does not answer".to_owned(),
            },
            error => store_error(error),
        };
        Self::Connect { database, error }
    }

    pub(super) fn migration(error: MigrateError, known: i64) -> Self {
        match error {
            MigrateError::VersionMissing(found) if found > known => Self::SchemaTooNew { found, known },
            MigrateError::VersionMissing(version)
            | MigrateError::VersionMismatch(version)
            | MigrateError::Dirty(version) => Self::SchemaAltered { version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::Migration(store_error(&error))
            }
            _ => Self::Migration(corrupt("the migrations could not be read")),
        }
    }
}

/// Reads an error of the database for the port.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    let unavailable = |reason: &str| StoreError::Unavailable {
        reason: reason.to_owned(),
    };
    match error {
        sqlx::Error::Database(error) => match error.kind() {
            ErrorKind::UniqueViolation => conflict("a row with this key exists already"),
            ErrorKind::ForeignKeyViolation => conflict("a row it refers to does not exist"),
            ErrorKind::CheckViolation => conflict("a value is outside what the table allows"),
            ErrorKind::NotNullViolation => conflict("a value is missing"),
            _ => match trouble(error.code().as_deref()) {
                Trouble::Unavailable(reason) => unavailable(reason),
                Trouble::NoSchema | Trouble::Unexpected => corrupt(&format!(
                    "database error {}",
                    error.code().as_deref().unwrap_or("without a code")
                )),
            },
        },
        sqlx::Error::PoolTimedOut => unavailable("it does not answer, or no connection became free in time"),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => unavailable("it has been closed"),
        sqlx::Error::Io(error) => unavailable(&format!("it cannot be reached: {}", error.kind())),
        sqlx::Error::BeginFailed | sqlx::Error::Protocol(_) => unavailable("the connection broke"),
        sqlx::Error::Configuration(_) => unavailable("its URL has a setting that the driver cannot use"),
        sqlx::Error::Tls(_) => unavailable("the encrypted connection failed"),
        sqlx::Error::ColumnDecode { index, .. } => corrupt(&format!("column {index} has an unexpected type")),
        sqlx::Error::ColumnNotFound(name) => corrupt(&format!("column {name} is missing")),
        sqlx::Error::RowNotFound => corrupt("a row is missing"),
        _ => corrupt("the database driver failed"),
    }
}

/// Is it a row that exists already?
pub(super) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_unique_violation())
}

pub(super) fn conflict(reason: &str) -> StoreError {
    StoreError::Conflict {
        reason: reason.to_owned(),
    }
}

pub(super) fn corrupt(reason: &str) -> StoreError {
    StoreError::Corrupt {
        reason: reason.to_owned(),
    }
}

pub(super) fn not_found(what: &'static str, id: impl ToString) -> StoreError {
    StoreError::NotFound {
        what,
        id: id.to_string(),
    }
}
