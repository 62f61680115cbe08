DROP TABLE events;
DROP TABLE registry_scrubs;
DROP TABLE numbers;

DROP INDEX attempts_open_by_campaign;
DROP INDEX attempts_by_day;
ALTER TABLE attempts DROP COLUMN local_date;
ALTER TABLE attempts DROP COLUMN caller_id;
ALTER TABLE attempts DROP COLUMN country;
ALTER TABLE attempts DROP COLUMN permit_deadline_ms;
ALTER TABLE attempts DROP COLUMN submitted_at_ms;
ALTER TABLE attempts DROP COLUMN epoch;
ALTER TABLE attempts DROP COLUMN node;

DROP INDEX contacts_by_number;
DROP INDEX contacts_by_state;
DROP INDEX contacts_due;
ALTER TABLE contacts DROP COLUMN next_attempt_at_ms;
ALTER TABLE contacts DROP COLUMN last_disposition;
ALTER TABLE contacts DROP COLUMN last_outcome;
ALTER TABLE contacts DROP COLUMN last_attempt_at_ms;
ALTER TABLE contacts DROP COLUMN used_attempts;
ALTER TABLE contacts DROP COLUMN prior_consent;
ALTER TABLE contacts DROP COLUMN language;
ALTER TABLE contacts DROP COLUMN zone;
ALTER TABLE contacts DROP COLUMN excluded_reason;
ALTER TABLE contacts DROP COLUMN state;

ALTER TABLE campaigns DROP COLUMN leader;
ALTER TABLE campaigns DROP COLUMN epoch;
ALTER TABLE campaigns DROP COLUMN cooldown_ms;
ALTER TABLE campaigns DROP COLUMN priority;
ALTER TABLE campaigns DROP COLUMN mode;
ALTER TABLE campaigns DROP COLUMN starts_at_ms;
ALTER TABLE campaigns DROP COLUMN lifecycle_reason;
ALTER TABLE campaigns DROP COLUMN lifecycle;
