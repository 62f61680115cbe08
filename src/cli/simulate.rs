//! `samvad simulate` and `samvad simulator`.

use super::demo_files;
use super::output::{OutputError, note, say};
use super::report;
use super::run::{self, Figures, Interrupted, Outcome, Plan, Watcher};
use super::stop_signals::StopSignals;
use crate::config::{LanguageModels, Recognizers, Synthesizers, process_environment};
use anyhow::Context;
use clap::Args;
use samvad_actors::runtime::CallEvent;
use samvad_simulator::{Respondent, Simulator, SimulatorOptions};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// For `--help`.
pub(super) const EXAMPLES: &str = "\
Examples:
  samvad simulate --scenario fixtures/scenarios/faults.yaml
  samvad simulate --scenario fixtures/scenarios/load.yaml --calls 500 --recognizer fixed:60ms --json";

/// For `--help`.
pub(super) const SIMULATOR_EXAMPLES: &str = "\
Example (the server then runs with TWILIO_API_BASE_URL=http://127.0.0.1:9000 and the same account):
  TWILIO_ACCOUNT_SID=AC00000000000000000000000000000001 TWILIO_AUTH_TOKEN=chosen-by-you \\
  samvad simulator --script fixtures/scenarios/demo.yaml --listen 127.0.0.1:9000 --server 127.0.0.1:8080";

/// What to simulate.
#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// Who is called and what they do (YAML; see docs/scenarios.md).
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    scenario: PathBuf,
    /// What they are asked (YAML); the demo's survey if absent.
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    campaign: Option<PathBuf>,
    /// How many are called, in the scenario's mixture; as many as it lists if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    calls: Option<u32>,
    /// Calls under way at once.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrent: u32,
    /// Calls placed per second (0.01 to 1000). The scenario's own rate must allow it, else calls are queued as Twilio
    /// would.
    #[arg(long, value_name = "RATE", default_value = "20", value_parser = super::calls_per_second)]
    calls_per_second: f64,
    /// Recognisers in order of preference, as in SAMVAD_RECOGNIZER; or fixed:DELAY, a stand-in for load tests that
    /// answers after that long.
    #[arg(long, value_name = "NAMES", default_value = "embedded")]
    recognizer: Recognizers,
    /// Synthesisers in order of preference, as in SAMVAD_SYNTHESIZER.
    #[arg(long, value_name = "NAMES", default_value = "embedded")]
    synthesizer: Synthesizers,
    /// Language models in order of preference, as in SAMVAD_LANGUAGE_MODEL; none if absent.
    #[arg(long, value_name = "NAMES")]
    language_model: Option<LanguageModels>,
    /// Worker threads of the server.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Seed of the run, in place of the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Record each line as WAV, caller left, agent right.
    #[arg(long)]
    record: bool,
    /// Where to keep the run, a new or empty folder; a new one in data/runs if absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Print one JSON value a line: each call as it ends, then a summary.
    #[arg(long)]
    json: bool,
}

/// Runs a scenario and says what differs.
pub(super) fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let directory = run::prepare_directory(args.directory, "runs")?;
    let files = directory.join("fixtures");
    let plan = Plan {
        scenario: args.scenario,
        campaign: args.campaign.map_or_else(|| demo_files::unpack_campaign(&files), Ok)?,
        calls: args.calls.map(|calls| calls as usize),
        recognizers: args.recognizer.clone(),
        synthesizers: args.synthesizer.clone(),
        language_models: args.language_model.clone().unwrap_or_default(),
        max_calls: args.concurrent,
        calls_per_second: args.calls_per_second,
        workers: args.workers.map(usize::from),
        seed: args.seed,
        record: args.record,
        directory,
        prompt_cache: run::shared_prompt_cache(),
    };
    let mut lines = Lines {
        json: args.json,
        ..Lines::default()
    };
    let outcome = super::runtime()?.block_on(run::run(&plan, &mut lines))?;
    if args.json {
        say!("{}", summary(&outcome, &plan))?;
    } else {
        say_summary(&outcome, &plan)?;
    }
    Ok(match (outcome.interrupted, outcome.differences.is_empty()) {
        (true, _) => ExitCode::from(Interrupted::STATUS),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(1),
    })
}

/// Prints one line a call as it ends: the network's view.
#[derive(Default)]
struct Lines {
    json: bool,
    finished: usize,
    of: usize,
}

impl Watcher for Lines {
    fn preparing(&mut self, _ready: u64, _of: u64) -> Result<(), OutputError> {
        Ok(())
    }

    fn begins(&mut self, respondents: &[Respondent]) -> Result<(), OutputError> {
        self.of = respondents.len();
        if !self.json {
            note(format_args!("calling {} respondents\n", self.of));
        }
        Ok(())
    }

    fn event(&mut self, _event: &CallEvent) -> Result<(), OutputError> {
        Ok(())
    }

    fn tick(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn call(&mut self, call: &Value) -> Result<(), OutputError> {
        self.finished += 1;
        if self.json {
            return say!("{call}");
        }
        let responses: Vec<u64> = call["responses_ms"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        let slowest = responses
            .iter()
            .max()
            .map_or(String::new(), |ms| format!(", slowest response {ms} ms"));
        let faults = ["violations", "failures"]
            .map(|kind| call[kind].as_array().map_or(0, Vec::len))
            .iter()
            .sum::<usize>();
        let wrong = if faults == 0 {
            String::new()
        } else {
            format!(", {faults} NOT AS EXPECTED")
        };
        say!(
            "{:>5}/{} {:<28} {:<10} {:>6.1} s, {} prompts{slowest}{wrong}",
            self.finished,
            self.of,
            call["caller"].as_str().unwrap_or_default(),
            call["status"].as_str().unwrap_or_default(),
            call["duration_ms"].as_f64().unwrap_or_default() / 1_000.0,
            call["prompts"],
        )
    }
}

fn outcomes(outcome: &Outcome) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for row in &outcome.rows {
        let ended = row.attempt.as_ref().and_then(|attempt| attempt.outcome);
        *counts.entry(ended.map_or("none", report::outcome_word)).or_default() += 1;
    }
    counts
}

fn summary(outcome: &Outcome, plan: &Plan) -> Value {
    json!({
        "event": "run",
        "directory": plan.directory,
        "recognizer": plan.recognizers.to_string(),
        "calls": outcome.rows.len(),
        "outcomes": outcomes(outcome),
        "figures": outcome.figures,
        "network": outcome.network,
        "differences": outcome.differences,
        "interrupted": outcome.interrupted,
    })
}

fn say_summary(outcome: &Outcome, plan: &Plan) -> Result<(), OutputError> {
    let counts: Vec<String> = outcomes(outcome)
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    say!(
        "\ncalls                     {} ({})",
        outcome.rows.len(),
        counts.join(", ")
    )?;
    let answers = outcome.rows.iter().map(|row| row.answers.len()).sum::<usize>();
    say!("answers                   {answers}")?;
    if let Some(network) = &outcome.network {
        say_network(network)?;
    }
    say_figures(&outcome.figures)?;
    say!("kept in                   {}", plan.directory.display())?;
    if outcome.interrupted {
        say!("as expected               not compared: the run was interrupted")?;
    } else if outcome.differences.is_empty() {
        say!("as expected               yes")?;
    } else {
        say!(
            "as expected               NO, {} differences:",
            outcome.differences.len()
        )?;
        for difference in &outcome.differences {
            say!("  {difference}")?;
        }
    }
    Ok(())
}

fn say_network(network: &Value) -> Result<(), OutputError> {
    let (responses, clears) = (&network["responses"], &network["clears"]);
    say!(
        "response latency          p50 {} ms, p95 {} ms, p99 {} ms ({} turns; end of speech to first audio heard)",
        responses["p50_ms"],
        responses["p95_ms"],
        responses["p99_ms"],
        responses["count"]
    )?;
    say!(
        "clears                    {} (p99 {} ms after the caller began to speak)",
        clears["count"],
        clears["p99_ms"]
    )?;
    let (holes, prompts) = (
        network["holes"].as_f64().unwrap_or(0.0),
        network["prompts"].as_f64().unwrap_or(0.0),
    );
    say!("prompts with a hole       {holes} of {prompts} (underruns)")?;
    say!(
        "late ticks of the network {} of {}",
        network["late_ticks"],
        network["ticks"]
    )?;
    Ok(())
}

fn say_figures(figures: &Figures) -> Result<(), OutputError> {
    say!(
        "calls held at once        {} at the peak, {:.1} call-minutes",
        figures.peak_conversations,
        figures.call_minutes
    )?;
    say!(
        "server                    {:.3} CPU s per call-minute ({:.1} s), {:.1} KiB resident memory per call",
        figures.server_cpu_seconds_per_call_minute,
        figures.server_cpu_seconds,
        figures.resident_bytes_per_call as f64 / 1024.0
    )?;
    if figures.recognizer_resident_bytes > 0 {
        say!(
            "recogniser                {:.3} CPU s per call-minute ({:.1} s), {:.0} MiB",
            figures.recognizer_cpu_seconds_per_call_minute,
            figures.recognizer_cpu_seconds,
            figures.recognizer_resident_bytes as f64 / (1024.0 * 1024.0)
        )?;
    }
    say!("server at the end         {}", figures.server_at_end)?;
    Ok(())
}

/// A network to run alone. The account comes from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.
#[derive(Args, Debug)]
pub(super) struct SimulatorArgs {
    /// Where the Calls API listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The scenario (YAML; see docs/scenarios.md).
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    script: PathBuf,
    /// How many can be called; as many as the scenario lists if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    calls: Option<u32>,
    /// The server's public https origin: what signatures cover.
    #[arg(long, value_name = "URL", default_value = "https://samvad.example")]
    public_url: String,
    /// Where the server really listens, in the clear, as behind a proxy that ends TLS.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    server: SocketAddr,
    /// Seed of the run, in place of the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for recordings of each line.
    #[arg(long, value_name = "DIR")]
    recordings: Option<PathBuf>,
    /// Write each call down as it begins and as it ends, one JSON value a line, with its whole number.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Print one JSON value a line: where it listens, each call as it ends, and a summary.
    #[arg(long)]
    json: bool,
    /// Show called numbers whole.
    #[arg(long)]
    show_numbers: bool,
    /// End when everybody has been called and every call has ended.
    #[arg(long)]
    stop_when_done: bool,
    /// End at once when the process that started this one ends.
    #[arg(long, hide = true)]
    die_with_parent: bool,
}

/// Runs the telephone network until it is told to stop.
pub(super) fn run_simulator(args: SimulatorArgs) -> anyhow::Result<ExitCode> {
    if args.die_with_parent {
        run::die_with_parent();
    }
    let environment = process_environment();
    let variable = |name: &str| {
        let value = environment.get(name).filter(|value| !value.trim().is_empty());
        value.cloned().with_context(|| {
            format!("{name} is not set; choose the account that the server is to use, with the same value there")
        })
    };
    let options = SimulatorOptions {
        listen: args.listen,
        scenario: args.script,
        calls: args.calls.map(|calls| calls as usize),
        account_sid: variable("TWILIO_ACCOUNT_SID")?,
        auth_token: variable("TWILIO_AUTH_TOKEN")?,
        public_url: args.public_url,
        server: args.server,
        seed: args.seed,
        recordings: args.recordings,
        ledger: args.ledger,
        json_lines: args.json,
        show_numbers: args.show_numbers,
        stop_when_done: args.stop_when_done,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let summary = super::runtime()?.block_on(async {
        let mut stop = StopSignals::new()?;
        let simulator = Simulator::start(&options).await?;
        if !args.json {
            note(format_args!(
                "listening: TWILIO_API_BASE_URL=http://{}; ctrl-C ends it and sums it up\n",
                simulator.address()
            ));
        }
        tokio::select! {
            () = stop.next() => {}
            () = simulator.done(), if options.stop_when_done => {}
        }
        anyhow::Ok(simulator.stop())
    })?;
    if !args.json {
        say!(
            "{} calls, {} violations, {} not as expected",
            summary.calls,
            summary.violations.len(),
            summary.failures.len()
        )?;
        for word in summary.violations.iter().chain(&summary.failures) {
            say!("  {word}")?;
        }
    }
    Ok(if summary.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
