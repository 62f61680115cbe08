//! The simulator's own audio code: G.711 mu-law, WAV files, noise and the mixing of a telephone line. None of it is
//! shared with the server under test, which would otherwise only meet its own assumptions again.

mod clip;
mod line;
mod mulaw;
mod noise;
mod recording;
mod resample;
mod wav;

pub(crate) use clip::Clip;
pub(crate) use line::{Echo, Line};
pub(crate) use mulaw::{SILENCE, decode, encode};
pub(crate) use noise::{Colour, NoiseLoop};
pub(crate) use recording::Recording;
pub(crate) use wav::read_wav;

/// Samples in a second on the telephone line.
pub(crate) const SAMPLE_RATE: u32 = 8_000;

/// Milliseconds between two ticks of a line.
pub(crate) const TICK_MS: u64 = 20;

/// Samples, and mu-law bytes, in one tick.
pub(crate) const TICK_SAMPLES: usize = 160;

/// Samples in a millisecond.
pub(crate) const SAMPLES_PER_MS: usize = 8;

/// Root mean square of samples; 0 for none.
pub(crate) fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / samples.len() as f64).sqrt()
}

/// The factor of an amplitude for a gain in decibels.
pub(crate) fn amplitude(gain_db: f64) -> f64 {
    10f64.powf(gain_db / 20.0)
}

/// A sample clipped to 16 bits.
pub(crate) fn clipped(sample: f64) -> i16 {
    sample.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}
