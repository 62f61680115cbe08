//! What speakers take back or lead up to: "five, no wait, four" and "I can't give more than two, so two" mean what is
//! said last.

use super::super::lexicon::Lexicon;
use super::super::output::Expectation;
use super::{Context, Interpretation};
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
                    && let Some(certain) = self.is_taken_back(context, (&text[..at], &said[..at]), &answer)
                {
                    let certain = certain && answer.certain;
                    return Some(Interpretation { certain, ..answer });
                }
            }
        }
        if !meant.is_unclear() || meant.out_of_range {
            return None;
        }
        (1..text.len()).rev().find_map(|at| {
            let end = at + self.conclusions.lengths(&text[at..]).first()?;
            let answer = self.answer_of(context, &text[end..], &said[end..])?;
            Some(Interpretation {
                certain: false,
                ..answer
            })
        })
    }

    /// An answer that is all these words say.
    fn answer_of(&self, context: &Context<'_>, text: &[String], said: &[String]) -> Option<Interpretation> {
        let (meant, reading) = self.understand(context, text, said);
        let plain = matches!(meant.intent, Intent::Unclear | Intent::Yes | Intent::No);
        (plain && meant.value.is_some() && reading.leftover.is_empty()).then_some(meant)
    }

    /// Whether the words before a correction give another answer, which it takes back, and whether that is certain: "no
    /// no yes" is not.
    fn is_taken_back(
        &self,
        context: &Context<'_>,
        (text, said): (&[String], &[String]),
        answer: &Interpretation,
    ) -> Option<bool> {
        let (before, reading) = self.understand(context, text, said);
        match &answer.value {
            Some(AnswerValue::YesNo(agreed)) => {
                let other = AnswerValue::YesNo(!agreed);
                (before.value == Some(other) && reading.leftover.is_empty()).then_some(false)
            }
            _ => {
                let gives_value = before.value.is_some() || before.out_of_range;
                gives_value.then_some(reading.leftover.is_empty())
            }
        }
    }
}
