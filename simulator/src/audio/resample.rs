//! Bringing a recording of any rate to the 8 kHz of the line: a windowed-sinc low-pass read at the new instants.

use super::{SAMPLE_RATE, clipped};
use std::f64::consts::PI;

/// Zero crossings of the sinc on each side: enough for a telephone band, and files are loaded once.
const LOBES: f64 = 16.0;

/// Samples at `rate` hertz, brought to 8 kHz.
pub(super) fn to_line_rate(samples: &[i16], rate: u32) -> Vec<i16> {
    let step = f64::from(rate) / f64::from(SAMPLE_RATE);
    // When going down the cut-off falls below the new Nyquist frequency, else what lies above would fold back.
    let cutoff = (0.95 / step).min(1.0);
    let reach = LOBES / cutoff;
    let length = (samples.len() as f64 / step).floor() as usize;
    (0..length)
        .map(|index| {
            let centre = index as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(samples.len().saturating_sub(1));
            let sum: f64 = (first..=last)
                .map(|at| {
                    let distance = at as f64 - centre;
                    let window = 0.5 + 0.5 * (PI * distance / reach).cos();
                    f64::from(samples[at]) * cutoff * sinc(cutoff * distance) * window
                })
                .sum();
            clipped(sum)
        })
        .collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::rms;

    fn tone(rate: u32, hertz: f64) -> Vec<i16> {
        (0..rate)
            .map(|index| clipped(8_000.0 * (2.0 * PI * hertz * f64::from(index) / f64::from(rate)).sin()))
            .collect()
    }

    #[test]
    fn a_tone_of_the_telephone_band_keeps_its_level_at_every_rate() {
        for rate in [16_000, 22_050, 44_100, 48_000, 4_000] {
            let level = rms(&to_line_rate(&tone(rate, 1_000.0), rate));
            assert!(
                (level / rms(&tone(8_000, 1_000.0)) - 1.0).abs() < 0.03,
                "{rate}: {level}"
            );
        }
    }

    #[test]
    fn what_lies_above_the_band_does_not_fold_back() {
        let level = rms(&to_line_rate(&tone(48_000, 5_000.0), 48_000));
        assert!(level < 60.0, "{level}");
    }
}
