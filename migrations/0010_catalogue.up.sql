-- What lists, imports and statistics of campaigns need. Additive but for one index, which is made wider.

-- Grows with every change of definition, mode or lifecycle: whoever edits says which version they saw.
ALTER TABLE campaigns ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1);
CREATE INDEX campaigns_by_creation ON campaigns (created_at_ms, id);

DROP INDEX contacts_by_state;
CREATE INDEX contacts_by_state ON contacts (campaign_id, state, position);
-- Contacts that were never called come first.
CREATE INDEX contacts_by_last_attempt ON contacts (campaign_id, (COALESCE(last_attempt_at_ms, 0)), position);
CREATE INDEX contacts_by_outcome ON contacts (campaign_id, last_outcome, position) WHERE last_outcome IS NOT NULL;
CREATE INDEX contacts_by_disposition ON contacts (campaign_id, last_disposition, position)
    WHERE last_disposition IS NOT NULL;
CREATE INDEX contacts_by_external_id ON contacts (campaign_id, external_id, position) WHERE external_id IS NOT NULL;

-- Everything that statistics count of attempts, so that they read no attempt itself.
CREATE INDEX attempts_counted ON attempts
    (campaign_id, mode, contact_id, disposition, outcome, local_date, answered_by, created_at_ms) WHERE state = 'ended';
-- What a contact is deleted by.
CREATE INDEX events_of_contact ON events (contact_id);

CREATE INDEX do_not_call_by_time ON do_not_call (added_at_ms, phone_number);
-- Its foreign key is checked when a planned attempt is taken back.
CREATE INDEX do_not_call_by_attempt ON do_not_call (attempt_id);
CREATE INDEX do_not_call_by_source ON do_not_call (source, added_at_ms, phone_number);

CREATE TABLE imports (
    id            TEXT   PRIMARY KEY NOT NULL,
    campaign_id   TEXT   NOT NULL REFERENCES campaigns (id),
    source_name   TEXT   NOT NULL, -- the file's name, as whoever sent it calls it
    state         TEXT   NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'completed', 'failed')),
    fault         TEXT, -- why it failed
    total_rows    BIGINT NOT NULL DEFAULT 0 CHECK (total_rows >= 0),
    accepted_rows BIGINT NOT NULL DEFAULT 0 CHECK (accepted_rows >= 0),
    known_rows    BIGINT NOT NULL DEFAULT 0 CHECK (known_rows >= 0), -- whose number the campaign has already
    rejected_rows BIGINT NOT NULL DEFAULT 0 CHECK (rejected_rows >= 0),
    started_by    TEXT   NOT NULL, -- a name, for people
    started_at_ms BIGINT NOT NULL,
    seen_at_ms    BIGINT NOT NULL, -- when whoever reads the file was last heard of
    ended_at_ms   BIGINT,
    CHECK ((state = 'running') = (ended_at_ms IS NULL)),
    CHECK (fault IS NULL OR state = 'failed')
);
CREATE INDEX imports_of_campaign ON imports (campaign_id, started_at_ms, id);
CREATE INDEX imports_running ON imports (seen_at_ms) WHERE state = 'running';

-- Rows of a file that were not taken. What stands in their cells is not kept: it may be somebody's number.
CREATE TABLE import_rejections (
    import_id   TEXT   NOT NULL REFERENCES imports (id),
    row_number  BIGINT NOT NULL, -- as a spreadsheet counts, the header being row 1
    column_name TEXT   NOT NULL, -- empty: the row as a whole
    reason      TEXT   NOT NULL,
    PRIMARY KEY (import_id, row_number)
);
