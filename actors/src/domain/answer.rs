//! Typed answers.

use serde::{Deserialize, Serialize};

/// The value of an answer, by the question's type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum AnswerValue {
    /// To a yes/no question.
    YesNo(bool),
    /// To a number question, within the question's range.
    Number(i64),
    /// To a scale question, within the question's range.
    Scale(i64),
    /// To a choice question: the `key` of the chosen option.
    Choice(String),
    /// To a free-text question: what was recognised, word for word.
    FreeText(String),
    /// Asked, and not answered within the allowed re-prompts, or skipped by the respondent.
    NotAnswered,
}

/// How an answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerVia {
    /// Spoken and recognised.
    Speech,
    /// Keyed (DTMF).
    Keys,
    /// It did not come.
    None,
}

/// One answer of one call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Which question: 0, 1 or 2.
    pub question: usize,
    /// The value.
    pub value: AnswerValue,
    /// How it came.
    pub via: AnswerVia,
    /// What the recogniser heard, or the keys pressed; `None` if nothing came.
    pub heard: Option<String>,
    /// The recogniser's confidence, 0 to 1; `None` for keys.
    pub confidence: Option<f32>,
    /// True if the value is kept but not to be relied on (free text from the embedded recogniser).
    pub uncertain: bool,
    /// How many times the question was asked, the first included.
    pub times_asked: u8,
}
