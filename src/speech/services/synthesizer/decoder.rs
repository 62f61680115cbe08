//! The bytes of a sentence, as they come, to samples.

use super::{Encoding, unusable};
use samvad_actors::ports::{Pcm, SynthesisError};
use samvad_media::{codec, wav};
use std::ops::RangeInclusive;

/// How a WAV file and its `data` chunk begin.
const RIFF: &[u8] = b"RIFF";
/// Where the first chunk of a WAV file is.
const FIRST_CHUNK: usize = 12;
/// Identifier and length of a chunk.
const CHUNK_HEADER: usize = 8;
/// Rates that a file may have: those that [`wav::read`] takes.
const RATES: RangeInclusive<u32> = 1_000..=384_000;

/// Decodes what a service sends, wherever the network cuts it.
pub(super) struct Decoder {
    encoding: Encoding,
    form: Form,
    /// What is not decoded yet: the beginning, half a sample, or a file that must be whole.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// Too little has come to know.
    Unknown,
    /// As it was asked for.
    Raw,
    /// A WAV file whose header is not complete.
    Header,
    /// The samples of a WAV file of one channel of 16 bits, so many bytes more of them.
    Wave { sample_rate: u32, left: usize },
    /// A WAV file in another coding: decoded when it is whole.
    File,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            form: Form::Unknown,
            bytes: Vec::new(),
        }
    }

    /// Takes bytes; gives the samples that they complete, if any.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Pcm> {
        self.bytes.extend_from_slice(bytes);
        if self.form == Form::Unknown && self.bytes.len() >= RIFF.len() {
            self.form = if self.bytes.starts_with(RIFF) {
                Form::Header
            } else {
                Form::Raw
            };
        }
        if self.form == Form::Header {
            self.read_header();
        }
        self.samples()
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Result<Option<Pcm>, SynthesisError> {
        if self.form == Form::Unknown {
            self.form = Form::Raw;
        }
        let last = self.samples();
        match self.form {
            Form::Header | Form::File => {
                let file = wav::read(&self.bytes);
                let file = file.map_err(|error| unusable(&format!("its WAV file is damaged: {error}")))?;
                Ok(pcm(file.sample_rate, file.samples))
            }
            Form::Raw if !self.bytes.is_empty() => Err(unusable("it ends within a sample")),
            _ => Ok(last),
        }
    }

    /// The samples of all bytes so far but half a one.
    fn samples(&mut self) -> Option<Pcm> {
        match (self.form, self.encoding) {
            (Form::Raw, Encoding::Mulaw) => {
                let mut samples = Vec::with_capacity(self.bytes.len());
                codec::decode_mulaw(&self.bytes, &mut samples);
                self.bytes.clear();
                pcm(8_000, samples)
            }
            (Form::Raw, Encoding::Linear(sample_rate)) => {
                let samples = self.take_linear(usize::MAX);
                pcm(sample_rate, samples)
            }
            (Form::Wave { sample_rate, left }, _) => {
                let samples = self.take_linear(left);
                let left = left.saturating_sub(samples.len() * 2);
                self.form = Form::Wave { sample_rate, left };
                if left < 2 {
                    // Other chunks follow.
                    self.bytes.clear();
                }
                pcm(sample_rate, samples)
            }
            (Form::Unknown | Form::Header | Form::File, _) => None,
        }
    }

    /// Whole samples from the front, of at most so many bytes.
    fn take_linear(&mut self, most: usize) -> Vec<i16> {
        let length = self.bytes.len().min(most);
        let (samples, _half) = self.bytes[..length].as_chunks::<2>();
        let samples: Vec<i16> = samples.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect();
        self.bytes.drain(..samples.len() * 2);
        samples
    }

    /// Goes from chunk to chunk until the one with the samples.
    fn read_header(&mut self) {
        let mut at = FIRST_CHUNK;
        let mut format: Option<(bool, u32)> = None;
        while let Some(&[a, b, c, d, length @ ..]) =
            self.bytes.get(at..).and_then(|rest| rest.first_chunk::<CHUNK_HEADER>())
        {
            let length = u32::from_le_bytes(length) as usize;
            let body = at + CHUNK_HEADER;
            match &[a, b, c, d] {
                b"data" => {
                    let is_wave = self.bytes.get(8..FIRST_CHUNK) == Some(b"WAVE");
                    self.form = match format {
                        Some((true, sample_rate)) if is_wave && RATES.contains(&sample_rate) => Form::Wave {
                            sample_rate,
                            // Who streams a file does not know yet, and writes 0 or the largest number.
                            left: if length == 0 { usize::MAX } else { length },
                        },
                        _ => Form::File,
                    };
                    if self.form != Form::File {
                        self.bytes.drain(..body);
                    }
                    return;
                }
                b"fmt " => {
                    let Some(
                        &[
                            tag_low,
                            tag_high,
                            channels_low,
                            channels_high,
                            r0,
                            r1,
                            r2,
                            r3,
                            ..,
                            bits_low,
                            bits_high,
                        ],
                    ) = self.bytes.get(body..).and_then(|rest| rest.first_chunk::<16>())
                    else {
                        return;
                    };
                    let word = |low, high| u16::from_le_bytes([low, high]);
                    let plain = [
                        word(tag_low, tag_high),
                        word(channels_low, channels_high),
                        word(bits_low, bits_high),
                    ];
                    format = Some((plain == [1, 1, 16], u32::from_le_bytes([r0, r1, r2, r3])));
                }
                _ => {}
            }
            // Chunks begin at even offsets.
            at = body.saturating_add(length).saturating_add(length % 2);
        }
    }
}

fn pcm(sample_rate: u32, samples: Vec<i16>) -> Option<Pcm> {
    (!samples.is_empty()).then_some(Pcm { sample_rate, samples })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes of bytes that arrive in pieces of this length.
    fn decoded(bytes: &[u8], encoding: Encoding, piece: usize) -> Result<Vec<i16>, SynthesisError> {
        let mut decoder = Decoder::new(encoding);
        let mut samples = Vec::new();
        for piece in bytes.chunks(piece) {
            samples.extend(decoder.push(piece).into_iter().flat_map(|pcm| pcm.samples));
        }
        samples.extend(decoder.finish()?.into_iter().flat_map(|pcm| pcm.samples));
        Ok(samples)
    }

    /// A file; the lengths in a streamed one are this number.
    fn wave(samples: &[i16], streamed: Option<u32>) -> Vec<u8> {
        let mut file = wav::write_pcm16(samples, 22_050);
        if let Some(unknown) = streamed {
            file[4..8].copy_from_slice(&unknown.to_le_bytes());
            file[40..44].copy_from_slice(&unknown.to_le_bytes());
        }
        file
    }

    #[test]
    fn a_wav_file_in_another_coding_is_read_when_it_is_whole() {
        let file = wav::write_mulaw(&[0x10; 500], 8_000);
        let mut decoder = Decoder::new(Encoding::Linear(24_000));
        assert_eq!(decoder.push(&file), None);
        let whole = decoder.finish().expect("a file").expect("samples");
        assert_eq!((whole.sample_rate, whole.samples.len()), (8_000, 500));
    }

    #[test]
    fn a_wav_files_rate_is_its_own_and_what_follows_the_samples_is_no_sound() {
        let mut file = wave(&[7; 100], None);
        file.extend(b"LIST\x04\0\0\0abcd");
        let mut decoder = Decoder::new(Encoding::Linear(24_000));
        let piece = decoder.push(&file).expect("samples");
        assert_eq!((piece.sample_rate, piece.samples), (22_050, vec![7; 100]));
        assert_eq!(decoder.push(&[1, 2, 3, 4]), None);
        assert_eq!(decoder.finish(), Ok(None));
    }

    #[test]
    fn half_a_sample_at_the_end_is_a_fault_where_no_header_says_how_much_there_is() {
        assert!(decoded(&[1, 2, 3, 4, 5], Encoding::Linear(24_000), 2).is_err());
        assert!(decoded(b"RIFF\0\0\0\0WAVEda", Encoding::Linear(24_000), 3).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_audio_or_a_fault_and_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200), riff in any::<bool>(), piece in 1_usize..50
        ) {
            let bytes = if riff { [b"RIFF".as_slice(), &bytes].concat() } else { bytes };
            for encoding in [Encoding::Mulaw, Encoding::Linear(24_000)] {
                let whole = decoded(&bytes, encoding, usize::MAX);
                if let Ok(samples) = &whole {
                    prop_assert!(samples.len() <= bytes.len());
                }
                prop_assert_eq!(decoded(&bytes, encoding, piece), whole);
            }
        }

        #[test]
        fn samples_are_kept_wherever_the_network_cuts_them(
            samples in prop::collection::vec(-20_000_i16..20_000, 2..300), piece in 1_usize..700,
            streamed in prop::sample::select(vec![None, Some(0), Some(u32::MAX)])
        ) {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            prop_assume!(!bytes.starts_with(b"RIFF"));
            prop_assert_eq!(decoded(&bytes, Encoding::Linear(24_000), piece), Ok(samples.clone()));
            let file = wave(&samples, streamed);
            prop_assert_eq!(decoded(&file, Encoding::Linear(24_000), piece), Ok(samples.clone()));
            let read = wav::read(&file).expect("a file");
            prop_assert_eq!(read.samples, samples);
        }

        #[test]
        fn wav_files_of_every_coding_are_read_as_whole_ones_are(codes in prop::collection::vec(any::<u8>(), 1..300), piece in 1_usize..400) {
            let file = wav::write_mulaw(&codes, 8_000);
            let read = wav::read(&file).expect("a file").samples;
            prop_assert_eq!(decoded(&file, Encoding::Mulaw, piece), Ok(read));
        }
    }
}
