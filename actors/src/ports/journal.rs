//! Where call journals go.

use crate::domain::AttemptId;
use std::sync::Arc;

/// Why a journal cannot be kept.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal cannot be opened: {reason}")]
pub struct JournalError {
    /// What happened and the remedy.
    pub reason: String,
}

/// Opens journals, one per attempt.
pub trait JournalFiles: Send + Sync + 'static {
    /// Opens the journal of an attempt. Writing happens elsewhere; this may create the file.
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn JournalSink>, JournalError>;
}

/// One open journal.
pub trait JournalSink: Send + Sync + 'static {
    /// Appends one line (without its line feed). Never blocks: the line is handed to a writer.
    fn append(&self, line: String);

    /// No line follows.
    fn finish(&self);
}
