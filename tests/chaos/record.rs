//! What happened, read from the simulator's ledger and from the database, where triggers of our own keep who marked an
//! attempt and when.

use crate::laws::{Attempt, Call, Mark, Record};
use crate::people::People;
use samvad_actors::domain::PhoneNumber;
use serde_json::Value;
use sqlx::{PgPool, Row};
use std::collections::BTreeMap;
use std::path::Path;

/// Written by triggers, in the transaction that they judge: rows whose commit time says what was first.
const WITNESS: &str = "
    CREATE TABLE chaos_leads (n BIGSERIAL PRIMARY KEY, campaign TEXT, node TEXT, epoch BIGINT);
    CREATE TABLE chaos_marks (attempt TEXT, number TEXT, node TEXT, epoch BIGINT, leader TEXT, leader_epoch BIGINT);
    CREATE TABLE chaos_opt_outs (number TEXT);
    CREATE FUNCTION chaos_lead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.epoch <> OLD.epoch OR NEW.leader IS DISTINCT FROM OLD.leader THEN
            INSERT INTO chaos_leads (campaign, node, epoch) VALUES (NEW.id, NEW.leader, NEW.epoch);
        END IF;
        RETURN NEW;
    END $$;
    CREATE FUNCTION chaos_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO chaos_marks
            SELECT NEW.id, c.phone_number, NEW.node, NEW.epoch, l.node, l.epoch
            FROM contacts c, chaos_leads l
            WHERE c.id = NEW.contact_id AND l.campaign = NEW.campaign_id
            ORDER BY l.n DESC LIMIT 1;
        RETURN NULL;
    END $$;
    CREATE FUNCTION chaos_opt_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO chaos_opt_outs VALUES (NEW.phone_number);
        RETURN NULL;
    END $$;
    -- Of several triggers the first by name goes first: before any mutation.
    CREATE TRIGGER a_chaos_lead BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION chaos_lead();
    CREATE TRIGGER a_chaos_mark AFTER UPDATE ON attempts FOR EACH ROW
        WHEN (OLD.state = 'planned' AND NEW.state = 'submitting') EXECUTE FUNCTION chaos_mark();
    CREATE TRIGGER a_chaos_opt_out AFTER INSERT ON do_not_call FOR EACH ROW EXECUTE FUNCTION chaos_opt_out();
";

/// Has the database keep what the laws are judged by.
pub async fn watch(database: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(WITNESS).execute(database).await.map(drop)
}

/// Everything that has happened until now. What is only known at the end (permits) is left open.
pub async fn read(directory: &Path, people: &People, database: &PgPool) -> Result<Record, sqlx::Error> {
    let mut campaigns: BTreeMap<String, _> = people
        .campaigns
        .iter()
        .map(|planned| (planned.campaign.id.as_str().to_owned(), planned.rules.clone()))
        .collect();
    // The calls first: an attempt is written before its call is placed.
    let calls = calls(&std::fs::read_to_string(crate::fleet::ledger(directory)).unwrap_or_default());
    for row in sqlx::query("SELECT id, lifecycle FROM campaigns")
        .fetch_all(database)
        .await?
    {
        if let Some(campaign) = campaigns.get_mut(row.try_get::<&str, _>("id")?) {
            campaign.finished = row.try_get::<&str, _>("lifecycle")? == "completed";
        }
    }
    Ok(Record {
        calls,
        attempts: attempts(database).await?,
        marks: marks(database).await?,
        opt_outs: opt_outs(database).await?,
        campaigns,
        fleet: people.fleet,
        country: people.country,
        per_caller_id: Some(people.per_caller_id),
        permits_gone_ms: None,
    })
}

/// The calls of the simulator's ledger. A line that is still being written is left out.
pub fn calls(ledger: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut by_sid: BTreeMap<String, usize> = BTreeMap::new();
    for line in ledger
        .lines()
        .map_while(|line| serde_json::from_str::<Value>(line).ok())
    {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let (sid, at_ms) = (text("sid"), line["at_ms"].as_i64().unwrap_or(0));
        if line["event"] == "placed" {
            by_sid.insert(sid.clone(), calls.len());
            let callback = text("status_callback");
            calls.push(Call {
                sid,
                attempt: callback.rsplit('/').next().unwrap_or_default().to_owned(),
                to: text("to"),
                from: text("from"),
                begun_ms: at_ms,
                over_ms: None,
            });
        } else if let Some(&place) = by_sid.get(&sid) {
            calls[place].over_ms = Some(at_ms);
        }
    }
    calls
}

async fn attempts(database: &PgPool) -> Result<Vec<Attempt>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT a.id, a.campaign_id, NULLIF(c.zone, '') AS zone, c.phone_number, a.local_date, a.outcome
         FROM attempts a JOIN contacts c ON c.id = a.contact_id",
    );
    let attempt = |row: &sqlx::postgres::PgRow| {
        Ok(Attempt {
            id: row.try_get("id")?,
            campaign: row.try_get("campaign_id")?,
            zone: row.try_get("zone")?,
            country: country(row.try_get("phone_number")?),
            day: row.try_get::<Option<String>, _>("local_date")?.unwrap_or_default(),
            outcome: row.try_get("outcome")?,
        })
    };
    rows.fetch_all(database).await?.iter().map(attempt).collect()
}

async fn marks(database: &PgPool) -> Result<Vec<Mark>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT attempt, number, node, epoch, leader, leader_epoch,
            CAST(EXTRACT(EPOCH FROM pg_xact_commit_timestamp(xmin)) * 1000000 AS BIGINT) AS at_us FROM chaos_marks",
    );
    let mark = |row: &sqlx::postgres::PgRow| {
        Ok(Mark {
            attempt: row.try_get("attempt")?,
            number: row.try_get("number")?,
            at_us: row.try_get("at_us")?,
            by: (row.try_get("node")?, row.try_get("epoch")?),
            leader: (row.try_get("leader")?, row.try_get("leader_epoch")?),
        })
    };
    rows.fetch_all(database).await?.iter().map(mark).collect()
}

async fn opt_outs(database: &PgPool) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT number, CAST(EXTRACT(EPOCH FROM pg_xact_commit_timestamp(xmin)) * 1000000 AS BIGINT) AS at_us
         FROM chaos_opt_outs",
    );
    let rows = rows.fetch_all(database).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("number")?, row.try_get("at_us")?)))
        .collect()
}

fn country(number: &str) -> String {
    PhoneNumber::parse(number).map_or_else(|_| number.to_owned(), |number| number.calling_code().to_owned())
}

#[test]
fn a_ledger_is_read_up_to_the_line_that_is_being_written() {
    let ledger = concat!(
        r#"{"event":"placed","at_ms":1,"sid":"CA1","to":"+1","from":"+2","status_callback":"https://s/status/a1"}"#,
        "\n",
        r#"{"event":"over","at_ms":5,"sid":"CA1","status":"busy"}"#,
        "\n",
        r#"{"event":"pla"#,
    );
    let calls = calls(ledger);
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].attempt.as_str(), calls[0].begun_ms, calls[0].over_ms),
        ("a1", 1, Some(5))
    );
}
