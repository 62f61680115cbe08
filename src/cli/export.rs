//! `samvad export`: finished contacts of a campaign as CSV, of any number.

use super::operators::{Database, counted, with_campaigns};
use super::output::say;
use crate::app::campaigns::command_line;
use crate::config::private_files;
use anyhow::Context;
use clap::Args;
use samvad_actors::domain::CampaignId;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to export, and where to.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// The campaign's id.
    #[arg(long, value_name = "CAMPAIGN", value_parser = super::campaign_id)]
    campaign: CampaignId,
    /// The file to write (CSV with telephone numbers, without names and e-mail addresses), readable by its owner alone;
    /// one that is there is replaced when the new one is complete.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Contacts that are excluded, too.
    #[arg(long)]
    include_excluded: bool,
}

pub(super) fn run(args: ExportArgs) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let out = &args.out;
        let draft = out.with_extension(format!("draft-{}", uuid::Uuid::new_v4().simple()));
        let file = private_files::create_new(&draft)?;
        let draft = tempfile::TempPath::try_from_path(draft)?;
        let writer = BufWriter::new(file);
        let rows = campaigns
            .export(&args.campaign, args.include_excluded, &command_line(), writer)
            .await?;
        draft
            .persist(out)
            .with_context(|| format!("cannot write {}", out.display()))?;
        say!("{} in {}", counted(rows, "finished contact"), out.display())?;
        Ok(ExitCode::SUCCESS)
    })
}
