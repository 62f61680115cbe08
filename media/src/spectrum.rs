//! What an utterance sounds like: the logarithms of its energy in bands of the mel scale, every 10 ms.

use std::f32::consts::PI;

/// Bands from 200 to 3500 Hz.
pub const BANDS: usize = 24;
/// Samples of 8 kHz: 25 ms, every 10 ms.
const WINDOW: usize = 200;
const STEP: usize = 80;
const POINTS: usize = 256;
/// Energy below this, 30 dB under that of speech whose loudest tenth of a second has a root mean square of 6000, is no
/// matter.
const FLOOR: f32 = 1e7;
/// Brings the logarithms to about 0 to 1.5.
const SCALE: f32 = 8.0;

/// What is computed once.
#[derive(Clone, Debug)]
pub struct Spectrum {
    window: Vec<f32>,
    /// Of each band, its first bin of the transform, and the weights of that and of those after it.
    bands: Vec<(usize, Vec<f32>)>,
}

impl Default for Spectrum {
    fn default() -> Self {
        let mel = |hertz: f32| 1_127.0 * (1.0 + hertz / 700.0).ln();
        let (low, high) = (mel(200.0), mel(3_500.0));
        let edge = |number: usize| {
            let mel = low + (high - low) * number as f32 / (BANDS + 1) as f32;
            700.0 * ((mel / 1_127.0).exp() - 1.0)
        };
        let triangle = |band: usize| {
            let (from, peak, to) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let hertz = bin as f32 * 8_000.0 / POINTS as f32;
                ((hertz - from) / (peak - from))
                    .min((to - hertz) / (to - peak))
                    .max(0.0)
            };
            let first = (0..POINTS / 2).find(|bin| weight(*bin) > 0.0).unwrap_or(POINTS / 2);
            let weights = (first..POINTS / 2).map(weight).take_while(|weight| *weight > 0.0);
            (first, weights.collect())
        };
        Self {
            window: (0..WINDOW)
                .map(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / WINDOW as f32).cos())
                .collect(),
            bands: (0..BANDS).map(triangle).collect(),
        }
    }
}

impl Spectrum {
    /// How many frames these samples of 8 kHz have.
    pub fn frames(samples: &[i16]) -> usize {
        samples.windows(WINDOW).step_by(STEP).len()
    }

    /// Of 8 kHz samples: [`BANDS`] values of each frame, frame by frame.
    pub fn of(&self, samples: &[i16]) -> Vec<f32> {
        let mut values = Vec::with_capacity(Self::frames(samples) * BANDS);
        for samples in samples.windows(WINDOW).step_by(STEP) {
            let power = self.power(samples);
            values.extend(self.bands.iter().map(|(first, weights)| {
                let bins = power.iter().skip(*first).zip(weights);
                let energy: f32 = bins.map(|(power, weight)| power * weight).sum();
                (energy / FLOOR).ln_1p() / SCALE
            }));
        }
        values
    }

    /// The energy in each bin below half the sample rate.
    fn power(&self, samples: &[i16]) -> [f32; POINTS / 2] {
        let mut points = [0.0f32; POINTS];
        for ((point, sample), weight) in points.iter_mut().zip(samples).zip(&self.window) {
            *point = f32::from(*sample) * weight;
        }
        let bins = microfft::real::rfft_256(&mut points);
        // The first holds the energy at half the sample rate in its imaginary part.
        bins[0].im = 0.0;
        bins.map(|bin| bin.re * bin.re + bin.im * bin.im)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_loudest_in_the_band_around_it() {
        let tone: Vec<i16> = (0..4_000)
            .map(|i| ((i as f32 * 1_000.0 * 2.0 * PI / 8_000.0).sin() * 6_000.0) as i16)
            .collect();
        let values = Spectrum::default().of(&tone);
        assert_eq!(values.len(), Spectrum::frames(&tone) * BANDS);
        for frame in values.chunks_exact(BANDS) {
            let loudest = (0..BANDS).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap();
            assert!((9..=11).contains(&loudest), "{frame:?}");
        }
    }

    #[test]
    fn an_impulse_has_all_frequencies_alike() {
        let spectrum = Spectrum::default();
        let mut impulse = [0i16; WINDOW];
        impulse[WINDOW / 2] = 1_000;
        let power = spectrum.power(&impulse);
        assert!(power[1..].iter().all(|bin| (bin - power[1]).abs() < 1.0), "{power:?}");
    }

    #[test]
    fn silence_is_zero_and_less_than_a_window_has_no_frames() {
        let spectrum = Spectrum::default();
        assert_eq!(spectrum.of(&[0; WINDOW + STEP]), [0.0; 2 * BANDS]);
        assert!(spectrum.of(&[100; WINDOW - 1]).is_empty() && spectrum.of(&[]).is_empty());
        assert_eq!(Spectrum::frames(&[0; WINDOW + STEP - 1]), 1);
    }
}
