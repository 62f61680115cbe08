//! `samvad audit`: who changed what, and when.

use super::operators::{Database, has_colour, with_campaigns};
use super::output::say;
use crate::api::AuditItem;
use crate::app::campaigns::Campaigns;
use clap::Args;
use comfy_table::{Cell, Color, Table, presets};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use samvad_actors::ports::{AuditQuery, AuditRow};
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Entries that are read at once.
const PAGE: u32 = 200;
/// Longest text of a change in the table, in characters.
const LONGEST_CHANGE: usize = 70;
/// Longest text of a single value in it, in characters.
const LONGEST_VALUE: usize = 24;
/// Longest name and id in the table, in characters: ids of our own have 36.
const LONGEST_NAME: usize = 40;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad audit                                   the 50 newest entries
  samvad audit --action campaign. --limit 500    what was done with campaigns
  samvad audit --action session. --since 2026-03-02
  samvad audit --target-kind campaign --target-id health-survey
  samvad audit --by asha                         what asha did on the command line
  samvad audit --json --limit 100000 | jq -c 'select(.action == \"token.create\")'

Actions begin with what they are about: campaign., contact., contacts. (files), exclusion., registry., session.,
token., user. Telephone numbers are masked in the log itself.
Exit status 0: done, though nothing may match. 2: it could not be read.";

/// Which entries.
#[derive(Args, Debug)]
pub(super) struct AuditArgs {
    /// Beginning of the action, for example campaign. or token.revoke.
    #[arg(long, value_name = "PREFIX")]
    action: Option<String>,
    /// Id of whoever did it: of a user, of a token, or the account's name on the command line.
    #[arg(long, value_name = "ID")]
    by: Option<String>,
    /// Kind of what was changed: campaign, contact, exclusion, token, user.
    #[arg(long, value_name = "KIND")]
    target_kind: Option<String>,
    /// Its id.
    #[arg(long, value_name = "ID")]
    target_id: Option<String>,
    /// From this moment on: a day (its beginning in UTC), or an instant such as 2026-03-02T11:00:00+05:30.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this moment, written likewise.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Entries shown at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Write an entry a line as JSON, whole and as the HTTP API writes it, in place of the table.
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let instant = text.parse().ok();
    instant
        .or_else(|| day().map(|day| day.timestamp()))
        .ok_or_else(|| "write a day (2026-03-02) or an instant with its offset (2026-03-02T11:00:00+05:30)".to_owned())
}

pub(super) fn run(args: AuditArgs) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let mut rows = Vec::new();
        each_page(campaigns, &args, |page| {
            if !args.json {
                rows.extend(page);
                return Ok(());
            }
            for row in page {
                say!("{}", serde_json::to_string(&AuditItem::from(row))?)?;
            }
            Ok(())
        })
        .await?;
        match rows.is_empty() {
            true if args.json => {}
            true => say!("the audit log has no such entry")?,
            false => say!("{}", table(&rows, has_colour()))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Reads what is asked for, the newest first, a page in memory at a time.
async fn each_page(
    campaigns: &Campaigns,
    args: &AuditArgs,
    mut take: impl FnMut(Vec<AuditRow>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut query = AuditQuery {
        by: args.by.clone(),
        action_prefix: args.action.clone(),
        target_kind: args.target_kind.clone(),
        target_id: args.target_id.clone(),
        from_ms: args.since.map(Timestamp::as_millisecond),
        until_ms: args.until.map(Timestamp::as_millisecond),
        before_id: None,
        limit: 0,
    };
    let mut left = args.limit;
    while left > 0 {
        query.limit = left.min(PAGE);
        let page = campaigns.audit_log(&query).await?;
        let Some(last) = page.last() else { return Ok(()) };
        query.before_id = Some(last.id);
        let found = u32::try_from(page.len()).unwrap_or(left);
        left = if found < query.limit { 0 } else { left - found };
        take(page)?;
    }
    Ok(())
}

fn table(rows: &[AuditRow], has_colour: bool) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["TIME (UTC)", "WHO", "WHAT", "TARGET", "CHANGE"]);
    if has_colour {
        table.enforce_styling();
    }
    for row in rows {
        let action = Cell::new(plain(&row.action, LONGEST_NAME));
        table.add_row([
            Cell::new(time(row.at_ms)),
            Cell::new(who(row)),
            match colour(&row.action).filter(|_| has_colour) {
                Some(colour) => action.fg(colour),
                None => action,
            },
            Cell::new(target(row)),
            Cell::new(change(row.before.as_ref(), row.after.as_ref())),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.trim_fmt()
}

/// To the second.
fn time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).and_then(|at| at.round(Unit::Second));
    at.map_or_else(
        |_| "beyond the calendar".to_owned(),
        |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn who(row: &AuditRow) -> String {
    format!(
        "{} ({})",
        plain(&row.by.name, LONGEST_NAME),
        row.by.kind.as_str().replace('_', " ")
    )
}

fn target(row: &AuditRow) -> String {
    let id = plain(&row.target_id, LONGEST_NAME);
    format!("{} {id}", plain(&row.target_kind, LONGEST_NAME))
        .trim_end()
        .to_owned()
}

/// Red for what was refused, yellow for what takes something away.
fn colour(action: &str) -> Option<Color> {
    match action.rsplit('.').next()? {
        "refuse" => Some(Color::Red),
        "delete" | "disable" | "exclude" | "remove" | "revoke" | "stop" | "stop_all" => Some(Color::Yellow),
        _ => None,
    }
}

/// What differs, in short: `status: draft → running`. What is new or gone has one side alone.
fn change(before: Option<&Value>, after: Option<&Value>) -> String {
    let text = match (before, after) {
        (None, None) => String::new(),
        (Some(Value::Object(before)), Some(Value::Object(after))) => fields(before, after),
        (None, Some(Value::Object(after))) => fields(&Map::new(), after),
        (Some(Value::Object(before)), None) => fields(before, &Map::new()),
        (before, after) => pair(before, after),
    };
    plain(&text, LONGEST_CHANGE)
}

fn fields(before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let changed = before.keys().chain(added).filter(differs);
    let told = changed.map(|name| format!("{name}: {}", pair(before.get(name), after.get(name))));
    told.collect::<Vec<_>>().join(", ")
}

fn pair(before: Option<&Value>, after: Option<&Value>) -> String {
    let is_said = |value: &&Value| !value.is_null();
    match (before.filter(is_said), after.filter(is_said)) {
        (None, None) => "-".to_owned(),
        (None, Some(after)) => format!("→ {}", value(after)),
        (Some(before), None) => format!("{} →", value(before)),
        (Some(before), Some(after)) => format!("{} → {}", value(before), value(after)),
    }
}

fn value(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => "{…}".to_owned(),
        other => other.to_string(),
    };
    plain(&text, LONGEST_VALUE)
}

/// A text of others for a terminal: short, and without control characters, which could draw over what was written.
fn plain(text: &str, longest: usize) -> String {
    let mut characters = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut text: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        text.pop();
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_told_by_what_differs_alone() {
        let told = |before: Value, after: Value| {
            let side = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
            change(side(&before).as_ref(), side(&after).as_ref())
        };
        let paused = told(
            json!({"status": "running", "mode": "live"}),
            json!({"status": "paused", "mode": "live", "reason": "paused"}),
        );
        assert_eq!(paused, "status: running → paused, reason: → paused");
        assert_eq!(told(json!(null), json!({"added": 2})), "added: → 2");
        assert_eq!(told(json!({"name": "nightly"}), json!(null)), "name: nightly →");
        assert_eq!(
            told(json!(null), json!({"definition": {"id": "a"}})),
            "definition: → {…}"
        );
        assert_eq!(told(json!(null), json!(null)), "");
    }

    #[test]
    fn what_others_wrote_is_cut_and_draws_nothing() {
        assert_eq!(plain("a\u{1b}[2Jb\n", 10), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(plain("abcdef", 4), "abc…");
        let long = json!({"reason": "x".repeat(500), "other": "y".repeat(500), "third": "z".repeat(500)});
        assert_eq!(change(None, Some(&long)).chars().count(), LONGEST_CHANGE);
    }

    #[test]
    fn only_what_is_refused_or_takes_something_away_is_coloured_and_nothing_without_a_terminal() {
        let row = |action: &str| AuditRow {
            id: 1,
            at_ms: 1_772_409_600_500,
            by: crate::app::campaigns::on_the_command_line("asha"),
            action: action.to_owned(),
            target_kind: "contacts".to_owned(),
            target_id: String::new(),
            before: None,
            after: None,
        };
        let rows = [row("campaign.create"), row("campaign.delete"), row("session.refuse")];
        let coloured = table(&rows, true);
        let has_colour: Vec<bool> = coloured.lines().map(|line| line.contains('\u{1b}')).collect();
        assert_eq!(has_colour, [false, false, true, true], "{coloured}");
        let plain = table(&rows, false);
        assert!(!plain.contains('\u{1b}'), "{plain}");
        assert!(plain.contains("asha (command line)"), "{plain}");
    }

    #[test]
    fn a_day_begins_in_utc_and_what_is_no_time_is_refused_with_the_form() {
        let midnight = moment("2026-03-02").expect("a day");
        assert_eq!(midnight, moment("2026-03-02T05:30:00+05:30").expect("an instant"));
        assert!(
            moment("yesterday")
                .expect_err("refused")
                .contains("2026-03-02T11:00:00")
        );
    }
}
