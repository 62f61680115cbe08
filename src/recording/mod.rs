//! Recordings of calls on disk: `recordings/ATTEMPT.ogg`, two channels of Opus, the caller left, the agent right.
//!
//! A call never waits for the encoder or the disk: audio goes to worker threads, and what they hold is bounded. What
//! there is no room for is silence of the same length, and is told. A recording is written as the call runs, so that
//! a crash costs less than its last second. Until the person has agreed it bears the name
//! `ATTEMPT.unconsented.ogg`; one that nobody agreed to is deleted.

mod job;
mod worker;

use crate::byte_queue::{ByteQueue, byte_queue};
use crate::call_files::{self, PurgedFiles, purge_files};
use job::Job;
use samvad_actors::domain::AttemptId;
use samvad_actors::ports::{RecordingError, RecordingFiles, RecordingSink};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;
use worker::Worker;

/// Bytes that may wait for a worker: a minute and a half of a hundred calls.
const PENDING_BYTES: usize = 128 * 1024 * 1024;
/// Workers at most. One encodes the calls of several hundred people in real time.
const MOST_WORKERS: usize = 4;
/// How the name of a recording ends that nobody has agreed to.
pub(crate) const UNCONSENTED: &str = ".unconsented.ogg";

/// Recordings in a directory, written by threads of their own until this is dropped.
pub struct RecordingDirectory {
    path: PathBuf,
    workers: Vec<(ByteQueue<Job>, Option<std::thread::JoinHandle<()>>)>,
    next: AtomicUsize,
}

impl RecordingDirectory {
    /// Opens a directory, made when the first call is recorded, starts the workers, and deletes what a crash has left
    /// there of people who had not agreed.
    ///
    /// # Errors
    /// [`RecordingError`] if the threads cannot be started.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_workers(path, cores.div_ceil(2).min(MOST_WORKERS), PENDING_BYTES)
    }

    fn with_workers(path: &Path, workers: usize, pending_bytes: usize) -> Result<Self, RecordingError> {
        match purge_files(path, &[(UNCONSENTED, SystemTime::now())]) {
            Ok(PurgedFiles { failed: 0, .. }) => {}
            Ok(PurgedFiles { failed, .. }) => {
                tracing::error!(
                    files = failed,
                    "recordings of people who had not agreed could not be deleted; delete them"
                );
            }
            Err(error) => {
                tracing::error!(reason = %error.kind(), "recordings of people who had not agreed could not be looked for");
            }
        }
        let start = |number: usize| {
            let (queue, jobs) = byte_queue(pending_bytes / workers.max(1));
            std::thread::Builder::new()
                .name(format!("recorder-{number}"))
                .spawn(move || Worker::new(jobs).run())
                .map(|thread| (queue, Some(thread)))
                .map_err(|error| RecordingError {
                    reason: format!("its thread cannot be started: {}", error.kind()),
                })
        };
        Ok(Self {
            path: path.to_owned(),
            workers: (0..workers.max(1)).map(start).collect::<Result<_, _>>()?,
            next: AtomicUsize::new(0),
        })
    }
}

impl RecordingFiles for RecordingDirectory {
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn RecordingSink>, RecordingError> {
        let name = call_files::name_of(attempt).map_err(|error| RecordingError {
            reason: error.to_string(),
        })?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // There is always one: see `with_workers`.
        let Some((queue, _)) = self.workers.get(number % self.workers.len().max(1)) else {
            return Err(RecordingError {
                reason: "no worker runs".to_owned(),
            });
        };
        let serial = Sha256::digest(name.as_bytes());
        queue.send(Job::Open {
            recording: number,
            attempt: attempt.clone(),
            serial: u32::from_le_bytes([serial[0], serial[1], serial[2], serial[3]]),
            path: self.path.join(format!("{name}{UNCONSENTED}")),
            consented: self.path.join(format!("{name}.ogg")),
        });
        Ok(Arc::new(Recording {
            recording: number,
            queue: queue.clone(),
            end: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }))
    }
}

/// Everything that was appended is on its way to the disk when this returns.
impl Drop for RecordingDirectory {
    fn drop(&mut self) {
        for (queue, _) in &self.workers {
            queue.close();
        }
        for (_, thread) in &mut self.workers {
            if let Some(thread) = thread.take() {
                // A panic of the worker has been logged by the panic hook.
                let _ = thread.join();
            }
        }
    }
}

/// One open recording.
struct Recording {
    recording: usize,
    queue: ByteQueue<Job>,
    /// Where what came last ends, in samples, whether there was room for it or not.
    end: AtomicU64,
    over: AtomicBool,
}

impl Recording {
    /// Ends it once.
    fn conclude(&self, job: Job) {
        if !self.over.swap(true, Ordering::Relaxed) {
            self.queue.send(job);
        }
    }
}

impl RecordingSink for Recording {
    fn append(&self, at: u64, interleaved: Vec<u8>) {
        if !self.over.load(Ordering::Relaxed) {
            // What has no room shows as a gap before what comes next, or before the end.
            let bytes = interleaved.len();
            self.end.store(at.saturating_add(bytes as u64 / 2), Ordering::Relaxed);
            let recording = self.recording;
            let _ = self.queue.offer(
                bytes,
                Job::Audio {
                    recording,
                    at,
                    interleaved,
                },
            );
        }
    }

    fn keep(&self) {
        self.queue.send(Job::Keep {
            recording: self.recording,
        });
    }

    fn discard(&self) {
        self.conclude(Job::Discard {
            recording: self.recording,
        });
    }

    fn finish(&self) {
        self.conclude(Job::Finish {
            recording: self.recording,
            end: self.end.load(Ordering::Relaxed),
        });
    }
}

/// A call that dies without finishing its recording leaves a file that is closed all the same.
impl Drop for Recording {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests;
