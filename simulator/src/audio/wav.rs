//! Reading WAV files: PCM of 8 to 32 bits, and mu-law, of any rate and any number of channels.

use super::{SAMPLE_RATE, decode, resample::to_line_rate};
use std::path::{Path, PathBuf};

const FORMAT_PCM: u16 = 1;
const FORMAT_MULAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WavError {
    #[error("{path} cannot be read ({source}); check the path, which is relative to the scenario file")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a usable WAV file ({fault}); convert it to 16-bit PCM or mu-law, for example with sox")]
    Malformed { path: PathBuf, fault: &'static str },
}

/// Reads a file and gives its samples at 8 kHz, one channel (the mean of several).
pub(crate) fn read_wav(path: &Path) -> Result<Vec<i16>, WavError> {
    let bytes = std::fs::read(path).map_err(|source| WavError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse_wav(&bytes).map_err(|fault| WavError::Malformed {
        path: path.to_owned(),
        fault,
    })
}

struct Format {
    coding: u16,
    channels: usize,
    rate: u32,
    bits: u16,
}

fn parse_wav(bytes: &[u8]) -> Result<Vec<i16>, &'static str> {
    let (riff, body) = bytes.split_at_checked(12).ok_or("it is shorter than a header")?;
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err("it does not begin with RIFF and WAVE");
    }
    let mut format = None;
    let mut rest = body;
    while let Some((header, after)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        // A writer that could not seek back leaves a length beyond the end: take what is there.
        let (chunk, next) = after.split_at(length.min(after.len()));
        match &header[..4] {
            b"fmt " => format = Some(parse_format(chunk)?),
            b"data" => return samples(&format.ok_or("its data come before its format")?, chunk),
            _ => {}
        }
        rest = next.get(length % 2..).unwrap_or_default();
    }
    Err("it has no data chunk")
}

fn parse_format(chunk: &[u8]) -> Result<Format, &'static str> {
    let word = |at: usize| {
        chunk
            .get(at..at + 2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .ok_or("its format is cut")
    };
    let mut coding = word(0)?;
    if coding == FORMAT_EXTENSIBLE {
        coding = word(24)?;
    }
    let rate = u32::from(word(4)?) | u32::from(word(6)?) << 16;
    let format = Format {
        coding,
        channels: usize::from(word(2)?),
        rate,
        bits: word(14)?,
    };
    match (format.coding, format.bits) {
        (FORMAT_PCM, 8 | 16 | 24 | 32) | (FORMAT_MULAW, 8) => {}
        _ => return Err("its coding is neither PCM of 8, 16, 24 or 32 bits nor mu-law"),
    }
    if format.channels == 0 || format.channels > 32 {
        return Err("its number of channels is not 1 to 32");
    }
    if !(1_000..=384_000).contains(&format.rate) {
        return Err("its sample rate is not 1 to 384 kHz");
    }
    Ok(format)
}

fn samples(format: &Format, data: &[u8]) -> Result<Vec<i16>, &'static str> {
    let width = usize::from(format.bits / 8);
    let one = |bytes: &[u8]| -> i32 {
        match (format.coding, width) {
            (FORMAT_MULAW, _) => i32::from(decode(bytes[0])),
            (_, 1) => (i32::from(bytes[0]) - 128) << 8,
            // Little-endian: the two highest bytes are the last.
            _ => i32::from(i16::from_le_bytes([bytes[width - 2], bytes[width - 1]])),
        }
    };
    let mono: Vec<i16> = data
        .chunks_exact(width * format.channels)
        .map(|frame| (frame.chunks_exact(width).map(one).sum::<i32>() / format.channels as i32) as i16)
        .collect();
    Ok(if format.rate == SAMPLE_RATE {
        mono
    } else {
        to_line_rate(&mono, format.rate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(coding: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        out.extend(coding.to_le_bytes());
        out.extend(channels.to_le_bytes());
        out.extend(rate.to_le_bytes());
        out.extend((rate * u32::from(bits / 8) * u32::from(channels)).to_le_bytes());
        out.extend((bits / 8 * channels).to_le_bytes());
        out.extend(bits.to_le_bytes());
        out.extend(b"LIST\x03\0\0\0abc\0data");
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn pcm_and_mulaw_give_the_same_samples() {
        assert_eq!(
            parse_wav(&wav(1, 1, 8000, 16, &[0x34, 0x12, 0xFF, 0xFF])),
            Ok(vec![0x1234, -1])
        );
        assert_eq!(parse_wav(&wav(1, 1, 8000, 8, &[128, 255])), Ok(vec![0, 0x7F00]));
        assert_eq!(parse_wav(&wav(1, 1, 8000, 24, &[9, 0x34, 0x12])), Ok(vec![0x1234]));
        assert_eq!(parse_wav(&wav(7, 1, 8000, 8, &[0xFF, 0x80])), Ok(vec![0, 32_124]));
    }

    #[test]
    fn channels_are_averaged() {
        assert_eq!(parse_wav(&wav(1, 2, 8000, 16, &[100, 0, 50, 0])), Ok(vec![75]));
    }

    #[test]
    fn another_rate_is_brought_to_eight_kilohertz() {
        let second = vec![0u8; 2 * 44_100];
        let length = parse_wav(&wav(1, 1, 44_100, 16, &second)).expect("well formed").len();
        assert_eq!(length, 8_000);
    }

    #[test]
    fn a_file_that_is_not_wav_says_so_with_a_remedy() {
        let error = read_wav(Path::new("/nonexistent.wav"))
            .expect_err("no such file")
            .to_string();
        assert!(
            error.contains("/nonexistent.wav") && error.contains("check the path"),
            "{error}"
        );
        assert_eq!(parse_wav(b"OggS"), Err("it is shorter than a header"));
        assert_eq!(
            parse_wav(&wav(3, 1, 8000, 32, &[0; 4])).map_err(|e| e.contains("coding")),
            Err(true)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
            let _ = parse_wav(&bytes);
            let whole = wav(1, 1, 8000, 16, &bytes);
            let _ = parse_wav(&whole[..whole.len().saturating_sub(cut)]);
        }
    }
}
