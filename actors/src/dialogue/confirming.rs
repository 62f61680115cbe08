//! Confirming turns: "Did I hear four?" Nothing is taken without a key, a certain correction, or a second hearing that
//! agrees with the first and is nearly certain itself (for consent: certain).

use super::asking::Why;
use super::hearing::{Level, Said};
use super::machine::Dialogue;
use super::state::{Doubt, Pending};
use crate::domain::{AnswerVia, AnsweredBy, Intent};

impl Doubt {
    pub(super) fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Something the caller wants done, and neither consent nor an answer to a question.
    pub(super) fn is_wish(&self) -> bool {
        !matches!(self, Self::Value(_) | Self::Consent)
    }
}

impl Dialogue {
    pub(super) fn said_to_confirm(&mut self, pending: &Pending, said: Said) {
        if said.before_asking {
            self.heard_nothing(said.speech.id);
            return;
        }
        let certain = said.level >= Level::Certain;
        // Consent is not put together from two doubtful hearings (L3).
        let enough = match pending.what {
            Doubt::Consent => certain && said.is_deliberate(),
            // Nor is removal agreed to by a language model's reading alone; the question is put again, with its keys.
            Doubt::Removal if said.by_model => false,
            Doubt::Removal => (certain && said.is_deliberate()) || self.is_second_hearing(&said),
            _ => certain || self.is_second_hearing(&said),
        };
        match said.meant.intent {
            Intent::RemoveMe if pending.what == Doubt::Removal && enough => {
                self.remove(said.utterance);
            }
            // A certain correction needs no further turn: "no, four".
            _ if said.meant.value.is_some() && pending.what.is_value() && !is_plain_polarity(&said) => {
                self.corrected(pending, said);
            }
            Intent::Yes if enough => self.accept(pending, AnswerVia::Speech),
            Intent::Yes if said.by_model && pending.what == Doubt::Removal => self.confirm(Doubt::Removal, said),
            Intent::Yes => self.odd(&said),
            Intent::No => self.ask_again(Why::Denied),
            _ if self.said_anything_else(&said) => {}
            _ => self.odd(&said),
        }
    }

    /// What was in doubt is true.
    pub(super) fn accept(&mut self, pending: &Pending, via: AnswerVia) {
        self.answered_by = AnsweredBy::Person;
        let heard = &pending.heard;
        match &pending.what {
            Doubt::Consent => self.consent_given(heard, via),
            Doubt::Refusal => self.refuse(heard, via, "would rather not take part"),
            Doubt::Removal => self.remove(heard.clone()),
            Doubt::WrongPerson => self.wrong_person(),
            Doubt::Callback(when) => self.call_later(when.clone()),
            Doubt::Value(value) => {
                if let Some((index, _)) = self.open_question() {
                    self.answered(index, value.clone(), heard, via);
                }
            }
        }
    }

    fn corrected(&mut self, pending: &Pending, said: Said) {
        let same = matches!(&pending.what, Doubt::Value(value) if said.meant.value.as_ref() == Some(value));
        let denied = said.meant.intent == Intent::No && same;
        match (self.open_question(), said.meant.value.clone()) {
            (Some((index, _)), Some(value))
                if !denied && (said.level >= Level::Certain || (same && self.is_second_hearing(&said))) =>
            {
                self.answered(index, value, &said.utterance, AnswerVia::Speech);
            }
            _ => self.odd(&said),
        }
    }

    /// Said on purpose, and heard well enough to settle a doubt that there is about something heard before.
    fn is_second_hearing(&self, said: &Said) -> bool {
        said.is_deliberate()
            && said
                .utterance
                .confidence
                .is_some_and(|confidence| confidence >= self.config.second_hearing)
    }
}

/// "Yes" or "no" to a yes/no question is the answer to "did I hear yes?", not another value.
fn is_plain_polarity(said: &Said) -> bool {
    matches!(said.meant.value, Some(crate::domain::AnswerValue::YesNo(_)))
}
