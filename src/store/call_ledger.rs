//! Calls by their numbers.

use super::error::corrupt;
use super::{SqlStore, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CallSid, Campaign, PhoneNumber};
use samvad_actors::ports::{CallLedger, CallMarks, StoreError};
use sqlx::any::AnyRow;

#[async_trait]
impl CallLedger for SqlStore {
    async fn marks(&self, attempt: &AttemptId) -> Result<Option<CallMarks>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(sql::CALL_MARKS)
            .bind(attempt.as_str())
            .fetch_optional(&mut *reader)
            .await
            .map_err(db)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let to: String = rows::get(&row, "phone_number")?;
        let taken = sqlx::query(sql::CALLS_TO)
            .bind(to.as_str())
            .bind(attempt.as_str())
            .fetch_all(&mut *reader)
            .await
            .map_err(db)?;
        let taken = taken
            .iter()
            .map(|row| Ok(CallSid::new(rows::get::<String>(row, "call_sid")?)));
        Ok(Some(CallMarks {
            to: PhoneNumber::parse(&to).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
            from: campaign(&row)?.caller_id,
            submitted_at_ms: rows::get(&row, "submitted_at_ms")?,
            taken: taken.collect::<Result<_, StoreError>>()?,
        }))
    }

    async fn last_campaign_to(&self, number: &PhoneNumber, since_ms: i64) -> Result<Option<Campaign>, StoreError> {
        let row = sqlx::query(sql::LAST_CAMPAIGN_TO)
            .bind(number.expose())
            .bind(since_ms)
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        row.as_ref().map(campaign).transpose()
    }
}

fn campaign(row: &AnyRow) -> Result<Campaign, StoreError> {
    serde_json::from_str(&rows::get::<String>(row, "definition")?)
        .map_err(|_| corrupt("column definition holds no campaign this version can read"))
}
