//! What a scenario expects against what the server's results say.

use samvad_actors::domain::AnswerValue;
use samvad_actors::ports::ResultRow;
use samvad_simulator::{ExpectedAnswer, Respondent};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that differs, in words; numbers are left out.
pub(super) fn differences(respondents: &[Respondent], rows: &[ResultRow], network: Option<&Value>) -> Vec<String> {
    let by_number: BTreeMap<&str, &ResultRow> = rows.iter().map(|row| (row.contact.number.expose(), row)).collect();
    let mut differences = Vec::new();
    for respondent in respondents {
        match by_number.get(respondent.number.as_str()) {
            Some(row) => compare(respondent, row, &mut differences),
            None => differences.push(format!("{}: is not in the results", respondent.caller)),
        }
    }
    for kind in ["violations", "failures"] {
        let words = network
            .and_then(|network| network[kind].as_array())
            .into_iter()
            .flatten();
        differences.extend(
            words
                .filter_map(Value::as_str)
                .map(|word| format!("on the line: {word}")),
        );
    }
    differences
}

fn compare(respondent: &Respondent, row: &ResultRow, differences: &mut Vec<String>) {
    let expected = &respondent.expectations;
    let mut differ = |what: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!("{}: {what} is {found}, expected {expected}", respondent.caller));
        }
    };
    let attempt = row.attempt.as_ref();
    if let Some(outcome) = &expected.outcome {
        differ(
            "the outcome",
            outcome.clone(),
            name_of(&attempt.and_then(|attempt| attempt.outcome)),
        );
    }
    if let Some(disposition) = &expected.disposition {
        let found = attempt
            .and_then(|attempt| attempt.disposition)
            .map_or("none", |code| code.code());
        differ("the disposition", disposition.clone(), found.to_owned());
    }
    if let Some(answered_by) = &expected.answered_by {
        differ(
            "who answered",
            answered_by.clone(),
            name_of(&attempt.and_then(|attempt| attempt.answered_by)),
        );
    }
    if let Some(do_not_call) = expected.do_not_call {
        differ("do-not-call", do_not_call.to_string(), row.do_not_call.to_string());
    }
    let Some(answers) = &expected.answers else { return };
    if answers.is_empty() {
        differ("the number of answers", "0".to_owned(), row.answers.len().to_string());
    }
    for (question, answer) in answers.iter().enumerate() {
        let found = row
            .answers
            .iter()
            .find(|found| found.question == question)
            .map(|found| &found.value);
        differ(
            &format!("answer {}", question + 1),
            expected_text(answer),
            found_text(found),
        );
    }
}

/// A unit variant's name as it is written in files; `none` for nothing.
fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => "none".to_owned(),
    }
}

fn expected_text(answer: &ExpectedAnswer) -> String {
    match answer {
        ExpectedAnswer::YesNo(yes) => yes.to_string(),
        ExpectedAnswer::Number(number) => number.to_string(),
        ExpectedAnswer::Text(text) => text.clone(),
        ExpectedAnswer::NotAnswered => "none".to_owned(),
    }
}

fn found_text(answer: Option<&AnswerValue>) -> String {
    match answer {
        Some(AnswerValue::YesNo(yes)) => yes.to_string(),
        Some(AnswerValue::Number(number) | AnswerValue::Scale(number)) => number.to_string(),
        Some(AnswerValue::Choice(text) | AnswerValue::FreeText(text)) => text.clone(),
        Some(AnswerValue::NotAnswered) | None => "none".to_owned(),
    }
}
