//! The catalogue's statements, by the rules of the other ones (see `store::statements`).

use crate::store::statements::{attempt_columns, statements};

macro_rules! campaign_record {
    () => {
        "SELECT id, lifecycle, lifecycle_reason, mode, starts_at_ms, priority, epoch, leader, definition, version, \
         created_at_ms, updated_at_ms FROM campaigns "
    };
}

macro_rules! contact_record {
    () => {
        "SELECT id, campaign_id, position, phone_number, external_id, name, email, language, zone, prior_consent, \
         state, excluded_reason, used_attempts, last_attempt_at_ms, last_outcome, last_disposition, \
         next_attempt_at_ms, created_at_ms FROM contacts "
    };
}

/// Contacts of $1 that match: $2 the state, $3 the outcome, $4 the disposition, $5 the customer's id. One of these, if any
/// is asked for, is found by its index, and therefore stands by itself besides.
macro_rules! matching {
    ($by:literal) => {
        concat!(
            "WHERE campaign_id = $1",
            $by,
            " AND (state = $2 OR $2 IS NULL) AND (last_outcome = $3 OR $3 IS NULL)
              AND (last_disposition = $4 OR $4 IS NULL) AND (external_id = $5 OR $5 IS NULL) "
        )
    };
}

/// $6: the last attempt of the last contact of the page before; $7: its position; $8: the limit.
macro_rules! by_position {
    ($by:literal) => {
        concat!(
            contact_record!(),
            matching!($by),
            "AND position > $7 AND CAST($6 AS BIGINT) IS NOT NULL ORDER BY position LIMIT $8"
        )
    };
    ($by:literal, descending) => {
        concat!(
            contact_record!(),
            matching!($by),
            "AND position < $7 AND CAST($6 AS BIGINT) IS NOT NULL ORDER BY position DESC LIMIT $8"
        )
    };
}

macro_rules! count_matching {
    ($by:literal) => {
        concat!("SELECT COUNT(*) AS n FROM contacts ", matching!($by))
    };
}

/// The index of the same expression is read in its order.
macro_rules! last_attempt {
    () => {
        "COALESCE(last_attempt_at_ms, 0)"
    };
}

/// As `by_position!`, in the order of the last attempts. Many contacts may have the same one, or none: what is after $7 among
/// those of $6 is found in the index by itself, so that no page walks over the pages before it.
macro_rules! by_last_attempt {
    ($by:literal) => {
        by_last_attempt!($by, ">", "")
    };
    ($by:literal, descending) => {
        by_last_attempt!($by, "<", " DESC")
    };
    ($by:literal, $after:literal, $order:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM (",
            contact_record!(),
            matching!($by),
            "AND ",
            last_attempt!(),
            " = $6 AND position ",
            $after,
            " $7 ORDER BY position",
            $order,
            " LIMIT $8) alike UNION ALL SELECT * FROM (",
            contact_record!(),
            matching!($by),
            "AND ",
            last_attempt!(),
            " ",
            $after,
            " $6 ORDER BY ",
            last_attempt!(),
            $order,
            ", position",
            $order,
            " LIMIT $8) others) page ORDER BY ",
            last_attempt!(),
            $order,
            ", position",
            $order,
            " LIMIT $8"
        )
    };
}

/// Whether an attempt has answers, of which `v` is one: a question was answered, or the survey gone through to its end,
/// every question skipped perhaps.
macro_rules! has_answers {
    ($attempt:literal) => {
        concat!("(", $attempt, ".outcome = 'completed' OR v.value IS NOT NULL)")
    };
}

/// The value as a number, of an answer that is one.
macro_rules! number {
    () => {
        "CASE WHEN value_type IN ('number', 'scale') THEN value ELSE NULL END"
    };
}

macro_rules! import_record {
    () => {
        "SELECT id, campaign_id, source_name, state, fault, total_rows, accepted_rows, known_rows, rejected_rows, \
         started_by, started_at_ms, ended_at_ms FROM imports "
    };
}

macro_rules! exclusion {
    () => {
        "SELECT phone_number, source, attempt_id, added_at_ms FROM do_not_call "
    };
}

statements! {
    CREATE_CAMPAIGN = "INSERT INTO campaigns (id, definition, created_at_ms, updated_at_ms, priority, cooldown_ms)
        VALUES ($1, $2, $3, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING";

    EDIT_CAMPAIGN = "UPDATE campaigns SET definition = $2, updated_at_ms = $3, priority = $4, cooldown_ms = $5,
            version = version + 1
        WHERE id = $1
        RETURNING version";

    ONE_CAMPAIGN = concat!(campaign_record!(), "WHERE id = $1");

    /// $4 and $5: where the last page ended.
    CAMPAIGN_PAGE = concat!(campaign_record!(), "WHERE (lifecycle = $1 OR $1 IS NULL)
          AND (created_at_ms >= $2 OR $2 IS NULL) AND (created_at_ms < $3 OR $3 IS NULL)
          AND (created_at_ms, id) < ($4, $5)
        ORDER BY created_at_ms DESC, id DESC LIMIT $6");

    EVER_ATTEMPTED = "SELECT 1 AS found FROM attempts WHERE campaign_id = $1 LIMIT 1";

    EVER_PAID_FOR = "SELECT 1 AS found FROM service_use WHERE campaign_id = $1 LIMIT 1";

    DELETE_REJECTIONS = "DELETE FROM import_rejections
        WHERE import_id IN (SELECT i.id FROM imports i WHERE i.campaign_id = $1)";
    DELETE_IMPORTS = "DELETE FROM imports WHERE campaign_id = $1";
    DELETE_CONTACTS = "DELETE FROM contacts WHERE campaign_id = $1";
    DELETE_CAMPAIGN = "DELETE FROM campaigns WHERE id = $1";

    CONTACTS_BY_POSITION = by_position!("");
    CONTACTS_BY_POSITION_DESCENDING = by_position!("", descending);
    CONTACTS_OF_STATE = by_position!(" AND state = $2");
    CONTACTS_OF_STATE_DESCENDING = by_position!(" AND state = $2", descending);
    CONTACTS_OF_OUTCOME = by_position!(" AND last_outcome = $3");
    CONTACTS_OF_OUTCOME_DESCENDING = by_position!(" AND last_outcome = $3", descending);
    CONTACTS_OF_DISPOSITION = by_position!(" AND last_disposition = $4");
    CONTACTS_OF_DISPOSITION_DESCENDING = by_position!(" AND last_disposition = $4", descending);
    CONTACTS_OF_EXTERNAL_ID = by_position!(" AND external_id = $5");
    CONTACTS_OF_EXTERNAL_ID_DESCENDING = by_position!(" AND external_id = $5", descending);

    CONTACTS_BY_LAST_ATTEMPT = by_last_attempt!("");
    CONTACTS_BY_LAST_ATTEMPT_DESCENDING = by_last_attempt!("", descending);
    CONTACTS_OF_STATE_BY_LAST_ATTEMPT = by_last_attempt!(" AND state = $2");
    CONTACTS_OF_STATE_BY_LAST_ATTEMPT_DESCENDING = by_last_attempt!(" AND state = $2", descending);
    CONTACTS_OF_OUTCOME_BY_LAST_ATTEMPT = by_last_attempt!(" AND last_outcome = $3");
    CONTACTS_OF_OUTCOME_BY_LAST_ATTEMPT_DESCENDING = by_last_attempt!(" AND last_outcome = $3", descending);
    /// These are few: they are found by their id and sorted, by an expression that no index is in the order of.
    CONTACTS_OF_EXTERNAL_ID_BY_LAST_ATTEMPT = concat!(contact_record!(), matching!(" AND external_id = $5"),
        "AND (", last_attempt!(), " + 0 > $6 OR (", last_attempt!(), " + 0 = $6 AND position > $7))
        ORDER BY ", last_attempt!(), " + 0, position LIMIT $8");
    CONTACTS_OF_EXTERNAL_ID_BY_LAST_ATTEMPT_DESCENDING = concat!(contact_record!(), matching!(" AND external_id = $5"),
        "AND (", last_attempt!(), " + 0 < $6 OR (", last_attempt!(), " + 0 = $6 AND position < $7))
        ORDER BY ", last_attempt!(), " + 0 DESC, position DESC LIMIT $8");

    /// In the index alone, if nothing else is asked for.
    COUNT_OF_OUTCOME_ALONE = "SELECT COUNT(*) AS n FROM contacts WHERE campaign_id = $1 AND last_outcome = $2";
    COUNT_OF_OUTCOME = count_matching!(" AND last_outcome = $3");
    COUNT_OF_DISPOSITION = count_matching!(" AND last_disposition = $4");
    COUNT_OF_EXTERNAL_ID = count_matching!(" AND external_id = $5");

    ONE_CONTACT = concat!(contact_record!(), "WHERE id = $1 AND campaign_id = $2");

    ATTEMPTS_OF_CONTACT = concat!("SELECT ", attempt_columns!(), " FROM attempts
        WHERE campaign_id = $1 AND contact_id = $2 ORDER BY attempt_number");

    BEGIN_IMPORT = "INSERT INTO imports (id, campaign_id, source_name, started_by, started_at_ms, seen_at_ms)
        VALUES ($1, $2, $3, $4, $5, $5)";

    /// Nothing if it has ended.
    COUNT_ROWS = "UPDATE imports SET total_rows = total_rows + $2, accepted_rows = accepted_rows + $3,
            known_rows = known_rows + $4, rejected_rows = rejected_rows + $5, seen_at_ms = $6
        WHERE id = $1 AND state = 'running'";

    IMPORT_GOES_ON = "UPDATE imports SET seen_at_ms = $2 WHERE id = $1 AND state = 'running'";

    EXCLUDE_LISTED = "UPDATE contacts SET state = 'excluded', excluded_reason = 'do_not_call'
        WHERE campaign_id = $1 AND state = 'pending'
          AND EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = contacts.phone_number)";

    /// In one order on every server.
    ABANDONED_IMPORTS = "SELECT id, campaign_id FROM imports WHERE state = 'running' AND seen_at_ms < $1 ORDER BY id";

    END_ABANDONED_IMPORT = "UPDATE imports SET state = 'failed', fault = $2, ended_at_ms = $3
        WHERE id = $1 AND state = 'running' AND seen_at_ms < $4";

    END_IMPORT = "UPDATE imports SET state = $2, fault = $3, ended_at_ms = $4 WHERE id = $1 AND state = 'running'";

    ONE_IMPORT = concat!(import_record!(), "WHERE id = $1");

    IMPORTS = concat!(import_record!(), "WHERE campaign_id = $1 AND (started_at_ms, id) < ($2, $3)
        ORDER BY started_at_ms DESC, id DESC LIMIT $4");

    ADD_REJECTIONS = "INSERT INTO import_rejections (import_id, row_number, column_name, reason) VALUES ($1, $2, $3, $4)
        ON CONFLICT (import_id, row_number) DO NOTHING";

    REJECTIONS = "SELECT row_number, column_name, reason FROM import_rejections
        WHERE import_id = $1 AND row_number > $2 ORDER BY row_number LIMIT $3";

    EXCLUSIONS = concat!(exclusion!(), "WHERE (added_at_ms, phone_number) < ($1, $2)
        ORDER BY added_at_ms DESC, phone_number DESC LIMIT $3");

    EXCLUSIONS_OF_SOURCE = concat!(exclusion!(), "WHERE source = $4 AND (added_at_ms, phone_number) < ($1, $2)
        ORDER BY added_at_ms DESC, phone_number DESC LIMIT $3");

    EXCLUSION_OF_NUMBER = concat!(exclusion!(), "WHERE phone_number = $1");

    /// What was said in a call stays, whoever asks.
    REMOVE_EXCLUSION = "DELETE FROM do_not_call WHERE phone_number = $1 AND source <> 'in_call'";

    /// Contacts that were excluded by the list alone.
    READMIT_NUMBER = "UPDATE contacts SET state = 'pending', excluded_reason = NULL
        WHERE phone_number = $1 AND state = 'excluded' AND excluded_reason = 'do_not_call'
          AND campaign_id IN (SELECT k.id FROM campaigns k WHERE k.lifecycle NOT IN ('completed', 'archived'))";

    STATE_OF_CONTACT = "SELECT state, excluded_reason FROM contacts WHERE id = $1";

    EXCLUDE_CONTACT = "UPDATE contacts SET state = 'excluded', excluded_reason = $2 WHERE id = $1";

    /// A call that was under way when the contact was taken out may still be.
    INCLUDE_CONTACT = "UPDATE contacts SET excluded_reason = NULL, state = CASE WHEN EXISTS (
            SELECT 1 FROM attempts a WHERE a.campaign_id = contacts.campaign_id AND a.contact_id = contacts.id
                AND a.state <> 'ended') THEN 'in_progress' ELSE 'pending' END
        WHERE id = $1 RETURNING state";

    OPEN_ATTEMPTS_OF_CONTACT = concat!("SELECT ", attempt_columns!(), " FROM attempts
        WHERE campaign_id = $1 AND contact_id = $2 AND state <> 'ended' ORDER BY attempt_number");

    MODE_AND_VERSION = "SELECT mode, version FROM campaigns WHERE id = $1";

    COUNT_IN_FLIGHT = "SELECT COUNT(*) AS n FROM attempts WHERE campaign_id = $1 AND state <> 'ended' AND mode = $2";

    /// Attempts by everything that is counted one by one.
    COUNT_ENDED = "SELECT outcome, disposition, local_date, CAST(NULL AS BIGINT) AS utc_day,
            CASE WHEN answered_by IS NULL THEN 0 ELSE 1 END AS answered, COUNT(*) AS n
        FROM attempts WHERE campaign_id = $1 AND mode = $2 AND state = 'ended' AND local_date IS NOT NULL
        GROUP BY outcome, disposition, local_date, answered_by";

    /// The same of attempts of which only the moment is known, not the campaign's day.
    COUNT_ENDED_UNDATED = "SELECT outcome, disposition, local_date, created_at_ms / 86400000 AS utc_day,
            CASE WHEN answered_by IS NULL THEN 0 ELSE 1 END AS answered, COUNT(*) AS n
        FROM attempts WHERE campaign_id = $1 AND mode = $2 AND state = 'ended' AND local_date IS NULL
        GROUP BY outcome, disposition, local_date, answered_by, created_at_ms / 86400000";

    /// Contacts by the disposition that tells most: the codes are in that order but for those that cannot be a case, which
    /// come after contacts and before what is unknown.
    /// `called`: whether one of the attempts was more than planned.
    COUNT_CASES = "SELECT final, called, COUNT(*) AS n FROM (
            SELECT MIN(CASE WHEN disposition IN ('4.2', '4.31') THEN '2.9' ELSE COALESCE(disposition, '3.11') END) AS final,
                MAX(CASE WHEN COALESCE(disposition, '3.11') = '3.11' THEN 0 ELSE 1 END) AS called
            FROM attempts WHERE campaign_id = $1 AND mode = $2 AND state = 'ended' GROUP BY contact_id) cases
        GROUP BY final, called";

    /// Each contact's newest consent, and below each contact's newest interview: see `store::counted`.
    COUNT_CONSENTS = "SELECT granted, COUNT(*) AS n FROM consents
        WHERE campaign_id = $1 AND mode = $2 AND counted = 1 GROUP BY granted";

    /// Of each question, in one pass over the answers: first what was answered by type, then the most frequent values, at
    /// most $3.
    COUNT_ANSWERS = concat!("WITH tally AS (
            SELECT question, value_type, counted_value AS value, COUNT(*) AS n FROM answers
            WHERE campaign_id = $1 AND mode = $2 AND counted = 1 GROUP BY question, value_type, counted_value)
        SELECT question, value_type, CAST(NULL AS TEXT) AS value, CAST(SUM(n) AS BIGINT) AS n,
            MIN(CAST(", number!(), " AS BIGINT)) AS least, MAX(CAST(", number!(), " AS BIGINT)) AS greatest,
            SUM(CAST(", number!(), " AS DOUBLE PRECISION) * n) / CAST(SUM(n) AS DOUBLE PRECISION) AS mean,
            0 AS place
        FROM tally GROUP BY question, value_type
        UNION ALL
        SELECT question, NULL, value, n, NULL, NULL, NULL, place FROM (
            SELECT question, value, CAST(SUM(n) AS BIGINT) AS n,
                ROW_NUMBER() OVER (PARTITION BY question ORDER BY SUM(n) DESC, value) AS place
            FROM tally WHERE value IS NOT NULL GROUP BY question, value) ranked
        WHERE place <= $3 ORDER BY question, place, value_type");

    /// In the order of positions, whatever part of the contacts is finished: a page begins where the last one ended. $4:
    /// whether excluded ones are wanted.
    EXPORT_PAGE = concat!("SELECT c.id, c.campaign_id, c.position, c.external_id, c.phone_number, c.state,
            c.used_attempts, c.last_attempt_at_ms, c.last_disposition, c.mode, a.ended_at_ms,
            n0.value_type AS type_0, n0.value AS value_0, n1.value_type AS type_1, n1.value AS value_1,
            n2.value_type AS type_2, n2.value AS value_2
        FROM (SELECT p.*, k.mode, (SELECT l.id FROM attempts l JOIN answers v ON v.attempt_id = l.id
                    WHERE l.campaign_id = p.campaign_id AND l.contact_id = p.id AND l.mode = k.mode AND ",
                      has_answers!("l"), "
                    ORDER BY l.attempt_number DESC LIMIT 1) AS interview_id
              FROM contacts p JOIN campaigns k ON k.id = p.campaign_id
              WHERE p.campaign_id = $1 AND p.position > $2
                AND (COALESCE(p.state, '') IN ('completed', 'refused', 'not_reached')
                    OR ($4 = 1 AND COALESCE(p.state, '') = 'excluded'))
              ORDER BY p.position LIMIT $3) c
        LEFT JOIN attempts a ON a.campaign_id = c.campaign_id AND a.contact_id = c.id
            AND a.attempt_number = c.attempts_count AND a.mode = c.mode
        LEFT JOIN answers n0 ON n0.attempt_id = c.interview_id AND n0.question = 0
        LEFT JOIN answers n1 ON n1.attempt_id = c.interview_id AND n1.question = 1
        LEFT JOIN answers n2 ON n2.attempt_id = c.interview_id AND n2.question = 2
        ORDER BY c.position");

    NEWEST_END = "SELECT MAX(ended_at_ms) AS ended_at_ms FROM attempts WHERE campaign_id = $1 AND state = 'ended'";
}
