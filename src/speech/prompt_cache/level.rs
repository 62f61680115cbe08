//! Speech at one level, without the silence around it.

use samvad_media::level::{self, STRETCH, rms};

/// A stretch this far below the loudest is silence: -40 dB.
const SILENCE_BELOW: f64 = 0.01;

/// Silence left before the first sound (20 ms) and after the last (180 ms): sentences of one prompt are played one
/// behind the other, and without a pause they would run together.
const LEAD: usize = STRETCH;
const TAIL: usize = 9 * STRETCH;

/// The samples cut to speech and brought to the target level; `None` if there is no sound in them.
pub(super) fn speech_at_level(samples: &[i16]) -> Option<Vec<i16>> {
    let levels: Vec<f64> = samples.chunks(STRETCH).map(rms).collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    if loudest < 0.001 {
        return None;
    }
    let voiced = |level: &f64| *level >= loudest * SILENCE_BELOW;
    let first = levels.iter().position(voiced)? * STRETCH;
    let last = ((levels.iter().rposition(voiced)? + 1) * STRETCH).min(samples.len());
    let speech = &samples[first.saturating_sub(LEAD)..last];
    let scaled = level::scale(speech, level::gain(speech));
    Some(scaled.chain(std::iter::repeat_n(0, TAIL)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_media::level::TARGET_RMS;

    fn tone(amplitude: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| ((n as f64 * 0.5).sin() * amplitude) as i16)
            .collect()
    }

    fn padded(amplitude: f64) -> Vec<i16> {
        [vec![0; 4_000], tone(amplitude, 8_000), vec![0; 4_000]].concat()
    }

    #[test]
    fn a_quiet_and_a_loud_voice_come_out_alike() {
        let [quiet, loud] = [2_000.0, 30_000.0].map(|level| speech_at_level(&padded(level)).expect("sound"));
        let levels = [&quiet, &loud].map(|samples| rms(&samples[LEAD..LEAD + 7_000]));
        assert!((levels[0] / levels[1] - 1.0).abs() < 0.02, "{levels:?}");
        assert!((levels[0] / TARGET_RMS - 1.0).abs() < 0.05, "{levels:?}");
    }

    #[test]
    fn the_silence_around_is_cut_and_a_short_pause_is_left_behind() {
        let speech = speech_at_level(&padded(9_000.0)).expect("sound");
        assert!(
            (8_000 + LEAD + TAIL..8_000 + LEAD + TAIL + 2 * STRETCH).contains(&speech.len()),
            "{}",
            speech.len()
        );
        assert!(speech[speech.len() - TAIL..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn nothing_clips_and_silence_is_no_speech() {
        let mut click = padded(1_000.0);
        click[8_000] = i16::MAX;
        let speech = speech_at_level(&click).expect("sound");
        assert!(speech.iter().all(|sample| sample.unsigned_abs() < 32_000));
        assert_eq!(speech_at_level(&[0; 8_000]), None);
        assert_eq!(speech_at_level(&[]), None);
    }
}
