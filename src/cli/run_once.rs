//! `samvad run-once`: a server for as long as a campaign has something to do now, for cron and other schedulers.

use super::campaign_text::waits_text;
use super::operators::{Database, counted, prepare};
use super::output::{note, say};
use super::stop_signals::StopSignals;
use crate::app::campaigns::Campaigns;
use crate::app::{Node, Outlook};
use crate::config::{Settings, process_environment};
use crate::telemetry::{self, Redactor};
use clap::Args;
use samvad_actors::domain::{CampaignId, Lifecycle};
use samvad_actors::runtime::{NoEvents, REHEARSED};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Example, in a crontab, after `samvad campaign activate health-survey`:
  0 11 * * 1-5  samvad run-once --campaign health-survey

Not while `samvad serve` runs on the same database without Redis: that server calls by itself.";

/// How often the campaign is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Which campaign.
#[derive(Args, Debug)]
pub(super) struct RunOnceArgs {
    /// The campaign's id; it has been activated.
    #[arg(long, value_name = "CAMPAIGN", value_parser = super::campaign_id)]
    campaign: CampaignId,
}

pub(super) fn run(args: RunOnceArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    let redactor = Arc::new(Redactor::for_settings(&settings));
    telemetry::init(&settings.log, &redactor)?;
    prepare(&settings, Database::MustExist)?;
    actix_web::rt::System::new().block_on(async {
        let campaigns = Campaigns::open(&settings).await?;
        let done = run_campaign(&settings, &campaigns, &args.campaign).await;
        campaigns.close().await;
        done
    })
}

async fn run_campaign(settings: &Settings, campaigns: &Campaigns, id: &CampaignId) -> anyhow::Result<ExitCode> {
    let outlook = campaigns.outlook(id).await?;
    if outlook != Outlook::Busy {
        return report(id, &outlook);
    }
    campaigns.check_mode(campaigns.status(id).await?.state.mode)?;
    let mut stop_signals = StopSignals::new()?;
    let mut node = Node::start(settings.clone(), Arc::new(NoEvents)).await?;
    node.open()?;
    let ended = tokio::select! {
        ended = until_over(campaigns, id) => Some(ended),
        () = stop_signals.next() => None,
    };
    node.stop(stop_signals.next()).await?;
    match ended {
        Some(outlook) => report(id, &outlook?),
        None => {
            say!("campaign {id}: told to stop before it had nothing left to do")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Returns when the campaign has nothing to do now.
async fn until_over(campaigns: &Campaigns, id: &CampaignId) -> anyhow::Result<Outlook> {
    let mut tick = tokio::time::interval(LOOK_INTERVAL);
    let show_progress = std::io::stderr().is_terminal();
    loop {
        tick.tick().await;
        let status = campaigns.status(id).await?;
        let outlook = status.outlook;
        if show_progress {
            let under_way = counted(status.in_flight.len() as u64, "call");
            let pending = counted(status.contacts.pending, "contact");
            let end = if outlook == Outlook::Busy { "" } else { "\n" };
            note(format_args!("\r\u{1b}[K{under_way} under way, {pending} pending{end}"));
        }
        let halted = matches!(outlook, Outlook::Halted { .. });
        // What a campaign that halts has under way is waited for too.
        if outlook != Outlook::Busy && (!halted || status.in_flight.is_empty()) {
            return Ok(outlook);
        }
    }
}

/// Says how it ended. Only a campaign that does not run though it is not over is a failure.
fn report(id: &CampaignId, outlook: &Outlook) -> anyhow::Result<ExitCode> {
    let (text, is_well) = match outlook {
        Outlook::Busy => ("it still has calls to make".to_owned(), false),
        Outlook::WindowClosed { opens_at_ms: None } => (waits_text(outlook), false),
        Outlook::WindowClosed { .. } | Outlook::NothingDue | Outlook::DayIsFull | Outlook::NotBegun { .. } => {
            (waits_text(outlook), true)
        }
        Outlook::Halted {
            lifecycle: Lifecycle::Completed,
            ..
        } => ("it is completed".to_owned(), true),
        Outlook::Halted {
            reason: Some(reason), ..
        } if reason == REHEARSED => (reason.clone(), true),
        Outlook::Halted { lifecycle, reason } => {
            let reason = reason.as_deref().map(|reason| format!(": {reason}"));
            let remedy = match lifecycle {
                Lifecycle::Paused => "samvad campaign resume",
                _ => "samvad campaign activate",
            };
            let text = format!(
                "it does not run but is {}{}; see `{remedy}`",
                lifecycle.as_str(),
                reason.unwrap_or_default()
            );
            (text, false)
        }
    };
    say!("campaign {id}: {text}")?;
    Ok(ExitCode::from(u8::from(!is_well)))
}
