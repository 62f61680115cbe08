//! Subcommands: what they take, and where each goes.

mod audit;
mod call;
mod campaign;
mod campaign_text;
mod contacts;
mod costs;
mod demo;
mod demo_files;
mod dnc;
mod doctor;
mod evaluate;
mod export;
mod import;
mod live_table;
mod migrate;
mod operators;
mod output;
mod purge;
mod replay;
mod report;
mod results;
mod run;
mod run_once;
mod serve;
mod simulate;
mod stop_all;
mod stop_signals;

use self::output::OutputError;
use anyhow::Context;
use clap::{Parser, Subcommand};
use samvad_actors::domain::CampaignId;
use std::collections::BTreeMap;
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
#[command(name = "samvad", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Calls simulated people over the real protocol and shows what came of it.
    ///
    /// Starts a simulated telephone network and a server as separate processes, calls 24 respondents of all kinds
    /// and prints the results as a table and as CSV. Everything it needs is built in; it runs from any directory.
    ///
    /// If TWILIO_API_BASE_URL is set and names this machine, that stand-in is called in place of our own network.
    ///
    /// Exit status 0: everything as the scenario expects. 1: a difference. 2: it could not be run. 130: interrupted
    /// (what came until then is shown).
    Demo(demo::DemoArgs),
    /// Runs the server: webhooks, media sockets, and the calls of a campaign if one is given.
    ///
    /// Settings come from the environment (see .env.example). SIGTERM and ctrl-C drain: no new calls, live ones go
    /// on; a second signal ends them at once.
    ///
    /// Exit status 0: it was told to stop, or everything is done. 2: it could not start, or the store failed.
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArgs),
    /// Writes, previews, starts, halts and shows campaigns.
    #[command(after_help = campaign::EXAMPLES)]
    Campaign(campaign::CampaignArgs),
    /// Adds contacts to a campaign.
    #[command(after_help = contacts::EXAMPLES)]
    Contacts(contacts::ContactsArgs),
    /// Writes the contacts of a campaign that are finished to a CSV file, with their answers.
    ///
    /// The file is safe to open in a spreadsheet, and its telephone numbers can be imported again.
    Export(export::ExportArgs),
    /// Keeps the do-not-call list, and what a registry of those who want no calls answered.
    #[command(after_help = dnc::EXAMPLES)]
    Dnc(dnc::DncArgs),
    /// Serves for as long as a campaign has somebody to call now, then ends: for cron.
    ///
    /// Ends when the campaign is completed, nobody is due, or its window has closed, and every call is over. Other
    /// campaigns that run are called meanwhile.
    ///
    /// Exit status 0: nothing is left to do now. 1: the campaign was paused, by hand or because most calls failed, or
    /// has not been activated, or this command was told to stop. 2: it could not run.
    #[command(after_help = run_once::EXAMPLES)]
    RunOnce(run_once::RunOnceArgs),
    /// Calls one number with a campaign's survey, for a first real call.
    ///
    /// The number must be in SAMVAD_ALLOWED_NUMBERS and is typed once more to confirm. Everything else is as for any
    /// call: do-not-call, the window, the registry, DRY_RUN_MODE. Not while campaigns run, nor beside a server on the
    /// same database without Redis.
    ///
    /// Exit status 0: the call is over, and its result was shown. 2: nobody was called, or it did not come to its end.
    #[command(after_help = call::EXAMPLES)]
    Call(call::CallArgs),
    /// Pauses every campaign and hangs up every call, on every server.
    ///
    /// Asks for confirmation; without a terminal, --yes is needed. `samvad campaign resume` goes on.
    ///
    /// Exit status 0: done. 1: done, but calls could not be hung up from here. 2: it could not be done.
    StopAll(stop_all::StopAllArgs),
    /// Runs a scenario against a server of its own and compares what came out with what the scenario expects.
    ///
    /// If TWILIO_API_BASE_URL is set and names this machine, that stand-in is called in place of our own network.
    ///
    /// Exit status 0: everything as expected. 1: a difference. 2: it could not be run. 130: interrupted.
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::SimulateArgs),
    /// Runs a simulated telephone network alone, for any server.
    ///
    /// It speaks as Twilio does: the Calls API, signed callbacks, Media Streams. The account is what
    /// TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN say; the server is given the same.
    ///
    /// Exit status 0: no violation of the protocol, everybody as expected. 1: otherwise. 2: it could not start.
    #[command(after_help = simulate::SIMULATOR_EXAMPLES)]
    Simulator(simulate::SimulatorArgs),
    /// Feeds call journals through the dialogue again and says whether every decision is the same; or a recording.
    ///
    /// Other prompts or another lexicon than in the call are named, and are a difference. With --from-audio the
    /// recording of a call is heard again, and words heard otherwise are no difference as long as the decisions are
    /// the same.
    ///
    /// Exit status 0: the same. 1: a difference, or an altered or damaged journal. 2: it could not be read.
    Replay(replay::ReplayArgs),
    /// Scores what understands callers against utterances that people have labelled.
    ///
    /// Prints for each language how many are read as their labels say, which meaning is taken for which, and every row
    /// that is read otherwise; consent and opt-outs that are wrongly taken or missed are counted apart. Nobody is
    /// called. fixtures/utterances/README.md describes the columns.
    ///
    /// Exit status 0: as good as asked for. 1: not so. 2: a file cannot be read, or a row is wrong.
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(evaluate::EvaluateArgs),
    /// Prints what came of a campaign, from the database of the settings.
    Results(results::ResultsArgs),
    /// Shows what a campaign's calls used of services and of the carrier, what that costs, and how fast they answered.
    #[command(after_help = costs::EXAMPLES)]
    Costs(costs::CostsArgs),
    /// Checks settings, programs, speech and data directory, and says what is wrong and what to do.
    ///
    /// Nobody is called, and without --live nothing is sent. Exit status 0: ready (warnings allowed). 1: something is at fault.
    Doctor(doctor::DoctorArgs),
    /// Shows the audit log: who changed what and when, the newest first.
    ///
    /// Every change of campaigns, contacts, the do-not-call list, users and API tokens is in it, whether it came over
    /// the HTTP API or the command line, with how it was before and how it is since, and every sign-in. The table shows
    /// in short what differs; --json has all of it.
    #[command(after_help = audit::EXAMPLES)]
    Audit(audit::AuditArgs),
    /// Removes transcripts, verbatim answers, journals and recordings that are older than their retention.
    ///
    /// Run it daily. The retention is set by SAMVAD_RETENTION_TRANSCRIPT_DAYS, _JOURNAL_DAYS and _RECORDING_DAYS.
    /// Outcomes, answers and the do-not-call list stay. Exit status 0: done. 2: something could not be removed.
    Purge(purge::PurgeArgs),
    /// Brings the database's schema up to this version, takes it back, or shows it.
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::MigrateArgs),
    /// The recogniser's own process; started by the server.
    #[command(hide = true)]
    RecognizerChild,
}

const AFTER_HELP: &str = "\
Settings come from environment variables; .env.example lists them all, and `samvad doctor` checks them.
`samvad COMMAND --help` describes a command, its exit status and examples.";

/// A file that must exist, as an argument.
fn existing_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Err("this is a directory; name a file".to_owned()),
        Ok(_) => Ok(path),
        Err(error) => Err(format!("{error}; paths are relative to the directory you are in")),
    }
}

/// The directory of prompts and lexicons: the one named as an argument, else that of the environment.
fn prompts_directory(named: Option<PathBuf>, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = || {
        environment
            .get("SAMVAD_PROMPTS_DIR")
            .filter(|set| !set.trim().is_empty())
    };
    named.or_else(|| set().map(PathBuf::from))
}

/// A campaign's id, as an argument.
fn campaign_id(text: &str) -> Result<CampaignId, String> {
    match text.trim() {
        "" => Err("write the campaign's id; `samvad campaign list` shows them".to_owned()),
        id => Ok(CampaignId::new(id)),
    }
}

/// A rate of calls per second, as an argument.
fn calls_per_second(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.01..=1000.0).contains(rate))
        .ok_or_else(|| "write a number from 0.01 to 1000".to_owned())
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
        Command::Campaign(args) => campaign::run(args),
        Command::Contacts(args) => contacts::run(args),
        Command::Export(args) => export::run(args),
        Command::Dnc(args) => dnc::run(args),
        Command::RunOnce(args) => run_once::run(args),
        Command::Call(args) => call::run(args),
        Command::StopAll(args) => stop_all::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Simulator(args) => simulate::run_simulator(args),
        Command::Replay(args) => replay::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Results(args) => results::run(&args),
        Command::Costs(args) => costs::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Audit(args) => audit::run(args),
        Command::Purge(args) => purge::run(args),
        Command::Migrate(args) => migrate::run(&args),
        Command::RecognizerChild => return crate::speech::embedded::run_recognizer_child(),
    };
    done.unwrap_or_else(|error| {
        if error
            .downcast_ref::<OutputError>()
            .is_some_and(OutputError::reader_is_gone)
        {
            return ExitCode::from(OutputError::READER_GONE_STATUS);
        }
        output::note(format_args!("samvad: {error:#}\n"));
        match error.downcast_ref::<run::Interrupted>() {
            Some(run::Interrupted) => ExitCode::from(run::Interrupted::STATUS),
            None => ExitCode::from(2),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_path_that_is_no_file_is_refused_with_the_reason() {
        assert!(existing_file("src").expect_err("refused").contains("directory"));
        assert!(existing_file("no/such").expect_err("refused").contains("No such file"));
        assert!(existing_file("Cargo.toml").is_ok());
    }

    #[test]
    fn prompts_named_as_an_argument_go_before_those_of_the_environment() {
        let environment = |set: &str| [("SAMVAD_PROMPTS_DIR".to_owned(), set.to_owned())].into();
        let named = || Some(PathBuf::from("named"));
        assert_eq!(prompts_directory(named(), &environment("set")), named());
        assert_eq!(prompts_directory(None, &environment("set")), Some("set".into()));
        assert_eq!(prompts_directory(None, &environment(" ")), None);
        assert_eq!(prompts_directory(None, &BTreeMap::new()), None);
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        for text in ["0", "-1", "NaN", "inf", "1001", "fast", ""] {
            assert!(calls_per_second(text).is_err(), "{text}");
        }
        assert_eq!(calls_per_second("0.5"), Ok(0.5));
    }
}
