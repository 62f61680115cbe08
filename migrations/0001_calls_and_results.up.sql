-- Campaigns, whom they call, what came of it, and whom nobody may call.
-- One text for SQLite and PostgreSQL: ids and JSON as TEXT, times as BIGINT (UTC milliseconds since 1970),
-- booleans as INTEGER 0 or 1.

CREATE TABLE campaigns (
    id            TEXT   PRIMARY KEY NOT NULL,
    definition    TEXT   NOT NULL, -- JSON, as its author wrote it
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

CREATE TABLE contacts (
    id             TEXT   PRIMARY KEY NOT NULL,
    campaign_id    TEXT   NOT NULL REFERENCES campaigns (id),
    position       BIGINT NOT NULL, -- order of adding, from 1
    phone_number   TEXT   NOT NULL, -- E.164
    external_id    TEXT,
    attempts_count BIGINT NOT NULL DEFAULT 0 CHECK (attempts_count >= 0),
    created_at_ms  BIGINT NOT NULL,
    UNIQUE (campaign_id, phone_number),
    UNIQUE (campaign_id, position),
    UNIQUE (id, campaign_id)
);

CREATE TABLE attempts (
    id                    TEXT   PRIMARY KEY NOT NULL,
    campaign_id           TEXT   NOT NULL,
    contact_id            TEXT   NOT NULL,
    attempt_number        BIGINT NOT NULL CHECK (attempt_number >= 1),
    mode                  TEXT   NOT NULL CHECK (mode IN ('simulated', 'dry_run', 'live')),
    state                 TEXT   NOT NULL CHECK (state IN
        ('planned', 'submitting', 'submitted', 'submission_unknown', 'live', 'ended')),
    -- The number while a call to it is possible or under way; emptied at the end.
    open_number           TEXT,
    token_hash            TEXT   NOT NULL,
    token_expires_at_ms   BIGINT NOT NULL,
    token_used_at_ms      BIGINT,
    call_sid              TEXT   UNIQUE,
    account_sid           TEXT,
    stream_sid            TEXT,
    carrier_status        TEXT   CHECK (carrier_status IN
        ('queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'failed', 'canceled')),
    call_duration_seconds BIGINT,
    sip_code              BIGINT,
    machine_verdict       TEXT   CHECK (machine_verdict IN ('human', 'machine_start', 'machine_end', 'fax', 'unknown')),
    refusal_reason        TEXT, -- the carrier's words when it did not place the call
    outcome               TEXT   CHECK (outcome IN
        ('completed', 'partial', 'refused', 'callback', 'wrong_person', 'voicemail', 'abandoned', 'failed')),
    disposition           TEXT   CHECK (disposition IN
        ('1.1', '1.2', '2.112', '2.12', '2.20', '3.11', '3.12', '3.13', '3.14', '3.16', '4.2', '4.31')),
    end_reason            TEXT   CHECK (end_reason IN
        ('survey_done', 'refused', 'removed', 'callback_agreed', 'wrong_person', 'machine', 'fax', 'no_input',
         'hung_up', 'stream_lost', 'limit_reached', 'terminated', 'fault')),
    callback_request      TEXT,
    created_at_ms         BIGINT NOT NULL,
    ended_at_ms           BIGINT,
    UNIQUE (campaign_id, contact_id, attempt_number),
    FOREIGN KEY (contact_id, campaign_id) REFERENCES contacts (id, campaign_id),
    CHECK ((state = 'ended') = (ended_at_ms IS NOT NULL)),
    CHECK ((state = 'ended') = (outcome IS NOT NULL)),
    CHECK ((state = 'ended') = (open_number IS NULL))
);

-- At most one attempt to a number is open, over all campaigns.
CREATE UNIQUE INDEX attempts_one_open_per_number ON attempts (open_number) WHERE open_number IS NOT NULL;
CREATE INDEX attempts_open ON attempts (created_at_ms, id) WHERE state <> 'ended';
CREATE INDEX attempts_ended ON attempts (ended_at_ms) WHERE state = 'ended';

-- What the carrier told us. A second delivery of the same thing meets the primary key.
CREATE TABLE callbacks (
    call_sid       TEXT   NOT NULL,
    dedupe_key     TEXT   NOT NULL, -- sequence:N, else KIND:VALUE
    attempt_id     TEXT   NOT NULL REFERENCES attempts (id),
    kind           TEXT   NOT NULL CHECK (kind IN ('status', 'machine_detection')),
    value          TEXT   NOT NULL,
    received_at_ms BIGINT NOT NULL,
    PRIMARY KEY (call_sid, dedupe_key)
);
CREATE INDEX callbacks_of_attempt ON callbacks (attempt_id);

CREATE TABLE consents (
    attempt_id TEXT    PRIMARY KEY NOT NULL REFERENCES attempts (id),
    granted    INTEGER NOT NULL CHECK (granted IN (0, 1)),
    wording    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    heard      TEXT    NOT NULL, -- emptied by a purge
    confidence DOUBLE PRECISION,
    via        TEXT    NOT NULL CHECK (via IN ('speech', 'keys', 'none')),
    at_ms      BIGINT  NOT NULL, -- since the stream's start
    reason     TEXT
);

CREATE TABLE answers (
    attempt_id  TEXT    NOT NULL REFERENCES attempts (id),
    question    BIGINT  NOT NULL CHECK (question BETWEEN 0 AND 2),
    value_type  TEXT    NOT NULL CHECK (value_type IN
        ('yes_no', 'number', 'scale', 'choice', 'free_text', 'not_answered')),
    value       TEXT, -- yes or no; a whole number; a choice's key; words (emptied by a purge)
    via         TEXT    NOT NULL CHECK (via IN ('speech', 'keys', 'none')),
    heard       TEXT, -- emptied by a purge
    confidence  DOUBLE PRECISION,
    uncertain   INTEGER NOT NULL CHECK (uncertain IN (0, 1)),
    times_asked BIGINT  NOT NULL,
    PRIMARY KEY (attempt_id, question),
    CHECK ((value_type = 'not_answered') = (value IS NULL))
);

CREATE TABLE transcript_lines (
    attempt_id TEXT   NOT NULL REFERENCES attempts (id),
    line       BIGINT NOT NULL, -- from 0
    at_ms      BIGINT NOT NULL, -- since the stream's start
    speaker    TEXT   NOT NULL CHECK (speaker IN ('agent', 'caller')),
    text       TEXT   NOT NULL,
    confidence DOUBLE PRECISION,
    PRIMARY KEY (attempt_id, line)
);

CREATE TABLE turn_latencies (
    attempt_id     TEXT   NOT NULL REFERENCES attempts (id),
    turn           BIGINT NOT NULL,
    endpoint_ms    BIGINT NOT NULL,
    recognition_ms BIGINT NOT NULL,
    decision_ms    BIGINT NOT NULL,
    first_audio_ms BIGINT NOT NULL,
    total_ms       BIGINT NOT NULL,
    PRIMARY KEY (attempt_id, turn)
);

CREATE TABLE do_not_call (
    phone_number TEXT   PRIMARY KEY NOT NULL, -- E.164
    source       TEXT   NOT NULL CHECK (source IN ('in_call', 'import', 'manual')),
    attempt_id   TEXT   REFERENCES attempts (id),
    added_at_ms  BIGINT NOT NULL
);
