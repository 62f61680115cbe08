//! The network's own record of calls, written as they happen: what a judge of the server goes by.

use crate::network::Call;
use jiff::Timestamp;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A file with a line of JSON for each call that begins and each that ends, in their order. Called numbers are whole
/// there: it is private.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: Mutex<File>,
}

/// A line. Times are UTC milliseconds.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Entry<'a> {
    /// A call was created; from now on it counts.
    Placed {
        at_ms: i64,
        sid: &'a str,
        to: &'a str,
        from: &'a str,
        /// Where its progress is reported: by this a server knows its own calls again.
        status_callback: Option<&'a str>,
    },
    /// It is over.
    Over {
        at_ms: i64,
        sid: &'a str,
        status: &'static str,
    },
}

impl Ledger {
    /// A new file; one that is there is gone on with.
    ///
    /// # Errors
    /// If it cannot be opened for writing.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// A call was created.
    pub(crate) fn placed(&self, call: &Call) {
        let request = &call.request;
        self.write(|at_ms| Entry::Placed {
            at_ms,
            sid: &call.sid,
            to: &request.to,
            from: &request.from,
            status_callback: request.status_callback.as_ref().map(|callback| callback.url.as_str()),
        });
    }

    /// A call is over, with this status in Twilio's words.
    pub(crate) fn over(&self, call: &Call, status: &'static str) {
        self.write(|at_ms| Entry::Over {
            at_ms,
            sid: &call.sid,
            status,
        });
    }

    /// The time is read under the lock, so that the lines are in the order of their times.
    fn write<'a>(&self, entry: impl FnOnce(i64) -> Entry<'a>) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_vec(&entry(Timestamp::now().as_millisecond())).map(|mut line| {
            line.push(b'\n');
            file.write_all(&line)
        });
        if let Err(error) = written.map_err(std::io::Error::from).flatten() {
            tracing::error!(%error, "the record of calls cannot be written");
        }
    }
}
