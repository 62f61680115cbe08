//! The schema's versions, embedded: `migrations/NNNN_name.{up,down}.sql`, and the ways from one to another.

use super::dialect::{Trouble, trouble};
use super::{DatabaseUrl, OpenError, pools};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Acquire, AnyConnection, Connection, Row, SqlSafeStr};

/// One version of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// From 1.
    pub number: i64,
    /// What it brought, as in its file's name.
    pub name: &'static str,
    /// Whether the database has it.
    pub applied: bool,
}

/// What the database has, and what this binary knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// In the database; 0 if it has no schema.
    pub found: i64,
    /// Every version this binary knows, in order.
    pub versions: Vec<SchemaVersion>,
}

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationStep {
    /// The version before.
    pub from: i64,
    /// The version after; the same if there was nothing to do.
    pub to: i64,
}

/// Reads which versions a database has. A SQLite file is made if it is missing.
///
/// # Errors
/// [`OpenError`] if it cannot be reached or another program's hand is in its schema.
pub async fn schema_status(url: &DatabaseUrl) -> Result<SchemaStatus, OpenError> {
    let mut connection = pools::connect_once(url).await?;
    let found = found(url, &mut connection).await?;
    close(connection).await;
    let versions = VERSIONS.iter().map(|version| SchemaVersion {
        number: version.number,
        name: version.name,
        applied: version.number <= found,
    });
    Ok(SchemaStatus {
        found,
        versions: versions.collect(),
    })
}

/// Brings the schema up to a version, the newest for `None`, in one transaction: all of it or nothing. What is there
/// stays. Of two nodes that do it at once, one waits and then finds nothing to do.
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub async fn migrate_up(url: &DatabaseUrl, to: Option<i64>) -> Result<MigrationStep, OpenError> {
    change(url, to.unwrap_or(newest()), MigrationType::ReversibleUp).await
}

/// Takes the schema back to an older version, 0 for none, in one transaction. **What the versions above it hold is
/// lost**, and stores opened on them fail.
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub async fn migrate_down(url: &DatabaseUrl, to: i64) -> Result<MigrationStep, OpenError> {
    change(url, to, MigrationType::ReversibleDown).await
}

struct Version {
    number: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! version {
    ($number:literal, $name:literal) => {
        Version {
            number: $number,
            name: $name,
            up: include_str!(concat!("../../migrations/", $name, ".up.sql")),
            down: include_str!(concat!("../../migrations/", $name, ".down.sql")),
        }
    };
}

/// Every version in order.
const VERSIONS: &[Version] = &[
    version!(1, "0001_calls_and_results"),
    version!(2, "0002_dialling"),
    version!(3, "0003_calls_that_outlast"),
    version!(4, "0004_contact_names"),
    version!(5, "0005_service_use"),
    version!(6, "0006_call_language"),
    version!(7, "0007_screened_calls"),
    version!(8, "0008_answered_by"),
    version!(9, "0009_accounts_and_audit"),
    version!(10, "0010_catalogue"),
    version!(11, "0011_contact_emails"),
    version!(12, "0012_counted_results"),
];

/// The newest version this binary knows.
pub(super) fn newest() -> i64 {
    VERSIONS.iter().map(|version| version.number).max().unwrap_or(0)
}

/// Makes sure that the database has this binary's schema; gives it to a SQLite file that has none.
pub(super) async fn prepare(url: &DatabaseUrl) -> Result<(), OpenError> {
    let mut connection = pools::connect_once(url).await?;
    let found = found(url, &mut connection).await?;
    close(connection).await;
    let known = newest();
    match found {
        0 if url.sqlite_file().is_some() => migrate_up(url, None).await.map(drop),
        0 => Err(OpenError::NoSchema),
        found if found < known => Err(OpenError::SchemaTooOld { found, known }),
        found if found > known => Err(OpenError::SchemaTooNew { found, known }),
        _ => Ok(()),
    }
}

async fn change(url: &DatabaseUrl, to: i64, direction: MigrationType) -> Result<MigrationStep, OpenError> {
    let known = newest();
    if !(0..=known).contains(&to) {
        return Err(OpenError::NoSuchVersion { wanted: to, known });
    }
    let dialect = pools::dialect(url);
    let failed = |error| OpenError::connect(url, &error);
    let mut connection = pools::connect_once(url).await?;
    // One transaction for all, so that of two processes that start at once one waits for the other.
    let mut transaction = connection.begin_with(dialect.begin_write()).await.map_err(failed)?;
    if let Some(lock) = dialect.lock_schema() {
        sqlx::query(lock).execute(&mut *transaction).await.map_err(failed)?;
    }
    let migrator = migrator();
    let from = {
        // A savepoint: asking a database without a schema is an error, which would spoil PostgreSQL's transaction.
        let mut savepoint = transaction.begin().await.map_err(failed)?;
        let found = found(url, &mut savepoint).await;
        savepoint.rollback().await.map_err(failed)?;
        found?
    };
    let changed = match direction {
        MigrationType::ReversibleDown => migrator.undo(&mut *transaction, to).await,
        _ => migrator.run_to(to, &mut *transaction).await,
    };
    changed.map_err(|error| OpenError::migration(error, known))?;
    transaction.commit().await.map_err(failed)?;
    close(connection).await;
    let to = match direction {
        MigrationType::ReversibleDown => from.min(to),
        _ => from.max(to),
    };
    Ok(MigrationStep { from, to })
}

/// The newest version in the database, 0 for none; each one this binary knows must be the one it knows.
async fn found(url: &DatabaseUrl, connection: &mut AnyConnection) -> Result<i64, OpenError> {
    let rows = sqlx::query("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
        .fetch_all(connection)
        .await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(error)) if trouble(error.code().as_deref()) == Trouble::NoSchema => return Ok(0),
        Err(error) => return Err(OpenError::connect(url, &error)),
    };
    let migrator = migrator();
    let mut newest = 0;
    for row in &rows {
        let version: i64 = row.try_get(0).map_err(|error| OpenError::connect(url, &error))?;
        let checksum: Vec<u8> = row.try_get(1).map_err(|error| OpenError::connect(url, &error))?;
        let known = migrator.iter().find(|migration| migration.version == version);
        if known.is_some_and(|known| *known.checksum != *checksum) {
            return Err(OpenError::SchemaAltered { version });
        }
        newest = version;
    }
    Ok(newest)
}

async fn close(connection: AnyConnection) {
    // Everything is committed; a connection that is not closed in good order is closed by its drop.
    let _ = connection.close().await;
}

fn migrator() -> Migrator {
    let migrations = VERSIONS.iter().flat_map(|version| {
        [
            (MigrationType::ReversibleUp, version.up),
            (MigrationType::ReversibleDown, version.down),
        ]
        .map(|(direction, sql)| {
            Migration::new(
                version.number,
                version.name.into(),
                direction,
                sql.into_sql_str(),
                false,
            )
        })
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // Its own lock ends before our transaction does.
    migrator.set_locking(false);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_migrations_is_embedded_and_numbered_without_a_gap() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .expect("migrations")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        files.sort();
        let mut embedded: Vec<String> = VERSIONS
            .iter()
            .flat_map(|version| ["up", "down"].map(|direction| format!("{}.{direction}.sql", version.name)))
            .collect();
        embedded.sort();
        assert_eq!(files, embedded);
        for (index, version) in VERSIONS.iter().enumerate() {
            assert_eq!(version.number, index as i64 + 1);
            assert!(version.name.starts_with(&format!("{:04}_", version.number)));
        }
    }
}
