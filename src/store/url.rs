//! `DATABASE_URL`: which database, and how it may be named to people.

use super::OpenError;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where the data is kept. `Display` names it without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file: `sqlite:data/samvad.db`, `sqlite://data/samvad.db`, `sqlite:///var/lib/samvad.db`.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host:5432/database?sslmode=verify-full`, with the parameters of libpq that
    /// the driver knows.
    Postgres(Url),
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`OpenError::Url`] for another scheme, a SQLite database in memory or with options, or a PostgreSQL URL without a
    /// database. The text itself is left out: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let fault = |fault| Err(OpenError::Url { fault });
        let scheme = text.split(':').next().unwrap_or_default();
        if matches!(scheme, "postgres" | "postgresql") {
            return match Url::parse(text) {
                Ok(url) if url.path().len() > 1 => Ok(Self::Postgres(url)),
                Ok(_) => fault("it names no database"),
                Err(_) => fault("it is not well formed (special signs in a password are written as %XX)"),
            };
        }
        let Some(rest) = text.strip_prefix("sqlite:") else {
            return fault("it is of neither SQLite nor PostgreSQL");
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.ends_with('/') {
            fault("it names no file")
        } else if path.contains(":memory:") {
            fault("a database in memory is not kept")
        } else if path.contains(['?', '#', '%']) {
            fault("it has options or escapes, which are not supported")
        } else {
            Ok(Self::Sqlite(PathBuf::from(path)))
        }
    }

    /// The file, if it is one.
    pub fn sqlite_file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.display()),
            // Parameters may hold a password too.
            Self::Postgres(url) => {
                write!(f, "postgres://{}", url.username())?;
                f.write_str(if url.password().is_some() { ":***@" } else { "@" })?;
                write!(f, "{}{}", url.host_str().unwrap_or_default(), url.path())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
