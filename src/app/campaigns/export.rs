//! The export of a campaign: finished contacts as CSV, page by page. Safe in a spreadsheet, and a file that can be
//! imported again: telephone numbers stay as they are. Names and e-mail addresses are not in it: results are read by more
//! people than contacts are.

use super::lifecycle::entry;
use super::{CampaignError, Campaigns};
use crate::contact_files::harmless;
use jiff::Timestamp;
use samvad_actors::domain::{AnswerValue, CampaignId, ChangedBy};
use samvad_actors::ports::{AuditStore, ExportQuery, ExportRow, ExportStamp, StatisticsStore};
use serde_json::json;
use std::io::{self, Write};

/// Rows of one page.
pub const EXPORT_PAGE: u32 = 1_000;

/// The columns, in their order.
pub const EXPORT_COLUMNS: [&str; 13] = [
    "campaign_id",
    "contact_id",
    "external_contact_id",
    "phone_number",
    "outcome",
    "disposition",
    "mode",
    "attempt_count",
    "last_attempt_at",
    "ended_at",
    "answer_1",
    "answer_2",
    "answer_3",
];

/// Writes the line that names the columns.
///
/// # Errors
/// If it cannot be written.
pub fn write_header(out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(EXPORT_COLUMNS).map_err(io::Error::other)?;
    csv.flush()
}

/// Writes a page, a line for each contact; times as RFC 3339 in UTC. Every text that a spreadsheet might take for a
/// formula has an apostrophe before it, except telephone numbers.
///
/// # Errors
/// If they cannot be written.
pub fn write_rows(out: impl Write, rows: &[ExportRow]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    for row in rows {
        let mut record = vec![
            harmless(row.campaign.as_str()),
            harmless(row.contact.as_str()),
            harmless(row.external_id.as_deref().unwrap_or_default()),
            row.number.expose().to_owned(),
            row.state.as_str().to_owned(),
            row.disposition.map_or("", |code| code.code()).to_owned(),
            row.mode.as_str().to_owned(),
            row.attempts.to_string(),
            time(row.last_attempt_at_ms),
            time(row.ended_at_ms),
        ];
        record.extend(row.answers.iter().map(answer));
        csv.write_record(record).map_err(io::Error::other)?;
    }
    csv.flush()
}

fn answer(answer: &Option<AnswerValue>) -> String {
    match answer {
        None | Some(AnswerValue::NotAnswered) => String::new(),
        Some(AnswerValue::YesNo(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        // A number is no formula, its minus sign included.
        Some(AnswerValue::Number(number) | AnswerValue::Scale(number)) => number.to_string(),
        Some(AnswerValue::Choice(text) | AnswerValue::FreeText(text)) => harmless(text),
    }
}

fn time(at_ms: Option<i64>) -> String {
    let instant = at_ms.and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    instant.map(|instant| instant.to_string()).unwrap_or_default()
}

impl Campaigns {
    /// A page of finished contacts. The next one begins after the position of its last row.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn export_page(&self, query: &ExportQuery) -> Result<Vec<ExportRow>, CampaignError> {
        Ok(self.store.export_page(query).await?)
    }

    /// What an export would be of: as long as this stays the same, so does the export.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn export_stamp(&self, campaign: &CampaignId) -> Result<ExportStamp, CampaignError> {
        self.state(campaign).await?;
        Ok(self.store.export_stamp(campaign).await?)
    }

    /// Says in the audit log that results are taken out. `stamp`: of what.
    ///
    /// # Errors
    /// [`CampaignError::Store`]; nothing is exported then.
    pub async fn begin_export(
        &self,
        campaign: &CampaignId,
        include_excluded: bool,
        stamp: &ExportStamp,
        by: &ChangedBy,
    ) -> Result<(), CampaignError> {
        let mut audit = entry(by, "results.export", campaign);
        audit.after = Some(json!({"results": stamp.results, "include_excluded": include_excluded}));
        Ok(self.store.record_audit(&audit, self.now_ms()).await?)
    }

    /// Writes the whole export, a page in memory at a time. Returns how many contacts it has.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`]; if the database or the output fails.
    pub async fn export(
        &self,
        campaign: &CampaignId,
        include_excluded: bool,
        by: &ChangedBy,
        mut out: impl Write,
    ) -> anyhow::Result<u64> {
        let stamp = self.export_stamp(campaign).await?;
        self.begin_export(campaign, include_excluded, &stamp, by).await?;
        write_header(&mut out)?;
        let (mut after_position, mut written) = (0, 0);
        loop {
            let query = ExportQuery {
                campaign: campaign.clone(),
                include_excluded,
                after_position,
                limit: EXPORT_PAGE,
            };
            let page = self.export_page(&query).await?;
            let Some(last) = page.last() else {
                out.flush()?;
                return Ok(written);
            };
            write_rows(&mut out, &page)?;
            written += page.len() as u64;
            after_position = last.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact_files::{ContactColumns, Sheet};
    use proptest::prelude::*;
    use samvad_actors::domain::{Campaign, CampaignId, ContactId, ContactState, Disposition, Mode, PhoneNumber};

    fn row(external_id: &str, words: &str) -> ExportRow {
        ExportRow {
            campaign: CampaignId::from("survey"),
            contact: ContactId::from("c"),
            position: 1,
            external_id: Some(external_id.to_owned()),
            number: PhoneNumber::parse("+919812345678").expect("E.164"),
            state: ContactState::Completed,
            disposition: Some(Disposition::Complete),
            mode: Mode::Live,
            attempts: 2,
            last_attempt_at_ms: Some(1_700_000_000_000),
            ended_at_ms: Some(1_700_000_060_500),
            answers: [
                Some(AnswerValue::Number(-3)),
                Some(AnswerValue::FreeText(words.to_owned())),
                Some(AnswerValue::NotAnswered),
            ],
        }
    }

    fn csv_of(rows: &[ExportRow]) -> String {
        let mut out = Vec::new();
        write_header(&mut out).expect("written");
        write_rows(&mut out, rows).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_line_has_the_columns_in_their_order_and_times_in_utc() {
        let text = csv_of(&[row("a-1", "well, \"fine\"")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], EXPORT_COLUMNS.join(","));
        assert_eq!(
            lines[1],
            "survey,c,a-1,+919812345678,completed,1.1,live,2,2023-11-14T22:13:20Z,2023-11-14T22:14:20.5Z,-3,\
             \"well, \"\"fine\"\"\","
        );
    }

    proptest! {
        #[test]
        fn no_cell_of_an_export_is_a_formula_and_its_numbers_are_imported_as_they_were(
            external_id in "[=+@-]?[ -~]{0,12}",
            words in "[=+@\t\r-]?[ -~\n]{0,20}",
        ) {
            let text = csv_of(&[row(&external_id, &words)]);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let record = reader.records().next().expect("a row").expect("CSV");
            for (column, cell) in record.iter().enumerate().filter(|(column, _)| ![3, 10].contains(column)) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{column}: {cell}");
            }
            let mut sheet = Sheet::read_from(Box::new(io::Cursor::new(text.into_bytes())), None).expect("a header");
            let columns = ContactColumns::find(&sheet).expect("columns");
            let (_, row) = sheet.next_row().expect("readable").expect("a row");
            let campaign = Campaign::from_yaml(include_str!("../../../fixtures/campaigns/health_survey.yaml"));
            let read = columns.read(&row.expect("whole"), &campaign.expect("valid"), None);
            let contact = read.contact.expect("taken").contact;
            prop_assert_eq!(contact.number.expose(), "+919812345678");
        }
    }
}
