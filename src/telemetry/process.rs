//! What a process uses, read from Linux's `/proc` (proc(5)).

use std::path::PathBuf;

/// Clock ticks per second in `/proc/PID/stat`: Linux's `USER_HZ`, 100 on every architecture Samvad is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used and holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessUsage {
    /// Processor time since its start, user and system, all threads, in seconds (in steps of 0.01). Its children
    /// are not in it.
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub open_descriptors: u64,
}

/// Why a process's usage is not known.
#[derive(Debug, thiserror::Error)]
pub enum ProcessUsageError {
    /// `/proc` is Linux's.
    #[error("the usage of processes is measured on Linux only")]
    Unsupported,
    /// The process has ended, or belongs to somebody else.
    #[error("process {0} has ended or may not be looked at")]
    Gone(u32),
    /// Its files are not in the form known.
    #[error("the files of process {0} in /proc are not understood")]
    Unreadable(u32),
}

impl ProcessUsage {
    /// Of this process.
    ///
    /// # Errors
    /// [`ProcessUsageError`].
    pub fn of_self() -> Result<Self, ProcessUsageError> {
        Self::of(std::process::id())
    }

    /// Of a process of the same user.
    ///
    /// # Errors
    /// [`ProcessUsageError`].
    pub fn of(pid: u32) -> Result<Self, ProcessUsageError> {
        if !cfg!(target_os = "linux") {
            return Err(ProcessUsageError::Unsupported);
        }
        let directory = PathBuf::from(format!("/proc/{pid}"));
        let read = |name| std::fs::read_to_string(directory.join(name)).map_err(|_| ProcessUsageError::Gone(pid));
        let (stat, status) = (read("stat")?, read("status")?);
        let descriptors = std::fs::read_dir(directory.join("fd"))
            .map_err(|_| ProcessUsageError::Gone(pid))?
            .count();
        let usage = || {
            Some(Self {
                cpu_seconds: cpu_seconds(&stat)?,
                // Without it a process has no memory any more: it has ended and is not yet waited for.
                resident_bytes: field(&status, "VmRSS").unwrap_or(0) * 1024,
                threads: field(&status, "Threads")?,
                open_descriptors: descriptors as u64,
            })
        };
        usage().ok_or(ProcessUsageError::Unreadable(pid))
    }
}

/// Fields 14 and 15 of `stat`, counted from behind the name, which may hold blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some((f64::from(ticks()?) + f64::from(ticks()?)) / TICKS_PER_SECOND)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_descriptors() {
        let before = ProcessUsage::of_self().expect("Linux");
        assert!(before.resident_bytes > 1 << 20 && before.threads >= 1 && before.open_descriptors >= 3);
        let file = std::fs::File::open("/proc/self/stat").expect("Linux");
        let mut sum = 0_u64;
        while ProcessUsage::of_self().expect("Linux").cpu_seconds <= before.cpu_seconds {
            sum = (0..1_000_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        drop(file);
    }

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = "7 (a ) b (c)) S 1 7 7 0 -1 4194560 2500 0 0 0 150 25 9 9 20 0 5 0 100 0 0";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
        assert_eq!(cpu_seconds(""), None);
    }

    #[test]
    fn a_process_that_is_gone_is_said_to_be_gone() {
        let mut child = std::process::Command::new("true").spawn().expect("started");
        let pid = child.id();
        child.wait().expect("ended");
        assert!(matches!(ProcessUsage::of(pid), Err(ProcessUsageError::Gone(gone)) if gone == pid));
    }
}
