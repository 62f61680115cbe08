//! Results for people (a table) and for programs (CSV).

use crate::config::private_files;
pub(super) use crate::contact_files::harmless;
use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use samvad_actors::domain::{AnswerValue, AnsweredBy, Outcome, QUESTION_COUNT};
use samvad_actors::ports::{NextCall, ResultRow};
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

/// Who took the call in words, where the outcome does not say it: people and voicemails are the rule.
fn remarkable(answered_by: AnsweredBy) -> Option<&'static str> {
    match answered_by {
        AnsweredBy::Person | AnsweredBy::Voicemail => None,
        AnsweredBy::CallScreening => Some("call screening"),
        AnsweredBy::Fax => Some("fax"),
        AnsweredBy::Unknown => Some("unknown who answered"),
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

/// The results as a table for 80 columns and more, without numbers; no wider than the terminal if there is one.
pub(super) fn results_table(rows: &[ResultRow]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["RESPONDENT", "CARRIER", "OUTCOME", "AAPOR", "ANSWERS", "NOTE"]);
    for row in rows {
        table.add_row([
            row.contact
                .external_id
                .as_deref()
                .unwrap_or(row.contact.id.as_str())
                .to_owned(),
            row.attempt
                .as_ref()
                .and_then(|attempt| attempt.carrier_status)
                .map_or("", |status| status.as_str())
                .to_owned(),
            row.attempt
                .as_ref()
                .and_then(|attempt| attempt.outcome)
                .map_or("not called", outcome_word)
                .to_owned(),
            row.attempt
                .as_ref()
                .and_then(|attempt| attempt.disposition)
                .map_or("", |code| code.code())
                .to_owned(),
            answers_cell(row),
            note(row),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.trim_fmt()
}

/// The answers in the order of the questions, `-` for one not given; nothing where none was.
fn answers_cell(row: &ResultRow) -> String {
    if row.answers.is_empty() {
        return String::new();
    }
    let cells: Vec<String> = answers(row)
        .map(|answer| match answer {
            None | Some(AnswerValue::NotAnswered) => "-".to_owned(),
            Some(answer) => answer_text(answer),
        })
        .collect();
    cells.join(", ")
}

fn note(row: &ResultRow) -> String {
    let opted_out = row.do_not_call.then(|| "opted out".to_owned());
    let asked = row.callback_request.as_ref().map(|words| match &row.next_call {
        // On lines of its own, so that the column stays narrow.
        Some(next) => format!("{words}:\n{}", local(next).strftime("%Y-%m-%d\n%H:%M %Z")),
        None => words.clone(),
    });
    let answered_by = row.attempt.as_ref().and_then(|attempt| attempt.answered_by);
    let who = answered_by.and_then(remarkable).map(str::to_owned);
    [opted_out, who, asked]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// On the person's own clock; on that of UTC if theirs is not known.
fn local(next: &NextCall) -> Zoned {
    let zone = TimeZone::get(&next.zone).unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(next.not_before_ms)
        .unwrap_or(Timestamp::MAX)
        .to_zoned(zone)
}

/// Writes the results as CSV, one row per contact, times in local time with offset and zone (RFC 9557): whole or not at all, 0600, in place of a file that is there; a
/// device or pipe is written to as it is. Every text that a spreadsheet might take for a formula is prefixed with an
/// apostrophe, except telephone numbers, which re-import as they are.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write_csv(path: &Path, rows: &[ResultRow]) -> anyhow::Result<()> {
    let mut csv = Vec::new();
    write_csv_to(&mut csv, rows)?;
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, csv).with_context(|| format!("cannot write {}", path.display()));
    }
    Ok(private_files::replace(path, &csv)?)
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
        "next_call_at",
        "do_not_call",
        "language",
        "answered_by",
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
        record.push(
            row.next_call
                .as_ref()
                .map_or_else(String::new, |next| local(next).to_string()),
        );
        record.push(row.do_not_call.to_string());
        record.push(
            row.language
                .as_ref()
                .map_or_else(String::new, |language| language.0.clone()),
        );
        record.push(
            attempt
                .and_then(|attempt| attempt.answered_by)
                .map_or("", AnsweredBy::as_str)
                .to_owned(),
        );
        csv.write_record(record)?;
    }
    csv.flush()?;
    Ok(())
}

fn answers(row: &ResultRow) -> impl Iterator<Item = Option<&AnswerValue>> {
    (0..QUESTION_COUNT).map(|question| row.answers.iter().find(|a| a.question == question).map(|a| &a.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::{Answer, AnswerVia, AttemptState, Language, Mode, PhoneNumber};
    use samvad_actors::ports::{AttemptRow, Contact};

    fn row(name: &str, answers: &[(usize, AnswerValue)]) -> ResultRow {
        ResultRow {
            contact: Contact {
                id: "c1".into(),
                campaign: "k".into(),
                number: PhoneNumber::parse("+14155550123").expect("number"),
                external_id: Some(name.to_owned()),
                attempts: 1,
            },
            attempt: None,
            consent: None,
            answers: answers
                .iter()
                .map(|(question, value)| Answer {
                    question: *question,
                    value: value.clone(),
                    via: AnswerVia::Keys,
                    heard: None,
                    confidence: None,
                    uncertain: false,
                    times_asked: 1,
                })
                .collect(),
            language: Some(Language("hi".to_owned())),
            callback_request: None,
            next_call: None,
            do_not_call: false,
        }
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_made_harmless_and_a_number_is_not() {
        let row = ResultRow {
            callback_request: Some("@six".to_owned()),
            ..row("=HYPERLINK(\"x\")", &[(1, AnswerValue::Number(-3))])
        };
        let mut out = Vec::new();
        write_csv_to(&mut out, &[row]).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("'=HYPERLINK"));
        assert!(text.contains(",+14155550123,"));
        assert!(text.contains(",,-3,,'@six,,false,hi"));
    }

    fn called(answered_by: AnsweredBy) -> AttemptRow {
        AttemptRow {
            id: "a1".into(),
            campaign: "k".into(),
            contact: "c1".into(),
            number: 1,
            mode: Mode::Live,
            state: AttemptState::Ended,
            call_sid: None,
            carrier_status: None,
            outcome: Some(Outcome::Abandoned),
            disposition: None,
            answered_by: Some(answered_by),
            created_at_ms: 0,
            ended_at_ms: Some(0),
        }
    }

    #[test]
    fn who_took_a_call_is_a_word_in_the_file_and_a_note_in_the_table_where_it_is_no_matter_of_course() {
        for (answered_by, word, noted) in [
            (AnsweredBy::Person, "person", None),
            (AnsweredBy::Voicemail, "voicemail", None),
            (AnsweredBy::CallScreening, "call_screening", Some("call screening")),
            (AnsweredBy::Fax, "fax", Some("fax")),
            (AnsweredBy::Unknown, "unknown", Some("unknown who answered")),
        ] {
            let row = ResultRow {
                attempt: Some(called(answered_by)),
                ..row("Asha", &[])
            };
            let mut out = Vec::new();
            write_csv_to(&mut out, std::slice::from_ref(&row)).expect("written");
            let text = String::from_utf8(out).expect("text");
            assert!(text.ends_with(&format!(",hi,{word}\n")), "{text}");
            let table = results_table(&[row]);
            let line = table.lines().last().expect("a row").trim_end();
            assert!(line.ends_with(noted.unwrap_or("abandoned")), "{line}");
        }
    }

    #[test]
    fn a_callback_is_shown_as_it_was_asked_for_and_when_it_will_be_made_on_the_persons_clock() {
        let called = AttemptRow {
            outcome: Some(Outcome::Callback),
            ..called(AnsweredBy::Person)
        };
        let row = ResultRow {
            attempt: Some(called),
            callback_request: Some("after six".to_owned()),
            next_call: Some(NextCall {
                not_before_ms: 1_795_437_000_000,
                zone: "Asia/Kolkata".to_owned(),
            }),
            ..row("Asha", &[])
        };
        let mut out = Vec::new();
        write_csv_to(&mut out, std::slice::from_ref(&row)).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains(",after six,2026-11-23T18:00:00+05:30[Asia/Kolkata],false"),
            "{text}"
        );
        let table = results_table(&[row]);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        for part in ["after six:", "2026-11-23", "18:00 IST"] {
            assert!(table.contains(part), "{part} in\n{table}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_replaced_by_one_that_they_cannot() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("results.csv");
        std::fs::write(&path, "older").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("opened");
        write_csv(&path, &[row("Asha", &[])]).expect("written");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(std::fs::read_to_string(&path).expect("read").contains("Asha"));
        write_csv(Path::new("/dev/null"), &[]).expect("a device");
    }

    #[test]
    fn the_table_fits_eighty_columns_and_shows_no_number() {
        let answers = [
            (0, AnswerValue::Scale(3)),
            (1, AnswerValue::NotAnswered),
            (2, AnswerValue::Choice("afternoon".to_owned())),
        ];
        let table = results_table(&[
            ResultRow {
                do_not_call: true,
                ..row("wrong answers, then keys", &answers)
            },
            row("nobody", &[]),
        ]);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(
            table.contains("3, -, afternoon") && table.contains("opted out"),
            "{table}"
        );
        assert!(!table.contains("415"), "{table}");
    }
}
