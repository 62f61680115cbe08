//! How long an echo takes to come back: where what is heard fits what was played.
//!
//! A cross-correlation of their phases alone (PHAT: Knapp and Carter, "The generalized correlation method for
//! estimation of time delay", IEEE Transactions on Acoustics, Speech, and Signal Processing 24, 1976), which gives a
//! sharp peak for speech too, and which somebody who speaks meanwhile disturbs little.

use super::FRAME_SAMPLES;
use super::far_end::FarEnd;
use microfft::Complex32;

/// What is looked for at once: 256 ms.
const STRETCH: usize = 2_048;
/// Frames in a stretch: no sample is looked for twice.
pub(super) const STRETCH_FRAMES: usize = STRETCH / FRAME_SAMPLES;
const FFT: usize = 2 * STRETCH;
/// Delays up to 768 ms are found, a stretch of them at a time.
const STRETCHES: usize = 3;
/// The telephone's band, 300 to 3,400 Hz: elsewhere there is noise only.
const BAND: std::ops::RangeInclusive<usize> = 300 * FFT / 8_000..=3_400 * FFT / 8_000;
/// How far the peak must rise above the mean, as a ratio of powers. By chance it does by 15, and by this much in one
/// stretch of two hundred: two must agree on a delay before it is believed.
const LEAST_PEAK: f32 = 24.0;
/// From here on once is enough. What little there is in a pause may reach half of it.
const CERTAIN_PEAK: f32 = 300.0;

/// Where what was heard fits what was played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// In samples.
    pub(super) delay: usize,
    /// It cannot be chance.
    pub(super) certain: bool,
}

/// The delay at which what was heard lately fits best what was played, if any does.
pub(super) fn find_delay(heard: &[i16; STRETCH], far_end: &FarEnd) -> Option<Fit> {
    let mut samples = [0.0; FFT];
    for (sample, &heard) in samples.iter_mut().zip(heard) {
        *sample = f32::from(heard);
    }
    let near = microfft::real::rfft_4096(&mut samples);
    let mut best = (LEAST_PEAK, None);
    for stretch in 0..STRETCHES {
        let mut samples = far_end.samples::<FFT>(stretch * STRETCH);
        let far = microfft::real::rfft_4096(&mut samples);
        let mut cross = [Complex32::default(); FFT];
        let mut bins = 0;
        for bin in BAND {
            let product = near[bin].conj() * far[bin];
            let size = product.norm_sqr().sqrt();
            if size > 1.0 {
                cross[bin] = product / size;
                cross[FFT - bin] = cross[bin].conj();
                bins += 2;
            }
        }
        // By Parseval's theorem, the mean of the squares of the correlation.
        let mean = bins.max(1) as f32 / (FFT * FFT) as f32;
        let correlation = microfft::inverse::ifft_4096(&mut cross);
        for (ahead, value) in correlation.iter().enumerate().take(STRETCH + 1).skip(1) {
            let peak = value.re * value.re / mean;
            if peak > best.0 {
                best = (peak, Some((stretch + 1) * STRETCH - ahead));
            }
        }
    }
    let (peak, delay) = best;
    delay.map(|delay| Fit {
        delay,
        certain: peak >= CERTAIN_PEAK,
    })
}
