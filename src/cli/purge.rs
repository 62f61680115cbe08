//! `samvad purge`: removes what has been kept long enough.

use super::output::say;
use crate::call_files::purge_files;
use crate::config::{DataDirectory, Settings, process_environment};
use crate::recording::UNCONSENTED;
use crate::store::SqlStore;
use anyhow::{Context, bail};
use clap::Args;
use samvad_actors::domain::LONGEST_SCRUB_AGE_DAYS;
use samvad_actors::ports::ResultStore;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What to purge.
#[derive(Args, Debug)]
pub(super) struct PurgeArgs {
    /// Remove transcripts and verbatim words older than this many days, in place of the configured retention.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    transcripts: Option<u32>,
    /// Remove journals older than this many days, in place of the configured retention.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    journals: Option<u32>,
    /// Remove recordings of the line older than this many days, in place of the configured retention.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    recordings: Option<u32>,
}

pub(super) fn run(args: PurgeArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    let data = DataDirectory::open(&settings.data_dir)?;
    let now = SystemTime::now();
    let before = |days: Option<u32>, configured: u32| {
        now.checked_sub(DAY * days.unwrap_or(configured))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let retention = settings.retention;
    let unix_ms = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    };
    let transcripts_before = unix_ms(before(args.transcripts, retention.transcript_days));
    let scrubs_before = unix_ms(before(None, LONGEST_SCRUB_AGE_DAYS));
    let (scrubs, counts) = actix_web::rt::System::new().block_on(async {
        let store = SqlStore::open(&settings.database_url).await?;
        let scrubs = store.purge_scrubs(scrubs_before).await?;
        let counts = store.purge(transcripts_before).await?;
        store.close().await;
        anyhow::Ok((scrubs, counts))
    })?;
    let journals = purge_files(
        &data.journals(),
        &[(".jsonl", before(args.journals, retention.journal_days))],
    )
    .context("the journals could not be purged")?;
    let old = before(args.recordings, retention.recording_days);
    let recordings = purge_files(&data.recordings(), &[(".wav", old), (".ogg", old), (UNCONSENTED, now)])
        .context("the recordings could not be purged")?;
    say!("transcript lines removed:  {}", counts.transcript_lines)?;
    say!("verbatim words removed:    {}", counts.verbatims)?;
    say!("names removed:             {}", counts.names)?;
    say!("e-mail addresses removed:  {}", counts.email_addresses)?;
    say!("registry look-ups removed: {scrubs}")?;
    say!("journals removed:          {}", journals.removed)?;
    say!("recordings removed:        {}", recordings.removed)?;
    let failed = journals.failed + recordings.failed;
    if failed > 0 {
        bail!("{failed} files could not be removed; check who owns them");
    }
    if counts.left_in_log {
        bail!(
            "what was removed from the database may still stand in its write-ahead log (samvad.db-wal), because another \
             process was reading it all the while; run 'samvad purge' again"
        );
    }
    Ok(ExitCode::SUCCESS)
}
