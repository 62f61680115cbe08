-- One more reason for an end: a service that screens calls did not put us through. A check cannot be widened in place by
-- SQL that every database understands, so the column is replaced.

ALTER TABLE attempts ADD COLUMN end_reason_of_more TEXT CHECK (end_reason_of_more IN
    ('survey_done', 'refused', 'removed', 'callback_agreed', 'wrong_person', 'machine', 'fax', 'screened', 'no_input',
     'hung_up', 'stream_lost', 'limit_reached', 'terminated', 'fault'));
UPDATE attempts SET end_reason_of_more = end_reason;
ALTER TABLE attempts DROP COLUMN end_reason;
ALTER TABLE attempts RENAME COLUMN end_reason_of_more TO end_reason;
