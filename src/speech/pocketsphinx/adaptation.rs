//! The acoustic model's means as adapted to the telephone (`models/en-us-telephone`), for the library to read.

use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const MEANS: &[u8] = include_bytes!("../../../models/en-us-telephone/means");
/// SHA-256 of the `means` of the model that was adapted: Debian's `pocketsphinx-en-us` 0.8+5prealpha.
const ORIGINAL: [u8; 32] = [
    0x83, 0x20, 0x19, 0xe3, 0x2c, 0xac, 0x12, 0xeb, 0x31, 0x89, 0x64, 0xf9, 0x6f, 0x46, 0x90, 0x34, 0xac, 0xb1, 0x2d,
    0x03, 0x48, 0xee, 0xdd, 0xc3, 0x83, 0x18, 0x31, 0xa1, 0x00, 0xcb, 0x4d, 0xd4,
];

/// The adapted means as a file without a name, gone with the process.
pub struct AdaptedMeans(File);

impl AdaptedMeans {
    /// Adapted means for the acoustic model in this folder; `None` if it is not the model they were made for.
    pub fn for_model(acoustic: &Path) -> io::Result<Option<Self>> {
        let original = std::fs::read(acoustic.join("means"))?;
        if Sha256::digest(&original).as_slice() != ORIGINAL {
            return Ok(None);
        }
        let path = std::env::temp_dir().join(format!("samvad-means-{}", uuid::Uuid::new_v4()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        file.write_all(MEANS)?;
        Ok(Some(Self(file)))
    }

    /// Where this process finds them.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}
