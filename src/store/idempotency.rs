//! Idempotency keys: who does a write, and what was answered.

use super::error::{conflict, corrupt};
use super::rows::{get, get_count};
use super::statements::statements;
use super::{SqlStore, commit, db};
use async_trait::async_trait;
use samvad_actors::ports::{IdempotencyStore, KeptAnswer, KeyState, KeyedRequest, StoreError};
use sqlx::any::AnyRow;

statements! {
    /// Of any number that try at once, one writes. What was abandoned is taken over, by whatever request. The row is held
    /// until the transaction ends, written or not.
    TAKE_KEY = "INSERT INTO idempotency_keys (principal, key, fingerprint, taken_at_ms)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (principal, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, taken_at_ms = excluded.taken_at_ms
        WHERE idempotency_keys.status IS NULL AND idempotency_keys.taken_at_ms < $5";

    TAKEN_KEY = "SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE principal = $1 AND key = $2";

    KEEP_ANSWER = "UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
        WHERE principal = $1 AND key = $2 AND fingerprint = $3 AND status IS NULL AND taken_at_ms = $7";

    RELEASE_KEY = "DELETE FROM idempotency_keys
        WHERE principal = $1 AND key = $2 AND fingerprint = $3 AND status IS NULL AND taken_at_ms = $4";

    PURGE_KEYS = "DELETE FROM idempotency_keys WHERE taken_at_ms < $1";
}

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn take_key(&self, request: &KeyedRequest, abandoned_before_ms: i64) -> Result<KeyState, StoreError> {
        let mut transaction = self.begin_write().await?;
        let taken = sqlx::query(TAKE_KEY)
            .bind(request.principal.as_str())
            .bind(request.key.as_str())
            .bind(request.fingerprint.as_str())
            .bind(request.came_at_ms)
            .bind(abandoned_before_ms)
            .execute(&mut *transaction)
            .await
            .map_err(db)?;
        if taken.rows_affected() > 0 {
            commit(transaction).await?;
            return Ok(KeyState::New);
        }
        let row = sqlx::query(TAKEN_KEY)
            .bind(request.principal.as_str())
            .bind(request.key.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?
            .ok_or_else(|| corrupt("an idempotency key that is held is gone"))?;
        if get::<String>(&row, "fingerprint")? != request.fingerprint {
            return Ok(KeyState::OtherRequest);
        }
        Ok(answer(&row)?.map_or(KeyState::UnderWay, KeyState::Done))
    }

    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<(), StoreError> {
        let headers =
            serde_json::to_string(&answer.headers).map_err(|_| corrupt("headers cannot be written as JSON"))?;
        let kept = sqlx::query(KEEP_ANSWER)
            .bind(request.principal.as_str())
            .bind(request.key.as_str())
            .bind(request.fingerprint.as_str())
            .bind(i64::from(answer.status))
            .bind(headers)
            .bind(answer.body.as_str())
            .bind(request.came_at_ms)
            .execute(&mut *self.writer().await?)
            .await
            .map_err(db)?;
        if kept.rows_affected() == 0 {
            return Err(conflict("no request with this idempotency key is under way"));
        }
        Ok(())
    }

    async fn release_key(&self, request: &KeyedRequest) -> Result<(), StoreError> {
        sqlx::query(RELEASE_KEY)
            .bind(request.principal.as_str())
            .bind(request.key.as_str())
            .bind(request.fingerprint.as_str())
            .bind(request.came_at_ms)
            .execute(&mut *self.writer().await?)
            .await
            .map(drop)
            .map_err(db)
    }
}

/// Deletes keys that were taken before a moment, with their answers.
pub(super) async fn purge(store: &SqlStore, before_ms: i64) -> Result<(), StoreError> {
    sqlx::query(PURGE_KEYS)
        .bind(before_ms)
        .execute(&mut *store.writer().await?)
        .await
        .map(drop)
        .map_err(db)
}

/// `None` while the request is under way.
fn answer(row: &AnyRow) -> Result<Option<KeptAnswer>, StoreError> {
    if get::<Option<i64>>(row, "status")?.is_none() {
        return Ok(None);
    }
    let headers: String = get(row, "headers")?;
    Ok(Some(KeptAnswer {
        status: get_count(row, "status")?,
        headers: serde_json::from_str(&headers).map_err(|_| corrupt("column headers holds no list of headers"))?,
        body: get(row, "body")?,
    }))
}
