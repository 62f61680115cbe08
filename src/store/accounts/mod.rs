//! Users, sessions, API tokens and logins.
//!
//! Users are locked in the order of their ids, their sessions and tokens after them, the audit log last.

mod logins;
mod sessions;
mod statements;
mod tokens;
mod users;

#[cfg(test)]
pub(super) use statements::ALL;

use super::{SqlStore, idempotency};
use async_trait::async_trait;
use samvad_actors::domain::{TokenId, UserId};
use samvad_actors::ports::{
    AccountStore, ApiToken, AuditEntry, LoginAttempt, NewSession, NewToken, Session, SignIn, StoreError, TokenCursor,
    User,
};

/// When something was last used is written at most this often.
const USE_IS_WRITTEN_EVERY_MS: i64 = 60_000;

/// Whether a use is worth a write.
fn is_use_to_be_written(last_used_at_ms: i64, now_ms: i64) -> bool {
    now_ms.saturating_sub(last_used_at_ms) >= USE_IS_WRITTEN_EVERY_MS
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn sign_in(
        &self,
        who: &SignIn,
        new_user_id: &UserId,
        session: &NewSession,
        request_id: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<User>, StoreError> {
        users::sign_in(self, who, new_user_id, session, request_id, now_ms).await
    }

    async fn session(&self, key_hash: &str, idle_ms: i64, now_ms: i64) -> Result<Option<Session>, StoreError> {
        sessions::session(self, key_hash, idle_ms, now_ms).await
    }

    async fn renew_csrf(&self, key_hash: &str, csrf_hash: &str) -> Result<bool, StoreError> {
        sessions::renew_csrf(self, key_hash, csrf_hash).await
    }

    async fn sign_out(&self, key_hash: &str, audit: &AuditEntry, now_ms: i64) -> Result<bool, StoreError> {
        sessions::close(self, key_hash, audit, now_ms).await
    }

    async fn users(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        users::users(self, after, limit).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        users::user(self, id).await
    }

    async fn set_user_disabled(
        &self,
        id: &UserId,
        disabled: bool,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<User, StoreError> {
        users::set_disabled(self, id, disabled, audit, now_ms).await
    }

    async fn add_token(&self, token: &NewToken, audit: &AuditEntry, now_ms: i64) -> Result<ApiToken, StoreError> {
        tokens::add(self, token, audit, now_ms).await
    }

    async fn tokens(
        &self,
        owner: Option<&UserId>,
        after: Option<&TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError> {
        tokens::tokens(self, owner, after, limit).await
    }

    async fn token(&self, id: &TokenId) -> Result<Option<ApiToken>, StoreError> {
        tokens::token(self, id).await
    }

    async fn revoke_token(&self, id: &TokenId, audit: &AuditEntry, now_ms: i64) -> Result<bool, StoreError> {
        tokens::revoke(self, id, audit, now_ms).await
    }

    async fn token_by_hash(&self, hash: &str, now_ms: i64) -> Result<Option<(ApiToken, User)>, StoreError> {
        tokens::by_hash(self, hash, now_ms).await
    }

    async fn begin_login(&self, attempt: &LoginAttempt) -> Result<(), StoreError> {
        logins::begin(self, attempt).await
    }

    async fn take_login(&self, state_hash: &str, now_ms: i64) -> Result<Option<LoginAttempt>, StoreError> {
        logins::take(self, state_hash, now_ms).await
    }

    async fn purge_expired(&self, answers_before_ms: i64, now_ms: i64) -> Result<(), StoreError> {
        sessions::purge(self, now_ms).await?;
        logins::purge(self, now_ms).await?;
        idempotency::purge(self, answers_before_ms).await
    }
}
