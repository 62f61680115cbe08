-- Who may do what, and what was done by whom.

CREATE TABLE users (
    id               TEXT    PRIMARY KEY NOT NULL,
    issuer           TEXT    NOT NULL, -- URL of the identity provider, or 'local'
    subject          TEXT    NOT NULL, -- the provider's own id for the person
    email            TEXT,
    name             TEXT    NOT NULL,
    role             TEXT    NOT NULL CHECK (role IN ('viewer', 'campaign_manager', 'admin')),
    disabled         INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at_ms    BIGINT  NOT NULL,
    last_login_at_ms BIGINT,
    UNIQUE (issuer, subject)
);

CREATE TABLE sessions (
    key_hash        TEXT   PRIMARY KEY NOT NULL, -- SHA-256; the key itself is in the browser's cookie alone
    user_id         TEXT   NOT NULL REFERENCES users (id),
    csrf_hash       TEXT   NOT NULL, -- SHA-256
    created_at_ms   BIGINT NOT NULL,
    last_seen_at_ms BIGINT NOT NULL, -- to within a minute
    expires_at_ms   BIGINT NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

CREATE TABLE api_tokens (
    id              TEXT   PRIMARY KEY NOT NULL,
    owner_id        TEXT   NOT NULL REFERENCES users (id),
    name            TEXT   NOT NULL,
    token_hash      TEXT   NOT NULL UNIQUE, -- SHA-256
    hint            TEXT   NOT NULL, -- its first characters, to know it by
    scopes          TEXT   NOT NULL, -- names with spaces between them
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT,
    revoked_at_ms   BIGINT,
    last_used_at_ms BIGINT -- to within a minute
);
CREATE INDEX api_tokens_of_owner ON api_tokens (owner_id, created_at_ms);

-- Logins that have begun at the identity provider; a row is deleted by the one use it has.
CREATE TABLE login_attempts (
    state_hash    TEXT   PRIMARY KEY NOT NULL, -- SHA-256
    browser_hash  TEXT   NOT NULL, -- SHA-256 of the key in the browser's cookie
    nonce         TEXT   NOT NULL,
    pkce_verifier TEXT   NOT NULL,
    return_to     TEXT   NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX login_attempts_by_expiry ON login_attempts (expires_at_ms);

CREATE TABLE idempotency_keys (
    principal     TEXT   NOT NULL,
    key           TEXT   NOT NULL,
    fingerprint   TEXT   NOT NULL, -- SHA-256 of method, path, query and body
    status        BIGINT, -- of the answer; NULL while the request is under way
    headers       TEXT, -- JSON
    body          TEXT,
    taken_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (taken_at_ms);

-- Written in the transaction that makes the change; never updated, never deleted by anything but a purge by age.
CREATE TABLE audit_log (
    id          BIGINT PRIMARY KEY NOT NULL,
    at_ms       BIGINT NOT NULL,
    actor_kind  TEXT   NOT NULL CHECK (actor_kind IN ('user', 'token', 'command_line', 'system')),
    actor_id    TEXT   NOT NULL,
    actor_name  TEXT   NOT NULL,
    request_id  TEXT,
    action      TEXT   NOT NULL,
    target_kind TEXT   NOT NULL,
    target_id   TEXT   NOT NULL,
    before_json TEXT,
    after_json  TEXT
);
-- One for each thing that is looked for, the newest first.
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_by_action ON audit_log (action, id);
CREATE INDEX audit_log_by_target ON audit_log (target_id, id);
CREATE INDEX audit_log_by_target_kind ON audit_log (target_kind, id);
CREATE INDEX audit_log_by_time ON audit_log (at_ms, id);

-- The last id of the audit log. Whoever writes an entry takes this row, last of all it locks: ids are in the order of
-- commits on both databases.
CREATE TABLE audit_position (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    last_id  BIGINT  NOT NULL
);
INSERT INTO audit_position (only_row, last_id) VALUES (1, 0);
