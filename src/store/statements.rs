//! Every SQL statement, one text for SQLite and PostgreSQL: `$n` placeholders, ids as TEXT, times as BIGINT,
//! booleans as INTEGER 0 or 1, fractions bound as text (`rows::fraction`). A test prepares each on the database.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(in crate::store) const $name: &str = $sql;)*

        /// All of them, by name.
        #[cfg(test)]
        pub(in crate::store) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(super) use statements;

/// What a claim reads and takes; see `Dialect::claim_number`.
macro_rules! claim_number {
    () => {
        "SELECT phone_number, last_contacted_at_ms, last_campaign_id FROM numbers WHERE phone_number = $1"
    };
}
pub(super) use claim_number;

macro_rules! attempt_columns {
    () => {
        "id, campaign_id, contact_id, attempt_number, mode, state, call_sid, carrier_status, outcome, disposition, \
         answered_by, created_at_ms, ended_at_ms"
    };
}
pub(super) use attempt_columns;

/// Contacts that are not called any more, or whose campaign is over: none of their calls is open or ended later than $1.
macro_rules! called_no_more {
    () => {
        " AND created_at_ms < $1
          AND (state NOT IN ('pending', 'in_progress') OR campaign_id IN (
            SELECT k.id FROM campaigns k WHERE k.lifecycle IN ('completed', 'archived')))
          AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.campaign_id = contacts.campaign_id
            AND a.contact_id = contacts.id AND (a.ended_at_ms IS NULL OR a.ended_at_ms >= $1))"
    };
}

/// Contacts of one slice of a purge: after $2, up to $3.
macro_rules! contacts_slice {
    () => {
        "id IN (SELECT p.id FROM contacts p WHERE p.id > $2 AND p.id <= $3 ORDER BY p.id LIMIT 500)"
    };
}

/// Attempts of one slice of a purge: after ($1, $2), up to ($3, $4), as `PURGE_SLICE` found them. The limit is written out,
/// so that PostgreSQL plans for few rows whatever the values.
macro_rules! purge_slice {
    () => {
        "(SELECT e.id FROM attempts e WHERE e.state = 'ended' AND (e.ended_at_ms, e.id) > ($1, $2)
            AND (e.ended_at_ms, e.id) <= ($3, $4) ORDER BY e.ended_at_ms, e.id LIMIT 200)"
    };
}

/// Of the attempts of campaign $1, contact $2 and mode $3 before attempt number $4.
macro_rules! of_earlier_attempts {
    () => {
        "attempt_id IN (SELECT e.id FROM attempts e
            WHERE e.campaign_id = $1 AND e.contact_id = $2 AND e.mode = $3 AND e.attempt_number < $4)"
    };
}

statements! {
    CLAIM_NUMBER = claim_number!();

    PUT_CAMPAIGN = "INSERT INTO campaigns (id, definition, created_at_ms, updated_at_ms, priority, cooldown_ms)
        VALUES ($1, $2, $3, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, updated_at_ms = excluded.updated_at_ms,
            priority = excluded.priority, cooldown_ms = excluded.cooldown_ms, version = campaigns.version + 1
        WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.campaign_id = campaigns.id AND a.state <> 'ended')";

    GET_CAMPAIGN = "SELECT definition FROM campaigns WHERE id = $1";

    /// Takes the campaign's row for this transaction, so that no two give out the same positions.
    LOCK_CAMPAIGN = "UPDATE campaigns SET created_at_ms = created_at_ms WHERE id = $1";

    LAST_POSITION = "SELECT COALESCE(MAX(position), 0) AS position FROM contacts WHERE campaign_id = $1";

    /// Which of many numbers the campaign has. A subquery for each, so that it is looked up in the unique index: PostgreSQL
    /// has no statistics of a table that is just being filled, and would read all of it.
    NUMBERS_OF_CAMPAIGN = "SELECT phone_number FROM (
            SELECT (SELECT c.phone_number FROM contacts c WHERE c.campaign_id = $1 AND c.phone_number = v.column1)
                AS phone_number
            FROM (VALUES ($2)) AS v) found
        WHERE phone_number IS NOT NULL";

    /// Many contacts of campaign $1. Excluded if on do-not-call, not due before their cooldown ends. Looked up as in
    /// NUMBERS_OF_CAMPAIGN.
    ADD_CONTACTS = "WITH v (id, position, phone_number, external_id, zone, language, prior_consent, name, email)
            AS (VALUES ($3, $4, $5, $6, $7, $8, $9, $10, $11))
        INSERT INTO contacts
            (id, campaign_id, position, phone_number, external_id, attempts_count, created_at_ms, zone, language,
             prior_consent, name, email, state, excluded_reason, next_attempt_at_ms)
        SELECT v.id, $1, CAST(v.position AS BIGINT), v.phone_number, v.external_id, 0, CAST($2 AS BIGINT), v.zone,
            v.language, CAST(v.prior_consent AS INTEGER), v.name, v.email,
            CASE WHEN (SELECT d.phone_number FROM do_not_call d WHERE d.phone_number = v.phone_number) IS NULL
                THEN 'pending' ELSE 'excluded' END,
            CASE WHEN (SELECT d.phone_number FROM do_not_call d WHERE d.phone_number = v.phone_number) IS NULL
                THEN NULL ELSE 'do_not_call' END,
            COALESCE((SELECT n.last_contacted_at_ms + (SELECT k.cooldown_ms FROM campaigns k WHERE k.id = $1)
                FROM numbers n WHERE n.phone_number = v.phone_number AND n.last_campaign_id <> $1), 0)
        FROM v";

    CONTACTS = "SELECT id, campaign_id, phone_number, external_id, attempts_count FROM contacts
        WHERE campaign_id = $1 ORDER BY position";

    NUMBER_OF_CONTACT = "SELECT phone_number FROM contacts WHERE id = $1 AND campaign_id = $2";

    /// Gives out the contact's next attempt number and holds its row until the attempt is written.
    COUNT_ATTEMPT = "UPDATE contacts SET attempts_count = attempts_count + 1, used_attempts = used_attempts + 1,
            state = 'in_progress', last_attempt_at_ms = $3
        WHERE id = $1 AND campaign_id = $2
        RETURNING attempts_count";

    /// The contact was not called.
    UNCOUNT_ATTEMPT = "UPDATE contacts SET used_attempts = used_attempts - 1 WHERE id = $1";

    /// Writes nothing if an attempt to the number is open.
    CREATE_ATTEMPT = "INSERT INTO attempts
        (id, campaign_id, contact_id, attempt_number, mode, state, open_number, token_hash, token_expires_at_ms,
         created_at_ms, node, epoch, permit_deadline_ms, country, caller_id, local_date)
        VALUES ($1, $2, $3, $4, $5, 'planned', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (open_number) WHERE open_number IS NOT NULL DO NOTHING";

    GET_ATTEMPT = concat!("SELECT ", attempt_columns!(), " FROM attempts WHERE id = $1");

    /// Takes the attempt's row for this transaction: whoever comes second sees what the first did.
    LOCK_ATTEMPT = concat!("UPDATE attempts SET mode = mode WHERE id = $1 RETURNING ", attempt_columns!());

    OPEN_ATTEMPTS =
        concat!("SELECT ", attempt_columns!(), " FROM attempts WHERE state <> 'ended' ORDER BY created_at_ms, id");

    SET_STATE = "UPDATE attempts SET state = $2 WHERE id = $1";

    BIND_CALL = "UPDATE attempts SET call_sid = $2, state = $3 WHERE id = $1";

    SET_REFUSAL_REASON = "UPDATE attempts SET refusal_reason = $2 WHERE id = $1";

    /// Uses up a token. Of any number of nodes that try at once, one gets a row; nobody is spoken to whose number was
    /// listed while it rang.
    CONSUME_TOKEN = "UPDATE attempts
        SET state = 'live', token_used_at_ms = $1, call_sid = $2, account_sid = $3, stream_sid = $4
        WHERE id = $5 AND token_hash = $6 AND token_used_at_ms IS NULL AND token_expires_at_ms > $1
          AND (call_sid IS NULL OR call_sid = $2)
          AND state IN ('submitting', 'submitted', 'submission_unknown')
          AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = attempts.open_number)
        RETURNING campaign_id, contact_id, mode, machine_verdict,
            (SELECT c.name FROM contacts c WHERE c.id = attempts.contact_id) AS name,
            (SELECT c.language FROM contacts c WHERE c.id = attempts.contact_id) AS contact_language";

    TOKEN_STATE = "SELECT token_hash, token_used_at_ms, token_expires_at_ms, call_sid, state,
            (SELECT COUNT(*) FROM do_not_call d WHERE d.phone_number = attempts.open_number) AS listed
        FROM attempts WHERE id = $1";

    /// Where the contact of an attempt stands, and by which rules its campaign dials.
    CONTACT_OF_ATTEMPT = "SELECT c.phone_number, c.state, c.excluded_reason, c.used_attempts, c.zone, k.definition
        FROM contacts c JOIN campaigns k ON k.id = c.campaign_id WHERE c.id = $1 AND c.campaign_id = $2";

    MOVE_CONTACT_ON = "UPDATE contacts
        SET state = $2, excluded_reason = $3, next_attempt_at_ms = $4, last_outcome = $5, last_disposition = $6
        WHERE id = $1";

    ADD_EVENT = "INSERT INTO events (attempt_id, kind, campaign_id, contact_id, mode, created_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (attempt_id, kind) DO NOTHING";

    /// Holds the rows of numbers until the transaction ends. Of several in the order of the statement.
    LOCK_NUMBERS = "INSERT INTO numbers (phone_number) VALUES ($1)
        ON CONFLICT (phone_number) DO UPDATE SET phone_number = excluded.phone_number";

    /// Which of many numbers a pending contact has, in any campaign. Looked up as in NUMBERS_OF_CAMPAIGN, and COALESCE
    /// keeps PostgreSQL from taking an index of all pending contacts for one of few.
    PENDING_NUMBERS = "SELECT phone_number FROM (
            SELECT v.column1 AS phone_number, (SELECT COUNT(*) FROM contacts c
                WHERE c.phone_number = v.column1 AND COALESCE(c.state, '') = 'pending') AS n
            FROM (VALUES ($1)) AS v) found
        WHERE n > 0 ORDER BY phone_number";

    /// Takes the pending contacts of a number out, in every campaign.
    EXCLUDE_NUMBER = "UPDATE contacts SET state = 'excluded', excluded_reason = 'do_not_call'
        WHERE phone_number = $1 AND COALESCE(state, '') = 'pending'";

    OPEN_ATTEMPTS_TO = concat!("SELECT ", attempt_columns!(), " FROM attempts WHERE open_number IN ($1)
        ORDER BY open_number");

    /// Writes nothing if it was told before.
    ADD_CALLBACK = "INSERT INTO callbacks (call_sid, dedupe_key, attempt_id, kind, value, received_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (call_sid, dedupe_key) DO NOTHING";

    SET_CARRIER_STATUS = "UPDATE attempts SET carrier_status = $2 WHERE id = $1";

    /// What comes with a terminal status.
    SET_CARRIER_END = "UPDATE attempts SET call_duration_seconds = $2, sip_code = $3 WHERE id = $1";

    SET_MACHINE_VERDICT = "UPDATE attempts SET machine_verdict = $2 WHERE id = $1";

    END_ATTEMPT = "UPDATE attempts
        SET state = 'ended', open_number = NULL, outcome = $2, disposition = $3, end_reason = $4,
            callback_request = $5, ended_at_ms = $6, language = $7, answered_by = $8
        WHERE id = $1";

    ADD_CONSENT = "INSERT INTO consents
        (attempt_id, granted, wording, language, heard, confidence, via, at_ms, reason, campaign_id, mode, counted)
        VALUES ($1, $2, $3, $4, $5, CAST($6 AS DOUBLE PRECISION), $7, $8, $9, $10, $11, 1)";

    ADD_ANSWER = "INSERT INTO answers
        (attempt_id, question, value_type, value, via, heard, confidence, uncertain, times_asked, campaign_id, mode,
         counted, counted_value)
        VALUES ($1, $2, $3, $4, $5, $6, CAST($7 AS DOUBLE PRECISION), $8, $9, $10, $11, $12,
            CASE WHEN $3 = 'free_text' THEN NULL ELSE $4 END)";

    /// Takes what the attempts before $4 of contact $2 left out of what is counted.
    SUPERSEDE_CONSENTS = concat!("UPDATE consents SET counted = 0 WHERE ", of_earlier_attempts!());
    SUPERSEDE_ANSWERS = concat!("UPDATE answers SET counted = 0 WHERE ", of_earlier_attempts!());

    /// Attempts with results of a version that does not count them.
    UNSETTLED = "SELECT attempt_id FROM consents WHERE counted IS NULL
        UNION SELECT attempt_id FROM answers WHERE counted IS NULL LIMIT 100";

    SETTLE_CONSENT = "UPDATE consents SET campaign_id = $2, mode = $3, counted = 1
        WHERE attempt_id = $1 AND counted IS NULL";

    /// $4: whether the survey was gone through to its end.
    SETTLE_ANSWERS = "UPDATE answers SET campaign_id = $2, mode = $3,
            counted_value = CASE WHEN value_type = 'free_text' THEN NULL ELSE value END,
            counted = CASE WHEN $4 = 1 OR EXISTS (
                SELECT 1 FROM answers v WHERE v.attempt_id = $1 AND v.value IS NOT NULL) THEN 1 ELSE 0 END
        WHERE attempt_id = $1 AND counted IS NULL
        RETURNING counted";

    ADD_TRANSCRIPT_LINE = "INSERT INTO transcript_lines (attempt_id, line, at_ms, speaker, text, confidence)
        VALUES ($1, $2, $3, $4, $5, CAST($6 AS DOUBLE PRECISION))";

    ADD_LATENCY = "INSERT INTO turn_latencies
        (attempt_id, turn, endpoint_ms, recognition_ms, understanding_ms, decision_ms, first_audio_ms, total_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    ADD_DO_NOT_CALL = "INSERT INTO do_not_call (phone_number, source, attempt_id, added_at_ms)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (phone_number) DO NOTHING";

    /// What is said in a call takes the place of what was written: it stays for good.
    SAID_IN_CALL = "UPDATE do_not_call SET source = 'in_call', attempt_id = $2, added_at_ms = $3
        WHERE phone_number = $1 AND source <> 'in_call'";

    NUMBER_OF_ATTEMPT = "SELECT c.phone_number FROM attempts a JOIN contacts c ON c.id = a.contact_id WHERE a.id = $1";

    IS_DO_NOT_CALL = "SELECT 1 AS found FROM do_not_call WHERE phone_number = $1";

    /// One row per contact: its last attempt, what was said to consent, and whether it may be called.
    RESULTS = "SELECT c.id AS contact, c.campaign_id, c.phone_number, c.external_id, c.attempts_count,
            a.id, a.contact_id, a.attempt_number, a.mode, a.state, a.call_sid, a.carrier_status, a.outcome,
            a.disposition, a.answered_by, a.created_at_ms, a.ended_at_ms, a.callback_request,
            a.language AS call_language, c.state AS contact_state, c.next_attempt_at_ms, c.zone,
            s.granted, s.wording, s.language, s.heard, s.confidence, s.via, s.at_ms, s.reason,
            CASE WHEN d.phone_number IS NULL THEN 0 ELSE 1 END AS do_not_call
        FROM contacts c
        LEFT JOIN attempts a
          ON a.campaign_id = c.campaign_id AND a.contact_id = c.id AND a.attempt_number = c.attempts_count
        LEFT JOIN consents s ON s.attempt_id = a.id
        LEFT JOIN do_not_call d ON d.phone_number = c.phone_number
        WHERE c.campaign_id = $1 ORDER BY c.position";

    /// Answers of each contact's last attempt.
    RESULT_ANSWERS = "SELECT n.attempt_id, n.question, n.value_type, n.value, n.via, n.heard, n.confidence,
            n.uncertain, n.times_asked
        FROM contacts c
        JOIN attempts a
          ON a.campaign_id = c.campaign_id AND a.contact_id = c.id AND a.attempt_number = c.attempts_count
        JOIN answers n ON n.attempt_id = a.id
        WHERE c.campaign_id = $1 ORDER BY c.position, n.question";

    TRANSCRIPT = "SELECT at_ms, speaker, text, confidence FROM transcript_lines WHERE attempt_id = $1 ORDER BY line";

    LATENCIES = "SELECT turn, endpoint_ms, recognition_ms, understanding_ms, decision_ms, first_audio_ms, total_ms
        FROM turn_latencies WHERE attempt_id = $1 ORDER BY turn";

    /// Of attempts that ended before $3: those after the last slice, which ended with attempt ($1, $2).
    PURGE_SLICE = "SELECT ended_at_ms, id FROM attempts
        WHERE state = 'ended' AND (ended_at_ms, id) > ($1, $2) AND ended_at_ms < $3
        ORDER BY ended_at_ms, id LIMIT 200";

    PURGE_TRANSCRIPTS = concat!("DELETE FROM transcript_lines WHERE attempt_id IN ", purge_slice!());

    /// The answer's value stays, but for free text, which is nothing but words.
    PURGE_ANSWERS = concat!("UPDATE answers
        SET heard = NULL, value = CASE WHEN value_type = 'free_text' THEN '' ELSE value END
        WHERE (heard IS NOT NULL OR (value_type = 'free_text' AND value <> '')) AND attempt_id IN ", purge_slice!());

    PURGE_CONSENTS = concat!("UPDATE consents SET heard = '' WHERE heard <> '' AND attempt_id IN ", purge_slice!());

    /// The time of a callback is kept as it was said.
    PURGE_CALLBACK_REQUESTS = concat!("UPDATE attempts SET callback_request = NULL
        WHERE callback_request IS NOT NULL AND id IN ", purge_slice!());

    /// The contacts after $1 in the order of ids: the last of them, and how many have a name and are older than $2.
    PURGE_NAMES_SLICE = "SELECT MAX(id) AS last, COUNT(CASE WHEN created_at_ms < $2 THEN name ELSE NULL END) AS n
        FROM (SELECT id, name, created_at_ms FROM contacts WHERE id > $1 ORDER BY id LIMIT 500) slice";

    PURGE_NAMES = concat!(
        "UPDATE contacts SET name = NULL WHERE name IS NOT NULL AND ",
        contacts_slice!(),
        called_no_more!()
    );

    PURGE_EMAIL_ADDRESSES_SLICE = "SELECT MAX(id) AS last, COUNT(CASE WHEN created_at_ms < $2 THEN email ELSE NULL END) AS n
        FROM (SELECT id, email, created_at_ms FROM contacts WHERE id > $1 ORDER BY id LIMIT 500) slice";

    PURGE_EMAIL_ADDRESSES =
        concat!("UPDATE contacts SET email = NULL WHERE email IS NOT NULL AND ", contacts_slice!(), called_no_more!());

    /// As `PURGE_NAMES_SLICE`; how many are older than $2.
    PURGE_SCRUBS_SLICE = "SELECT MAX(phone_number) AS last, COUNT(CASE WHEN scrubbed_at_ms < $2 THEN 1 ELSE NULL END) AS n
        FROM (SELECT phone_number, scrubbed_at_ms FROM registry_scrubs WHERE phone_number > $1
            ORDER BY phone_number LIMIT 500) slice";

    PURGE_SCRUBS = "DELETE FROM registry_scrubs WHERE scrubbed_at_ms < $1
        AND phone_number IN (SELECT p.phone_number FROM registry_scrubs p
            WHERE p.phone_number > $2 AND p.phone_number <= $3 ORDER BY p.phone_number LIMIT 500)";

    /// What the carrier's call of an attempt would look like.
    CALL_MARKS = "SELECT c.phone_number, k.definition, COALESCE(a.submitted_at_ms, a.created_at_ms) AS submitted_at_ms
        FROM attempts a JOIN contacts c ON c.id = a.contact_id JOIN campaigns k ON k.id = a.campaign_id
        WHERE a.id = $1";

    /// Calls to a number that are known to be other attempts'.
    CALLS_TO = "SELECT a.call_sid FROM contacts c
        JOIN attempts a ON a.campaign_id = c.campaign_id AND a.contact_id = c.id
        WHERE c.phone_number = $1 AND a.id <> $2 AND a.call_sid IS NOT NULL";

    /// The latest attempt to a number for which the carrier was asked.
    LAST_CAMPAIGN_TO = "SELECT k.definition FROM contacts c
        JOIN attempts a ON a.campaign_id = c.campaign_id AND a.contact_id = c.id
        JOIN campaigns k ON k.id = c.campaign_id
        WHERE c.phone_number = $1 AND a.created_at_ms >= $2 AND a.state <> 'planned'
          AND (a.disposition IS NULL OR a.disposition <> '3.11')
        ORDER BY a.created_at_ms DESC, a.id LIMIT 1";
}
