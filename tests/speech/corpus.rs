//! Recorded answers with noise upon them, as a call hears them: through the voice activity detector with its
//! end-pointing, the recogniser, and the lexicon. What counts is the first utterance, taken without a further turn.

use crate::line::{Noise, noisy};
use crate::recordings::{Recording, recordings_in};
use crate::tasks::{Task, Tasks};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use samvad::speech::pocketsphinx::{DEFAULT_MODELS, Engine, Models};
use samvad_actors::ports::Heard;
use samvad_media::codec::encode_mulaw;
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Noises upon each recording.
pub const SEEDS: u64 = 3;

/// What came of one recording under one noise.
#[derive(Clone, Debug)]
pub struct Trial {
    pub file: String,
    pub noise: Noise,
    /// What was understood first of all; rejected if no utterance was found.
    pub heard: Heard,
    /// It means what was said.
    pub right: bool,
    /// It is taken without a confirming turn.
    pub at_once: bool,
}

/// The whole measurement.
#[derive(Clone, Debug)]
pub struct CorpusReport {
    pub trials: Vec<Trial>,
}

impl CorpusReport {
    /// The share that was understood and taken at once.
    pub fn right_at_once(&self) -> f64 {
        let right = self.trials.iter().filter(|trial| trial.right && trial.at_once);
        right.count() as f64 / self.trials.len().max(1) as f64
    }
}

impl fmt::Display for CorpusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<26}{:>7}{:>16}{:>16}  not taken, or wrong",
            "", "trials", "right at once", "wrong at once"
        )?;
        let mut files: Vec<&str> = self.trials.iter().map(|trial| trial.file.as_str()).collect();
        files.dedup();
        let row = |f: &mut fmt::Formatter<'_>, name: &str, trials: &[&Trial]| {
            let count = |right| {
                let taken = trials.iter().filter(|trial| trial.at_once && trial.right == right);
                taken.count()
            };
            write!(
                f,
                "{name:<26}{:>7}{:>16}{:>16} ",
                trials.len(),
                count(true),
                count(false)
            )
        };
        for file in files {
            let trials: Vec<&Trial> = self.trials.iter().filter(|trial| trial.file == file).collect();
            row(f, file, &trials)?;
            for trial in trials.iter().filter(|trial| !(trial.at_once && trial.right)) {
                let (heard, noise) = (&trial.heard, trial.noise);
                write!(f, " {:?} {:.2} ({noise})", heard.text, heard.confidence)?;
            }
            writeln!(f)?;
        }
        let all: Vec<&Trial> = self.trials.iter().collect();
        row(f, "all", &all)?;
        write!(f, "\nright at the first try: {:.1}%", self.right_at_once() * 100.0)
    }
}

/// Plays every recorded answer of this folder, which has a `manifest.csv`.
pub fn measure(folder: &Path) -> CorpusReport {
    let models = Models::open(Path::new(DEFAULT_MODELS)).expect("the models are installed");
    let mut engine = Engine::new(Arc::new(models)).unwrap();
    let tasks = Tasks::new();
    let mut trials = Vec::new();
    for recording in recordings_in(folder).iter().filter(|recording| recording.is_answer()) {
        let task = task_of(&tasks, recording);
        let samples = recording.samples(folder);
        for seed in 0..SEEDS {
            let noise = noise_of(seed);
            let heard = first_utterance(&noisy(&samples, recording.speech_ms, noise, seed))
                .map(|utterance| engine.recognize(&task.grammar.phrases, false, &utterance).unwrap())
                .unwrap_or_else(Heard::rejected);
            let meant = tasks.meaning(task, &recording.text.to_lowercase());
            trials.push(Trial {
                file: recording.file.clone(),
                noise,
                right: tasks.meaning(task, &heard.text) == meant,
                at_once: heard.confidence >= tasks.mark(task, &tasks.meaning(task, &heard.text)),
                heard,
            });
        }
    }
    CorpusReport { trials }
}

/// White or pink, 15 to 25 dB below the speech.
fn noise_of(seed: u64) -> Noise {
    let mut chance = StdRng::seed_from_u64(seed);
    let snr_db = chance.random_range(15.0..25.0);
    match chance.random() {
        true => Noise::White { snr_db },
        false => Noise::Pink { snr_db },
    }
}

/// The point of a survey at which the recording is an answer.
pub fn task_of<'a>(tasks: &'a Tasks, recording: &Recording) -> &'a Task {
    let name = match recording.question.as_str() {
        "scale_1_5" => "scale 1-5",
        "scale_0_10" => "number 0-10",
        _ => "consent: yes or no",
    };
    tasks.all().iter().find(|task| task.name == name).unwrap()
}

/// What a call hands to its recogniser first.
fn first_utterance(line: &[i16]) -> Option<Vec<i16>> {
    let mut codes = Vec::new();
    encode_mulaw(line, &mut codes);
    let (mut listener, mut utterances) = (Listener::new(ListenerConfig::default()), Utterances::default());
    for frame in codes.chunks(160) {
        listener.push_mulaw(None, frame, &mut utterances);
    }
    listener.flush(&mut utterances);
    utterances.complete.into_iter().next()
}

#[derive(Default)]
struct Utterances {
    open: Vec<i16>,
    complete: Vec<Vec<i16>>,
}

impl ListenerSink for Utterances {
    fn speech_started(&mut self, _speech: u32, _began_ms: u64) {
        self.open.clear();
    }

    fn speech_audio(&mut self, _speech: u32, samples: &[i16]) {
        self.open.extend_from_slice(samples);
    }

    fn speech_sustained(&mut self, _speech: u32, _at_ms: u64) {}

    fn speech_ended(&mut self, _speech: u32, _ended_ms: u64, _at_ms: u64) {
        self.complete.push(std::mem::take(&mut self.open));
    }

    fn speech_discarded(&mut self, _speech: u32, _at_ms: u64) {
        self.open.clear();
    }

    fn beep(&mut self, _at_ms: u64) {}

    fn fax(&mut self, _at_ms: u64) {}
}
