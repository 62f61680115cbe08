//! How loud speech is, and how loud it is made: every sentence that is spoken to a caller has the same level.

/// Samples over which level is measured: 20 ms at the line's rate.
pub const STRETCH: usize = 160;

/// Level of the louder stretches of a sentence, as RMS of full scale: -18 dBFS, usual for announcements and well below
/// clipping.
pub const TARGET_RMS: f64 = 0.126;

/// No more than this, so that noise is not made loud.
const MOST_GAIN: f64 = 10.0;

/// No sample is louder, of full scale.
const LOUDEST: f64 = 0.95;

/// Full scale.
const FULL: f64 = 32_768.0;

/// Root mean square of samples, of full scale; 0 of none.
pub fn rms(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt() / FULL
}

/// What brings speech at the line's rate to the level of all sentences. Found by the mean of the louder half, so that
/// pauses within do not make it louder.
pub fn gain(speech: &[i16]) -> f64 {
    let mut levels: Vec<f64> = speech.chunks(STRETCH).map(rms).collect();
    levels.sort_by(|a, b| b.total_cmp(a));
    let half = &levels[..levels.len().div_ceil(2)];
    let level = (half.iter().map(|level| level * level).sum::<f64>() / half.len().max(1) as f64).sqrt();
    let peak = speech.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(1);
    let peak = f64::from(peak.max(1)) / FULL;
    (TARGET_RMS / level.max(f64::MIN_POSITIVE))
        .min(MOST_GAIN)
        .min(LOUDEST / peak)
}

/// The samples with this gain. What is louder than those it was found by is limited and does not wrap.
pub fn scale(samples: &[i16], gain: f64) -> impl Iterator<Item = i16> {
    let loudest = FULL * LOUDEST;
    samples
        .iter()
        .map(move |&sample| (f64::from(sample) * gain).clamp(-loudest, loudest) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(peak: f64) -> Vec<i16> {
        (0..8_000).map(|n| ((f64::from(n) * 0.5).sin() * peak) as i16).collect()
    }

    #[test]
    fn quiet_and_loud_speech_come_to_one_level_whatever_pauses_are_in_it() {
        for peak in [1_500.0, 9_000.0, 31_000.0] {
            let speech = [tone(peak), vec![0; 6_000]].concat();
            let level = rms(&scale(&tone(peak), gain(&speech)).collect::<Vec<_>>());
            assert!((level / TARGET_RMS - 1.0).abs() < 0.02, "{peak}: {level}");
        }
    }

    #[test]
    fn noise_is_not_made_loud() {
        assert!((gain(&[3; 8_000]) - MOST_GAIN).abs() < f64::EPSILON);
        assert!((gain(&[]) - MOST_GAIN).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn nothing_is_louder_than_the_loudest_and_nothing_wraps(
            found_by in prop::collection::vec(any::<i16>(), 0..1_000), samples in prop::collection::vec(any::<i16>(), 0..1_000),
        ) {
            for (scaled, sample) in scale(&samples, gain(&found_by)).zip(&samples) {
                prop_assert!(scaled.unsigned_abs() <= (FULL * LOUDEST) as u16);
                prop_assert!(scaled == 0 || (scaled < 0) == (*sample < 0));
            }
        }
    }
}
