DROP TABLE audit_position;
DROP TABLE audit_log;
DROP TABLE idempotency_keys;
DROP TABLE login_attempts;
DROP TABLE api_tokens;
DROP TABLE sessions;
DROP TABLE users;
