//! What calls and preparations used of services, and how long turns took.

mod statements;

#[cfg(test)]
pub(super) use statements::ALL;

use self::statements as sql;
use super::rows::{get, get_count, get_optional_word, get_word, stored, word};
use super::{SqlStore, Write, commit, db};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CampaignId, Mode};
use samvad_actors::ports::{
    AttemptRow, CallCursor, CallTotals, CallUse, CarrierTotal, CostQuery, CostStore, CostTotals, LatencyCount,
    ServiceTotal, ServiceUse, StoreError, TurnPart, UsedService,
};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Connection};

/// Whose use it is, and when it ended.
struct User<'a> {
    campaign: &'a CampaignId,
    /// The call and its mode; `None`: a preparation.
    call: Option<(&'a AttemptId, Mode)>,
    at_ms: i64,
}

/// Keeps what a call used, in the transaction that ends it.
pub(super) async fn add_use_of_call(
    transaction: &mut Write,
    attempt: &AttemptRow,
    used: &[(UsedService, ServiceUse)],
    at_ms: i64,
) -> Result<(), StoreError> {
    let user = User {
        campaign: &attempt.campaign,
        call: Some((&attempt.id, attempt.mode)),
        at_ms,
    };
    add_use(transaction, &user, used).await
}

async fn add_use(
    transaction: &mut Write,
    user: &User<'_>,
    used: &[(UsedService, ServiceUse)],
) -> Result<(), StoreError> {
    for (service, amount) in used {
        sqlx::query(sql::ADD_SERVICE_USE)
            .bind(user.campaign.as_str())
            .bind(user.call.map(|(attempt, _)| attempt.as_str()))
            .bind(user.call.map(|(_, mode)| word(mode)).transpose()?)
            .bind(word(service.kind)?)
            .bind(service.service.as_str())
            .bind(service.model.as_str())
            .bind(stored(amount.requests))
            .bind(stored(amount.audio_ms))
            .bind(stored(amount.characters))
            .bind(stored(amount.input_tokens))
            .bind(stored(amount.output_tokens))
            .bind(user.at_ms)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
    }
    Ok(())
}

/// A statement with the parameters that all have.
fn asked<'q>(statement: &'static str, query: &'q CostQuery) -> Result<Query<'q, Any, AnyArguments>, StoreError> {
    Ok(sqlx::query(statement)
        .bind(query.campaign.as_str())
        .bind(query.since_ms)
        .bind(query.until_ms)
        .bind(query.mode.map(word).transpose()?))
}

#[async_trait]
impl CostStore for SqlStore {
    async fn record_preparation(
        &self,
        campaign: &CampaignId,
        used: &[(UsedService, ServiceUse)],
        at_ms: i64,
    ) -> Result<(), StoreError> {
        if used.is_empty() {
            return Ok(());
        }
        let user = User {
            campaign,
            call: None,
            at_ms,
        };
        let mut transaction = self.begin_write().await?;
        add_use(&mut transaction, &user, used).await?;
        commit(transaction).await
    }

    async fn cost_totals(&self, query: &CostQuery) -> Result<CostTotals, StoreError> {
        // One read transaction, so that everything is of one moment.
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let calls = asked(sql::CALL_TOTALS, query)?.fetch_all(&mut *transaction).await;
        let calls = calls.map_err(db)?;
        let services = asked(sql::SERVICE_TOTALS, query)?.fetch_all(&mut *transaction).await;
        let services = services.map_err(db)?;
        let carrier = asked(sql::CARRIER_TOTALS, query)?.fetch_all(&mut *transaction).await;
        let carrier = carrier.map_err(db)?;
        transaction.commit().await.map_err(db)?;
        Ok(CostTotals {
            calls: calls.iter().map(call_total).collect::<Result<_, _>>()?,
            services: services.iter().map(service_total).collect::<Result<_, _>>()?,
            carrier: carrier.iter().map(carrier_total).collect::<Result<_, _>>()?,
        })
    }

    async fn calls_used(
        &self,
        query: &CostQuery,
        after: Option<&CallCursor>,
        limit: u32,
    ) -> Result<Vec<CallUse>, StoreError> {
        let rows = asked(sql::CALLS_USED, query)?
            .bind(after.map_or(i64::MIN, |cursor| cursor.ended_at_ms))
            .bind(after.map_or("", |cursor| cursor.attempt.as_str()))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        let mut calls: Vec<CallUse> = Vec::new();
        for row in &rows {
            let id: String = get(row, "id")?;
            if calls.last().is_none_or(|call| call.attempt.as_str() != id) {
                calls.push(call(row, id)?);
            }
            let is_used = get::<Option<String>>(row, "kind")?.is_some();
            if let (Some(call), true) = (calls.last_mut(), is_used) {
                call.services.push((used_service(row)?, amount(row)?));
            }
        }
        Ok(calls)
    }

    async fn latency_counts(&self, query: &CostQuery, part: TurnPart) -> Result<Vec<LatencyCount>, StoreError> {
        let statement = match part {
            TurnPart::EndPointing => sql::TURNS_BY_END_POINTING,
            TurnPart::Recognition => sql::TURNS_BY_RECOGNITION,
            TurnPart::Understanding => sql::TURNS_BY_UNDERSTANDING,
            TurnPart::Decision => sql::TURNS_BY_DECISION,
            TurnPart::FirstAudio => sql::TURNS_BY_FIRST_AUDIO,
            TurnPart::Total => sql::TURNS_BY_TOTAL,
        };
        let rows = asked(statement, query)?
            .bind(stored(LatencyCount::LONGEST_MS))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        let count = |row| {
            Ok(LatencyCount {
                mode: get_word(row, "mode")?,
                ms: get_count(row, "ms")?,
                turns: get_count(row, "turns")?,
            })
        };
        rows.iter().map(count).collect()
    }
}

fn call_total(row: &AnyRow) -> Result<CallTotals, StoreError> {
    Ok(CallTotals {
        mode: get_word(row, "mode")?,
        attempts: get_count(row, "attempts")?,
        conversations: get_count(row, "conversations")?,
        without_use: get_count(row, "without_use")?,
        without_latency: get_count(row, "without_latency")?,
        completed: get_count(row, "completed")?,
    })
}

fn service_total(row: &AnyRow) -> Result<ServiceTotal, StoreError> {
    Ok(ServiceTotal {
        mode: get_optional_word(row, "mode")?,
        service: used_service(row)?,
        users: get_count(row, "users")?,
        amount: amount(row)?,
    })
}

fn carrier_total(row: &AnyRow) -> Result<CarrierTotal, StoreError> {
    Ok(CarrierTotal {
        mode: get_word(row, "mode")?,
        country: get(row, "country")?,
        calls: get_count(row, "calls")?,
        minutes: get_count(row, "minutes")?,
        unknown: get_count(row, "unknown")?,
    })
}

fn call(row: &AnyRow, id: String) -> Result<CallUse, StoreError> {
    let has_minutes = get::<Option<i64>>(row, "minutes")?.is_some();
    Ok(CallUse {
        attempt: AttemptId::new(id),
        mode: get_word(row, "mode")?,
        outcome: get_word(row, "outcome")?,
        ended_at_ms: get(row, "ended_at_ms")?,
        country: get(row, "country")?,
        minutes: has_minutes.then(|| get_count(row, "minutes")).transpose()?,
        services: Vec::new(),
    })
}

fn used_service(row: &AnyRow) -> Result<UsedService, StoreError> {
    Ok(UsedService {
        kind: get_word(row, "kind")?,
        service: get(row, "service")?,
        model: get(row, "model")?,
    })
}

fn amount(row: &AnyRow) -> Result<ServiceUse, StoreError> {
    Ok(ServiceUse {
        requests: get_count(row, "requests")?,
        audio_ms: get_count(row, "audio_ms")?,
        characters: get_count(row, "characters")?,
        input_tokens: get_count(row, "input_tokens")?,
        output_tokens: get_count(row, "output_tokens")?,
    })
}
