//! Values found in a text: none, one, or too many.

use crate::domain::AnswerValue;
use std::collections::BTreeSet;

/// What a reading holds of an answer.
pub(super) enum Value {
    None,
    One { value: AnswerValue, sure: bool },
    OutOfRange,
    Several,
}

pub(super) enum Single<T> {
    None,
    One(T),
    Several,
}

impl<T> Single<T> {
    pub(super) fn out_of_range(self) -> Value {
        match self {
            Self::None => Value::None,
            Self::One(_) => Value::OutOfRange,
            Self::Several => Value::Several,
        }
    }
}

pub(super) fn single<T: Copy + Ord>(values: &BTreeSet<T>) -> Single<T> {
    match (values.first(), values.len()) {
        (Some(value), 1) => Single::One(*value),
        (None, _) => Single::None,
        _ => Single::Several,
    }
}
