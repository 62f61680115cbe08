//! What counts against limits, and what is to be told to others.

use super::sql;
use crate::store::error::corrupt;
use crate::store::{db, rows};
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, ContactId, PhoneNumber};
use samvad_actors::ports::{DayCount, InFlightAttempt, RecordedUsage, StoreError, SurveyEvent};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};

pub(super) async fn in_flight(
    connection: &mut AnyConnection,
    node: Option<&str>,
) -> Result<Vec<InFlightAttempt>, StoreError> {
    let query = match node {
        Some(node) => sqlx::query(sql::IN_FLIGHT_OF).bind(node),
        None => sqlx::query(sql::IN_FLIGHT),
    };
    let rows = query.fetch_all(connection).await.map_err(db)?;
    rows.iter().map(attempt).collect()
}

/// All of one moment.
pub(super) async fn usage(
    connection: &mut AnyConnection,
    since: CalendarDate,
    now_ms: i64,
) -> Result<RecordedUsage, StoreError> {
    let mut transaction = connection.begin().await.map_err(db)?;
    let may_have_call = sqlx::query(sql::MAY_HAVE_CALL)
        .bind(now_ms)
        .fetch_all(&mut *transaction)
        .await
        .map_err(db)?;
    let by_day = sqlx::query(sql::BY_DAY)
        .bind(since.to_string())
        .fetch_all(&mut *transaction)
        .await
        .map_err(db)?;
    transaction.commit().await.map_err(db)?;
    Ok(RecordedUsage {
        may_have_call: may_have_call.iter().map(attempt).collect::<Result<_, _>>()?,
        by_day: by_day.iter().map(day_count).collect::<Result<_, _>>()?,
    })
}

pub(super) fn event(row: &AnyRow) -> Result<SurveyEvent, StoreError> {
    Ok(SurveyEvent {
        attempt: AttemptId::new(rows::get::<String>(row, "attempt_id")?),
        kind: rows::get(row, "kind")?,
        campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
        contact: ContactId::new(rows::get::<String>(row, "contact_id")?),
        mode: rows::get_word(row, "mode")?,
        created_at_ms: rows::get(row, "created_at_ms")?,
    })
}

fn attempt(row: &AnyRow) -> Result<InFlightAttempt, StoreError> {
    Ok(InFlightAttempt {
        row: rows::attempt(row)?,
        node: rows::get(row, "node")?,
        permit_deadline_ms: rows::get(row, "permit_deadline_ms")?,
        country: rows::get(row, "country")?,
        caller_id: rows::get::<Option<String>>(row, "caller_id")?
            .map(|number| caller_id(&number))
            .transpose()?,
        local_date: rows::get::<Option<String>>(row, "local_date")?
            .map(|date| local_date(&date))
            .transpose()?,
    })
}

fn day_count(row: &AnyRow) -> Result<DayCount, StoreError> {
    Ok(DayCount {
        local_date: local_date(&rows::get::<String>(row, "local_date")?)?,
        campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
        country: rows::get(row, "country")?,
        caller_id: caller_id(&rows::get::<String>(row, "caller_id")?)?,
        mode: rows::get_word(row, "mode")?,
        calls: rows::get_count(row, "n")?,
    })
}

fn caller_id(number: &str) -> Result<PhoneNumber, StoreError> {
    PhoneNumber::parse(number).map_err(|_| corrupt("column caller_id holds no E.164 number"))
}

fn local_date(date: &str) -> Result<CalendarDate, StoreError> {
    CalendarDate::parse(date).map_err(|_| corrupt("column local_date holds no date"))
}
