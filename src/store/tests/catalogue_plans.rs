//! Lists, statistics and exports are read by index, on both databases.

use super::plans::FILL;
use super::schema::{databases, execute};
use crate::store::statements::ALL;
use crate::store::{catalog, migrate_up, pools};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// Contacts of every state with what goes with it, and a long list of exclusions.
const FILL_CATALOGUE: [&str; 5] = [
    "UPDATE contacts SET last_attempt_at_ms = position, last_outcome = 'completed', last_disposition = '1.1',
         external_id = 'x' || position, used_attempts = 1,
         state = CASE position % 5 WHEN 0 THEN 'completed' WHEN 1 THEN 'refused' WHEN 2 THEN 'excluded' ELSE 'pending' END",
    "UPDATE attempts SET disposition = '1.1', local_date = '2026-03-02', answered_by = 'person'",
    "INSERT INTO consents (attempt_id, granted, wording, language, heard, via, at_ms, campaign_id, mode, counted)
     SELECT id, 1, 'w', 'en', '', 'speech', 1, campaign_id, mode, 1 FROM attempts",
    "INSERT INTO answers (attempt_id, question, value_type, value, via, uncertain, times_asked, campaign_id, mode, counted,
         counted_value)
     SELECT id, 0, 'scale', '7', 'speech', 0, 1, campaign_id, mode, 1, '7' FROM attempts",
    "INSERT INTO do_not_call (phone_number, source, added_at_ms)
     SELECT phone_number, 'manual', position FROM contacts",
];

/// Tables, and what statements call them, that are never read whole.
const TABLES: [&str; 8] = [
    "contacts",
    "p",
    "attempts",
    "a",
    "l",
    "do_not_call",
    "consents",
    "answers",
];

/// The lines of what the database says to an `EXPLAIN`.
async fn plan_of(connection: &mut AnyConnection, name: &str, text: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(text.to_owned()))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let column = rows[0].len() - 1;
    rows.iter().map(|row| row.get(column)).collect()
}

/// What reads campaigns, or writes; campaigns are few.
fn reads_people(name: &str) -> bool {
    let others = ["ONE_CAMPAIGN", "CAMPAIGN_PAGE", "MODE_AND_VERSION", "EVER_PAID_FOR"];
    let reads = [
        "CONTACTS_",
        "COUNT_",
        "ONE_",
        "ATTEMPTS_",
        "EXPORT_",
        "NEWEST_",
        "EXCLUSION",
        "IMPORTS",
        "REJECTIONS",
    ];
    name != "COUNT_ROWS" && !others.contains(&name) && reads.iter().any(|start| name.starts_with(start))
}

#[tokio::test]
async fn lists_statistics_and_exports_of_one_campaign_read_no_other_and_lists_are_not_sorted() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        for statement in FILL.iter().take(3).chain(&FILL_CATALOGUE) {
            execute(&mut connection, *statement).await;
        }
        execute(&mut connection, "ANALYZE").await;
        let is_sqlite = url.sqlite_file().is_some();
        if !is_sqlite {
            // The fifty contacts of a campaign are sorted sooner than read in order: what is asked is whether they can be.
            execute(&mut connection, "SET enable_sort = off").await;
        }
        let explain = if is_sqlite { "EXPLAIN QUERY PLAN " } else { "EXPLAIN " };
        let mut looked_at = 0;
        for (name, statement) in catalog::ALL.iter().filter(|(name, _)| reads_people(name)) {
            let values: [&str; 8] = match *name {
                "EXPORT_PAGE" => ["'k7'", "9000", "20", "1", "", "", "", ""],
                "EXCLUSIONS" | "EXCLUSIONS_OF_SOURCE" => ["9000", "'+1'", "20", "'manual'", "", "", "", ""],
                "IMPORTS" => ["'k7'", "5", "'x7'", "20", "", "", "", ""],
                "REJECTIONS" => ["'k7'", "5", "20", "", "", "", "", ""],
                "COUNT_IN_FLIGHT"
                | "COUNT_ENDED"
                | "COUNT_ENDED_UNDATED"
                | "COUNT_CASES"
                | "COUNT_CONSENTS"
                | "COUNT_ANSWERS" => ["'k7'", "'live'", "20", "", "", "", "", ""],
                "COUNT_OF_OUTCOME_ALONE" => ["'k7'", "'completed'", "", "", "", "", "", ""],
                _ => ["'k7'", "'completed'", "'completed'", "'1.1'", "'x7'", "5", "9000", "20"],
            };
            let mut text = (*statement).to_owned();
            for (index, value) in values.iter().enumerate().rev() {
                text = text.replace(&format!("${}", index + 1), value);
            }
            let plan = plan_of(&mut connection, name, &format!("{explain}{text}")).await;
            let whole = |line: &&String| {
                let table = line.split_whitespace().nth(1).unwrap_or_default();
                line.contains("Seq Scan on contacts")
                    || line.contains("Seq Scan on attempts")
                    || line.contains("Seq Scan on do_not_call")
                    || line.contains("Seq Scan on consents")
                    || line.contains("Seq Scan on answers")
                    || (line.starts_with("SCAN") && TABLES.contains(&table))
            };
            assert_eq!(plan.iter().find(whole), None, "{url} {name}:\n{}", plan.join("\n"));
            let is_list = name.starts_with("CONTACTS_") || name.starts_with("EX");
            let sorts = |line: &&String| line.contains("FOR ORDER BY") || line.contains("Sort Key");
            // Contacts of one id are few, and so are those of two pages of which one is made.
            let sorts_allowed = usize::from(name.contains("_BY_LAST_ATTEMPT"));
            let sorts = plan.iter().filter(sorts).count();
            assert!(!is_list || sorts <= sorts_allowed, "{url} {name}:\n{}", plan.join("\n"));
            looked_at += 1;
        }
        assert!(looked_at > 25, "{looked_at}");
    }
}

#[tokio::test]
async fn an_import_looks_numbers_up_by_index_though_the_database_knows_nothing_of_its_rows_yet() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        // No ANALYZE: the first import fills tables that were empty a moment ago.
        for statement in FILL.iter().take(2) {
            execute(&mut connection, *statement).await;
        }
        let explain = match url.sqlite_file() {
            Some(_) => "EXPLAIN QUERY PLAN ",
            None => "EXPLAIN ",
        };
        for (name, first, row) in [
            ("NUMBERS_OF_CAMPAIGN", "'k7'", "('+14000000007')"),
            ("PENDING_NUMBERS", "", "('+14000000007')"),
            ("EXCLUDE_NUMBER", "'+14000000007'", ""),
            (
                "ADD_CONTACTS",
                "'k7'",
                "('x', 99999, '+15', NULL, '', NULL, 0, NULL, NULL)",
            ),
        ] {
            let (_, statement) = ALL.iter().find(|(known, _)| *known == name).expect("a statement");
            let text = statement
                .replace("($3, $4, $5, $6, $7, $8, $9, $10, $11)", &vec![row; 100].join(", "))
                .replace(
                    if first.is_empty() { "VALUES ($1)" } else { "VALUES ($2)" },
                    &format!("VALUES {}", vec![row; 100].join(", ")),
                )
                .replace("$1", first)
                .replace("$2", "1");
            let plan = plan_of(&mut connection, name, &format!("{explain}{text}")).await;
            let plan = plan.join("\n");
            for fault in [
                "Seq Scan on contacts",
                "Seq Scan on do_not_call",
                "Seq Scan on numbers",
                "Hash",
                "_due",
                "SCAN c",
            ] {
                assert!(!plan.contains(fault), "{url} {name}: {fault}:\n{plan}");
            }
            assert!(
                plan.contains("phone_number = ") || plan.contains("phone_number=?"),
                "{url} {name}:\n{plan}"
            );
        }
    }
}
