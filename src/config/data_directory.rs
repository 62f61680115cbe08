//! The directory of everything that is kept.

use super::private_files::{self, PrivateFileError};
use super::values::key_from_hex;
use super::{Secret, Settings};
use std::path::{Path, PathBuf};

const KEY_FILE: &str = "media-token.key";
const KEY_BYTES: usize = 32;

/// The data directory, made if missing and closed to others.
#[derive(Clone, Debug)]
pub struct DataDirectory(PathBuf);

/// Why there is no key for media tokens.
#[derive(Debug, thiserror::Error)]
pub enum MediaTokenKeyError {
    /// Its file cannot be had.
    #[error("the media token key cannot be kept: {0}")]
    File(#[from] PrivateFileError),
    /// Its file holds something else.
    #[error("{} holds no key; remove it, and a new one is made (calls that are ringing now are lost)", .0.display())]
    Content(PathBuf),
}

impl DataDirectory {
    /// Makes the directory if it is missing.
    ///
    /// # Errors
    /// [`PrivateFileError`], with the remedy.
    pub fn open(path: &Path) -> Result<Self, PrivateFileError> {
        private_files::ensure_directory(path)?;
        Ok(Self(path.to_owned()))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Call journals.
    pub fn journals(&self) -> PathBuf {
        self.0.join("journals")
    }

    /// Recordings of the line.
    pub fn recordings(&self) -> PathBuf {
        self.0.join("recordings")
    }

    /// Synthesised prompts.
    pub fn prompt_cache(&self) -> PathBuf {
        self.0.join("prompts")
    }

    /// The key of the media tokens: the one set, else the one kept here, else a new one that is kept from now on.
    /// It is our own, never the carrier's.
    ///
    /// # Errors
    /// [`MediaTokenKeyError`].
    pub fn media_token_key(&self, settings: &Settings) -> Result<Secret<Vec<u8>>, MediaTokenKeyError> {
        if let Some(key) = &settings.media_token_key {
            return Ok(key.clone());
        }
        let path = self.0.join(KEY_FILE);
        if !path.exists() {
            let key: [u8; KEY_BYTES] = rand::random();
            let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            private_files::write_once(&path, text.as_bytes())?;
        }
        private_files::ensure_file(&path)?;
        // Read back in any case: another process may have been first.
        let text = std::fs::read_to_string(&path).map_err(|_| MediaTokenKeyError::Content(path.clone()))?;
        key_from_hex(text.trim())
            .map(Secret::new)
            .ok_or(MediaTokenKeyError::Content(path))
    }
}
