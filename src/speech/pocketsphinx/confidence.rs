//! How far a hypothesis can be trusted.
//!
//! A grammar finds its phrases in anything that is said, so its own score says little. Two decoders without the grammar
//! hear the same utterance: a loop of all phones, and a general language model. Where the grammar is right, the three
//! agree. Their evidence is weighed by a logistic regression, fitted on synthetic voices over the telephone path and
//! judged on voices that it had not met: `models/en-us-telephone/fit_confidence.py` fits, `examples/speech_accuracy.rs`
//! prints the rates.

use super::{Decoder, Hypothesis, Segment};
use samvad_actors::ports::Heard;

/// What the weights below belong to, in this order.
const EVIDENCE: usize = 8;
/// Scores per frame are cut off here: beyond it, wrong is wrong.
const WORST_SCORE: f32 = -60.0;
/// Frames per phone below which a word was squeezed in.
const SHORTEST_PHONE: f32 = 5.0;

/// Fitted before the means and the dictionary learnt further accents. After a new fit with look-alike words among what
/// is no answer, with as many answers kept, a seventh fewer of those are taken, but of other speech half as much again.
const WEIGHTS: [f32; EVIDENCE] = [0.118, -0.02817, 0.05048, 1.135, 5.771, 5.124, -1.111, -3.793];
const BIAS: f32 = 8.229;
/// Log-odds from which a hypothesis binds: one ordinary word in 200 that the grammar does not have reaches it as consent
/// or removal, but one in seven of those that sound most like one it has ("should", "show" for "sure").
const BINDING: f32 = 1.0;
/// Log-odds from which it is certain: less than one percent of longer speech reaches it, and no noise.
const CERTAIN: f32 = -0.25;
/// Log-odds from which it is plausible: all but a few percent of right answers, and a tenth of other speech.
const PLAUSIBLE: f32 = -2.0;
/// What the verifier's log-odds count for, and how many of them at most, for a phrase or against it: chosen by
/// `models/en-us-telephone/weigh_verifier.py`. People score lower than the voices it was trained on: hence the bound.
const VERIFIED: f32 = 0.6;
const VERIFIED_MOST: f32 = 4.0;

/// The confidence of a grammar's hypothesis, 0 to 1, given what a phone loop and a general language model heard, and the
/// verifier's log-odds if it knows the phrase. `words` knows how the words of both are pronounced.
pub fn confidence(
    heard: &Hypothesis,
    phones: &Hypothesis,
    general: &Hypothesis,
    verified: Option<f32>,
    words: &[&Decoder],
) -> f32 {
    evidence(heard, phones, general, words).map_or(0.0, |evidence| {
        let decoders = log_odds(&evidence);
        scaled(verified.map_or(decoders, |verified| together(decoders, verified)))
    })
}

/// The log-odds of the decoders and the verifier. Its doubt has a plausible phrase confirmed, and never one not heard.
fn together(decoders: f32, verified: f32) -> f32 {
    let both = decoders + VERIFIED * verified.clamp(-VERIFIED_MOST, VERIFIED_MOST);
    both.max(decoders.min(PLAUSIBLE))
}

/// The evidence; `None` if no word was heard.
fn evidence(
    heard: &Hypothesis,
    phones: &Hypothesis,
    general: &Hypothesis,
    words: &[&Decoder],
) -> Option<[f32; EVIDENCE]> {
    let spoken: Vec<&Segment> = heard.segments.iter().filter(|segment| !segment.is_filler()).collect();
    let frames = spoken.iter().map(|segment| segment.frames()).sum::<usize>().max(1) as f32;
    let own = pronounced(heard, words);
    let others = pronounced(general, words);
    let loose: Vec<&str> = phones
        .segments
        .iter()
        .filter(|segment| !segment.is_filler())
        .map(|segment| segment.word.as_str())
        .collect();
    let length = own.len() as f32;
    if spoken.is_empty() || own.is_empty() {
        return None;
    }
    let worst_against = |other: &Hypothesis| {
        spoken
            .iter()
            .map(|word| (word.score as f32 - score_within(other, word)) / word.frames().max(1) as f32)
            .fold(f32::INFINITY, f32::min)
            .max(WORST_SCORE)
    };
    Some([
        ((heard.score as f32 - phones.score as f32) / frames).max(WORST_SCORE),
        worst_against(phones),
        worst_against(general),
        -difference(&own, &others),
        -difference(&own, &loose),
        1.0 / length,
        (others.len() as f32 - length).abs() / length,
        (SHORTEST_PHONE - frames / length).max(0.0),
    ])
}

fn log_odds(evidence: &[f32; EVIDENCE]) -> f32 {
    BIAS + evidence
        .iter()
        .zip(WEIGHTS)
        .map(|(value, weight)| value * weight)
        .sum::<f32>()
}

/// Maps log-odds to the marks of [`Heard`]: piecewise linear, so that more is always more.
fn scaled(log_odds: f32) -> f32 {
    let between = |low: f32, high: f32| ((log_odds - low) / (high - low)).clamp(0.0, 1.0);
    let marks = [
        (PLAUSIBLE - 4.0, PLAUSIBLE, 0.0, Heard::PLAUSIBLE),
        (PLAUSIBLE, CERTAIN, Heard::PLAUSIBLE, Heard::CERTAIN),
        (CERTAIN, BINDING, Heard::CERTAIN, Heard::BINDING),
        (BINDING, BINDING + 6.0, Heard::BINDING, 1.0),
    ];
    let place = [PLAUSIBLE, CERTAIN, BINDING]
        .iter()
        .filter(|mark| log_odds >= **mark)
        .count();
    let (from, to, low, high) = marks[place];
    low + (high - low) * between(from, to)
}

/// The phones of a hypothesis' words, each word as it was pronounced.
fn pronounced<'a>(hypothesis: &Hypothesis, words: &[&'a Decoder]) -> Vec<&'a str> {
    hypothesis
        .segments
        .iter()
        .filter(|segment| !segment.is_filler())
        .filter_map(|segment| {
            words
                .iter()
                .find_map(|decoder| decoder.pronunciations(&segment.word).get(segment.variant))
        })
        .flat_map(|phones| phones.split_whitespace())
        .collect()
}

/// What another hypothesis scores within the frames of a word.
fn score_within(other: &Hypothesis, word: &Segment) -> f32 {
    other
        .segments
        .iter()
        .map(|segment| {
            let end = (segment.last_frame + 1).min(word.last_frame + 1);
            let shared = end.saturating_sub(segment.first_frame.max(word.first_frame));
            segment.score as f32 * shared as f32 / segment.frames().max(1) as f32
        })
        .sum()
}

/// The edit distance of two sequences of phones, as a share of the longer one.
fn difference(left: &[&str], right: &[&str]) -> f32 {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()] as f32 / left.len().max(right.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_marks_are_met_exactly_at_their_log_odds() {
        assert_eq!(scaled(BINDING), Heard::BINDING);
        assert_eq!(scaled(CERTAIN), Heard::CERTAIN);
        assert_eq!(scaled(PLAUSIBLE), Heard::PLAUSIBLE);
        assert!(scaled(CERTAIN - 0.01) < Heard::CERTAIN && scaled(PLAUSIBLE - 0.01) < Heard::PLAUSIBLE);
        assert_eq!((scaled(-100.0), scaled(100.0)), (0.0, 1.0));
    }

    #[test]
    fn the_difference_of_phones_counts_edits() {
        assert_eq!(difference(&["Y", "EH", "S"], &["Y", "EH", "S"]), 0.0);
        assert_eq!(difference(&["N", "OW"], &["N", "OW", "T"]), 1.0 / 3.0);
        assert_eq!(difference(&[], &[]), 0.0);
        assert_eq!(difference(&["N"], &[]), 1.0);
    }

    proptest! {
        #[test]
        fn more_odds_never_mean_less_confidence(a in -50f32..50.0, b in -50f32..50.0) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(scaled(low) <= scaled(high));
        }

        #[test]
        fn more_odds_of_either_never_mean_less_and_doubt_leaves_plausible_what_was(
            a in -12f32..12.0, b in -12f32..12.0, decoders in -9f32..9.0, more in 0f32..9.0,
        ) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(together(decoders, low) <= together(decoders, high));
            prop_assert!(together(decoders, a) <= together(decoders + more, a));
            prop_assert!(decoders < PLAUSIBLE || together(decoders, a) >= PLAUSIBLE);
        }

        #[test]
        fn the_difference_is_a_symmetric_share(a in prop::collection::vec("[A-D]", 0..9), b in prop::collection::vec("[A-D]", 0..9)) {
            let a: Vec<&str> = a.iter().map(String::as_str).collect();
            let b: Vec<&str> = b.iter().map(String::as_str).collect();
            prop_assert_eq!(difference(&a, &b), difference(&b, &a));
            prop_assert!((0.0..=1.0).contains(&difference(&a, &b)));
            prop_assert_eq!(difference(&a, &b) == 0.0, a == b);
        }
    }
}
