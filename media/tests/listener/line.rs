//! A telephone line on which somebody talks over a prompt: echo, noise, levels, and when the listener noticed.

use crate::support::{Event, Notes, Recording, mulaw, noise, rms};
use samvad_media::codec;
use samvad_media::listener::{Listener, ListenerConfig};
use std::sync::LazyLock;

/// How long the prompt has been playing when a recording begins.
pub const LEAD_MS: usize = 1_000;

/// Four voices in place of the agent's.
pub const PROMPTS: [&str; 4] = [
    "20_free_service.wav",
    "14_repeat.wav",
    "24_voicemail_human.wav",
    "11_call_later.wav",
];

/// The level of a prompt, dB of full scale.
const PROMPT_DB: f64 = -20.0;

/// What the listener knows of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// What is played.
    All,
    /// That something is played.
    Playing,
    /// Nothing: none is played.
    Nothing,
}

/// The way of a prompt back into the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoPath {
    /// How much softer it comes back, dB (negative).
    pub coupling_db: f64,
    /// In samples.
    pub delay: usize,
    /// Through a room that rings on for some 40 ms, instead of once.
    pub room: bool,
}

impl EchoPath {
    pub const fn plain(coupling_db: f64, delay_ms: usize) -> Self {
        Self {
            coupling_db,
            delay: delay_ms * 8,
            room: false,
        }
    }

    /// What comes back of what is played.
    pub fn echo(&self, played: &[i16]) -> Vec<f64> {
        let response: Vec<f64> = if self.room {
            let mut response = noise(320, false, 1.0, 77);
            for (index, tap) in response.iter_mut().enumerate() {
                *tap *= 10f64.powf(-(index as f64) / 160.0);
            }
            response
        } else {
            vec![1.0]
        };
        let energy: f64 = response.iter().map(|tap| tap * tap).sum();
        let factor = 10f64.powf(self.coupling_db / 20.0) / energy.sqrt();
        let mut echo = vec![0.0; played.len()];
        for (tap, gain) in response.iter().enumerate() {
            let late = echo.iter_mut().skip(self.delay + tap);
            late.zip(played)
                .for_each(|(echo, &played)| *echo += f64::from(played) * gain * factor);
        }
        echo
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub gain_db: f64,
    /// Pink or white noise, so far below the speech, and its seed.
    pub noise: Option<(bool, f64, u64)>,
    pub echo: Option<EchoPath>,
    pub prompt: &'static str,
    pub told: Told,
}

pub const SILENT: Line = Line {
    gain_db: 0.0,
    noise: None,
    echo: None,
    prompt: PROMPTS[1],
    told: Told::All,
};

/// When speech was sustained, and when its audio began: milliseconds after the onset.
#[derive(Clone, Copy, Debug)]
pub struct Sustained {
    pub audio_from_ms: i64,
    pub at_ms: i64,
}

/// A sentence again and again, with pauses, at -20 dB of full scale, as mu-law gives it back.
pub fn prompt(file: &str, samples: usize) -> Vec<i16> {
    let recording = speakers().iter().find(|recording| recording.file == file).unwrap();
    let start = recording.speech_start_ms.unwrap() as usize;
    // The beep of a voicemail is no part of a prompt.
    let end = recording.speech_end_ms.unwrap() as usize - if file.contains("voicemail") { 1_200 } else { 0 };
    let mut words = recording.samples[start * 8..end * 8].to_vec();
    let gain = 32_768.0 * 10f64.powf(PROMPT_DB / 20.0) / rms(&words);
    words
        .iter_mut()
        .for_each(|sample| *sample = (f64::from(*sample) * gain) as i16);
    words.extend([0; 400 * 8]);
    let mut decoded = Vec::new();
    codec::decode_mulaw(&mulaw(&words), &mut decoded);
    decoded.into_iter().cycle().take(samples).collect()
}

/// What a line carries while a prompt plays: what is said on it, and the prompt's echo.
pub fn heard(line: Line, played: &[i16], samples: &[i16]) -> Vec<i16> {
    let echo = line
        .echo
        .map_or_else(|| vec![0.0; samples.len()], |path| path.echo(played));
    let mix = |(&sample, echo): (&i16, f64)| (f64::from(sample) + echo) as i16;
    samples.iter().zip(echo).map(mix).collect()
}

pub fn listen(line: Line, samples: &[i16]) -> Notes {
    let played = prompt(line.prompt, samples.len());
    let mut listener = Listener::new(ListenerConfig::default());
    match line.told {
        Told::All => listener.prompt_sent(mulaw(&played).into()),
        Told::Playing => listener.set_prompt_playing(true),
        Told::Nothing => {}
    }
    let mut notes = Notes::default();
    for (index, codes) in mulaw(&heard(line, &played, samples)).chunks(160).enumerate() {
        listener.push_mulaw(Some(index as u64 * 20), codes, &mut notes);
    }
    notes
}

/// The first speech that was sustained.
pub fn sustained(notes: &Notes, onset_ms: usize) -> Option<Sustained> {
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
pub fn over_prompt(line: Line, recording: &Recording, shift: usize) -> Option<Sustained> {
    let mut recording = recording.clone();
    if let Some((pink, snr_db, seed)) = line.noise {
        recording.add_noise(pink, snr_db, seed);
    }
    recording.amplify(line.gain_db);
    let lead = LEAD_MS * 8 + shift;
    let lead: Vec<i16> = match line.noise {
        Some((pink, _, seed)) => noise(lead, pink, rms(&recording.samples[..4_000]), seed + 7)
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

/// All recordings in which somebody speaks.
pub fn speakers() -> &'static [Recording] {
    static SPEAKERS: LazyLock<Vec<Recording>> = LazyLock::new(|| {
        let all = Recording::all().into_iter().chain(Recording::extra());
        all.filter(|recording| recording.speech_start_ms.is_some()).collect()
    });
    &SPEAKERS
}

pub fn all_over_prompt(line: Line) -> Vec<Option<Sustained>> {
    speakers()
        .iter()
        .map(|recording| over_prompt(line, recording, 0))
        .collect()
}

/// How many of the recordings, in hundredths, are sustained within so many milliseconds.
pub fn share_within(limit_ms: i64, found: &[Option<Sustained>]) -> usize {
    let within = found.iter().flatten().filter(|found| found.at_ms <= limit_ms).count();
    within * 100 / found.len().max(1)
}
