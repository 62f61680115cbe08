//! `samvad demo`: 24 simulated people, called over the real protocol.

use super::live_table::LiveTable;
use super::report;
use super::run::{self, Plan, Watcher};
use clap::Args;
use samvad_actors::runtime::CallEvent;
use samvad_simulator::Respondent;
use serde_json::Value;
use std::io::Stdout;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to show.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Who is called and what they do.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file, default_value = "fixtures/scenarios/demo.yaml")]
    scenario: PathBuf,
    /// What they are asked.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file, default_value = "fixtures/campaigns/health_survey.yaml")]
    campaign: PathBuf,
    /// Where to keep the run; a new folder in data/demo if absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        scenario: args.scenario,
        campaign: args.campaign,
        calls: None,
        recognizer: "embedded".to_owned(),
        max_calls: 24,
        calls_per_second: 4.0,
        workers: None,
        seed: None,
        record: true,
        directory: args.directory.map_or_else(|| run::new_directory("demo"), Ok)?,
        prompt_cache: run::shared_prompt_cache(),
    };
    println!("Starting a telephone network and a server of their own on this machine; nobody real is called.");
    println!("The prompts are spoken once and kept; the first run takes a little longer.\n");
    let mut watch = Watch { table: None };
    let outcome = super::runtime()?.block_on(run::run(&plan, &mut watch))?;
    if let Some(table) = &mut watch.table {
        table.finish();
    }
    let csv = plan.directory.join("results.csv");
    report::write_csv(&csv, &outcome.rows)?;
    println!("\n{}\n", report::results_table(&outcome.rows));
    print_places(&plan.directory, &csv);
    if outcome.differences.is_empty() {
        println!("\nEverything came out as the scenario expects.");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\n{} things did not come out as the scenario expects:",
        outcome.differences.len()
    );
    for difference in &outcome.differences {
        println!("  {difference}");
    }
    Ok(ExitCode::from(1))
}

fn print_places(directory: &Path, csv: &Path) {
    let places = [
        ("results as CSV", csv.to_owned()),
        ("recordings of the line", directory.join("recordings")),
        ("journals (samvad replay)", directory.join("journals")),
        ("transcripts (SQLite)", directory.join("samvad.db")),
        ("logs", directory.join("server.log")),
    ];
    for (what, path) in places {
        println!("{what:<26} {}", path.display());
    }
}

struct Watch {
    table: Option<LiveTable<Stdout>>,
}

impl Watcher for Watch {
    fn begins(&mut self, respondents: &[Respondent]) {
        let contacts = respondents
            .iter()
            .map(|respondent| (run::contact_id(respondent), respondent.caller.clone()));
        self.table = Some(LiveTable::on_stdout(contacts.collect()));
    }

    fn event(&mut self, event: &CallEvent) {
        if let Some(table) = &mut self.table {
            table.show(event);
        }
    }

    fn call(&mut self, _report: &Value) {}
}
