//! Statistics of a campaign, added up by the database.

use super::{export, sql};
use crate::store::dialer::due;
use crate::store::error::{corrupt, not_found};
use crate::store::{SqlStore, counted, db, rows};
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use samvad_actors::domain::{CalendarDate, CampaignId, Disposition, Mode, Outcome};
use samvad_actors::ports::{
    AttemptCount, CampaignCounts, ContactCounts, DayTally, ExportQuery, ExportRow, ExportStamp, MOST_VALUES,
    NumberSummary, QuestionCounts, StatisticsStore, StoreError,
};
use samvad_actors::statistics::CaseCounts;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};
use std::collections::BTreeMap;

#[async_trait]
impl StatisticsStore for SqlStore {
    async fn campaign_counts(&self, campaign: &CampaignId, mode: Option<Mode>) -> Result<CampaignCounts, StoreError> {
        counted::settle(self).await?;
        // One read transaction, so that everything is of one moment.
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let counts = counts(&mut transaction, campaign, mode).await?;
        transaction.commit().await.map_err(db)?;
        Ok(counts)
    }

    async fn export_page(&self, query: &ExportQuery) -> Result<Vec<ExportRow>, StoreError> {
        export::page(&mut *self.reader().await?, query).await
    }

    async fn export_stamp(&self, campaign: &CampaignId) -> Result<ExportStamp, StoreError> {
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let (_, version) = mode_and_version(&mut transaction, campaign).await?;
        let row = sqlx::query(sql::NEWEST_END)
            .bind(campaign.as_str())
            .fetch_one(&mut *transaction)
            .await
            .map_err(db)?;
        let contacts = due::contact_counts(&mut transaction, campaign).await?;
        transaction.commit().await.map_err(db)?;
        Ok(ExportStamp {
            version,
            last_ended_at_ms: rows::get(&row, "ended_at_ms")?,
            results: contacts.completed + contacts.refused + contacts.not_reached,
        })
    }
}

async fn counts(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Option<Mode>,
) -> Result<CampaignCounts, StoreError> {
    let (present, _) = mode_and_version(connection, campaign).await?;
    let mode = mode.unwrap_or(present);
    let contacts = due::contact_counts(connection, campaign).await?;
    let (cases, contacts_attempted) = cases(connection, campaign, mode, &contacts).await?;
    let (attempts, days) = attempts(connection, campaign, mode).await?;
    let in_flight = of_mode(sql::COUNT_IN_FLIGHT, connection, campaign, mode).await?;
    let mut counts = CampaignCounts {
        mode,
        contacts: (mode == present).then_some(contacts),
        contacts_total: contacts.total(),
        contacts_attempted,
        in_flight: in_flight.first().map_or(Ok(0), |row| rows::get_count(row, "n"))?,
        attempts,
        days,
        consents_granted: 0,
        consents_refused: 0,
        cases,
        questions: questions(connection, campaign, mode).await?,
    };
    for row in &of_mode(sql::COUNT_CONSENTS, connection, campaign, mode).await? {
        let count = rows::get_count(row, "n")?;
        match rows::get_flag(row, "granted")? {
            true => counts.consents_granted = count,
            false => counts.consents_refused = count,
        }
    }
    Ok(counts)
}

async fn mode_and_version(connection: &mut AnyConnection, campaign: &CampaignId) -> Result<(Mode, i64), StoreError> {
    let row = sqlx::query(sql::MODE_AND_VERSION)
        .bind(campaign.as_str())
        .fetch_optional(connection)
        .await
        .map_err(db)?
        .ok_or_else(|| not_found("campaign", campaign))?;
    Ok((rows::get_word(&row, "mode")?, rows::get(&row, "version")?))
}

async fn of_mode(
    statement: &'static str,
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Mode,
) -> Result<Vec<AnyRow>, StoreError> {
    sqlx::query(statement)
        .bind(campaign.as_str())
        .bind(rows::word(mode)?)
        .fetch_all(connection)
        .await
        .map_err(db)
}

/// Contacts by what is known of them, and how many were called.
async fn cases(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Mode,
    contacts: &ContactCounts,
) -> Result<(CaseCounts, u64), StoreError> {
    let (mut cases, mut known, mut called) = (CaseCounts::default(), 0_u64, 0_u64);
    for row in &of_mode(sql::COUNT_CASES, connection, campaign, mode).await? {
        let count = rows::get_count(row, "n")?;
        // As the statement calls them: numbers that cannot be a case.
        let disposition = match rows::get::<String>(row, "final")?.as_str() {
            "2.9" => Disposition::NonWorkingNumber,
            _ => rows::get_word(row, "final")?,
        };
        cases.add(disposition, count);
        known = known.saturating_add(count);
        if rows::get_flag(row, "called")? {
            called = called.saturating_add(count);
        }
    }
    cases.add(Disposition::NotAttempted, contacts.total().saturating_sub(known));
    Ok((cases, called))
}

/// Attempts by how they ended, and by day.
async fn attempts(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Mode,
) -> Result<(Vec<AttemptCount>, Vec<DayTally>), StoreError> {
    let mut by_end: Vec<AttemptCount> = Vec::new();
    let mut by_day: BTreeMap<CalendarDate, DayTally> = BTreeMap::new();
    let mut ended = of_mode(sql::COUNT_ENDED, connection, campaign, mode).await?;
    ended.extend(of_mode(sql::COUNT_ENDED_UNDATED, connection, campaign, mode).await?);
    for row in &ended {
        let attempts: u64 = rows::get_count(row, "n")?;
        let outcome: Outcome = rows::get_word(row, "outcome")?;
        let disposition: Option<Disposition> = rows::get_optional_word(row, "disposition")?;
        let alike = |count: &&mut AttemptCount| count.outcome == outcome && count.disposition == disposition;
        let ended = AttemptCount {
            outcome,
            disposition,
            attempts,
        };
        match by_end.iter_mut().find(alike) {
            Some(count) => count.attempts += attempts,
            None => by_end.push(ended),
        }
        let date = date(row)?;
        let day = by_day.entry(date).or_insert(DayTally {
            date,
            attempts: 0,
            answered: 0,
            completed: 0,
        });
        day.attempts += attempts;
        // The report of a dry run says that it is not known who took the call.
        if rows::get_flag(row, "answered")? && ended.was_called() {
            day.answered += attempts;
        }
        if outcome == Outcome::Completed {
            day.completed += attempts;
        }
    }
    by_end.sort_by_key(|count| (count.outcome, count.disposition.map(Disposition::code)));
    Ok((by_end, by_day.into_values().collect()))
}

/// The day of a row of `COUNT_ENDED` or `COUNT_ENDED_UNDATED`.
fn date(row: &AnyRow) -> Result<CalendarDate, StoreError> {
    let no_date = || corrupt("an attempt is of no day of the calendar");
    if let Some(date) = rows::get::<Option<String>>(row, "local_date")? {
        return CalendarDate::parse(&date).map_err(|_| no_date());
    }
    let days: i64 = rows::get::<Option<i64>>(row, "utc_day")?.ok_or_else(no_date)?;
    let instant = Timestamp::from_second(days.saturating_mul(86_400)).map_err(|_| no_date())?;
    let day = instant.to_zoned(TimeZone::UTC).date();
    CalendarDate::parse(&day.to_string()).map_err(|_| no_date())
}

async fn questions(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Mode,
) -> Result<Vec<QuestionCounts>, StoreError> {
    let mut questions: BTreeMap<usize, QuestionCounts> = BTreeMap::new();
    let rows = sqlx::query(sql::COUNT_ANSWERS)
        .bind(campaign.as_str())
        .bind(rows::word(mode)?)
        .bind(i64::from(MOST_VALUES))
        .fetch_all(connection)
        .await
        .map_err(db)?;
    for row in &rows {
        let question = rows::get_count(row, "question")?;
        let counts = questions.entry(question).or_insert_with(|| QuestionCounts {
            question,
            ..QuestionCounts::default()
        });
        match rows::get::<Option<String>>(row, "value_type")? {
            Some(value_type) => add_answers(counts, &value_type, row)?,
            None => counts
                .values
                .push((rows::get(row, "value")?, rows::get_count(row, "n")?)),
        }
    }
    Ok(questions.into_values().collect())
}

/// Answers of one type. A question may have had another type before it was edited.
fn add_answers(counts: &mut QuestionCounts, value_type: &str, row: &AnyRow) -> Result<(), StoreError> {
    let count: u64 = rows::get_count(row, "n")?;
    if value_type == "not_answered" {
        counts.not_answered += count;
        return Ok(());
    }
    counts.answered += count;
    let Some(mean) = rows::get::<Option<f64>>(row, "mean")? else {
        return Ok(());
    };
    let of_type = NumberSummary {
        count,
        min: rows::get(row, "least")?,
        max: rows::get(row, "greatest")?,
        mean,
    };
    counts.numbers = Some(match counts.numbers {
        None => of_type,
        Some(known) => NumberSummary {
            count: known.count + count,
            min: known.min.min(of_type.min),
            max: known.max.max(of_type.max),
            mean: (known.mean * known.count as f64 + mean * count as f64) / (known.count + count) as f64,
        },
    });
    Ok(())
}
