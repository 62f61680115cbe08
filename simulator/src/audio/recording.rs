//! Recording a line: a WAV file of two channels, the caller on the left and the agent on the right, as mu-law.

use super::{SAMPLE_RATE, SILENCE};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What both sides of one call sounded like.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    interleaved: Vec<u8>,
}

impl Recording {
    /// Adds one tick; a side that is silent or shorter is filled up with silence.
    pub(crate) fn push(&mut self, caller: &[u8], agent: Option<&[u8]>) {
        let agent = agent.unwrap_or_default();
        for (index, &byte) in caller.iter().enumerate() {
            self.interleaved
                .extend([byte, agent.get(index).copied().unwrap_or(SILENCE)]);
        }
    }

    /// Writes the file, readable by its owner alone: it holds voices.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let data = u32::try_from(self.interleaved.len()).unwrap_or(u32::MAX - 64);
        let mut header = Vec::with_capacity(58);
        header.extend(b"RIFF");
        header.extend((50 + data).to_le_bytes());
        header.extend(b"WAVEfmt \x12\0\0\0\x07\0\x02\0");
        header.extend(SAMPLE_RATE.to_le_bytes());
        header.extend((SAMPLE_RATE * 2).to_le_bytes());
        header.extend(b"\x02\0\x08\0\0\0fact\x04\0\0\0");
        header.extend((data / 2).to_le_bytes());
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        file.write_all(&header)?;
        file.write_all(&self.interleaved[..data as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::read_wav;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_recording_reads_back_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("call.wav");
        let mut recording = Recording::default();
        recording.push(&[0x80; 160], None);
        recording.push(&[SILENCE; 160], Some(&[0x80; 80]));
        recording.write(&path).expect("written");
        let samples = read_wav(&path).expect("readable");
        assert_eq!(samples.len(), 320);
        assert_eq!(samples[0], 32_124 / 2, "the mean of a loud caller and a silent agent");
        assert_eq!(samples[170], 32_124 / 2);
        assert_eq!(samples[319], 0);
        let mode = std::fs::metadata(&path).expect("exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
