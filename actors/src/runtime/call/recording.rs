//! What a recorded call tells of its line.

use super::CallActor;
use crate::domain::AttemptId;
use crate::ports::{RecordingFiles, RecordingSink};
use bytes::Bytes;
use samvad_media::LINE_RATE;
use samvad_media::tape::Tape;
use std::sync::Arc;

/// What is handed over at once: 200 ms, so that a crash costs little.
const BATCH: usize = LINE_RATE as usize / 5;

/// The recording of one call, or of none. Each hook costs a look where nothing is recorded.
#[derive(Default)]
pub(super) struct CallRecording(Option<Running>);

struct Running {
    tape: Tape,
    sink: Arc<dyn RecordingSink>,
}

impl CallRecording {
    /// Begins a recording if the campaign wants one. A call goes on without if it cannot be had.
    pub(super) fn begin(wanted: bool, files: &dyn RecordingFiles, attempt: &AttemptId) -> Self {
        if !wanted {
            return Self(None);
        }
        match files.open(attempt) {
            Ok(sink) => Self(Some(Running {
                tape: Tape::new(),
                sink,
            })),
            Err(error) => {
                tracing::error!(%attempt, %error, "the call goes on without a recording");
                Self(None)
            }
        }
    }

    /// A frame of the caller.
    pub(super) fn heard(&mut self, at: u64, codes: &[u8]) {
        if let Some(running) = &mut self.0 {
            running.tape.caller(at, codes);
            running.hand_over(BATCH);
        }
    }

    /// Audio is about to go to the carrier: the mark to send before it, if there may be a pause before it.
    pub(super) fn beginning(&mut self) -> Option<String> {
        self.0.as_mut()?.tape.begin()
    }

    /// Audio has gone to the carrier.
    pub(super) fn sent(&mut self, mulaw: &Bytes) {
        if let Some(running) = &mut self.0 {
            running.tape.sent(mulaw.clone());
        }
    }

    /// A mark has gone to the carrier.
    pub(super) fn mark_sent(&mut self, name: &str) {
        if let Some(running) = &mut self.0 {
            running.tape.mark_sent(name);
        }
    }

    /// A `clear` has gone to the carrier.
    pub(super) fn clear_sent(&mut self) {
        if let Some(running) = &mut self.0 {
            running.tape.clear_sent();
        }
    }

    /// A mark has come back.
    pub(super) fn mark_returned(&mut self, name: &str) {
        if let Some(running) = &mut self.0 {
            running.tape.mark_returned(name);
        }
    }

    /// The person has agreed to take part, after having been told of the recording; or has refused.
    pub(super) fn consent(&mut self, granted: bool) {
        if !granted {
            self.discard();
        } else if let Some(running) = &self.0 {
            running.sink.keep();
        }
    }

    /// The person refused or wants to be removed: nothing is kept, and nothing more is recorded.
    pub(super) fn discard(&mut self) {
        if let Some(running) = self.0.take() {
            running.sink.discard();
        }
    }
}

impl Running {
    fn hand_over(&mut self, at_least: usize) {
        if let Some((at, interleaved)) = self.tape.take(at_least) {
            self.sink.append(at, interleaved);
        }
    }
}

/// However the call ends, a panic included, what was recorded is kept to its end.
impl Drop for Running {
    fn drop(&mut self) {
        self.hand_over(1);
        self.sink.finish();
    }
}

impl CallActor {
    /// Before audio that comes when the carrier may have nothing left to play, as a prompt does: the mark's return tells
    /// the recording when it begins to be heard.
    pub(super) fn mark_beginning(&mut self) {
        if let Some(mark) = self.recording.beginning() {
            self.send_mark(&mark);
        }
    }
}
