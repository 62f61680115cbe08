//! Services over a database of their own.

use super::*;
use crate::config::Settings;
use samvad_actors::domain::{ActorKind, ChangedBy, Lifecycle};
use samvad_actors::ports::{AuditQuery, AuditStore, ContactFilter, ImportState};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

const HEALTH: &str = include_str!("../../../fixtures/campaigns/health_survey.yaml");

async fn campaigns() -> (Campaigns, Campaign, TempDir) {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite://{}", scratch.path().join("samvad.db").display());
    let store = Arc::new(SqlStore::open(&url).await.expect("opened"));
    let settings = Settings::from_env(&BTreeMap::new()).expect("settings");
    let services = Campaigns::over(&settings, store, None, None, Arc::new(SystemClock::default()));
    let campaign = Campaign::from_yaml(HEALTH).expect("the example is valid");
    services.create_draft(&campaign, &somebody()).await.expect("created");
    (services, campaign, scratch)
}

fn somebody() -> ChangedBy {
    ChangedBy {
        kind: ActorKind::User,
        id: "user-1".to_owned(),
        name: "Asha".to_owned(),
        request_id: Some("request-1".to_owned()),
    }
}

fn file(bytes: impl Read + Send + 'static) -> ImportFile {
    ImportFile {
        name: "people.csv".to_owned(),
        bytes: Box::new(bytes),
        size: None,
        region: None,
    }
}

/// A file that goes on for ever, and counts its rows.
struct Endless {
    rows: Arc<AtomicU64>,
    fails_after: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let row = self.rows.fetch_add(1, Ordering::Relaxed);
        if row >= self.fails_after {
            return Err(io::Error::other("the sender went away"));
        }
        let text = match row {
            0 => "phone_number\n".to_owned(),
            row => format!("+9198123{row:05}\n"),
        };
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_what_was_taken_and_says_so() {
    let (services, campaign, _kept) = campaigns().await;
    let bytes = Endless {
        rows: Arc::default(),
        fails_after: 1_501,
    };
    let done = services
        .import_file(&campaign.id, file(bytes), &somebody(), |_| true)
        .await;
    let import = done.expect("told").import;
    assert_eq!((import.state, import.accepted_rows), (ImportState::Failed, 1_500));
    assert!(
        import.fault.as_ref().is_some_and(|fault| fault.contains("went away")),
        "{import:?}"
    );
    let count = services.count_contacts(&campaign.id, &ContactFilter::default()).await;
    assert_eq!(count.expect("counted"), 1_500);
    let kept = services.import(&campaign.id, &import.import_id.as_str().into()).await;
    assert_eq!(kept.expect("kept"), import);
}

#[tokio::test]
async fn a_file_of_any_size_is_read_no_further_ahead_than_a_few_batches_and_ends_when_told() {
    let (services, campaign, _kept) = campaigns().await;
    let rows = Arc::new(AtomicU64::new(0));
    let bytes = Endless {
        rows: rows.clone(),
        fails_after: u64::MAX,
    };
    let mut told = Vec::new();
    let stop_at_two = |progress: ImportProgress| {
        told.push(progress.rows);
        progress.rows < 2_000
    };
    let done = services
        .import_file(&campaign.id, file(bytes), &somebody(), stop_at_two)
        .await
        .expect("told");
    // It is asked every second as well.
    told.dedup();
    told.retain(|rows| *rows > 0);
    let batches: Vec<u64> = (1..=8).map(|batch| batch * 250).collect();
    assert_eq!((done.import.accepted_rows, told), (2_000, batches));
    assert!(done.import.fault.is_some_and(|fault| fault.contains("interrupted")));
    let read = rows.load(Ordering::Relaxed);
    assert!(read <= 2_000 + 7 * 250, "{read} rows");
}

#[tokio::test]
async fn a_file_that_is_of_no_use_begins_no_import() {
    let (services, campaign, _kept) = campaigns().await;
    for (bytes, word) in [
        (&b"\xff\xfep\0"[..], "UTF-16"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"", "empty"),
        (b"city\nPune\n", "telephone number"),
    ] {
        let refused = services
            .import_file(&campaign.id, file(io::Cursor::new(bytes.to_vec())), &somebody(), |_| {
                true
            })
            .await;
        assert!(
            matches!(&refused, Err(CampaignError::UnusableFile(fault)) if fault.contains(word)),
            "{refused:?}"
        );
    }
    assert!(services.imports(&campaign.id, None, 9).await.expect("read").is_empty());
}

#[tokio::test]
async fn an_activation_says_everything_that_is_missing_at_once() {
    let (services, mut campaign, _kept) = campaigns().await;
    // As an earlier version might have left it.
    campaign.questions.pop();
    campaign.longest_call_seconds = 1;
    services.store.put_campaign(&campaign, 1).await.expect("written");
    let wish = Activation {
        campaign: campaign.id.clone(),
        mode: Mode::DryRun,
        starts_at_ms: None,
        confirmation: None,
    };
    let refused = services.activate(&wish, &somebody()).await;
    let Err(CampaignError::NotReady(faults)) = refused else {
        panic!("{refused:?}");
    };
    for field in ["questions", "longest_call_seconds", "contacts"] {
        assert!(faults.iter().any(|fault| fault.field == field), "{field}: {faults:?}");
    }
    assert!(faults.iter().all(|fault| !fault.remedy.is_empty()));
    assert_eq!(
        services.detail(&campaign.id).await.expect("read").summary.status,
        Lifecycle::Draft
    );
}

/// Does something once, when it is first asked for the time.
struct Meddling(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Clock for Meddling {
    fn unix_ms(&self) -> i64 {
        let meddle = self.0.lock().expect("whole").take();
        if let Some(meddle) = meddle {
            std::thread::spawn(meddle).join().expect("done");
        }
        SystemClock::default().unix_ms()
    }

    fn monotonic(&self) -> std::time::Duration {
        SystemClock::default().monotonic()
    }
}

#[tokio::test]
async fn what_is_edited_between_confirmation_and_activation_is_not_called_for_real() {
    let (mut services, campaign, kept) = campaigns().await;
    services.node_mode = Mode::Live;
    let person = file(io::Cursor::new(b"phone\n+14155550101\n".to_vec()));
    services
        .import_file(&campaign.id, person, &somebody(), |_| true)
        .await
        .expect("told");
    let preview = services.preview(&campaign.id, Mode::Live).await.expect("a preview");
    let wish = Activation {
        campaign: campaign.id.clone(),
        mode: Mode::Live,
        starts_at_ms: None,
        confirmation: Some(preview.confirmation),
    };
    let (url, mut edited) = (
        format!("sqlite://{}", kept.path().join("samvad.db").display()),
        campaign.clone(),
    );
    edited.name = "Another".to_owned();
    let meddle = move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let store = Arc::new(SqlStore::open(&url).await.expect("opened"));
            let settings = Settings::from_env(&BTreeMap::new()).expect("settings");
            let other = Campaigns::over(&settings, store, None, None, Arc::new(SystemClock::default()));
            other.edit(&edited, 1, &somebody()).await.expect("edited");
        });
    };
    services.clock = Arc::new(Meddling(std::sync::Mutex::new(Some(Box::new(meddle)))));
    let refused = services.activate(&wish, &somebody()).await;
    assert!(matches!(refused, Err(CampaignError::NotConfirmed)), "{refused:?}");
    let state = services.state(&campaign.id).await.expect("read");
    assert_eq!(state.lifecycle, Lifecycle::Draft);
}

#[tokio::test]
async fn every_change_stands_in_the_audit_log_with_who_made_it() {
    let (services, mut campaign, _kept) = campaigns().await;
    let by = somebody();
    campaign.name = "Changed".to_owned();
    services.edit(&campaign, 1, &by).await.expect("edited");
    let stale = services.edit(&campaign, 1, &by).await;
    assert!(matches!(
        stale,
        Err(CampaignError::Edit(EditRefusal::VersionMismatch { current: 2 }))
    ));
    let people = file(io::Cursor::new(
        b"phone,dnc\n+14155550101,\n+14155550102,yes\nno,\n".to_vec(),
    ));
    let done = services
        .import_file(&campaign.id, people, &by, |_| true)
        .await
        .expect("told");
    assert_eq!((done.excluded_numbers, done.sample_rejections[0].row), (1, 4));
    let number = samvad_actors::domain::PhoneNumber::parse("+14155550102").expect("E.164");
    assert_eq!(services.remove_do_not_call(&number, &by).await.expect("removed"), 1);
    let wish = Activation {
        campaign: campaign.id.clone(),
        mode: Mode::DryRun,
        starts_at_ms: None,
        confirmation: None,
    };
    services.activate(&wish, &by).await.expect("active");
    services.pause(&campaign.id, &by).await.expect("paused");
    services.resume(&campaign.id, &by).await.expect("running");
    services.stop(&campaign.id, &by).await.expect("stopped");
    services.archive(&campaign.id, &by).await.expect("put away");
    let copy = services
        .copy(&campaign.id, None, Some("Again"), &by)
        .await
        .expect("copied");
    let copy = CampaignId::new(copy.summary.campaign_id);
    services.delete_draft(&copy, Some(1), &by).await.expect("deleted");

    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let log = services.store.audit_log(&query).await.expect("read");
    let actions: Vec<&str> = log.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "campaign.create",
            "campaign.edit",
            "contacts.import",
            "contacts.import_end",
            "exclusion.remove",
            "campaign.activate",
            "campaign.pause",
            "campaign.resume",
            "campaign.stop",
            "campaign.archive",
            "campaign.clone",
            "campaign.delete",
        ]
    );
    assert!(log.iter().all(|row| row.by == by && row.before != row.after));
    let whole = format!("{log:?}");
    assert!(
        !whole.contains("4155550101") && !whole.contains("4155550102"),
        "{whole}"
    );
}

#[tokio::test]
async fn statistics_are_written_with_plain_names_and_no_rate_of_nothing() {
    let (services, campaign, _kept) = campaigns().await;
    let empty = services.statistics(&campaign.id, None).await.expect("counted");
    assert_eq!((empty.completion_rate, empty.mean_attempts), (None, None));
    let people = file(io::Cursor::new(b"phone\n+14155550101\n".to_vec()));
    services
        .import_file(&campaign.id, people, &somebody(), |_| true)
        .await
        .expect("told");
    let one = services.statistics(&campaign.id, None).await.expect("counted");
    assert_eq!((one.completion_rate, one.aapor.unknown_household), (Some(0.0), 1));
    let json = serde_json::to_value(&one).expect("JSON");
    assert_eq!(json["contacts"]["pending"], 1);
    assert_eq!(json["mode"], "dry_run");
    let detail = services.detail(&campaign.id).await.expect("read");
    let json = serde_json::to_value(&detail).expect("JSON");
    assert_eq!(
        (&json["status"], &json["definition"]["id"]),
        (&"draft".into(), &json["campaign_id"])
    );
}
