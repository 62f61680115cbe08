//! `samvad stop-all`: nobody is called any more, and who is being called is let go.

use super::operators::{Database, ask, counted, with_campaigns};
use super::output::say;
use crate::app::campaigns::command_line;
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

/// Whether to ask.
#[derive(Args, Debug)]
pub(super) struct StopAllArgs {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: StopAllArgs) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        if !args.yes {
            let active = campaigns.active().await?.len() as u64;
            let question = format!(
                "This pauses every campaign ({} not over) and hangs up every call, also people who are speaking, on \
                 every server.\nType stop to do it: ",
                counted(active, "campaign")
            );
            match ask(&question)? {
                Some(answer) if answer == "stop" => {}
                Some(_) => bail!("nothing was stopped"),
                None => bail!("this pauses every campaign and hangs up every call; add --yes to do it"),
            }
        }
        let report = campaigns.stop_all(&command_line()).await?;
        say!("{} paused", counted(report.paused, "campaign"))?;
        say!("{} hung up", counted(report.hung_up, "call"))?;
        if report.left > 0 {
            say!(
                "{} could not be hung up from here: running servers end those that they find, the carrier the others \
                 at their time limit",
                counted(report.left, "call")
            )?;
        }
        Ok(ExitCode::from(u8::from(report.left > 0)))
    })
}
