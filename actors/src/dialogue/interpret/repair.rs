//! What speakers take back or lead up to: "five, no wait, four" and "I can't give more than two, so two" mean what is
//! said last.

use super::super::lexicon::{Lexicon, Meaning};
use super::super::output::Expectation;
use super::{Context, Interpretation, Reading};
use crate::domain::{AnswerValue, Intent, QuestionKind};

impl Lexicon {
    /// The answer of the last words, where those before them take themselves back or lead up to it; `meant` is the
    /// reading of the whole.
    pub(super) fn repaired(
        &self,
        context: &Context<'_>,
        text: &[String],
        said: &[String],
        meant: &Interpretation,
    ) -> Option<Interpretation> {
        let asked = matches!(
            context.expectation,
            Expectation::Question(_) | Expectation::ConfirmAnswer(_)
        );
        let question = context.question.filter(|_| asked)?;
        if matches!(question, QuestionKind::FreeText { .. }) {
            return None;
        }
        // The last correction counts.
        for at in (1..text.len()).rev() {
            for length in self.corrections.lengths(&text[at..]) {
                let end = at + length;
                if let Some(answer) = self.answer_of(context, &text[end..], &said[end..])
                    && self.is_taken_back(context, (&text[..at], &said[..at]), &answer)
                {
                    return Some(answer);
                }
            }
        }
        if !meant.is_unclear() || meant.out_of_range {
            return None;
        }
        (1..text.len()).rev().find_map(|at| {
            let end = at + self.conclusions.lengths(&text[at..]).first()?;
            self.answer_of(context, &text[end..], &said[end..])
        })
    }

    /// An answer that is all these words say; uncertain, because of those before them.
    fn answer_of(&self, context: &Context<'_>, text: &[String], said: &[String]) -> Option<Interpretation> {
        let (meant, reading) = self.understand(context, text, said);
        let plain = matches!(meant.intent, Intent::Unclear | Intent::Yes | Intent::No);
        let certain = false;
        let answers = plain && meant.value.is_some() && reading.leftover.is_empty();
        answers.then_some(Interpretation { certain, ..meant })
    }

    /// Whether the words before a correction give another answer, which it takes back.
    fn is_taken_back(
        &self,
        context: &Context<'_>,
        (text, said): (&[String], &[String]),
        answer: &Interpretation,
    ) -> bool {
        let (before, reading) = self.understand(context, text, said);
        match &answer.value {
            Some(AnswerValue::YesNo(agreed)) => {
                before.value == Some(AnswerValue::YesNo(!agreed)) && reading.leftover.is_empty()
            }
            _ => reading.meanings.iter().any(is_value),
        }
    }
}

/// "Four no" is no answer; in languages whose negation follows it is a denial.
pub(super) fn denied_afterwards(reading: &Reading) -> bool {
    let first_value = reading.meanings.iter().position(is_value);
    let is_no = |meaning: &Meaning| *meaning == Meaning::Intent(Intent::No, None);
    let last_no = reading.meanings.iter().rposition(is_no);
    first_value.is_some_and(|value| last_no.is_some_and(|no| no > value))
}

fn is_value(meaning: &Meaning) -> bool {
    matches!(
        meaning,
        Meaning::Number(_) | Meaning::Minutes(_) | Meaning::Option(_) | Meaning::Denied
    )
}
