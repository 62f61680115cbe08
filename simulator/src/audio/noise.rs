//! Seeded background noise, as a loop that callers share.

use super::{SAMPLE_RATE, amplitude, clipped};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::f64::consts::PI;

const LOOP_SECONDS: usize = 8;

/// The spectrum of a noise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colour {
    /// The same power at every frequency.
    White,
    /// Power falling by 3 dB an octave.
    Pink,
    /// Six murmuring voices: harmonics with the rhythm of syllables. Level varies as that of talk does.
    Babble,
}

/// A noise of a given level that repeats after eight seconds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct NoiseLoop {
    samples: Vec<i16>,
}

impl NoiseLoop {
    /// Noise whose root mean square over the loop is `level` (linear, full scale 32,767).
    pub(crate) fn new(colour: Colour, level: f64, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let length = LOOP_SECONDS * SAMPLE_RATE as usize;
        let raw = match colour {
            Colour::White => (0..length).map(|_| random.random_range(-1.0..1.0)).collect(),
            Colour::Pink => pink(length, &mut random),
            Colour::Babble => babble(length, &mut random),
        };
        let power: f64 = raw.iter().map(|sample: &f64| sample * sample).sum::<f64>() / length as f64;
        let factor = level / power.sqrt().max(f64::MIN_POSITIVE);
        Self {
            samples: raw.iter().map(|sample| clipped(sample * factor)).collect(),
        }
    }

    /// The linear level of `level_db` decibels below full scale.
    pub(crate) fn level(level_db: f64) -> f64 {
        f64::from(i16::MAX) * amplitude(level_db)
    }

    /// The sample at a position that may run on for ever.
    pub(crate) fn at(&self, position: usize) -> i16 {
        self.samples[position % self.samples.len()]
    }
}

/// Paul Kellet's economy filter: white noise through three one-pole filters, within 0.5 dB of 3 dB an octave.
fn pink(length: usize, random: &mut StdRng) -> Vec<f64> {
    let mut poles = [0.0; 3];
    (0..length)
        .map(|_| {
            let white: f64 = random.random_range(-1.0..1.0);
            poles[0] = 0.99765 * poles[0] + white * 0.099_046;
            poles[1] = 0.96300 * poles[1] + white * 0.296_516_4;
            poles[2] = 0.57000 * poles[2] + white * 1.052_691_3;
            poles.iter().sum::<f64>() + white * 0.1848
        })
        .collect()
}

fn babble(length: usize, random: &mut StdRng) -> Vec<f64> {
    let mut sum = vec![0.0; length];
    for _ in 0..6 {
        let pitch: f64 = random.random_range(90.0..230.0);
        let syllables: f64 = random.random_range(2.5..5.0);
        let turns: f64 = random.random_range(0.2..0.6);
        let phase: f64 = random.random_range(0.0..2.0 * PI);
        for (index, sample) in sum.iter_mut().enumerate() {
            let seconds = index as f64 / f64::from(SAMPLE_RATE);
            let rhythm = (2.0 * PI * syllables * seconds + phase).sin().max(0.0)
                * (0.6 + 0.4 * (2.0 * PI * turns * seconds + phase).sin());
            let glide = pitch * seconds + 1.5 * (2.0 * PI * 0.7 * seconds + phase).sin();
            let voice: f64 = (1..12)
                .map(|n| (2.0 * PI * f64::from(n) * glide + phase).sin() / f64::from(n))
                .sum::<f64>();
            *sample += rhythm * voice;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::rms;

    #[test]
    fn every_colour_has_the_level_asked_for_and_is_the_same_for_the_same_seed() {
        for colour in [Colour::White, Colour::Pink, Colour::Babble] {
            let noise = NoiseLoop::new(colour, 400.0, 7);
            assert!((rms(&noise.samples) / 400.0 - 1.0).abs() < 0.02, "{colour:?}");
            assert_eq!(noise, NoiseLoop::new(colour, 400.0, 7));
            assert_ne!(noise, NoiseLoop::new(colour, 400.0, 8));
        }
    }

    #[test]
    fn pink_noise_is_stronger_below_than_above() {
        let noise = NoiseLoop::new(Colour::Pink, 1_000.0, 1);
        let steps: Vec<i16> = noise
            .samples
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .collect();
        assert!(
            rms(&steps) < rms(&noise.samples),
            "the differences, a high-pass, are weaker than the whole"
        );
    }
}
