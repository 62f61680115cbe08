//! Recordings, noise, and a sink that writes down what it is told.

use samvad_media::codec;
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use samvad_media::wav;

/// What a listener reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Started(u32, u64),
    Audio(u32, usize),
    Sustained(u32, u64),
    Ended(u32, u64, u64),
    Discarded(u32, u64),
    Beep(u64),
    Fax(u64),
}

#[derive(Default)]
pub struct Notes {
    pub events: Vec<Event>,
    pub audio: Vec<i16>,
}

impl ListenerSink for Notes {
    fn speech_started(&mut self, speech: u32, began_ms: u64) {
        self.events.push(Event::Started(speech, began_ms));
    }
    fn speech_audio(&mut self, speech: u32, samples: &[i16]) {
        self.audio.extend_from_slice(samples);
        match self.events.last_mut() {
            Some(Event::Audio(of, count)) if *of == speech => *count += samples.len(),
            _ => self.events.push(Event::Audio(speech, samples.len())),
        }
    }
    fn speech_sustained(&mut self, speech: u32, at_ms: u64) {
        self.events.push(Event::Sustained(speech, at_ms));
    }
    fn speech_ended(&mut self, speech: u32, ended_ms: u64, at_ms: u64) {
        self.events.push(Event::Ended(speech, ended_ms, at_ms));
    }
    fn speech_discarded(&mut self, speech: u32, at_ms: u64) {
        self.events.push(Event::Discarded(speech, at_ms));
    }
    fn beep(&mut self, at_ms: u64) {
        self.events.push(Event::Beep(at_ms));
    }
    fn fax(&mut self, at_ms: u64) {
        self.events.push(Event::Fax(at_ms));
    }
}

/// A recording of `fixtures/audio` and what its manifest says.
#[derive(Clone)]
pub struct Recording {
    pub file: String,
    pub speech_start_ms: Option<u64>,
    pub speech_end_ms: Option<u64>,
    pub samples: Vec<i16>,
    /// A prompt plays while it is heard, as the manifest's notes say.
    pub during_prompt: bool,
}

impl Recording {
    pub fn all() -> Vec<Self> {
        Self::of(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/audio"))
    }

    /// The further recordings, with other voices.
    pub fn extra() -> Vec<Self> {
        Self::of(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/audio_extra"))
    }

    fn of(folder: &str) -> Vec<Self> {
        let manifest = std::fs::read_to_string(format!("{folder}/manifest.csv")).unwrap();
        let read = |line: &str| {
            let fields = split_csv(line);
            let bytes = std::fs::read(format!("{folder}/{}", fields[0])).unwrap();
            let audio = wav::read(&bytes).unwrap();
            assert_eq!(audio.sample_rate, 8000, "{}", fields[0]);
            Self {
                file: fields[0].clone(),
                speech_start_ms: fields[10].parse().ok(),
                speech_end_ms: fields[11].parse().ok(),
                samples: audio.samples,
                during_prompt: fields[0].contains("barge_in"),
            }
        };
        manifest.lines().skip(1).map(read).collect()
    }

    pub fn named(file: &str) -> Self {
        Self::all()
            .into_iter()
            .find(|recording| recording.file == file)
            .unwrap()
    }

    pub fn amplify(&mut self, decibels: f64) {
        let gain = 10f64.powf(decibels / 20.0);
        for sample in &mut self.samples {
            *sample = (f64::from(*sample) * gain) as i16;
        }
    }

    /// Adds white or pink noise so far below the level of the speech.
    pub fn add_noise(&mut self, pink: bool, snr_db: f64, seed: u64) {
        let (from, to) = match (self.speech_start_ms, self.speech_end_ms) {
            (Some(start), Some(end)) => (start as usize * 8, (end as usize * 8).min(self.samples.len())),
            _ => (0, self.samples.len()),
        };
        let level = rms(&self.samples[from..to]);
        let noise = noise(self.samples.len(), pink, level * 10f64.powf(-snr_db / 20.0), seed);
        for (sample, noise) in self.samples.iter_mut().zip(noise) {
            *sample = (f64::from(*sample) + noise) as i16;
        }
    }
}

pub fn rms(samples: &[i16]) -> f64 {
    (samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// Noise of a given root mean square.
pub fn noise(length: usize, pink: bool, level: f64, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut white = move || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    // Three one-pole filters fall by 3 dB an octave, nearly (Paul Kellet's economy filter).
    let mut poles = [0.0; 3];
    let mut made: Vec<f64> = (0..length)
        .map(|_| {
            let white = white();
            if !pink {
                return white;
            }
            poles[0] = 0.99765 * poles[0] + white * 0.0990460;
            poles[1] = 0.96300 * poles[1] + white * 0.2965164;
            poles[2] = 0.57000 * poles[2] + white * 1.0526913;
            poles.iter().sum::<f64>() + white * 0.1848
        })
        .collect();
    let power = (made.iter().map(|value| value * value).sum::<f64>() / length.max(1) as f64).sqrt();
    made.iter_mut().for_each(|value| *value *= level / power.max(1e-9));
    made
}

/// A listener's settings for free text: a pause of 0.9 s does not end an utterance.
pub fn patient() -> ListenerConfig {
    ListenerConfig {
        patience_ms: 1_200,
        ..ListenerConfig::default()
    }
}

/// What a listener reports of a recording that comes in 20 ms frames.
pub fn hear(recording: &Recording) -> Heard {
    let mut listener = Listener::new(patient());
    listener.set_prompt_playing(recording.during_prompt);
    let mut notes = Notes::default();
    for (index, samples) in recording.samples.chunks(160).enumerate() {
        listener.push_mulaw(Some(index as u64 * 20), &mulaw(samples), &mut notes);
    }
    listener.flush(&mut notes);
    Heard::from(notes)
}

/// The same of any samples, floating-point ones in the range of 16 bits.
pub fn hear_samples(samples: &[f64]) -> Heard {
    let samples = samples.iter().map(|&sample| sample as i16).collect();
    hear(&Recording {
        file: String::new(),
        speech_start_ms: None,
        speech_end_ms: None,
        samples,
        during_prompt: false,
    })
}

pub fn mulaw(samples: &[i16]) -> Vec<u8> {
    let mut codes = Vec::new();
    codec::encode_mulaw(samples, &mut codes);
    codes
}

/// What was heard, in order of kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Begin and end of each utterance.
    pub utterances: Vec<(u64, u64)>,
    pub discarded: usize,
    /// From the beginning of an utterance until it was sustained.
    pub sustained_after_ms: Vec<u64>,
    pub beeps: Vec<u64>,
    pub faxes: Vec<u64>,
}

impl From<Notes> for Heard {
    fn from(notes: Notes) -> Self {
        let mut heard = Self::default();
        let mut begins = 0;
        for event in notes.events {
            match event {
                Event::Started(_, began_ms) => begins = began_ms,
                Event::Audio(..) => {}
                Event::Sustained(_, at_ms) => heard.sustained_after_ms.push(at_ms - begins),
                Event::Ended(_, ended_ms, _) => heard.utterances.push((begins, ended_ms)),
                Event::Discarded(..) => heard.discarded += 1,
                Event::Beep(at_ms) => heard.beeps.push(at_ms),
                Event::Fax(at_ms) => heard.faxes.push(at_ms),
            }
        }
        heard
    }
}

fn split_csv(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}
