//! The end of keeping files.

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What a purge of a directory did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedFiles {
    /// Files removed.
    pub removed: u64,
    /// Files that should have gone and could not be removed.
    pub failed: u64,
}

/// Removes the files of a directory that were last written before a time and whose names end in one of the
/// extensions (without dot). Other files, directories below and links stay. A directory that does not exist is
/// empty.
///
/// # Errors
/// The system's error if the directory cannot be listed.
pub fn purge_files(directory: &Path, extensions: &[&str], before: SystemTime) -> io::Result<PurgedFiles> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PurgedFiles::default()),
        entries => entries?,
    };
    let mut purged = PurgedFiles::default();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let is_ours = path
            .extension()
            .is_some_and(|found| extensions.iter().any(|extension| found == *extension));
        // Of the entry itself: a link's target is none of ours.
        let Ok(metadata) = entry.metadata() else { continue };
        if !is_ours || !metadata.is_file() || metadata.modified()? >= before {
            continue;
        }
        match std::fs::remove_file(&path) {
            Ok(()) => purged.removed += 1,
            Err(_) => purged.failed += 1,
        }
    }
    Ok(purged)
}
