//! Finished contacts, page by page.

use super::sql;
use crate::store::error::corrupt;
use crate::store::{db, rows};
use samvad_actors::domain::{AnswerValue, CampaignId, ContactId, PhoneNumber};
use samvad_actors::ports::{ExportQuery, ExportRow, StoreError};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

pub(super) async fn page(connection: &mut AnyConnection, query: &ExportQuery) -> Result<Vec<ExportRow>, StoreError> {
    let rows = sqlx::query(sql::EXPORT_PAGE)
        .bind(query.campaign.as_str())
        .bind(query.after_position)
        .bind(i64::from(query.limit))
        .bind(i32::from(query.include_excluded))
        .fetch_all(connection)
        .await
        .map_err(db)?;
    rows.iter().map(export_row).collect()
}

fn export_row(row: &AnyRow) -> Result<ExportRow, StoreError> {
    let number: String = rows::get(row, "phone_number")?;
    Ok(ExportRow {
        campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
        contact: ContactId::new(rows::get::<String>(row, "id")?),
        position: rows::get(row, "position")?,
        external_id: rows::get(row, "external_id")?,
        number: PhoneNumber::parse(&number).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
        state: rows::get_word(row, "state")?,
        disposition: rows::get_optional_word(row, "last_disposition")?,
        mode: rows::get_word(row, "mode")?,
        attempts: rows::get_count(row, "used_attempts")?,
        last_attempt_at_ms: rows::get(row, "last_attempt_at_ms")?,
        ended_at_ms: rows::get(row, "ended_at_ms")?,
        answers: [
            answer(row, "type_0", "value_0")?,
            answer(row, "type_1", "value_1")?,
            answer(row, "type_2", "value_2")?,
        ],
    })
}

fn answer(row: &AnyRow, type_column: &str, value_column: &str) -> Result<Option<AnswerValue>, StoreError> {
    let value_type: Option<String> = rows::get(row, type_column)?;
    value_type
        .map(|value_type| rows::answer_value(&value_type, rows::get(row, value_column)?))
        .transpose()
}
