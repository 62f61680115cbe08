-- Contacts of the campaign finished-survey that have been called to the end, as calls leave them behind: for
-- tools/million-contacts, which fills a database with them faster than calls could. One text for sqlite3 and psql;
-- :contacts is how many. Written are contacts, numbers, attempts, consents, answers and events. What nothing that is
-- measured reads (callbacks, transcripts, latencies, use of services) is left out.
--
-- Of twenty contacts seven complete the survey (two of them at the second attempt), one breaks off, three refuse, one is
-- the wrong person, one number does not exist, and seven are not reached by three attempts.

CREATE TEMPORARY TABLE people AS
    WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :contacts)
    SELECT i,
        -- Ids in the order in which they are made, as those of the server are.
        '019bca00-c000-7000-8000-' || (100000000000 + i) AS id,
        CASE WHEN i % 20 < 7 THEN 'completed' WHEN i % 20 = 7 THEN 'partial' WHEN i % 20 < 11 THEN 'refused'
            WHEN i % 20 = 11 THEN 'wrong_person' WHEN i % 20 = 13 THEN 'voicemail' ELSE 'failed' END AS outcome,
        CASE WHEN i % 20 < 7 THEN '1.1' WHEN i % 20 = 7 THEN '1.2' WHEN i % 20 < 11 THEN '2.112'
            WHEN i % 20 = 11 THEN '2.20' WHEN i % 20 = 12 THEN '4.31' WHEN i % 20 = 13 THEN '3.14'
            WHEN i % 20 < 16 THEN '3.12' ELSE '3.13' END AS disposition,
        CASE WHEN i % 20 < 8 THEN 'completed' WHEN i % 20 < 11 THEN 'refused' ELSE 'not_reached' END AS state,
        CASE WHEN i % 20 < 2 THEN 2 WHEN i % 20 < 13 THEN 1 ELSE 3 END AS attempts
    FROM n;

-- Every attempt, in the order in which they are made: all the first ones, then all second ones, four a second.
CREATE TEMPORARY TABLE calls AS
    SELECT p.i, p.id AS contact_id, r.round,
        '019bca00-a000-7000-8000-' || (100000000000 + (r.round - 1) * :contacts + p.i) AS id,
        1772323200000 + ((r.round - 1) * :contacts + p.i) * 250 AS at_ms,
        CASE WHEN r.round = p.attempts THEN p.outcome ELSE 'failed' END AS outcome,
        CASE WHEN r.round = p.attempts THEN p.disposition ELSE '3.13' END AS disposition
    FROM (SELECT 1 AS round UNION ALL SELECT 2 UNION ALL SELECT 3) r JOIN people p ON p.attempts >= r.round
    ORDER BY r.round, p.i;

UPDATE campaigns SET mode = 'live', lifecycle = 'completed' WHERE id = 'finished-survey';

INSERT INTO contacts
    (id, campaign_id, position, phone_number, external_id, attempts_count, used_attempts, created_at_ms, state,
     last_attempt_at_ms, last_outcome, last_disposition)
    SELECT id, 'finished-survey', i, '+91' || (9700000000 + i), 'finished-' || i, attempts, attempts, 1772323200000, state,
        1772323200000 + ((attempts - 1) * :contacts + i) * 250, outcome, disposition
    FROM people ORDER BY i;

INSERT INTO numbers (phone_number, last_contacted_at_ms, last_campaign_id)
    SELECT phone_number, last_attempt_at_ms, campaign_id FROM contacts WHERE campaign_id = 'finished-survey'
    ORDER BY position;

INSERT INTO attempts
    (id, campaign_id, contact_id, attempt_number, mode, state, token_hash, token_expires_at_ms, token_used_at_ms, call_sid,
     account_sid, stream_sid, carrier_status, call_duration_seconds, outcome, disposition, end_reason, answered_by,
     language, created_at_ms, submitted_at_ms, ended_at_ms, node, epoch, permit_deadline_ms, country, caller_id, local_date)
    SELECT id, 'finished-survey', contact_id, round, 'live', 'ended',
        id || '0000000000000000000000000000', at_ms + 90000,
        CASE WHEN answered_by IS NULL THEN NULL ELSE at_ms + 9000 END,
        'CA' || id, 'AC0123456789abcdef0123456789abcdef',
        CASE WHEN answered_by IS NULL THEN NULL ELSE 'MZ' || id END,
        CASE disposition WHEN '3.12' THEN 'busy' WHEN '3.13' THEN 'no-answer' WHEN '4.31' THEN 'failed'
            ELSE 'completed' END,
        CASE WHEN answered_by IS NULL THEN NULL ELSE 60 END,
        outcome, disposition,
        CASE outcome WHEN 'completed' THEN 'survey_done' WHEN 'partial' THEN 'hung_up' WHEN 'voicemail' THEN 'machine'
            WHEN 'failed' THEN NULL ELSE outcome END,
        answered_by, CASE WHEN answered_by IS NULL THEN NULL ELSE 'en' END,
        at_ms, at_ms + 50, at_ms + 70000, 'node', 1, at_ms + 400000, 'IN', '+14155550100',
        '2026-03-' || CASE WHEN day < 10 THEN '0' ELSE '' END || day
    FROM (SELECT calls.*, 1 + (at_ms - 1772323200000) / 86400000 AS day,
            CASE outcome WHEN 'failed' THEN NULL WHEN 'voicemail' THEN 'voicemail' ELSE 'person' END AS answered_by
        FROM calls) of_day
    ORDER BY round, i;

INSERT INTO consents (attempt_id, granted, wording, language, heard, confidence, via, at_ms, campaign_id, mode,
     counted)
    SELECT id, CASE outcome WHEN 'refused' THEN 0 ELSE 1 END, 'May I ask you three short questions?', 'en',
        CASE outcome WHEN 'refused' THEN 'no thank you' ELSE 'yes' END, 0.9, 'speech', 9000,
        'finished-survey', 'live', 1
    FROM calls WHERE outcome IN ('completed', 'partial', 'refused') ORDER BY round, i;

INSERT INTO answers
    (attempt_id, question, value_type, value, counted_value, via, heard, confidence, uncertain, times_asked, campaign_id,
     mode, counted)
    SELECT id, question, value_type, value, value,
        CASE value_type WHEN 'not_answered' THEN 'none' ELSE 'speech' END,
        CASE value_type WHEN 'not_answered' THEN NULL ELSE 'as it was said' END,
        CASE value_type WHEN 'not_answered' THEN NULL ELSE 0.9 END, 0, 1, 'finished-survey', 'live', 1
    FROM (SELECT i, round, id, question,
            CASE WHEN outcome = 'partial' AND question > 0 THEN 'not_answered' WHEN question = 0 THEN 'scale'
                WHEN question = 1 THEN 'yes_no' ELSE 'choice' END AS value_type,
            CASE WHEN outcome = 'partial' AND question > 0 THEN NULL WHEN question = 0 THEN CAST(1 + i / 20 % 5 AS TEXT)
                WHEN question = 1 THEN CASE i / 20 % 3 WHEN 0 THEN 'no' ELSE 'yes' END
                ELSE CASE i / 20 % 7 WHEN 0 THEN 'afternoon' WHEN 1 THEN 'evening' ELSE 'morning' END END AS value
        FROM calls CROSS JOIN (SELECT 0 AS question UNION ALL SELECT 1 UNION ALL SELECT 2) q
        WHERE outcome IN ('completed', 'partial')) asked
    ORDER BY round, i, question;

INSERT INTO events (attempt_id, kind, campaign_id, contact_id, mode, status, created_at_ms)
    SELECT c.id, 'survey.' || p.state, 'finished-survey', p.id, 'live', 'delivered', c.at_ms + 70000
    FROM calls c JOIN people p ON p.i = c.i AND p.attempts = c.round ORDER BY c.round, c.i;

DROP TABLE calls;
DROP TABLE people;
