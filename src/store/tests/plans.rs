//! Costs, latency, lists, statistics and exports are read by index, on both databases.

use super::campaign;
use super::schema::{databases, execute, open};
use crate::store::{audit, costs, migrate_up, pools};
use samvad_actors::ports::CampaignStore;
use sqlx::{AssertSqlSafe, Row};

/// 400 campaigns of 50 ended attempts with three turns each.
pub(super) const FILL: [&str; 5] = [
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399)
     INSERT INTO campaigns (id, definition, created_at_ms, updated_at_ms) SELECT 'k' || i, '{}', 1, 1 FROM n",
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
     INSERT INTO contacts (id, campaign_id, position, phone_number, attempts_count, created_at_ms)
     SELECT 'c' || i, 'k' || (i % 400), i, '+1' || (4000000000 + i), 1, 1 FROM n",
    "INSERT INTO attempts (id, campaign_id, contact_id, attempt_number, mode, state, token_hash, token_expires_at_ms,
         token_used_at_ms, carrier_status, call_duration_seconds, outcome, created_at_ms, ended_at_ms)
     SELECT 'a' || position, campaign_id, id, 1, 'live', 'ended', 'h', 1, 1, 'completed', 61, 'completed', 1, position
     FROM contacts",
    "INSERT INTO turn_latencies (attempt_id, turn, endpoint_ms, recognition_ms, decision_ms, first_audio_ms, total_ms)
     SELECT id, t, 500, 60, 1, 2, 563 FROM attempts CROSS JOIN (SELECT 0 AS t UNION ALL SELECT 1 UNION ALL SELECT 2) AS ts",
    "INSERT INTO service_use (campaign_id, attempt_id, mode, kind, service, model, requests, audio_ms, characters,
         input_tokens, output_tokens, at_ms)
     SELECT campaign_id, id, mode, 'recognition', 'deepgram', 'nova-3', 3, 4000, 0, 0, 0, ended_at_ms FROM attempts",
];

#[tokio::test]
async fn costs_of_one_campaign_are_found_by_index_and_a_page_begins_where_the_last_one_ended() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let store = open(&url).await.expect("opened");
        store.put_campaign(&campaign(), 1).await.expect("written");
        store.close().await;
        let mut connection = pools::connect_once(&url).await.expect("connected");
        for statement in FILL {
            execute(&mut connection, statement).await;
        }
        execute(&mut connection, "ANALYZE").await;
        let is_sqlite = url.sqlite_file().is_some();
        let explain = if is_sqlite { "EXPLAIN QUERY PLAN " } else { "EXPLAIN " };
        for (name, statement) in costs::ALL.iter().filter(|(name, _)| *name != "ADD_SERVICE_USE") {
            // The page begins in the middle.
            let page = *name == "CALLS_USED";
            let text = statement
                .replace("$1", "'k7'")
                .replace("$2", "0")
                .replace("$3", "100000")
                .replace("$4", "'live'")
                .replace("$5", if page { "9000" } else { "60001" })
                .replace("$6", "'a'")
                .replace("$7", "20");
            let rows = sqlx::query(AssertSqlSafe(format!("{explain}{text}")))
                .fetch_all(&mut connection)
                .await
                .expect("explained");
            let column = rows[0].len() - 1;
            let plan: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
            let plan = plan.join("\n");
            // SQLite scans the page itself, which is a subquery.
            let reads_all = plan.lines().any(|line| {
                line.contains("Seq Scan") || (line.starts_with("SCAN") && !(page && line.starts_with("SCAN a")))
            });
            assert!(!reads_all, "{url} {name}:\n{plan}");
            // In the order in which attempts ended: the campaign's own index, or where it has a good part of all attempts
            // (PostgreSQL weighs that) the one over all campaigns.
            assert!(!page || plan.contains("attempts_ended"), "{url} {name}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn a_page_of_the_audit_log_is_found_by_index_whatever_is_looked_for() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        execute(
            &mut connection,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO audit_log (id, at_ms, actor_kind, actor_id, actor_name, action, target_kind, target_id)
             SELECT i, i, 'user', row_of.actor, 'Name', row_of.action, row_of.kind, row_of.target
             FROM n JOIN (SELECT 1 AS is_rare, 'u7' AS actor, 'action.7' AS action, 'kind7' AS kind, 't7' AS target
                 UNION ALL SELECT 0, 'u', 'action.0', 'kind', 't') AS row_of
               ON row_of.is_rare = CASE WHEN i % 2000 = 7 THEN 1 ELSE 0 END",
        )
        .await;
        execute(&mut connection, "ANALYZE").await;
        let explain = match url.sqlite_file() {
            Some(_) => "EXPLAIN QUERY PLAN ",
            None => "EXPLAIN ",
        };
        for (name, index, [actor, action, kind, target, from]) in [
            ("AUDIT_LOG", "", ["NULL"; 5]),
            (
                "AUDIT_LOG_OF_ACTOR",
                "by_actor",
                ["'u7'", "NULL", "NULL", "NULL", "NULL"],
            ),
            (
                "AUDIT_LOG_OF_ACTION",
                "by_action",
                ["NULL", "'action.7'", "NULL", "NULL", "NULL"],
            ),
            (
                "AUDIT_LOG_OF_TARGET_KIND",
                "by_target_kind",
                ["NULL", "NULL", "'kind7'", "NULL", "NULL"],
            ),
            (
                "AUDIT_LOG_OF_TARGET",
                "by_target",
                ["NULL", "NULL", "NULL", "'t7'", "NULL"],
            ),
            ("AUDIT_LOG_SINCE", "by_time", ["NULL", "NULL", "NULL", "NULL", "19900"]),
            // Only a prefix.
            ("ACTIONS", "by_action", ["'action.'", "NULL", "NULL", "NULL", "NULL"]),
        ] {
            let (_, statement) = audit::ALL
                .iter()
                .find(|(known, _)| *known == name)
                .expect("a statement");
            let text = statement
                .replace("$1", actor)
                .replace("$2", action)
                .replace("$3", kind)
                .replace("$4", target)
                .replace("$5", from)
                .replace("$6", "NULL")
                .replace("$7", "9223372036854775807")
                .replace("$8", "20");
            let rows = sqlx::query(AssertSqlSafe(format!("{explain}{text}")))
                .fetch_all(&mut connection)
                .await
                .expect("explained");
            let column = rows[0].len() - 1;
            let plan: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
            let plan = plan.join("\n");
            let reads_all = plan
                .lines()
                .any(|line| line.contains("Seq Scan on audit_log") || line.starts_with("SCAN audit_log"));
            assert!(!reads_all && plan.contains(index), "{url} {name}:\n{plan}");
            // PostgreSQL may put the few rows that it expects into order itself.
            let sorts = plan.contains("TEMP B-TREE");
            assert!(!sorts || name == "AUDIT_LOG_SINCE", "{url} {name}:\n{plan}");
        }
    }
}
