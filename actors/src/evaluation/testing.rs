//! Labelled utterances for the tests.

use super::{Expected, Utterance};
use crate::dialogue::Expectation;
use crate::domain::{Intent, Language, QuestionKind};

/// An intent and nothing with it.
pub(super) fn intent(intent: Intent) -> Expected {
    Expected::Intent {
        intent,
        value: None,
        time: None,
    }
}

/// English words, said to a question or, without one, to the request for consent.
pub(super) fn said(text: &str, question: Option<QuestionKind>, expected: Expected) -> Utterance {
    Utterance {
        row: 2,
        label: "en".to_owned(),
        language: Language::default(),
        expectation: question
            .as_ref()
            .map_or(Expectation::Consent, |_| Expectation::Question(0)),
        question,
        text: text.to_owned(),
        expected,
    }
}
