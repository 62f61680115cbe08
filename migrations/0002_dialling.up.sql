-- What the dialler needs: whose turn it is, who leads, what a number may stand, and what has happened.
-- Additive: a samvad that knows version 1 alone goes on working while others are upgraded.

ALTER TABLE campaigns ADD COLUMN lifecycle TEXT NOT NULL DEFAULT 'draft' CHECK (lifecycle IN
    ('draft', 'scheduled', 'running', 'paused', 'completed', 'archived'));
ALTER TABLE campaigns ADD COLUMN lifecycle_reason TEXT; -- why it is so, for people: stopped, breaker, ...
ALTER TABLE campaigns ADD COLUMN starts_at_ms BIGINT; -- of a scheduled one
ALTER TABLE campaigns ADD COLUMN mode TEXT NOT NULL DEFAULT 'dry_run' CHECK (mode IN
    ('simulated', 'dry_run', 'live'));
ALTER TABLE campaigns ADD COLUMN priority BIGINT NOT NULL DEFAULT 0; -- higher first
ALTER TABLE campaigns ADD COLUMN cooldown_ms BIGINT NOT NULL DEFAULT 2592000000; -- as in the definition
ALTER TABLE campaigns ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0; -- the newest leadership; older ones write nothing
ALTER TABLE campaigns ADD COLUMN leader TEXT;

-- State, counts and times are of the campaign's present mode; they start anew when a rehearsal ends.
ALTER TABLE contacts ADD COLUMN state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN
    ('pending', 'in_progress', 'completed', 'refused', 'not_reached', 'excluded'));
ALTER TABLE contacts ADD COLUMN excluded_reason TEXT;
ALTER TABLE contacts ADD COLUMN zone TEXT NOT NULL DEFAULT ''; -- IANA; empty: the campaign's
ALTER TABLE contacts ADD COLUMN language TEXT;
ALTER TABLE contacts ADD COLUMN prior_consent INTEGER NOT NULL DEFAULT 0 CHECK (prior_consent IN (0, 1));
ALTER TABLE contacts ADD COLUMN used_attempts BIGINT NOT NULL DEFAULT 0 CHECK (used_attempts >= 0);
ALTER TABLE contacts ADD COLUMN last_attempt_at_ms BIGINT;
ALTER TABLE contacts ADD COLUMN last_outcome TEXT;
ALTER TABLE contacts ADD COLUMN last_disposition TEXT;
ALTER TABLE contacts ADD COLUMN next_attempt_at_ms BIGINT NOT NULL DEFAULT 0;

-- In the order in which they are due.
CREATE INDEX contacts_due ON contacts (campaign_id, zone, next_attempt_at_ms, position) WHERE state = 'pending';
CREATE INDEX contacts_by_state ON contacts (campaign_id, state);
CREATE INDEX contacts_by_number ON contacts (phone_number);

ALTER TABLE attempts ADD COLUMN node TEXT;
ALTER TABLE attempts ADD COLUMN epoch BIGINT;
ALTER TABLE attempts ADD COLUMN submitted_at_ms BIGINT; -- when the carrier began to be asked
-- The latest moment at which the carrier can still hold the call.
ALTER TABLE attempts ADD COLUMN permit_deadline_ms BIGINT;
ALTER TABLE attempts ADD COLUMN country TEXT;
ALTER TABLE attempts ADD COLUMN caller_id TEXT; -- E.164
ALTER TABLE attempts ADD COLUMN local_date TEXT; -- YYYY-MM-DD in the campaign's zone
CREATE INDEX attempts_by_day ON attempts (local_date, campaign_id, mode);
CREATE INDEX attempts_open_by_campaign ON attempts (campaign_id) WHERE state <> 'ended';

-- What holds for a number over all campaigns. Whoever decides about a number holds its row.
CREATE TABLE numbers (
    phone_number         TEXT   PRIMARY KEY NOT NULL, -- E.164
    last_contacted_at_ms BIGINT, -- by a live attempt
    last_campaign_id     TEXT   REFERENCES campaigns (id)
);

-- What the registry of those who want no calls said of a number.
CREATE TABLE registry_scrubs (
    phone_number  TEXT    PRIMARY KEY NOT NULL, -- E.164
    listed        INTEGER NOT NULL CHECK (listed IN (0, 1)),
    scrubbed_at_ms BIGINT NOT NULL
);

-- Told to others after the transaction that made them true (outbox).
CREATE TABLE events (
    attempt_id    TEXT   NOT NULL REFERENCES attempts (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('survey.completed', 'survey.refused', 'survey.not_reached')),
    campaign_id   TEXT   NOT NULL REFERENCES campaigns (id),
    contact_id    TEXT   NOT NULL REFERENCES contacts (id),
    mode          TEXT   NOT NULL CHECK (mode IN ('simulated', 'dry_run', 'live')),
    status        TEXT   NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered')),
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (attempt_id, kind)
);
CREATE INDEX events_pending ON events (created_at_ms, attempt_id) WHERE status = 'pending';

-- Where the contacts of version 1 stand: each was called once at most, and an open attempt goes on.
UPDATE contacts SET used_attempts = attempts_count;
UPDATE contacts SET last_attempt_at_ms = (
    SELECT MAX(a.created_at_ms) FROM attempts a WHERE a.campaign_id = contacts.campaign_id AND a.contact_id = contacts.id)
    WHERE attempts_count > 0;
UPDATE contacts SET state = COALESCE((
    SELECT CASE
        WHEN a.state <> 'ended' THEN 'in_progress'
        WHEN a.outcome IN ('completed', 'partial') THEN 'completed'
        WHEN a.outcome = 'refused' THEN 'refused'
        WHEN a.outcome = 'wrong_person' OR a.disposition IN ('4.2', '4.31') THEN 'not_reached'
        ELSE 'pending' END
    FROM attempts a
    WHERE a.campaign_id = contacts.campaign_id AND a.contact_id = contacts.id
      AND a.attempt_number = contacts.attempts_count), 'pending')
    WHERE attempts_count > 0;
UPDATE contacts SET state = 'excluded', excluded_reason = 'do_not_call'
    WHERE state = 'pending' AND phone_number IN (SELECT phone_number FROM do_not_call);
