//! Who may dial over a database: nodes that share a coordination together, or one node alone.
//!
//! Not a use case of the store: the lock belongs to a running process and goes when it goes, however it ends. On
//! PostgreSQL it is an advisory lock of a session, on SQLite one of the operating system on a file beside the database.

use super::pools::connect_once;
use super::{DatabaseUrl, OpenError};
use rustix::fs::{FlockOperation, flock};
use sqlx::AnyConnection;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// With whom a node shares the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// With nobody: it coordinates its calls in its own memory.
    Alone,
    /// With nodes of the same coordination.
    WithFleet,
}

/// Why a node may not dial over a database.
#[derive(Debug, thiserror::Error)]
pub enum NodeLockError {
    /// Another node is there, and the two do not know of each other's calls.
    #[error(
        "another server runs on {database}, and without Redis two would not know of each other's calls; stop it, or \
         set REDIS_URL (to the same Redis) for both"
    )]
    Taken {
        /// Which database, without a password.
        database: String,
    },
    /// The database cannot be reached.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file beside a SQLite database cannot be made or locked.
    #[error("{} cannot be locked: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The lock of a running node; let go when it is dropped.
pub struct NodeLock {
    url: DatabaseUrl,
    sharing: Sharing,
    held: Held,
}

enum Held {
    /// Held for as long as the file is open.
    File {
        _file: File,
    },
    Session(AnyConnection),
}

/// Any number that nobody else uses in this database: "samvad" in ASCII.
const KEY: i64 = 0x7361_6d76_6164;

impl NodeLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`NodeLockError`], with the remedy.
    pub async fn take(url: &str, sharing: Sharing) -> Result<Self, NodeLockError> {
        let url = DatabaseUrl::parse(url)?;
        let held = take(&url, sharing).await?;
        Ok(Self { url, sharing, held })
    }

    /// Looks whether it is held still, and takes it again if the database was away meanwhile.
    ///
    /// # Errors
    /// [`NodeLockError::Taken`] if another node was first: this one must not dial any more. Others pass.
    pub async fn keep(&mut self) -> Result<(), NodeLockError> {
        let Held::Session(session) = &mut self.held else {
            return Ok(());
        };
        if sqlx::query("SELECT 1").execute(session).await.is_err() {
            self.held = take(&self.url, self.sharing).await?;
        }
        Ok(())
    }
}

async fn take(url: &DatabaseUrl, sharing: Sharing) -> Result<Held, NodeLockError> {
    let taken = || NodeLockError::Taken {
        database: url.to_string(),
    };
    if let Some(file) = url.sqlite_file() {
        return lock_file(file, sharing)?.ok_or_else(taken);
    }
    let mut session = connect_once(url).await?;
    let statement = match sharing {
        Sharing::Alone => "SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END",
        Sharing::WithFleet => "SELECT CASE WHEN pg_try_advisory_lock_shared($1) THEN 1 ELSE 0 END",
    };
    let got: i32 = sqlx::query_scalar(statement)
        .bind(KEY)
        .fetch_one(&mut session)
        .await
        .map_err(|error| OpenError::connect(url, &error))?;
    if got == 1 {
        Ok(Held::Session(session))
    } else {
        Err(taken())
    }
}

fn lock_file(database: &Path, sharing: Sharing) -> Result<Option<Held>, NodeLockError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |source| NodeLockError::File {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let operation = match sharing {
        Sharing::Alone => FlockOperation::NonBlockingLockExclusive,
        Sharing::WithFleet => FlockOperation::NonBlockingLockShared,
    };
    match flock(&file, operation) {
        Ok(()) => Ok(Some(Held::File { _file: file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_alone_bears_no_other_and_nodes_of_a_fleet_bear_each_other() {
        let directory = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", directory.path().join("samvad.db").display());
        let take = async |sharing| NodeLock::take(&url, sharing).await;
        let alone = take(Sharing::Alone).await.expect("nobody is there");
        for sharing in [Sharing::Alone, Sharing::WithFleet] {
            let refusal = take(sharing).await.err().expect("refused").to_string();
            assert!(refusal.contains("set REDIS_URL"), "{refusal}");
        }
        drop(alone);
        let _one = take(Sharing::WithFleet).await.expect("nobody is there");
        let mut two = take(Sharing::WithFleet).await.expect("of the same fleet");
        two.keep().await.expect("held");
        assert!(take(Sharing::Alone).await.is_err());
    }
}
