//! A recording as a caller plays it: mu-law, with the bounds of what is voiced in it.

use super::{SAMPLES_PER_MS, amplitude, clipped, decode, encode, rms};
use std::f64::consts::PI;

/// Length of the windows in which the level is looked at, in samples (10 ms).
const WINDOW: usize = 80;

/// Length of the edges that show a recording's background, in samples (300 ms).
const EDGE: usize = 2_400;

/// A recording, ready to be put on the line.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Clip {
    mulaw: Vec<u8>,
    voiced: std::ops::Range<usize>,
}

impl Clip {
    /// From samples at 8 kHz. What is voiced is found by level: above the file's own noise and within 30 dB of its
    /// loudest part. A recording that is level throughout (noise, a tone) is voiced as a whole.
    pub(crate) fn new(samples: &[i16]) -> Self {
        Self {
            mulaw: samples.iter().map(|&sample| encode(sample)).collect(),
            voiced: voiced_part(samples),
        }
    }

    /// Tones of equal loudness, sounding together.
    pub(crate) fn tone(hertz: &[f64], milliseconds: u64, level_db: f64) -> Self {
        let peak = f64::from(i16::MAX) * amplitude(level_db);
        let samples: Vec<i16> = (0..milliseconds as usize * SAMPLES_PER_MS)
            .map(|index| {
                let seconds = index as f64 / f64::from(super::SAMPLE_RATE);
                clipped(hertz.iter().map(|hz| peak * (2.0 * PI * hz * seconds).sin()).sum())
            })
            .collect();
        Self {
            mulaw: samples.iter().map(|&sample| encode(sample)).collect(),
            voiced: 0..samples.len(),
        }
    }

    /// The same, louder or softer.
    pub(crate) fn with_gain(&self, gain_db: f64) -> Self {
        let factor = amplitude(gain_db);
        let mulaw = self
            .mulaw
            .iter()
            .map(|&byte| encode(clipped(f64::from(decode(byte)) * factor)))
            .collect();
        Self {
            mulaw,
            voiced: self.voiced.clone(),
        }
    }

    /// Its bytes.
    pub(crate) fn mulaw(&self) -> &[u8] {
        &self.mulaw
    }

    /// From the first to the last voiced sample.
    pub(crate) fn voiced(&self) -> std::ops::Range<usize> {
        self.voiced.clone()
    }

    /// Level of the voiced part: root mean square, linear.
    pub(crate) fn voiced_rms(&self) -> f64 {
        let samples: Vec<i16> = self.mulaw[self.voiced.clone()]
            .iter()
            .map(|&byte| decode(byte))
            .collect();
        rms(&samples)
    }
}

fn voiced_part(samples: &[i16]) -> std::ops::Range<usize> {
    let levels: Vec<f64> = samples.chunks(WINDOW).map(rms).collect();
    let Some(loudest) = levels.iter().copied().max_by(f64::total_cmp) else {
        return 0..0;
    };
    // A recording begins and ends with its background, or with speech: then the edges say nothing of noise.
    let edge = EDGE.min(samples.len());
    let background = rms(&samples[..edge]).min(rms(&samples[samples.len() - edge..]));
    let above_noise = background * amplitude(10.0);
    let soft = loudest * amplitude(-30.0);
    let threshold = if above_noise < loudest * amplitude(-6.0) {
        soft.max(above_noise)
    } else {
        soft
    };
    if levels.iter().all(|&level| level <= threshold) {
        return 0..samples.len();
    }
    let first = levels.iter().position(|&level| level > threshold);
    let last = levels.iter().rposition(|&level| level > threshold);
    match (first, last) {
        (Some(first), Some(last)) => first * WINDOW..((last + 1) * WINDOW).min(samples.len()),
        _ => 0..samples.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_voiced_is_found_between_the_silences() {
        let mut samples = vec![3; 4_800];
        samples.extend(
            Clip::tone(&[440.0], 500, -12.0)
                .mulaw()
                .iter()
                .map(|&byte| decode(byte)),
        );
        samples.extend([-3; 9_600]);
        assert_eq!(Clip::new(&samples).voiced(), 4_800..8_800);
    }

    #[test]
    fn a_level_recording_is_voiced_as_a_whole_and_an_empty_one_not_at_all() {
        assert_eq!(Clip::new(&[500; 1_000]).voiced(), 0..1_000);
        assert_eq!(Clip::new(&[0; 1_000]).voiced(), 0..1_000);
        assert_eq!(Clip::new(&[]).voiced(), 0..0);
    }

    #[test]
    fn gain_changes_the_level_by_as_many_decibels() {
        let clip = Clip::tone(&[440.0], 100, -12.0);
        let ratio = clip.with_gain(-6.0).voiced_rms() / clip.voiced_rms();
        assert!((20.0 * ratio.log10() + 6.0).abs() < 0.3, "{ratio}");
    }

    #[test]
    fn in_the_recordings_of_the_project_the_voiced_part_is_where_their_manifests_say() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
        for folder in ["audio", "audio_extra"] {
            let folder = fixtures.join(folder);
            let manifest = std::fs::read_to_string(folder.join("manifest.csv")).expect("readable");
            for line in manifest.lines().skip(1) {
                // Times are the columns before the last two; texts may have commas, and notes too.
                let columns: Vec<&str> = line.split(',').collect();
                let Some(at) = columns
                    .windows(3)
                    .rposition(|three| three.iter().all(|c| c.parse::<u32>().is_ok()))
                else {
                    continue;
                };
                let [start, end] = [at, at + 1].map(|at| columns[at].parse::<i64>().expect("a number"));
                let samples = crate::audio::read_wav(&folder.join(columns[0])).expect("readable");
                let voiced = Clip::new(&samples).voiced();
                let [found_start, found_end] = [voiced.start, voiced.end].map(|at| (at / SAMPLES_PER_MS) as i64);
                // Soft consonants at an end are lost; talk and echo in the background count as voice.
                if !line.contains("babble") && !line.contains("echo") {
                    assert!(
                        (start - 40..start + 300).contains(&found_start),
                        "{line}: from {found_start}"
                    );
                    assert!((end - 300..end + 40).contains(&found_end), "{line}: to {found_end}");
                }
            }
        }
    }
}
