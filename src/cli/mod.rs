//! Subcommands: what they take, and where each goes.

mod demo;
mod doctor;
mod live_table;
mod purge;
mod replay;
mod report;
mod run;
mod serve;
mod simulate;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A real-time voice and dialogue server for phone surveys.
///
/// Calls people over Twilio, asks for their consent, asks three questions, understands spoken and keyed answers, and
/// keeps what came of it. Safe by default: nobody is called until DRY_RUN_MODE=false is set, except by the
/// simulator on this machine.
///
/// Try `samvad demo` first: it needs no account, no key and no network.
#[derive(Parser, Debug)]
#[command(name = "samvad", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Calls simulated people over the real protocol and shows what came of it.
    ///
    /// Starts a simulated telephone network and a server as separate processes, calls 24 respondents of all kinds
    /// and prints the results as a table and as CSV. Takes at most two minutes.
    Demo(demo::DemoArgs),
    /// Runs the server: webhooks, media sockets, and the calls of a campaign if one is given.
    ///
    /// Settings come from the environment (see .env.example). SIGTERM drains: no new calls, live ones go on.
    Serve(serve::ServeArgs),
    /// Runs a scenario against a server of its own and compares what came out with what the scenario expects.
    ///
    /// Exit status 0: everything as expected. 1: a difference. 2: it could not be run.
    Simulate(simulate::SimulateArgs),
    /// Runs a simulated telephone network alone, for any server.
    Simulator(simulate::SimulatorArgs),
    /// Feeds call journals through the dialogue again and says whether every decision is the same.
    ///
    /// Exit status 0: the same. 1: a difference, or an altered or damaged journal. 2: it could not be read.
    Replay(replay::ReplayArgs),
    /// Checks settings, programs, speech and data directory, and says what is wrong and what to do.
    Doctor,
    /// Removes transcripts, verbatim answers, journals and recordings that are older than their retention.
    Purge(purge::PurgeArgs),
    /// The recogniser's own process; started by the server.
    #[command(hide = true)]
    RecognizerChild,
}

/// A file that must exist, as an argument.
pub(crate) fn existing_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_file() {
        Ok(path)
    } else {
        Err("no such file".to_owned())
    }
}

/// The runtime of commands that start other processes.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // Every HTTP client of this process needs one. An error only says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Simulator(args) => simulate::run_simulator(args),
        Command::Replay(args) => replay::run(args),
        Command::Doctor => doctor::run(),
        Command::Purge(args) => purge::run(args),
        Command::RecognizerChild => return crate::speech::embedded::run_recognizer_child(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("samvad: {error:#}");
        ExitCode::from(2)
    })
}
