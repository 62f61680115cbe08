//! Users, their sessions, API tokens, and logins that have begun. What is secret (a session's key, a token) is kept as
//! its SHA-256 alone.

use super::{AuditEntry, StoreError};
use crate::domain::{Permission, Role, TokenId, UserId};
use async_trait::async_trait;

/// Somebody who signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Our id.
    pub id: UserId,
    /// Who vouches for the subject: the provider's issuer URL, or `local`.
    pub issuer: String,
    /// The provider's own id for the person; unique per issuer.
    pub subject: String,
    /// E-mail address, if the provider tells it.
    pub email: Option<String>,
    /// Name shown to others.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// A disabled user has no session and gets none; their tokens admit nobody.
    pub disabled: bool,
    /// First seen.
    pub created_at_ms: i64,
    /// Last sign-in.
    pub last_login_at_ms: Option<i64>,
}

/// What a provider says of somebody who signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "as in `User`")]
pub struct SignIn {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub name: String,
    pub role: Role,
}

/// A session to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSession {
    /// SHA-256 of its key, hexadecimal.
    pub key_hash: String,
    /// SHA-256 of its CSRF token, hexadecimal.
    pub csrf_hash: String,
    /// Ends then whatever happens, in UTC milliseconds.
    pub expires_at_ms: i64,
}

/// A session that is open, with its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Whose.
    pub user: User,
    /// SHA-256 of its CSRF token, hexadecimal.
    pub csrf_hash: String,
    /// Last used, to within a minute.
    pub last_seen_at_ms: i64,
    /// Ends then whatever happens.
    pub expires_at_ms: i64,
}

/// A token to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewToken {
    /// Our id.
    pub id: TokenId,
    /// Whose: it may never do more than they may.
    pub owner: UserId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// Its first characters after the prefix, to know it by.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Ends then, in UTC milliseconds; `None`: never.
    pub expires_at_ms: Option<i64>,
}

/// A token as kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    /// Our id.
    pub id: TokenId,
    /// Whose.
    pub owner: UserId,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// What it may do; less if its owner's role has become smaller.
    pub scopes: Vec<Permission>,
    /// Made at.
    pub created_at_ms: i64,
    /// Ends then.
    pub expires_at_ms: Option<i64>,
    /// Taken back at.
    pub revoked_at_ms: Option<i64>,
    /// Last used, to within a minute.
    pub last_used_at_ms: Option<i64>,
}

/// Tokens of one owner that admit, at most.
pub const MOST_TOKENS: u32 = 50;

/// Where a page of tokens ended.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TokenCursor {
    /// When its last token was made.
    pub created_at_ms: i64,
    /// Its last token.
    pub id: TokenId,
}

/// A login that has begun: what must come back from the provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginAttempt {
    /// SHA-256 of the `state`, hexadecimal.
    pub state_hash: String,
    /// SHA-256 of the key in the browser's own cookie: who begins must be who ends.
    pub browser_hash: String,
    /// The nonce that the ID token must carry.
    pub nonce: String,
    /// PKCE's code verifier (RFC 7636).
    pub pkce_verifier: String,
    /// Where on our own pages to go afterwards.
    pub return_to: String,
    /// Void after this, in UTC milliseconds.
    pub expires_at_ms: i64,
}

/// Accounts. What expires is deleted by [`AccountStore::purge_expired`].
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Makes or updates the user of this issuer and subject and opens a session, in one transaction; `None` if they are
    /// disabled. Writes `user.create` or, where role, name or address have changed, `user.update` into the audit log,
    /// and `session.open`; of a user who is disabled `session.refuse`.
    async fn sign_in(
        &self,
        who: &SignIn,
        new_user_id: &UserId,
        session: &NewSession,
        request_id: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<User>, StoreError>;
    /// The session of a key, if it is open: not expired, used since `now - idle_ms`, its user not disabled. Marks it as
    /// used, at most once a minute.
    async fn session(&self, key_hash: &str, idle_ms: i64, now_ms: i64) -> Result<Option<Session>, StoreError>;
    /// Replaces a session's CSRF token. False if there is no such session.
    async fn renew_csrf(&self, key_hash: &str, csrf_hash: &str) -> Result<bool, StoreError>;
    /// Closes a session. False if there was none, and nothing is logged.
    async fn sign_out(&self, key_hash: &str, audit: &AuditEntry, now_ms: i64) -> Result<bool, StoreError>;

    /// Users in the order of their ids, after one, at most `limit`.
    async fn users(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<User>, StoreError>;
    /// One user.
    async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError>;
    /// Disables or enables a user and closes their sessions; a provider decides about roles at each sign-in. Nothing is
    /// done or logged if they are so already. `NotFound`; `Conflict` if it is the last admin that is not disabled.
    async fn set_user_disabled(
        &self,
        id: &UserId,
        disabled: bool,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<User, StoreError>;

    /// Keeps a new token. `NotFound` without its owner; `Conflict` if they are disabled, or have [`MOST_TOKENS`] that
    /// admit.
    async fn add_token(&self, token: &NewToken, audit: &AuditEntry, now_ms: i64) -> Result<ApiToken, StoreError>;
    /// Tokens of one user or of all, the newest first, after the last page, at most `limit`.
    async fn tokens(
        &self,
        owner: Option<&UserId>,
        after: Option<&TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError>;
    /// One token.
    async fn token(&self, id: &TokenId) -> Result<Option<ApiToken>, StoreError>;
    /// Takes a token back. False if it was already, and nothing is logged; `NotFound` if there is none.
    async fn revoke_token(&self, id: &TokenId, audit: &AuditEntry, now_ms: i64) -> Result<bool, StoreError>;
    /// The token of a hash with its owner, if it admits: not expired, not taken back, its owner not disabled. Marks it
    /// as used, at most once a minute.
    async fn token_by_hash(&self, hash: &str, now_ms: i64) -> Result<Option<(ApiToken, User)>, StoreError>;

    /// Keeps a login that begins.
    async fn begin_login(&self, attempt: &LoginAttempt) -> Result<(), StoreError>;
    /// Takes a login that has begun, once: it is gone afterwards. `None` if there is none, or it has expired.
    async fn take_login(&self, state_hash: &str, now_ms: i64) -> Result<Option<LoginAttempt>, StoreError>;

    /// Deletes sessions and logins that have expired, and answers to idempotency keys made before `answers_before_ms`.
    async fn purge_expired(&self, answers_before_ms: i64, now_ms: i64) -> Result<(), StoreError>;
}
