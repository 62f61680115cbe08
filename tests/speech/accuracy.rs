//! How often the embedded recogniser is right, and what it makes of clips that hold no answer: the figures behind
//! [`Heard::CERTAIN`] and [`Heard::PLAUSIBLE`]. Seeded: the same clips every time.

use crate::line::{Noise, Sound, babble, sound, telephone};
use crate::tasks::Tasks;
use crate::voices::{FOREIGN, HELD_OUT, LOOK_ALIKES, ORDINARY, SENTENCES, Voice, WORDS, speak};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use samvad::speech::pocketsphinx::{DEFAULT_MODELS, Engine, Models};
use samvad_actors::ports::Heard;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Noises at 15 dB or better.
const NOISES: [Noise; 6] = [
    Noise::None,
    Noise::None,
    Noise::White { snr_db: 20.0 },
    Noise::White { snr_db: 15.0 },
    Noise::Pink { snr_db: 20.0 },
    Noise::Pink { snr_db: 15.0 },
];
const GAINS_DB: [f32; 4] = [0.0, 0.0, -12.0, 6.0];

/// What came of the clips of one kind.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub name: &'static str,
    pub clips: usize,
    pub right_certain: usize,
    pub right_plausible: usize,
    pub wrong_certain: usize,
    pub wrong_plausible: usize,
    /// Of those wrong and certain: taken as consent or as a request for removal.
    pub wrong_binding: usize,
}

impl Row {
    /// `mark` is the confidence from which the dialogue asks no more.
    fn count(&mut self, heard: &Heard, mark: f32, right: bool) {
        self.clips += 1;
        let level = (heard.confidence >= mark, heard.confidence >= Heard::PLAUSIBLE);
        match (level, right) {
            ((true, _), true) => self.right_certain += 1,
            ((true, _), false) => {
                self.wrong_certain += 1;
                self.wrong_binding += usize::from(mark == Heard::BINDING);
            }
            ((_, true), true) => self.right_plausible += 1,
            ((_, true), false) => self.wrong_plausible += 1,
            _ => {}
        }
    }
}

/// The whole measurement.
#[derive(Clone, Debug)]
pub struct Report {
    /// Clips that hold an answer.
    pub inside: Vec<Row>,
    /// Clips that hold none.
    pub outside: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [
            "clips",
            "right, certain",
            "right, plausible",
            "wrong, certain",
            "wrong, plausible",
            "rejected",
            "wrong, binding",
        ];
        write!(f, "{:<22}", "")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>18}"))?;
        for row in self.inside.iter().chain(&self.outside) {
            write!(f, "\n{:<22}{:>18}", row.name, row.clips)?;
            let counts = [
                row.right_certain,
                row.right_plausible,
                row.wrong_certain,
                row.wrong_plausible,
            ];
            let rejected = row.clips - counts.iter().sum::<usize>();
            for count in counts.iter().chain([&rejected, &row.wrong_binding]) {
                let share = *count as f64 * 100.0 / row.clips.max(1) as f64;
                write!(f, "{count:>10} ({share:4.1}%)")?;
            }
        }
        let clips: usize = self.inside.iter().map(|row| row.clips).sum();
        write!(
            f,
            "\nright of {clips} answers: {:.1}%, for certain {:.1}%",
            self.right() * 100.0,
            self.right_at_once() * 100.0
        )
    }
}

impl Report {
    /// Right answers, at least plausible, as a share of all.
    pub fn right(&self) -> f64 {
        self.share(|row| row.right_certain + row.right_plausible)
    }

    /// Right answers that need no confirming turn, as a share of all.
    pub fn right_at_once(&self) -> f64 {
        self.share(|row| row.right_certain)
    }

    fn share(&self, count: impl Fn(&Row) -> usize) -> f64 {
        let clips: usize = self.inside.iter().map(|row| row.clips).sum();
        self.inside.iter().map(count).sum::<usize>() as f64 / clips.max(1) as f64
    }
}

/// Measures with this many clips that hold an answer, and as many that hold none.
pub fn measure(clips: usize, seed: u64) -> Report {
    let mut bench = Bench::new(seed);
    let share = clips.div_ceil(bench.tasks.all().len());
    Report {
        inside: (0..bench.tasks.all().len())
            .map(|task| bench.answers(task, share))
            .collect(),
        outside: [bench.everything_else(clips), bench.words(clips, seed)].concat(),
    }
}

/// Measures single words that no grammar has: all of those that `measure` with 500 clips does.
pub fn measure_words(seed: u64) -> Report {
    Report {
        inside: Vec::new(),
        outside: Bench::new(seed).words(500, seed),
    }
}

struct Bench {
    engine: Engine,
    tasks: Tasks,
    chance: StdRng,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let models = Models::open(Path::new(DEFAULT_MODELS)).expect("the models are installed");
        Self {
            engine: Engine::new(Arc::new(models)).unwrap(),
            tasks: Tasks::new(),
            chance: StdRng::seed_from_u64(seed),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn answers(&mut self, task: usize, clips: usize) -> Row {
        let mut row = Row {
            name: self.tasks.all()[task].name,
            ..Row::default()
        };
        for clip in 0..clips {
            let said = self.tasks.all()[task].said.choose(&mut self.chance).unwrap().clone();
            let speech = speak(HELD_OUT[clip % HELD_OUT.len()], &said, self.folder.path());
            let line = self.carried(&speech);
            let task = &self.tasks.all()[task];
            let heard = self.engine.recognize(&task.grammar.phrases, false, &line).unwrap();
            let meant = self.tasks.meaning(task, &heard.text);
            let mark = self.tasks.mark(task, &meant);
            row.count(&heard, mark, meant == self.tasks.meaning(task, &said));
        }
        row
    }

    /// Each clip is heard at the point of a survey where its number falls.
    fn everything_else(&mut self, clips: usize) -> Vec<Row> {
        let kinds = [
            "silence, hum",
            "noise",
            "bursts",
            "tones",
            "babble",
            "other sentences",
            "other words",
            "other languages",
        ];
        let mut rows = kinds.map(|name| Row { name, ..Row::default() });
        for clip in 0..clips {
            let kind = clip % kinds.len();
            let (odd, seed) = (clip / kinds.len() % 2 == 1, self.chance.random());
            let line = match kind {
                0 => sound(if odd { Sound::Hum } else { Sound::Silence }, seed),
                1 => sound(if odd { Sound::Pink } else { Sound::White }, seed),
                2 => sound(Sound::Bursts, seed),
                3 => sound(Sound::Tones, seed),
                4 => {
                    let speakers: Vec<Vec<i16>> = (0..4).map(|_| self.spoken(&SENTENCES)).collect();
                    babble(&speakers, self.chance.random_range(-25.0..0.0))
                }
                5 | 6 => {
                    let speech = self.spoken(if kind == 5 { &SENTENCES } else { &WORDS });
                    self.carried(&speech)
                }
                _ => {
                    let (language, text) = *FOREIGN.choose(&mut self.chance).unwrap();
                    let speech = speak(Voice::Espeak(language, 150), text, self.folder.path());
                    self.carried(&speech)
                }
            };
            let task = &self.tasks.all()[clip / kinds.len() % self.tasks.all().len()];
            let heard = self.engine.recognize(&task.grammar.phrases, false, &line).unwrap();
            let mark = self.tasks.mark(task, &self.tasks.meaning(task, &heard.text));
            rows[kind].count(&heard, mark, false);
        }
        rows.to_vec()
    }

    /// Ordinary words and words like answers: all of them to 500 clips that hold an answer.
    fn words(&mut self, clips: usize, seed: u64) -> Vec<Row> {
        vec![
            self.single_words("ordinary words", ORDINARY, clips * 2 / 5, seed),
            self.single_words("words like answers", LOOK_ALIKES, clips / 8, seed),
        ]
    }

    /// So many of these texts, in another order for each seed, heard at one point of a survey after another.
    fn single_words(&mut self, name: &'static str, texts: &str, clips: usize, seed: u64) -> Row {
        // A generator of its own: the other clips stay what they were.
        self.chance = StdRng::seed_from_u64(seed);
        let mut row = Row { name, ..Row::default() };
        let mut texts: Vec<&str> = texts.lines().collect();
        texts.shuffle(&mut self.chance);
        for (clip, text) in texts.into_iter().take(clips).enumerate() {
            let speech = self.spoken(&[text]);
            let line = self.carried(&speech);
            let task = &self.tasks.all()[clip % self.tasks.all().len()];
            let heard = self.engine.recognize(&task.grammar.phrases, false, &line).unwrap();
            let mark = self.tasks.mark(task, &self.tasks.meaning(task, &heard.text));
            row.count(&heard, mark, false);
        }
        row
    }

    fn spoken(&mut self, texts: &[&str]) -> Vec<i16> {
        let text = texts.choose(&mut self.chance).unwrap();
        let voice = *HELD_OUT.choose(&mut self.chance).unwrap();
        speak(voice, text, self.folder.path())
    }

    fn carried(&mut self, speech: &[i16]) -> Vec<i16> {
        let noise = *NOISES.choose(&mut self.chance).unwrap();
        let gain_db = *GAINS_DB.choose(&mut self.chance).unwrap();
        telephone(speech, noise, gain_db, self.chance.random())
    }
}
