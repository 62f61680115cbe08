//! How often the embedded recogniser is right, and what it makes of clips that hold no answer: the figures behind
//! [`Heard::CERTAIN`] and [`Heard::PLAUSIBLE`]. Seeded: the same clips every time.

use crate::line::{Noise, Sound, babble, sound, telephone};
use crate::voices::{FOREIGN, HELD_OUT, SENTENCES, Voice, WORDS, speak};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use samvad::speech::pocketsphinx::{DEFAULT_MODELS, Engine, Models};
use samvad_actors::dialogue::{Context, Expectation, Interpretation, Interpreter, LanguagePack, Script};
use samvad_actors::domain::{Campaign, Intent, Language, QuestionKind};
use samvad_actors::ports::{Grammar, Heard};
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
}

impl Row {
    fn count(&mut self, heard: &Heard, right: bool) {
        self.clips += 1;
        let level = (heard.confidence >= Heard::CERTAIN, heard.confidence >= Heard::PLAUSIBLE);
        match (level, right) {
            ((true, _), true) => self.right_certain += 1,
            ((true, _), false) => self.wrong_certain += 1,
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
            for count in counts.iter().chain([&rejected]) {
                let share = *count as f64 * 100.0 / row.clips.max(1) as f64;
                write!(f, "{count:>10} ({share:4.1}%)")?;
            }
        }
        let clips: usize = self.inside.iter().map(|row| row.clips).sum();
        write!(f, "\nright of {clips} answers: {:.1}%", self.right() * 100.0)
    }
}

impl Report {
    /// Right answers, at least plausible, as a share of all.
    pub fn right(&self) -> f64 {
        let right: usize = self
            .inside
            .iter()
            .map(|row| row.right_certain + row.right_plausible)
            .sum();
        let clips: usize = self.inside.iter().map(|row| row.clips).sum();
        right as f64 / clips.max(1) as f64
    }
}

/// Measures with this many clips that hold an answer, and as many that hold none.
pub fn measure(clips: usize, seed: u64) -> Report {
    let mut bench = Bench::new(seed);
    let share = clips.div_ceil(bench.tasks.len());
    Report {
        inside: (0..bench.tasks.len()).map(|task| bench.answers(task, share)).collect(),
        outside: bench.everything_else(clips),
    }
}

struct Task {
    name: &'static str,
    grammar: Arc<Grammar>,
    expectation: Expectation,
    question: Option<QuestionKind>,
    /// What is said: phrases of the grammar.
    said: Vec<String>,
}

struct Bench {
    engine: Engine,
    pack: LanguagePack,
    tasks: Vec<Task>,
    chance: StdRng,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let models = Models::open(Path::new(DEFAULT_MODELS)).expect("the models are installed");
        let pack = LanguagePack::embedded(&Language::default()).unwrap();
        Self {
            engine: Engine::new(Arc::new(models)).unwrap(),
            tasks: tasks(&pack),
            pack,
            chance: StdRng::seed_from_u64(seed),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn answers(&mut self, task: usize, clips: usize) -> Row {
        let mut row = Row {
            name: self.tasks[task].name,
            ..Row::default()
        };
        for clip in 0..clips {
            let said = self.tasks[task].said.choose(&mut self.chance).unwrap().clone();
            let speech = speak(HELD_OUT[clip % HELD_OUT.len()], &said, self.folder.path());
            let line = self.carried(&speech);
            let task = &self.tasks[task];
            let heard = self.engine.recognize(&task.grammar.phrases, false, &line).unwrap();
            row.count(
                &heard,
                meaning(&self.pack, task, &heard.text) == meaning(&self.pack, task, &said),
            );
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
            let task = &self.tasks[clip / kinds.len() % self.tasks.len()];
            let heard = self.engine.recognize(&task.grammar.phrases, false, &line).unwrap();
            rows[kind].count(&heard, false);
        }
        rows.to_vec()
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

fn tasks(pack: &LanguagePack) -> Vec<Task> {
    let survey = |text: &str| {
        let campaign = Campaign::from_yaml(text).unwrap();
        Script::build(&campaign, pack).unwrap()
    };
    let health = survey(include_str!("../../fixtures/campaigns/health_survey.yaml"));
    let feedback = survey(include_str!("../../fixtures/campaigns/feedback_free_text.yaml"));
    let points: [(&'static str, &Script, Expectation); 6] = [
        ("consent: yes or no", &health, Expectation::Consent),
        ("consent: intents", &health, Expectation::Consent),
        ("scale 1-5", &health, Expectation::Question(0)),
        ("yes/no question", &health, Expectation::Question(1)),
        ("choice of three", &health, Expectation::Question(2)),
        ("number 0-10", &feedback, Expectation::Question(0)),
    ];
    let build = |(name, script, expectation): (&'static str, &Script, Expectation)| {
        let question = match expectation {
            Expectation::Question(index) => Some(script.campaign().questions[index].answer.clone()),
            _ => None,
        };
        let mut task = Task {
            name,
            grammar: script.grammar(expectation),
            expectation,
            question,
            said: Vec::new(),
        };
        let wanted = |phrase: &&String| {
            let meant = meaning(pack, &task, phrase);
            let yes_or_no = matches!(meant.intent, Intent::Yes | Intent::No);
            match (&task.question, name) {
                (Some(_), _) => meant.value.is_some(),
                (None, "consent: intents") => !yes_or_no && meant.intent != Intent::Voicemail,
                (None, _) => yes_or_no,
            }
        };
        task.said = task.grammar.phrases.iter().filter(wanted).cloned().collect();
        task
    };
    points.into_iter().map(build).collect()
}

fn meaning(pack: &LanguagePack, task: &Task, text: &str) -> Interpretation {
    let context = Context {
        expectation: task.expectation,
        question: task.question.as_ref(),
    };
    Interpretation {
        // How it was said does not matter, nor when to call again: what is meant does.
        when: None,
        certain: true,
        acknowledgement: false,
        resume: false,
        ..pack.lexicon().interpret(&context, text)
    }
}
