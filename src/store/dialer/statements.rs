//! The dialler's statements, by the rules of the other ones (see `store::statements`).

use crate::store::statements::{attempt_columns, statements};

macro_rules! campaign_state {
    () => {
        "SELECT id, lifecycle, lifecycle_reason, mode, starts_at_ms, priority, epoch, leader FROM campaigns "
    };
}

macro_rules! held {
    () => {
        concat!(
            "SELECT ",
            attempt_columns!(),
            ", node, permit_deadline_ms, country, caller_id, local_date FROM attempts "
        )
    };
}

/// Attempts with an outcome of whose call the carrier has not said that it is over: what the index `attempts_outlasting`
/// has.
macro_rules! outlasting {
    () => {
        "state = 'ended' AND call_sid IS NOT NULL
          AND (carrier_status IS NULL OR carrier_status NOT IN ('completed', 'busy', 'no-answer', 'failed', 'canceled'))"
    };
}

macro_rules! in_flight {
    () => {
        concat!(held!(), "WHERE state <> 'ended' ")
    };
}

statements! {
    CAMPAIGN_STATE = concat!(campaign_state!(), "WHERE id = $1");

    ACTIVE_CAMPAIGNS = concat!(campaign_state!(), "WHERE lifecycle IN ('scheduled', 'running', 'paused')
        ORDER BY priority DESC, created_at_ms, id");

    ALL_CAMPAIGNS = concat!(campaign_state!(), "ORDER BY created_at_ms, id");

    SET_LIFECYCLE = "UPDATE campaigns
        SET lifecycle = $2, lifecycle_reason = $3, starts_at_ms = $4, updated_at_ms = $5, version = version + 1
        WHERE id = $1";

    SET_MODE = "UPDATE campaigns SET mode = $2, updated_at_ms = $3, version = version + 1 WHERE id = $1";

    STILL_TO_CALL = "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM contacts c
            WHERE c.campaign_id = $1 AND c.state = 'pending')
        OR EXISTS (SELECT 1 FROM imports i WHERE i.state = 'running' AND i.campaign_id = $1)";

    OPEN_OR_LIVE = "SELECT COUNT(*) AS n FROM attempts WHERE campaign_id = $1 AND (state <> 'ended' OR mode = 'live')";

    COUNT_OPEN = "SELECT COUNT(*) AS n FROM attempts WHERE campaign_id = $1 AND state <> 'ended'";

    /// Forgets a rehearsal. Whose number was listed meanwhile, though settled, is not to be called for real.
    RESET_CONTACTS = "UPDATE contacts SET used_attempts = 0, last_attempt_at_ms = NULL, last_outcome = NULL,
            last_disposition = NULL, next_attempt_at_ms = 0,
            state = CASE WHEN state = 'excluded'
                OR EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = contacts.phone_number)
                THEN 'excluded' ELSE 'pending' END,
            excluded_reason = CASE WHEN state = 'excluded' THEN excluded_reason
                WHEN EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = contacts.phone_number)
                THEN 'do_not_call' ELSE NULL END
        WHERE campaign_id = $1 AND last_attempt_at_ms IS NOT NULL";

    TAKE_LEADERSHIP = "UPDATE campaigns SET epoch = $2, leader = $3
        WHERE id = $1 AND (epoch < $2 OR (epoch = $2 AND (leader = $3 OR leader IS NULL)))";

    /// Holds the campaign's row until the transaction ends, unless a newer leader is known: no takeover, pause or stop
    /// comes in between.
    FENCE = "UPDATE campaigns SET epoch = epoch WHERE id = $1 AND epoch <= $2
        RETURNING lifecycle, mode, definition, cooldown_ms";

    /// Distinct zones by skipping from one to the next in the index, not by reading every contact.
    ZONES = "WITH RECURSIVE z (zone) AS (
            SELECT MIN(zone) FROM contacts WHERE campaign_id = $1 AND state = 'pending'
            UNION ALL
            SELECT (SELECT MIN(c.zone) FROM contacts c
                WHERE c.campaign_id = $1 AND c.state = 'pending' AND c.zone > z.zone)
            FROM z WHERE z.zone IS NOT NULL)
        SELECT zone FROM z WHERE zone IS NOT NULL";

    COUNT_CONTACTS = "SELECT state, COUNT(*) AS n FROM contacts WHERE campaign_id = $1 GROUP BY state";

    PENDING_BY_ZONE = "SELECT zone, COUNT(*) AS n FROM contacts WHERE campaign_id = $1 AND state = 'pending' GROUP BY zone";

    /// $2: whether consent is wanted; $3: calls of other campaigns up to then do not matter; $4: the oldest word of the
    /// registry that counts, 0 if it is not asked; $5: the mode that is asked about, in which contacts begin anew unless
    /// the campaign has it.
    ELIGIBILITY = "SELECT reason, COUNT(*) AS n FROM (SELECT CASE
            WHEN EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = c.phone_number) THEN 'do_not_call'
            WHEN c.state = 'excluded' THEN 'excluded'
            WHEN c.state IN ('completed', 'refused', 'not_reached')
                AND $5 = (SELECT k.mode FROM campaigns k WHERE k.id = $1) THEN 'settled'
            WHEN $2 = 1 AND c.prior_consent = 0 THEN 'no_consent'
            WHEN EXISTS (SELECT 1 FROM numbers n WHERE n.phone_number = c.phone_number
                AND n.last_contacted_at_ms > $3 AND n.last_campaign_id <> c.campaign_id) THEN 'cooling_down'
            WHEN $4 > 0 AND NOT EXISTS (SELECT 1 FROM registry_scrubs r
                WHERE r.phone_number = c.phone_number AND r.listed = 0 AND r.scrubbed_at_ms >= $4) THEN 'not_scrubbed'
            ELSE 'eligible' END AS reason
        FROM contacts c WHERE c.campaign_id = $1) judged GROUP BY reason";

    /// The index of ended attempts is read from its end; what is older than the last change is not looked at.
    LATEST_ENDS = "SELECT a.disposition FROM attempts a
        WHERE a.state = 'ended' AND a.campaign_id = $1 AND a.disposition IS NOT NULL
          AND a.ended_at_ms >= (SELECT k.updated_at_ms FROM campaigns k WHERE k.id = $1)
          AND a.mode = (SELECT k.mode FROM campaigns k WHERE k.id = $1)
        ORDER BY a.ended_at_ms DESC LIMIT $2";

    /// $4: whether consent is wanted; $5: calls of other campaigns up to then do not matter; $6: the oldest word of the
    /// registry that counts, 0 if it is not asked.
    DUE = "SELECT c.id, c.phone_number, c.zone, c.language, c.used_attempts, c.next_attempt_at_ms
        FROM contacts c
        WHERE c.campaign_id = $1 AND c.zone = $2 AND c.state = 'pending' AND c.next_attempt_at_ms <= $3
          AND ($4 = 0 OR c.prior_consent = 1)
          AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.phone_number = c.phone_number)
          AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.open_number = c.phone_number)
          AND NOT EXISTS (SELECT 1 FROM numbers n WHERE n.phone_number = c.phone_number
                AND n.last_contacted_at_ms > $5 AND n.last_campaign_id <> c.campaign_id)
          AND ($6 = 0 OR EXISTS (SELECT 1 FROM registry_scrubs r
                WHERE r.phone_number = c.phone_number AND r.listed = 0 AND r.scrubbed_at_ms >= $6))
        ORDER BY c.next_attempt_at_ms, c.position LIMIT $7";

    TODAY_BY_MODE = "SELECT mode, COUNT(*) AS n FROM attempts
        WHERE local_date = $1 AND campaign_id = $2 AND (submitted_at_ms IS NOT NULL OR state <> 'ended')
        GROUP BY mode";

    CONTACT_TO_CLAIM = "SELECT phone_number, state, next_attempt_at_ms, prior_consent FROM contacts
        WHERE id = $1 AND campaign_id = $2";

    ENSURE_NUMBER = "INSERT INTO numbers (phone_number) VALUES ($1) ON CONFLICT (phone_number) DO NOTHING";

    SCRUB_OF = "SELECT listed, scrubbed_at_ms FROM registry_scrubs WHERE phone_number = $1";

    /// A planned attempt alone: the carrier was never asked for it.
    DELETE_PLANNED = "DELETE FROM attempts WHERE id = $1 AND state = 'planned'";

    GIVE_ATTEMPT_BACK = "UPDATE contacts
        SET attempts_count = attempts_count - 1, used_attempts = used_attempts - 1,
            state = CASE WHEN state = 'in_progress' THEN 'pending' ELSE state END,
            last_attempt_at_ms = (SELECT MAX(a.created_at_ms) FROM attempts a
                WHERE a.campaign_id = contacts.campaign_id AND a.contact_id = contacts.id AND a.mode = $2)
        WHERE id = $1";

    MARK_SUBMITTING = "UPDATE attempts SET state = 'submitting', submitted_at_ms = $2 WHERE id = $1";

    BEGIN_COOLDOWN = "UPDATE numbers SET last_contacted_at_ms = $2, last_campaign_id = $3 WHERE phone_number = $1";

    /// Puts a number's other campaigns off until their cooldown ends, so that no tick passes over them.
    PUT_OTHERS_OFF = "UPDATE contacts
        SET next_attempt_at_ms = $2 + (SELECT k.cooldown_ms FROM campaigns k WHERE k.id = contacts.campaign_id)
        WHERE phone_number = $1 AND campaign_id <> $3 AND state = 'pending'
          AND next_attempt_at_ms < $2 + (SELECT k.cooldown_ms FROM campaigns k WHERE k.id = contacts.campaign_id)";

    IS_EXCLUDED = "SELECT 1 AS found FROM contacts WHERE id = $1 AND state = 'excluded'";

    IN_FLIGHT_TO_EXCLUDED = concat!("SELECT ", attempt_columns!(), " FROM attempts WHERE state <> 'ended'
        AND EXISTS (SELECT 1 FROM contacts c WHERE c.id = attempts.contact_id AND c.state = 'excluded')
        ORDER BY created_at_ms, id");

    NAME_OF_ATTEMPT = "SELECT c.name, c.language FROM attempts a JOIN contacts c ON c.id = a.contact_id WHERE a.id = $1";

    IN_FLIGHT = concat!(in_flight!(), "ORDER BY created_at_ms, id");

    IN_FLIGHT_OF = concat!(in_flight!(), "AND node = $1 ORDER BY created_at_ms, id");

    /// Attempts that may have a call: in flight, or with an outcome and no word of the carrier that the call is over.
    MAY_HAVE_CALL = concat!(in_flight!(), "UNION ALL ", held!(), "WHERE permit_deadline_ms > $1 AND ", outlasting!(),
        " ORDER BY created_at_ms, id");

    /// Whether the carrier may still hold a call to a number though its attempt has an outcome.
    OUTLASTING_CALL_TO = concat!("SELECT 1 AS found FROM
            (SELECT contact_id FROM attempts WHERE permit_deadline_ms > $2 AND ", outlasting!(), ") a
        JOIN contacts c ON c.id = a.contact_id WHERE c.phone_number = $1 LIMIT 1");

    BY_DAY = "SELECT local_date, campaign_id, country, caller_id, mode, COUNT(*) AS n FROM attempts
        WHERE local_date >= $1 AND (submitted_at_ms IS NOT NULL OR state <> 'ended')
        GROUP BY local_date, campaign_id, country, caller_id, mode
        ORDER BY local_date, campaign_id, country, caller_id, mode";

    RECORD_SCRUB = "INSERT INTO registry_scrubs (phone_number, listed, scrubbed_at_ms) VALUES ($1, $2, $3)
        ON CONFLICT (phone_number) DO UPDATE SET listed = excluded.listed, scrubbed_at_ms = excluded.scrubbed_at_ms
        WHERE excluded.scrubbed_at_ms >= registry_scrubs.scrubbed_at_ms";

    PENDING_EVENTS = "SELECT attempt_id, kind, campaign_id, contact_id, mode, created_at_ms FROM events
        WHERE status = 'pending' ORDER BY created_at_ms, attempt_id LIMIT $1";

    MARK_EVENT_DELIVERED = "UPDATE events SET status = 'delivered'
        WHERE attempt_id = $1 AND kind = $2 AND status = 'pending'";
}
