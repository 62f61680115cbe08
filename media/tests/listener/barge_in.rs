//! Respondents who talk over a prompt, on lines with and without its echo.

use crate::line::{
    EchoPath, Line, PROMPTS, SILENT, Told, all_over_prompt, listen, over_prompt, prompt, share_within, speakers,
    sustained,
};
use crate::support::{Notes, mulaw, noise};
use samvad_media::listener::{Listener, ListenerConfig};

#[test]
fn speech_over_a_prompt_is_sustained_within_260_ms_and_none_of_it_is_lost() {
    // A syllable of 100 ms before a closure of more than 100 ms: only the second syllable makes it sustained.
    let bursts = ["10_stop_calling.wav", "x18_after_work_slt.wav"];
    for told in [Told::All, Told::Playing] {
        let mut all = Vec::new();
        for recording in speakers() {
            for shift in [0, 32, 64, 96] {
                let found = over_prompt(Line { told, ..SILENT }, recording, shift);
                all.push(found);
                let file = &recording.file;
                let found = found.unwrap_or_else(|| panic!("{file} is never sustained"));
                assert!(
                    found.at_ms <= 400 || bursts.contains(&file.as_str()),
                    "{file}, {shift}: {found:?}"
                );
                assert!(found.audio_from_ms <= 0, "{file}, {shift}: {found:?}");
            }
        }
        assert!(share_within(260, &all) >= 95, "{}", share_within(260, &all));
    }
}

#[test]
fn a_soft_voice_over_a_prompt_is_heard_nearly_as_fast() {
    for (gain_db, soon) in [(-6.0, 95), (-12.0, 88)] {
        let found = all_over_prompt(Line { gain_db, ..SILENT });
        assert!(share_within(300, &found) >= soon, "{gain_db} dB: {found:?}");
        assert!(share_within(500, &found) >= 95, "{gain_db} dB: {found:?}");
    }
}

#[test]
fn in_noise_a_prompt_delays_nothing() {
    for pink in [false, true] {
        let line = Line {
            noise: Some((pink, 15.0, 3)),
            ..SILENT
        };
        let quiet = all_over_prompt(Line {
            told: Told::Nothing,
            ..line
        });
        let found = all_over_prompt(line);
        for limit_ms in [200, 300, 500, 1_000] {
            let (without, with) = (share_within(limit_ms, &quiet), share_within(limit_ms, &found));
            assert!(
                with + 2 >= without,
                "pink {pink}, {limit_ms} ms: {with} after {without} of 100"
            );
        }
    }
}

#[test]
fn speech_is_told_from_the_echo_of_a_prompt() {
    for (level_db, soon, at_all) in [(-45.0, 88, 98), (-40.0, 80, 96), (-35.0, 66, 94)] {
        let found = all_over_prompt(Line {
            echo: Some(EchoPath::plain(level_db + 20.0, 120)),
            ..SILENT
        });
        let shares = (share_within(300, &found), share_within(5_000, &found));
        assert!(shares.0 >= soon && shares.1 >= at_all, "{level_db} dB: {shares:?}");
        let late = found.iter().flatten().filter(|found| found.audio_from_ms > 60);
        assert_eq!(late.count(), 0, "{level_db} dB: {found:?}");
    }
}

#[test]
fn l9_the_echo_of_a_known_prompt_is_no_speech_of_any_length() {
    for prompt in PROMPTS {
        for level_db in [-45.0, -40.0, -35.0] {
            for delay_ms in [20, 120, 350] {
                let line = Line {
                    echo: Some(EchoPath::plain(level_db + 20.0, delay_ms)),
                    prompt,
                    ..SILENT
                };
                let notes = listen(line, &[0; 15 * 8_000]);
                assert_eq!(notes.events, [], "{line:?}");
            }
        }
    }
}

#[test]
fn l9_the_echo_of_a_prompt_that_is_not_known_interrupts_nothing() {
    for prompt in PROMPTS {
        for level_db in [-45.0, -40.0] {
            let line = Line {
                echo: Some(EchoPath::plain(level_db + 20.0, 120)),
                prompt,
                told: Told::Playing,
                ..SILENT
            };
            assert!(sustained(&listen(line, &[0; 15 * 8_000]), 0).is_none(), "{line:?}");
        }
    }
}

#[test]
fn the_echo_of_a_prompt_that_has_ended_is_still_none_of_the_respondents_words() {
    let played = prompt(PROMPTS[2], 24_000);
    let mut listener = Listener::new(ListenerConfig::default());
    let mut notes = Notes::default();
    listener.prompt_sent(mulaw(&played).into());
    let echo: Vec<i16> = played.iter().map(|sample| sample / 8).collect();
    let line = [vec![0; 2_400], echo, vec![0; 8_000]].concat();
    for (index, codes) in mulaw(&line).chunks(160).enumerate() {
        if index == 150 {
            listener.set_prompt_playing(false);
        }
        listener.push_mulaw(Some(index as u64 * 20), codes, &mut notes);
    }
    assert_eq!(notes.events, []);
}

#[test]
fn l5_a_burst_under_120_ms_over_a_prompt_is_never_sustained() {
    for echo in [None, Some(EchoPath::plain(-20.0, 120))] {
        for recording in speakers() {
            let start = recording.speech_start_ms.unwrap() as usize * 8;
            let end = recording.speech_end_ms.unwrap() as usize * 8;
            for from in (start..end - 952).step_by(1_600).take(6) {
                let mut samples = vec![0; 24_000];
                samples[12_000..12_952].copy_from_slice(&recording.samples[from..from + 952]);
                let notes = listen(Line { echo, ..SILENT }, &samples);
                assert!(sustained(&notes, 0).is_none(), "{} from {}", recording.file, from / 8);
            }
        }
    }
}

#[test]
fn steady_noise_over_a_prompt_is_never_sustained() {
    for seed in 0..4 {
        for level in [10.0, 100.0, 500.0, 3_000.0] {
            for pink in [false, true] {
                let samples: Vec<i16> = noise(64_000, pink, level, seed)
                    .into_iter()
                    .map(|sample| sample as i16)
                    .collect();
                let notes = listen(SILENT, &samples);
                assert!(
                    sustained(&notes, 0).is_none(),
                    "level {level}, pink {pink}, seed {seed}"
                );
            }
        }
    }
}
