//! What a worker that records is told.

use samvad_actors::domain::AttemptId;
use std::path::PathBuf;

/// One thing for a worker to do. Recordings are numbered as they are opened.
pub(super) enum Job {
    Open {
        recording: usize,
        attempt: AttemptId,
        serial: u32,
        /// Where it is until somebody agrees, and where then.
        path: PathBuf,
        consented: PathBuf,
    },
    Audio {
        recording: usize,
        at: u64,
        interleaved: Vec<u8>,
    },
    Keep {
        recording: usize,
    },
    Discard {
        recording: usize,
    },
    Finish {
        recording: usize,
        /// Samples of the call that should be there; what lacks had no room.
        end: u64,
    },
}
