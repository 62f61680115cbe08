//! What the files of calls have in common, journals and recordings: their names, the lock of the call that writes one,
//! the end of keeping them, and how often a fault of the disk is told.

use crate::config::private_files::{self, PrivateFileError};
use samvad_actors::domain::AttemptId;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A full disk concerns every call; one line in this time says so.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(600);
/// The longest name without its ending.
const LONGEST_NAME: usize = 64;

/// An attempt whose id cannot be the name of a file.
#[derive(Debug, thiserror::Error)]
#[error("the attempt's id is no plain name; use at most {LONGEST_NAME} letters, digits, - and _")]
pub struct NotAName;

/// What a purge of a directory did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedFiles {
    /// Files removed.
    pub removed: u64,
    /// Files that should have gone and could not be removed.
    pub failed: u64,
}

/// The name of the files of an attempt, without their ending: one that leads out of no directory.
///
/// # Errors
/// [`NotAName`] unless the id consists of letters, digits, `-` and `_`, at most 64.
pub fn name_of(attempt: &AttemptId) -> Result<&str, NotAName> {
    let id = attempt.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match !id.is_empty() && id.len() <= LONGEST_NAME && id.bytes().all(plain) {
        true => Ok(id),
        false => Err(NotAName),
    }
}

/// Makes a new file, mode 0600, that [`purge_files`] leaves alone for as long as it is open; the lock goes with the
/// process.
///
/// # Errors
/// [`PrivateFileError::Io`], also if the file is there already.
pub fn create(path: &Path) -> Result<File, PrivateFileError> {
    let file = private_files::create_new(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(error) => Err(PrivateFileError::Io {
            action: "lock",
            path: path.to_owned(),
            reason: io::Error::from(error).kind(),
        }),
    }
}

/// Removes the files of a directory whose names end in one of these and that were last written before its time. Files
/// that a call still writes, other files, directories below and links stay. A directory that does not exist is empty.
///
/// # Errors
/// The system's error if the directory cannot be listed.
pub fn purge_files(directory: &Path, endings: &[(&str, SystemTime)]) -> io::Result<PurgedFiles> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PurgedFiles::default()),
        entries => entries?,
    };
    let mut purged = PurgedFiles::default();
    for entry in entries {
        let entry = entry?;
        // Of the entry itself: a link's target is none of ours.
        let Ok(metadata) = entry.metadata() else { continue };
        let (name, written) = (entry.file_name(), metadata.modified()?);
        let name = name.to_string_lossy();
        let is_due = |(ending, before): &(&str, SystemTime)| name.ends_with(ending) && written < *before;
        if !metadata.is_file() || !endings.iter().any(is_due) {
            continue;
        }
        match remove_unless_open(&entry.path()) {
            Ok(true) => purged.removed += 1,
            Ok(false) => {}
            Err(_) => purged.failed += 1,
        }
    }
    Ok(purged)
}

/// False if a call writes it.
fn remove_unless_open(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock() {
        Ok(()) => std::fs::remove_file(path).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tells a fault again only when the last time is long ago.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Option<Instant>);

impl Complaints {
    /// Whether a fault is to be told now.
    pub(crate) fn may_complain(&mut self) -> bool {
        let now = Instant::now();
        let may = self.0.is_none_or(|last| now.duration_since(last) >= COMPLAINT_INTERVAL);
        if may {
            self.0 = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_purge_removes_old_files_of_its_kind_alone_each_kind_by_its_time() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let now = SystemTime::now();
        let day = Duration::from_secs(86_400);
        for (name, age) in [
            ("old.jsonl", 3),
            ("new.jsonl", 0),
            ("old.txt", 3),
            ("old.wav", 3),
            ("jsonl", 3),
            ("new.ogg", 0),
            ("new.unconsented.ogg", 0),
        ] {
            let file = fs::File::create(scratch.path().join(name)).expect("made");
            file.set_modified(now - day * age).expect("aged");
        }
        fs::create_dir(scratch.path().join("directory.jsonl")).expect("made");
        std::os::unix::fs::symlink("old.txt", scratch.path().join("link.jsonl")).expect("linked");
        let (old, any) = (now - day, now + day);
        let endings = [(".jsonl", old), (".wav", old), (".ogg", old), (".unconsented.ogg", any)];
        let purged = purge_files(scratch.path(), &endings).expect("purged");
        assert_eq!(purged, PurgedFiles { removed: 3, failed: 0 });
        let mut left: Vec<_> = fs::read_dir(scratch.path())
            .expect("listed")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "directory.jsonl",
                "jsonl",
                "link.jsonl",
                "new.jsonl",
                "new.ogg",
                "old.txt"
            ]
        );
        assert_eq!(
            purge_files(&scratch.path().join("none"), &endings).expect("empty"),
            PurgedFiles::default()
        );
    }

    #[test]
    fn a_purge_leaves_a_file_alone_that_a_call_still_writes() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let path = scratch.path().join("live.jsonl");
        let later = SystemTime::now() + Duration::from_secs(60);
        let purged = || purge_files(scratch.path(), &[(".jsonl", later)]).expect("purged");
        let file = create(&path).expect("made");
        assert_eq!((purged(), path.exists()), (PurgedFiles::default(), true));
        drop(file);
        assert_eq!((purged().removed, path.exists()), (1, false));
    }

    #[test]
    fn a_file_that_cannot_be_removed_is_counted() {
        // Nobody removes a file of the kernel's.
        let files = Path::new("/proc/sys/kernel/random");
        let later = SystemTime::now() + Duration::from_secs(60);
        let purged = purge_files(files, &[("boot_id", later)]).expect("listed");
        assert_eq!(purged, PurgedFiles { removed: 0, failed: 1 });
    }

    #[test]
    fn a_fault_is_told_once_and_not_again_at_once() {
        let mut complaints = Complaints::default();
        assert_eq!([complaints.may_complain(), complaints.may_complain()], [true, false]);
    }
}
