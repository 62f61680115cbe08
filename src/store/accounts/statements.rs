//! The statements of accounts, by the rules of the other ones (see `store::statements`).

use crate::store::statements::statements;

/// Columns of `users`, each after what its table is called in the statement.
macro_rules! user_columns {
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "issuer, ",
            $of,
            "subject, ",
            $of,
            "email, ",
            $of,
            "name, ",
            $of,
            "role, ",
            $of,
            "disabled, ",
            $of,
            "created_at_ms, ",
            $of,
            "last_login_at_ms"
        )
    };
}

/// Columns of `api_tokens t`, told apart from those of `users u`.
macro_rules! token_columns {
    () => {
        "t.id AS token_id, t.owner_id, t.name AS token_name, t.hint, t.scopes, t.created_at_ms AS token_created_at_ms, \
         t.expires_at_ms, t.revoked_at_ms, t.last_used_at_ms"
    };
}

statements! {
    /// Writes nothing if the person is known.
    ADD_USER = "INSERT INTO users (id, issuer, subject, email, name, role, created_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (issuer, subject) DO NOTHING";

    USER_BY_SUBJECT = concat!("SELECT ", user_columns!("u."), " FROM users u WHERE u.issuer = $1 AND u.subject = $2");

    /// Holds the user's row until the transaction ends.
    LOCK_USER = concat!("UPDATE users SET role = role WHERE id = $1 RETURNING ", user_columns!(""));

    SIGN_USER_IN = "UPDATE users SET email = $2, name = $3, role = $4, last_login_at_ms = $5 WHERE id = $1";

    USER = concat!("SELECT ", user_columns!("u."), " FROM users u WHERE u.id = $1");

    USERS = concat!("SELECT ", user_columns!("u."), " FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT $2");

    ADMINS_AT_WORK = "SELECT id FROM users WHERE role = 'admin' AND disabled = 0";

    SET_DISABLED = "UPDATE users SET disabled = $2 WHERE id = $1";

    ADD_SESSION = "INSERT INTO sessions (key_hash, user_id, csrf_hash, created_at_ms, last_seen_at_ms, expires_at_ms)
        VALUES ($1, $2, $3, $4, $4, $5)";

    /// An open session with its user.
    SESSION = concat!("SELECT s.csrf_hash, s.last_seen_at_ms, s.expires_at_ms, ", user_columns!("u."), "
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.key_hash = $1 AND s.expires_at_ms > $2 AND s.last_seen_at_ms >= $3 AND u.disabled = 0");

    TOUCH_SESSION = "UPDATE sessions SET last_seen_at_ms = $2 WHERE key_hash = $1 AND last_seen_at_ms < $2";

    RENEW_CSRF = "UPDATE sessions SET csrf_hash = $2 WHERE key_hash = $1";

    CLOSE_SESSION = "DELETE FROM sessions WHERE key_hash = $1";

    CLOSE_SESSIONS_OF = "DELETE FROM sessions WHERE user_id = $1";

    ADD_TOKEN = "INSERT INTO api_tokens (id, owner_id, name, token_hash, hint, scopes, created_at_ms, expires_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    COUNT_ADMITTING = "SELECT COUNT(*) AS n FROM api_tokens
        WHERE owner_id = $1 AND revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > $2)";

    TOKENS = concat!("SELECT ", token_columns!(), " FROM api_tokens t WHERE (t.created_at_ms, t.id) < ($1, $2)
        ORDER BY t.created_at_ms DESC, t.id DESC LIMIT $3");

    TOKENS_OF = concat!("SELECT ", token_columns!(), " FROM api_tokens t
        WHERE t.owner_id = $4 AND (t.created_at_ms, t.id) < ($1, $2)
        ORDER BY t.created_at_ms DESC, t.id DESC LIMIT $3");

    TOKEN = concat!("SELECT ", token_columns!(), " FROM api_tokens t WHERE t.id = $1");

    REVOKE_TOKEN = "UPDATE api_tokens SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL";

    /// A token that admits, with its owner.
    TOKEN_BY_HASH = concat!("SELECT ", token_columns!(), ", ", user_columns!("u."), "
        FROM api_tokens t JOIN users u ON u.id = t.owner_id
        WHERE t.token_hash = $1 AND (t.expires_at_ms IS NULL OR t.expires_at_ms > $2) AND t.revoked_at_ms IS NULL
            AND u.disabled = 0");

    TOUCH_TOKEN = "UPDATE api_tokens SET last_used_at_ms = $2
        WHERE id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms < $2)";

    BEGIN_LOGIN = "INSERT INTO login_attempts
        (state_hash, browser_hash, nonce, pkce_verifier, return_to, expires_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6)";

    /// Of any number that try at once, one gets the row.
    TAKE_LOGIN = "DELETE FROM login_attempts WHERE state_hash = $1
        RETURNING state_hash, browser_hash, nonce, pkce_verifier, return_to, expires_at_ms";

    PURGE_SESSIONS = "DELETE FROM sessions WHERE expires_at_ms <= $1";

    PURGE_LOGINS = "DELETE FROM login_attempts WHERE expires_at_ms <= $1";
}
