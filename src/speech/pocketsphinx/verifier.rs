//! A small network that knows how the short phrases of the grammars sound, and how other words do.
//!
//! A word alone leaves the decoders little to disagree about: "tree" fits "three" as well as many a "three" does. This
//! network was trained on the very difference (`models/en-us-telephone/train_verifier.py`): from an utterance's mel
//! spectrum it tells the odds of each phrase against all the others and against anything else.

use samvad_media::network::{Network, Shape};
use samvad_media::spectrum::{BANDS, Spectrum};
use std::collections::HashMap;

const TRAINED: &[u8] = include_bytes!("../../../models/en-us-telephone/verifier");
/// The first line of the file with the weights.
const FORMAT: &str = "samvad verifier 2";
/// As in `train_verifier.py`.
const LAYERS: [Shape; 5] = [
    layer(48, 5, 2, 1),
    layer(96, 5, 2, 1),
    layer(96, 5, 1, 1),
    layer(112, 5, 1, 1),
    layer(160, 3, 1, 2),
];
/// Frames of 10 ms: fewer are no word, more no short answer.
const FEWEST_FRAMES: usize = 10;
const MOST_FRAMES: usize = 200;
/// Odds are not told beyond this.
const MOST_LOG_ODDS: f32 = 12.0;

const fn layer(channels: usize, taps: usize, step: usize, distance: usize) -> Shape {
    Shape {
        channels,
        taps,
        step,
        distance,
    }
}

/// The network.
#[derive(Clone, Debug)]
pub struct Verifier {
    spectrum: Spectrum,
    /// Where each phrase stands among the scores. The last score is that of anything else.
    phrases: HashMap<String, usize>,
    network: Network,
}

impl Verifier {
    /// The network as it was trained.
    ///
    /// # Errors
    /// If the weights that were built in are damaged.
    pub fn trained() -> Result<Self, String> {
        Self::read(TRAINED)
    }

    /// A line that names the format, a line of phrases, and the weights.
    fn read(file: &[u8]) -> Result<Self, String> {
        let damaged = |fault: &str| format!("the weights of the verifier are damaged: {fault}; train them anew");
        let mut parts = file.splitn(3, |byte| *byte == b'\n');
        let (Some(format), Some(phrases), Some(weights)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(damaged("there is nothing after their first lines"));
        };
        if format != FORMAT.as_bytes() {
            return Err(damaged(&format!("they do not begin with {FORMAT:?}")));
        }
        let phrases = std::str::from_utf8(phrases).map_err(|_| damaged("their second line is not text"))?;
        let phrases: HashMap<String, usize> = phrases
            .split('|')
            .enumerate()
            .map(|(place, phrase)| (phrase.to_owned(), place))
            .collect();
        Ok(Self {
            spectrum: Spectrum::default(),
            network: Network::read(weights, BANDS, &LAYERS, phrases.len() + 1)
                .map_err(|error| damaged(&error.to_string()))?,
            phrases,
        })
    }

    /// The logarithmic odds that some phrase of this grammar was said and nothing else, by an utterance of 8 kHz that was
    /// levelled and trimmed. `None` if the one that was heard is none of those the network knows, or the utterance is
    /// too long for it.
    pub fn log_odds(&self, heard: &str, grammar: &[String], samples: &[i16]) -> Option<f32> {
        self.phrases.get(heard)?;
        if !(FEWEST_FRAMES..=MOST_FRAMES).contains(&Spectrum::frames(samples)) {
            return None;
        }
        let scores = self.network.scores(&self.spectrum.of(samples));
        let mut inside = vec![false; scores.len()];
        for phrase in grammar {
            if let Some(place) = self.phrases.get(phrase) {
                inside[*place] = true;
            }
        }
        let together = |wanted: bool| {
            let chosen = || {
                let scores = scores.iter().zip(&inside);
                scores.filter_map(|(score, inside)| (*inside == wanted).then_some(*score))
            };
            let most = chosen().fold(f32::NEG_INFINITY, f32::max);
            most + chosen().map(|score| (score - most).exp()).sum::<f32>().ln()
        };
        Some((together(true) - together(false)).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS))
    }
}

#[cfg(test)]
mod tests {
    use super::super::utterance::level_and_trim;
    use super::*;

    fn three() -> Vec<i16> {
        let recorded = include_bytes!("../../../fixtures/audio/17_num_3.wav");
        level_and_trim(&samvad_media::wav::read(recorded).unwrap().samples)
    }

    fn grammar(phrases: &[&str]) -> Vec<String> {
        phrases.iter().map(|phrase| (*phrase).to_owned()).collect()
    }

    #[test]
    fn a_word_speaks_for_the_grammar_that_has_it_and_against_one_that_has_not() {
        let verifier = Verifier::trained().unwrap();
        let with = verifier.log_odds("three", &grammar(&["two", "three"]), &three());
        let without = verifier.log_odds("two", &grammar(&["one", "two"]), &three());
        assert!(with.unwrap() > 1.0 && without.unwrap() < -1.0, "{with:?} {without:?}");
    }

    #[test]
    fn nothing_is_said_of_phrases_it_does_not_know_nor_of_long_speech() {
        let verifier = Verifier::trained().unwrap();
        let phrases = grammar(&["three", "gooseberries"]);
        assert_eq!(verifier.log_odds("gooseberries", &phrases, &three()), None);
        assert_eq!(verifier.log_odds("three", &phrases, &three().repeat(4)), None);
        assert_eq!(verifier.log_odds("three", &phrases, &[]), None);
    }

    #[test]
    fn damaged_weights_are_refused() {
        for length in [0, 10, FORMAT.len() + 1, TRAINED.len() / 2, TRAINED.len() - 1] {
            let error = Verifier::read(&TRAINED[..length]).unwrap_err();
            assert!(error.contains("train them anew"), "{error}");
        }
    }
}
