//! Respondents who talk over a prompt, on lines with and without its echo.

use crate::support::{Event, Notes, Recording, mulaw, noise, rms};
use samvad_media::listener::{Listener, ListenerConfig};

/// How long the prompt has been playing when a recording begins.
const LEAD_MS: usize = 1_000;

/// Four voices in place of the agent's.
const PROMPTS: [&str; 4] = [
    "20_free_service.wav",
    "14_repeat.wav",
    "24_voicemail_human.wav",
    "11_call_later.wav",
];

/// What the listener knows of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    /// What is played.
    All,
    /// That something is played.
    Playing,
    /// Nothing: none is played.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    gain_db: f64,
    /// Pink or white, 15 dB below the speech.
    noise: Option<bool>,
    /// The level of the echo, in dB of full scale, and its delay.
    echo: Option<(f64, usize)>,
    prompt: &'static str,
    told: Told,
}

const SILENT: Line = Line {
    gain_db: 0.0,
    noise: None,
    echo: None,
    prompt: PROMPTS[1],
    told: Told::All,
};

/// When speech was sustained, and when its audio began: milliseconds after the onset.
#[derive(Clone, Copy, Debug)]
struct Sustained {
    audio_from_ms: i64,
    at_ms: i64,
}

/// A sentence again and again, with pauses, at -20 dB of full scale.
fn prompt(file: &str, samples: usize) -> Vec<i16> {
    let recording = Recording::named(file);
    let start = recording.speech_start_ms.unwrap() as usize;
    // The beep of a voicemail is no part of a prompt.
    let end = recording.speech_end_ms.unwrap() as usize - if file.contains("voicemail") { 1_200 } else { 0 };
    let mut words = recording.samples[start * 8..end * 8].to_vec();
    let gain = 3_276.8 / rms(&words);
    words
        .iter_mut()
        .for_each(|sample| *sample = (f64::from(*sample) * gain) as i16);
    words.extend([0; 400 * 8]);
    words.into_iter().cycle().take(samples).collect()
}

fn listen(line: Line, samples: &[i16]) -> Notes {
    let played = prompt(line.prompt, samples.len());
    let (factor, delay) = line.echo.map_or((0.0, 0), |(level_db, delay_ms)| {
        (10f64.powf((level_db + 20.0) / 20.0), delay_ms * 8)
    });
    let heard: Vec<i16> = samples
        .iter()
        .enumerate()
        .map(|(index, &sample)| {
            let echo = index.checked_sub(delay).map_or(0, |index| played[index]);
            (f64::from(sample) + f64::from(echo) * factor) as i16
        })
        .collect();
    let mut listener = Listener::new(ListenerConfig::default());
    match line.told {
        Told::All => listener.prompt_sent(&mulaw(&played)),
        Told::Playing => listener.set_prompt_playing(true),
        Told::Nothing => {}
    }
    let mut notes = Notes::default();
    for (index, codes) in mulaw(&heard).chunks(160).enumerate() {
        listener.push_mulaw(Some(index as u64 * 20), codes, &mut notes);
    }
    notes
}

/// The first speech that was sustained.
fn sustained(notes: &Notes, onset_ms: usize) -> Option<Sustained> {
    let pre_roll_ms = i64::from(ListenerConfig::default().pre_roll_ms);
    let at_ms = notes
        .events
        .iter()
        .position(|event| matches!(event, Event::Sustained(..)))?;
    let Event::Sustained(speech, at) = notes.events[at_ms] else {
        return None;
    };
    let began = notes.events.iter().find_map(|event| match *event {
        Event::Started(started, began) if started == speech => Some(began),
        _ => None,
    })?;
    let began_ms = began as i64 - onset_ms as i64;
    Some(Sustained {
        audio_from_ms: began_ms - pre_roll_ms,
        at_ms: at as i64 - onset_ms as i64,
    })
}

/// A recording over a prompt that has been playing for a second. `shift` moves it against the frames, in samples.
fn over_prompt(line: Line, recording: &Recording, shift: usize) -> Option<Sustained> {
    let mut recording = recording.clone();
    if let Some(pink) = line.noise {
        recording.add_noise(pink, 15.0, 3);
    }
    recording.amplify(line.gain_db);
    let lead = LEAD_MS * 8 + shift;
    let lead: Vec<i16> = match line.noise {
        Some(pink) => noise(lead, pink, rms(&recording.samples[..4_000]), 10)
            .into_iter()
            .map(|sample| sample as i16)
            .collect(),
        None => vec![0; lead],
    };
    // Where the manifest counts the room's noise before the first word: see `recordings`.
    let onset_ms = match recording.file.as_str() {
        "22_free_human.wav" => 848,
        _ => recording.speech_start_ms.unwrap() as usize,
    };
    let onset_ms = onset_ms + lead.len() / 8;
    sustained(&listen(line, &[lead, recording.samples].concat()), onset_ms)
}

fn speakers() -> Vec<Recording> {
    Recording::all()
        .into_iter()
        .chain(Recording::extra())
        .filter(|recording| recording.speech_start_ms.is_some())
        .collect()
}

/// How many of the recordings, in hundredths, are sustained within so many milliseconds.
fn share_within(limit_ms: i64, found: &[Option<Sustained>]) -> usize {
    let within = found.iter().flatten().filter(|found| found.at_ms <= limit_ms).count();
    within * 100 / found.len()
}

fn all_over_prompt(line: Line) -> Vec<Option<Sustained>> {
    speakers()
        .iter()
        .map(|recording| over_prompt(line, recording, 0))
        .collect()
}

#[test]
fn speech_over_a_prompt_is_sustained_within_260_ms_and_none_of_it_is_lost() {
    // A syllable of 100 ms before a closure of more than 100 ms: only the second syllable makes it sustained.
    let bursts = ["10_stop_calling.wav", "x18_after_work_slt.wav"];
    for told in [Told::All, Told::Playing] {
        let mut all = Vec::new();
        for recording in speakers() {
            for shift in [0, 32, 64, 96] {
                let found = over_prompt(Line { told, ..SILENT }, &recording, shift);
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
            noise: Some(pink),
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
            echo: Some((level_db, 120)),
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
                    echo: Some((level_db, delay_ms)),
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
                echo: Some((level_db, 120)),
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
    listener.prompt_sent(&mulaw(&played));
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
    for echo in [None, Some((-40.0, 120))] {
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
