//! What recognised words mean at one point of a survey.
//!
//! The text is cut into stretches that the lexicon, the numbers and the options of the question know, with as few
//! words left over as can be. A text that is covered whole is certain; words left over make it uncertain or
//! unclear, so that no intent comes from one word buried in a long sentence. Plain opt-outs count wherever they
//! stand.

mod value;

use self::value::{Single, Value, single};
use super::lexicon::{Lexicon, Meaning};
use super::output::Expectation;
use super::words::words;
use crate::domain::{AnswerValue, AskedTime, Intent, Language, QuestionKind};
use std::collections::BTreeSet;

/// Where in a survey something was said.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What was expected.
    pub expectation: Expectation,
    /// The type of the question that is open, with its range or options; `None` outside the questions.
    pub question: Option<&'a QuestionKind>,
}

/// What was meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interpretation {
    /// The intent. `Unclear` if there is none, also beside a value.
    pub intent: Intent,
    /// An answer to the open question. Yes and no to a yes/no question give both an intent and a value.
    pub value: Option<AnswerValue>,
    /// A number was said that the question does not allow.
    pub out_of_range: bool,
    /// With `CallLater`: the time asked for, for example "after six".
    pub when: Option<AskedTime>,
    /// With `SwitchLanguage`: the languages asked for by their names.
    pub languages: BTreeSet<Language>,
    /// False if words were left over or another reading is possible: to be confirmed before it is acted upon.
    pub certain: bool,
    /// The text only shows that its speaker listens ("okay", "mm"): over a prompt it is nothing.
    pub acknowledgement: bool,
    /// The text ends a wait ("I'm back").
    pub resume: bool,
}

impl Interpretation {
    /// Nothing that is understood.
    pub(super) fn unclear() -> Self {
        Self {
            intent: Intent::Unclear,
            value: None,
            out_of_range: false,
            when: None,
            languages: BTreeSet::new(),
            certain: false,
            acknowledgement: false,
            resume: false,
        }
    }

    fn intent(intent: Intent, certain: bool) -> Self {
        Self {
            intent,
            certain,
            ..Self::unclear()
        }
    }

    /// Nothing that could be acted upon.
    pub fn is_unclear(&self) -> bool {
        self.intent == Intent::Unclear && self.value.is_none()
    }
}

/// Gives recognised words a meaning. The lexicon is one; a language model may be another.
pub trait Interpreter: Send + Sync {
    /// What `text` means here. Deterministic: the same text at the same point always means the same.
    fn interpret(&self, context: &Context<'_>, text: &str) -> Interpretation;
}

/// A text cut into stretches.
#[derive(Default)]
struct Reading {
    /// Meanings in their order, fillers left out.
    meanings: Vec<Meaning>,
    /// Words that no stretch covers.
    leftover: Vec<String>,
    /// Where the first stretch with a meaning begins, leftover words counted.
    leading_leftover: usize,
    /// Longest stretch of an intent in words.
    longest_intent: usize,
    /// The languages that its wishes for another one name.
    languages: BTreeSet<Language>,
    /// A wish to be removed or to be called stands after a negation.
    wish_negated: bool,
}

/// How a text is covered from one of its words on.
#[derive(Clone, Default)]
struct Cover {
    /// Words left over.
    left: usize,
    /// Stretches used.
    stretches: usize,
    /// The stretch at the first word with its length; `None` if that word is left over.
    first: Option<(Meaning, usize)>,
}

impl Interpreter for Lexicon {
    fn interpret(&self, context: &Context<'_>, verbatim: &str) -> Interpretation {
        let said = words(verbatim);
        let text = self.heard(&said);
        if text.is_empty() {
            return Interpretation::unclear();
        }
        if self.anywhere(&text, Intent::RemoveMe) {
            return Interpretation::intent(Intent::RemoveMe, true);
        }
        if self.anywhere(&text, Intent::Voicemail) {
            return Interpretation::intent(Intent::Voicemail, true);
        }
        let reading = self.read(context, &text, &said);
        let mut meant = self.decide(context, &text, &reading);
        meant.acknowledgement = self.is_acknowledgement(&text);
        meant.resume = reading.meanings.contains(&Meaning::Resume);
        if let Some(AnswerValue::FreeText(kept)) = &mut meant.value {
            verbatim.trim().clone_into(kept);
        }
        meant
    }
}

impl Lexicon {
    /// Covers the text with stretches: fewest words left over, then fewest stretches.
    fn read(&self, context: &Context<'_>, text: &[String], said: &[String]) -> Reading {
        let options = self.option_phrases(context.question);
        // From the end: the best cover of what begins at each word.
        let mut best = vec![Cover::default(); text.len() + 1];
        for start in (0..text.len()).rev() {
            let after = &best[start + 1];
            let mut cover = Cover {
                left: after.left + 1,
                stretches: after.stretches,
                first: None,
            };
            for (meaning, length) in self.stretches(context, &options, &text[start..], &said[start..]) {
                let after = &best[start + length];
                if (after.left, after.stretches + 1) < (cover.left, cover.stretches) {
                    cover = Cover {
                        left: after.left,
                        stretches: after.stretches + 1,
                        first: Some((meaning, length)),
                    };
                }
            }
            best[start] = cover;
        }
        let mut reading = Reading::default();
        let mut at = 0;
        while at < text.len() {
            match &best[at].first {
                Some((meaning, length)) => {
                    if *meaning != Meaning::Filler {
                        if reading.meanings.is_empty() {
                            reading.leading_leftover = reading.leftover.len();
                        }
                        if let Meaning::Intent(Intent::RemoveMe | Intent::CallLater, _) = meaning {
                            reading.wish_negated |= self.negated(&text[..at]);
                        }
                        if *meaning == Meaning::Intent(Intent::SwitchLanguage, None) {
                            reading.languages.extend(self.languages_wanted(&said[at..at + length]));
                        }
                        if matches!(meaning, Meaning::Intent(..)) {
                            reading.longest_intent = reading.longest_intent.max(*length);
                        }
                        reading.meanings.push(meaning.clone());
                    }
                    at += length;
                }
                None => {
                    reading.leftover.push(text[at].clone());
                    at += 1;
                }
            }
        }
        if reading.meanings.is_empty()
            && let Some(intent) = self.alone(text, &reading.leftover)
        {
            reading.leftover.clear();
            reading.meanings.push(Meaning::Intent(intent, None));
        }
        reading
    }

    /// Every stretch at the start of the text; those of the question come first, so that they win over equals.
    fn stretches(
        &self,
        context: &Context<'_>,
        options: &[(Vec<String>, usize)],
        text: &[String],
        said: &[String],
    ) -> Vec<(Meaning, usize)> {
        let mut found: Vec<_> = options
            .iter()
            .filter(|(phrase, _)| text.starts_with(phrase))
            .map(|(phrase, option)| (Meaning::Option(*option), phrase.len()))
            .collect();
        if let Some(QuestionKind::Number { max, .. } | QuestionKind::Scale { max, .. }) = context.question
            && let Some(length) = self.out_of(text, *max)
        {
            found.push((Meaning::Filler, length));
        }
        let bare_times = matches!(
            context.expectation,
            Expectation::Consent | Expectation::Confirm | Expectation::Resume
        );
        found.extend(self.at(text, said, bare_times));
        found
    }

    /// What each option may be called, with its position.
    fn option_phrases(&self, question: Option<&QuestionKind>) -> Vec<(Vec<String>, usize)> {
        let Some(QuestionKind::Choice { options }) = question else {
            return Vec::new();
        };
        let forms = options.iter().enumerate().flat_map(|(position, option)| {
            let forms = option.spoken_forms().into_iter();
            forms.map(move |form| (self.heard(&words(&form)), position))
        });
        forms.collect()
    }

    fn decide(&self, context: &Context<'_>, text: &[String], reading: &Reading) -> Interpretation {
        let whole = reading.leftover.is_empty();
        let mut intents = BTreeSet::new();
        let mut when = None;
        for meaning in &reading.meanings {
            if let Meaning::Intent(intent, time) = meaning {
                intents.insert(*intent);
                when = when.or_else(|| time.clone());
            }
        }
        let yes = intents.remove(&Intent::Yes) | intents.remove(&Intent::Interested);
        let no = intents.remove(&Intent::No);
        if let Some(QuestionKind::FreeText { .. }) = context.question
            && matches!(context.expectation, Expectation::Question(_))
        {
            let directive = whole
                && intents.len() == 1
                && !yes
                && !no
                && reading
                    .meanings
                    .iter()
                    .all(|meaning| matches!(meaning, Meaning::Intent(..)));
            if !directive {
                return free_text();
            }
        }
        let value = self.value(context, reading, yes, no);
        if intents.len() > 1 || !matches!(value, Value::None) {
            // "Sorry, four", "sorry, who is this": the word for "say that again" is often mere politeness.
            intents.remove(&Intent::Repeat);
        }
        if intents.contains(&Intent::RemoveMe) {
            // A short plain wish; "don't remove me" is none, and "don't call me, call later" is one to be called.
            let is = |wanted: Intent| move |meaning: &Meaning| matches!(meaning, Meaning::Intent(intent, _) if *intent == wanted);
            let removal = reading
                .meanings
                .iter()
                .position(is(Intent::RemoveMe))
                .unwrap_or_default();
            let taken_back = reading.meanings[removal..].iter().any(is(Intent::CallLater));
            return if whole && when.is_none() && !taken_back && !reading.wish_negated {
                Interpretation::intent(Intent::RemoveMe, true)
            } else {
                Interpretation::unclear()
            };
        }
        let mut others = intents.into_iter();
        match (others.next(), others.next()) {
            (Some(intent), None) => self.directive(intent, when, yes, &value, text, reading),
            (Some(_), Some(_)) => Interpretation::unclear(),
            (None, _) => match value {
                Value::Several => Interpretation::unclear(),
                Value::OutOfRange => Interpretation {
                    out_of_range: true,
                    certain: whole,
                    ..Interpretation::unclear()
                },
                Value::One { value, sure } => self.answer(value, sure, yes, no, text, reading),
                Value::None if yes == no => Interpretation::unclear(),
                Value::None => self.polarity(yes, None, text, reading),
            },
        }
    }

    /// One intent other than yes and no.
    fn directive(
        &self,
        intent: Intent,
        when: Option<AskedTime>,
        yes: bool,
        value: &Value,
        text: &[String],
        reading: &Reading,
    ) -> Interpretation {
        let contradicted = yes && matches!(intent, Intent::NotInterested | Intent::NoAnswer)
            || intent == Intent::CallLater && reading.wish_negated;
        if contradicted
            || !matches!(
                value,
                Value::None
                    | Value::One {
                        value: AnswerValue::YesNo(_),
                        ..
                    }
            )
        {
            return Interpretation::unclear();
        }
        let meant = Interpretation {
            when,
            languages: match intent {
                Intent::SwitchLanguage => reading.languages.clone(),
                _ => BTreeSet::new(),
            },
            ..Interpretation::intent(intent, true)
        };
        if reading.leftover.is_empty() {
            return meant;
        }
        // Something else was said as well: only a phrase of some length stands out of it, and never a negated one.
        let negated = (1..text.len()).any(|end| self.negated(&text[..end]));
        if reading.longest_intent >= 3 && !negated {
            Interpretation {
                certain: false,
                ..meant
            }
        } else {
            Interpretation::unclear()
        }
    }

    /// An answer's value, perhaps with yes or no before it ("yes, four"; "no, four" after a wrong guess).
    fn answer(
        &self,
        value: AnswerValue,
        sure: bool,
        yes: bool,
        no: bool,
        text: &[String],
        reading: &Reading,
    ) -> Interpretation {
        if let AnswerValue::YesNo(agreed) = value {
            return self.polarity(agreed, Some(AnswerValue::YesNo(agreed)), text, reading);
        }
        const FEW_WORDS: usize = 6;
        let whole = reading.leftover.is_empty();
        if yes && no
            || denied_afterwards(reading)
            || !whole && (text.len() > FEW_WORDS || self.has_reversal(&reading.leftover))
        {
            return Interpretation::unclear();
        }
        let intent = match (yes, no) {
            (true, _) => Intent::Yes,
            (_, true) => Intent::No,
            _ => Intent::Unclear,
        };
        Interpretation {
            value: Some(value),
            ..Interpretation::intent(intent, whole && sure)
        }
    }

    /// Yes or no. With words left over it must come first, and is uncertain.
    fn polarity(&self, yes: bool, value: Option<AnswerValue>, text: &[String], reading: &Reading) -> Interpretation {
        let intent = if yes { Intent::Yes } else { Intent::No };
        let whole = reading.leftover.is_empty();
        const FEW_WORDS: usize = 12;
        let believable =
            reading.leading_leftover == 0 && text.len() <= FEW_WORDS && !self.has_reversal(&reading.leftover);
        if whole || believable {
            Interpretation {
                value,
                ..Interpretation::intent(intent, whole)
            }
        } else {
            Interpretation::unclear()
        }
    }

    /// The answer that the reading holds.
    fn value(&self, context: &Context<'_>, reading: &Reading, yes: bool, no: bool) -> Value {
        let numbers: BTreeSet<i64> = reading
            .meanings
            .iter()
            .filter_map(|meaning| {
                if let Meaning::Number(number) = meaning {
                    Some(*number)
                } else {
                    None
                }
            })
            .collect();
        let times_said = reading
            .meanings
            .iter()
            .filter(|meaning| matches!(meaning, Meaning::Number(_)))
            .count();
        match context.question {
            None | Some(QuestionKind::FreeText { .. }) => Value::None,
            Some(QuestionKind::YesNo) => match (yes, no) {
                (true, true) => Value::Several,
                (false, false) => Value::None,
                (agreed, _) => Value::One {
                    value: AnswerValue::YesNo(agreed),
                    sure: true,
                },
            },
            Some(QuestionKind::Number { min, max }) => match single(&numbers) {
                // "five five" may be 55 where that is allowed.
                Single::One(number) if (*min..=*max).contains(&number) => Value::One {
                    value: AnswerValue::Number(number),
                    sure: times_said == 1 || *max < 11,
                },
                other => other.out_of_range(),
            },
            Some(QuestionKind::Scale { min, max }) => match single(&numbers) {
                Single::One(number) if (*min..=*max).contains(&number) => Value::One {
                    value: AnswerValue::Scale(number),
                    sure: true,
                },
                other => other.out_of_range(),
            },
            Some(QuestionKind::Choice { options }) => {
                let chosen: BTreeSet<usize> = reading
                    .meanings
                    .iter()
                    .filter_map(|meaning| {
                        if let Meaning::Option(option) = meaning {
                            Some(*option)
                        } else {
                            None
                        }
                    })
                    .collect();
                let (position, sure) = match (single(&chosen), single(&numbers)) {
                    (Single::Several, _) | (_, Single::Several) => return Value::Several,
                    (Single::One(option), _) => (option, true),
                    // "number two": the second option.
                    (_, Single::One(number)) => match usize::try_from(number - 1) {
                        Ok(position) => (position, reading.leftover.is_empty()),
                        Err(_) => return Value::OutOfRange,
                    },
                    (Single::None, Single::None) => return Value::None,
                };
                match options.get(position) {
                    Some(option) => Value::One {
                        value: AnswerValue::Choice(option.key.clone()),
                        sure,
                    },
                    None => Value::OutOfRange,
                }
            }
        }
    }
}

/// "Four no" is no answer; in languages whose negation follows it is a denial.
fn denied_afterwards(reading: &Reading) -> bool {
    let is_value = |meaning: &Meaning| matches!(meaning, Meaning::Number(_) | Meaning::Option(_));
    let first_value = reading.meanings.iter().position(is_value);
    let is_no = |meaning: &Meaning| *meaning == Meaning::Intent(Intent::No, None);
    let last_no = reading.meanings.iter().rposition(is_no);
    first_value.is_some_and(|value| last_no.is_some_and(|no| no > value))
}

/// Free speech; the words themselves are put in as they came.
fn free_text() -> Interpretation {
    Interpretation {
        value: Some(AnswerValue::FreeText(String::new())),
        ..Interpretation::intent(Intent::Unclear, true)
    }
}

#[cfg(test)]
mod hindi_tests;
#[cfg(test)]
mod tests;
