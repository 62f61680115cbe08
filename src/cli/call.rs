//! `samvad call`: a first real call, to a number that is allowed by name and confirmed by typing it.

use super::campaign_text::{left_out, mode_text};
use super::operators::{Colour, Database, ask, coloured, prepare, time_text};
use super::output::{note, say};
use super::results;
use super::serve::rehearse_window;
use super::stop_signals::StopSignals;
use crate::app::campaigns::{Activation, Campaigns, command_line};
use crate::app::{Node, Outlook};
use crate::config::{Settings, process_environment};
use crate::ids::new_id;
use crate::telemetry::{self, Redactor};
use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use samvad_actors::campaign::ZonedWindow;
use samvad_actors::domain::{Campaign, CampaignId, ContactId, Lifecycle, Mode, PhoneNumber};
use samvad_actors::ports::{ContactImport, NewContact};
use samvad_actors::runtime::NoEvents;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Example:
  export SAMVAD_ALLOWED_NUMBERS=+919812345678
  samvad call --to +919812345678 --campaign health-survey

docs/first-call.md says what a real call needs. The call is one of a campaign of its own, a copy of the one named: its
id begins with that campaign's, and `samvad campaign results` shows what came of it.";

/// How often the call is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// Whom to call, and with what.
#[derive(Args, Debug)]
pub(super) struct CallArgs {
    /// The number, in E.164 form; SAMVAD_ALLOWED_NUMBERS must name it.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    to: PhoneNumber,
    /// The id of the campaign whose survey is spoken; it stays as it is.
    #[arg(long, value_name = "CAMPAIGN", value_parser = super::campaign_id)]
    campaign: CampaignId,
    /// Call although the campaign's window is closed; for a number of your own.
    #[arg(long)]
    outside_window: bool,
    /// The number once more, in place of typing it on a terminal.
    #[arg(long, value_name = "NUMBER")]
    confirm: Option<String>,
}

fn number(text: &str) -> Result<PhoneNumber, String> {
    PhoneNumber::parse(text).map_err(|error| error.to_string())
}

pub(super) fn run(args: CallArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    let redactor = Arc::new(Redactor::for_settings(&settings));
    telemetry::init(&settings.log, &redactor)?;
    if !settings.allowed_numbers.contains(&args.to) {
        bail!(
            "{} may not be called from here; name it in SAMVAD_ALLOWED_NUMBERS",
            args.to.expose()
        );
    }
    prepare(&settings, Database::MustExist)?;
    actix_web::rt::System::new().block_on(async {
        let campaigns = Campaigns::open(&settings).await?;
        let done = call(&settings, &campaigns, &args).await;
        campaigns.close().await;
        done
    })
}

async fn call(settings: &Settings, campaigns: &Campaigns, args: &CallArgs) -> anyhow::Result<ExitCode> {
    let mode = settings.mode();
    let original = campaigns.written(&args.campaign).await?;
    check(campaigns, args, &original).await?;
    confirm(args, &original, mode)?;
    settings.require_twilio_account()?;

    let campaign = copy(original, args.outside_window);
    let mut stop_signals = StopSignals::new()?;
    let mut node = Node::start(settings.clone(), Arc::new(NoEvents)).await?;
    let begun = begin(campaigns, &campaign, &args.to, mode).await;
    let ended = match begun {
        Err(error) => Err(error),
        Ok(()) => {
            node.open()?;
            tokio::select! {
                ended = until_over(campaigns, &campaign.id) => ended,
                () = stop_signals.next() => Err(anyhow::anyhow!("told to stop")),
            }
        }
    };
    // Whatever happened, no later server must make this call.
    end(campaigns, &campaign.id).await;
    node.stop(stop_signals.next()).await?;
    ended?;
    results::show(settings, &campaign.id, None).await?;
    say!("results: samvad campaign results {}", campaign.id)?;
    Ok(ExitCode::SUCCESS)
}

/// What refuses the call before anything is written.
async fn check(campaigns: &Campaigns, args: &CallArgs, campaign: &Campaign) -> anyhow::Result<()> {
    if campaigns.is_do_not_call(&args.to).await? {
        bail!(
            "{} is on the do-not-call list, which holds for every call",
            args.to.expose()
        );
    }
    let running = campaigns.active().await?;
    let mut running = running.iter().filter(|state| state.lifecycle != Lifecycle::Paused);
    if let Some(state) = running.next() {
        bail!(
            "campaign {} is {}, and its contacts would be called too; pause it first (`samvad campaign pause {}`)",
            state.id,
            state.lifecycle.as_str(),
            state.id
        );
    }
    let written = &campaign.dialing.window;
    let window = ZonedWindow::new(written, &written.zone)?;
    let now_ms = Timestamp::now().as_millisecond();
    if !args.outside_window && !window.is_open(now_ms) {
        let opens = window
            .next_opening(now_ms)
            .map_or("not within a year".to_owned(), time_text);
        bail!(
            "the campaign's window is closed (it opens {opens}); call then, or add --outside-window if the number is \
             your own"
        );
    }
    Ok(())
}

fn confirm(args: &CallArgs, campaign: &Campaign, mode: Mode) -> anyhow::Result<()> {
    let to = args.to.expose();
    let calls = match mode {
        Mode::Live => coloured("LIVE: the phone rings, and the call costs money", Colour::Red),
        _ => mode_text(mode).to_owned(),
    };
    say!("calls     {to}, shown as {}", campaign.caller_id.expose())?;
    say!("speaks    {} ({})", campaign.name, campaign.organisation)?;
    say!("this is   {calls}")?;
    let typed = match &args.confirm {
        Some(number) => Some(number.clone()),
        None => ask("Type the number once more to call it: ")?,
    };
    match typed {
        Some(typed) if typed == to => Ok(()),
        Some(_) => bail!("that is another number; nobody was called"),
        None => bail!("a call wants a confirmation; add --confirm with the number once more"),
    }
}

/// The campaign of one call: the same survey, at once, to one person, one time.
fn copy(mut campaign: Campaign, outside_window: bool) -> Campaign {
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    campaign.id = CampaignId::new(format!("{}-call-{now}", campaign.id));
    let rules = &mut campaign.dialing;
    rules.retry.max_attempts = 1;
    rules.spread = false;
    // It is allowed by name: neither an earlier call nor a breaker is in its way.
    rules.cooldown_days = 0;
    rules.breaker.recent = 0;
    if outside_window {
        rehearse_window(&mut campaign);
    }
    campaign
}

async fn begin(campaigns: &Campaigns, campaign: &Campaign, to: &PhoneNumber, mode: Mode) -> anyhow::Result<()> {
    let by = command_line();
    campaigns.create(campaign, &by).await?;
    let contact = ContactImport {
        contact: NewContact {
            id: ContactId::new(new_id()),
            campaign: campaign.id.clone(),
            number: to.clone(),
            external_id: None,
            name: None,
            email: None,
            language: None,
        },
        zone: None,
        // Whoever typed the number twice and allowed it by name has agreed for it.
        prior_consent: true,
    };
    campaigns.import_contacts(&campaign.id, &[contact], &by).await?;
    let preview = campaigns.preview(&campaign.id, mode).await?;
    if let Some((_, reason)) = left_out(&preview.eligibility).first() {
        bail!("{} may not be called: {reason}", to.expose());
    }
    let wish = Activation {
        campaign: campaign.id.clone(),
        mode,
        starts_at_ms: None,
        confirmation: Some(preview.confirmation),
    };
    campaigns.activate(&wish, &by).await.context("the call is not begun")?;
    Ok(())
}

/// Says how the call goes, until it is over.
async fn until_over(campaigns: &Campaigns, id: &CampaignId) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(LOOK_INTERVAL);
    let mut said = String::new();
    loop {
        tick.tick().await;
        let status = campaigns.status(id).await?;
        if let Some(attempt) = status.in_flight.first() {
            let carrier = attempt.carrier_status.map_or("asked", |status| status.as_str());
            let state = format!("{:?}, the carrier says {carrier}", attempt.state).to_lowercase();
            if state != said {
                note(format_args!("{state}\n"));
                said = state;
            }
        }
        match campaigns.outlook(id).await? {
            Outlook::Busy => {}
            _ if !status.in_flight.is_empty() => {}
            _ => return Ok(()),
        }
    }
}

/// Ends the call's campaign unless it is over.
async fn end(campaigns: &Campaigns, id: &CampaignId) {
    let running = campaigns.status(id).await;
    if running.is_ok_and(|status| status.state.lifecycle == Lifecycle::Running)
        && let Err(error) = campaigns.stop(id, &command_line()).await
    {
        tracing::error!(%error, campaign = %id, "the call's campaign could not be ended; stop it by hand");
    }
}
