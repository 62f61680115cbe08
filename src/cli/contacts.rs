//! `samvad contacts`: whom a campaign calls.

mod taken_out;

use super::import::{Rejects, Tally, check_rejects};
use super::operators::{Database, counted, with_campaigns};
use super::output::{note, say};
use super::stop_signals::StopSignals;
use crate::app::campaigns::{CampaignError, Campaigns, ImportFile, ImportProgress, ImportSummary, command_line};
use crate::contact_files::{Region, RowFault};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use futures_util::FutureExt;
use samvad_actors::domain::{CampaignId, ExclusionReason, ImportId};
use std::fs::File;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Rejected rows that are read at once.
const REJECTIONS_AT_ONCE: u32 = 1_000;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad contacts import people.csv --campaign health-survey --region IN --rejected rejected.csv
  samvad contacts exclude --external-id c-1007 --campaign health-survey --reason \"moved away\"
  samvad contacts include --external-id c-1007 --campaign health-survey

The file is CSV (UTF-8; comma, semicolon or tab) whose first row names the columns, in any order:
  phone_number         or phone, mobile, tel, msisdn …; needed
  external_contact_id  or customer_id, reference: your own id for the person
  name                 or full_name: the person's name, to greet them by
  email                or e-mail, email_address, mail: the person's e-mail address
  zone                 or timezone: an IANA name; the campaign's window is read in it
  language             the language to begin in: one that the campaign speaks (its own, or of its translations)
  has_prior_consent    yes or no: whether the person agreed to be called
  do_not_call          yes: the number goes onto the do-not-call list, for every campaign
Other columns are left alone, and named.";

/// What to do with contacts.
#[derive(Args, Debug)]
pub(super) struct ContactsArgs {
    #[command(subcommand)]
    command: ContactsCommand,
}

#[derive(Subcommand, Debug)]
enum ContactsCommand {
    /// Adds the contacts of a file to a campaign.
    ///
    /// Every good row is taken, whatever is wrong with others; a number that the campaign has already is left as it
    /// is. The file may be of any size. Safe while the campaign runs.
    ///
    /// Exit status 0: every row was taken or there already. 1: some were rejected. 2: it could not be done, or not to
    /// the end; what was stored is said.
    #[command(after_help = EXAMPLES)]
    Import {
        /// The contacts (CSV).
        #[arg(value_name = "FILE", value_parser = super::existing_file)]
        file: PathBuf,
        /// The campaign's id.
        #[arg(long, value_name = "CAMPAIGN", value_parser = super::campaign_id)]
        campaign: CampaignId,
        /// The country in which numbers without + and country code are (ISO 3166-1, for example IN).
        #[arg(long, value_name = "COUNTRY", value_parser = Region::parse)]
        region: Option<Region>,
        /// Write every row that was not taken here as CSV: row, column, reason.
        #[arg(long, value_name = "FILE")]
        rejected: Option<PathBuf>,
    },
    /// Takes one contact out of its campaign: it is called no more.
    ///
    /// A call that waits or rings is taken back, one that is spoken to goes on. Other campaigns may call the number;
    /// `samvad dnc add` keeps it from being called at all. Stands in the audit log (`samvad audit`), with the reason.
    ///
    /// Exit status 0: it is excluded. 2: it is not, and nothing was changed: it has answered, refused or cannot be
    /// reached, is excluded already, or the campaign is over.
    Exclude {
        #[command(flatten)]
        one: taken_out::One,
        /// Why, in 1 to 200 characters. It is shown with the contact: write no telephone number.
        #[arg(long, value_name = "TEXT", value_parser = taken_out::reason)]
        reason: ExclusionReason,
    },
    /// Lets a contact back in that was excluded: it may be called as before.
    ///
    /// Not if its number is on the do-not-call list, nor if the campaign is over.
    ///
    /// Exit status 0: it is in again. 2: it is not, and nothing was changed.
    Include {
        #[command(flatten)]
        one: taken_out::One,
    },
}

pub(super) fn run(args: ContactsArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ContactsCommand::Import {
            file,
            campaign,
            region,
            rejected,
        } => import(file, campaign, region, rejected),
        ContactsCommand::Exclude { one, reason } => taken_out::exclude(one, reason),
        ContactsCommand::Include { one } => taken_out::include(one),
    }
}

fn import(
    file: PathBuf,
    campaign: CampaignId,
    region: Option<Region>,
    rejected: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    check_rejects(&file, rejected.as_deref())?;
    let bytes = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let import = ImportFile {
        name: file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        size: bytes.metadata().ok().map(|found| found.len()),
        bytes: Box::new(bytes),
        region,
    };
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let rejects = rejected.as_deref().map(Rejects::create).transpose()?;
        let mut stop = StopSignals::new()?;
        let show_progress = std::io::stderr().is_terminal();
        let go_on = |progress: ImportProgress| {
            if show_progress {
                let part = progress.part_read.map(|part| format!(" ({:.0} %)", part * 100.0));
                note(format_args!(
                    "\r{}{}",
                    counted(progress.rows, "row"),
                    part.unwrap_or_default()
                ));
            }
            stop.next().now_or_never().is_none()
        };
        let done = campaigns.import_file(&campaign, import, &command_line(), go_on).await;
        let done = match done {
            Err(CampaignError::UnusableFile(fault)) => bail!("{} cannot be used: {fault}", file.display()),
            done => done?,
        };
        if show_progress {
            note(format_args!("\n"));
        }
        if !done.unused_columns.is_empty() {
            note(format_args!(
                "columns that are not used: {}\n",
                done.unused_columns.join(", ")
            ));
        }
        let rejects = match rejects {
            Some(rejects) => Some(write_rejected(campaigns, &done.import.import_id, rejects).await?),
            None => None,
        };
        if done.excluded_numbers > 0 {
            say!("{} put on do-not-call", counted(done.excluded_numbers, "number"))?;
        }
        let status = report(&done, rejects)?;
        say!("next: samvad campaign preview {campaign}")?;
        Ok(status)
    })
}

/// Writes every row that was not taken, a page in memory at a time.
async fn write_rejected(campaigns: &Campaigns, import: &str, mut rejects: Rejects) -> anyhow::Result<PathBuf> {
    let (import, mut after) = (ImportId::from(import), 0);
    loop {
        let page = campaigns.rejections(&import, after, REJECTIONS_AT_ONCE).await?;
        let Some(last) = page.last() else {
            return rejects.finish();
        };
        after = last.row;
        for rejection in &page {
            rejects.write(rejection.row, &rejection.column, &rejection.reason)?;
        }
    }
}

/// What became of the file, as of any other.
fn report(done: &ImportSummary, rejects: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let (import, shown) = (&done.import, &done.sample_rejections);
    let shown = shown.iter().map(|rejection| {
        let fault = RowFault {
            column: rejection.column.clone(),
            fault: rejection.reason.clone(),
        };
        format!("  row {}, {fault}", rejection.row)
    });
    let tally = Tally {
        total: import.total_rows,
        rejected: import.rejected_rows,
        known: import.known_rows,
        shown: shown.collect(),
        rejects,
        broken_off: import.fault.clone().map(anyhow::Error::msg),
    };
    tally.report("accepted")
}
