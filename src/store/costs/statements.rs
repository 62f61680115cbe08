//! The statements of costs and latency, by the rules of the other ones (see `store::statements`).
//!
//! Parameters of all that read: the campaign, from when on, before when, the mode's word or NULL for all.

use crate::store::statements::statements;

/// The attempts of a query, found by the index `attempts_ended_by_campaign`.
macro_rules! of_query {
    () => {
        "a.state = 'ended' AND a.campaign_id = $1 AND a.ended_at_ms >= $2 AND a.ended_at_ms < $3
          AND (a.mode = $4 OR CAST($4 AS TEXT) IS NULL)"
    };
}

/// Whether somebody, or a machine, took the call: then it has a length.
macro_rules! answered {
    () => {
        "(a.carrier_status IN ('in-progress', 'completed') OR a.token_used_at_ms IS NOT NULL)"
    };
}

/// Turns by how long they took in one part.
macro_rules! turns_by {
    ($column:literal) => {
        concat!(
            "SELECT a.mode, CASE WHEN l.",
            $column,
            " > $5 THEN $5 ELSE l.",
            $column,
            " END AS ms, COUNT(*) AS turns
        FROM attempts a JOIN turn_latencies l ON l.attempt_id = a.id WHERE ",
            of_query!(),
            // Only a conversation has turns.
            " AND a.token_used_at_ms IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
        )
    };
}

statements! {
    ADD_SERVICE_USE = "INSERT INTO service_use
        (campaign_id, attempt_id, mode, kind, service, model, requests, audio_ms, characters, input_tokens,
         output_tokens, at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    CALL_TOTALS = concat!("SELECT a.mode, COUNT(*) AS attempts,
            COUNT(a.token_used_at_ms) AS conversations,
            COUNT(CASE WHEN a.outcome = 'completed' THEN 1 END) AS completed,
            COUNT(CASE WHEN a.token_used_at_ms IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM service_use u WHERE u.attempt_id = a.id) THEN 1 END) AS without_use,
            COUNT(CASE WHEN a.token_used_at_ms IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM turn_latencies l WHERE l.attempt_id = a.id) THEN 1 END) AS without_latency
        FROM attempts a WHERE ", of_query!(), " GROUP BY a.mode ORDER BY a.mode");

    /// Calls in the modes asked for, and preparations, which have none.
    SERVICE_TOTALS = "SELECT u.mode, u.kind, u.service, u.model, COUNT(*) AS users,
            CAST(SUM(u.requests) AS BIGINT) AS requests, CAST(SUM(u.audio_ms) AS BIGINT) AS audio_ms,
            CAST(SUM(u.characters) AS BIGINT) AS characters,
            CAST(SUM(u.input_tokens) AS BIGINT) AS input_tokens,
            CAST(SUM(u.output_tokens) AS BIGINT) AS output_tokens
        FROM service_use u
        WHERE u.campaign_id = $1 AND u.at_ms >= $2 AND u.at_ms < $3
          AND (u.mode = $4 OR u.mode IS NULL OR CAST($4 AS TEXT) IS NULL)
        GROUP BY u.mode, u.kind, u.service, u.model
        ORDER BY CASE WHEN u.mode IS NULL THEN 1 ELSE 0 END, u.mode, u.kind, u.service, u.model";

    CARRIER_TOTALS = concat!("SELECT a.mode, a.country, COUNT(a.call_duration_seconds) AS calls,
            CAST(COALESCE(SUM((a.call_duration_seconds + 59) / 60), 0) AS BIGINT) AS minutes,
            COUNT(CASE WHEN a.call_duration_seconds IS NULL AND ", answered!(), " THEN 1 END) AS unknown
        FROM attempts a WHERE ", of_query!(), " GROUP BY a.mode, a.country ORDER BY a.mode, a.country");

    /// A page of calls, each with a row for every model that it used, or one without.
    CALLS_USED = concat!("SELECT a.id, a.mode, a.outcome, a.ended_at_ms, a.country, a.minutes,
            u.kind, u.service, u.model, u.requests, u.audio_ms, u.characters, u.input_tokens, u.output_tokens
        FROM (SELECT a.id, a.mode, a.outcome, a.ended_at_ms, a.country,
                CASE WHEN a.call_duration_seconds IS NOT NULL THEN (a.call_duration_seconds + 59) / 60
                    WHEN ", answered!(), " THEN NULL ELSE 0 END AS minutes
            FROM attempts a WHERE ", of_query!(), "
              AND (a.ended_at_ms, a.id) > ($5, $6)
            ORDER BY a.ended_at_ms, a.id LIMIT $7) a
        LEFT JOIN service_use u ON u.attempt_id = a.id
        ORDER BY a.ended_at_ms, a.id, u.kind, u.service, u.model");

    TURNS_BY_END_POINTING = turns_by!("endpoint_ms");
    TURNS_BY_RECOGNITION = turns_by!("recognition_ms");
    TURNS_BY_UNDERSTANDING = turns_by!("understanding_ms");
    TURNS_BY_DECISION = turns_by!("decision_ms");
    TURNS_BY_FIRST_AUDIO = turns_by!("first_audio_ms");
    TURNS_BY_TOTAL = turns_by!("total_ms");
}
