//! One recogniser thread's decoders: compiles grammars as they come and turns an utterance into words and confidence.

use super::{Decoder, DecoderError, Dictionary, confidence};
use samvad_actors::ports::Heard;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Where Debian's package `pocketsphinx-en-us` puts its models.
pub const DEFAULT_MODELS: &str = "/usr/share/pocketsphinx/model/en-us";

/// Grammars kept compiled; the one that came first goes first.
const MOST_GRAMMARS: usize = 64;
const PHONE_LOOP: &str = "phones";

/// Why an utterance or a grammar cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A grammar without phrases that is not for free speech.
    #[error("the grammar has no phrases")]
    Empty,
    /// Words of a grammar are not in the dictionary.
    #[error(
        "the recogniser's dictionary lacks {}; use other words or spell them as they are spoken",
        .0.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
    )]
    MissingWords(Vec<String>),
    /// The library refused.
    #[error(transparent)]
    Decoder(#[from] DecoderError),
}

/// The decoders of one thread.
pub struct Engine {
    dictionary: Arc<Dictionary>,
    words: Decoder,
    phones: Decoder,
    /// Phrases and name of each compiled grammar.
    compiled: VecDeque<(Vec<String>, String)>,
    next_name: u64,
}

impl Engine {
    /// Loads the acoustic model from this folder of models (15 to 40 ms, 10 MB).
    pub fn new(models: &Path, dictionary: Arc<Dictionary>) -> Result<Self, EngineError> {
        let acoustic = models.join("en-us");
        let mut phones = Decoder::new(&acoustic, &[("-allphone_ci", "yes")])?;
        phones.add_phone_loop(PHONE_LOOP, "")?;
        Ok(Self {
            dictionary,
            words: Decoder::new(&acoustic, &[])?,
            phones,
            compiled: VecDeque::new(),
            next_name: 0,
        })
    }

    /// Compiles a grammar, or names every word it lacks.
    pub fn prepare(&mut self, phrases: &[String], free_text: bool) -> Result<(), EngineError> {
        self.grammar(phrases).map(drop)
    }

    /// Recognises an utterance of 8 kHz samples.
    pub fn recognize(&mut self, phrases: &[String], free_text: bool, samples: &[i16]) -> Result<Heard, EngineError> {
        let name = self.grammar(phrases)?;
        let samples = samvad_media::resample::double(&level(samples));
        let hypothesis = self.words.decode(&name, &samples)?;
        if hypothesis.text.is_empty() {
            return Ok(Heard::rejected());
        }
        let phones = self.phones.decode(PHONE_LOOP, &samples)?;
        Ok(Heard {
            confidence: confidence::of(&hypothesis, &phones),
            text: hypothesis.text,
            uncertain: false,
        })
    }

    /// The search for these phrases, compiled if it was not yet.
    fn grammar(&mut self, phrases: &[String]) -> Result<String, EngineError> {
        if let Some((_, name)) = self.compiled.iter().find(|(compiled, _)| compiled == phrases) {
            return Ok(name.clone());
        }
        self.teach(phrases)?;
        let name = format!("grammar {}", self.next_name);
        self.words.add_grammar(&name, &jsgf(phrases)?)?;
        self.next_name += 1;
        if self.compiled.len() == MOST_GRAMMARS
            && let Some((_, oldest)) = self.compiled.pop_front()
        {
            self.words.remove_search(&oldest);
        }
        self.compiled.push_back((phrases.to_vec(), name.clone()));
        Ok(name)
    }

    fn teach(&mut self, phrases: &[String]) -> Result<(), EngineError> {
        let unknown: BTreeSet<&str> = phrases
            .iter()
            .flat_map(|phrase| phrase.split_whitespace())
            .filter(|word| !self.words.knows(word))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.dictionary.pronunciations(&unknown);
        let missing: Vec<String> = unknown
            .into_iter()
            .filter(|word| !found.contains_key(*word) || !is_plain(word))
            .map(str::to_owned)
            .collect();
        if !missing.is_empty() {
            return Err(EngineError::MissingWords(missing));
        }
        for (word, pronunciations) in found {
            self.words.add_word(&word, &pronunciations)?;
        }
        Ok(())
    }
}

/// Whole phrases as the alternatives of one rule.
fn jsgf(phrases: &[String]) -> Result<String, EngineError> {
    let alternatives: Vec<String> = phrases
        .iter()
        .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|phrase| !phrase.is_empty())
        .collect();
    match alternatives.is_empty() {
        true => Err(EngineError::Empty),
        false => Ok(format!(
            "#JSGF V1.0; grammar g; public <phrase> = {} ;",
            alternatives.join(" | ")
        )),
    }
}

/// True if a word means itself in JSGF.
fn is_plain(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'-' | b'.' | b'_'))
}

/// Brings the loudest tenth of a second to a fixed level, so that the same words give the same result however loud
/// the line is.
fn level(samples: &[i16]) -> Vec<i16> {
    const LEVEL: f32 = 6_000.0;
    const MOST_GAIN: f32 = 64.0;
    let loudest = samples
        .chunks(800)
        .map(|chunk| (chunk.iter().map(|&s| f32::from(s).powi(2)).sum::<f32>() / chunk.len() as f32).sqrt())
        .fold(1.0, f32::max);
    let gain = (LEVEL / loudest).min(MOST_GAIN);
    // The cast saturates.
    samples
        .iter()
        .map(|&sample| (f32::from(sample) * gain) as i16)
        .collect()
}
