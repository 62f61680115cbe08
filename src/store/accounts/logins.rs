//! Logins that have begun at the identity provider.

use super::statements as sql;
use crate::store::rows::get;
use crate::store::{SqlStore, db};
use samvad_actors::ports::{LoginAttempt, StoreError};
use sqlx::any::AnyRow;

/// Keeps a login that begins.
pub(super) async fn begin(store: &SqlStore, attempt: &LoginAttempt) -> Result<(), StoreError> {
    sqlx::query(sql::BEGIN_LOGIN)
        .bind(attempt.state_hash.as_str())
        .bind(attempt.browser_hash.as_str())
        .bind(attempt.nonce.as_str())
        .bind(attempt.pkce_verifier.as_str())
        .bind(attempt.return_to.as_str())
        .bind(attempt.expires_at_ms)
        .execute(&mut *store.writer().await?)
        .await
        .map(drop)
        .map_err(db)
}

/// Takes a login that has begun. One that has expired is taken too, for nothing.
pub(super) async fn take(store: &SqlStore, state_hash: &str, now_ms: i64) -> Result<Option<LoginAttempt>, StoreError> {
    let rows = sqlx::query(sql::TAKE_LOGIN)
        .bind(state_hash)
        .fetch_all(&mut *store.writer().await?)
        .await
        .map_err(db)?;
    let attempt = rows.first().map(login_row).transpose()?;
    Ok(attempt.filter(|attempt| attempt.expires_at_ms > now_ms))
}

/// Deletes what has expired.
pub(super) async fn purge(store: &SqlStore, now_ms: i64) -> Result<(), StoreError> {
    sqlx::query(sql::PURGE_LOGINS)
        .bind(now_ms)
        .execute(&mut *store.writer().await?)
        .await
        .map(drop)
        .map_err(db)
}

fn login_row(row: &AnyRow) -> Result<LoginAttempt, StoreError> {
    Ok(LoginAttempt {
        state_hash: get(row, "state_hash")?,
        browser_hash: get(row, "browser_hash")?,
        nonce: get(row, "nonce")?,
        pkce_verifier: get(row, "pkce_verifier")?,
        return_to: get(row, "return_to")?,
        expires_at_ms: get(row, "expires_at_ms")?,
    })
}
