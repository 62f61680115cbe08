//! Speech that comes piece by piece, as the telephone line wants it.

use crate::ports::{Pcm, SynthesisError};
use samvad_media::LINE_RATE;
use samvad_media::codec::encode_mulaw;
use samvad_media::level::{self, rms};
use samvad_media::resample::{ResampleError, StreamResampler};

/// Samples in a frame.
const FRAME_SAMPLES: usize = level::STRETCH;
/// A frame above this, as RMS of full scale, is sound: -46 dBFS.
const SOUND: f64 = 0.005;
/// Frames with sound by which the level of a voice is known: 0.3 s of it, which services send at once.
const LEVEL_KNOWN_BY: usize = 15;
/// Frames kept back for that at most, pauses included: nobody waits longer for the level.
const MOST_KEPT_BACK: usize = 25;
/// Frames of silence behind a sentence (180 ms): without a pause the next one would run into it.
const PAUSE: usize = 9;

/// One sentence on its way to the line: resampled once, cut to begin with its first sound, brought to the level of the
/// prompts and coded as mu-law, in whole frames. What comes out does not depend on where the pieces were cut.
pub struct TelephoneAudio {
    /// For the rate that the first piece had; `None` inside: it is the line's own.
    resampler: Option<(u32, Option<StreamResampler>)>,
    /// Samples at the line's rate that are no whole frame yet.
    rest: Vec<i16>,
    /// Frames kept back until the level is known.
    kept_back: Vec<i16>,
    gain: Option<f64>,
    /// The frame before the first sound.
    lead: Option<[i16; FRAME_SAMPLES]>,
    /// Frames of silence at the end so far.
    silent: usize,
}

impl Default for TelephoneAudio {
    fn default() -> Self {
        Self::new()
    }
}

impl TelephoneAudio {
    /// At the beginning of a sentence.
    pub fn new() -> Self {
        Self {
            resampler: None,
            rest: Vec::new(),
            kept_back: Vec::new(),
            gain: None,
            lead: None,
            silent: 0,
        }
    }

    /// Takes a piece, and gives what can be sent now: 8 kHz mu-law, perhaps nothing yet.
    ///
    /// # Errors
    /// [`SynthesisError::Unusable`] if its sample rate cannot be, or is not that of the pieces before.
    pub fn push(&mut self, piece: &Pcm) -> Result<Vec<u8>, SynthesisError> {
        let (rate, resampler) = match &mut self.resampler {
            Some(resampler) => resampler,
            none => none.insert((piece.sample_rate, resampler_from(piece.sample_rate)?)),
        };
        if *rate != piece.sample_rate {
            return Err(SynthesisError::Unusable {
                reason: "the sample rate changes within the sentence".to_owned(),
            });
        }
        match resampler {
            None => self.rest.extend_from_slice(&piece.samples),
            Some(resampler) => resampler.push(&piece.samples, &mut self.rest).map_err(unusable)?,
        }
        Ok(self.frames())
    }

    /// What is left of the sentence, and the pause after it.
    ///
    /// # Errors
    /// [`SynthesisError::Unusable`] if the resampler fails, which nothing makes it do.
    pub fn finish(mut self) -> Result<Vec<u8>, SynthesisError> {
        if let Some((_, Some(resampler))) = &mut self.resampler {
            resampler.finish(&mut self.rest).map_err(unusable)?;
        }
        let whole = self.rest.len().next_multiple_of(FRAME_SAMPLES);
        self.rest.resize(whole, 0);
        let mut codes = self.frames();
        self.release(&mut codes);
        if self.gain.is_some() {
            let pause = vec![0; PAUSE.saturating_sub(self.silent) * FRAME_SAMPLES];
            encode_mulaw(&pause, &mut codes);
        }
        Ok(codes)
    }

    /// Codes the whole frames of what has come.
    fn frames(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.rest);
        let (frames, rest) = rest.as_chunks::<FRAME_SAMPLES>();
        self.rest.extend_from_slice(rest);
        let mut codes = Vec::with_capacity(frames.len() * FRAME_SAMPLES);
        for frame in frames {
            self.frame(frame, &mut codes);
        }
        codes
    }

    fn frame(&mut self, frame: &[i16; FRAME_SAMPLES], codes: &mut Vec<u8>) {
        let is_sound = rms(frame) >= SOUND;
        self.silent = if is_sound { 0 } else { self.silent + 1 };
        if let Some(gain) = self.gain {
            encode(frame, gain, codes);
            return;
        }
        if self.kept_back.is_empty() {
            if !is_sound {
                self.lead = Some(*frame);
                return;
            }
            self.kept_back.extend(self.lead.take().into_iter().flatten());
        }
        self.kept_back.extend_from_slice(frame);
        let kept_back = self.kept_back.as_chunks::<FRAME_SAMPLES>().0;
        let with_sound = kept_back.iter().filter(|frame| rms(*frame) >= SOUND).count();
        if with_sound >= LEVEL_KNOWN_BY || kept_back.len() >= MOST_KEPT_BACK {
            self.release(codes);
        }
    }

    /// Finds the gain, if there was a sound, and lets go of what was kept back for it.
    fn release(&mut self, codes: &mut Vec<u8>) {
        let kept_back = std::mem::take(&mut self.kept_back);
        if !kept_back.is_empty() {
            let gain = level::gain(&kept_back);
            encode(&kept_back, gain, codes);
            self.gain = Some(gain);
        }
    }
}

fn encode(samples: &[i16], gain: f64, codes: &mut Vec<u8>) {
    let scaled: Vec<i16> = level::scale(samples, gain).collect();
    encode_mulaw(&scaled, codes);
}

fn resampler_from(rate: u32) -> Result<Option<StreamResampler>, SynthesisError> {
    match rate {
        LINE_RATE => Ok(None),
        rate => StreamResampler::new(rate, LINE_RATE).map(Some).map_err(unusable),
    }
}

fn unusable(fault: ResampleError) -> SynthesisError {
    SynthesisError::Unusable {
        reason: format!("it cannot be resampled: {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_media::codec::decode_mulaw;
    use samvad_media::level::TARGET_RMS;

    fn tone(rate: u32, ms: u32, peak: f64) -> Vec<i16> {
        let phase = |n: u32| std::f64::consts::TAU * 440.0 * f64::from(n) / f64::from(rate);
        (0..rate * ms / 1_000).map(|n| (phase(n).sin() * peak) as i16).collect()
    }

    /// What goes to the line if the sentence comes in pieces of these lengths, the last for all that follow.
    fn sent(samples: &[i16], rate: u32, pieces: &[usize]) -> Vec<u8> {
        let mut audio = TelephoneAudio::new();
        let (mut codes, mut rest) = (Vec::new(), samples);
        let mut lengths = pieces
            .iter()
            .copied()
            .chain(std::iter::repeat(pieces.last().copied().unwrap_or(480)));
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(lengths.next().unwrap_or(1).clamp(1, rest.len()));
            let piece = Pcm {
                sample_rate: rate,
                samples: piece.to_vec(),
            };
            codes.extend(audio.push(&piece).expect("a rate that can be"));
            rest = later;
        }
        codes.extend(audio.finish().expect("finished"));
        codes
    }

    fn heard(codes: &[u8]) -> Vec<i16> {
        let mut samples = Vec::new();
        decode_mulaw(codes, &mut samples);
        samples
    }

    #[test]
    fn quiet_and_loud_voices_of_every_rate_come_out_as_loud_as_prompts() {
        for rate in [8_000, 16_000, 22_050, 24_000, 48_000] {
            for peak in [1_500.0, 9_000.0, 31_000.0] {
                let samples = heard(&sent(&tone(rate, 1_000, peak), rate, &[333]));
                let level = rms(&samples[800..6_400]);
                assert!((level / TARGET_RMS - 1.0).abs() < 0.05, "{rate} Hz, {peak}: {level}");
            }
        }
    }

    #[test]
    fn silence_before_the_first_sound_is_left_out_and_a_pause_stands_behind_the_last() {
        let padded = [vec![0; 6_400], tone(8_000, 500, 9_000.0), vec![0; 320]].concat();
        let samples = heard(&sent(&padded, 8_000, &[777]));
        assert_eq!(samples.len(), FRAME_SAMPLES + 4_000 + PAUSE * FRAME_SAMPLES);
        assert!(samples[..FRAME_SAMPLES].iter().all(|sample| *sample == 0));
        assert!(sent(&[0; 4_000], 8_000, &[777]).is_empty(), "nothing but silence");
    }

    #[test]
    fn sound_goes_out_before_the_sentence_is_whole() {
        let mut audio = TelephoneAudio::new();
        let piece = Pcm {
            sample_rate: 24_000,
            samples: tone(24_000, 400, 9_000.0),
        };
        assert!(audio.push(&piece).expect("a piece").len() > 2_400);
    }

    #[test]
    fn what_grows_louder_later_is_limited_and_does_not_wrap() {
        let samples = [tone(8_000, 400, 1_000.0), tone(8_000, 400, 32_000.0)].concat();
        let peak = heard(&sent(&samples, 8_000, &[160]))
            .iter()
            .map(|sample| sample.unsigned_abs())
            .max();
        assert!(peak.is_some_and(|peak| (30_000..=32_000).contains(&peak)), "{peak:?}");
    }

    #[test]
    fn a_rate_that_changes_or_cannot_be_is_a_fault() {
        let mut audio = TelephoneAudio::new();
        let piece = |sample_rate| Pcm {
            sample_rate,
            samples: vec![1; 10],
        };
        assert!(audio.push(&piece(24_000)).is_ok());
        assert!(audio.push(&piece(16_000)).is_err());
        assert!(TelephoneAudio::new().push(&piece(1)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn where_the_pieces_are_cut_changes_nothing(
            samples in prop::collection::vec(prop_oneof![Just(0_i16), any::<i16>(), -60_i16..60], 0..9_000),
            pieces in prop::collection::vec(1_usize..3_000, 1..12),
            rate in prop::sample::select(vec![8_000_u32, 16_000, 22_050, 24_000, 44_100]),
        ) {
            let whole = sent(&samples, rate, &[usize::MAX]);
            prop_assert_eq!(whole.len() % FRAME_SAMPLES, 0);
            prop_assert_eq!(sent(&samples, rate, &pieces), whole);
        }
    }
}
