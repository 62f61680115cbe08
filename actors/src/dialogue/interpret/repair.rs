//! What speakers take back or lead up to: "five, no wait, four" and "I can't give more than two, so two" mean what is
//! said last.

use super::super::lexicon::{Lexicon, Meaning, Phrasebook};
use super::super::output::Expectation;
use super::{Context, Interpretation, Reading};
use crate::domain::{AnswerValue, Intent, QuestionKind};

/// How many corrections or conclusions of a text are looked at.
const MOST_PLACES: usize = 8;

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
        let corrected = last_places(&self.corrections, text).find_map(|(at, end)| {
            let answer = self.answer_of(context, &text[end..], &said[end..])?;
            let taken_back = self.is_taken_back(context, (&text[..at], &said[..at]), &answer);
            taken_back.then_some(answer)
        });
        if corrected.is_some() || !meant.is_unclear() || meant.out_of_range {
            return corrected;
        }
        last_places(&self.conclusions, text).find_map(|(_, end)| self.answer_of(context, &text[end..], &said[end..]))
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

/// Where these phrases stand after the first word, with where each ends, from the end of the text. Only the last few:
/// each is read with all that stands around it, and a recogniser may make a hundred times "no" of noise.
fn last_places<'a>(phrases: &'a Phrasebook<()>, text: &'a [String]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let places = (1..text.len()).rev().flat_map(move |at| {
        let lengths = phrases.lengths(&text[at..]).into_iter();
        lengths.map(move |length| (at, at + length))
    });
    places.take(MOST_PLACES)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::LanguagePack;
    use crate::domain::Language;

    #[test]
    fn of_a_word_that_is_heard_a_hundred_times_only_the_last_few_places_are_looked_at() {
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        let text = vec!["no".to_owned(); 100];
        let places: Vec<(usize, usize)> = last_places(&pack.lexicon().corrections, &text).collect();
        assert_eq!(places.len(), MOST_PLACES);
        assert_eq!(places.first(), Some(&(99, 100)));
    }
}
