//! Results for people (a table) and for programs (CSV).

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use samvad_actors::domain::{AnswerValue, Outcome, QUESTION_COUNT};
use samvad_actors::ports::ResultRow;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// An outcome in words.
pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Partial => "partial",
        Outcome::Refused => "refused",
        Outcome::Callback => "callback",
        Outcome::WrongPerson => "wrong person",
        Outcome::Voicemail => "voicemail",
        Outcome::Abandoned => "abandoned",
        Outcome::Failed => "failed",
    }
}

/// An answer in words.
pub(super) fn answer_text(answer: &AnswerValue) -> String {
    match answer {
        AnswerValue::YesNo(true) => "yes".to_owned(),
        AnswerValue::YesNo(false) => "no".to_owned(),
        AnswerValue::Number(value) | AnswerValue::Scale(value) => value.to_string(),
        AnswerValue::Choice(key) => key.clone(),
        AnswerValue::FreeText(text) => format!("\"{text}\""),
        AnswerValue::NotAnswered => "(not answered)".to_owned(),
    }
}

/// The results as a table; numbers masked.
pub(super) fn results_table(rows: &[ResultRow]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "respondent",
        "number",
        "carrier",
        "outcome",
        "AAPOR",
        "Q1",
        "Q2",
        "Q3",
        "callback",
        "do-not-call",
    ]);
    for row in rows {
        let attempt = row.attempt.as_ref();
        let mut cells = vec![
            row.contact.external_id.clone().unwrap_or_default(),
            row.contact.number.to_string(),
            attempt
                .and_then(|attempt| attempt.carrier_status)
                .map_or("", |status| status.as_str())
                .to_owned(),
            attempt
                .and_then(|attempt| attempt.outcome)
                .map_or("not called", outcome_word)
                .to_owned(),
            attempt
                .and_then(|attempt| attempt.disposition)
                .map_or("", |code| code.code())
                .to_owned(),
        ];
        cells.extend(answers(row).map(|answer| answer.map(answer_text).unwrap_or_default()));
        cells.push(row.callback_request.clone().unwrap_or_default());
        cells.push(if row.do_not_call { "yes" } else { "" }.to_owned());
        table.add_row(cells);
    }
    table.to_string()
}

/// Writes the results as CSV (0600), one row per contact. Every text that a spreadsheet might take for a formula is
/// prefixed with an apostrophe, except telephone numbers, which re-import as they are.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write_csv(path: &Path, rows: &[ResultRow]) -> anyhow::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write_csv_to(file, rows)
}

fn write_csv_to(out: impl std::io::Write, rows: &[ResultRow]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "contact_id",
        "external_contact_id",
        "phone_number",
        "carrier_status",
        "outcome",
        "disposition",
        "attempt_count",
        "answer_1",
        "answer_2",
        "answer_3",
        "callback_request",
        "do_not_call",
    ])?;
    for row in rows {
        let attempt = row.attempt.as_ref();
        let mut record = vec![
            row.contact.id.as_str().to_owned(),
            harmless(row.contact.external_id.as_deref().unwrap_or_default()),
            row.contact.number.expose().to_owned(),
            attempt
                .and_then(|attempt| attempt.carrier_status)
                .map_or("", |status| status.as_str())
                .to_owned(),
            attempt
                .and_then(|attempt| attempt.outcome)
                .map_or("", outcome_word)
                .to_owned(),
            attempt
                .and_then(|attempt| attempt.disposition)
                .map_or("", |code| code.code())
                .to_owned(),
            row.contact.attempts.to_string(),
        ];
        record.extend(answers(row).map(|answer| match answer {
            None | Some(AnswerValue::NotAnswered) => String::new(),
            Some(AnswerValue::FreeText(text)) => harmless(text),
            Some(answer @ (AnswerValue::Number(_) | AnswerValue::Scale(_))) => answer_text(answer),
            Some(answer) => harmless(&answer_text(answer)),
        }));
        record.push(harmless(row.callback_request.as_deref().unwrap_or_default()));
        record.push(row.do_not_call.to_string());
        csv.write_record(record)?;
    }
    csv.flush()?;
    Ok(())
}

fn answers(row: &ResultRow) -> impl Iterator<Item = Option<&AnswerValue>> {
    (0..QUESTION_COUNT).map(|question| row.answers.iter().find(|a| a.question == question).map(|a| &a.value))
}

fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::{Answer, AnswerVia, PhoneNumber};
    use samvad_actors::ports::Contact;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_made_harmless_and_a_number_is_not() {
        let row = ResultRow {
            contact: Contact {
                id: "c1".into(),
                campaign: "k".into(),
                number: PhoneNumber::parse("+14155550123").expect("number"),
                external_id: Some("=HYPERLINK(\"x\")".to_owned()),
                attempts: 1,
            },
            attempt: None,
            consent: None,
            answers: vec![Answer {
                question: 1,
                value: AnswerValue::Number(-3),
                via: AnswerVia::Keys,
                heard: None,
                confidence: None,
                uncertain: false,
                times_asked: 1,
            }],
            callback_request: Some("@six".to_owned()),
            do_not_call: false,
        };
        let mut out = Vec::new();
        write_csv_to(&mut out, &[row]).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("'=HYPERLINK"));
        assert!(text.contains(",+14155550123,"));
        assert!(text.contains(",,-3,,'@six,false"));
    }
}
