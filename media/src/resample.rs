//! Sample rates: 8 to 16 kHz for voice activity and recognition, and any rate to any other for synthesised speech.
//!
//! Up to 16 kHz plain linear interpolation does: the images it leaves above 4 kHz disturb neither recogniser nor voice
//! activity detector. Down to 8 kHz the filter matters, else sibilants fold into the telephone band: rubato's
//! asynchronous sinc resampler.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

/// Why a resampler cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// One of the rates is out of range.
    #[error("a sample rate of {0} Hz cannot be resampled; it must be from 4000 to 192000 Hz")]
    Rate(u32),
    /// The resampling library refused.
    #[error("the resampler failed: {0}")]
    Resampler(String),
}

/// Doubles the sample rate of a stream by linear interpolation, with a delay of one input sample.
#[derive(Debug, Clone, Default)]
pub struct Doubler {
    last: i16,
}

impl Doubler {
    /// A doubler at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands `output` two samples for each of `input`.
    #[inline]
    pub fn push(&mut self, input: &[i16], mut output: impl FnMut(i16, i16)) {
        for &sample in input {
            let between = (i32::from(self.last) + i32::from(sample)) / 2;
            output(between as i16, sample);
            self.last = sample;
        }
    }
}

/// Doubles the sample rate of a whole recording by linear interpolation, as the recogniser wants it.
pub fn double(samples: &[i16]) -> Vec<i16> {
    let mut doubled = Vec::with_capacity(samples.len() * 2);
    Doubler::new().push(samples, |between, sample| doubled.extend([between, sample]));
    doubled
}

/// Resamples a whole recording to 8 kHz. The result is as long as the recording, to the nearest millisecond.
///
/// # Errors
/// If the rate is out of range.
pub fn to_8k(samples: &[i16], rate: u32) -> Result<Vec<i16>, ResampleError> {
    if rate == crate::LINE_RATE {
        return Ok(samples.to_vec());
    }
    // No one waits for a recording: a long filter keeps more of the band.
    let mut resampler = sinc_resampler(rate, crate::LINE_RATE, 256, 1_024)?;
    let input: Vec<f32> = samples.iter().copied().map(f32::from).collect();
    let input_view = InterleavedSlice::new(&input, 1, input.len()).map_err(failed)?;
    let output = resampler.process_all(&input_view, input.len(), None).map_err(failed)?;
    Ok(output.take_data().into_iter().map(to_sample).collect())
}

/// Resamples live audio as it comes: 20 ms at a time, with about 1.5 ms of delay from 24 kHz. After construction it
/// allocates only what `output` lacks in capacity.
pub struct StreamResampler {
    resampler: Async<f32>,
    /// Samples waiting for a whole chunk.
    input: Vec<f32>,
    chunk: Vec<f32>,
    /// Samples of the filter's delay, still to be left out.
    to_trim: usize,
    input_samples: u64,
    output_samples: u64,
    ratio: f64,
}

impl StreamResampler {
    /// A resampler between two rates.
    ///
    /// # Errors
    /// If a rate is out of range.
    pub fn new(from_rate: u32, to_rate: u32) -> Result<Self, ResampleError> {
        let chunk = from_rate as usize / 50;
        // 64 taps at 24 kHz: as long in time from any other rate, so that delay and band are the same.
        let resampler = sinc_resampler(from_rate, to_rate, (chunk * 64 / 480).max(32), chunk)?;
        Ok(Self {
            input: Vec::with_capacity(chunk),
            chunk: vec![0.0; resampler.output_frames_max()],
            to_trim: resampler.output_delay(),
            resampler,
            input_samples: 0,
            output_samples: 0,
            ratio: f64::from(to_rate) / f64::from(from_rate),
        })
    }

    /// Takes any number of samples and appends what is ready to `output`.
    ///
    /// # Errors
    /// If the resampling library refuses, which no input makes it do.
    pub fn push(&mut self, samples: &[i16], output: &mut Vec<i16>) -> Result<(), ResampleError> {
        self.input_samples += samples.len() as u64;
        let mut samples = samples;
        loop {
            let wanted = self.resampler.input_frames_next();
            let (now, later) = samples.split_at(samples.len().min(wanted - self.input.len()));
            self.input.extend(now.iter().copied().map(f32::from));
            samples = later;
            if self.input.len() < wanted {
                return Ok(());
            }
            self.process(None, output)?;
        }
    }

    /// Appends what the filter still holds to `output`, and is ready for another stream.
    ///
    /// # Errors
    /// If the resampling library refuses, which no input makes it do.
    pub fn finish(&mut self, output: &mut Vec<i16>) -> Result<(), ResampleError> {
        let total = (self.input_samples as f64 * self.ratio).round() as u64;
        while self.output_samples < total {
            let waiting = self.input.len();
            self.input.resize(self.resampler.input_frames_next(), 0.0);
            let before = output.len();
            self.process(Some(waiting), output)?;
            let surplus = self.output_samples.saturating_sub(total) as usize;
            output.truncate(output.len().saturating_sub(surplus).max(before));
        }
        self.resampler.reset();
        self.input.clear();
        self.to_trim = self.resampler.output_delay();
        (self.input_samples, self.output_samples) = (0, 0);
        Ok(())
    }

    fn process(&mut self, partial_len: Option<usize>, output: &mut Vec<i16>) -> Result<(), ResampleError> {
        let input = InterleavedSlice::new(&self.input, 1, self.input.len()).map_err(failed)?;
        let room = self.chunk.len();
        let mut chunk = InterleavedSlice::new_mut(&mut self.chunk, 1, room).map_err(failed)?;
        let indexing = Indexing {
            partial_len,
            ..Indexing::default()
        };
        let (_, made) = self
            .resampler
            .process_into_buffer(&input, &mut chunk, Some(&indexing))
            .map_err(failed)?;
        self.input.clear();
        let trimmed = self.to_trim.min(made);
        self.to_trim -= trimmed;
        self.output_samples += (made - trimmed) as u64;
        output.extend(self.chunk.iter().take(made).skip(trimmed).copied().map(to_sample));
        Ok(())
    }
}

fn sinc_resampler(from: u32, to: u32, length: usize, chunk: usize) -> Result<Async<f32>, ResampleError> {
    if let Some(&rate) = [from, to].iter().find(|rate| !(4_000..=192_000).contains(*rate)) {
        return Err(ResampleError::Rate(rate));
    }
    let parameters = SincInterpolationParameters::new(length, WindowFunction::Blackman)
        .oversampling_factor(128)
        .interpolation(SincInterpolationType::Linear);
    Async::new_sinc(
        f64::from(to) / f64::from(from),
        1.0,
        &parameters,
        chunk,
        1,
        FixedAsync::Input,
    )
    .map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> ResampleError {
    ResampleError::Resampler(error.to_string())
}

/// The cast saturates: the filter overshoots at edges, which must clip and not wrap.
fn to_sample(value: f32) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn tone(rate: u32, hertz: f64, peak: f64, ms: u32) -> Vec<i16> {
        let phase = |index| TAU * hertz * f64::from(index) / f64::from(rate);
        (0..rate * ms / 1000)
            .map(|index| (peak * phase(index).sin()) as i16)
            .collect()
    }

    /// Level in decibels of full scale, without the filter's edges.
    fn level(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 8..samples.len() * 7 / 8];
        let power: f64 = middle.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * (power.max(1e-9) / 32768f64.powi(2)).log10()
    }

    fn streamed(samples: &[i16], rate: u32, piece: usize) -> Vec<i16> {
        let mut resampler = StreamResampler::new(rate, 8000).unwrap();
        let mut output = Vec::new();
        for piece in samples.chunks(piece) {
            resampler.push(piece, &mut output).unwrap();
        }
        resampler.finish(&mut output).unwrap();
        output
    }

    #[test]
    fn every_synthesis_rate_keeps_length_and_level() {
        for rate in [16_000, 22_050, 24_000, 44_100, 48_000] {
            let input = tone(rate, 1000.0, 10_000.0, 500);
            for output in [to_8k(&input, rate).unwrap(), streamed(&input, rate, 333)] {
                assert!(
                    output.len().abs_diff(4000) <= 8,
                    "{rate} Hz gave {} samples",
                    output.len()
                );
                assert!(
                    (level(&output) - level(&input)).abs() < 0.2,
                    "{rate} Hz gave {} dB",
                    level(&output)
                );
            }
        }
    }

    #[test]
    fn speech_up_to_3_khz_is_kept_and_tones_above_4_khz_do_not_alias() {
        for rate in [16_000, 22_050, 24_000, 44_100, 48_000] {
            let kept = tone(rate, 3000.0, 10_000.0, 500);
            let folding = tone(rate, 5200.0, 10_000.0, 500);
            let (kept_level, folding_level) = (level(&kept), level(&folding));
            for (kept, folded) in [
                (to_8k(&kept, rate).unwrap(), to_8k(&folding, rate).unwrap()),
                (streamed(&kept, rate, 480), streamed(&folding, rate, 480)),
            ] {
                assert!(
                    level(&kept) > kept_level - 3.0,
                    "{rate} Hz: 3 kHz fell to {}",
                    level(&kept)
                );
                assert!(
                    level(&folded) < folding_level - 45.0,
                    "{rate} Hz: alias at {}",
                    level(&folded)
                );
            }
        }
    }

    #[test]
    fn full_scale_edges_clip_and_do_not_wrap() {
        let square: Vec<i16> = (0..24_000)
            .map(|index| if index / 120 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        for output in [to_8k(&square, 24_000).unwrap(), streamed(&square, 24_000, 480)] {
            // In the middle of each half wave there is no doubt about the sign.
            for (half_wave, samples) in output.chunks(40).enumerate().filter(|(_, samples)| samples.len() == 40) {
                assert_eq!(
                    samples[20] > 20_000,
                    half_wave % 2 == 0,
                    "half wave {half_wave}: {}",
                    samples[20]
                );
            }
        }
    }

    #[test]
    fn rates_that_make_no_sense_are_refused() {
        assert_eq!(to_8k(&[1], 0), Err(ResampleError::Rate(0)));
        assert!(StreamResampler::new(8000, 1_000_000).is_err());
    }

    #[test]
    fn doubling_interpolates_between_neighbours() {
        assert_eq!(double(&[100, 200, -200]), [50, 100, 150, 200, 0, -200]);
        assert_eq!(double(&[i16::MAX, i16::MAX]), [16383, i16::MAX, i16::MAX, i16::MAX]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_size_of_the_pieces_changes_nothing(samples in proptest::collection::vec(any::<i16>(), 0..4000), piece in 1usize..900) {
            prop_assert_eq!(streamed(&samples, 24_000, piece), streamed(&samples, 24_000, 480));
        }

        #[test]
        fn a_resampler_serves_one_stream_after_another(samples in proptest::collection::vec(any::<i16>(), 0..2000)) {
            let mut resampler = StreamResampler::new(22_050, 8000).unwrap();
            let mut outputs = [Vec::new(), Vec::new()];
            for output in &mut outputs {
                resampler.push(&samples, output).unwrap();
                resampler.finish(output).unwrap();
            }
            prop_assert_eq!(&outputs[0], &outputs[1]);
        }

        #[test]
        fn no_recording_makes_resampling_fail(samples in proptest::collection::vec(any::<i16>(), 0..3000), rate in 4_000u32..192_000) {
            prop_assert!(to_8k(&samples, rate).is_ok());
        }
    }
}
