//! A telephone line for clean speech: band, noise, level, mu-law; and the sounds of a line on which nobody speaks.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use samvad_media::codec::{decode_mulaw, encode_mulaw};
use std::f32::consts::TAU;
use std::fmt;

const RATE: f32 = 8_000.0;
/// Root mean square of speech before the level of the line.
const SPEECH: f32 = 3_000.0;

/// What is on the line besides the speaker.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Noise {
    None,
    White { snr_db: f32 },
    Pink { snr_db: f32 },
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no noise"),
            Self::White { snr_db } => write!(f, "white, {snr_db:.0} dB"),
            Self::Pink { snr_db } => write!(f, "pink, {snr_db:.0} dB"),
        }
    }
}

/// What a clip without a speaker holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound {
    Silence,
    White,
    Pink,
    Bursts,
    Tones,
    Hum,
}

/// Speech as it arrives: 300 ms of line before it and 500 ms after.
pub fn telephone(speech: &[i16], noise: Noise, gain_db: f32, seed: u64) -> Vec<i16> {
    let mut chance = StdRng::seed_from_u64(seed);
    let speech: Vec<f32> = speech.iter().map(|&sample| f32::from(sample)).collect();
    let level = SPEECH / root_mean_square(&speech);
    let line: Vec<f32> = std::iter::repeat_n(0.0, 2_400)
        .chain(speech.iter().map(|sample| sample * level))
        .chain(std::iter::repeat_n(0.0, 4_000))
        .collect();
    let (sound, snr_db) = match noise {
        Noise::None => (white(line.len(), &mut chance), 50.0),
        Noise::White { snr_db } => (white(line.len(), &mut chance), snr_db),
        Noise::Pink { snr_db } => (pink(line.len(), &mut chance), snr_db),
    };
    let quiet = SPEECH * decibels(-snr_db) / root_mean_square(&sound);
    let mixed: Vec<f32> = line
        .iter()
        .zip(&sound)
        .map(|(speech, noise)| speech + noise * quiet)
        .collect();
    carried(&mixed, decibels(gain_db))
}

/// A recording of a line with more noise upon it, against the level of its speech (from and to, in milliseconds), and
/// a second of noise after it.
pub fn noisy(recording: &[i16], speech_ms: Option<(usize, usize)>, noise: Noise, seed: u64) -> Vec<i16> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut line: Vec<f32> = recording.iter().map(|&sample| f32::from(sample)).collect();
    let speech = speech_ms.and_then(|(from, to)| line.get(from * 8..(to * 8).min(line.len())));
    let level = root_mean_square(speech.unwrap_or(&line));
    line.resize(line.len() + 8_000, 0.0);
    let (sound, snr_db) = match noise {
        Noise::None => return carried(&line, 1.0),
        Noise::White { snr_db } => (white(line.len(), &mut chance), snr_db),
        Noise::Pink { snr_db } => (pink(line.len(), &mut chance), snr_db),
    };
    let quiet = level * decibels(-snr_db) / root_mean_square(&sound);
    line.iter_mut()
        .zip(&sound)
        .for_each(|(sample, noise)| *sample += noise * quiet);
    carried(&line, 1.0)
}

/// Half a second to four seconds of something that is not speech.
pub fn sound(kind: Sound, seed: u64) -> Vec<i16> {
    let mut chance = StdRng::seed_from_u64(seed);
    let length = chance.random_range(4_000..32_000);
    let level = 20_000.0 * decibels(chance.random_range(-35.0..-8.0));
    let samples = match kind {
        Sound::Silence => scaled(white(length, &mut chance), 3.0),
        Sound::White => scaled(white(length, &mut chance), level),
        Sound::Pink => scaled(pink(length, &mut chance), level),
        Sound::Bursts => {
            let mut samples = scaled(white(length, &mut chance), 20.0);
            for _ in 0..chance.random_range(1..5) {
                let burst = scaled(white(chance.random_range(40..1_600), &mut chance), level);
                let start = chance.random_range(0..length - burst.len());
                let ramp = |i: usize| (i as f32 / burst.len() as f32 * TAU / 2.0).sin().powi(2);
                for (i, sample) in burst.iter().enumerate() {
                    samples[start + i] += sample * ramp(i);
                }
            }
            samples
        }
        Sound::Tones => {
            let pitches = [chance.random_range(300.0..2_500.0), chance.random_range(300.0..2_500.0)];
            let beat = chance.random_range(0.5..6.0);
            let wave = |i: usize| {
                let seconds = i as f32 / RATE;
                let on = (seconds * beat).fract() < 0.6;
                let tones: f32 = pitches.iter().map(|pitch: &f32| (pitch * seconds * TAU).sin()).sum();
                if on { tones * level } else { 0.0 }
            };
            (0..length).map(wave).collect()
        }
        Sound::Hum => {
            let pitch = chance.random_range(50.0..200.0);
            let wave = |i: usize| {
                let seconds = i as f32 / RATE;
                (1..12)
                    .map(|k| (pitch * k as f32 * seconds * TAU).sin() / k as f32)
                    .sum::<f32>()
                    * level
                    * 0.3
            };
            (0..length).map(wave).collect()
        }
    };
    carried(&samples, 1.0)
}

/// The sum of several speakers, as long as the shortest.
pub fn babble(speakers: &[Vec<i16>], gain_db: f32) -> Vec<i16> {
    let length = speakers.iter().map(Vec::len).min().unwrap_or(0);
    let samples: Vec<f32> = (0..length)
        .map(|i| speakers.iter().map(|speaker| f32::from(speaker[i])).sum())
        .collect();
    let level = SPEECH / root_mean_square(&samples);
    carried(&scaled(samples, level), decibels(gain_db))
}

/// 200 to 3500 Hz, the line's level, mu-law and back.
fn carried(samples: &[f32], gain: f32) -> Vec<i16> {
    let mut samples = samples.to_vec();
    for _ in 0..2 {
        samples = filtered(&samples, 200.0, true);
        samples = filtered(&samples, 3_500.0, false);
    }
    let linear: Vec<i16> = samples.iter().map(|sample| (sample * gain) as i16).collect();
    let (mut codes, mut heard) = (Vec::new(), Vec::new());
    encode_mulaw(&linear, &mut codes);
    decode_mulaw(&codes, &mut heard);
    heard
}

/// A second-order Butterworth filter (R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients").
fn filtered(samples: &[f32], hertz: f32, high_pass: bool) -> Vec<f32> {
    let omega = TAU * hertz / RATE;
    let (cosine, alpha) = (omega.cos(), omega.sin() / 2.0f32.sqrt());
    let (edge, middle) = match high_pass {
        true => ((1.0 + cosine) / 2.0, -(1.0 + cosine)),
        false => ((1.0 - cosine) / 2.0, 1.0 - cosine),
    };
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    samples
        .iter()
        .map(|&x| {
            let y = (edge * (x + x2) + middle * x1 + 2.0 * cosine * y1 - (1.0 - alpha) * y2) / (1.0 + alpha);
            (x2, x1, y2, y1) = (x1, x, y1, y);
            y
        })
        .collect()
}

fn white(length: usize, chance: &mut StdRng) -> Vec<f32> {
    (0..length).map(|_| chance.random_range(-1.0..1.0)).collect()
}

/// Pink noise by P. Kellet's economy filter.
fn pink(length: usize, chance: &mut StdRng) -> Vec<f32> {
    let mut state = [0.0f32; 3];
    white(length, chance)
        .into_iter()
        .map(|white| {
            state[0] = 0.99765 * state[0] + white * 0.099_046;
            state[1] = 0.963 * state[1] + white * 0.296_516_4;
            state[2] = 0.57 * state[2] + white * 1.052_691_3;
            state.iter().sum::<f32>() + white * 0.1848
        })
        .collect()
}

fn scaled(mut samples: Vec<f32>, factor: f32) -> Vec<f32> {
    samples.iter_mut().for_each(|sample| *sample *= factor);
    samples
}

fn decibels(value: f32) -> f32 {
    10f32.powf(value / 20.0)
}

fn root_mean_square(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32)
        .sqrt()
        .max(1.0)
}
