//! Statements and schema, on both databases.

use super::campaign;
use super::postgres::new_database;
use crate::store::statements::ALL;
use crate::store::{
    DatabaseUrl, MigrationStep, OpenError, SqlStore, accounts, audit, catalog, costs, dialer, idempotency,
    migrate_down, migrate_up, pools, schema_status,
};
use samvad_actors::domain::{CampaignId, ContactId, PhoneNumber, Role, UserId};
use samvad_actors::ports::{
    AccountStore, CampaignStore, ContactCounts, ContactStore, DialerStore, NewContact, NewSession, SignIn,
};
use sqlx::{AnyConnection, AssertSqlSafe, Executor, Row, SqlSafeStr};
use tempfile::TempDir;

/// An empty database of each kind; the directory must outlive it.
pub(super) async fn databases() -> Vec<(DatabaseUrl, Option<TempDir>)> {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let file = format!("sqlite://{}", scratch.path().join("samvad.db").display());
    let server = new_database().await.expect("PostgreSQL");
    [(file, Some(scratch)), (server, None)]
        .map(|(url, kept)| (DatabaseUrl::parse(&url).expect("a URL"), kept))
        .into()
}

pub(super) async fn open(url: &DatabaseUrl) -> Result<SqlStore, OpenError> {
    match url {
        DatabaseUrl::Sqlite(file) => SqlStore::open(&format!("sqlite://{}", file.display())).await,
        DatabaseUrl::Postgres(url) => SqlStore::open(url.as_str()).await,
    }
}

pub(super) async fn execute(connection: &mut AnyConnection, statement: impl Into<String>) {
    let statement = statement.into();
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await
    {
        panic!("{statement}: {error}");
    }
}

#[tokio::test]
async fn every_statement_is_prepared_by_both_databases() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        let seam = [("claim_number", pools::dialect(&url).claim_number())];
        let statements = [
            ALL,
            dialer::ALL,
            costs::ALL,
            catalog::ALL,
            accounts::ALL,
            audit::ALL,
            idempotency::ALL,
            &seam,
        ];
        let mut count = 0;
        for (name, statement) in statements.into_iter().flatten() {
            if let Err(error) = (&mut connection).prepare(statement.into_sql_str()).await {
                panic!("{url}: {name}: {error}");
            }
            assert!(!statement.contains('?'), "{name}: PostgreSQL knows $n only");
            count += 1;
        }
        assert!(count > 100, "{count}");
    }
}

#[test]
fn p50_no_statement_takes_back_what_was_said_in_a_call() {
    let statements = ALL.iter().chain(dialer::ALL).chain(costs::ALL).chain(catalog::ALL);
    let changing = |text: &str| text.contains("DELETE FROM do_not_call") || text.contains("UPDATE do_not_call");
    let mut found = 0;
    for (name, statement) in statements.filter(|(_, text)| changing(text)) {
        assert!(statement.contains("AND source <> 'in_call'"), "{name}");
        found += 1;
    }
    assert_eq!(found, 2, "one removes what was written, one makes it what was said");
    let kept = ALL.iter().find(|(name, _)| *name == "ADD_DO_NOT_CALL").expect("there");
    assert!(kept.1.contains("DO NOTHING"), "what is listed is not overwritten");
}

#[tokio::test]
async fn the_schema_goes_up_down_and_up_again_on_existing_data() {
    for (url, _kept) in databases().await {
        let newest = SqlStore::schema_version();
        for round in 0..2 {
            let up = migrate_up(&url, None).await.expect("up");
            assert_eq!(up, MigrationStep { from: 0, to: newest }, "round {round}");
            let store = open(&url).await.expect("opened");
            let id = CampaignId::from("survey");
            assert_eq!(
                store.campaign(&id).await.expect("read"),
                None,
                "round {round} starts empty"
            );
            store.put_campaign(&campaign(), 1).await.expect("written");
            let contact = NewContact {
                id: ContactId::from("c"),
                campaign: id.clone(),
                number: PhoneNumber::parse("+14155550123").expect("E.164"),
                external_id: None,
                name: None,
                email: None,
                language: None,
            };
            assert_eq!(store.add_contacts(&[contact], 1).await.expect("added"), 1);
            sign_somebody_in(&store).await;
            store.close().await;
            let again = migrate_up(&url, None).await.expect("nothing to do");
            assert_eq!(
                again,
                MigrationStep {
                    from: newest,
                    to: newest
                }
            );
            let step = migrate_down(&url, 1).await.expect("down by one");
            assert_eq!(step, MigrationStep { from: newest, to: 1 });
            migrate_up(&url, None).await.expect("up on data");
            let store = open(&url).await.expect("opened with data");
            assert_eq!(store.contacts(&id).await.expect("read").len(), 1);
            assert_eq!(store.users(None, 9).await, Ok(Vec::new()));
            sign_somebody_in(&store).await;
            store.close().await;
            assert_eq!(migrate_down(&url, 0).await.expect("down").to, 0);
        }
    }
}

/// A user with a session, and what the audit log says of both.
async fn sign_somebody_in(store: &SqlStore) {
    let who = SignIn {
        issuer: "local".to_owned(),
        subject: "ann".to_owned(),
        email: None,
        name: "Ann".to_owned(),
        role: Role::Admin,
    };
    let session = NewSession {
        key_hash: "key".to_owned(),
        csrf_hash: "csrf".to_owned(),
        expires_at_ms: 9,
    };
    let user = store.sign_in(&who, &UserId::from("ann"), &session, None, 1).await;
    assert!(user.expect("signed in").is_some());
}

#[tokio::test]
async fn an_upgrade_finds_out_where_every_contact_stands() {
    for (url, _kept) in databases().await {
        migrate_up(&url, Some(1)).await.expect("version 1");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        let definition = serde_json::to_string(&campaign()).expect("JSON");
        execute(
            &mut connection,
            format!("INSERT INTO campaigns VALUES ('survey', '{definition}', 1, 1)"),
        )
        .await;
        let contacts = [
            ("completed", 1),
            ("refused", 1),
            ("busy", 1),
            ("open", 1),
            ("never", 0),
            ("listed", 0),
            ("dead", 1),
        ];
        for (position, (id, attempts)) in contacts.into_iter().enumerate() {
            let values = format!("'{id}', 'survey', {position}, '+1415555010{position}', NULL, {attempts}, 1");
            execute(&mut connection, format!("INSERT INTO contacts VALUES ({values})")).await;
        }
        for (id, state, outcome, disposition) in [
            ("completed", "'ended'", "'completed'", "'1.1'"),
            ("refused", "'ended'", "'refused'", "'2.112'"),
            ("busy", "'ended'", "'failed'", "'3.12'"),
            ("open", "'submitted'", "NULL", "NULL"),
            ("dead", "'ended'", "'failed'", "'4.31'"),
        ] {
            let (ended, number) = if outcome == "NULL" {
                ("NULL", "'+14155550103'")
            } else {
                ("7", "NULL")
            };
            execute(
                &mut connection,
                format!(
                    "INSERT INTO attempts (id, campaign_id, contact_id, attempt_number, mode, state, open_number,
                         token_hash, token_expires_at_ms, outcome, disposition, created_at_ms, ended_at_ms)
                     VALUES ('a-{id}', 'survey', '{id}', 1, 'live', {state}, {number}, 'h', 9, {outcome}, {disposition},
                         5, {ended})"
                ),
            )
            .await;
        }
        execute(
            &mut connection,
            "INSERT INTO do_not_call VALUES ('+14155550105', 'manual', NULL, 1)",
        )
        .await;
        drop(connection);

        let refusal = open(&url).await.expect_err("too old");
        assert!(matches!(refusal, OpenError::SchemaTooOld { found: 1, .. }), "{refusal}");
        assert!(refusal.to_string().contains("samvad migrate up"), "{refusal}");
        migrate_up(&url, None).await.expect("upgraded");
        let store = open(&url).await.expect("opened");
        let counts = store
            .contact_counts(&CampaignId::from("survey"))
            .await
            .expect("counted");
        let expected = ContactCounts {
            pending: 2,
            in_progress: 1,
            completed: 1,
            refused: 1,
            not_reached: 1,
            excluded: 1,
        };
        assert_eq!(counts, expected, "{url}");
    }
}

#[tokio::test]
async fn a_schema_newer_than_the_binary_is_refused_with_the_remedy() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let newer = SqlStore::schema_version() + 1;
        let mut connection = pools::connect_once(&url).await.expect("connected");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES ($1, 'from the future', TRUE, $2, 0)",
        )
        .bind(newer)
        .bind(vec![0_u8])
        .execute(&mut connection)
        .await
        .expect("written");
        for refusal in [
            open(&url).await.expect_err("too new"),
            migrate_up(&url, None).await.expect_err("too new"),
            migrate_down(&url, 0).await.expect_err("too new"),
        ] {
            assert!(
                matches!(refusal, OpenError::SchemaTooNew { found, known } if found == newer && known == newer - 1),
                "{refusal}"
            );
            assert!(refusal.to_string().contains("run the newer samvad"), "{refusal}");
        }
        assert_eq!(schema_status(&url).await.expect("read").found, newer);
    }
}

#[tokio::test]
async fn a_schema_that_somebody_altered_or_that_does_not_exist_is_refused() {
    for (url, _kept) in databases().await {
        let unknown = migrate_up(&url, Some(99)).await.expect_err("no such version");
        assert!(
            matches!(unknown, OpenError::NoSuchVersion { wanted: 99, .. }),
            "{unknown}"
        );
        assert!(migrate_down(&url, -1).await.is_err());
        if url.sqlite_file().is_none() {
            let missing = open(&url).await.expect_err("no schema").to_string();
            assert!(missing.contains("samvad migrate up"), "{missing}");
        }
        migrate_up(&url, None).await.expect("migrated");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        sqlx::query("UPDATE _sqlx_migrations SET checksum = $1 WHERE version = 1")
            .bind(vec![7_u8])
            .execute(&mut connection)
            .await
            .expect("altered");
        let refusal = open(&url).await.expect_err("altered");
        assert!(matches!(refusal, OpenError::SchemaAltered { version: 1 }), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_nodes_that_migrate_at_once_one_does_it_and_all_succeed() {
    for (url, _kept) in databases().await {
        let steps = futures_util::future::join_all((0..8).map(|_| migrate_up(&url, None))).await;
        let done = steps
            .into_iter()
            .filter(|step| step.as_ref().expect("migrated").from == 0)
            .count();
        assert_eq!(done, 1, "{url}");
        open(&url).await.expect("opened").ping().await.expect("answers");
    }
}

#[tokio::test]
async fn a_tick_reads_an_index_in_order_and_never_every_contact() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let store = open(&url).await.expect("opened");
        store.put_campaign(&campaign(), 1).await.expect("written");
        store.close().await;
        let mut connection = pools::connect_once(&url).await.expect("connected");
        execute(
            &mut connection,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO contacts (id, campaign_id, position, phone_number, attempts_count, created_at_ms)
             SELECT 'c' || i, 'survey', i, '+1' || (4000000000 + i), 0, 1 FROM n",
        )
        .await;
        execute(&mut connection, "ANALYZE").await;
        let explain = match url.sqlite_file() {
            Some(_) => "EXPLAIN QUERY PLAN ",
            None => "EXPLAIN ",
        };
        for name in ["DUE", "ZONES", "COUNT_OPEN", "OPEN_ATTEMPTS_TO", "EXCLUDE_NUMBER"] {
            let (_, statement) = ALL
                .iter()
                .chain(dialer::ALL)
                .find(|(known, _)| *known == name)
                .expect("a statement");
            let text = match name {
                "DUE" => statement
                    .replace("$1", "'survey'")
                    .replace("$2", "''")
                    .replace("$3", "5")
                    .replace("$4", "0")
                    .replace("$5", "0")
                    .replace("$6", "0")
                    .replace("$7", "400"),
                "ZONES" | "COUNT_OPEN" => statement.replace("$1", "'survey'"),
                _ => statement.replace("$1", "'+14000000007'"),
            };
            let rows = sqlx::query(AssertSqlSafe(format!("{explain}{text}")))
                .fetch_all(&mut connection)
                .await
                .expect("explained");
            let column = rows[0].len() - 1;
            let plan: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
            let plan = plan.join("\n");
            let reads_all = match url.sqlite_file() {
                // The zones found so far are a table of a few rows.
                Some(_) => plan
                    .lines()
                    .any(|line| line.starts_with("SCAN") && !line.starts_with("SCAN z")),
                // Tables without a row are read whole: the others of this test.
                None => plan.contains("Seq Scan on contacts"),
            };
            assert!(!reads_all, "{name}:\n{plan}");
            if matches!(name, "DUE" | "ZONES") {
                assert!(plan.contains("contacts_due"), "{name}:\n{plan}");
                assert!(
                    !plan.contains("Sort") && !plan.contains("TEMP B-TREE"),
                    "{name}:\n{plan}"
                );
            }
        }
    }
}
