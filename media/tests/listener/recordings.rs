//! The listener over recordings of respondents (`fixtures/audio`), at several levels, with noise, and over what is no
//! speech at all.

use crate::support::{Heard, Recording, hear, hear_samples, noise, rms};
use std::f64::consts::TAU;

const GAINS_DB: [f64; 4] = [0.0, -12.0, -6.0, 6.0];

/// Where speech begins and ends. The manifest gives the extent of the source recording, which in one case has the
/// room's noise before the first and after the last word.
fn edges(recording: &Recording) -> Option<((u64, u64), (u64, u64))> {
    let (start, end) = (recording.speech_start_ms?, recording.speech_end_ms?);
    Some(match recording.file.as_str() {
        "22_free_human.wav" => ((start, 848), (3_380, end)),
        _ => ((start, start), (end, end)),
    })
}

fn is_near(ms: u64, (from, to): (u64, u64), tolerance_ms: u64) -> bool {
    (from.saturating_sub(tolerance_ms)..=to + tolerance_ms).contains(&ms)
}

fn assert_one_utterance(recording: &Recording, heard: &Heard, tolerances_ms: (u64, u64), what: &str) {
    let Some((start, end)) = edges(recording) else { return };
    let file = &recording.file;
    let (began, ended) = match heard.utterances.as_slice() {
        &[utterance] => utterance,
        // A greeting with pauses may be several.
        [first, .., last] if file.contains("voicemail") => (first.0, last.1),
        other => panic!("{file}, {what}: {other:?} is not one utterance"),
    };
    // The beep that follows the greeting belongs to the extent of its recording.
    let end = if file.contains("voicemail") {
        (end.0 - 1_000, end.1)
    } else {
        end
    };
    assert!(
        is_near(began, start, tolerances_ms.0),
        "{file}, {what}: begins at {began}, not {start:?}"
    );
    assert!(
        is_near(ended, end, tolerances_ms.1),
        "{file}, {what}: ends at {ended}, not {end:?}"
    );
}

#[test]
fn l1_every_answer_is_one_utterance_with_its_edges_at_any_level() {
    for gain_db in GAINS_DB {
        for mut recording in Recording::all() {
            recording.amplify(gain_db);
            assert_one_utterance(&recording, &hear(&recording), (150, 200), &format!("{gain_db} dB"));
        }
    }
}

#[test]
fn every_answer_is_one_utterance_in_noise_at_15_db() {
    for (pink, seed) in [(false, 1), (false, 2), (false, 3), (true, 1), (true, 2), (true, 3)] {
        for gain_db in [0.0, -12.0] {
            for mut recording in Recording::all() {
                recording.add_noise(pink, 15.0, seed);
                recording.amplify(gain_db);
                let what = format!("{gain_db} dB, {} noise {seed}", if pink { "pink" } else { "white" });
                // The noise covers soft consonants and fading ends.
                assert_one_utterance(&recording, &hear(&recording), (200, 260), &what);
            }
        }
    }
}

#[test]
fn l3_silence_noise_babble_and_keys_are_no_utterance_at_any_level() {
    for gain_db in GAINS_DB {
        for mut recording in Recording::all() {
            recording.amplify(gain_db);
            if edges(&recording).is_none() {
                assert_eq!(hear(&recording).utterances, [], "{} at {gain_db} dB", recording.file);
            }
        }
    }
}

#[test]
fn speech_at_40_db_below_full_scale_is_heard() {
    let mut recording = Recording::named("09_remove_me.wav");
    let level = rms(&recording.samples[600 * 8..2_277 * 8]);
    recording.amplify(20.0 * (328.0 / level).log10());
    assert_one_utterance(&recording, &hear(&recording), (150, 200), "-40 dBFS");
}

#[test]
fn speech_is_sustained_within_300_ms_of_its_onset() {
    for recording in Recording::all() {
        // Here the first word is a burst of 100 ms before a closure of 200 ms.
        if edges(&recording).is_some() && recording.file != "10_stop_calling.wav" {
            let first = hear(&recording).sustained_after_ms.first().copied();
            assert!(
                first.is_some_and(|after_ms| after_ms <= 300),
                "{}: {first:?}",
                recording.file
            );
        }
    }
}

#[test]
fn l5_a_burst_of_speech_under_120_ms_is_never_sustained() {
    for recording in Recording::all() {
        let Some((start, end)) = edges(&recording) else {
            continue;
        };
        let first = start.1 as usize * 8;
        for from in (first..end.0 as usize * 8 - 952).step_by(640).take(12) {
            let mut samples = noise(16_000, false, 8.0, 1);
            for (sample, &burst) in samples[8_000..].iter_mut().zip(&recording.samples[from..from + 952]) {
                *sample += f64::from(burst);
            }
            assert!(
                hear_samples(&samples).sustained_after_ms.is_empty(),
                "{} from {}",
                recording.file,
                from / 8
            );
        }
    }
}

#[test]
fn clicks_are_no_utterance() {
    for length in [1, 8, 40, 160] {
        let mut samples = noise(24_000, false, 8.0, 1);
        samples[8_000..8_000 + length].fill(20_000.0);
        let heard = hear_samples(&samples);
        assert_eq!(
            (heard.utterances, heard.sustained_after_ms),
            (vec![], vec![]),
            "{length} samples"
        );
    }
}

#[test]
fn steady_noise_of_any_level_is_no_utterance() {
    for seed in 0..10 {
        for level in [10.0, 50.0, 100.0, 300.0, 1_000.0, 3_000.0] {
            for pink in [false, true] {
                let heard = hear_samples(&noise(80_000, pink, level, seed));
                assert_eq!(heard.utterances, [], "level {level}, pink {pink}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_loud_noise_that_begins_and_stays_is_forgotten_within_a_second() {
    for seed in 0..10 {
        for pink in [false, true] {
            let mut samples = noise(80_000, pink, 2_000.0, seed);
            samples[..24_000].copy_from_slice(&noise(24_000, pink, 8.0, seed));
            for (began, ended) in hear_samples(&samples).utterances {
                assert!(ended - began < 1_000, "seed {seed}: {began} to {ended}");
            }
        }
    }
}

#[test]
fn speech_is_heard_above_a_noise_that_has_begun_before() {
    let mut recording = Recording::named("11_call_later.wav");
    let quiet = recording.samples[..160].repeat(50);
    let noisy = noise(16_000, true, 300.0, 4).into_iter().map(|sample| sample as i16);
    let lead_ms = (quiet.len() as u64 + 16_000) / 8;
    recording.add_noise(true, 18.0, 5);
    recording.samples = quiet.into_iter().chain(noisy).chain(recording.samples).collect();
    recording.speech_start_ms = recording.speech_start_ms.map(|ms| ms + lead_ms);
    recording.speech_end_ms = recording.speech_end_ms.map(|ms| ms + lead_ms);
    assert_one_utterance(&recording, &hear(&recording), (200, 250), "after noise");
}

/// A line with a tone of one or two frequencies from 1 s on.
fn tone(hertz: (f64, f64), ms: usize, peak: f64) -> Vec<f64> {
    let mut samples = noise(48_000, true, f64::max(8.0, peak * 0.01), 3);
    for (index, sample) in samples[8_000..8_000 + ms * 8].iter_mut().enumerate() {
        let angle = index as f64 / 8_000.0 * TAU;
        *sample += peak * 0.5 * ((angle * hertz.0).sin() + (angle * hertz.1).sin());
    }
    samples
}

#[test]
fn keys_heard_in_the_audio_are_no_utterance() {
    for row in [697.0, 770.0, 852.0, 941.0] {
        for column in [1_209.0, 1_336.0, 1_477.0, 1_633.0] {
            for (ms, peak) in [(60, 8_000.0), (120, 8_000.0), (120, 1_000.0), (400, 8_000.0)] {
                let heard = hear_samples(&tone((row, column), ms, peak));
                assert_eq!(
                    (heard.utterances, heard.beeps),
                    (vec![], vec![]),
                    "{row} and {column} Hz, {ms} ms"
                );
            }
        }
    }
}

#[test]
fn dial_busy_and_ringing_tones_are_no_utterance() {
    for hertz in [
        (350.0, 440.0),
        (440.0, 480.0),
        (480.0, 620.0),
        (425.0, 425.0),
        (400.0, 450.0),
    ] {
        for ms in [200, 500, 1_000, 3_000, 4_500] {
            for peak in [600.0, 4_000.0, 12_000.0] {
                assert_eq!(
                    hear_samples(&tone(hertz, ms, peak)).utterances,
                    [],
                    "{hertz:?} Hz, {ms} ms, {peak}"
                );
            }
        }
    }
}

#[test]
fn a_steady_tone_of_180_ms_to_3_s_is_a_beep_once_it_has_ended() {
    for hertz in [350.0, 440.0, 950.0, 1_000.0, 1_400.0, 2_000.0] {
        for ms in [200, 400, 1_000, 2_500] {
            let beeps = hear_samples(&tone((hertz, hertz), ms, 6_000.0)).beeps;
            let end_ms = 1_000 + ms as u64;
            assert!(
                matches!(beeps.as_slice(), [at_ms] if at_ms.abs_diff(end_ms) <= 100),
                "{hertz} Hz, {ms} ms: {beeps:?}"
            );
        }
        for ms in [60, 100, 4_500] {
            assert!(
                hear_samples(&tone((hertz, hertz), ms, 6_000.0)).beeps.is_empty(),
                "{hertz} Hz, {ms} ms"
            );
        }
    }
}

#[test]
fn l16_only_the_voicemail_recordings_hold_a_beep_and_it_is_found_at_its_end() {
    for gain_db in GAINS_DB {
        for mut recording in Recording::all() {
            recording.amplify(gain_db);
            let beeps = hear(&recording).beeps;
            if recording.file.contains("voicemail") {
                let end_ms = recording.speech_end_ms.unwrap();
                assert!(
                    matches!(beeps.as_slice(), [at_ms] if at_ms.abs_diff(end_ms) <= 100),
                    "{beeps:?}"
                );
            } else {
                assert!(beeps.is_empty(), "{}: {beeps:?}", recording.file);
            }
        }
    }
}

#[test]
fn l9_the_echo_of_a_prompt_is_no_utterance_while_it_plays() {
    let recording = Recording::named("29_barge_in_echo.wav");
    for gain_db in GAINS_DB {
        let mut echo = recording.clone();
        echo.samples.truncate(1_900 * 8);
        echo.amplify(gain_db);
        assert_eq!(hear(&echo).utterances, [], "{gain_db} dB");
    }
}
