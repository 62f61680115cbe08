DROP INDEX contacts_of_outcome_by_last_attempt;
DROP INDEX contacts_of_state_by_last_attempt;
DROP INDEX attempts_of_case;
DROP INDEX attempts_by_end;
CREATE INDEX attempts_counted ON attempts
    (campaign_id, mode, contact_id, disposition, outcome, local_date, answered_by, created_at_ms) WHERE state = 'ended';
DROP INDEX answers_to_count;
DROP INDEX answers_counted;
DROP INDEX consents_to_count;
DROP INDEX consents_counted;
ALTER TABLE answers DROP COLUMN counted_value;
ALTER TABLE answers DROP COLUMN counted;
ALTER TABLE answers DROP COLUMN mode;
ALTER TABLE answers DROP COLUMN campaign_id;
ALTER TABLE consents DROP COLUMN counted;
ALTER TABLE consents DROP COLUMN mode;
ALTER TABLE consents DROP COLUMN campaign_id;
