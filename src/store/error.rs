//! From the database's errors to the port's, without a value in their text: a message of the database may quote
//! one.

use super::dialect::{Trouble, trouble};
use crate::config::private_files::PrivateFileError;
use samvad_actors::ports::StoreError;
use sqlx::error::ErrorKind;
use sqlx::migrate::MigrateError;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not usable. It is not repeated here: it may hold a password.
    #[error("DATABASE_URL is not usable: {fault}; write sqlite:///path/to/samvad.db")]
    Url {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Its file or directory cannot be had.
    #[error("the database file cannot be used: {0}")]
    Files(PrivateFileError),
    /// The database does not answer.
    #[error("the database cannot be opened: {0}")]
    Connect(StoreError),
    /// A newer Samvad has been here.
    #[error(
        "the database has schema version {found}, and this samvad knows up to {known}; run the newer samvad again, or restore the backup made before it"
    )]
    SchemaTooNew {
        /// In the database.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The schema in the database is not what this version wrote.
    #[error("schema version {version} in the database differs from this samvad's; restore a backup, or use a new file")]
    SchemaAltered {
        /// Which migration.
        version: i64,
    },
    /// A migration failed; nothing of it remains.
    #[error("the schema cannot be brought up to date: {0}")]
    Migration(StoreError),
}

impl OpenError {
    pub(super) fn connect(error: &sqlx::Error) -> Self {
        Self::Connect(store_error(error))
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
                Trouble::Unexpected => corrupt(&format!(
                    "database error {}",
                    error.code().as_deref().unwrap_or("without a code")
                )),
            },
        },
        sqlx::Error::PoolTimedOut => unavailable("no connection became free in time"),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => unavailable("it has been closed"),
        sqlx::Error::Io(error) => unavailable(&format!("input or output failed: {}", error.kind())),
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
