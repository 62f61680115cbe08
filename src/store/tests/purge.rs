//! A purge goes in slices, on both databases, and says what it could not empty.

use super::schema::{databases, execute, open};
use crate::store::{StoreError, migrate_up, pools};
use samvad_actors::ports::{PurgeCounts, ResultStore};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// 1,000 contacts with a name and an ended attempt, of which every 300 ended in the same millisecond; two lines, an answer
/// and a consent of each.
const FILL: [&str; 6] = [
    "INSERT INTO campaigns (id, definition, created_at_ms, updated_at_ms) VALUES ('k', '{}', 1, 1)",
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
     INSERT INTO contacts (id, campaign_id, position, phone_number, attempts_count, created_at_ms, state, name)
     SELECT 'c' || (1000 + i), 'k', i, '+1' || (4000000000 + i), 1, 1, 'completed', 'Asha' FROM n",
    "INSERT INTO attempts (id, campaign_id, contact_id, attempt_number, mode, state, token_hash, token_expires_at_ms,
         outcome, callback_request, created_at_ms, ended_at_ms)
     SELECT 'a' || (1000 + position), campaign_id, id, 1, 'live', 'ended', 'h', 1, 'completed', 'after six', 1,
         position / 300
     FROM contacts",
    "INSERT INTO transcript_lines (attempt_id, line, at_ms, speaker, text)
     SELECT id, t, 1, 'caller', 'words' FROM attempts CROSS JOIN (SELECT 0 AS t UNION ALL SELECT 1) AS ts",
    "INSERT INTO answers (attempt_id, question, value_type, value, via, heard, uncertain, times_asked)
     SELECT id, 0, 'free_text', 'words', 'speech', 'words', 0, 1 FROM attempts",
    "INSERT INTO consents (attempt_id, granted, wording, language, heard, via, at_ms)
     SELECT id, 1, 'w', 'en', 'words', 'speech', 1 FROM attempts",
];

async fn count(connection: &mut AnyConnection, of: &str) -> i64 {
    let row = sqlx::query(AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM {of}")))
        .fetch_one(connection)
        .await
        .expect("counted");
    row.get("n")
}

#[tokio::test]
async fn a_purge_that_fails_half_way_has_removed_whole_slices_and_the_next_one_removes_the_rest() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let store = open(&url).await.expect("opened");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        for statement in FILL {
            execute(&mut connection, statement).await;
        }
        // A line of the 501st attempt that cannot be deleted.
        execute(
            &mut connection,
            "CREATE TABLE held (attempt_id TEXT, line BIGINT,
                FOREIGN KEY (attempt_id, line) REFERENCES transcript_lines (attempt_id, line));
             INSERT INTO held (attempt_id, line) VALUES ('a1500', 1)",
        )
        .await;
        let failed = store.purge(3).await;
        assert!(matches!(failed, Err(StoreError::Conflict { .. })), "{url}: {failed:?}");
        assert_eq!(count(&mut connection, "transcript_lines").await, 2 * 600, "{url}");
        let heard = "answers WHERE heard IS NOT NULL";
        assert_eq!(count(&mut connection, heard).await, 600, "{url}: a slice is whole");
        assert_eq!(count(&mut connection, "contacts WHERE name IS NULL").await, 0, "{url}");

        execute(&mut connection, "DROP TABLE held").await;
        let rest = PurgeCounts {
            transcript_lines: 2 * 500,
            verbatims: 3 * 500,
            names: 900,
            email_addresses: 0,
            left_in_log: false,
        };
        assert_eq!(store.purge(3).await, Ok(rest), "{url}: the last 100 ended later");
        assert_eq!(count(&mut connection, "transcript_lines").await, 2 * 100, "{url}");
        assert_eq!(store.purge(3).await, Ok(PurgeCounts::default()), "{url}");
    }
}

#[tokio::test]
async fn each_slice_of_a_purge_is_found_by_index() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        for statement in super::plans::FILL.iter().take(4) {
            execute(&mut connection, *statement).await;
        }
        execute(
            &mut connection,
            "INSERT INTO transcript_lines (attempt_id, line, at_ms, speaker, text)
                 SELECT id, 0, 1, 'caller', 'words' FROM attempts;
             INSERT INTO answers (attempt_id, question, value_type, value, via, heard, uncertain, times_asked)
                 SELECT id, 0, 'scale', '7', 'speech', 'words', 0, 1 FROM attempts;
             INSERT INTO consents (attempt_id, granted, wording, language, heard, via, at_ms)
                 SELECT id, 1, 'w', 'en', 'words', 'speech', 1 FROM attempts;
             INSERT INTO registry_scrubs (phone_number, listed, scrubbed_at_ms)
                 SELECT phone_number, 0, position FROM contacts",
        )
        .await;
        execute(&mut connection, "ANALYZE").await;
        let is_sqlite = url.sqlite_file().is_some();
        if !is_sqlite {
            // Whatever the values: PostgreSQL may plan without looking at them. And tables as small as these are read whole
            // sooner: what is asked is whether an index leads to the rows.
            execute(
                &mut connection,
                "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off",
            )
            .await;
        }
        let mut looked_at = 0;
        for (name, statement) in crate::store::statements::ALL {
            if !name.starts_with("PURGE_") {
                continue;
            }
            let (types, values) = match *name {
                "PURGE_SLICE" => ("BIGINT, TEXT, BIGINT", "400, 'a', 9000"),
                "PURGE_NAMES_SLICE" | "PURGE_EMAIL_ADDRESSES_SLICE" | "PURGE_SCRUBS_SLICE" => {
                    ("TEXT, BIGINT", "'c4', 9000")
                }
                "PURGE_NAMES" | "PURGE_EMAIL_ADDRESSES" | "PURGE_SCRUBS" => ("BIGINT, TEXT, TEXT", "9000, 'c4', 'c5'"),
                _ => ("BIGINT, TEXT, BIGINT, TEXT", "400, 'a', 600, 'a'"),
            };
            let explain = if is_sqlite {
                let mut text = (*statement).to_owned();
                for (index, value) in values.split(", ").enumerate() {
                    text = text.replace(&format!("${}", index + 1), value);
                }
                format!("EXPLAIN QUERY PLAN {text}")
            } else {
                execute(&mut connection, format!("PREPARE {name} ({types}) AS {statement}")).await;
                format!("EXPLAIN EXECUTE {name} ({values})")
            };
            let rows = sqlx::raw_sql(AssertSqlSafe(explain))
                .fetch_all(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{url} {name}: {error}"));
            let column = rows[0].len() - 1;
            let plan: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
            let plan = plan.join("\n");
            let reads_all = plan.lines().any(|line| {
                let whole_table = line.contains("Seq Scan on") && !line.contains("campaigns");
                // The slice itself is a table of 500 rows, and campaigns are few.
                whole_table || (line.starts_with("SCAN") && !line.contains("slice") && !line.starts_with("SCAN k"))
            });
            assert!(!reads_all, "{url} {name}:\n{plan}");
            looked_at += 1;
        }
        assert_eq!(looked_at, 11);
    }
}
