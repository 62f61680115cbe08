//! What is done to an utterance before it is decoded: level, trim, and whether there is a voice in it at all.

/// Samples of 20 ms at 8 kHz.
const FRAME: usize = 160;
/// The loudest tenth of a second is brought to this root mean square.
const LEVEL: f32 = 6_000.0;
/// Amplification stops here: what is quieter still is no speech.
const MOST_GAIN: f32 = 64.0;
/// Frames above this share of the loudest one belong to the speech; 140 ms around them are kept. Longer silence only
/// gives the decoder room to find words in the noise.
const SPEECH_SHARE: f32 = 0.1;
const FRAMES_AROUND: usize = 7;

/// Brings an utterance of 8 kHz to a fixed level, so that the same words give the same result however loud the line
/// is, and cuts off what is quiet around the speech.
pub fn level_and_trim(samples: &[i16]) -> Vec<i16> {
    let loudest = samples.chunks(FRAME * 5).map(root_mean_square).fold(1.0, f32::max);
    let gain = (LEVEL / loudest).min(MOST_GAIN);
    // The cast saturates.
    let levelled: Vec<i16> = samples
        .iter()
        .map(|&sample| (f32::from(sample) * gain) as i16)
        .collect();
    let frames: Vec<f32> = levelled.chunks(FRAME).map(root_mean_square).collect();
    let threshold = frames.iter().copied().fold(0.0, f32::max) * SPEECH_SHARE;
    let speech = |frame: &f32| *frame > threshold;
    let first = frames
        .iter()
        .position(speech)
        .unwrap_or(0)
        .saturating_sub(FRAMES_AROUND);
    let last = frames.iter().rposition(speech).unwrap_or(0) + FRAMES_AROUND;
    let end = ((last + 1) * FRAME).min(levelled.len());
    levelled.get(first * FRAME..end).unwrap_or_default().to_vec()
}

/// True if at least this many frames of 10 ms sound like a voice: not far below the loudest, and periodic at a pitch
/// from 80 to 400 Hz. Bursts of noise have none, every spoken word has a vowel. Tones are periodic too, but they are
/// steady, and so simple that four samples foretell the next.
pub fn has_voice(samples: &[i16], least_frames: usize) -> bool {
    /// 20 dB below the loudest.
    const QUIET: f32 = 0.01;
    /// Share of a frame's energy that cannot be foretold: below it, the frame is a tone.
    const TONAL: f32 = 0.01;
    let frames: Vec<Vec<f32>> = samples
        .windows(WINDOW + LONGEST_LAG)
        .step_by(STEP)
        .map(|frame| {
            let mean = frame.iter().map(|&sample| f32::from(sample)).sum::<f32>() / frame.len() as f32;
            frame.iter().map(|&sample| f32::from(sample) - mean).collect()
        })
        .collect();
    let energies = frames.iter().map(|frame| energy(&frame[..WINDOW]));
    let threshold = energies.fold(1.0, f32::max) * QUIET;
    let voiced: Vec<&Vec<f32>> = frames
        .iter()
        .filter(|frame| energy(&frame[..WINDOW]) >= threshold && is_periodic(frame))
        .collect();
    let tonal: Vec<f32> = voiced
        .iter()
        .map(|frame| &frame[..WINDOW])
        .filter(|frame| unforeseen(frame) < TONAL)
        .map(|frame| 10.0 * energy(frame).max(1.0).log10())
        .collect();
    voiced.len() >= least_frames && !is_tone(tonal, voiced.len())
}

/// True if most of the voiced frames are simple, by whose levels in dB this judges, and either steady in level or more
/// of them in a row than a vowel has. A clear vowel without noise can be as simple, but it swells and dies away.
fn is_tone(mut tonal_db: Vec<f32>, voiced: usize) -> bool {
    const STEADY_DB: f32 = 0.9;
    const LONG: usize = 40;
    let tonal = tonal_db.len();
    if tonal == 0 || tonal * 2 < voiced {
        return false;
    }
    tonal_db.sort_by(f32::total_cmp);
    let median = tonal_db[tonal / 2];
    let spread = tonal_db.iter().map(|level| (level - median).abs()).sum::<f32>() / tonal as f32;
    spread < STEADY_DB || (tonal >= LONG && tonal * 100 >= voiced * 85)
}

const WINDOW: usize = 240;
const STEP: usize = 80;
const SHORTEST_LAG: usize = 20;
const LONGEST_LAG: usize = 100;

fn is_periodic(frame: &[f32]) -> bool {
    const PERIODIC: f32 = 0.55;
    let own = energy(&frame[..WINDOW]);
    (SHORTEST_LAG..LONGEST_LAG).step_by(2).any(|lag| {
        let later = &frame[lag..lag + WINDOW];
        product(frame, later) > PERIODIC * (own * energy(later) + 1.0).sqrt()
    })
}

/// The share of energy that the best linear prediction from four samples misses (covariance method).
fn unforeseen(frame: &[f32]) -> f32 {
    const ORDER: usize = 4;
    let delayed = |lag: usize| &frame[ORDER - lag..frame.len() - lag];
    // The last column is the right-hand side of the normal equations.
    let mut rows = [[0.0; ORDER + 1]; ORDER];
    for (i, row) in rows.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = product(delayed(i + 1), delayed(if j < ORDER { j + 1 } else { 0 }));
        }
        // Keeps a singular system, as of a single tone, solvable.
        row[i] = row[i] * 1.000_01 + 1.0;
    }
    let mut missed = energy(delayed(0)) + 1.0;
    let whole = missed;
    for pivot in 0..ORDER {
        let top = rows[pivot];
        // Elimination takes out what this delay foretells and those before it did not.
        missed -= top[ORDER] * top[ORDER] / top[pivot];
        for row in rows.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / top[pivot];
            row.iter_mut()
                .zip(top)
                .for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    missed / whole
}

fn energy(samples: &[f32]) -> f32 {
    product(samples, samples)
}

fn product(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

fn root_mean_square(samples: &[i16]) -> f32 {
    let energy: f32 = samples.iter().map(|&sample| f32::from(sample).powi(2)).sum();
    (energy / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(hertz: f32, amplitude: f32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| ((i as f32 * hertz * std::f32::consts::TAU / 8_000.0).sin() * amplitude) as i16)
            .collect()
    }

    #[test]
    fn a_spoken_word_has_a_voice_and_a_burst_of_noise_has_none() {
        let word = include_bytes!("../../../fixtures/audio/17_num_3.wav");
        let word = samvad_media::wav::read(word).unwrap().samples;
        assert!(has_voice(&word, 8));
        let mut state = 1u32;
        let noise: Vec<i16> = (0..4_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16
            })
            .collect();
        assert!(!has_voice(&noise, 1));
    }

    #[test]
    fn tones_are_not_a_voice() {
        for (low, high) in [(350.0, 440.0), (697.0, 1_209.0), (1_000.0, 1_000.0)] {
            let (low, high) = (tone(low, 4_000.0, 8_000), tone(high, 4_000.0, 8_000));
            let both: Vec<i16> = low.iter().zip(&high).map(|(low, high)| low + high).collect();
            assert!(!has_voice(&both, 8));
        }
    }

    #[test]
    fn silence_around_the_speech_is_cut_off() {
        let speech = tone(200.0, 3_000.0, 3_200);
        let line = [vec![0; 8_000], speech, vec![0; 8_000]].concat();
        assert_eq!(level_and_trim(&line).len(), 3_200 + 2 * FRAMES_AROUND * FRAME);
    }

    #[test]
    fn a_louder_line_gives_the_same_utterance() {
        let quiet = tone(200.0, 500.0, 3_200);
        let loud: Vec<i16> = quiet.iter().map(|sample| sample * 8).collect();
        assert_eq!(level_and_trim(&quiet), level_and_trim(&loud));
    }

    proptest! {
        #[test]
        fn any_samples_can_be_prepared(samples in prop::collection::vec(any::<i16>(), 0..4_000)) {
            prop_assert!(level_and_trim(&samples).len() <= samples.len());
            has_voice(&samples, 8);
        }
    }
}
