//! Values found in a text: none, one, or too many.

use super::super::lexicon::Meaning;
use super::{Context, Reading};
use crate::domain::{AnswerValue, Intent, QuestionKind};
use std::collections::BTreeSet;

/// In minutes.
const HOUR: i64 = 60;

/// What a reading holds of an answer.
pub(super) enum Value {
    None,
    One { value: AnswerValue, sure: bool },
    OutOfRange,
    Several,
}

/// The answer that a reading holds, with yes and no as they were said.
pub(super) fn value_of(context: &Context<'_>, reading: &Reading, yes: bool, no: bool) -> Value {
    let minutes_asked = matches!(context.question, Some(QuestionKind::Number { max, .. }) if *max >= HOUR);
    let number = |meaning: &Meaning| match meaning {
        Meaning::Number(number) => Some(*number),
        // Where not even an hour could be answered in minutes, it is another unit that is asked for.
        Meaning::Minutes(minutes) if !minutes_asked && minutes % HOUR == 0 => Some(minutes / HOUR),
        Meaning::Minutes(minutes) => Some(*minutes),
        _ => None,
    };
    let said: Vec<i64> = reading.meanings.iter().filter_map(number).collect();
    let numbers: BTreeSet<i64> = said.iter().copied().collect();
    let is_amount = |meaning: &Meaning| matches!(meaning, Meaning::Minutes(_));
    let plain = !reading.meanings.iter().any(is_amount) || minutes_asked && said.iter().all(|minutes| *minutes < HOUR);
    match context.question {
        None | Some(QuestionKind::FreeText { .. }) => Value::None,
        Some(QuestionKind::YesNo) => match (yes, no) {
            (true, true) => Value::Several,
            (false, false) => Value::None,
            (agreed, _) => Value::One {
                value: AnswerValue::YesNo(agreed),
                sure: true,
            },
        },
        Some(QuestionKind::Number { min, max }) => match single(&numbers) {
            // "five five" may be 55 where that is allowed.
            Single::One(number) if (*min..=*max).contains(&number) => Value::One {
                value: AnswerValue::Number(number),
                sure: plain && (said.len() == 1 || *max < 11),
            },
            other => other.out_of_range(),
        },
        Some(QuestionKind::Scale { min, max }) => match single(&numbers) {
            Single::One(number) if (*min..=*max).contains(&number) => Value::One {
                value: AnswerValue::Scale(number),
                sure: true,
            },
            other => other.out_of_range(),
        },
        Some(QuestionKind::Choice { options }) => {
            let chosen: BTreeSet<usize> = reading
                .meanings
                .iter()
                .filter_map(|meaning| {
                    if let Meaning::Option(option) = meaning {
                        Some(*option)
                    } else {
                        None
                    }
                })
                .collect();
            let (position, sure) = match (single(&chosen), single(&numbers)) {
                (Single::Several, _) | (_, Single::Several) => return Value::Several,
                (Single::One(option), _) => (option, true),
                // "number two": the second option.
                (_, Single::One(number)) => match usize::try_from(number - 1) {
                    Ok(position) => (position, reading.leftover.is_empty()),
                    Err(_) => return Value::OutOfRange,
                },
                (Single::None, Single::None) => return Value::None,
            };
            match options.get(position) {
                Some(option) => Value::One {
                    value: AnswerValue::Choice(option.key.clone()),
                    sure,
                },
                None => Value::OutOfRange,
            }
        }
    }
}

enum Single<T> {
    None,
    One(T),
    Several,
}

impl<T> Single<T> {
    fn out_of_range(self) -> Value {
        match self {
            Self::None => Value::None,
            Self::One(_) => Value::OutOfRange,
            Self::Several => Value::Several,
        }
    }
}

fn single<T: Copy + Ord>(values: &BTreeSet<T>) -> Single<T> {
    match (values.first(), values.len()) {
        (Some(value), 1) => Single::One(*value),
        (None, _) => Single::None,
        _ => Single::Several,
    }
}

pub(super) fn is_yes_no(value: &Value) -> bool {
    matches!(
        value,
        Value::One {
            value: AnswerValue::YesNo(_),
            ..
        }
    )
}

/// Yes or no, of whatever kind.
pub(super) fn is_polarity(intent: Intent) -> bool {
    matches!(intent, Intent::Yes | Intent::No | Intent::Interested)
}

/// Whether a word for it may stand in the reason for an answer ("no, they made me wait").
pub(super) fn may_be_said_of_it(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::HoldOn | Intent::Repeat | Intent::WhoIsThis | Intent::CallLater | Intent::NoAnswer
    )
}
