//! `samvad dnc list`.

use crate::app::campaigns::{Campaigns, ExclusionView};
use crate::cli::operators::{Database, time_text, with_campaigns};
use crate::cli::output::say;
use anyhow::Context;
use clap::{Args, ValueEnum};
use samvad_actors::domain::PhoneNumber;
use samvad_actors::ports::{ExclusionCursor, ExclusionQuery, ExclusionSource};
use std::process::ExitCode;

/// Entries that are read at once.
const PAGE: u32 = 200;

/// Which entries.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Only what came from there.
    #[arg(long, value_name = "SOURCE")]
    source: Option<Source>,
    /// Entries shown at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    /// Said in a call: it stays.
    InCall,
    /// A file.
    Import,
    /// Somebody typed it.
    Manual,
}

impl From<Source> for ExclusionSource {
    fn from(source: Source) -> Self {
        match source {
            Source::InCall => Self::InCall,
            Source::Import => Self::Import,
            Source::Manual => Self::Manual,
        }
    }
}

/// Shows the newest entries.
pub(super) fn show(args: ListArgs) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns: &Campaigns| {
        let mut query = ExclusionQuery {
            source: args.source.map(Into::into),
            ..ExclusionQuery::default()
        };
        let mut left = args.limit;
        say!("{:<22} {:<17} SOURCE", "ADDED", "NUMBER")?;
        while left > 0 {
            query.limit = left.min(PAGE);
            let page = campaigns.exclusions(&query).await?;
            for entry in &page {
                let number = number(entry)?;
                let source = match entry.removable {
                    true => entry.source.replace('_', " "),
                    false => "in a call; stays".to_owned(),
                };
                say!(
                    "{:<22} {:<17} {source}",
                    time_text(entry.added_at_ms),
                    number.to_string()
                )?;
                query.after = Some(ExclusionCursor {
                    added_at_ms: entry.added_at_ms,
                    number,
                });
            }
            let found = u32::try_from(page.len()).unwrap_or(left);
            left = if found < query.limit { 0 } else { left - found };
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The entry's number as what masks itself.
fn number(entry: &ExclusionView) -> anyhow::Result<PhoneNumber> {
    PhoneNumber::parse(&entry.phone_number).context("the list holds what is no number")
}
