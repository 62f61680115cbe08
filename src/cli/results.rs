//! `samvad results`: what came of a campaign.

use super::output::say;
use super::report;
use crate::campaign_files::load_campaign;
use crate::config::{Settings, process_environment};
use crate::store::{DatabaseUrl, SqlStore};
use anyhow::bail;
use clap::Args;
use samvad_actors::ports::ResultStore;
use std::path::PathBuf;
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
    let rows = super::runtime()?.block_on(async {
        let store = SqlStore::open(&settings.database_url).await?;
        let rows = store.results(&campaign.id).await?;
        store.close().await;
        anyhow::Ok(rows)
    })?;
    if rows.is_empty() {
        bail!("{database} holds no contact of campaign {}", campaign.id);
    }
    if let Some(csv) = &args.csv {
        report::write_csv(csv, &rows)?;
    }
    say!("{}", report::results_table(&rows))?;
    Ok(ExitCode::SUCCESS)
}
