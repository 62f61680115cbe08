//! `samvad contacts`: whom a campaign calls.

use super::import::{Parsed, Stored, check_rejects, import};
use super::operators::{Database, counted, with_campaigns};
use super::output::{note, say};
use crate::contact_files::{ContactColumns, Region, Sheet};
use clap::{Args, Subcommand};
use samvad_actors::domain::{CampaignId, PhoneNumber};
use samvad_actors::ports::ContactImport;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad contacts import people.csv --campaign health-survey --region IN --rejected rejected.csv

The file is CSV (UTF-8; comma, semicolon or tab) whose first row names the columns, in any order:
  phone_number         or phone, mobile, tel, msisdn …; needed
  external_contact_id  or customer_id, reference: your own id for the person
  name                 or full_name: the person's name, to greet them by
  zone                 or timezone: an IANA name; the campaign's window is read in it
  language             the language to speak
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
}

/// What is kept of a row.
struct Item {
    do_not_call: Option<PhoneNumber>,
    contact: Option<ContactImport>,
}

pub(super) fn run(args: ContactsArgs) -> anyhow::Result<ExitCode> {
    let ContactsCommand::Import {
        file,
        campaign,
        region,
        rejected,
    } = args.command;
    check_rejects(&file, rejected.as_deref())?;
    let mut sheet = Sheet::open(&file)?;
    let columns = ContactColumns::find(&sheet)?;
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        campaigns.written(&campaign).await?;
        let unused = columns.unused();
        if !unused.is_empty() {
            note(format_args!("columns that are not used: {}\n", unused.join(", ")));
        }
        let read = |row: &csv::StringRecord| {
            let read = columns.read(row, &campaign, region);
            let (contact, fault) = match read.contact {
                Ok(contact) => (Some(contact), None),
                Err(fault) => (None, Some(fault)),
            };
            let item = Item {
                do_not_call: read.do_not_call,
                contact,
            };
            let is_something = item.contact.is_some() || item.do_not_call.is_some();
            Parsed {
                item: is_something.then_some(item),
                fault,
            }
        };
        let mut opted_out = 0;
        let tally = import(&mut sheet, rejected.as_deref(), read, async |items: Vec<Item>| {
            // First, so that such a contact is left out from the start.
            let numbers: Vec<_> = items.iter().filter_map(|item| item.do_not_call.clone()).collect();
            if !numbers.is_empty() {
                opted_out += campaigns.add_do_not_call(&numbers, "import").await?.added;
            }
            let (positions, contacts): (Vec<usize>, Vec<_>) = items
                .into_iter()
                .enumerate()
                .filter_map(|(position, item)| Some((position, item.contact?)))
                .unzip();
            let report = campaigns.import_contacts(&campaign, &contacts).await?;
            let known = report.duplicates.iter();
            Ok(Stored {
                known: report.duplicates.len() as u64,
                known_positions: known.filter_map(|&index| positions.get(index).copied()).collect(),
            })
        })
        .await?;
        if opted_out > 0 {
            say!("{} put on do-not-call", counted(opted_out, "number"))?;
        }
        let status = tally.report("accepted")?;
        say!("next: samvad campaign preview {campaign}")?;
        Ok(status)
    })
}
