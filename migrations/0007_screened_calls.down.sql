-- What ended behind a service that screens calls has led to nothing.

ALTER TABLE attempts ADD COLUMN end_reason_of_fewer TEXT CHECK (end_reason_of_fewer IN
    ('survey_done', 'refused', 'removed', 'callback_agreed', 'wrong_person', 'machine', 'fax', 'no_input',
     'hung_up', 'stream_lost', 'limit_reached', 'terminated', 'fault'));
UPDATE attempts SET end_reason_of_fewer = CASE end_reason WHEN 'screened' THEN 'no_input' ELSE end_reason END;
ALTER TABLE attempts DROP COLUMN end_reason;
ALTER TABLE attempts RENAME COLUMN end_reason_of_fewer TO end_reason;
