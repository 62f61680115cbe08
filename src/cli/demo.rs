//! `samvad demo`: 24 simulated people, called over the real protocol.

use super::demo_files;
use super::live_table::LiveTable;
use super::output::{OutputError, note, say};
use super::report;
use super::run::{self, Interrupted, Plan, Watcher};
use crate::config::{LanguageModels, Recognizers, Synthesizers};
use clap::Args;
use samvad_actors::runtime::CallEvent;
use samvad_simulator::Respondent;
use serde_json::Value;
use std::io::{IsTerminal, Stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to show.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Who is called and what they do (YAML; see docs/scenarios.md); 24 people of all kinds if absent.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    scenario: Option<PathBuf>,
    /// What they are asked (YAML); a survey about a health service if absent.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    campaign: Option<PathBuf>,
    /// Where to keep the run, a new or empty folder; a new one in data/demo if absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let directory = run::prepare_directory(args.directory, "demo")?;
    let files = directory.join("fixtures");
    let plan = Plan {
        scenario: args.scenario.map_or_else(|| demo_files::unpack_scenario(&files), Ok)?,
        campaign: args.campaign.map_or_else(|| demo_files::unpack_campaign(&files), Ok)?,
        calls: None,
        recognizers: Recognizers::default(),
        synthesizers: Synthesizers::default(),
        language_models: LanguageModels::default(),
        max_calls: 24,
        calls_per_second: 4.0,
        workers: None,
        seed: None,
        record: true,
        directory,
        prompt_cache: run::shared_prompt_cache(),
    };
    say!("Starting a telephone network and a server of their own on this machine; nobody real is called.")?;
    say!("The prompts are spoken once and kept; the first run takes a little longer.")?;
    let mut watch = Watch { table: None };
    let outcome = super::runtime()?.block_on(run::run(&plan, &mut watch))?;
    if let Some(table) = &mut watch.table {
        table.finish()?;
    }
    let csv = plan.directory.join("results.csv");
    report::write_csv(&csv, &outcome.rows)?;
    say!("\n{}\n", report::results_table(&outcome.rows))?;
    say_places(&plan.directory, &csv)?;
    if outcome.interrupted {
        say!("\nInterrupted: these are the results until then; calls under way were ended.")?;
        return Ok(ExitCode::from(Interrupted::STATUS));
    }
    if outcome.differences.is_empty() {
        say!("\nEverything came out as the scenario expects.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let count = outcome.differences.len();
    say!(
        "\n{count} {} not come out as the scenario expects:",
        if count == 1 { "thing did" } else { "things did" }
    )?;
    for difference in &outcome.differences {
        say!("  {difference}")?;
    }
    Ok(ExitCode::from(1))
}

fn say_places(directory: &Path, csv: &Path) -> Result<(), OutputError> {
    let places = [
        ("results as CSV", csv.to_owned()),
        ("recordings of the line", directory.join("recordings")),
        ("journals (samvad replay)", directory.join("journals")),
        ("transcripts (SQLite)", directory.join("samvad.db")),
        ("logs", directory.join("server.log")),
    ];
    for (what, path) in places {
        // An attached carrier records nothing here.
        if path.exists() {
            say!("{what:<26} {}", path.display())?;
        }
    }
    Ok(())
}

struct Watch {
    table: Option<LiveTable<Stdout>>,
}

impl Watcher for Watch {
    fn preparing(&mut self, ready: u64, of: u64) -> Result<(), OutputError> {
        if std::io::stderr().is_terminal() {
            note(format_args!(
                "\rprompts: {ready} of {of} ready{}",
                if ready == of { "\n" } else { "" }
            ));
        } else if ready == of {
            say!("prompts: {of} ready")?;
        }
        Ok(())
    }

    fn begins(&mut self, respondents: &[Respondent]) -> Result<(), OutputError> {
        let contacts = respondents
            .iter()
            .map(|respondent| (run::contact_id(respondent), respondent.caller.clone()));
        self.table = Some(LiveTable::on_stdout(contacts.collect()));
        say!(
            "Calling {} people; ctrl-C ends the calls and shows what came until then.\n",
            respondents.len()
        )
    }

    fn event(&mut self, event: &CallEvent) -> Result<(), OutputError> {
        self.table.as_mut().map_or(Ok(()), |table| table.show(event))
    }

    fn call(&mut self, _report: &Value) -> Result<(), OutputError> {
        Ok(())
    }

    fn tick(&mut self) -> Result<(), OutputError> {
        self.table.as_mut().map_or(Ok(()), LiveTable::tick)
    }
}
