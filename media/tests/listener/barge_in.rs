//! Respondents who talk over a prompt, on lines with and without its echo.

use crate::support::{Event, Notes, Recording, mulaw, noise, rms};
use samvad_media::listener::{Listener, ListenerConfig};

/// How long the prompt has been playing when a recording begins.
const LEAD_MS: usize = 1_000;
const ECHO_DELAY_MS: usize = 120;

/// Four voices in place of the agent's.
const PROMPTS: [&str; 4] = [
    "20_free_service.wav",
    "14_repeat.wav",
    "24_voicemail_human.wav",
    "11_call_later.wav",
];

#[derive(Clone, Copy, Debug)]
struct Line {
    gain_db: f64,
    /// Pink or white, 15 dB below the speech.
    noise: Option<bool>,
    /// Which prompt comes back, and its level in dB of full scale.
    echo: Option<(&'static str, f64)>,
    /// The listener is told what is played, or only that something is.
    told: bool,
    quiet: bool,
}

const SILENT: Line = Line { gain_db: 0.0, noise: None, echo: None, told: true, quiet: false };

/// A sentence again and again, at -20 dB of full scale, with pauses.
fn prompt(file: &str, samples: usize) -> Vec<i16> {
    let recording = Recording::named(file);
    let (start, end) = (recording.speech_start_ms.unwrap() as usize, recording.speech_end_ms.unwrap() as usize);
    let beep = if file.contains("voicemail") { 1_200 } else { 0 };
    let mut words = recording.samples[start * 8..(end - beep) * 8].to_vec();
    let gain = 3_276.8 / rms(&words);
    words.iter_mut().for_each(|sample| *sample = (f64::from(*sample) * gain) as i16);
    words.extend([0; 400 * 8]);
    words.into_iter().cycle().take(samples).collect()
}

struct OverPrompt {
    /// From the onset, if there were any.
    started_ms: Option<i64>,
    began_ms: Option<i64>,
    sustained_ms: Option<i64>,
    audio_from_ms: Option<i64>,
}

fn listen(line: Line, samples: &[i16], onset_ms: usize) -> (OverPrompt, Notes) {
    let played = prompt(line.echo.map_or(PROMPTS[0], |echo| echo.0), samples.len());
    let factor = line.echo.map_or(0.0, |(_, level_db)| 10f64.powf((level_db + 20.0) / 20.0));
    let played_codes = mulaw(&played);
    let line_samples: Vec<i16> = samples.iter().enumerate().map(|(index, &sample)| {
        let echo = index.checked_sub(ECHO_DELAY_MS * 8).map_or(0.0, |index| f64::from(played[index]) * factor);
        (f64::from(sample) + echo) as i16
    }).collect();
    let mut listener = Listener::new(ListenerConfig::default());
    if line.quiet {
    } else if line.told {
        listener.prompt_sent(&played_codes);
    } else {
        listener.set_prompt_playing(true);
    }
    let mut notes = Notes::default();
    let mut over = OverPrompt { started_ms: None, began_ms: None, sustained_ms: None, audio_from_ms: None };
    let since_onset = |ms: u64| ms as i64 - onset_ms as i64;
    let mut noted = 0;
    let mut current = (0, 0, 0);
    for (index, codes) in mulaw(&line_samples).chunks(160).enumerate() {
        listener.push_mulaw(Some(index as u64 * 20), codes, &mut notes);
        let now = since_onset(index as u64 * 20 + 20);
        for event in &notes.events[noted..] {
            match *event {
                Event::Started(_, began) => { current = (now, since_onset(began), 0); }
                Event::Audio(_, length) if current.2 == 0 => current.2 = now - length as i64 / 8,
                Event::Sustained(_, at) if over.sustained_ms.is_none() => {
                    over.started_ms = Some(current.0);
                    over.began_ms = Some(current.1);
                    over.audio_from_ms = Some(current.2);
                    over.sustained_ms = Some(since_onset(at));
                }
                _ => {}
            }
        }
        noted = notes.events.len();
    }
    (over, notes)
}

fn over_prompt(line: Line, recording: &Recording, seed: u64) -> OverPrompt {
    let mut recording = recording.clone();
    if let Some(pink) = line.noise {
        recording.add_noise(pink, 15.0, seed);
    }
    recording.amplify(line.gain_db);
    let lead: Vec<i16> = match line.noise {
        Some(pink) => {
            let level = rms(&recording.samples[..4_000]);
            noise(LEAD_MS * 8, pink, level, seed + 7).into_iter().map(|s| s as i16).collect()
        }
        None => vec![0; LEAD_MS * 8],
    };
    let onset_ms = recording.speech_start_ms.unwrap() as usize + LEAD_MS;
    let samples = [lead, recording.samples].concat();
    listen(line, &samples, onset_ms).0
}

fn speakers() -> Vec<Recording> {
    Recording::all().into_iter().chain(Recording::extra()).filter(|r| r.speech_start_ms.is_some()).collect()
}

#[test]
fn table() {
    let mut lines = vec![];
    for gain_db in [0.0, -6.0, -12.0] {
        lines.push(Line { gain_db, ..SILENT });
        lines.push(Line { gain_db, quiet: true, ..SILENT });
        lines.push(Line { gain_db, told: false, ..SILENT });
        lines.push(Line { gain_db, quiet: true, noise: Some(true), ..SILENT });
        for pink in [false, true] { lines.push(Line { gain_db, noise: Some(pink), ..SILENT }); }
        for level in [-45.0, -40.0, -35.0] {
            lines.push(Line { gain_db, echo: Some((PROMPTS[1], level)), ..SILENT });
            lines.push(Line { gain_db, echo: Some((PROMPTS[2], level)), told: false, ..SILENT });
        }
    }
    let speakers = speakers();
    for line in lines {
        let mut all: Vec<(i64, i64, i64, String)> = speakers.iter().map(|r| {
            let o = over_prompt(line, r, 3);
            (o.sustained_ms.unwrap_or(9999), o.began_ms.unwrap_or(9999), o.audio_from_ms.unwrap_or(9999), r.file.clone())
        }).collect();
        all.sort();
        let n = all.len();
        let early = all.iter().filter(|a| a.0 < 0).count();
        let miss = all.iter().filter(|a| a.0 == 9999).count();
        let late_audio = all.iter().filter(|a| a.2 > 0 && a.2 < 9999).count();
        let over260 = all.iter().filter(|a| a.0 > 260).count();
        let over300 = all.iter().filter(|a| a.0 > 300).count();
        println!("{:?} {:?} {:?} told {} quiet {}: early {early} p50 {} p95 {} >260 {over260} >300 {over300} miss {miss} lateaudio {late_audio}", line.gain_db, line.noise, line.echo, line.told, line.quiet, all[n/2].0, all[n*95/100].0);
        println!("     EARLY {:?}", all.iter().take_while(|a| a.0 < 0).map(|a| format!("{} {} {}", a.3, a.0, a.1)).collect::<Vec<_>>());
        println!("     {:?}", all.iter().rev().take(6).map(|a| format!("{} {} {} {}", a.3.split('.').next().unwrap(), a.0, a.1, a.2)).collect::<Vec<_>>());
    }
    for told in [true, false] {
    for file in PROMPTS {
        for level in [-45.0, -40.0, -35.0, -30.0] {
            let line = Line { echo: Some((file, level)), told, ..SILENT };
            let (_, notes) = listen(line, &[0; 20 * 8_000], 0);
            let c = |f: fn(&&Event) -> bool| notes.events.iter().filter(f).count();
            println!("echo {file} {level} told {told}: started {} sustained {}", c(|e| matches!(e, Event::Started(..))), c(|e| matches!(e, Event::Sustained(..))));
        }
    }}
}

#[test]
fn debug_shift() {
    let mut n = 0;
    for gain_db in [0.0, -6.0, -12.0] {
    let mut bad = std::collections::BTreeMap::<String, Vec<i64>>::new();
    let mut all = vec![];
    for r in speakers() {
        for shift in 0..8 {
            let mut r = r.clone();
            r.samples = [vec![0; shift * 16], r.samples].concat();
            let o = over_prompt(Line { gain_db, ..SILENT }, &r, 3);
            let ms = o.sustained_ms.unwrap_or(9999) - shift as i64 * 2;
            all.push(ms);
            n += 1;
            if ms > 260 || ms < 0 { bad.entry(r.file.clone()).or_default().push(ms); }
        }
    }
    all.sort();
    println!("shift {gain_db}: {n} p50 {} p90 {} p95 {} {bad:?}", all[all.len()/2], all[all.len()*9/10], all[all.len()*95/100]);
    }
}

#[test]
fn debug_scores() {
    let r = speakers().into_iter().find(|r| r.file.starts_with("18_")).unwrap();
    for shift in 0..8 {
        let mut r = r.clone();
        r.samples = [vec![0; shift * 16], r.samples].concat();
        r.samples.truncate(11_000);
        println!("\nshift {shift}");
        let o = over_prompt(SILENT, &r, 3);
        print!(" -> {:?}", o.sustained_ms);
    }
}
