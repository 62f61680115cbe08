//! `samvad serve`: the server.

use super::output::note;
use super::stop_signals::StopSignals;
use crate::access::local_login::Announce;
use crate::app::{Gauges, Node};
use crate::campaign_files::{load_campaign, load_contacts};
use crate::config::{Settings, process_environment};
use crate::telemetry::{self, ProcessUsage, Redactor};
use anyhow::bail;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use samvad_actors::domain::{Campaign, Mode, TimeOfDay, Weekday};
use samvad_actors::ports::{ContactImport, NewContact};
use samvad_actors::runtime::{CallEvent, EventSink, NoEvents};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// For `--help`.
pub(super) const EXAMPLES: &str = "\
Examples:
  samvad serve
          answers callbacks and media, and runs the campaigns that are active
  samvad serve --campaign survey.yaml --contacts people.csv --exit-when-idle
          runs a campaign, ends when everybody is settled; then: samvad results --campaign survey.yaml";

/// What to serve.
#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// A campaign file (YAML): made ready and active at the start, in the mode of this server.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    campaign: Option<PathBuf>,
    /// The campaign's contacts (CSV with the columns phone_number and external_contact_id).
    #[arg(long, value_name = "FILE", value_parser = super::existing_file, requires = "campaign")]
    contacts: Option<PathBuf>,
    /// End when the campaign runs no more and every call is over.
    #[arg(long, requires = "contacts")]
    exit_when_idle: bool,
    /// A rehearsal: everybody is called once, at any hour and as fast as the limits allow; refused where real people are
    /// called.
    #[arg(long, requires = "campaign")]
    rehearse: bool,
    /// Print what happens as JSON, one event a line: `preparing` while prompts are rendered, `listening` with the
    /// address, then what becomes of each call.
    #[arg(long)]
    events: bool,
    /// End at once when the process that started this one ends.
    #[arg(long, hide = true)]
    die_with_parent: bool,
}

pub(super) fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    if args.die_with_parent {
        super::run::die_with_parent();
    }
    let settings = Settings::from_env(&process_environment())?;
    let redactor = Arc::new(Redactor::for_settings(&settings));
    telemetry::init(&settings.log, &redactor)?;
    actix_web::rt::System::new().block_on(serve(args, settings))?;
    Ok(ExitCode::SUCCESS)
}

/// Lets this process have as many open files as it may: a call needs two, and the usual soft limit of 1,024 would end
/// at some 500 calls.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    ) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}

async fn serve(args: ServeArgs, settings: Settings) -> anyhow::Result<()> {
    raise_open_files_limit();
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let mut campaign = args.campaign.as_deref().map(load_campaign).transpose()?;
    if let (Some(campaign), Mode::Live) = (&campaign, settings.mode()) {
        bail!(
            "--campaign begins at once, unconfirmed, and real people are called here: `samvad campaign create`, then \
             `samvad campaign activate {}`, and serve without it; or set DRY_RUN_MODE=true",
            campaign.id
        );
    }
    if args.rehearse {
        if settings.mode() == Mode::Live {
            bail!(
                "--rehearse calls at any hour, and real people are called here: leave it out, or set DRY_RUN_MODE=true"
            );
        }
        campaign.iter_mut().for_each(rehearse);
    }
    let contacts = match (&args.contacts, &campaign) {
        (Some(path), Some(campaign)) => load_contacts(path, campaign)?.into_iter().map(plain).collect(),
        _ => Vec::new(),
    };
    let events: Arc<dyn EventSink> = if args.events {
        Arc::new(JsonLines)
    } else {
        Arc::new(NoEvents)
    };
    let mut stop_signals = StopSignals::new()?;
    // Where people sign in by a provider nobody signs in without.
    let announce: Option<Announce> = match settings.oidc {
        Some(_) => None,
        None => Some(Box::new(show_login_secret)),
    };
    let mut node = Node::start(settings, events).await?;
    let api_address = node.bind_api(announce)?;
    if let Some(campaign) = &campaign {
        let mut show_progress = |ready, of| {
            if args.events {
                print_line(&json!({ "event": "preparing", "ready": ready, "of": of }));
            } else {
                show_progress(ready, of);
            }
        };
        let loaded = tokio::select! {
            loaded = node.load(campaign, &contacts, &mut show_progress) => Some(loaded),
            () = stop_signals.next() => None,
        };
        match loaded {
            Some(loaded) => loaded?,
            None => {
                node.stop(stop_signals.next()).await?;
                return Ok(());
            }
        }
    }
    node.open()?;
    if args.events {
        print_line(&json!({
            "event": "listening",
            "address": node.address().to_string(),
            "api_address": api_address.map(|address| address.to_string()),
            "pid": std::process::id(),
            "recognizer_pid": node.recognizer_pid(),
        }));
    }
    let work = async {
        if let Some(campaign) = &campaign {
            node.activate(&campaign.id).await?;
            let reason = node.halted(&campaign.id).await?;
            tracing::info!(campaign = %campaign.id, reason, "the campaign runs no more");
        }
        if args.exit_when_idle {
            node.idle().await?;
            return anyhow::Ok(());
        }
        std::future::pending().await
    };
    tokio::select! {
        done = work => {
            done?;
            if args.events {
                print_usage(&node.gauges());
            }
            node.stop(stop_signals.next()).await?;
        }
        () = stop_signals.next() => {
            tracing::info!("told to stop: draining; a second signal ends the calls at once");
            let gauges = node.stop(stop_signals.next()).await?;
            if args.events {
                print_usage(&gauges);
            }
        }
    }
    Ok(())
}

/// Somebody of whom nothing more is known.
fn plain(contact: NewContact) -> ContactImport {
    ContactImport {
        contact,
        zone: None,
        prior_consent: false,
    }
}

/// Shows the secret of the local login to whoever sits at the machine: never in the log, which others may read.
fn show_login_secret(secret: &str) {
    note(format_args!(
        "to sign in on this machine, once: POST /api/v1/local-login with {{\"secret\": \"{secret}\"}}\n"
    ));
}

/// Has a campaign call everybody once, whenever it is.
fn rehearse(campaign: &mut Campaign) {
    rehearse_window(campaign);
    let rules = &mut campaign.dialing;
    rules.retry.max_attempts = 1;
    rules.spread = false;
    // What is rehearsed may be a network on which most calls fail.
    rules.breaker.recent = 0;
}

/// Opens a campaign's window at all times.
pub(super) fn rehearse_window(campaign: &mut Campaign) {
    let window = &mut campaign.dialing.window;
    window.weekdays = Weekday::ALL.to_vec();
    (window.start, window.end) = (TimeOfDay::hour(0), TimeOfDay::hour(0));
    window.blocked_dates.clear();
}

/// What this process has used and still holds, now that nothing goes on.
fn print_usage(gauges: &Gauges) {
    let usage = ProcessUsage::of_self().ok();
    print_line(&json!({
        "event": "usage",
        "cpu_seconds": usage.map(|usage| usage.cpu_seconds),
        "resident_bytes": usage.map(|usage| usage.resident_bytes),
        "threads": usage.map(|usage| usage.threads),
        "open_descriptors": usage.map(|usage| usage.open_descriptors),
        "sockets": gauges.sockets,
        "calls": gauges.calls,
        "permits": gauges.permits,
        "service_tasks": gauges.service_tasks,
        "dropped_frames": gauges.dropped_frames,
    }));
}

fn show_progress(ready: usize, of: usize) {
    let end = if ready == of { "\n" } else { "" };
    if std::io::stderr().is_terminal() {
        note(format_args!("\rprompts: {ready} of {of} ready{end}"));
    } else if ready == of {
        note(format_args!("prompts: {of} ready\n"));
    }
}

/// Prints events on standard output.
struct JsonLines;

impl EventSink for JsonLines {
    fn emit(&self, event: CallEvent) {
        match serde_json::to_value(&event) {
            Ok(value) => print_line(&value),
            Err(error) => tracing::error!(%error, "an event cannot be written"),
        }
    }
}

fn print_line(value: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever read the events may be gone; the calls go on.
    let _ = writeln!(out, "{value}");
    let _ = out.flush();
}
