//! `samvad results`: what came of a campaign.

use super::output::say;
use super::report;
use crate::campaign_files::load_campaign;
use crate::config::{Settings, process_environment};
use crate::store::{DatabaseUrl, SqlStore};
use anyhow::bail;
use clap::Args;
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::ResultStore;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Which results.
#[derive(Args, Debug)]
pub(super) struct ResultsArgs {
    /// The campaign's file, as `samvad serve` was given it.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    campaign: PathBuf,
    /// Write them here as CSV besides, with telephone numbers, readable by their owner alone.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

pub(super) fn run(args: &ResultsArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    let campaign = load_campaign(&args.campaign)?;
    let database = DatabaseUrl::parse(&settings.database_url)?;
    if let Some(file) = database.sqlite_file()
        && !file.exists()
    {
        bail!(
            "there is no database {}; set SAMVAD_DATA_DIR or DATABASE_URL to what the server uses",
            file.display()
        );
    }
    super::runtime()?.block_on(show(&settings, &campaign.id, args.csv.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what came of a campaign, and writes it as CSV if a file is named.
///
/// # Errors
/// If the campaign has no contacts, or the database or the file fails.
pub(super) async fn show(settings: &Settings, campaign: &CampaignId, csv: Option<&Path>) -> anyhow::Result<()> {
    let store = SqlStore::open(&settings.database_url).await?;
    let rows = store.results(campaign).await;
    store.close().await;
    let rows = rows?;
    if rows.is_empty() {
        let database = DatabaseUrl::parse(&settings.database_url)?;
        bail!("{database} holds no contact of campaign {campaign}");
    }
    if let Some(csv) = csv {
        report::write_csv(csv, &rows)?;
    }
    Ok(say!("{}", report::results_table(&rows))?)
}
