//! Call journals on disk: one file per attempt, `journals/ATTEMPT.jsonl`, one line per input of the dialogue.
//!
//! A call never waits for the disk: lines go to one writer thread, and what it holds is bounded. A journal that
//! lost a line ends there, so that what is on disk is always the true beginning of the call.

mod writer;

use crate::byte_queue::{ByteQueue, byte_queue};
use crate::call_files;
use crate::config::private_files;
use samvad_actors::domain::AttemptId;
use samvad_actors::ports::{JournalError, JournalFiles, JournalSink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use writer::{Job, Writer};

/// Bytes that may wait for the disk: some seconds of many calls.
const PENDING_BYTES: usize = 64 * 1024 * 1024;

/// Journals in a directory, written by a thread of their own until this is dropped.
pub struct JournalDirectory {
    path: PathBuf,
    queue: ByteQueue<Job>,
    next_journal: AtomicU64,
    writer: Option<std::thread::JoinHandle<()>>,
}

impl JournalDirectory {
    /// Opens the directory, made if missing, and starts the writer.
    ///
    /// # Errors
    /// [`JournalError`] if the directory cannot be had or the thread cannot be started.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::with_limit(path, PENDING_BYTES)
    }

    fn with_limit(path: &Path, pending_bytes: usize) -> Result<Self, JournalError> {
        private_files::ensure_directory(path).map_err(|error| failed(&error))?;
        let (queue, jobs) = byte_queue(pending_bytes);
        let writer = std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || Writer::new(jobs).run())
            .map_err(|error| JournalError {
                reason: format!("its thread cannot be started: {}", error.kind()),
            })?;
        Ok(Self {
            path: path.to_owned(),
            queue,
            next_journal: AtomicU64::new(0),
            writer: Some(writer),
        })
    }

    /// Where the journal of an attempt is, or would be.
    ///
    /// # Errors
    /// [`JournalError`] for an id that is no plain file name: only letters, digits, `-` and `_`, at most 64.
    pub fn path_of(&self, attempt: &AttemptId) -> Result<PathBuf, JournalError> {
        let name = call_files::name_of(attempt).map_err(|error| failed(&error))?;
        Ok(self.path.join(format!("{name}.jsonl")))
    }
}

impl JournalFiles for JournalDirectory {
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn JournalSink>, JournalError> {
        let path = self.path_of(attempt)?;
        let file = call_files::create(&path).map_err(|error| failed(&error))?;
        let journal = self.next_journal.fetch_add(1, Ordering::Relaxed);
        self.queue.send(Job::Open {
            journal,
            attempt: attempt.clone(),
            file,
        });
        Ok(Arc::new(Journal {
            journal,
            queue: self.queue.clone(),
            over: AtomicBool::new(false),
        }))
    }
}

/// Everything that was appended is on its way to the disk when this returns.
impl Drop for JournalDirectory {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been logged by the panic hook.
            let _ = writer.join();
        }
    }
}

/// One open journal.
struct Journal {
    journal: u64,
    queue: ByteQueue<Job>,
    over: AtomicBool,
}

impl JournalSink for Journal {
    fn append(&self, line: String) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        let journal = self.journal;
        if !self.queue.offer(line.len(), Job::Line { journal, line }) {
            self.over.store(true, Ordering::Relaxed);
            self.queue.send(Job::Truncated { journal });
        }
    }

    fn finish(&self) {
        if !self.over.swap(true, Ordering::Relaxed) {
            self.queue.send(Job::Finish { journal: self.journal });
        }
    }
}

/// A call that dies without finishing its journal leaves a file that is closed all the same.
impl Drop for Journal {
    fn drop(&mut self) {
        self.finish();
    }
}

fn failed(error: &impl ToString) -> JournalError {
    JournalError {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
