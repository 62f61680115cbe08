//! The schema's versions, embedded: `migrations/NNNN_name.{up,down}.sql`.

use super::{OpenError, dialect::Pools};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

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
const VERSIONS: &[Version] = &[version!(1, "0001_calls_and_results")];

/// The newest version this binary knows.
pub(super) fn newest() -> i64 {
    VERSIONS.iter().map(|version| version.number).max().unwrap_or(0)
}

/// Brings the schema up to this binary's version, in one transaction.
pub(super) async fn up(pools: &Pools) -> Result<(), OpenError> {
    // In a write transaction, so that of two processes that start at once one waits for the other.
    let mut transaction = pools.begin_write().await.map_err(|error| OpenError::connect(&error))?;
    migrator()
        .run(&mut *transaction)
        .await
        .map_err(|error| OpenError::migration(error, newest()))?;
    transaction.commit().await.map_err(|error| OpenError::connect(&error))
}

/// Takes the schema back to a version, 0 for an empty database. What the versions above it added is lost.
pub(super) async fn down_to(pools: &Pools, version: i64) -> Result<(), OpenError> {
    let mut transaction = pools.begin_write().await.map_err(|error| OpenError::connect(&error))?;
    migrator()
        .undo(&mut *transaction, version)
        .await
        .map_err(|error| OpenError::migration(error, newest()))?;
    transaction.commit().await.map_err(|error| OpenError::connect(&error))
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
    Migrator::with_migrations(migrations.collect())
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
