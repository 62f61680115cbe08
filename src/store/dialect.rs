//! Everything in which SQLite and PostgreSQL differ. The statements are the same for both (see `statements`), with two
//! seams: how a transaction that writes begins ([`Dialect::begin_write`]), and how a row is claimed that another node may
//! be deciding about ([`Dialect::claim_number`]). The rest is set-up of a connection, and error codes.

use super::statements as sql;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Begins a transaction that will write.
    ///
    /// SQLite takes the write lock at once: a transaction that reads first and writes later would otherwise fail with
    /// `SQLITE_BUSY` when another wrote in between, whatever the busy timeout. PostgreSQL locks row by row.
    pub(super) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Takes a number for this transaction, or finds nothing if another transaction has it. On SQLite none can: there is
    /// one writer at a time.
    pub(super) fn claim_number(self) -> &'static str {
        match self {
            Self::Sqlite => sql::CLAIM_NUMBER,
            Self::Postgres => concat!(sql::claim_number!(), " FOR UPDATE SKIP LOCKED"),
        }
    }

    /// What every connection is set to.
    pub(super) fn connection_setup(self, access: Access) -> &'static [&'static str] {
        match (self, access) {
            (Self::Sqlite, _) => SQLITE_SETUP,
            (Self::Postgres, Access::Read) => POSTGRES_READ_SETUP,
            (Self::Postgres, Access::Write) => POSTGRES_WRITE_SETUP,
            (Self::Postgres, Access::Migrate) => POSTGRES_MIGRATE_SETUP,
        }
    }

    /// First in a transaction that changes the schema: nobody else changes it until the end. On SQLite the write lock
    /// does that.
    pub(super) fn lock_schema(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            // Any number, the same in every version: "samvad" in ASCII.
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(126879297106276)"),
        }
    }

    /// Takes what a purge removed out of SQLite's write-ahead log too. Its answer has a column `busy`: 1 if it could not.
    pub(super) fn settle_purge(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("PRAGMA wal_checkpoint(TRUNCATE)"),
            Self::Postgres => None,
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    Migrate,
}

/// `busy_timeout` (milliseconds) is for other processes, such as a purge; `synchronous = FULL`, because an attempt
/// forgotten in a power cut could be called twice; `secure_delete`, because purged words must not stay in free pages;
/// `cache_size` (here in KiB), because each of several connections would keep up to 2 MiB of pages, and the operating
/// system keeps them anyway.
const SQLITE_SETUP: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA cache_size = -256",
];

/// A read transaction is of one moment, as on SQLite. Plans go by the values: a general one for a limit that is not known
/// may read a million contacts to return a hundred.
const POSTGRES_READ_SETUP: &[&str] = &[
    "SET default_transaction_isolation = 'repeatable read'",
    "SET default_transaction_read_only = on",
    "SET statement_timeout = '30s'",
    "SET plan_cache_mode = force_custom_plan",
    "SET idle_in_transaction_session_timeout = '30s'",
];

/// Read committed: whoever waited for a row reads what the one before it wrote. Synchronous, as on SQLite. A node that
/// hangs in a transaction must not hold others up for ever.
const POSTGRES_WRITE_SETUP: &[&str] = &[
    "SET default_transaction_isolation = 'read committed'",
    "SET synchronous_commit = on",
    "SET lock_timeout = '10s'",
    "SET statement_timeout = '60s'",
    "SET idle_in_transaction_session_timeout = '30s'",
];

/// A migration takes its time; the lock of another node's migration is waited for.
const POSTGRES_MIGRATE_SETUP: &[&str] = &[
    "SET default_transaction_isolation = 'read committed'",
    "SET synchronous_commit = on",
];

/// What a database error without a constraint's name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Passing, or curable from outside; with words for people.
    Unavailable(&'static str),
    /// A table that does not exist, or another fault of the statement: the schema is not there.
    NoSchema,
    /// Not to be expected.
    Unexpected,
}

/// Reads a database's error code: of SQLite the extended result code, whose low byte is the primary one and which has at
/// most four digits (<https://sqlite.org/rescode.html>); of PostgreSQL the SQLSTATE, which has five signs
/// (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
pub(super) fn trouble(code: Option<&str>) -> Trouble {
    match code {
        Some(code) if code.len() == 5 => sqlstate(code),
        Some(code) => sqlite_code(code),
        None => Trouble::Unexpected,
    }
}

fn sqlite_code(code: &str) -> Trouble {
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Trouble::Unavailable("it is locked by another process for too long"),
        Ok(7) => Trouble::Unavailable("memory is exhausted"),
        Ok(8) => Trouble::Unavailable("its file is read-only"),
        Ok(10) => Trouble::Unavailable("its disk fails to read or write"),
        Ok(13) => Trouble::Unavailable("its disk is full"),
        Ok(14) => Trouble::Unavailable("its file cannot be opened"),
        Ok(1) => Trouble::NoSchema,
        _ => Trouble::Unexpected,
    }
}

fn sqlstate(code: &str) -> Trouble {
    match (&code[..2], code) {
        (_, "42P01" | "3F000") => Trouble::NoSchema,
        (_, "40001" | "40P01") => Trouble::Unavailable("two transactions were in each other's way"),
        (_, "55P03") => Trouble::Unavailable("a row is locked by another transaction for too long"),
        (_, "57014") => Trouble::Unavailable("a statement took too long"),
        (_, "25006") => Trouble::Unavailable("it is read-only (a standby, perhaps)"),
        (_, "53100") => Trouble::Unavailable("its disk is full"),
        (_, "53200") => Trouble::Unavailable("its memory is exhausted"),
        (_, "53300") => Trouble::Unavailable("it takes no more connections"),
        (_, "3D000") => Trouble::Unavailable("the server has no database of this name"),
        (_, "42501") => Trouble::Unavailable("its user lacks a right"),
        ("28", _) => Trouble::Unavailable("it refuses this user or password"),
        ("08", _) => Trouble::Unavailable("the connection broke"),
        ("57" | "53", _) => Trouble::Unavailable("it is starting up or shutting down"),
        _ => Trouble::Unexpected,
    }
}
