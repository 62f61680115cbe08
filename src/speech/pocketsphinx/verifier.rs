//! A small network that knows how the short phrases of the grammars sound, and how other words do.
//!
//! A word alone leaves the decoders little to disagree about: "tree" fits "three" as well as many a "three" does. This
//! network was trained on the very difference (`models/en-us-telephone/train_verifier.py`): convolutions over the
//! utterance's mel spectrum, their mean and their maximum, and from those the odds of each phrase against all the others
//! and against anything else.

use super::spectrum::{BANDS, Spectrum};
use std::collections::HashMap;

const TRAINED: &[u8] = include_bytes!("../../../models/en-us-telephone/verifier");
/// The first line of the file with the weights.
const FORMAT: &str = "samvad verifier 1";
/// Channels out, frames in a kernel, step, distance between a kernel's frames; as in `train_verifier.py`.
const LAYERS: [(usize, usize, usize, usize); 5] = [
    (40, 5, 2, 1),
    (64, 5, 2, 1),
    (64, 5, 1, 1),
    (80, 5, 1, 1),
    (96, 3, 1, 2),
];
/// Odds are not told beyond this.
const MOST_LOG_ODDS: f32 = 12.0;

/// Rows of weights, each with what is added to its product.
#[derive(Clone, Debug)]
struct Rows {
    width: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Rows {
    /// Each row is stored as its scale, its bias, and its weights in bytes.
    fn read(from: &mut Reader<'_>, count: usize, width: usize) -> Result<Self, String> {
        let mut rows = Self {
            width,
            weights: Vec::with_capacity(count * width),
            biases: Vec::with_capacity(count),
        };
        for _ in 0..count {
            let scale = from.number()?;
            rows.biases.push(from.number()?);
            let bytes = from.take(width)?;
            rows.weights
                .extend(bytes.iter().map(|&byte| f32::from(byte.cast_signed()) * scale));
        }
        Ok(rows)
    }

    fn applied<'a>(&'a self, input: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let rows = self.weights.chunks_exact(self.width).zip(&self.biases);
        rows.map(|(row, bias)| bias + product(row, input))
    }
}

/// The network.
#[derive(Clone, Debug)]
pub struct Verifier {
    spectrum: Spectrum,
    /// Where each phrase stands in the output.
    phrases: HashMap<String, usize>,
    layers: Vec<Rows>,
    output: Rows,
}

impl Verifier {
    /// The network as it was trained.
    ///
    /// # Errors
    /// If the weights that were built in are damaged.
    pub fn trained() -> Result<Self, String> {
        Self::read(TRAINED)
    }

    /// A line that names the format, a line of phrases, and the weights, layer by layer.
    fn read(file: &[u8]) -> Result<Self, String> {
        let mut from = Reader(file);
        if from.line()? != FORMAT {
            return Err(format!(
                "the weights of the verifier do not begin with {FORMAT:?}; train them anew"
            ));
        }
        let phrases: HashMap<String, usize> = from
            .line()?
            .split('|')
            .enumerate()
            .map(|(place, phrase)| (phrase.to_owned(), place))
            .collect();
        let mut channels = BANDS;
        let mut layers = Vec::with_capacity(LAYERS.len());
        for (out, kernel, ..) in LAYERS {
            layers.push(Rows::read(&mut from, out, kernel * channels)?);
            channels = out;
        }
        let output = Rows::read(&mut from, phrases.len() + 1, 2 * channels)?;
        Ok(Self {
            spectrum: Spectrum::new(),
            phrases,
            layers,
            output,
        })
    }

    /// The logarithmic odds that some phrase of this grammar was said and nothing else, by an utterance of 8 kHz that was
    /// levelled and trimmed. `None` if the one that was heard is none of those the network knows, or the utterance is
    /// too long for it.
    pub fn log_odds(&self, heard: &str, grammar: &[String], samples: &[i16]) -> Option<f32> {
        self.phrases.get(heard)?;
        let mut values = self.spectrum.of(samples)?;
        let mut channels = BANDS;
        for (layer, (out, kernel, step, distance)) in self.layers.iter().zip(LAYERS) {
            values = convolved(&values, channels, layer, kernel, step, distance);
            channels = out;
        }
        let frames = values.len() / channels;
        let (mut mean, mut most) = (vec![0.0; channels], vec![0.0f32; channels]);
        for frame in values.chunks_exact(channels) {
            for (channel, value) in frame.iter().enumerate() {
                mean[channel] += value / frames as f32;
                most[channel] = most[channel].max(*value);
            }
        }
        let scores: Vec<f32> = self.output.applied(&[mean, most].concat()).collect();
        let mut inside = vec![false; scores.len()];
        for phrase in grammar {
            if let Some(place) = self.phrases.get(phrase) {
                inside[*place] = true;
            }
        }
        let together = |wanted: bool| {
            let chosen = || {
                scores
                    .iter()
                    .zip(&inside)
                    .filter(|(_, inside)| **inside == wanted)
                    .map(|(score, _)| *score)
            };
            let most = chosen().fold(f32::NEG_INFINITY, f32::max);
            most + chosen().map(|score| (score - most).exp()).sum::<f32>().ln()
        };
        Some((together(true) - together(false)).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS))
    }
}

/// A convolution over time with zeros around it, and the rectifier. Values stand frame by frame.
fn convolved(values: &[f32], channels: usize, layer: &Rows, kernel: usize, step: usize, distance: usize) -> Vec<f32> {
    let frames = values.len() / channels;
    let around = kernel / 2 * distance;
    let mut window = vec![0.0; kernel * channels];
    let mut result = Vec::with_capacity(frames.div_ceil(step) * layer.biases.len());
    for frame in (0..frames).step_by(step) {
        for (tap, part) in window.chunks_exact_mut(channels).enumerate() {
            let source = (frame + tap * distance)
                .checked_sub(around)
                .filter(|source| *source < frames);
            match source {
                Some(source) => part.copy_from_slice(&values[source * channels..(source + 1) * channels]),
                None => part.fill(0.0),
            }
        }
        result.extend(layer.applied(&window).map(|value| value.max(0.0)));
    }
    result
}

/// Eight sums side by side, which the processor adds at once.
fn product(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (left, right) = (left.chunks_exact(8), right.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
}

/// What is left of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or("the weights of the verifier end too early; train them anew")?;
        self.0 = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let line = self.take(end)?;
        self.0 = self.0.get(1..).unwrap_or_default();
        std::str::from_utf8(line).map_err(|_| "the weights of the verifier have no text before them".to_owned())
    }

    fn number(&mut self) -> Result<f32, String> {
        let bytes = self.take(4)?;
        Ok(bytes.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes)))
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

    #[test]
    fn a_convolution_sees_zeros_beyond_both_ends() {
        let layer = Rows {
            width: 3,
            weights: vec![1.0, 10.0, 100.0],
            biases: vec![-1.0],
        };
        assert_eq!(convolved(&[1.0, 2.0, 3.0], 1, &layer, 3, 1, 1), [209.0, 320.0, 31.0]);
        assert_eq!(convolved(&[1.0, 2.0, 3.0], 1, &layer, 3, 2, 1), [209.0, 31.0]);
        assert_eq!(convolved(&[1.0, 2.0, 3.0], 1, &layer, 3, 1, 2), [309.0, 19.0, 30.0]);
    }
}
