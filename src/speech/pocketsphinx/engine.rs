//! One recogniser thread's decoders: compiles grammars as they come and turns an utterance into words and confidence.

use super::adaptation::AdaptedMeans;
use super::confidence::confidence;
use super::utterance::{has_voice, level_and_trim};
use super::verifier::Verifier;
use super::{Decoder, DecoderError, Dictionary, Hypothesis};
use samvad_actors::ports::Heard;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Where Debian's package `pocketsphinx-en-us` puts its models.
pub const DEFAULT_MODELS: &str = "/usr/share/pocketsphinx/model/en-us";

/// The words of the general language model: the 6,000 most frequent of Debian's.
const VOCABULARY: &str = include_str!("../../../models/en-us-telephone/vocabulary.txt");
/// Grammars kept compiled; the one that came first goes first.
const MOST_GRAMMARS: usize = 64;
/// Less voice than this, in frames of 10 ms, says nothing.
const LEAST_VOICE: usize = 8;
const PHONE_LOOP: &str = "phones";
const GENERAL: &str = "general";

/// Half the Gaussians, but wide beams: with PocketSphinx's own, one answer in twenty comes to no end and is lost, and
/// so small a grammar costs little to search.
const FAST: [(&str, &str); 5] = [
    ("-topn", "2"),
    ("-beam", "1e-80"),
    ("-pbeam", "1e-80"),
    ("-wbeam", "1e-60"),
    // Which phrase is likelier is not known: the sound alone decides.
    ("-lw", "1"),
];
/// The phone loop must find whatever is there.
const LOOSE: [(&str, &str); 2] = [("-topn", "2"), ("-allphone_ci", "yes")];
/// One quick pass, for comparison and for a guess at free speech.
const ONE_PASS: [(&str, &str); 8] = [
    ("-topn", "2"),
    ("-ds", "2"),
    ("-fwdflat", "no"),
    ("-bestpath", "no"),
    ("-maxhmmpf", "3000"),
    ("-beam", "1e-40"),
    ("-pbeam", "1e-40"),
    ("-wbeam", "1e-25"),
];

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

/// What is loaded once for all threads.
pub struct Models {
    folder: std::path::PathBuf,
    dictionary: Dictionary,
    means: Option<AdaptedMeans>,
    verifier: Verifier,
}

impl Models {
    /// Opens the models in this folder, laid out as Debian's `pocketsphinx-en-us`.
    ///
    /// # Errors
    /// If a file is missing or cannot be read: which, and the remedy.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let dictionary = Dictionary::read(&folder.join("cmudict-en-us.dict")).map_err(|error| error.to_string())?;
        let means = AdaptedMeans::for_model(&folder.join("en-us"))
            .map_err(|error| format!("the means of the acoustic model cannot be put in place: {error}"))?;
        Ok(Self {
            folder: folder.to_owned(),
            dictionary,
            means,
            verifier: Verifier::trained()?,
        })
    }

    fn decoder(&self, settings: &[(&str, &str)]) -> Result<Decoder, DecoderError> {
        let means = self.means.as_ref().map(AdaptedMeans::path);
        let mut settings = settings.to_vec();
        settings.extend(means.as_ref().map(|path| ("-mean", path.as_str())));
        Decoder::new(&self.folder.join("en-us"), &settings)
    }
}

/// The decoders of one thread.
pub struct Engine {
    models: Arc<Models>,
    words: Decoder,
    phones: Decoder,
    general: Decoder,
    /// Phrases and name of each compiled grammar.
    compiled: VecDeque<(Vec<String>, String)>,
    next_name: u64,
}

impl Engine {
    /// Loads the decoders: about a fifth of a second and 45 MB, most of it for the language model.
    ///
    /// # Errors
    /// If the library refuses a model.
    pub fn new(models: Arc<Models>) -> Result<Self, EngineError> {
        let mut phones = models.decoder(&LOOSE)?;
        phones.add_phone_loop(PHONE_LOOP, "")?;
        let mut general = models.decoder(&ONE_PASS)?;
        let vocabulary: BTreeSet<&str> = VOCABULARY.lines().collect();
        for (word, pronunciations) in models.dictionary.pronunciations(&vocabulary) {
            general.add_word(&word, &pronunciations)?;
        }
        general.add_language_model(GENERAL, &models.folder.join("en-us.lm.bin").to_string_lossy())?;
        Ok(Self {
            words: models.decoder(&FAST)?,
            phones,
            general,
            models,
            compiled: VecDeque::new(),
            next_name: 0,
        })
    }

    /// Compiles a grammar.
    ///
    /// # Errors
    /// Every word it lacks, or what else is wrong with the grammar.
    pub fn prepare(&mut self, phrases: &[String], free_text: bool) -> Result<(), EngineError> {
        match phrases.is_empty() && free_text {
            true => Ok(()),
            false => self.grammar(phrases).map(drop),
        }
    }

    /// Recognises an utterance of 8 kHz samples. Free speech is a guess, unless it is a phrase of the grammar for
    /// certain.
    ///
    /// # Errors
    /// As [`Engine::prepare`].
    pub fn recognize(&mut self, phrases: &[String], free_text: bool, samples: &[i16]) -> Result<Heard, EngineError> {
        self.prepare(phrases, free_text)?;
        let Some(passes) = self.passes(phrases, free_text, samples)? else {
            return Ok(Heard::rejected());
        };
        let certainty = confidence(
            &passes.grammar,
            &passes.phones,
            &passes.general,
            passes.verified,
            &[&self.words, &self.general],
        );
        if free_text && certainty < Heard::CERTAIN {
            return Ok(guess(&passes.general));
        }
        Ok(Heard {
            text: passes.grammar.text,
            confidence: certainty,
            uncertain: false,
        })
    }

    /// What each decoder makes of an utterance: for fitting and judging the confidence.
    ///
    /// # Errors
    /// As [`Engine::prepare`].
    pub fn hypotheses(&mut self, phrases: &[String], samples: &[i16]) -> Result<Option<Passes>, EngineError> {
        self.prepare(phrases, false)?;
        self.passes(phrases, false, samples)
    }

    /// What each decoder makes of an utterance; `None` if there is no voice in it, or nothing that the grammar allows.
    fn passes(&mut self, phrases: &[String], free_text: bool, samples: &[i16]) -> Result<Option<Passes>, EngineError> {
        let samples = level_and_trim(samples);
        if !has_voice(&samples, LEAST_VOICE) {
            return Ok(None);
        }
        let doubled = samvad_media::resample::double(&samples);
        let grammar = match phrases.is_empty() {
            true => Hypothesis::default(),
            false => {
                let name = self.grammar(phrases)?;
                self.words.decode(&name, &doubled)?
            }
        };
        if grammar.text.is_empty() && !free_text {
            return Ok(None);
        }
        Ok(Some(Passes {
            phones: match grammar.text.is_empty() {
                true => Hypothesis::default(),
                false => self.phones.decode(PHONE_LOOP, &doubled)?,
            },
            general: self.general.decode(GENERAL, &doubled)?,
            verified: self.models.verifier.log_odds(&grammar.text, phrases, &samples),
            grammar,
        }))
    }

    /// The search for these phrases, compiled if it was not yet.
    fn grammar(&mut self, phrases: &[String]) -> Result<String, EngineError> {
        if let Some((_, name)) = self.compiled.iter().find(|(compiled, _)| compiled == phrases) {
            return Ok(name.clone());
        }
        let source = jsgf(phrases)?;
        self.teach(phrases)?;
        let name = format!("grammar {}", self.next_name);
        self.words.add_grammar(&name, &source)?;
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
            .filter(|word| self.words.pronunciations(word).is_empty())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.models.dictionary.pronunciations(&unknown);
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

/// What each decoder made of one utterance.
#[derive(Clone, Debug)]
pub struct Passes {
    /// The decoder that knows the phrases.
    pub grammar: Hypothesis,
    /// The loop of all phones.
    pub phones: Hypothesis,
    /// The general language model.
    pub general: Hypothesis,
    /// The network's logarithmic odds that a phrase of the grammar was said; `None` if it does not know the one found.
    pub verified: Option<f32>,
}

/// Free speech as the general language model understood it: more than half of the words may be wrong.
fn guess(general: &Hypothesis) -> Heard {
    let words = general.segments.iter().filter(|segment| !segment.is_filler());
    let text = words.map(|segment| segment.word.as_str()).collect::<Vec<_>>().join(" ");
    match text.is_empty() {
        true => Heard::rejected(),
        false => Heard {
            text,
            confidence: Heard::PLAUSIBLE,
            uncertain: true,
        },
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
