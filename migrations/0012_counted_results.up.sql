-- What statistics of a million finished contacts need, and lists of them in the order of their last attempts. Additive but
-- for one index, in whose place two narrower ones come.

-- Consents and answers with what they are counted by, so that an index alone is read. `counted` is 1 for each contact's
-- newest in each mode, 0 for what a newer one superseded and for answers of a call in which nothing was answered, and NULL
-- in rows of a version that does not know these columns; whoever counts brings those up to date first.
ALTER TABLE consents ADD COLUMN campaign_id TEXT;
ALTER TABLE consents ADD COLUMN mode TEXT CHECK (mode IN ('simulated', 'dry_run', 'live'));
ALTER TABLE consents ADD COLUMN counted INTEGER CHECK (counted IN (0, 1));
ALTER TABLE answers ADD COLUMN campaign_id TEXT;
ALTER TABLE answers ADD COLUMN mode TEXT CHECK (mode IN ('simulated', 'dry_run', 'live'));
ALTER TABLE answers ADD COLUMN counted INTEGER CHECK (counted IN (0, 1));
ALTER TABLE answers ADD COLUMN counted_value TEXT; -- the value, unless it is free text
UPDATE consents SET
    campaign_id = (SELECT a.campaign_id FROM attempts a WHERE a.id = consents.attempt_id),
    mode = (SELECT a.mode FROM attempts a WHERE a.id = consents.attempt_id),
    counted = CASE WHEN EXISTS (
        SELECT 1 FROM attempts a
        JOIN attempts l ON l.campaign_id = a.campaign_id AND l.contact_id = a.contact_id AND l.mode = a.mode
            AND l.attempt_number > a.attempt_number
        JOIN consents v ON v.attempt_id = l.id
        WHERE a.id = consents.attempt_id) THEN 0 ELSE 1 END;
UPDATE answers SET
    campaign_id = (SELECT a.campaign_id FROM attempts a WHERE a.id = answers.attempt_id),
    mode = (SELECT a.mode FROM attempts a WHERE a.id = answers.attempt_id),
    counted_value = CASE WHEN value_type = 'free_text' THEN NULL ELSE value END,
    counted = CASE
        WHEN NOT EXISTS (
            SELECT 1 FROM attempts a JOIN answers v ON v.attempt_id = a.id
            WHERE a.id = answers.attempt_id AND (a.outcome = 'completed' OR v.value IS NOT NULL)) THEN 0
        WHEN EXISTS (
            SELECT 1 FROM attempts a
            JOIN attempts l ON l.campaign_id = a.campaign_id AND l.contact_id = a.contact_id AND l.mode = a.mode
                AND l.attempt_number > a.attempt_number
            JOIN answers v ON v.attempt_id = l.id
            WHERE a.id = answers.attempt_id AND (l.outcome = 'completed' OR v.value IS NOT NULL)) THEN 0
        ELSE 1 END;
CREATE INDEX consents_counted ON consents (campaign_id, mode, granted) WHERE counted = 1;
CREATE INDEX consents_to_count ON consents (attempt_id) WHERE counted IS NULL;
CREATE INDEX answers_counted ON answers (campaign_id, mode, question, value_type, counted_value) WHERE counted = 1;
CREATE INDEX answers_to_count ON answers (attempt_id) WHERE counted IS NULL;

DROP INDEX attempts_counted;
-- Attempts alike are one after the other, and a contact's.
CREATE INDEX attempts_by_end ON attempts
    (campaign_id, mode, outcome, disposition, local_date, answered_by) WHERE state = 'ended';
CREATE INDEX attempts_of_case ON attempts (campaign_id, mode, contact_id, disposition) WHERE state = 'ended';

-- Contacts that were never called come first.
CREATE INDEX contacts_of_state_by_last_attempt ON contacts
    (campaign_id, state, (COALESCE(last_attempt_at_ms, 0)), position);
CREATE INDEX contacts_of_outcome_by_last_attempt ON contacts
    (campaign_id, last_outcome, (COALESCE(last_attempt_at_ms, 0)), position) WHERE last_outcome IS NOT NULL;
