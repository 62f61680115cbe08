//! `samvad campaign`: writes, previews, starts, halts and shows campaigns.

use super::campaign_text::{campaigns_table, mode_text, preview_text, state_text, status_text};
use super::operators::{Database, ask, with_campaigns};
use super::output::say;
use super::results;
use crate::app::campaigns::{Activation, Campaigns, command_line};
use crate::campaign_files::load_campaign;
use crate::config::Settings;
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use samvad_actors::domain::{CampaignId, Lifecycle, Mode};
use samvad_actors::ports::CampaignState;
use samvad_actors::runtime::REHEARSED;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad campaign create --file survey.yaml
  samvad contacts import people.csv --campaign health-survey --region IN
  samvad campaign preview health-survey      whom it would call, how long that takes, what it costs
  samvad campaign activate health-survey     a rehearsal, or asks for confirmation if the calls are real
  samvad campaign status health-survey --watch

Campaigns are called by running servers (`samvad serve`), or by `samvad run-once`.
Exit status 0: done. 2: it could not be done, and nothing was changed.";

/// How often a status that is watched is read again.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// What to do with campaigns.
#[derive(Args, Debug)]
pub(super) struct CampaignArgs {
    #[command(subcommand)]
    command: CampaignCommand,
}

#[derive(Subcommand, Debug)]
enum CampaignCommand {
    /// Keeps a campaign from a file: as a draft, if it is new.
    ///
    /// A campaign that is there is replaced while it is a draft, scheduled or paused, unless a call of it is under way.
    Create {
        /// The campaign (YAML); fixtures/campaigns/health_survey.yaml explains every field.
        #[arg(long, value_name = "YAML", value_parser = super::existing_file)]
        file: PathBuf,
    },
    /// Shows what activating would do: whom it would call and why not the others, how long it takes, what it costs.
    ///
    /// Changes nothing. Prints the code that confirms live calls.
    Preview(ModeArgs),
    /// Starts a campaign, after a look at its preview.
    ///
    /// Live calls want a confirmation: the code of the preview, typed on the terminal, or with --confirm. The code
    /// changes with the campaign, its contacts and the mode, so that only what was seen is confirmed.
    Activate {
        #[command(flatten)]
        mode: ModeArgs,
        /// The code of the preview; needed for live calls where there is no terminal.
        #[arg(long, value_name = "CODE")]
        confirm: Option<String>,
        /// Begin later: an instant such as 2026-03-02T11:00:00+05:30.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        at: Option<Timestamp>,
    },
    /// Begins no call any more. Calls that wait, ring or are live go on.
    Pause(One),
    /// Goes on after a pause, whoever paused it.
    Resume(One),
    /// Ends a campaign for good: calls that wait or ring are taken back, live ones come to their end.
    Stop(One),
    /// Shows where a campaign stands.
    Status {
        #[command(flatten)]
        one: One,
        /// Show it again every second until the campaign is over; wants a terminal.
        #[arg(long)]
        watch: bool,
    },
    /// Lists all campaigns.
    List,
    /// Shows what came of a campaign, a line per contact.
    Results {
        #[command(flatten)]
        one: One,
        /// Write them here as CSV besides, with telephone numbers, readable by their owner alone.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct One {
    /// The campaign's id, as its file and `samvad campaign list` say it.
    #[arg(value_name = "CAMPAIGN", value_parser = super::campaign_id)]
    campaign: CampaignId,
}

#[derive(Args, Debug)]
struct ModeArgs {
    #[command(flatten)]
    one: One,
    /// How real the calls are; default what the settings make of it (DRY_RUN_MODE, TWILIO_API_BASE_URL).
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeWord>,
}

/// How real calls are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ModeWord {
    /// A stand-in on this machine is called.
    Simulated,
    /// Nobody is called; everything else happens.
    DryRun,
    /// Real people are called.
    Live,
}

impl ModeArgs {
    fn mode(&self, settings: &Settings) -> Mode {
        self.mode.map_or_else(|| settings.mode(), Mode::from)
    }
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Simulated => Self::Simulated,
            ModeWord::DryRun => Self::DryRun,
            ModeWord::Live => Self::Live,
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "write an instant with its offset, for example 2026-03-02T11:00:00+05:30".to_owned())
}

pub(super) fn run(args: CampaignArgs) -> anyhow::Result<ExitCode> {
    let database = match args.command {
        CampaignCommand::Create { .. } => Database::MayBeNew,
        _ => Database::MustExist,
    };
    // Before the database is touched: a file at fault must not leave an empty one behind.
    let file = match &args.command {
        CampaignCommand::Create { file } => Some(load_campaign(file)?),
        CampaignCommand::Status { watch: true, .. } if !std::io::stdout().is_terminal() => {
            bail!("--watch draws on a terminal, and there is none; leave it out")
        }
        _ => None,
    };
    let by = command_line();
    with_campaigns(database, async move |settings, campaigns| {
        match args.command {
            CampaignCommand::Create { .. } => {
                if let Some(campaign) = file {
                    let state = campaigns.create(&campaign, &by).await?;
                    changed(&state)?;
                    say!("next: samvad contacts import FILE.csv --campaign {}", campaign.id)?;
                }
            }
            CampaignCommand::Preview(args) => {
                let mode = args.mode(settings);
                let confirmation = show_preview(campaigns, &args.one.campaign, mode).await?;
                if mode == Mode::Live {
                    say!("confirm with   {confirmation}")?;
                }
            }
            CampaignCommand::Activate {
                mode: args,
                confirm,
                at,
            } => {
                let wish = Activation {
                    mode: args.mode(settings),
                    campaign: args.one.campaign,
                    starts_at_ms: at.map(Timestamp::as_millisecond),
                    confirmation: confirm,
                };
                activate(campaigns, wish).await?;
            }
            CampaignCommand::Pause(one) => changed(&campaigns.pause(&one.campaign, &by).await?)?,
            CampaignCommand::Resume(one) => changed(&campaigns.resume(&one.campaign, &by).await?)?,
            CampaignCommand::Stop(one) => changed(&campaigns.stop(&one.campaign, &by).await?)?,
            CampaignCommand::Status { one, watch: false } => {
                say!("{}", status_text(&campaigns.status(&one.campaign).await?))?;
            }
            CampaignCommand::Status { one, watch: true } => watch(campaigns, &one.campaign).await?,
            CampaignCommand::List => {
                let all = campaigns.all().await?;
                match all.is_empty() {
                    true => say!("there are no campaigns; write one with `samvad campaign create --file YAML`")?,
                    false => say!("{}", campaigns_table(&all))?,
                }
            }
            CampaignCommand::Results { one, csv } => {
                campaigns.status(&one.campaign).await?;
                results::show(settings, &one.campaign, csv.as_deref()).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn changed(state: &CampaignState) -> anyhow::Result<()> {
    Ok(say!("campaign {} is {}", state.id, state_text(state))?)
}

/// Shows the preview, and returns what confirms it.
async fn show_preview(campaigns: &Campaigns, id: &CampaignId, mode: Mode) -> anyhow::Result<String> {
    let preview = campaigns.preview(id, mode).await?;
    say!("{}", preview_text(&campaigns.written(id).await?, &preview))?;
    Ok(preview.confirmation)
}

async fn activate(campaigns: &Campaigns, mut wish: Activation) -> anyhow::Result<()> {
    campaigns.check_mode(wish.mode)?;
    if wish
        .starts_at_ms
        .is_some_and(|at_ms| at_ms <= Timestamp::now().as_millisecond())
    {
        bail!("--at is in the past; name a later time, or leave it out to begin now");
    }
    let code = show_preview(campaigns, &wish.campaign, wish.mode).await?;
    if wish.mode == Mode::Live && wish.confirmation.is_none() {
        let question = format!("\nReal people will be called. Type {code} to begin, anything else not to: ");
        match ask(&question)? {
            Some(answer) if answer == code => wish.confirmation = Some(answer),
            Some(_) => bail!("not confirmed; nothing was changed"),
            None => bail!(
                "live calls want a confirmation; see that the preview is what you want, then add --confirm CODE with \
                 the code that `samvad campaign preview {} --mode live` prints",
                wish.campaign
            ),
        }
    }
    let state = campaigns.activate(&wish, &command_line()).await.with_context(|| {
        format!(
            "campaign {} is not activated as {}",
            wish.campaign,
            mode_text(wish.mode)
        )
    })?;
    changed(&state)
}

/// Draws the status again and again, each time over the one before.
async fn watch(campaigns: &Campaigns, id: &CampaignId) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(WATCH_INTERVAL);
    let mut drawn = 0;
    loop {
        tick.tick().await;
        let status = campaigns.status(id).await?;
        let text = status_text(&status);
        let back = match drawn {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\u{1b}[J"),
        };
        say!("{back}{text}")?;
        drawn = text.lines().count();
        let rehearsed = status.state.reason.as_deref() == Some(REHEARSED);
        let over = rehearsed || matches!(status.state.lifecycle, Lifecycle::Completed | Lifecycle::Archived);
        if over && status.in_flight.is_empty() {
            return Ok(());
        }
    }
}
