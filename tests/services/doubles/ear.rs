//! What a test server understands.

use crate::recordings::fixture_utterance;
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{Grammar, Heard, RecognitionRequest, Recognizer, ServiceMeter};
use samvad_media::codec::{decode_mulaw, encode_mulaw};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a test server comes by words.
#[derive(Clone)]
pub enum Ear {
    /// It knows recordings by their samples, as the line carries them, and hears nothing in anything else.
    Knows(Arc<Vec<(Vec<i16>, &'static str)>>),
    /// It finds clips in what is spoken over a line that adds nothing, and writes each as it is heard in a language.
    Finds(Arc<Vec<Clip>>),
    /// It asks a recogniser, within a grammar.
    Asks(Arc<dyn Recognizer>, Arc<Grammar>),
    /// It says the same of everything, after so long.
    Says(&'static str, Duration),
    /// It says one thing after the other, whatever is spoken, and nothing after the last.
    Recites(Arc<Mutex<VecDeque<&'static str>>>),
    /// The same, each after so long, and it shows nothing before.
    Ponders(Arc<Mutex<VecDeque<&'static str>>>, Duration),
}

/// A recording, and what a recogniser of each language makes of it.
pub struct Clip {
    /// Its loudest part, as the line carries it: no other recording has it.
    loudest: Vec<i16>,
    heard: Vec<(&'static str, &'static str)>,
}

impl Clip {
    /// Samples of the part that is looked for (100 ms).
    const PART: usize = 800;

    pub fn new(samples: &[i16], heard: &[(&'static str, &'static str)]) -> Self {
        let carried = as_carried(samples);
        let level = |part: &[i16]| -> i64 { part.iter().map(|sample| i64::from(*sample).pow(2)).sum() };
        let loudest = carried.chunks_exact(Self::PART).max_by_key(|part| level(part));
        Self {
            loudest: loudest.expect("100 ms of sound").to_vec(),
            heard: heard.to_vec(),
        }
    }

    fn is_in(&self, samples: &[i16]) -> bool {
        // Each end of the line has a codec of its own, which may round otherwise.
        let level: i64 = self.loudest.iter().map(|sample| i64::from(sample.unsigned_abs())).sum();
        samples.windows(Self::PART).any(|part| {
            let mut left = level / 20;
            part.iter().zip(&self.loudest).all(|(heard, own)| {
                left -= i64::from(heard.abs_diff(*own));
                left >= 0
            })
        })
    }
}

/// Words, and how probable each of them is.
#[derive(Clone, Debug)]
pub struct Words {
    pub text: String,
    pub probability: f64,
}

impl Ear {
    /// One that knows the recordings of the suite, and writes them as services do.
    pub fn of_the_suite() -> Self {
        let known = [
            ("01_yes.wav", "Yes."),
            ("05_no.wav", "No."),
            ("17_num_3.wav", "Three!"),
            (
                "20_free_service.wav",
                "The waiting time was long, but the staff was kind.",
            ),
        ];
        Self::Knows(Arc::new(
            known
                .map(|(file, text)| (as_carried(&fixture_utterance(file)), text))
                .into(),
        ))
    }

    /// One that says one thing after the other.
    pub fn reciting(texts: &[&'static str]) -> Self {
        Self::Recites(Arc::new(Mutex::new(texts.iter().copied().collect())))
    }

    /// One that says one thing after the other, each after so long.
    pub fn pondering(delay: Duration, texts: &[&'static str]) -> Self {
        Self::Ponders(Arc::new(Mutex::new(texts.iter().copied().collect())), delay)
    }

    /// What it shows of an utterance that goes on.
    pub fn so_far(&self) -> String {
        match self {
            Self::Recites(texts) => texts.lock().unwrap().front().copied().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    pub async fn hear(&self, samples: &[i16]) -> Words {
        self.hear_as("", samples).await
    }

    /// What is heard on a connection that is for this language.
    pub async fn hear_as(&self, language: &str, samples: &[i16]) -> Words {
        match self {
            Self::Finds(clips) => {
                let found = clips.iter().find(|clip| clip.is_in(samples));
                let heard = found.and_then(|clip| clip.heard.iter().find(|(tag, _)| *tag == language));
                Words {
                    text: heard.map_or("", |(_, text)| text).to_owned(),
                    probability: 0.99,
                }
            }
            Self::Knows(recordings) => {
                let carried = as_carried(samples);
                let known = recordings.iter().find(|(recording, _)| *recording == carried);
                Words {
                    text: known.map(|(_, text)| (*text).to_owned()).unwrap_or_default(),
                    probability: 0.99,
                }
            }
            Self::Says(text, delay) => {
                tokio::time::sleep(*delay).await;
                Words {
                    text: (*text).to_owned(),
                    probability: 0.99,
                }
            }
            Self::Ponders(texts, delay) => {
                let text = texts.lock().unwrap().pop_front().unwrap_or_default().to_owned();
                tokio::time::sleep(*delay).await;
                Words {
                    text,
                    probability: 0.99,
                }
            }
            Self::Recites(texts) => Words {
                text: texts.lock().unwrap().pop_front().unwrap_or_default().to_owned(),
                probability: 0.99,
            },
            Self::Asks(recognizer, grammar) => {
                let mut stream = recognizer.start(RecognitionRequest {
                    attempt: AttemptId::from("double"),
                    language: Language::default(),
                    grammar: Arc::clone(grammar),
                    meter: ServiceMeter::default(),
                });
                stream.push(samples);
                let heard = stream.finish().await.expect("the recogniser behind the double answers");
                Words {
                    text: heard.text,
                    probability: probability(heard.confidence),
                }
            }
        }
    }
}

fn as_carried(samples: &[i16]) -> Vec<i16> {
    let (mut codes, mut carried) = (Vec::new(), Vec::new());
    encode_mulaw(samples, &mut codes);
    decode_mulaw(&codes, &mut carried);
    carried
}

/// The probability that becomes a confidence by the table of `speech::services::score`.
fn probability(confidence: f32) -> f64 {
    let marks = [
        (0.0, 0.0),
        (Heard::PLAUSIBLE, 0.5),
        (Heard::CERTAIN, 0.85),
        (Heard::BINDING, 0.97),
        (1.0, 1.0),
    ];
    let pair = marks
        .windows(2)
        .find(|pair| confidence <= pair[1].0)
        .expect("at most 1");
    let share = (confidence - pair[0].0) / (pair[1].0 - pair[0].0);
    f64::from(pair[0].1 + (pair[1].1 - pair[0].1) * share)
}
