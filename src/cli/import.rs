//! Reading a file of any size into the database: in batches, with progress, and with every row that is not taken
//! named. What is stored before a fault stays, and is said.

use super::operators::{count_text, counted};
use super::output::{note, say};
use super::stop_signals::StopSignals;
use crate::config::private_files;
use crate::contact_files::{RowFault, Sheet};
use anyhow::{Context, bail};
use csv::StringRecord;
use futures_util::FutureExt;
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Rows of one transaction.
const BATCH: usize = 1_000;

/// Faults that are shown one by one.
const SHOWN: usize = 10;

/// A row as read: what is to be kept of it, and what is wrong with it.
pub(super) struct Parsed<R> {
    pub(super) item: Option<R>,
    pub(super) fault: Option<RowFault>,
}

impl<R> From<Result<R, RowFault>> for Parsed<R> {
    fn from(read: Result<R, RowFault>) -> Self {
        match read {
            Ok(item) => Self {
                item: Some(item),
                fault: None,
            },
            Err(fault) => Self {
                item: None,
                fault: Some(fault),
            },
        }
    }
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Stored {
    /// Items that were there already.
    pub(super) known: u64,
}

/// What became of a file.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) rejected: u64,
    pub(super) known: u64,
    pub(super) shown: Vec<String>,
    /// Where all rejected rows stand.
    pub(super) rejects: Option<PathBuf>,
    /// Why it did not come to its end.
    pub(super) broken_off: Option<anyhow::Error>,
}

/// Where rejected rows go; not where the file itself is.
pub(super) fn check_rejects(input: &Path, rejects: Option<&Path>) -> anyhow::Result<()> {
    let same = |other: &Path| matches!((input.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if rejects.is_some_and(same) {
        bail!("--rejected names the file that is imported; name another");
    }
    Ok(())
}

/// Reads all rows and stores them batch by batch. Ctrl-C and SIGTERM end it between two batches.
///
/// # Errors
/// Only if nothing was stored and nothing can be said of the rows; otherwise the tally says where it broke off.
pub(super) async fn import<R>(
    sheet: &mut Sheet,
    rejects: Option<&Path>,
    read: impl Fn(&StringRecord) -> Parsed<R>,
    mut store: impl AsyncFnMut(Vec<R>) -> anyhow::Result<Stored>,
) -> anyhow::Result<Tally> {
    let mut stop = StopSignals::new()?;
    let mut tally = Tally::default();
    let mut rejects = rejects.map(Rejects::create).transpose()?;
    let show_progress = std::io::stderr().is_terminal();
    loop {
        let mut items = Vec::with_capacity(BATCH);
        let mut end = false;
        while items.len() < BATCH {
            let (number, row) = match sheet.next_row() {
                Ok(Some(found)) => found,
                Ok(None) => {
                    end = true;
                    break;
                }
                Err(error) => {
                    tally.broken_off = Some(error);
                    end = true;
                    break;
                }
            };
            tally.total += 1;
            let whole = |fault| RowFault {
                column: String::new(),
                fault,
            };
            let Parsed { item, fault } = row.map_or_else(|fault| Err(whole(fault)).into(), |row| read(&row));
            if let Some(fault) = fault {
                tally.reject(number, &fault, &mut rejects)?;
            }
            items.extend(item);
        }
        if !items.is_empty() {
            let count = items.len() as u64;
            match store(items).await {
                Ok(stored) => tally.known += stored.known,
                Err(error) => {
                    tally.total -= count;
                    tally.broken_off = Some(error);
                    end = true;
                }
            }
        }
        if show_progress {
            let part = sheet.part_read().map(|part| format!(" ({:.0} %)", part * 100.0));
            let line_end = if end { "\n" } else { "" };
            note(format_args!(
                "\r{}{}{line_end}",
                counted(tally.total, "row"),
                part.unwrap_or_default()
            ));
        }
        if end {
            break;
        }
        if stop.next().now_or_never().is_some() {
            tally.broken_off = Some(anyhow::anyhow!("it was interrupted"));
            break;
        }
    }
    tally.rejects = rejects.map(Rejects::finish).transpose()?;
    Ok(tally)
}

impl Tally {
    fn reject(&mut self, row: u64, fault: &RowFault, rejects: &mut Option<Rejects>) -> anyhow::Result<()> {
        self.rejected += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(format!("  row {row}, {fault}"));
        }
        match rejects {
            Some(rejects) => rejects.write(row, &fault.column, &fault.fault),
            None => Ok(()),
        }
    }

    /// Prints what became of the rows. Exit status 0: every row was taken or there. 1: some were not. An error if the
    /// file was not read to its end, after what was done has been said.
    pub(super) fn report(self, accepted: &str) -> anyhow::Result<ExitCode> {
        let taken = self.total.saturating_sub(self.rejected + self.known);
        say!("{:<14} {}", "rows", count_text(self.total))?;
        say!("{accepted:<14} {}", count_text(taken))?;
        say!("{:<14} {}", "there already", count_text(self.known))?;
        say!("{:<14} {}", "rejected", count_text(self.rejected))?;
        for fault in &self.shown {
            say!("{fault}")?;
        }
        match &self.rejects {
            Some(path) => say!("rows that were not taken, with the reason: {}", path.display())?,
            None if self.rejected > self.shown.len() as u64 => {
                let more = self.rejected - self.shown.len() as u64;
                say!("  and {} more; --rejected FILE writes them all", count_text(more))?;
            }
            None => {}
        }
        if let Some(error) = self.broken_off {
            return Err(error).context(format!(
                "the file was not read to its end. What is counted above is stored: {} in all. Import it again when the \
                 cause is mended; rows that are there are left as they are",
                counted(taken + self.known, "row")
            ));
        }
        Ok(ExitCode::from(u8::from(self.rejected > 0)))
    }
}

/// A CSV file of rejected rows, which takes its place when it is complete.
pub(super) struct Rejects {
    path: PathBuf,
    draft: tempfile::TempPath,
    csv: csv::Writer<File>,
}

impl Rejects {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let draft = path.with_extension(format!("draft-{}", uuid::Uuid::new_v4().simple()));
        let file = private_files::create_new(&draft)?;
        let draft = tempfile::TempPath::try_from_path(draft)?;
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(["row", "column", "reason"])?;
        Ok(Self {
            path: path.to_owned(),
            draft,
            csv,
        })
    }

    pub(super) fn write(&mut self, row: u64, column: &str, reason: &str) -> anyhow::Result<()> {
        self.csv
            .write_record([row.to_string().as_str(), column, reason])
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    pub(super) fn finish(mut self) -> anyhow::Result<PathBuf> {
        let complete = format!("cannot write {}", self.path.display());
        self.csv.flush().context(complete.clone())?;
        self.draft.persist(&self.path).context(complete)?;
        Ok(self.path)
    }
}
