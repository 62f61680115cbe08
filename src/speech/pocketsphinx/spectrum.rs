//! An utterance as the verifier sees it: the logarithms of its energy in bands of the mel scale, every 10 ms.

use std::f32::consts::PI;

/// Bands from 200 to 3500 Hz.
pub const BANDS: usize = 24;
/// Frames of 10 ms, with silence after the utterance.
pub const FRAMES: usize = 128;
/// Fewer are no word.
const FEWEST_FRAMES: usize = 10;
/// Samples of 8 kHz.
const WINDOW: usize = 200;
const STEP: usize = 80;
const POINTS: usize = 256;
/// Energy below this, 30 dB under that of speech, is no matter.
const FLOOR: f32 = 1e7;
/// Brings the logarithms to about 0 to 1.5.
const SCALE: f32 = 8.0;

/// What is computed once.
#[derive(Clone, Debug)]
pub struct Spectrum {
    window: Vec<f32>,
    /// Of each band, the weights of the transform's bins.
    bands: Vec<Vec<f32>>,
}

impl Spectrum {
    pub fn new() -> Self {
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
            (0..=POINTS / 2).map(weight).collect()
        };
        Self {
            window: (0..WINDOW)
                .map(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / WINDOW as f32).cos())
                .collect(),
            bands: (0..BANDS).map(triangle).collect(),
        }
    }

    /// Of an utterance of 8 kHz: [`FRAMES`] times [`BANDS`] values. `None` if it is too short or too long.
    pub fn of(&self, samples: &[i16]) -> Option<Vec<f32>> {
        let windows = samples.windows(WINDOW).step_by(STEP);
        if !(FEWEST_FRAMES..=FRAMES).contains(&windows.len()) {
            return None;
        }
        let mut values = Vec::with_capacity(FRAMES * BANDS);
        for samples in windows {
            let power = self.power(samples);
            values.extend(self.bands.iter().map(|band| {
                let energy: f32 = band.iter().zip(&power).map(|(weight, power)| weight * power).sum();
                (energy / FLOOR).ln_1p() / SCALE
            }));
        }
        values.resize(FRAMES * BANDS, 0.0);
        Some(values)
    }

    /// The energy in each bin.
    fn power(&self, samples: &[i16]) -> Vec<f32> {
        let mut points = vec![(0.0f32, 0.0f32); POINTS];
        for ((point, sample), weight) in points.iter_mut().zip(samples).zip(&self.window) {
            point.0 = f32::from(*sample) * weight;
        }
        transform(&mut points);
        let bins = points.iter().take(POINTS / 2 + 1);
        bins.map(|(real, imaginary)| real * real + imaginary * imaginary)
            .collect()
    }
}

/// The fast Fourier transform in place (Cooley and Tukey), of a power of two of complex numbers.
fn transform(points: &mut [(f32, f32)]) {
    let count = points.len();
    let bits = count.trailing_zeros();
    for place in 0..count {
        let other = place.reverse_bits() >> (usize::BITS - bits);
        if place < other {
            points.swap(place, other);
        }
    }
    let mut size = 2;
    while size <= count {
        let turns: Vec<(f32, f32)> = (0..size / 2)
            .map(|k| {
                let (sine, cosine) = (-2.0 * PI * k as f32 / size as f32).sin_cos();
                (cosine, sine)
            })
            .collect();
        for block in points.chunks_exact_mut(size) {
            let (even, odd) = block.split_at_mut(size / 2);
            for ((even, odd), turn) in even.iter_mut().zip(odd).zip(&turns) {
                let turned = (odd.0 * turn.0 - odd.1 * turn.1, odd.0 * turn.1 + odd.1 * turn.0);
                *odd = (even.0 - turned.0, even.1 - turned.1);
                *even = (even.0 + turned.0, even.1 + turned.1);
            }
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_loudest_in_the_band_around_it_and_silence_follows() {
        let tone: Vec<i16> = (0..4_000)
            .map(|i| ((i as f32 * 1_000.0 * 2.0 * PI / 8_000.0).sin() * 6_000.0) as i16)
            .collect();
        let values = Spectrum::new().of(&tone).unwrap();
        let frame = &values[10 * BANDS..11 * BANDS];
        let loudest = (0..BANDS).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap();
        assert!((9..=11).contains(&loudest), "{frame:?}");
        assert!(values[60 * BANDS..].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn an_impulse_has_all_frequencies_alike() {
        let mut points = vec![(0.0, 0.0); 8];
        points[0].0 = 1.0;
        transform(&mut points);
        assert!(points.iter().all(|point| *point == (1.0, 0.0)));
    }

    #[test]
    fn what_is_too_short_for_a_word_or_too_long_has_no_spectrum() {
        let spectrum = Spectrum::new();
        assert!(spectrum.of(&[]).is_none() && spectrum.of(&[100; 500]).is_none());
        assert!(spectrum.of(&vec![100; WINDOW + STEP * FRAMES]).is_none());
        assert!(spectrum.of(&vec![100; WINDOW + STEP * (FRAMES - 1)]).is_some());
    }
}
