//! What a language model takes an utterance to mean: a closed shape, and the check of it against the open question.

use super::interpret::Interpretation;
use super::lexicon::Lexicon;
use super::prompt::range_of;
use super::words::{find, words};
use crate::domain::{AnswerValue, AskedTime, Intent, QuestionKind};
use crate::ports::AnswerSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Intents a model may give, in the order of the schema.
pub(super) fn offered() -> Vec<Intent> {
    Intent::ALL.into_iter().filter(|intent| is_offered(*intent)).collect()
}

/// Whether a model may give an intent. What a machine says is told by lexicon, carrier and beep alone (L16).
pub(super) fn is_offered(intent: Intent) -> bool {
    !matches!(intent, Intent::Voicemail | Intent::CallScreening)
}

/// A language model's reading of an utterance, as it came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelMeaning {
    /// The intent.
    pub intent: Intent,
    /// An answer to the open question.
    pub value: Option<ModelValue>,
    /// With `call_later`: the caller's words for the time.
    pub callback_words: Option<String>,
    /// The caller wants to know something about the call.
    pub question_about_call: bool,
}

/// A value as a model writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ModelValue {
    /// To a yes/no question.
    YesNo(bool),
    /// To a number or a scale.
    Number(i64),
    /// The key of an option.
    Option(String),
}

impl ModelMeaning {
    /// Reads a model's answer.
    ///
    /// # Errors
    /// What is wrong with its shape, without its words.
    pub fn read(answer: serde_json::Value) -> Result<Self, &'static str> {
        // serde's own message would quote the answer.
        let meaning: Self = serde_json::from_value(answer).map_err(|_| "it is not of the shape that was asked for")?;
        if is_offered(meaning.intent) {
            Ok(meaning)
        } else {
            Err("its intent was not offered")
        }
    }

    /// The shape of an answer about this question; `None` outside the questions.
    pub(super) fn schema(question: Option<&QuestionKind>) -> AnswerSchema {
        let value = match question {
            Some(QuestionKind::YesNo) => json!({ "type": ["boolean", "null"] }),
            Some(QuestionKind::Number { .. } | QuestionKind::Scale { .. }) => json!({ "type": ["integer", "null"] }),
            Some(QuestionKind::Choice { options }) => {
                let keys = options.iter().map(|option| json!(option.key));
                let keys: Vec<_> = keys.chain([serde_json::Value::Null]).collect();
                json!({ "type": ["string", "null"], "enum": keys })
            }
            Some(QuestionKind::FreeText { .. }) | None => json!({ "type": "null" }),
        };
        AnswerSchema {
            name: "meaning".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "intent": { "type": "string", "enum": offered() },
                    "value": value,
                    "callback_words": { "type": ["string", "null"] },
                    "question_about_call": { "type": "boolean" },
                },
                "required": ["intent", "value", "callback_words", "question_about_call"],
                "additionalProperties": false,
            }),
        }
    }

    /// What it means where `question` is open and the caller said `text`; `None` if it cannot be: a value of another
    /// type or an option that does not exist, a contradiction, an intent that was not offered. A number outside the
    /// question's range is out of range. A wish to stop counts whatever stands beside it.
    pub(super) fn check(
        &self,
        question: Option<&QuestionKind>,
        text: &str,
        lexicon: &Lexicon,
    ) -> Option<Interpretation> {
        let meant = Interpretation {
            certain: true,
            ..Interpretation::unclear()
        };
        let intent = match self.intent {
            Intent::Voicemail | Intent::CallScreening => return None,
            Intent::Interested => Intent::Yes,
            intent => intent,
        };
        match (intent, question) {
            (Intent::Yes | Intent::No | Intent::Unclear, Some(question)) => {
                let value = self.answer(intent, question)?;
                let out_of_range = value == Value::OutOfRange;
                let value = if let Value::One(value) = value {
                    Some(value)
                } else {
                    None
                };
                Some(Interpretation {
                    intent,
                    value,
                    out_of_range,
                    ..meant
                })
            }
            (Intent::CallLater, _) => Some(Interpretation {
                intent,
                when: self.callback_time(text, lexicon),
                ..meant
            }),
            (Intent::SwitchLanguage, _) => Some(Interpretation {
                intent,
                languages: lexicon.languages_wanted(&words(text)),
                ..meant
            }),
            _ => Some(Interpretation { intent, ..meant }),
        }
    }

    fn answer(&self, intent: Intent, question: &QuestionKind) -> Option<Value> {
        let polarity = match intent {
            Intent::Yes => Some(true),
            Intent::No => Some(false),
            _ => None,
        };
        let value = match (&self.value, question) {
            (None, QuestionKind::YesNo) => {
                let Some(agreed) = polarity else {
                    return Some(Value::None);
                };
                AnswerValue::YesNo(agreed)
            }
            (None, _) => return Some(Value::None),
            (Some(ModelValue::YesNo(agreed)), QuestionKind::YesNo) if polarity.is_none_or(|said| said == *agreed) => {
                AnswerValue::YesNo(*agreed)
            }
            (Some(ModelValue::Number(number)), QuestionKind::Number { .. } | QuestionKind::Scale { .. }) => {
                let (min, max) = range_of(question)?;
                match question {
                    _ if !(min..=max).contains(number) => return Some(Value::OutOfRange),
                    QuestionKind::Scale { .. } => AnswerValue::Scale(*number),
                    _ => AnswerValue::Number(*number),
                }
            }
            (Some(ModelValue::Option(key)), QuestionKind::Choice { options })
                if options.iter().any(|option| option.key == *key) =>
            {
                AnswerValue::Choice(key.clone())
            }
            _ => return None,
        };
        Some(Value::One(value))
    }

    /// The time, if the caller did say these words: it is kept as said.
    fn callback_time(&self, text: &str, lexicon: &Lexicon) -> Option<AskedTime> {
        let time = words(self.callback_words.as_deref()?);
        find(&words(text), &time)?;
        Some(lexicon.time_of(&time))
    }
}

#[derive(PartialEq)]
enum Value {
    None,
    One(AnswerValue),
    OutOfRange,
}

#[cfg(test)]
mod tests;
