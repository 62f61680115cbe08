//! `samvad costs`: what a campaign's calls used and cost, and how fast they answered.

mod calls;
mod sheet_csv;
mod sheet_json;
mod sheet_text;

use self::calls::CallWriter;
use super::campaign::ModeWord;
use super::operators::{Database, prepare};
use super::output::say;
use crate::config::{Settings, process_environment};
use crate::costs::{Cost, Money, Percentiles, PriceTable, Sheet};
use crate::store::SqlStore;
use anyhow::bail;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use samvad_actors::domain::{CampaignId, Mode};
use samvad_actors::ports::{CallCursor, CampaignStore, CostQuery, CostStore, LatencyCount, ServiceKind, TurnPart};
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad costs health-survey                              totals, and per completed interview
  samvad costs health-survey --mode live --since 2026-03-01 --until 2026-04-01
  samvad costs health-survey --per-call --format csv > calls.csv
  SAMVAD_PRICES=prices.yaml samvad costs health-survey    prices.example.yaml shows such a file

Amounts are what was sent to each service, failures and repetitions included. Prices come from the file that SAMVAD_PRICES
names; what has none is shown as unpriced and leaves a total open (\"+ ?\"). Sums are exact, and only what is shown
is rounded. What was used to prepare the campaign stands apart, once for calls of every mode. Calls count when they have
ended; those of a simulation are priced as if a carrier had placed them.

Latency is in milliseconds from the end of speech to our first audio, by nearest rank, exact to the millisecond up to a
minute. The parts of one turn add up to its total; percentiles of parts do not.

--format csv gives one table; json one object, or with --per-call one object a line. Costs have six places there; 60001 ms
stands for more than a minute.
Exit status 0: done. 2: there is no such campaign or database, or the prices or the arguments are wrong.";

/// Calls that are read at a time.
const PAGE: u32 = 1_000;

/// Which costs, and how they are shown.
#[derive(Args, Debug)]
pub(super) struct CostsArgs {
    /// The campaign's id, as its file and `samvad campaign list` say it.
    #[arg(value_name = "CAMPAIGN", value_parser = super::campaign_id)]
    campaign: CampaignId,
    /// A line for each call in place of totals.
    #[arg(long)]
    per_call: bool,
    /// Only calls that are so real; default all, each mode apart.
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeWord>,
    /// Only what ended from then on: a day in UTC such as 2026-03-01, or an instant such as 2026-03-01T11:00:00+05:30.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what ended before then, written likewise.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// How it is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How a sheet is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let instant = text.parse::<Timestamp>().ok();
    instant
        .or_else(|| day().map(|day| day.timestamp()))
        .ok_or_else(|| "write a day such as 2026-03-01 or an instant such as 2026-03-01T11:00:00+05:30".to_owned())
}

/// All that is shown of totals.
struct Report {
    campaign: CampaignId,
    currency: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    sheet: Sheet,
    latency: Vec<Latency>,
}

/// How fast the calls of one mode answered: each part of a turn, the total last.
struct Latency {
    mode: Mode,
    parts: Vec<(TurnPart, Option<Percentiles>)>,
}

pub(super) fn run(args: &CostsArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        bail!("--until {until} is not after --since {since}; nothing can have ended between them");
    }
    let prices = match &settings.prices {
        Some(path) => PriceTable::load(path)?,
        None => PriceTable::default(),
    };
    prepare(&settings, Database::MustExist)?;
    super::runtime()?.block_on(async {
        let store = SqlStore::open(&settings.database_url).await?;
        let done = show(args, &store, &prices).await;
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: &CostsArgs, store: &SqlStore, prices: &PriceTable) -> anyhow::Result<()> {
    if store.campaign(&args.campaign).await?.is_none() {
        bail!(
            "there is no campaign {}; `samvad campaign list` shows those there are",
            args.campaign
        );
    }
    let query = CostQuery {
        campaign: args.campaign.clone(),
        mode: args.mode.map(Mode::from),
        since_ms: args.since.map_or(i64::MIN, Timestamp::as_millisecond),
        until_ms: args.until.map_or(i64::MAX, Timestamp::as_millisecond),
    };
    if args.per_call {
        return show_calls(args.format, &query, store, prices).await;
    }
    let sheet = Sheet::of(&store.cost_totals(&query).await?, prices);
    let report = Report {
        campaign: query.campaign.clone(),
        currency: prices.currency().map(str::to_owned),
        since: args.since,
        until: args.until,
        latency: latency(&query, &sheet, store).await?,
        sheet,
    };
    Ok(match args.format {
        Format::Text => say!("{}", sheet_text::report(&report)),
        Format::Json => say!("{:#}", sheet_json::report(&report)),
        Format::Csv => say!("{}", sheet_csv::report(&report)?),
    }?)
}

async fn latency(query: &CostQuery, sheet: &Sheet, store: &SqlStore) -> anyhow::Result<Vec<Latency>> {
    let modes = sheet.sections.iter().map(|section| section.calls.mode);
    let mut found: Vec<_> = modes
        .map(|mode| Latency {
            mode,
            parts: Vec::new(),
        })
        .collect();
    for part in TurnPart::ALL {
        let counts = store.latency_counts(query, part).await?;
        for latency in &mut found {
            let own: Vec<LatencyCount> = counts
                .iter()
                .filter(|count| count.mode == latency.mode)
                .copied()
                .collect();
            latency.parts.push((part, Percentiles::of(&own)));
        }
    }
    Ok(found)
}

/// Every call, a page at a time: however many there are, only one page is in memory.
async fn show_calls(format: Format, query: &CostQuery, store: &SqlStore, prices: &PriceTable) -> anyhow::Result<()> {
    let writer = CallWriter::new(format, prices);
    if let Some(header) = writer.header() {
        say!("{header}")?;
    }
    let mut after: Option<CallCursor> = None;
    loop {
        let calls = store.calls_used(query, after.as_ref(), PAGE).await?;
        let Some(last) = calls.last() else {
            return Ok(());
        };
        after = Some(CallCursor {
            ended_at_ms: last.ended_at_ms,
            attempt: last.attempt.clone(),
        });
        for call in calls {
            say!("{}", writer.line(call)?)?;
        }
    }
}

/// A cost for programs: six places, `None` if nothing of it is known.
fn exact(cost: Cost) -> Option<String> {
    (cost.complete || cost.known != Money::NOTHING).then(|| cost.known.decimal(6))
}

/// A cost for people, or a share of it: four places, and whether something in it has no price.
fn readable(cost: Cost, of: u64) -> String {
    let nothing_known = cost.known == Money::NOTHING;
    match (cost.complete, nothing_known) {
        (true, _) => cost.known.share(of, 4),
        (false, true) => "unpriced".to_owned(),
        (false, false) => format!("{} + ?", cost.known.share(of, 4)),
    }
}

/// Milliseconds as seconds, exactly.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

fn kind_word(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Recognition => "recognition",
        ServiceKind::Synthesis => "synthesis",
        ServiceKind::Language => "language",
    }
}

fn part_word(part: TurnPart) -> &'static str {
    match part {
        TurnPart::EndPointing => "end_pointing",
        TurnPart::Recognition => "recognition",
        TurnPart::Understanding => "understanding",
        TurnPart::Decision => "decision",
        TurnPart::FirstAudio => "first_audio",
        TurnPart::Total => "total",
    }
}
