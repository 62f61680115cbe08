//! Sessions of people who have signed in.

use super::users::user_row;
use super::{is_use_to_be_written, statements as sql};
use crate::store::rows::get;
use crate::store::{SqlStore, Write, audit, commit, db};
use samvad_actors::domain::UserId;
use samvad_actors::ports::{AuditEntry, NewSession, Session, StoreError};

/// Opens a session in the transaction that signs its user in.
pub(super) async fn open(
    transaction: &mut Write,
    user: &UserId,
    session: &NewSession,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_SESSION)
        .bind(session.key_hash.as_str())
        .bind(user.as_str())
        .bind(session.csrf_hash.as_str())
        .bind(now_ms)
        .bind(session.expires_at_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// The open session of a key, marked as used.
pub(super) async fn session(
    store: &SqlStore,
    key_hash: &str,
    idle_ms: i64,
    now_ms: i64,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query(sql::SESSION)
        .bind(key_hash)
        .bind(now_ms)
        .bind(now_ms.saturating_sub(idle_ms))
        .fetch_optional(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut session = Session {
        user: user_row(&row)?,
        csrf_hash: get(&row, "csrf_hash")?,
        last_seen_at_ms: get(&row, "last_seen_at_ms")?,
        expires_at_ms: get(&row, "expires_at_ms")?,
    };
    if is_use_to_be_written(session.last_seen_at_ms, now_ms) {
        sqlx::query(sql::TOUCH_SESSION)
            .bind(key_hash)
            .bind(now_ms)
            .execute(&mut *store.writer().await?)
            .await
            .map_err(db)?;
        session.last_seen_at_ms = now_ms;
    }
    Ok(Some(session))
}

/// Replaces a session's CSRF token.
pub(super) async fn renew_csrf(store: &SqlStore, key_hash: &str, csrf_hash: &str) -> Result<bool, StoreError> {
    let renewed = sqlx::query(sql::RENEW_CSRF)
        .bind(key_hash)
        .bind(csrf_hash)
        .execute(&mut *store.writer().await?)
        .await
        .map_err(db)?;
    Ok(renewed.rows_affected() > 0)
}

/// Closes a session.
pub(super) async fn close(
    store: &SqlStore,
    key_hash: &str,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let mut transaction = store.begin_write().await?;
    let closed = sqlx::query(sql::CLOSE_SESSION)
        .bind(key_hash)
        .execute(&mut *transaction)
        .await
        .map_err(db)?;
    if closed.rows_affected() == 0 {
        return Ok(false);
    }
    audit::append(&mut transaction, entry, now_ms).await?;
    commit(transaction).await?;
    Ok(true)
}

/// Closes every session of a user.
pub(super) async fn close_all(transaction: &mut Write, user: &UserId) -> Result<(), StoreError> {
    sqlx::query(sql::CLOSE_SESSIONS_OF)
        .bind(user.as_str())
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// Deletes what has expired.
pub(super) async fn purge(store: &SqlStore, now_ms: i64) -> Result<(), StoreError> {
    sqlx::query(sql::PURGE_SESSIONS)
        .bind(now_ms)
        .execute(&mut *store.writer().await?)
        .await
        .map(drop)
        .map_err(db)
}
