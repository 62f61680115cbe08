//! From what services say of their certainty to the marks of [`Heard`].
//!
//! A probability that the words are right becomes a confidence by three thresholds, with straight lines between them:
//!
//! | probability | confidence | why |
//! |---|---|---|
//! | 0.97 | [`Heard::BINDING`] | consent and removal follow at once: at most 3 in 100 may be wrong |
//! | 0.85 | [`Heard::CERTAIN`] | acted upon; what matters is confirmed |
//! | 0.5 | [`Heard::PLAUSIBLE`] | more likely right than wrong |
//!
//! An answer of few words turns on every one of them ("don't"), so its weakest word counts; of a longer one the whole.
//!
//! Deepgram: its words' confidences are calibrated probabilities ("if you took all words the model scored at 0.93,
//! approximately 93% of them would actually be correct", <https://developers.deepgram.com/docs/confidence>).
//!
//! OpenAI: `logprobs` are natural logarithms of the tokens' probabilities, which models of the family `gpt-4o` give on
//! request (<https://developers.openai.com/api/reference/resources/realtime/server-events>); each token counts as a word.
//!
//! Without any score (Sarvam, other models of OpenAI, servers compatible with it) a text is [`UNSCORED`]: acted upon,
//! but never binding, so that consent and removal are confirmed by another turn.

use samvad_actors::ports::Heard;

/// The confidence of words that came without a score.
pub const UNSCORED: f32 = Heard::CERTAIN;

/// The longest answer, in words, of which the weakest counts.
const FEW_WORDS: usize = 5;

/// A confidence from a probability.
pub fn confidence(probability: f32) -> f32 {
    const MARKS: [(f32, f32); 5] = [
        (0.0, 0.0),
        (0.5, Heard::PLAUSIBLE),
        (0.85, Heard::CERTAIN),
        (0.97, Heard::BINDING),
        (1.0, 1.0),
    ];
    if probability.is_nan() {
        return 0.0;
    }
    let probability = probability.clamp(0.0, 1.0);
    for pair in MARKS.windows(2) {
        if let [(from, low), (to, high)] = *pair
            && probability < to
        {
            return low + (high - low) * (probability - from) / (to - from);
        }
    }
    1.0
}

/// A confidence from the probability of every word.
pub fn of_words(probabilities: &[f32]) -> f32 {
    let weakest = probabilities.iter().copied().fold(1.0, f32::min);
    let mean = probabilities.iter().sum::<f32>() / probabilities.len().max(1) as f32;
    match probabilities.len() {
        0 => UNSCORED,
        1..=FEW_WORDS => confidence(weakest),
        _ => confidence(mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_thresholds_are_the_marks() {
        assert_eq!(confidence(0.97), Heard::BINDING);
        assert_eq!(confidence(0.85), Heard::CERTAIN);
        assert_eq!(confidence(0.5), Heard::PLAUSIBLE);
        assert_eq!(
            (confidence(0.0), confidence(1.0), confidence(f32::NAN)),
            (0.0, 1.0, 0.0)
        );
    }

    #[test]
    fn the_weakest_word_of_a_short_answer_decides_and_the_whole_of_a_long_one() {
        assert!(of_words(&[0.99, 0.4]) < Heard::PLAUSIBLE);
        assert!(of_words(&[0.95, 0.95, 0.4, 0.95, 0.95, 0.95, 0.95]) >= Heard::CERTAIN);
        const { assert!(UNSCORED < Heard::BINDING) };
        assert_eq!(of_words(&[]), UNSCORED);
    }

    proptest! {
        #[test]
        fn more_probability_is_never_less_confidence(a in 0.0f32..=1.0, b in 0.0f32..=1.0) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(confidence(low) <= confidence(high));
            prop_assert!((0.0..=1.0).contains(&confidence(a)));
        }
    }
}
