//! How long a tick and a claim take over a million contacts, on SQLite and on PostgreSQL.
//!
//! `cargo run --example store_bench -- [CONTACTS]` (default 1000000); needs the PostgreSQL programs
//! (`tools/setup test`). Figures are of this machine; the PostgreSQL server runs with `fsync = off`, as in the tests,
//! the SQLite file with full synchronisation, as always.

#[path = "../tests/support/postgres.rs"]
mod postgres;

use anyhow::{Context, anyhow};
use samvad::store::{DatabaseUrl, SqlStore, migrate_up};
use samvad_actors::domain::{AttemptId, CalendarDate, Campaign, Lifecycle, Mode};
use samvad_actors::ports::{CampaignStore, DialClaim, DialerStore, DueQuery, Leadership, LifecycleChange};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::time::{Duration, Instant};

const NOW_MS: i64 = 1_700_000_000_000;
const TICKS: usize = 50;
const CLAIMS: u32 = 400;
/// Free permits times four.
const CANDIDATES: u32 = 400;
const ZONES: usize = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let contacts: u32 = match std::env::args().nth(1) {
        Some(text) => text.parse().context("the number of contacts")?,
        None => 1_000_000,
    };
    let scratch = tempfile::tempdir()?;
    let sqlite = format!("sqlite://{}", scratch.path().join("samvad.db").display());
    let server = postgres::new_database().await.map_err(|error| anyhow!(error))?;
    for (name, url) in [("SQLite", sqlite), ("PostgreSQL", server)] {
        measure(name, &url, contacts)
            .await
            .with_context(|| format!("the run on {name}"))?;
    }
    Ok(())
}

async fn measure(name: &str, url: &str, contacts: u32) -> anyhow::Result<()> {
    migrate_up(&DatabaseUrl::parse(url)?, None).await?;
    let store = SqlStore::open(url).await?;
    let campaign: Campaign = serde_json::from_value(serde_json::json!({
        "id": "bench", "name": "Bench", "organisation": "the Bench", "purpose": "a bench",
        "caller_id": "+14155550100", "questions": []
    }))?;
    store.put_campaign(&campaign, NOW_MS).await?;
    store.set_mode(&campaign.id, Mode::Live, NOW_MS).await?;
    let running = LifecycleChange {
        campaign: campaign.id.clone(),
        to: Lifecycle::Running,
        reason: None,
        starts_at_ms: None,
        epoch: None,
    };
    store.change_lifecycle(&running, NOW_MS).await?;
    let leadership = Leadership {
        campaign: campaign.id.clone(),
        node: "bench".to_owned(),
        epoch: 1,
    };
    store.take_leadership(&leadership).await?;
    let started = Instant::now();
    fill(url, contacts).await?;
    println!(
        "{name}: {contacts} contacts written in {:.1} s",
        started.elapsed().as_secs_f64()
    );

    let zones = store.zones(&campaign.id).await?;
    let query = DueQuery {
        campaign: campaign.id.clone(),
        open_zones: zones,
        local_date: CalendarDate::new(2023, 11, 14).context("a date")?,
        limit: CANDIDATES,
    };
    let mut ticks = Vec::new();
    let mut candidates = Vec::new();
    for _ in 0..TICKS {
        let started = Instant::now();
        candidates = store.due_snapshot(&query, NOW_MS).await?.candidates;
        ticks.push(started.elapsed());
    }
    let found = candidates.len();
    report(name, &format!("tick ({found} candidates, {ZONES} zones)"), ticks);

    let mut zone_looks = Vec::new();
    for _ in 0..TICKS {
        let started = Instant::now();
        store.zones(&campaign.id).await?;
        zone_looks.push(started.elapsed());
    }
    report(name, "zones of pending contacts", zone_looks);

    let (mut claims, mut submissions) = (Vec::new(), Vec::new());
    for (n, candidate) in (0..CLAIMS).zip(&candidates) {
        let claim = DialClaim {
            attempt: AttemptId::new(format!("a{n}")),
            contact: candidate.contact.clone(),
            token_hash: "hash".to_owned(),
            token_expires_at_ms: NOW_MS + 60_000,
            permit_deadline_ms: NOW_MS + 400_000,
            country: "US".to_owned(),
            caller_id: campaign.caller_id.clone(),
            local_date: query.local_date,
        };
        let started = Instant::now();
        store.claim(&leadership, &claim, NOW_MS).await??;
        claims.push(started.elapsed());
        let started = Instant::now();
        store.mark_submitting_as(&leadership, &claim.attempt, NOW_MS).await??;
        submissions.push(started.elapsed());
    }
    report(name, "claim", claims);
    report(name, "mark as submitting", submissions);
    let started = Instant::now();
    store.contact_counts(&campaign.id).await?;
    report(name, "counts by state", vec![started.elapsed()]);
    store.close().await;
    Ok(())
}

/// Contacts by one statement: the import is not what is measured here.
async fn fill(url: &str, contacts: u32) -> anyhow::Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {contacts})
         INSERT INTO contacts (id, campaign_id, position, phone_number, attempts_count, created_at_ms, zone)
         SELECT 'contact-' || i, 'bench', i, '+1' || (4000000000 + i), 0, 1,
             CASE i % {ZONES} WHEN 0 THEN '' WHEN 1 THEN 'Asia/Kolkata' WHEN 2 THEN 'America/New_York'
                 ELSE 'Europe/Berlin' END
         FROM n"
    );
    for statement in [insert.as_str(), "ANALYZE"] {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

fn report(name: &str, what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| {
        times
            .get((times.len().saturating_sub(1)) * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{name}: {what}: median {:.2} ms, p95 {:.2} ms, n = {}",
        at(50).as_secs_f64() * 1e3,
        at(95).as_secs_f64() * 1e3,
        times.len()
    );
}
