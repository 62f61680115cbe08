//! What belongs to SQL alone; the port's rules are in `tests/store_conformance`. Here what a SQLite file promises.

mod accounts;
mod catalogue_plans;
mod counted;
mod outage;
mod plans;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
#[path = "../../tests/support/postgres_outage.rs"]
mod postgres_outage;
mod purge;
mod schema;

use super::*;
use samvad_actors::domain::{
    AccountSid, AnsweredBy, AttemptId, CallSid, CallbackRequest, Campaign, CampaignId, ContactId, Disposition,
    EndReason, Mode, Outcome, PhoneNumber, StreamSid,
};
use samvad_actors::ports::{
    AttemptStore, CallReport, CampaignStore, ContactStore, MediaTokenClaim, NewAttempt, NewContact, PurgeCounts,
    ResultStore, TranscriptLine, TranscriptSpeaker,
};
use sqlx::Row;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join("kept/samvad.db").display())
}

fn campaign() -> Campaign {
    serde_json::from_value(serde_json::json!({
        "id": "survey", "name": "Survey", "organisation": "the Survey", "purpose": "a survey",
        "caller_id": "+14155550100", "questions": []
    }))
    .expect("a campaign")
}

#[tokio::test]
async fn many_processes_may_open_a_new_database_at_once() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = url(scratch.path());
    let opened = futures_util::future::join_all((0..8).map(|_| SqlStore::open(&url))).await;
    for store in opened {
        store.expect("opened").ping().await.expect("answers");
    }
}

#[tokio::test]
async fn the_database_and_its_write_ahead_log_are_for_their_owner_alone() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let store = SqlStore::open(&url(scratch.path())).await.expect("opened");
    store.put_campaign(&campaign(), 1).await.expect("written");
    let directory = scratch.path().join("kept");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in ["samvad.db", "samvad.db-wal", "samvad.db-shm"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn every_connection_has_wal_full_synchronisation_foreign_keys_secure_deletion_and_a_small_cache() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let store = SqlStore::open(&url(scratch.path())).await.expect("opened");
    for connection in [store.reader().await, store.writer().await] {
        let mut connection = connection.expect("connection");
        for (pragma, expected) in [
            ("synchronous", 2_i64),
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("busy_timeout", 5000),
            ("cache_size", -256),
        ] {
            let row = sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}")))
                .fetch_one(&mut *connection)
                .await
                .expect("read");
            assert_eq!(row.get::<i64, _>(0), expected, "{pragma}");
        }
        let row = sqlx::query("PRAGMA journal_mode")
            .fetch_one(&mut *connection)
            .await
            .expect("read");
        assert_eq!(row.get::<String, _>(0), "wal");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l24_two_processes_on_one_file_admit_a_token_once_and_neither_is_turned_away_by_the_lock() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = url(scratch.path());
    let nodes = [
        SqlStore::open(&url).await.expect("opened"),
        SqlStore::open(&url).await.expect("opened"),
    ];
    let attempt = submitting(&nodes[0]).await;
    let claim = MediaTokenClaim {
        attempt,
        token_hash: "hash".to_owned(),
        call_sid: CallSid::from("CA"),
        account_sid: AccountSid::from("AC"),
        stream_sid: StreamSid::from("MZ"),
    };
    let claims = (0..64).map(|n| {
        let (node, claim) = (nodes[n % 2].clone(), claim.clone());
        tokio::spawn(async move { node.consume_media_token(&claim, 1).await })
    });
    let mut admitted = 0;
    for claim in futures_util::future::join_all(claims).await {
        admitted += usize::from(claim.expect("no panic").expect("the lock is waited for").is_ok());
    }
    assert_eq!(admitted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_of_two_processes_that_read_before_they_write_wait_for_each_other() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = url(scratch.path());
    let nodes = [
        SqlStore::open(&url).await.expect("opened"),
        SqlStore::open(&url).await.expect("opened"),
    ];
    let attempt = submitting(&nodes[0]).await;
    let counts = (0..40).map(|n| {
        let (node, attempt) = (nodes[n % 2].clone(), attempt.clone());
        tokio::spawn(async move {
            let mut transaction = node.begin_write().await?;
            let row = sqlx::query("SELECT token_expires_at_ms AS n FROM attempts WHERE id = $1")
                .bind(attempt.as_str())
                .fetch_one(&mut *transaction)
                .await
                .map_err(db)?;
            sqlx::query("UPDATE attempts SET token_expires_at_ms = $2 WHERE id = $1")
                .bind(attempt.as_str())
                .bind(rows::get::<i64>(&row, "n")? + 1)
                .execute(&mut *transaction)
                .await
                .map_err(db)?;
            commit(transaction).await
        })
    });
    for count in futures_util::future::join_all(counts).await {
        assert_eq!(count.expect("no panic"), Ok(()));
    }
    let row = sqlx::query("SELECT token_expires_at_ms AS n FROM attempts")
        .fetch_one(&mut *nodes[0].reader().await.expect("connection"))
        .await;
    assert_eq!(
        rows::get::<i64>(&row.expect("read"), "n"),
        Ok(9 + 40),
        "no count is lost"
    );
}

/// An attempt that the carrier is being asked for, in a campaign of one contact.
async fn submitting(store: &SqlStore) -> AttemptId {
    store.put_campaign(&campaign(), 1).await.expect("written");
    let contact = NewContact {
        id: ContactId::from("c"),
        campaign: CampaignId::from("survey"),
        number: PhoneNumber::parse("+14155550123").expect("E.164"),
        external_id: None,
        name: None,
        email: None,
        language: None,
    };
    store
        .add_contacts(std::slice::from_ref(&contact), 1)
        .await
        .expect("added");
    let attempt = NewAttempt {
        id: AttemptId::from("a"),
        campaign: contact.campaign,
        contact: contact.id,
        mode: Mode::Simulated,
        token_hash: "hash".to_owned(),
        token_expires_at_ms: 9,
    };
    let attempt = store.create_attempt(attempt, 1).await.expect("created").id;
    store.mark_submitting(&attempt, 1).await.expect("marked");
    attempt
}

#[tokio::test]
async fn a_purge_says_if_somebody_who_reads_keeps_it_from_emptying_the_log_and_the_next_one_empties_it() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = url(scratch.path());
    let store = SqlStore::open(&url).await.expect("opened");
    submitting(&store).await;
    let log = scratch.path().join("kept/samvad.db-wal");
    let logged = || std::fs::metadata(&log).expect("there").len();
    let other_process = SqlStore::open(&url).await.expect("opened");
    let mut reader = other_process.reader().await.expect("connection");
    for statement in ["BEGIN", "SELECT COUNT(*) FROM attempts"] {
        sqlx::query(statement).execute(&mut *reader).await.expect("read");
    }
    assert!(store.purge(3).await.expect("purged").left_in_log);
    assert!(logged() > 0);
    sqlx::query("ROLLBACK").execute(&mut *reader).await.expect("done");
    assert_eq!(store.purge(3).await, Ok(PurgeCounts::default()));
    assert_eq!(logged(), 0);
}

#[tokio::test]
async fn purged_words_are_in_no_file_of_the_database_any_more() {
    const WORDS: &str = "purple elephants sing";
    let scratch = tempfile::tempdir().expect("temporary directory");
    let store = SqlStore::open(&url(scratch.path())).await.expect("opened");
    let attempt = submitting(&store).await;
    let line = TranscriptLine {
        at_ms: 0,
        speaker: TranscriptSpeaker::Caller,
        text: WORDS.to_owned(),
        confidence: None,
    };
    let report = CallReport {
        attempt,
        outcome: Outcome::Partial,
        disposition: Disposition::Partial,
        end_reason: EndReason::HungUp,
        answered_by: AnsweredBy::Unknown,
        consent: None,
        language: None,
        answers: Vec::new(),
        transcript: vec![line; 200],
        latencies: Vec::new(),
        service_use: Vec::new(),
        callback_request: Some(CallbackRequest {
            words: Some(WORDS.to_owned()),
            time: None,
            at_ms: 1,
        }),
        do_not_call: false,
        ended_at_ms: 2,
    };
    store.record_outcome(&report).await.expect("recorded");
    let files_with_words = || {
        std::fs::read_dir(scratch.path().join("kept"))
            .expect("listed")
            .map(|entry| std::fs::read(entry.expect("entry").path()).expect("read"))
            .filter(|bytes| bytes.windows(WORDS.len()).any(|window| window == WORDS.as_bytes()))
            .count()
    };
    assert!(files_with_words() > 0);
    assert_eq!(store.purge(3).await.expect("purged").transcript_lines, 200);
    assert_eq!(files_with_words(), 0);
}

#[test]
fn urls_of_files_and_servers_are_taken_and_a_refusal_does_not_repeat_the_url() {
    for (url, file) in [
        ("sqlite:data/samvad.db", "data/samvad.db"),
        ("sqlite://data/samvad.db", "data/samvad.db"),
        ("sqlite:///var/lib/samvad/samvad.db", "/var/lib/samvad/samvad.db"),
    ] {
        let parsed = DatabaseUrl::parse(url).expect("usable");
        assert_eq!(parsed.sqlite_file(), Some(Path::new(file)), "{url}");
    }
    for (url, shown) in [
        ("postgres://user:secret@host/samvad", "postgres://user:***@host/samvad"),
        (
            "postgresql://user@host/samvad?password=secret",
            "postgres://user@host/samvad",
        ),
    ] {
        let parsed = DatabaseUrl::parse(url).expect("usable");
        assert_eq!(parsed.to_string(), shown);
        assert!(!format!("{parsed:?}").contains("secret"));
    }
    for url in [
        "postgres://user:secret@host",
        "postgres://user:sec/ret@host:x/db",
        "mysql://secret",
        "secret",
        "",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:///data/",
        "sqlite:x.db?secret=1",
    ] {
        let refusal = DatabaseUrl::parse(url).expect_err(url).to_string();
        assert!(
            refusal.contains("DATABASE_URL") && !refusal.contains("sec"),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn a_path_with_spaces_and_signs_is_the_file_that_is_opened() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let file = scratch.path().join("a b/ü+&'.db");
    let store = SqlStore::open(&format!("sqlite://{}", file.display()))
        .await
        .expect("opened");
    store.put_campaign(&campaign(), 1).await.expect("written");
    assert!(std::fs::metadata(&file).expect("there").len() > 0);
}
