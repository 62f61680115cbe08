//! What the commands for operators share: opening the database, asking, and how times and counts are written.

use super::output::{note, say};
use crate::app::campaigns::Campaigns;
use crate::config::{DataDirectory, Settings, process_environment};
use crate::store::DatabaseUrl;
use anyhow::{Context, bail};
use jiff::{Timestamp, tz::TimeZone};
use std::io::{BufRead, IsTerminal};
use std::time::Duration;

/// Whether the database may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    /// It is made if it is a SQLite file that is missing.
    MayBeNew,
    /// It must be there: a command that only looks must not leave an empty one behind.
    MustExist,
}

/// Does something with the campaigns of the database that the settings name, and closes it.
pub(super) fn with_campaigns<T>(
    database: Database,
    work: impl AsyncFnOnce(&Settings, &Campaigns) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = Settings::from_env(&process_environment())?;
    prepare(&settings, database)?;
    super::runtime()?.block_on(async {
        let campaigns = Campaigns::open(&settings).await?;
        let done = work(&settings, &campaigns).await;
        campaigns.close().await;
        done
    })
}

/// Looks whether the database is there, and makes its directory if it may be new.
///
/// # Errors
/// If it must be there and is not, with the remedy.
pub(super) fn prepare(settings: &Settings, database: Database) -> anyhow::Result<()> {
    let url = DatabaseUrl::parse(&settings.database_url)?;
    let Some(file) = url.sqlite_file().filter(|file| !file.exists()) else {
        return Ok(());
    };
    if database == Database::MustExist {
        bail!(
            "there is no database {}; set SAMVAD_DATA_DIR or DATABASE_URL to what the server uses, or begin with \
             `samvad campaign create`",
            file.display()
        );
    }
    DataDirectory::open(&settings.data_dir)?;
    Ok(())
}

/// Says what became of calls to people who are not to be called any more: how many were taken back, and how many were not.
pub(super) fn calls_taken_back(cancelled: u64, left: u64) -> anyhow::Result<()> {
    if cancelled > 0 {
        say!("{} that waited or rang: taken back", counted(cancelled, "call"))?;
    }
    if left > 0 {
        say!(
            "{} could not be taken back from here; a running server does it",
            counted(left, "call")
        )?;
    }
    Ok(())
}

/// Asks on the terminal and returns what is typed, without the space around it. `None` without a terminal.
pub(super) fn ask(question: &str) -> anyhow::Result<Option<String>> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    note(format_args!("{question}"));
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .context("the answer cannot be read")?;
    Ok(Some(answer.trim().to_owned()))
}

/// A colour of the terminal (ECMA-48, SGR).
#[derive(Clone, Copy)]
pub(super) enum Colour {
    /// For what goes on.
    Green,
    /// For what wants attention.
    Yellow,
    /// For what reaches people.
    Red,
}

/// Whether to write in colour: standard output is a terminal and nobody has set `NO_COLOR`.
pub(super) fn has_colour() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    wanted && std::io::stdout().is_terminal()
}

/// A text in a colour, if there is to be colour.
pub(super) fn coloured(text: &str, colour: Colour) -> String {
    if !has_colour() {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// An instant in UTC, to the minute.
pub(super) fn time_text(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map_or_else(
        |_| "at a time beyond the calendar".to_owned(),
        |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// A length of time to two units: `45 s`, `12 min`, `3 h 20 min`.
pub(super) fn length_text(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds.div_ceil(60)),
        _ => match (seconds % 3_600).div_ceil(60) {
            0 => format!("{} h", seconds / 3_600),
            60 => format!("{} h", seconds / 3_600 + 1),
            minutes => format!("{} h {minutes} min", seconds / 3_600),
        },
    }
}

/// A count with commas between the thousands.
pub(super) fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its word, in the plural where it is not one.
pub(super) fn counted(count: u64, word: &str) -> String {
    format!("{} {word}{}", count_text(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_lengths_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count_text),
            ["0", "999", "1,000", "1,234,567"]
        );
        let lengths = [59, 61, 3_600, 7_199, 12_000].map(|seconds| length_text(Duration::from_secs(seconds)));
        assert_eq!(lengths, ["59 s", "2 min", "1 h", "2 h", "3 h 20 min"]);
        assert_eq!(counted(1, "row"), "1 row");
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(time_text(0), "1970-01-01 00:00 UTC");
        assert!(time_text(i64::MAX).contains("beyond"));
    }
}
