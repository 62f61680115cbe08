//! Results; the end of their keeping is in `purge`.

use super::{SqlStore, db, purge, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{Answer, AttemptId, Campaign, CampaignId, ContactState, Language};
use samvad_actors::ports::{NextCall, PurgeCounts, ResultRow, ResultStore, StoreError, TranscriptLine, TurnLatency};
use sqlx::Connection;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

#[async_trait]
impl ResultStore for SqlStore {
    async fn results(&self, campaign: &CampaignId) -> Result<Vec<ResultRow>, StoreError> {
        // One read transaction, so that answers and attempts are of one moment.
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let contacts = sqlx::query(sql::RESULTS)
            .bind(campaign.as_str())
            .fetch_all(&mut *transaction)
            .await
            .map_err(db)?;
        let answer_rows = sqlx::query(sql::RESULT_ANSWERS)
            .bind(campaign.as_str())
            .fetch_all(&mut *transaction)
            .await
            .map_err(db)?;
        let definition = sqlx::query(sql::GET_CAMPAIGN)
            .bind(campaign.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?;
        transaction.commit().await.map_err(db)?;

        // Results are read even if the campaign was written by a version whose words this one does not know.
        let definition: Option<String> = definition.map(|row| rows::get(&row, "definition")).transpose()?;
        let zone = definition
            .and_then(|definition| serde_json::from_str::<Campaign>(&definition).ok())
            .map(|campaign| campaign.dialing.window.zone)
            .unwrap_or_default();
        let mut answers: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
        for row in &answer_rows {
            answers
                .entry(rows::get(row, "attempt_id")?)
                .or_default()
                .push(rows::answer(row)?);
        }
        contacts.iter().map(|row| result(row, &mut answers, &zone)).collect()
    }

    async fn transcript(&self, attempt: &AttemptId) -> Result<Vec<TranscriptLine>, StoreError> {
        let rows = sqlx::query(sql::TRANSCRIPT)
            .bind(attempt.as_str())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(rows::transcript_line).collect()
    }

    async fn latencies(&self, attempt: &AttemptId) -> Result<Vec<TurnLatency>, StoreError> {
        let rows = sqlx::query(sql::LATENCIES)
            .bind(attempt.as_str())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(rows::latency).collect()
    }

    async fn purge(&self, before_ms: i64) -> Result<PurgeCounts, StoreError> {
        purge::purge(self, before_ms).await
    }

    async fn purge_scrubs(&self, before_ms: i64) -> Result<u64, StoreError> {
        purge::purge_scrubs(self, before_ms).await
    }
}

fn result(
    row: &AnyRow,
    answers: &mut BTreeMap<String, Vec<Answer>>,
    campaign_zone: &str,
) -> Result<ResultRow, StoreError> {
    let attempt_id: Option<String> = rows::get(row, "id")?;
    let state: ContactState = rows::get_word(row, "contact_state")?;
    let next_call = NextCall {
        not_before_ms: rows::get(row, "next_attempt_at_ms")?,
        zone: rows::zone(row)?.unwrap_or_else(|| campaign_zone.to_owned()),
    };
    let has_consent = rows::get::<Option<i32>>(row, "granted")?.is_some();
    Ok(ResultRow {
        contact: rows::contact(row, "contact")?,
        attempt: attempt_id.is_some().then(|| rows::attempt(row)).transpose()?,
        consent: has_consent.then(|| rows::consent(row)).transpose()?,
        next_call: (attempt_id.is_some() && state == ContactState::Pending).then_some(next_call),
        answers: attempt_id.and_then(|id| answers.remove(&id)).unwrap_or_default(),
        callback_request: rows::get(row, "callback_request")?,
        language: rows::get::<Option<String>>(row, "call_language")?.map(Language),
        do_not_call: rows::get::<i32>(row, "do_not_call")? != 0,
    })
}
