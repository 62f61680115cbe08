//! What can be answered to a question, as the API reads and writes it.

use super::definition::OptionDefinition;
use samvad_actors::domain::{ChoiceOption, QuestionKind};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// Longest free answer in seconds, if nothing else is said.
const HALF_A_MINUTE: u32 = 30;

/// What can be answered.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum AnswerDefinition {
    /// Keys 1 and 2.
    YesNo {},
    /// A whole number, both ends included.
    Number {
        #[schema(minimum = 0)]
        min: i64,
        #[schema(maximum = 999_999)]
        max: i64,
    },
    /// A point on a scale, both ends included.
    Scale {
        #[schema(minimum = 0, maximum = 1)]
        min: i64,
        #[schema(maximum = 10)]
        max: i64,
    },
    /// One of the options; keys 1 to 9 in their order.
    Choice {
        #[schema(min_items = 2, max_items = 9)]
        options: Vec<OptionDefinition>,
    },
    /// Anything.
    FreeText {
        /// Longest answer.
        #[schema(minimum = 5, maximum = 120, default = 30, required = false)]
        max_seconds: u32,
    },
}

/// All fields of all answers. They are read as one, because enums with a tag lose the place of a fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFields {
    #[serde(rename = "type")]
    kind: AnswerType,
    #[serde(default, deserialize_with = "not_null")]
    min: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    max: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    options: Option<Vec<OptionDefinition>>,
    #[serde(default, deserialize_with = "not_null")]
    max_seconds: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerType {
    YesNo,
    Number,
    Scale,
    Choice,
    FreeText,
}

fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for AnswerDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = AnswerFields::deserialize(deserializer)?;
        let AnswerFields {
            kind,
            min,
            max,
            options,
            max_seconds,
        } = fields;
        match (kind, min, max, options, max_seconds) {
            (AnswerType::YesNo, None, None, None, None) => Ok(Self::YesNo {}),
            (AnswerType::Number, Some(min), Some(max), None, None) => Ok(Self::Number { min, max }),
            (AnswerType::Scale, Some(min), Some(max), None, None) => Ok(Self::Scale { min, max }),
            (AnswerType::Choice, None, None, Some(options), None) => Ok(Self::Choice { options }),
            (AnswerType::FreeText, None, None, None, max_seconds) => Ok(Self::FreeText {
                max_seconds: max_seconds.unwrap_or(HALF_A_MINUTE),
            }),
            (kind, ..) => Err(de::Error::custom(format_args!(
                "other fields, expected {}",
                kind.fields()
            ))),
        }
    }
}

impl AnswerType {
    /// What an answer of this type has.
    fn fields(self) -> &'static str {
        match self {
            Self::YesNo => "`type` alone for yes_no",
            Self::Number => "`type`, `min` and `max` for number",
            Self::Scale => "`type`, `min` and `max` for scale",
            Self::Choice => "`type` and `options` for choice",
            Self::FreeText => "`type`, and `max_seconds` or not, for free_text",
        }
    }
}

impl From<AnswerDefinition> for QuestionKind {
    fn from(answer: AnswerDefinition) -> Self {
        match answer {
            AnswerDefinition::YesNo {} => Self::YesNo,
            AnswerDefinition::Number { min, max } => Self::Number { min, max },
            AnswerDefinition::Scale { min, max } => Self::Scale { min, max },
            AnswerDefinition::Choice { options } => Self::Choice {
                options: options.into_iter().map(ChoiceOption::from).collect(),
            },
            AnswerDefinition::FreeText { max_seconds } => Self::FreeText { max_seconds },
        }
    }
}

impl From<QuestionKind> for AnswerDefinition {
    fn from(kind: QuestionKind) -> Self {
        match kind {
            QuestionKind::YesNo => Self::YesNo {},
            QuestionKind::Number { min, max } => Self::Number { min, max },
            QuestionKind::Scale { min, max } => Self::Scale { min, max },
            QuestionKind::Choice { options } => Self::Choice {
                options: options.into_iter().map(OptionDefinition::from).collect(),
            },
            QuestionKind::FreeText { max_seconds } => Self::FreeText { max_seconds },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_has_the_fields_of_its_type_and_no_other() {
        let read = |answer| serde_json::from_value::<AnswerDefinition>(answer);
        assert_eq!(
            read(json!({"type": "yes_no"})).expect("read"),
            AnswerDefinition::YesNo {}
        );
        let free = AnswerDefinition::FreeText { max_seconds: 30 };
        assert_eq!(read(json!({"type": "free_text"})).expect("read"), free);
        for wrong in [
            json!({"type": "yes_no", "min": 1}),
            json!({"type": "number", "min": 1}),
            json!({"type": "scale", "min": 1, "max": 5, "options": []}),
            json!({"type": "choice", "min": 1, "max": 5}),
            json!({"type": "free_text", "max_seconds": null}),
            json!({"type": "free_text", "options": []}),
            json!({"min": 1, "max": 5}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        let error = read(json!({"type": "number", "min": 1}))
            .expect_err("refused")
            .to_string();
        assert!(
            error.ends_with("expected `type`, `min` and `max` for number"),
            "{error}"
        );
    }
}
