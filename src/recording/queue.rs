//! The way to a worker that records.

use samvad_actors::domain::AttemptId;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

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
    },
    Stop,
}

/// The near end. Audio counts against a limit of bytes; what else there is is small and rare, and must arrive.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: Sender<Job>,
    pending_bytes: Arc<AtomicUsize>,
    limit_bytes: usize,
}

/// The worker's end.
pub(super) struct Jobs {
    jobs: Receiver<Job>,
    pending_bytes: Arc<AtomicUsize>,
}

/// A queue that holds at most so many bytes of audio.
pub(super) fn queue(limit_bytes: usize) -> (Queue, Jobs) {
    let (sender, receiver) = channel();
    let pending_bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue {
        jobs: sender,
        pending_bytes: Arc::clone(&pending_bytes),
        limit_bytes,
    };
    (
        queue,
        Jobs {
            jobs: receiver,
            pending_bytes,
        },
    )
}

impl Queue {
    /// Hands audio over, unless there is no room for it.
    pub(super) fn audio(&self, recording: usize, at: u64, interleaved: Vec<u8>) {
        let length = interleaved.len();
        if self.pending_bytes.fetch_add(length, Ordering::Relaxed) + length > self.limit_bytes {
            self.pending_bytes.fetch_sub(length, Ordering::Relaxed);
            return;
        }
        self.send(Job::Audio {
            recording,
            at,
            interleaved,
        });
    }

    pub(super) fn send(&self, job: Job) {
        // The worker is gone only when the process ends; then nothing is left to do.
        let _ = self.jobs.send(job);
    }
}

impl Jobs {
    /// The next thing to do; `None` after a stop, or when nobody is left to send.
    pub(super) fn next(&self) -> Option<Job> {
        let job = self.jobs.recv().ok()?;
        match &job {
            Job::Stop => return None,
            Job::Audio { interleaved, .. } => {
                self.pending_bytes.fetch_sub(interleaved.len(), Ordering::Relaxed);
            }
            _ => {}
        }
        Some(job)
    }
}
