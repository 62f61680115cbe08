//! The thread that encodes and writes recordings.

use super::job::Job;
use crate::byte_queue::Jobs;
use crate::call_files::{self, Complaints};
use crate::config::private_files::{self, PrivateFileError};
use samvad_actors::domain::AttemptId;
use samvad_media::SAMPLES_PER_MS;
use samvad_media::opus::OpusError;
use samvad_media::recording::RecordingWriter;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Why a recording ends before its call.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{}; check the disk's room", .0.kind())]
    Disk(#[from] io::Error),
    #[error(transparent)]
    File(#[from] PrivateFileError),
    #[error(transparent)]
    Opus(#[from] OpusError),
}

struct Open {
    attempt: AttemptId,
    /// None if it could not be made.
    file: Option<File>,
    path: PathBuf,
    consented: PathBuf,
    agreed: bool,
    /// Ends with the recording, which may be before its call.
    writer: Option<RecordingWriter>,
    /// Bytes of whole pages in the file.
    written: u64,
    /// Samples for which there was no room on the way here.
    lost: u64,
}

/// Records what comes out of a queue.
pub(super) struct Worker {
    jobs: Jobs<Job>,
    open: HashMap<usize, Open>,
    complaints: Complaints,
}

impl Worker {
    pub(super) fn new(jobs: Jobs<Job>) -> Self {
        Self {
            jobs,
            open: HashMap::new(),
            complaints: Complaints::default(),
        }
    }

    /// Until the queue is closed. Calls that still go on then are over: their recordings end.
    pub(super) fn run(mut self) {
        while let Some(job) = self.jobs.next() {
            self.handle(job);
        }
        let left: Vec<usize> = self.open.keys().copied().collect();
        for recording in left {
            self.finish(recording, 0);
        }
    }

    fn handle(&mut self, job: Job) {
        match job {
            Job::Open {
                recording,
                attempt,
                serial,
                path,
                consented,
            } => {
                let mut open = Open {
                    attempt,
                    file: None,
                    path,
                    consented,
                    agreed: false,
                    writer: None,
                    written: 0,
                    lost: 0,
                };
                let begun = open.begin(serial);
                self.open.insert(recording, open);
                self.settle(recording, begun);
            }
            Job::Audio {
                recording,
                at,
                interleaved,
            } => {
                let Some(open) = self.open.get_mut(&recording) else {
                    return;
                };
                let added = open.add(at, &interleaved);
                self.settle(recording, added);
            }
            Job::Keep { recording } => self.keep(recording),
            Job::Discard { recording } => {
                if let Some(open) = self.open.remove(&recording) {
                    open.delete();
                }
            }
            Job::Finish { recording, end } => self.finish(recording, end),
        }
    }

    /// The person has agreed: from now on the file bears its own name.
    fn keep(&mut self, recording: usize) {
        let Some(open) = self.open.get_mut(&recording) else {
            return;
        };
        if open.agreed {
            return;
        }
        match std::fs::rename(&open.path, &open.consented) {
            Ok(()) => {
                open.path.clone_from(&open.consented);
                open.agreed = true;
            }
            Err(error) => self.complain(recording, &error.into()),
        }
    }

    /// Ends a recording at a position, in samples, or where it is if that is later.
    fn finish(&mut self, recording: usize, end: u64) {
        if let Some(open) = self.open.get_mut(&recording) {
            let filled = open.add(end, &[]);
            self.settle(recording, filled);
        }
        if let Some(writer) = self.open.get_mut(&recording).and_then(|open| open.writer.take()) {
            let rest = writer.finish().map_err(Fault::from);
            let written = rest.and_then(|pages| match self.open.get_mut(&recording) {
                Some(open) => open.write(&pages),
                None => Ok(0),
            });
            self.settle(recording, written);
        }
        let Some(open) = self.open.remove(&recording) else {
            return;
        };
        if open.lost > 0 {
            tracing::warn!(attempt = %open.attempt, lost_ms = open.lost / SAMPLES_PER_MS,
                "a recording has silence where the recorder did not keep up");
        }
        if !open.agreed {
            open.delete();
        }
    }

    /// After a fault a recording ends with its last whole page; the call goes on.
    fn settle(&mut self, recording: usize, result: Result<usize, Fault>) {
        match result {
            Ok(bytes) => {
                if let Some(open) = self.open.get_mut(&recording) {
                    open.written += bytes as u64;
                }
            }
            Err(fault) => {
                if let Some(open) = self.open.get_mut(&recording) {
                    open.writer = None;
                    // Half a page is passed over by players as well.
                    let _ = open.file.as_ref().map(|file| file.set_len(open.written));
                }
                self.complain(recording, &fault);
            }
        }
    }

    fn complain(&mut self, recording: usize, fault: &Fault) {
        if let Some(open) = self.open.get(&recording)
            && self.complaints.may_complain()
        {
            tracing::error!(attempt = %open.attempt, reason = %fault,
                "a recording cannot be written; calls go on without");
        }
    }
}

impl Open {
    /// How many bytes were written.
    fn add(&mut self, at: u64, interleaved: &[u8]) -> Result<usize, Fault> {
        let Some(writer) = &mut self.writer else {
            return Ok(0);
        };
        let missing = at.saturating_sub(writer.samples());
        self.lost += missing;
        writer.push_silence(missing)?;
        writer.push(interleaved)?;
        let pages = writer.take();
        self.write(&pages)
    }

    /// Makes the directory and the file and writes the beginning. How many bytes that was.
    fn begin(&mut self, serial: u32) -> Result<usize, Fault> {
        if let Some(directory) = self.path.parent() {
            private_files::ensure_directory(directory)?;
        }
        self.file = Some(call_files::create(&self.path)?);
        let mut writer = RecordingWriter::new(serial)?;
        let pages = writer.take();
        self.writer = Some(writer);
        self.write(&pages)
    }

    fn write(&mut self, pages: &[u8]) -> Result<usize, Fault> {
        if let Some(file) = &mut self.file {
            file.write_all(pages)?;
        }
        Ok(pages.len())
    }

    fn delete(self) {
        if self.file.is_some()
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(attempt = %self.attempt, reason = %error.kind(),
                "the recording of somebody who did not agree could not be deleted; delete it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_queue::byte_queue;
    use crate::recording::UNCONSENTED;

    #[test]
    fn a_full_disk_ends_one_recording_and_neither_blocks_nor_hurts_the_others() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let (queue, jobs) = byte_queue(1 << 30);
        let mut worker = Worker::new(jobs);
        for (recording, name) in [(0, "full"), (1, "healthy")] {
            worker.handle(Job::Open {
                recording,
                attempt: AttemptId::from(name),
                serial: 1,
                path: scratch.path().join(format!("{name}{UNCONSENTED}")),
                consented: scratch.path().join(format!("{name}.ogg")),
            });
            queue.send(Job::Keep { recording });
        }
        // The device that is always full.
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a Linux machine");
        worker.open.get_mut(&0).expect("open").file = Some(full);
        for batch in 0..50 {
            for recording in [0, 1] {
                let (at, interleaved) = (batch * 1_600, vec![0x20; 3_200]);
                assert!(queue.offer(
                    3_200,
                    Job::Audio {
                        recording,
                        at,
                        interleaved
                    }
                ));
            }
        }
        queue.close();
        worker.run();
        let recorded = |name: &str| {
            let file = std::fs::read(scratch.path().join(name)).expect("there");
            samvad_media::recording::read_recording(&file)
                .expect("a recording")
                .duration_ms()
        };
        assert_eq!(recorded("healthy.ogg"), 10_000);
        assert_eq!(recorded("full.ogg"), 0, "what was on the disk before it was full");
    }
}
