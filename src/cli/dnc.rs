//! `samvad dnc`: who must not be called. Numbers are shown only to whoever typed them, and masked to others.

mod listed;
mod remove;

use super::import::{Stored, check_rejects, import};
use super::operators::{Database, calls_taken_back, with_campaigns};
use super::output::say;
use crate::app::campaigns::{Campaigns, OptOuts, command_line};
use crate::contact_files::{ListedColumn, NumberColumn, Region, Sheet, read_number};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use samvad_actors::domain::PhoneNumber;
use samvad_actors::ports::{ExclusionSource, RegistryScrub};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad dnc add +919812345678
  samvad dnc import stop.csv --region IN
  samvad dnc check +919812345678              exits 1 if it is on the list
  samvad dnc list --source import             the newest entries, numbers masked
  samvad dnc remove +919812345678             asks first; --yes where there is no terminal
  samvad dnc scrub import registry.csv --date 2026-03-02

The list holds for every campaign. Calls that wait or ring are taken back. What came from a file or a keyboard can be
removed, with an entry in the audit log; what somebody asked for in a call stays for good.";

/// What to do with the do-not-call list.
#[derive(Args, Debug)]
pub(super) struct DncArgs {
    #[command(subcommand)]
    command: DncCommand,
}

#[derive(Subcommand, Debug)]
enum DncCommand {
    /// Puts numbers on the list.
    ///
    /// None is added unless all can be read. Exit status 0: all are on the list. 2: it could not be done.
    Add {
        /// The numbers.
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<String>,
        #[command(flatten)]
        country: Country,
    },
    /// Puts the numbers of a file on the list (CSV with a column phone_number, phone or mobile).
    ///
    /// Exit status 0: every row was taken or there already. 1: some were rejected. 2: it could not be done, or not to
    /// the end; what was stored is said.
    Import(FileArgs),
    /// Says whether a number is on the list.
    ///
    /// Exit status 0: it is not. 1: it is. 2: it could not be found out.
    Check {
        /// The number.
        #[arg(value_name = "NUMBER")]
        number: String,
        #[command(flatten)]
        country: Country,
    },
    /// Shows the newest entries: when each was added and from where, the number masked.
    ///
    /// Whether a certain number is on the list, `samvad dnc check` tells. Exit status 0: done. 2: it could not be read.
    List(listed::ListArgs),
    /// Takes a number off the list.
    ///
    /// Its contacts may be called again then, in campaigns that are not over, unless they are excluded for something
    /// else besides. Asks for confirmation; without a terminal, --yes is needed. A number whose person asked in a call
    /// not to be called stays on the list, whoever asks. Stands in the audit log (`samvad audit`).
    ///
    /// Exit status 0: it is off the list. 2: it is not, and nothing was changed.
    Remove {
        /// The number.
        #[arg(value_name = "NUMBER")]
        number: String,
        #[command(flatten)]
        country: Country,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Keeps what the registry of those who want no calls answered.
    Scrub {
        #[command(subcommand)]
        command: ScrubCommand,
    },
}

#[derive(Subcommand, Debug)]
enum ScrubCommand {
    /// Reads a registry's answer (CSV with the columns phone_number and listed, which is yes or no).
    ///
    /// A campaign with dialing.scrub_max_age_days calls only numbers that were looked up within so many days and are
    /// not listed; what a registry has not been asked about is not called. An older answer does not replace a newer
    /// one. Exit status as of `samvad dnc import`.
    Import {
        #[command(flatten)]
        file: FileArgs,
        /// The day of the registry's answer: YYYY-MM-DD.
        #[arg(long, value_name = "DATE", value_parser = date)]
        date: Date,
    },
}

#[derive(Args, Debug)]
struct FileArgs {
    /// The file.
    #[arg(value_name = "FILE", value_parser = super::existing_file)]
    file: PathBuf,
    #[command(flatten)]
    country: Country,
    /// Write every row that was not taken here as CSV: row, column, reason.
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct Country {
    /// The country in which numbers without + and country code are (ISO 3166-1, for example IN).
    #[arg(long, value_name = "COUNTRY", value_parser = Region::parse)]
    region: Option<Region>,
}

fn date(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| "write a day as YYYY-MM-DD, for example 2026-03-02".to_owned())
}

pub(super) fn run(args: DncArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        DncCommand::Add { numbers, country } => add(&numbers, country.region),
        DncCommand::Import(file) => import_numbers(&file),
        DncCommand::Check { number, country } => check(&number, country.region),
        DncCommand::List(args) => listed::show(args),
        DncCommand::Remove { number, country, yes } => remove::run(&read_typed(&number, country.region)?, yes),
        DncCommand::Scrub {
            command: ScrubCommand::Import { file, date },
        } => import_scrubs(&file, date),
    }
}

fn read_typed(text: &str, region: Option<Region>) -> anyhow::Result<PhoneNumber> {
    read_number(text, region).with_context(|| format!("{text:?} cannot be used"))
}

fn add(texts: &[String], region: Option<Region>) -> anyhow::Result<ExitCode> {
    let numbers: Vec<PhoneNumber> = texts
        .iter()
        .map(|text| read_typed(text, region))
        .collect::<Result<_, _>>()?;
    let by = command_line();
    with_campaigns(Database::MayBeNew, async move |_, campaigns| {
        for number in &numbers {
            let done = campaigns
                .add_do_not_call(std::slice::from_ref(number), ExclusionSource::Manual, &by)
                .await?;
            let what = if done.added > 0 {
                "is on the list now"
            } else {
                "was on the list already"
            };
            say!("{} {what}", number.expose())?;
            calls_taken_back(done.calls_cancelled, done.calls_left)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn check(text: &str, region: Option<Region>) -> anyhow::Result<ExitCode> {
    let number = read_typed(text, region)?;
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let listed = campaigns.is_do_not_call(&number).await?;
        let word = if listed { "on" } else { "not on" };
        say!("{} is {word} the do-not-call list", number.expose())?;
        Ok(ExitCode::from(u8::from(listed)))
    })
}

fn import_numbers(args: &FileArgs) -> anyhow::Result<ExitCode> {
    let (mut sheet, column) = open(args)?;
    let by = command_line();
    with_campaigns(Database::MayBeNew, async move |_, campaigns| {
        let mut calls = OptOuts::default();
        let read = |row: &csv::StringRecord| column.read(row, args.country.region).into();
        let tally = import(
            &mut sheet,
            args.rejected.as_deref(),
            read,
            async |numbers: Vec<PhoneNumber>| {
                let done = campaigns
                    .add_do_not_call(&numbers, ExclusionSource::Import, &by)
                    .await?;
                calls.calls_cancelled += done.calls_cancelled;
                calls.calls_left += done.calls_left;
                Ok(Stored {
                    known: (numbers.len() as u64).saturating_sub(done.added),
                })
            },
        )
        .await?;
        calls_taken_back(calls.calls_cancelled, calls.calls_left)?;
        tally.report("added")
    })
}

fn import_scrubs(args: &FileArgs, date: Date) -> anyhow::Result<ExitCode> {
    let scrubbed_at_ms = start_of(date)?;
    let (mut sheet, column) = open(args)?;
    let listed = ListedColumn::find(&sheet).with_context(|| cannot_be_used(&args.file))?;
    let by = command_line();
    with_campaigns(Database::MayBeNew, async move |_, campaigns: &Campaigns| {
        let read = |row: &csv::StringRecord| {
            let scrub = column.read(row, args.country.region).and_then(|number| {
                Ok(RegistryScrub {
                    number,
                    listed: listed.read(row)?,
                    scrubbed_at_ms,
                })
            });
            scrub.into()
        };
        let mut count = 0;
        let tally = import(
            &mut sheet,
            args.rejected.as_deref(),
            read,
            async |scrubs: Vec<RegistryScrub>| {
                campaigns.record_scrubs(&scrubs, &by).await?;
                count += scrubs.iter().filter(|scrub| scrub.listed).count() as u64;
                Ok(Stored::default())
            },
        )
        .await?;
        say!("{:<14} {}", "listed", super::operators::count_text(count))?;
        tally.report("looked up")
    })
}

fn open(args: &FileArgs) -> anyhow::Result<(Sheet, NumberColumn)> {
    check_rejects(&args.file, args.rejected.as_deref())?;
    let sheet = Sheet::open(&args.file)?;
    let column = NumberColumn::find(&sheet).with_context(|| cannot_be_used(&args.file))?;
    Ok((sheet, column))
}

fn cannot_be_used(file: &Path) -> String {
    format!("{} cannot be used", file.display())
}

/// The day's beginning, UTC milliseconds: an answer counts as no fresher than it may be. Now at the latest, for days
/// that have begun elsewhere on Earth.
fn start_of(date: Date) -> anyhow::Result<i64> {
    const FIRST_ON_EARTH: SignedDuration = SignedDuration::from_hours(14);
    let start = date
        .to_zoned(TimeZone::UTC)
        .context("the date cannot be used")?
        .timestamp();
    let now = Timestamp::now();
    if start > now + FIRST_ON_EARTH {
        bail!("--date {date} is in the future; write the day on which the registry answered");
    }
    Ok(start.min(now).as_millisecond())
}
