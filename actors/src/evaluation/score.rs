//! Whether a reading of an utterance is what it means, and the sums of that.

use super::{Expected, Utterance};
use crate::dialogue::{Expectation, Interpretation};
use crate::domain::{AnswerValue, Intent};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// What came of one utterance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Right, and certain: a call acts upon it.
    CertainRight,
    /// Wrong, and certain: a call acts upon it.
    CertainWrong,
    /// Right, but uncertain: a call asks the next tier or the caller.
    UncertainRight,
    /// Wrong, but uncertain.
    UncertainWrong,
    /// Not understood, though it means something.
    NotUnderstood,
    /// Not understood, as it should not be.
    UnclearRight,
}

impl Verdict {
    /// Whether the reading is what the label says.
    pub fn is_right(self) -> bool {
        matches!(self, Self::CertainRight | Self::UncertainRight | Self::UnclearRight)
    }
}

/// Sums over some utterances.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Utterances.
    pub utterances: usize,
    /// [`Verdict::CertainRight`].
    pub certain_right: usize,
    /// [`Verdict::CertainWrong`].
    pub certain_wrong: usize,
    /// [`Verdict::UncertainRight`].
    pub uncertain_right: usize,
    /// [`Verdict::UncertainWrong`].
    pub uncertain_wrong: usize,
    /// [`Verdict::NotUnderstood`].
    pub not_understood: usize,
    /// [`Verdict::UnclearRight`].
    pub unclear_right: usize,
    /// Certainly taken for agreement to the survey, and not so.
    pub consent_wrongly_taken: usize,
    /// Certainly taken for a wish to be removed, and not so.
    pub opt_out_wrongly_taken: usize,
    /// A wish to be removed that was not certainly taken for one.
    pub opt_out_missed: usize,
}

impl Counts {
    /// Right ones, certain or not.
    pub fn right(&self) -> usize {
        self.certain_right + self.uncertain_right + self.unclear_right
    }

    /// Share of right ones, in percent; 100 of none.
    pub fn accuracy(&self) -> f64 {
        percent(self.right(), self.utterances)
    }

    /// Share of right ones among those that were taken for certain, in percent; 100 of none.
    pub fn certain_accuracy(&self) -> f64 {
        percent(self.certain_right, self.certain_right + self.certain_wrong)
    }

    /// Consent or opt-outs that were taken wrongly or missed.
    pub fn harmful(&self) -> usize {
        self.consent_wrongly_taken + self.opt_out_wrongly_taken + self.opt_out_missed
    }

    fn add(&mut self, verdict: Verdict) {
        self.utterances += 1;
        let count = match verdict {
            Verdict::CertainRight => &mut self.certain_right,
            Verdict::CertainWrong => &mut self.certain_wrong,
            Verdict::UncertainRight => &mut self.uncertain_right,
            Verdict::UncertainWrong => &mut self.uncertain_wrong,
            Verdict::NotUnderstood => &mut self.not_understood,
            Verdict::UnclearRight => &mut self.unclear_right,
        };
        *count += 1;
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        // Taken apart, so that no count is left out.
        let Self {
            utterances,
            certain_right,
            certain_wrong,
            uncertain_right,
            uncertain_wrong,
            not_understood,
            unclear_right,
            consent_wrongly_taken,
            opt_out_wrongly_taken,
            opt_out_missed,
        } = other;
        self.utterances += utterances;
        self.certain_right += certain_right;
        self.certain_wrong += certain_wrong;
        self.uncertain_right += uncertain_right;
        self.uncertain_wrong += uncertain_wrong;
        self.not_understood += not_understood;
        self.unclear_right += unclear_right;
        self.consent_wrongly_taken += consent_wrongly_taken;
        self.opt_out_wrongly_taken += opt_out_wrongly_taken;
        self.opt_out_missed += opt_out_missed;
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        100.0
    } else {
        100.0 * part as f64 / whole as f64
    }
}

/// What an utterance means, and what it was taken for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Labels {
    /// By its label.
    pub expected: String,
    /// By the tier.
    pub got: String,
}

/// An utterance that was not read as its label says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Wrong {
    /// Its row, as a spreadsheet counts.
    pub row: u64,
    /// The language of its label.
    pub language: String,
    /// The words.
    pub text: String,
    /// What they mean and what they were taken for.
    #[serde(flatten)]
    pub labels: Labels,
    /// What came of it.
    pub verdict: Verdict,
}

/// How one tier did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Score {
    /// The tier.
    pub tier: String,
    /// Sums for each language of the labels.
    pub languages: BTreeMap<String, Counts>,
    /// How often which meaning was taken for which.
    #[serde(serialize_with = "as_list")]
    pub confusion: BTreeMap<Labels, usize>,
    /// All that were not read as their labels say.
    pub wrong: Vec<Wrong>,
    /// How often the tier gave nothing, by the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, usize>,
}

/// Tiers, each by itself and all together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// In the order in which they are asked.
    pub tiers: Vec<Score>,
    /// As a call would ask them.
    pub together: Score,
}

impl Score {
    pub(super) fn new(tier: &str) -> Self {
        Self {
            tier: tier.to_owned(),
            languages: BTreeMap::new(),
            confusion: BTreeMap::new(),
            wrong: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, utterance: &Utterance, meant: Option<&Interpretation>) {
        let verdict = judge(&utterance.expected, meant);
        let counts = self.languages.entry(utterance.label.clone()).or_default();
        counts.add(verdict);
        let certain = meant.filter(|meant| meant.certain).map(|meant| meant.intent);
        let expected = match &utterance.expected {
            Expected::Intent { intent, .. } => Some(plain(*intent)),
            _ => None,
        };
        let consent = utterance.expectation == Expectation::Consent && certain == Some(Intent::Yes);
        counts.consent_wrongly_taken += usize::from(consent && expected != Some(Intent::Yes));
        let opt_out = (certain == Some(Intent::RemoveMe), expected == Some(Intent::RemoveMe));
        counts.opt_out_wrongly_taken += usize::from(opt_out == (true, false));
        counts.opt_out_missed += usize::from(opt_out == (false, true));
        let labels = Labels {
            expected: label_of(&utterance.expected),
            got: meant.map_or_else(|| UNCLEAR.to_owned(), |meant| reading(meant, &utterance.expected)),
        };
        *self.confusion.entry(labels.clone()).or_default() += 1;
        if !verdict.is_right() {
            self.wrong.push(Wrong {
                row: utterance.row,
                language: utterance.label.clone(),
                text: utterance.text.clone(),
                labels,
                verdict,
            });
        }
    }

    /// Sums over all languages.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for counts in self.languages.values() {
            total += counts;
        }
        total
    }

    /// Whether every language reaches an accuracy in percent, with no consent or opt-out wrongly taken or missed.
    pub fn reaches(&self, percent: f64) -> bool {
        self.languages
            .values()
            .all(|counts| counts.accuracy() >= percent && counts.harmful() == 0)
    }
}

const UNCLEAR: &str = "unclear";

/// A survey takes interest for agreement.
fn plain(intent: Intent) -> Intent {
    match intent {
        Intent::Interested => Intent::Yes,
        intent => intent,
    }
}

fn judge(expected: &Expected, meant: Option<&Interpretation>) -> Verdict {
    let understood = meant.filter(|meant| !meant.is_unclear() || meant.out_of_range);
    let wants_nothing = matches!(
        expected,
        Expected::Acknowledgement
            | Expected::Intent {
                intent: Intent::Unclear,
                ..
            }
    );
    let shown = match expected {
        Expected::Acknowledgement => meant.is_some_and(|meant| meant.acknowledgement),
        _ => understood.is_none(),
    };
    match understood {
        _ if wants_nothing && shown => Verdict::UnclearRight,
        None => Verdict::NotUnderstood,
        Some(meant) => match (meant.certain, fits(expected, meant)) {
            (true, true) => Verdict::CertainRight,
            (true, false) => Verdict::CertainWrong,
            (false, true) => Verdict::UncertainRight,
            (false, false) => Verdict::UncertainWrong,
        },
    }
}

fn fits(expected: &Expected, meant: &Interpretation) -> bool {
    match expected {
        Expected::Intent { intent, value, time } => {
            let said = meant.when.as_ref().and_then(|asked| asked.time);
            plain(*intent) == meant.intent
                && (value.is_none() || *value == meant.value)
                && (time.is_none() || *time == said)
        }
        Expected::Answer(value) => meant.value.as_ref() == Some(value),
        Expected::OutOfRange => meant.out_of_range,
        Expected::Acknowledgement => false,
    }
}

fn label_of(expected: &Expected) -> String {
    match expected {
        Expected::Intent { intent, .. } => plain(*intent).name().to_owned(),
        Expected::Answer(value) => value_name(value),
        Expected::OutOfRange => "out_of_range".to_owned(),
        Expected::Acknowledgement => "acknowledgement".to_owned(),
    }
}

/// What a reading is called beside a label: by its value where the label is one.
fn reading(meant: &Interpretation, expected: &Expected) -> String {
    let wants_value = matches!(expected, Expected::Answer(_));
    match (&meant.value, meant.intent) {
        _ if *expected == Expected::Acknowledgement && meant.acknowledgement => "acknowledgement".to_owned(),
        _ if meant.out_of_range => "out_of_range".to_owned(),
        (Some(value), intent) if wants_value || intent == Intent::Unclear => value_name(value),
        (_, Intent::CallLater) => match (meant.when.as_ref(), expected) {
            (asked, Expected::Intent { time: Some(time), .. }) if asked.and_then(|asked| asked.time) != Some(*time) => {
                format!("call_later, {}", asked.map_or("no time", |_| "another time"))
            }
            _ => Intent::CallLater.name().to_owned(),
        },
        (_, intent) => intent.name().to_owned(),
    }
}

fn value_name(value: &AnswerValue) -> String {
    match value {
        AnswerValue::YesNo(true) => "answer yes".to_owned(),
        AnswerValue::YesNo(false) => "answer no".to_owned(),
        AnswerValue::Number(number) | AnswerValue::Scale(number) => format!("answer {number}"),
        AnswerValue::Choice(key) => format!("answer {key}"),
        AnswerValue::FreeText(_) => "answer in free words".to_owned(),
        AnswerValue::NotAnswered => "no answer".to_owned(),
    }
}

fn as_list<S: serde::Serializer>(confusion: &BTreeMap<Labels, usize>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Entry<'a> {
        #[serde(flatten)]
        labels: &'a Labels,
        count: usize,
    }
    serializer.collect_seq(confusion.iter().map(|(labels, count)| Entry { labels, count: *count }))
}

#[cfg(test)]
mod tests;
