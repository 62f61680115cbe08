//! What recognised words mean at one point of a survey.
//!
//! The text is cut into stretches that the lexicon, the numbers and the options of the question know, with as few
//! words left over as can be. A text that is covered whole is certain; words left over make it uncertain or
//! unclear, so that no intent comes from one word buried in a long sentence. Plain opt-outs count wherever they
//! stand.

mod repair;
mod value;

use self::repair::denied_afterwards;
use self::value::{Value, is_polarity, is_yes_no, may_be_said_of_it, value_of};
use super::lexicon::{Lexicon, Meaning};
use super::output::Expectation;
use super::time_words::Side;
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
    /// A person speaks for somebody else ("he is not available").
    pub bystander: bool,
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
            bystander: false,
        }
    }

    fn intent(intent: Intent, certain: bool) -> Self {
        Self {
            intent,
            certain,
            ..Self::unclear()
        }
    }

    /// Whether a model may make more of it: not of what is certain or ends a wait; and an opt-out or a refusal, if
    /// doubtful, is left to the confirming turn.
    pub fn is_open(&self) -> bool {
        !self.certain && !self.resume && !matches!(self.intent, Intent::RemoveMe | Intent::NotInterested)
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

/// Words that a request has to have to stand out of others.
const STANDING_OUT: usize = 3;

/// A text cut into stretches.
#[derive(Default)]
struct Reading {
    /// Meanings in their order, fillers left out.
    meanings: Vec<Meaning>,
    /// Words that no stretch covers.
    leftover: Vec<String>,
    /// Where the first stretch with a meaning begins, leftover words counted.
    leading_leftover: usize,
    /// Longest stretch of an intent other than yes and no, in words.
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
        let said = self.said(verbatim);
        let text = self.heard(&said);
        if text.is_empty() {
            return Interpretation::unclear();
        }
        if self.anywhere(&text, Intent::RemoveMe) {
            return Interpretation::intent(Intent::RemoveMe, true);
        }
        // Who speaks for somebody else says much that a machine says (L16).
        let (besides, bystander) = self.without_bystanders(&text);
        for machines in [Intent::CallScreening, Intent::Voicemail] {
            if besides.iter().any(|text| self.anywhere(text, machines)) {
                return Interpretation::intent(machines, true);
            }
        }
        let (meant, reading) = self.understand(context, &text, &said);
        let repaired = self.repaired(context, &text, &said, &meant);
        let mut meant = repaired.unwrap_or(meant);
        meant.acknowledgement = self.is_acknowledgement(&text);
        if bystander && meant.intent == Intent::Voicemail {
            meant = Interpretation::unclear();
        }
        meant.bystander = bystander;
        meant.resume = reading.meanings.contains(&Meaning::Resume);
        if meant.resume && meant.is_unclear() && context.expectation == Expectation::Resume {
            // "I'm back now": that is what was waited for.
            (meant.intent, meant.certain) = (Intent::Yes, reading.leftover.is_empty());
        }
        if let Some(AnswerValue::FreeText(kept)) = &mut meant.value {
            verbatim.trim().clone_into(kept);
        }
        meant
    }
}

impl Lexicon {
    fn understand(&self, context: &Context<'_>, text: &[String], said: &[String]) -> (Interpretation, Reading) {
        let reading = self.read(context, text, said);
        (self.decide(context, text, &reading), reading)
    }

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
                        if matches!(meaning, Meaning::Intent(intent, _) if !is_polarity(*intent)) {
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
        let value = self.answer_at(context, options, text);
        if let Some((_, length)) = &value
            && let Some(denial) = self.denial(Side::After, &text[*length..])
        {
            found.push((Meaning::Denied, length + denial));
        }
        if let Some(denial) = self.denial(Side::Before, text)
            && let Some((_, length)) = self.answer_at(context, options, &text[denial..])
        {
            found.push((Meaning::Denied, denial + length));
        }
        if let (Some(QuestionKind::Scale { .. }), Expectation::Question(_)) = (context.question, context.expectation) {
            found.extend(self.number_with_degree(text));
        }
        found.extend(value);
        if let Some(QuestionKind::YesNo | QuestionKind::Scale { .. }) = context.question {
            found.extend(self.idle_time(text).map(|length| (Meaning::Filler, length)));
        }
        let bare_times = matches!(
            context.expectation,
            Expectation::Consent | Expectation::Confirm | Expectation::Resume
        );
        found.extend(self.at(text, said, bare_times));
        found
    }

    /// The value at the start of the text, if the question asks for one that is not yes or no.
    fn answer_at(
        &self,
        context: &Context<'_>,
        options: &[(Vec<String>, usize)],
        text: &[String],
    ) -> Option<(Meaning, usize)> {
        let (amounts, count) = match context.question? {
            QuestionKind::YesNo | QuestionKind::FreeText { .. } => return None,
            QuestionKind::Number { .. } => (true, 0),
            QuestionKind::Scale { .. } => (false, 0),
            QuestionKind::Choice { options } => (false, options.len()),
        };
        let option = options.iter().filter(|(phrase, _)| text.starts_with(phrase));
        let option = option.map(|(phrase, option)| (Meaning::Option(*option), phrase.len()));
        let value = self.value_at(text, amounts, count);
        option.chain(value).max_by_key(|(_, length)| *length)
    }

    /// What each option may be called, with its position.
    fn option_phrases(&self, question: Option<&QuestionKind>) -> Vec<(Vec<String>, usize)> {
        let Some(QuestionKind::Choice { options }) = question else {
            return Vec::new();
        };
        let forms = options.iter().enumerate().flat_map(|(position, option)| {
            let forms = option.spoken_forms().into_iter();
            forms.map(move |form| (self.heard(&self.said(&form)), position))
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
        let value = value_of(context, reading, yes, no);
        let mut waited = false;
        if intents.len() > 1 || !matches!(value, Value::None) {
            // "Sorry, four", "sorry, who is this": the word for "say that again" is often mere politeness.
            intents.remove(&Intent::Repeat);
        }
        if intents.len() > 1 || matches!(value, Value::One { .. }) && !is_yes_no(&value) && !intents.is_empty() {
            // "Wait, who is this", "let me think, three".
            waited = intents.remove(&Intent::HoldOn);
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
        let stands_out = reading.longest_intent >= STANDING_OUT;
        let mut others = intents.into_iter();
        match (others.next(), others.next()) {
            (Some(intent), None) if is_yes_no(&value) && may_be_said_of_it(intent) && !whole && !stands_out => {
                // "No, they made me wait": a word that would mean something by itself stands in a reason.
                self.polarity(yes, Some(AnswerValue::YesNo(yes)), text, reading)
            }
            (Some(intent), None) => self.directive(intent, when, yes, &value, text, reading),
            (Some(_), Some(_)) => Interpretation::unclear(),
            (None, _) => match value {
                Value::Several => Interpretation::unclear(),
                Value::OutOfRange => Interpretation {
                    out_of_range: true,
                    certain: whole,
                    ..Interpretation::unclear()
                },
                Value::One { value, sure } => self.answer(value, sure && !waited, yes, no, text, reading),
                Value::None if reading.meanings.contains(&Meaning::Denied) => {
                    let denied = matches!(context.expectation, Expectation::ConfirmAnswer(_)) && !yes;
                    if denied && whole {
                        Interpretation::intent(Intent::No, true)
                    } else {
                        Interpretation::unclear()
                    }
                }
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
        // "Wait, somebody is at the door"; "two minutes late" asks for nothing.
        let leads = reading.leading_leftover == 0 && intent == Intent::HoldOn && !self.begins_with_an_amount(text);
        let contradicted = yes && matches!(intent, Intent::NotInterested | Intent::NoAnswer)
            || intent == Intent::CallLater && reading.wish_negated;
        if contradicted || !(matches!(value, Value::None) || is_yes_no(value)) {
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
        if (leads || reading.longest_intent >= STANDING_OUT) && !negated {
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
mod long_tests;
#[cfg(test)]
mod short_tests;
#[cfg(test)]
mod tests;
