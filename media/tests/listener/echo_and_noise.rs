//! Who talks over a prompt is heard in time on lines with echo and noise: shares of all recordings, on delays,
//! couplings, rooms, prompts and noises that nothing was tuned on.
//!
//! `cargo test -p samvad-media --test listener -- echo_and_noise --nocapture` prints the figures.

use crate::line::{
    EchoPath, Line, SILENT, Sustained, all_over_prompt, heard, listen, over_prompt, prompt, share_within, speakers,
    sustained,
};
use crate::support::{Event, Notes, mulaw, noise};
use samvad_media::listener::{Listener, ListenerConfig};

/// Other voices than the echo's other tests have, a human one among them.
const PROMPTS: [&str; 4] = [
    "09_remove_me.wav",
    "22_free_human.wav",
    "x19_wrong_number_rms.wav",
    "x24_sometimes_gb.wav",
];
/// Delays in samples, the longest 400 ms, with and without a room, each with a prompt.
const PATHS: [(usize, bool, &str); 6] = [
    (0, false, PROMPTS[0]),
    (300, true, PROMPTS[1]),
    (1_111, false, PROMPTS[2]),
    (1_700, true, PROMPTS[3]),
    (2_345, false, PROMPTS[1]),
    (3_200, true, PROMPTS[2]),
];

fn lines(coupling_db: f64, noise: Option<(bool, f64, u64)>) -> Vec<Line> {
    let line = |(delay, room, prompt)| Line {
        echo: Some(EchoPath {
            coupling_db,
            delay,
            room,
        }),
        noise,
        prompt,
        ..SILENT
    };
    PATHS.into_iter().map(line).collect()
}

/// The shares within 300 ms and at all, and how many were sustained before anybody spoke.
fn shares(name: &str, lines: &[Line]) -> (usize, usize, usize) {
    let found: Vec<Option<Sustained>> = lines.iter().flat_map(|line| all_over_prompt(*line)).collect();
    let early = found.iter().flatten().filter(|found| found.at_ms < 0).count();
    let [in_200, in_300, in_500, at_all] = [200, 300, 500, i64::MAX].map(|limit| share_within(limit, &found));
    println!(
        "{name:34} 200 ms {in_200:3} %, 300 ms {in_300:3} %, 500 ms {in_500:3} %, at all {at_all:3} %, early {early} of {}",
        found.len()
    );
    (in_300, at_all, early)
}

#[test]
fn over_any_echo_up_to_a_coupling_of_17_db_speech_is_sustained_as_soon_as_on_a_silent_line() {
    shares("silent", &[SILENT]);
    for coupling_db in [-17.0, -23.0, -31.0, -38.0, -45.0] {
        let (soon, at_all, early) = shares(&format!("echo {coupling_db} dB"), &lines(coupling_db, None));
        assert!(
            soon >= 93 && at_all == 100 && early <= 3,
            "{coupling_db} dB: {soon}, {at_all}, {early}"
        );
    }
}

#[test]
fn in_noise_an_echo_delays_nothing() {
    for (pink, seed) in [(false, 21), (true, 22)] {
        let noise = Some((pink, 15.0, seed));
        let (alone, alone_at_all, _) = shares(&format!("noise, pink {pink}"), &[Line { noise, ..SILENT }]);
        assert!(
            alone >= 83 && alone_at_all >= 97,
            "pink {pink}: {alone}, {alone_at_all}"
        );
        let (soon, at_all, early) = shares(&format!("noise, pink {pink}, echo -17 dB"), &lines(-17.0, noise));
        assert!(
            soon + 3 >= alone && at_all + 2 >= alone_at_all,
            "pink {pink}: {soon}, {at_all} after {alone}"
        );
        assert!(early <= 3, "{early}");
    }
}

#[test]
fn l9_an_echo_with_noise_or_without_is_no_speech() {
    for noisy in [None, Some(false), Some(true)] {
        for coupling_db in [-17.0, -24.0, -36.0] {
            for line in lines(coupling_db, None) {
                let samples = match noisy {
                    None => vec![0; 15 * 8_000],
                    Some(pink) => noise(15 * 8_000, pink, 300.0, 23)
                        .into_iter()
                        .map(|sample| sample as i16)
                        .collect(),
                };
                assert!(sustained(&listen(line, &samples), 0).is_none(), "{noisy:?} {line:?}");
            }
        }
    }
}

#[test]
fn l5_a_burst_under_120_ms_over_a_loud_echo_is_never_sustained() {
    for (index, recording) in speakers().iter().enumerate() {
        let line = lines(-17.0, None)[index % PATHS.len()];
        let start = recording.speech_start_ms.unwrap() as usize * 8;
        let end = recording.speech_end_ms.unwrap() as usize * 8;
        for from in (start..end - 952).step_by(1_600).take(6) {
            let mut samples = vec![0; 40_000];
            samples[24_000..24_952].copy_from_slice(&recording.samples[from..from + 952]);
            let notes = listen(line, &samples);
            assert!(sustained(&notes, 0).is_none(), "{} from {}", recording.file, from / 8);
        }
    }
}

/// Two prompts of 4 s with a pause of 1 s between them. What is played comes back `then` samples late in the first,
/// and `now` in the second; or from the middle of the first on if there is no second.
fn changing(prompt_file: &str, (then, now): (usize, usize), second: bool) -> Notes {
    let played = prompt(prompt_file, 32_000);
    let path = |delay| EchoPath {
        coupling_db: -17.0,
        delay,
        room: false,
    };
    let line = |delay, played: &[i16], silence: usize| {
        let line = Line {
            echo: Some(path(delay)),
            ..SILENT
        };
        heard(
            line,
            &[played, &vec![0; silence]].concat(),
            &vec![0; played.len() + silence],
        )
    };
    let mut codes = mulaw(&line(then, &played, 8_000));
    let mut listener = Listener::new(ListenerConfig::default());
    let mut notes = Notes::default();
    let again = if second {
        codes.extend(mulaw(&line(now, &played, 8_000)));
        Some(250)
    } else {
        codes[16_000..].copy_from_slice(&mulaw(&line(now, &played, 8_000))[16_000..]);
        None
    };
    listener.prompt_sent(mulaw(&played).into());
    for (index, codes) in codes.chunks(160).enumerate() {
        if index == 200 {
            listener.set_prompt_playing(false);
        }
        if Some(index) == again {
            listener.prompt_sent(mulaw(&played).into());
        }
        listener.push_mulaw(Some(index as u64 * 20), codes, &mut notes);
    }
    notes
}

fn is_sustained(notes: &Notes) -> bool {
    notes.events.iter().any(|event| matches!(event, Event::Sustained(..)))
}

#[test]
fn l9_the_echo_of_a_prompt_that_comes_back_later_or_earlier_than_the_one_before_is_no_speech() {
    for file in PROMPTS {
        for delays in [(960, 960), (960, 1_120), (960, 800), (480, 2_900), (2_900, 480)] {
            assert!(!is_sustained(&changing(file, delays, true)), "{file}, {delays:?}");
        }
    }
}

#[test]
fn l9_the_echo_of_a_prompt_that_was_held_up_on_its_way_is_no_speech() {
    for file in PROMPTS {
        for delays in [(960, 1_120), (480, 2_900)] {
            assert!(!is_sustained(&changing(file, delays, false)), "{file}, {delays:?}");
        }
    }
}

#[test]
fn a_voice_over_an_echo_is_heard_whatever_the_frames_begin_with() {
    for recording in speakers().iter().step_by(5) {
        for shift in [32, 64, 96] {
            let line = lines(-17.0, None)[shift / 32];
            let found = over_prompt(line, recording, shift);
            assert!(
                found.is_some_and(|found| found.audio_from_ms <= 60),
                "{}: {found:?}",
                recording.file
            );
        }
    }
}
