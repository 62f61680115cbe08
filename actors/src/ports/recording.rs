//! Where recordings of calls go.

use crate::domain::AttemptId;
use std::sync::Arc;

/// Why a call cannot be recorded.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the recording cannot be opened: {reason}")]
pub struct RecordingError {
    /// What happened and the remedy.
    pub reason: String,
}

/// Opens recordings, one per attempt.
pub trait RecordingFiles: Send + Sync + 'static {
    /// Opens the recording of an attempt. Encoding and writing happen elsewhere; this may create the file.
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn RecordingSink>, RecordingError>;
}

/// One open recording. None of this blocks. A recording that is dropped is finished.
pub trait RecordingSink: Send + Sync + 'static {
    /// Appends audio of both sides behind so many samples of the recording: 8 kHz mu-law, left (caller) and right (agent)
    /// in turn. What lies between this and what came before, and what there is no room for, is silence of the same
    /// length.
    fn append(&self, at: u64, interleaved: Vec<u8>);

    /// The person has agreed: the recording stays when it is finished. One that nobody agreed to does not.
    fn keep(&self);

    /// The person has refused, or wants to be removed: the recording is deleted now, and nothing follows.
    fn discard(&self);

    /// No audio follows.
    fn finish(&self);
}
