//! RIFF WAVE files in memory: reading what synthesisers, recorders and fixtures produce, writing recordings.
//!
//! Format facts: "Multimedia Programming Interface and Data Specifications 1.0" (Microsoft and IBM, 1991) and the
//! registered format tags of RFC 2361.

use crate::codec;

/// Mono audio of any sample rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// Hertz.
    pub sample_rate: u32,
    /// 16-bit samples; several channels have been averaged.
    pub samples: Vec<i16>,
}

/// Why bytes are not a WAV file that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// The file does not begin as a RIFF WAVE file does.
    #[error("not a WAV file: it does not begin with RIFF and WAVE; convert it, for example with `sox in.mp3 out.wav`")]
    NotWave,
    /// The file ends before a chunk that is needed.
    #[error("the WAV file has no `{0}` chunk, or ends before it; export the recording again")]
    MissingChunk(&'static str),
    /// A header field cannot be used.
    #[error("the WAV file's {field} is {value}, but must be {expected}; convert it, for example with `sox`")]
    Unsupported {
        /// The header's field.
        field: &'static str,
        /// Its value.
        value: u32,
        /// What is supported.
        expected: &'static str,
    },
}

/// Reads PCM of 8, 16, 24 or 32 bits, 32-bit float, mu-law or A-law, of 1 to 8 channels, which are averaged.
///
/// Unknown chunks are skipped. A `data` chunk that claims more than the file holds, or nothing (as of an interrupted or a
/// streamed recording), gives what is there; an unfinished last sample is dropped.
///
/// # Errors
/// If the header is damaged or names a format not listed above.
pub fn read(bytes: &[u8]) -> Result<Audio, WavError> {
    read_channels(bytes, false)
}

/// The same of the first channel alone: of a line's two sides, the caller.
///
/// # Errors
/// As [`read`].
pub fn read_left(bytes: &[u8]) -> Result<Audio, WavError> {
    read_channels(bytes, true)
}

fn read_channels(bytes: &[u8], first_alone: bool) -> Result<Audio, WavError> {
    let riff = bytes.get(..4).ok_or(WavError::NotWave)?;
    let wave = bytes.get(8..12).ok_or(WavError::NotWave)?;
    if riff != b"RIFF" || wave != b"WAVE" {
        return Err(WavError::NotWave);
    }
    let mut format = None;
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((id, body, next)) = next_chunk(rest) {
        match id {
            b"fmt " => format = Some(Format::parse(body)?),
            b"data" => {
                let format = format.ok_or(WavError::MissingChunk("fmt "))?;
                let body = if body.is_empty() { next } else { body };
                return Ok(Audio {
                    sample_rate: format.sample_rate,
                    samples: format.decode(body, first_alone),
                });
            }
            _ => {}
        }
        rest = next;
    }
    Err(WavError::MissingChunk(if format.is_some() { "data" } else { "fmt " }))
}

/// A mono WAV file of 16-bit PCM.
pub fn write_pcm16(samples: &[i16], sample_rate: u32) -> Vec<u8> {
    let mut data = Vec::with_capacity(samples.len() * 2);
    for sample in samples {
        data.extend_from_slice(&sample.to_le_bytes());
    }
    write_mono(FORMAT_PCM, 16, sample_rate, &data)
}

/// A mono WAV file of mu-law codes.
pub fn write_mulaw(codes: &[u8], sample_rate: u32) -> Vec<u8> {
    write_mono(FORMAT_MULAW, 8, sample_rate, codes)
}

const FORMAT_PCM: u16 = 1;
const FORMAT_FLOAT: u16 = 3;
const FORMAT_ALAW: u16 = 6;
const FORMAT_MULAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xfffe;

/// Identifier and body of the first chunk, and what follows. A body shorter than announced is given as it is.
fn next_chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..length).unwrap_or(rest);
    // Chunks begin at even offsets.
    let next = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
    Some((id, body, next))
}

#[derive(Clone, Copy)]
enum Encoding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Mulaw,
    Alaw,
}

#[derive(Clone, Copy)]
struct Format {
    encoding: Encoding,
    channels: u16,
    sample_rate: u32,
}

impl Format {
    fn parse(body: &[u8]) -> Result<Self, WavError> {
        let half = |at: usize| match body.get(at..at + 2) {
            Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
            _ => Err(WavError::MissingChunk("fmt ")),
        };
        let channels = half(2)?;
        let sample_rate = u32::from(half(4)?) | u32::from(half(6)?) << 16;
        let bits = half(14)?;
        // An extensible format keeps the plain format tag in the first two bytes of its sub-format.
        let tag = if half(0)? == FORMAT_EXTENSIBLE {
            half(24)?
        } else {
            half(0)?
        };
        let encoding = match (tag, bits) {
            (FORMAT_PCM, 8) => Encoding::Unsigned8,
            (FORMAT_PCM, 16) => Encoding::Signed16,
            (FORMAT_PCM, 24) => Encoding::Signed24,
            (FORMAT_PCM, 32) => Encoding::Signed32,
            (FORMAT_FLOAT, 32) => Encoding::Float32,
            (FORMAT_MULAW, 8) => Encoding::Mulaw,
            (FORMAT_ALAW, 8) => Encoding::Alaw,
            (FORMAT_PCM | FORMAT_FLOAT | FORMAT_MULAW | FORMAT_ALAW, _) => {
                let expected = "8, 16, 24 or 32 for PCM, 32 for float, 8 for mu-law and A-law";
                return Err(WavError::Unsupported {
                    field: "bits per sample",
                    value: bits.into(),
                    expected,
                });
            }
            _ => {
                let expected = "1 (PCM), 3 (float), 6 (A-law) or 7 (mu-law)";
                return Err(WavError::Unsupported {
                    field: "format tag",
                    value: tag.into(),
                    expected,
                });
            }
        };
        if !(1..=8).contains(&channels) {
            let expected = "from 1 to 8";
            return Err(WavError::Unsupported {
                field: "number of channels",
                value: channels.into(),
                expected,
            });
        }
        if !(1_000..=384_000).contains(&sample_rate) {
            let expected = "from 1000 to 384000 Hz";
            return Err(WavError::Unsupported {
                field: "sample rate",
                value: sample_rate,
                expected,
            });
        }
        Ok(Self {
            encoding,
            channels,
            sample_rate,
        })
    }

    fn decode(self, data: &[u8], first_alone: bool) -> Vec<i16> {
        let mixed = if first_alone { 1 } else { self.channels };
        match self.encoding {
            Encoding::Unsigned8 => self.mix(mixed, data, |[byte]: [u8; 1]| (i16::from(byte) - 128) << 8),
            Encoding::Signed16 => self.mix(mixed, data, i16::from_le_bytes),
            Encoding::Signed24 => self.mix(mixed, data, |[_, middle, high]: [u8; 3]| {
                i16::from_le_bytes([middle, high])
            }),
            Encoding::Signed32 => self.mix(mixed, data, |[_, _, middle, high]: [u8; 4]| {
                i16::from_le_bytes([middle, high])
            }),
            // The cast saturates, and makes a zero of what is not a number.
            Encoding::Float32 => self.mix(mixed, data, |bytes: [u8; 4]| {
                (f32::from_le_bytes(bytes) * 32_768.0) as i16
            }),
            Encoding::Mulaw => self.mix(mixed, data, |[code]: [u8; 1]| codec::mulaw_to_linear(code)),
            Encoding::Alaw => self.mix(mixed, data, |[code]: [u8; 1]| codec::alaw_to_linear(code)),
        }
    }

    /// The mean of the first `mixed` channels.
    fn mix<const BYTES: usize>(self, mixed: u16, data: &[u8], sample: impl Fn([u8; BYTES]) -> i16) -> Vec<i16> {
        let channels = usize::from(self.channels);
        let (samples, _unfinished) = data.as_chunks::<BYTES>();
        let frame = |frame: &[[u8; BYTES]]| {
            let sum: i32 = frame
                .iter()
                .take(usize::from(mixed))
                .map(|&bytes| i32::from(sample(bytes)))
                .sum();
            (sum / i32::from(mixed)) as i16
        };
        samples.chunks_exact(channels).map(frame).collect()
    }
}

fn write_mono(tag: u16, bits: u16, sample_rate: u32, data: &[u8]) -> Vec<u8> {
    // A RIFF length has 32 bits: what lies beyond is left for readers that take what is there.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let block = bits / 8;
    let mut file = Vec::with_capacity(data.len() + 45);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length.saturating_add(36 + length % 2).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0");
    file.extend_from_slice(&tag.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&sample_rate.to_le_bytes());
    file.extend_from_slice(&sample_rate.saturating_mul(block.into()).to_le_bytes());
    file.extend_from_slice(&block.to_le_bytes());
    file.extend_from_slice(&bits.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(data);
    if data.len() % 2 == 1 {
        file.push(0);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(tag: u16, bits: u16, channels: u16, extra_chunk: &[u8], data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        file.extend_from_slice(extra_chunk);
        file.extend_from_slice(b"fmt \x10\0\0\0");
        for half in [tag, channels, 8000, 0, 0, 0, 0, bits] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        file.extend_from_slice(b"data");
        file.extend_from_slice(&(data.len() as u32).to_le_bytes());
        file.extend_from_slice(data);
        file
    }

    fn samples(file: &[u8]) -> Vec<i16> {
        read(file).expect("a WAV file").samples
    }

    #[test]
    fn every_supported_encoding_gives_the_same_scale() {
        assert_eq!(samples(&file(1, 8, 1, b"", &[128, 0, 192])), [0, -32768, 16384]);
        assert_eq!(samples(&file(1, 16, 1, b"", &[0, 0x40, 0, 0x80])), [16384, -32768]);
        assert_eq!(
            samples(&file(1, 24, 1, b"", &[9, 0, 0x40, 9, 0, 0x80])),
            [16384, -32768]
        );
        assert_eq!(samples(&file(1, 32, 1, b"", &[9, 9, 0, 0x40])), [16384]);
        let floats: Vec<u8> = [0.5f32, -1.0, 7.0, f32::NAN]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(samples(&file(3, 32, 1, b"", &floats)), [16384, -32768, 32767, 0]);
        assert_eq!(samples(&file(7, 8, 1, b"", &[0x80, 0xff])), [32124, 0]);
        assert_eq!(samples(&file(6, 8, 1, b"", &[0xaa, 0xd5])), [32256, 8]);
    }

    #[test]
    fn stereo_is_averaged_without_overflow() {
        assert_eq!(
            samples(&file(1, 16, 2, b"", &[0xff, 0x7f, 0xff, 0x7f, 0, 0x80, 2, 0])),
            [32767, -16383]
        );
    }

    #[test]
    fn the_left_channel_is_read_alone() {
        let stereo = file(1, 16, 2, b"", &[1, 0, 9, 9, 2, 0, 9, 9]);
        assert_eq!(read_left(&stereo).expect("a WAV file").samples, [1, 2]);
        assert_eq!(
            read_left(&file(1, 16, 1, b"", &[3, 0])),
            read(&file(1, 16, 1, b"", &[3, 0]))
        );
    }

    #[test]
    fn odd_and_unknown_chunks_are_skipped() {
        assert_eq!(samples(&file(1, 8, 1, b"LIST\x03\0\0\0abc\0", &[192])), [16384]);
    }

    #[test]
    fn a_truncated_recording_gives_what_is_there() {
        let mut truncated = file(1, 16, 1, b"", &[0, 0x40, 0, 0x20, 0, 0x10]);
        truncated.truncate(truncated.len() - 3);
        assert_eq!(samples(&truncated), [16384]);
    }

    #[test]
    fn the_extensible_format_is_read_by_its_sub_format() {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0".to_vec();
        for half in [
            0xfffe, 1, 16000, 0, 0, 0, 2, 16, 22, 16, 4, 0, 1, 0, 0, 0x10, 0x80, 0xaa, 0x38, 0x9b,
        ] {
            bytes.extend_from_slice(&u16::to_le_bytes(half));
        }
        bytes.extend_from_slice(b"data\x02\0\0\0\0\x40");
        assert_eq!(
            read(&bytes),
            Ok(Audio {
                sample_rate: 16000,
                samples: vec![16384]
            })
        );
    }

    #[test]
    fn errors_name_the_fault_and_the_remedy() {
        assert_eq!(read(b"ID3"), Err(WavError::NotWave));
        assert_eq!(read(b"RIFF\0\0\0\0WAVE"), Err(WavError::MissingChunk("fmt ")));
        let error = read(&file(0x55, 16, 1, b"", &[])).expect_err("MP3 in a WAV file");
        assert!(
            error
                .to_string()
                .starts_with("the WAV file's format tag is 85, but must be 1 (PCM)"),
            "{error}"
        );
        assert!(matches!(
            read(&file(1, 12, 1, b"", &[])),
            Err(WavError::Unsupported {
                field: "bits per sample",
                ..
            })
        ));
        assert!(matches!(
            read(&file(1, 16, 0, b"", &[])),
            Err(WavError::Unsupported {
                field: "number of channels",
                ..
            })
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>, cut: usize) {
            let _ = read(&bytes);
            let mut damaged = file(1, 16, 2, b"", &bytes);
            let position = cut % damaged.len();
            damaged[position] ^= 0xff;
            let _ = read(&damaged);
            let _ = read(&damaged[..position]);
        }

        #[test]
        fn what_is_written_is_read_back(samples: Vec<i16>, codes: Vec<u8>, rate in 1_000u32..=384_000) {
            let audio = Audio { sample_rate: rate, samples };
            prop_assert_eq!(read(&write_pcm16(&audio.samples, rate)), Ok(audio));
            let decoded = codes.iter().map(|&code| codec::mulaw_to_linear(code)).collect();
            prop_assert_eq!(read(&write_mulaw(&codes, rate)), Ok(Audio { sample_rate: rate, samples: decoded }));
        }
    }
}
