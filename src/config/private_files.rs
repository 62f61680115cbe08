//! Files and directories that nobody but their owner reads: everything Samvad keeps is in such.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const OTHERS: u32 = 0o077;

/// Why a private file or directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The directory may be entered by others.
    #[error("the directory {} can be entered by other users (mode {mode:o}); run `chmod 700` on it, or name a directory of its own", path.display())]
    OpenToOthers {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The path is there and no directory.
    #[error("{} is not a directory; name another path", .0.display())]
    NotADirectory(PathBuf),
    /// The system refused.
    #[error("cannot {action} {}: {reason}; check that the path and its owner are right and that the disk has room", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file or directory.
        path: PathBuf,
        /// The system's word.
        reason: io::ErrorKind,
    },
}

/// Makes a directory with its parents, mode 0700. One that is there already must be closed to others; an empty one
/// is closed here, as a fresh volume is ours to claim.
///
/// # Errors
/// [`PrivateFileError`], with the remedy.
pub fn ensure_directory(path: &Path) -> Result<(), PrivateFileError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => Err(PrivateFileError::NotADirectory(path.to_owned())),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o7777;
            if mode & OTHERS == 0 {
                return Ok(());
            }
            let empty = fs::read_dir(path)
                .map_err(|error| failed("read", path, &error))?
                .next()
                .is_none();
            if empty && fs::set_permissions(path, fs::Permissions::from_mode(0o700)).is_ok() {
                return Ok(());
            }
            Err(PrivateFileError::OpenToOthers {
                path: path.to_owned(),
                mode,
            })
        }
        Err(_) => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| failed("create", path, &error)),
    }
}

/// Makes an empty file, mode 0600, or closes one that is there to others. Its content stays.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn ensure_file(path: &Path) -> Result<(), PrivateFileError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed("create", path, &error))?;
    let mode = file
        .metadata()
        .map_err(|error| failed("read", path, &error))?
        .permissions()
        .mode();
    if mode & OTHERS != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(|error| failed("close to others", path, &error))?;
    }
    Ok(())
}

/// Makes a new file for writing, mode 0600.
///
/// # Errors
/// [`PrivateFileError::Io`], also if the file is there already.
pub fn create_new(path: &Path) -> Result<File, PrivateFileError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed("create", path, &error))
}

/// Writes a file whole or not at all, mode 0600, unless it is there already. Of several processes that try at once
/// one wins, and none ever reads half of it. True if it was this one.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn write_once(path: &Path, content: &[u8]) -> Result<bool, PrivateFileError> {
    let draft = path.with_extension(format!("draft-{}", uuid::Uuid::new_v4().simple()));
    let written = create_new(&draft).and_then(|mut file| {
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("write", &draft, &error))?;
        // A hard link fails if the name is taken, where a rename would replace it.
        match fs::hard_link(&draft, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed("create", path, &error)),
        }
    });
    let _ = fs::remove_file(&draft);
    written
}

/// Writes a file whole or not at all, mode 0600, in place of one that is there.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn replace(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    let draft = path.with_extension(format!("draft-{}", uuid::Uuid::new_v4().simple()));
    let written = create_new(&draft).and_then(|mut file| {
        file.write_all(content)
            .map_err(|error| failed("write", &draft, &error))?;
        fs::rename(&draft, path).map_err(|error| failed("replace", path, &error))
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn failed(action: &'static str, path: &Path, error: &io::Error) -> PrivateFileError {
    PrivateFileError::Io {
        action,
        path: path.to_owned(),
        reason: error.kind(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o7777
    }

    #[test]
    fn a_new_directory_and_its_files_are_for_their_owner_alone() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let directory = scratch.path().join("a/b");
        ensure_directory(&directory).expect("made");
        assert_eq!((mode(&directory), mode(&scratch.path().join("a"))), (0o700, 0o700));
        ensure_file(&directory.join("f")).expect("made");
        assert_eq!(mode(&directory.join("f")), 0o600);
    }

    #[test]
    fn an_empty_directory_is_closed_and_a_used_one_is_refused_with_the_remedy() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        ensure_directory(scratch.path()).expect("claimed");
        assert_eq!(mode(scratch.path()), 0o700);

        fs::write(scratch.path().join("somebody's"), "x").expect("written");
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let refusal = ensure_directory(scratch.path()).expect_err("not ours").to_string();
        assert!(refusal.contains("chmod 700"), "{refusal}");
        assert_eq!(
            mode(scratch.path()),
            0o755,
            "somebody else's directory is left as it is"
        );
    }

    #[test]
    fn a_file_open_to_others_is_closed_and_keeps_its_content() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let path = scratch.path().join("f");
        fs::write(&path, "kept").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
        ensure_file(&path).expect("closed");
        assert_eq!(
            (mode(&path), fs::read_to_string(&path).expect("read").as_str()),
            (0o600, "kept")
        );
    }

    #[test]
    fn of_many_writers_of_one_file_exactly_one_wins() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let path = scratch.path().join("key");
        let wins: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16)
                .map(|n| {
                    scope.spawn({
                        let path = &path;
                        move || usize::from(write_once(path, format!("{n:032}").as_bytes()).expect("tried"))
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().expect("no panic")).sum()
        });
        assert_eq!(wins, 1);
        assert_eq!(fs::read_to_string(&path).expect("read").len(), 32);
        assert_eq!(
            fs::read_dir(scratch.path()).expect("listed").count(),
            1,
            "no draft is left behind"
        );
    }
}
