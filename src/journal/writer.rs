//! The thread that writes journals.

use crate::byte_queue::Jobs;
use crate::call_files::Complaints;
use samvad_actors::domain::AttemptId;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long a line may stay in memory.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// What is collected of one journal before it is written, in bytes: some lines. There is one such buffer a call.
const BUFFER: usize = 1_024;

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
}

struct OpenFile {
    attempt: AttemptId,
    file: BufWriter<File>,
}

/// Writes what comes out of a queue.
pub(super) struct Writer {
    jobs: Jobs<Job>,
    files: HashMap<u64, OpenFile>,
    complaints: Complaints,
}

impl Writer {
    pub(super) fn new(jobs: Jobs<Job>) -> Self {
        Self {
            jobs,
            files: HashMap::new(),
            complaints: Complaints::default(),
        }
    }

    /// Until the queue is closed.
    pub(super) fn run(mut self) {
        let mut flushed = Instant::now();
        let mut unflushed = false;
        loop {
            let received = if unflushed {
                self.jobs.next_within(FLUSH_INTERVAL.saturating_sub(flushed.elapsed()))
            } else {
                self.jobs.next().ok_or(RecvTimeoutError::Disconnected)
            };
            match received {
                Err(RecvTimeoutError::Disconnected) => break,
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
                    && self.complaints.may_complain()
                {
                    tracing::error!(attempt = %open.attempt, "journals come faster than the disk writes; those of some calls end early");
                }
                self.close(journal);
            }
            Job::Finish { journal } => self.close(journal),
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
                if self.complaints.may_complain() {
                    tracing::error!(attempt = %open.attempt, reason = %error.kind(), "a journal cannot be written; calls go on without. Check the disk's room");
                }
            }
        }
    }
}
