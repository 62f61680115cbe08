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
/// By how much the odds of the grammar may exceed those of what was heard. Which of "no" and "nope" it was the decoders
/// know better, and nothing hangs on it; but what sounds like "nine" is no evidence for "five".
const LEEWAY: f32 = 2.0;

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
    /// levelled and trimmed; less if they are not those of the one that was heard, or of one like it. `None` if the
    /// network does not know the one that was heard, or the utterance is too long for it.
    pub fn log_odds(&self, heard: &str, grammar: &[String], samples: &[i16]) -> Option<f32> {
        self.phrases.get(heard)?;
        if !(FEWEST_FRAMES..=MOST_FRAMES).contains(&Spectrum::frames(samples)) {
            return None;
        }
        let scores = self.network.scores(&self.spectrum.of(samples));
        let places = |wanted: &dyn Fn(&str) -> bool| {
            let mut places = vec![false; scores.len()];
            for phrase in grammar.iter().filter(|phrase| wanted(phrase)) {
                if let Some(place) = self.phrases.get(phrase) {
                    places[*place] = true;
                }
            }
            places
        };
        let any = odds_of(&scores, &places(&|_| true));
        let own = odds_of(&scores, &places(&|phrase| self.alike(heard, phrase)));
        Some(any.min(own + LEEWAY).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS))
    }

    /// True if one of two phrases is part of the other, word by word ("four" and "i'd say four"), or both begin with a
    /// word that is a phrase by itself ("no thanks" and "no thank you").
    fn alike(&self, left: &str, right: &str) -> bool {
        let within = |part: &str, whole: &str| format!(" {whole} ").contains(&format!(" {part} "));
        let (first, second) = (left.split(' ').next(), right.split(' ').next());
        let begin_alike = first == second && first.is_some_and(|word| self.phrases.contains_key(word));
        within(left, right) || within(right, left) || begin_alike
    }
}

/// The logarithmic odds of these scores together against all others.
fn odds_of(scores: &[f32], places: &[bool]) -> f32 {
    let together = |wanted: bool| {
        let chosen = || {
            let scores = scores.iter().zip(places);
            scores.filter_map(|(score, place)| (*place == wanted).then_some(*score))
        };
        let most = chosen().fold(f32::NEG_INFINITY, f32::max);
        most + chosen().map(|score| (score - most).exp()).sum::<f32>().ln()
    };
    together(true) - together(false)
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
    fn another_word_of_the_grammar_is_no_evidence_for_the_one_that_was_heard() {
        let verifier = Verifier::trained().unwrap();
        let phrases = grammar(&["two", "three", "number three"]);
        let odds = |heard: &str| verifier.log_odds(heard, &phrases, &three()).unwrap();
        assert!(odds("two") < -1.0 && odds("number three") > 1.0, "{}", odds("two"));
        assert!(odds("three") > 1.0, "{}", odds("three"));
    }

    #[test]
    fn phrases_with_a_phrase_in_common_are_alike() {
        let verifier = Verifier::trained().unwrap();
        for (left, right) in [
            ("four", "i'd say four"),
            ("yes please", "yes"),
            ("no thanks", "no thank you"),
        ] {
            assert!(
                verifier.alike(left, right) && verifier.alike(right, left),
                "{left}, {right}"
            );
        }
        for (left, right) in [("six", "sixteen"), ("i'd say four", "i'd say five"), ("no", "yes")] {
            assert!(!verifier.alike(left, right), "{left}, {right}");
        }
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
