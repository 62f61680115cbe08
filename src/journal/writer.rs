//! The thread that writes journals, and the queue before it.

use samvad_actors::domain::AttemptId;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a line may stay in memory.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// What is collected of one journal before it is written, in bytes: some lines. There is one such buffer a call.
const BUFFER: usize = 1_024;
/// A full disk concerns every call; one line in this time says so.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(600);

/// One thing for the writer to do. Journals are numbered as they are opened.
pub(super) enum Job {
    Open {
        journal: u64,
        attempt: AttemptId,
        file: File,
    },
    Line {
        journal: u64,
        line: String,
    },
    Truncated {
        journal: u64,
    },
    Finish {
        journal: u64,
    },
    Stop,
}

/// The way to the writer. Lines count against a limit of bytes; what else there is is small and rare.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: Sender<Job>,
    next_journal: Arc<AtomicU64>,
    pending_bytes: Arc<AtomicUsize>,
    limit_bytes: usize,
}

/// The writer's end of a queue.
pub(super) struct Jobs {
    jobs: Receiver<Job>,
    pending_bytes: Arc<AtomicUsize>,
}

/// A queue that holds at most so many bytes of lines.
pub(super) fn queue(limit_bytes: usize) -> (Queue, Jobs) {
    let (sender, receiver) = channel();
    let pending_bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue {
        jobs: sender,
        next_journal: Arc::new(AtomicU64::new(0)),
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
    pub(super) fn next_journal(&self) -> u64 {
        self.next_journal.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a line over. False if there is no room for it.
    pub(super) fn append(&self, journal: u64, line: String) -> bool {
        let length = line.len();
        if self.pending_bytes.fetch_add(length, Ordering::Relaxed) + length > self.limit_bytes {
            self.pending_bytes.fetch_sub(length, Ordering::Relaxed);
            return false;
        }
        self.send(Job::Line { journal, line });
        true
    }

    pub(super) fn send(&self, job: Job) {
        // The writer is gone only when the process ends; then nothing is left to do.
        let _ = self.jobs.send(job);
    }
}

struct OpenFile {
    attempt: AttemptId,
    file: BufWriter<File>,
}

/// Writes what comes out of a queue.
pub(super) struct Writer {
    jobs: Jobs,
    files: HashMap<u64, OpenFile>,
    complained: Option<Instant>,
}

impl Writer {
    pub(super) fn new(jobs: Jobs) -> Self {
        Self {
            jobs,
            files: HashMap::new(),
            complained: None,
        }
    }

    /// Until a stop, or until nobody is left to send.
    pub(super) fn run(mut self) {
        let mut flushed = Instant::now();
        let mut unflushed = false;
        loop {
            let received = if unflushed {
                self.jobs
                    .jobs
                    .recv_timeout(FLUSH_INTERVAL.saturating_sub(flushed.elapsed()))
            } else {
                self.jobs.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match received {
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(job) => {
                    if !unflushed {
                        flushed = Instant::now();
                    }
                    unflushed = true;
                    self.handle(job);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if unflushed && flushed.elapsed() >= FLUSH_INTERVAL {
                self.flush();
                unflushed = false;
            }
        }
        self.flush();
    }

    fn handle(&mut self, job: Job) {
        match job {
            Job::Open { journal, attempt, file } => {
                self.files.insert(
                    journal,
                    OpenFile {
                        attempt,
                        file: BufWriter::with_capacity(BUFFER, file),
                    },
                );
            }
            Job::Line { journal, line } => {
                self.jobs.pending_bytes.fetch_sub(line.len(), Ordering::Relaxed);
                let Some(open) = self.files.get_mut(&journal) else {
                    return;
                };
                let written = open
                    .file
                    .write_all(line.as_bytes())
                    .and_then(|()| open.file.write_all(b"\n"));
                self.settle(journal, written);
            }
            Job::Truncated { journal } => {
                if let Some(open) = self.files.get(&journal)
                    && may_complain(&mut self.complained)
                {
                    tracing::error!(attempt = %open.attempt, "journals come faster than the disk writes; those of some calls end early");
                }
                self.close(journal);
            }
            Job::Finish { journal } => self.close(journal),
            Job::Stop => {}
        }
    }

    fn close(&mut self, journal: u64) {
        if let Some(open) = self.files.get_mut(&journal) {
            let flushed = open.file.flush();
            self.settle(journal, flushed);
            self.files.remove(&journal);
        }
    }

    fn flush(&mut self) {
        let journals: Vec<u64> = self.files.keys().copied().collect();
        for journal in journals {
            if let Some(open) = self.files.get_mut(&journal) {
                let flushed = open.file.flush();
                self.settle(journal, flushed);
            }
        }
    }

    /// After a failed write a journal ends: a gap in it would replay as another call.
    fn settle(&mut self, journal: u64, result: io::Result<()>) {
        match result {
            Ok(()) => {}
            Err(error) => {
                let Some(open) = self.files.remove(&journal) else {
                    return;
                };
                // Taken apart, because dropping it would try to write once more.
                let _ = open.file.into_parts();
                if may_complain(&mut self.complained) {
                    tracing::error!(attempt = %open.attempt, reason = %error.kind(), "a journal cannot be written; calls go on without. Check the disk's room");
                }
            }
        }
    }
}

fn may_complain(last: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let may = last.is_none_or(|last| now.duration_since(last) >= COMPLAINT_INTERVAL);
    if may {
        *last = Some(now);
    }
    may
}
