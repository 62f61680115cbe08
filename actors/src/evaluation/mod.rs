//! Scores what understands callers against utterances that people have labelled.
//!
//! Whatever can be asked what an utterance means is a [`Tier`]: the lexicon is one. Each is scored by itself, and all
//! together as a call would ask them, one after the other.

mod model;
mod score;
#[cfg(test)]
mod testing;

pub use model::{Ask, Model};
pub use score::{Counts, Labels, Report, Score, Verdict, Wrong};

use crate::dialogue::{Context, Expectation, Interpretation, Interpreter, Lexicon};
use crate::domain::{AnswerValue, Intent, Language, QuestionKind, SpokenTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a person says an utterance means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// An intent. `Interested` is agreement here, as it is in a call.
    Intent {
        /// Which.
        intent: Intent,
        /// The answer that is given with it ("no, four"), if it is to be checked.
        value: Option<AnswerValue>,
        /// With `CallLater`, the time asked for, if it is to be checked.
        time: Option<SpokenTime>,
    },
    /// An answer to the open question, without yes and no beside it or with either.
    Answer(AnswerValue),
    /// A number or an option that the question does not allow.
    OutOfRange,
    /// Shows that one listens, and says nothing.
    Acknowledgement,
}

/// A labelled utterance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Utterance {
    /// Its row, as a spreadsheet counts.
    pub row: u64,
    /// The language as its label has it, for example `hi-Latn`: results are given for each.
    pub label: String,
    /// The language of the call it was said in.
    pub language: Language,
    /// What was expected when it was said.
    pub expectation: Expectation,
    /// The question that was open.
    pub question: Option<QuestionKind>,
    /// The words.
    pub text: String,
    /// What they mean.
    pub expected: Expected,
}

impl Utterance {
    /// Where it was said, for a tier.
    pub fn context(&self) -> Context<'_> {
        Context {
            expectation: self.expectation,
            question: self.question.as_ref(),
        }
    }
}

/// Something that can be asked what an utterance means.
pub trait Tier {
    /// Its name in reports, for example `lexicon`.
    fn name(&self) -> &str;

    /// What it takes the utterance to mean; `None` if it gave nothing (a model that did not answer in time).
    fn understand(&mut self, utterance: &Utterance) -> Option<Interpretation>;

    /// How often it gave nothing, by the reason.
    fn failures(&self) -> BTreeMap<String, usize> {
        BTreeMap::new()
    }
}

/// The first tier: the lexicons of the languages.
#[derive(Clone, Debug, Default)]
pub struct Lexicons(pub BTreeMap<Language, Arc<Lexicon>>);

impl Tier for Lexicons {
    fn name(&self) -> &str {
        "lexicon"
    }

    fn understand(&mut self, utterance: &Utterance) -> Option<Interpretation> {
        let lexicon = self.0.get(&utterance.language)?;
        Some(lexicon.interpret(&utterance.context(), &utterance.text))
    }
}

/// Asks the first tier for every utterance, and each later one, as a call does, for what those before it leave open.
/// Beside the tiers' own scores there is one of all together.
pub fn evaluate(utterances: &[Utterance], tiers: &mut [Box<dyn Tier>]) -> Report {
    let mut scores: Vec<Score> = tiers.iter().map(|tier| Score::new(tier.name())).collect();
    let mut together = Score::new("together");
    for utterance in utterances {
        let mut meant: Option<Interpretation> = None;
        for (tier, score) in tiers.iter_mut().zip(&mut scores) {
            if meant.as_ref().is_some_and(|meant| !meant.is_open()) {
                break;
            }
            let understood = tier.understand(utterance);
            score.add(utterance, understood.as_ref());
            let says_something = |meant: &Interpretation| !meant.is_unclear() || meant.out_of_range;
            if meant.is_none() || understood.as_ref().is_some_and(says_something) {
                meant = understood;
            }
        }
        together.add(utterance, meant.as_ref());
    }
    for (tier, score) in tiers.iter().zip(&mut scores) {
        score.failures = tier.failures();
    }
    Report {
        tiers: scores,
        together,
    }
}
