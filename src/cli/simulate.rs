//! `samvad simulate` and `samvad simulator`.

use super::report;
use super::run::{self, Figures, Outcome, Plan, Watcher};
use crate::config::{RecognizerSetting, process_environment};
use anyhow::Context;
use clap::Args;
use samvad_actors::domain::Outcome as CallOutcome;
use samvad_actors::runtime::CallEvent;
use samvad_simulator::{Respondent, SimulatorOptions};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// What to simulate.
#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// Who is called and what they do (YAML; see docs/scenarios.md).
    #[arg(long, value_name = "FILE", value_parser = super::existing_file)]
    scenario: PathBuf,
    /// What they are asked (YAML).
    #[arg(long, value_name = "FILE", value_parser = super::existing_file, default_value = "fixtures/campaigns/health_survey.yaml")]
    campaign: PathBuf,
    /// How many are called, in the scenario's mixture; as many as it lists if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    calls: Option<u32>,
    /// Calls under way at once.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrent: u32,
    /// Calls placed per second. The scenario's own rate must allow it, else calls are queued as Twilio would.
    #[arg(long, value_name = "RATE", default_value_t = 20.0)]
    calls_per_second: f64,
    /// embedded (PocketSphinx), or fixed:DELAY, a stand-in for load tests that answers after that long.
    #[arg(long, value_name = "NAME", default_value = "embedded")]
    recognizer: RecognizerSetting,
    /// Worker threads of the server.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Seed of the run, in place of the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Record each line as WAV, caller left, agent right.
    #[arg(long)]
    record: bool,
    /// Where to keep the run; a new folder in data/runs if absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Print one JSON value a line: each call as it ends, then a summary.
    #[arg(long)]
    json: bool,
}

/// Runs a scenario and says what differs.
pub(super) fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        scenario: args.scenario,
        campaign: args.campaign,
        calls: args.calls.map(|calls| calls as usize),
        recognizer: args.recognizer.to_string(),
        max_calls: args.concurrent,
        calls_per_second: args.calls_per_second,
        workers: args.workers.map(usize::from),
        seed: args.seed,
        record: args.record,
        directory: args.directory.map_or_else(|| run::new_directory("runs"), Ok)?,
        prompt_cache: run::shared_prompt_cache(),
    };
    let mut lines = Lines {
        json: args.json,
        ..Lines::default()
    };
    let outcome = super::runtime()?.block_on(run::run(&plan, &mut lines))?;
    if args.json {
        println!("{}", summary(&outcome, &plan));
    } else {
        print_summary(&outcome, &plan);
    }
    Ok(if outcome.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Prints one line a call as it ends: the network's view; for people with the server's outcome.
#[derive(Default)]
struct Lines {
    json: bool,
    finished: usize,
    of: usize,
    counted: BTreeMap<CallOutcome, usize>,
}

impl Watcher for Lines {
    fn begins(&mut self, respondents: &[Respondent]) {
        self.of = respondents.len();
        if !self.json {
            eprintln!("calling {} respondents", self.of);
        }
    }

    fn event(&mut self, event: &CallEvent) {
        if let CallEvent::Ended { outcome, .. } = event {
            *self.counted.entry(*outcome).or_default() += 1;
        }
    }

    fn call(&mut self, call: &Value) {
        self.finished += 1;
        if self.json {
            println!("{call}");
            return;
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
        println!(
            "{:>5}/{} {:<28} {:<10} {:>6.1} s, {} prompts{slowest}{wrong}",
            self.finished,
            self.of,
            call["caller"].as_str().unwrap_or_default(),
            call["status"].as_str().unwrap_or_default(),
            call["duration_ms"].as_f64().unwrap_or_default() / 1_000.0,
            call["prompts"],
        );
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
        "recognizer": plan.recognizer,
        "calls": outcome.rows.len(),
        "outcomes": outcomes(outcome),
        "figures": outcome.figures,
        "network": outcome.network,
        "differences": outcome.differences,
    })
}

fn print_summary(outcome: &Outcome, plan: &Plan) {
    let counts: Vec<String> = outcomes(outcome)
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    println!(
        "\ncalls                     {} ({})",
        outcome.rows.len(),
        counts.join(", ")
    );
    let answers = outcome.rows.iter().map(|row| row.answers.len()).sum::<usize>();
    println!("answers                   {answers}");
    if let Some(network) = &outcome.network {
        print_network(network);
    }
    print_figures(&outcome.figures);
    println!("kept in                   {}", plan.directory.display());
    if outcome.differences.is_empty() {
        println!("as expected               yes");
    } else {
        println!(
            "as expected               NO, {} differences:",
            outcome.differences.len()
        );
        for difference in &outcome.differences {
            println!("  {difference}");
        }
    }
}

fn print_network(network: &Value) {
    let (responses, clears) = (&network["responses"], &network["clears"]);
    println!(
        "response latency          p50 {} ms, p95 {} ms, p99 {} ms ({} turns; end of speech to first audio heard)",
        responses["p50_ms"], responses["p95_ms"], responses["p99_ms"], responses["count"]
    );
    println!(
        "clears                    {} (p99 {} ms after the caller began to speak)",
        clears["count"], clears["p99_ms"]
    );
    let (holes, prompts) = (
        network["holes"].as_f64().unwrap_or(0.0),
        network["prompts"].as_f64().unwrap_or(0.0),
    );
    println!("prompts with a hole       {holes} of {prompts} (underruns)");
    println!(
        "late ticks of the network {} of {}",
        network["late_ticks"], network["ticks"]
    );
}

fn print_figures(figures: &Figures) {
    println!(
        "conversations at once     {} at the peak, {:.1} call-minutes",
        figures.peak_conversations, figures.call_minutes
    );
    println!(
        "server                    {:.3} CPU s per call-minute ({:.1} s), {:.1} KiB resident memory per call",
        figures.server_cpu_seconds_per_call_minute,
        figures.server_cpu_seconds,
        figures.resident_bytes_per_call as f64 / 1024.0
    );
    if figures.recognizer_resident_bytes > 0 {
        println!(
            "recogniser                {:.3} CPU s per call-minute ({:.1} s), {:.0} MiB",
            figures.recognizer_cpu_seconds_per_call_minute,
            figures.recognizer_cpu_seconds,
            figures.recognizer_resident_bytes as f64 / (1024.0 * 1024.0)
        );
    }
    println!("server at the end         {}", figures.server_at_end);
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
    #[arg(long, value_name = "N")]
    calls: Option<usize>,
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
    /// Print one JSON value a line: where it listens, each call as it ends, and a summary.
    #[arg(long)]
    json: bool,
    /// Show called numbers whole.
    #[arg(long)]
    show_numbers: bool,
    /// End when everybody has been called and every call has ended.
    #[arg(long)]
    stop_when_done: bool,
}

/// Runs the telephone network until it is told to stop.
pub(super) fn run_simulator(args: SimulatorArgs) -> anyhow::Result<ExitCode> {
    let environment = process_environment();
    let variable = |name: &str| {
        environment.get(name).cloned().with_context(|| {
            format!("{name} is not set; choose the account that the server is to use, with the same value there")
        })
    };
    let options = SimulatorOptions {
        listen: args.listen,
        scenario: args.script,
        calls: args.calls,
        account_sid: variable("TWILIO_ACCOUNT_SID")?,
        auth_token: variable("TWILIO_AUTH_TOKEN")?,
        public_url: args.public_url,
        server: args.server,
        seed: args.seed,
        recordings: args.recordings,
        json_lines: args.json,
        show_numbers: args.show_numbers,
        stop_when_done: args.stop_when_done,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let summary = super::runtime()?.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        anyhow::Ok(samvad_simulator::run(&options, stop).await?)
    })?;
    if !args.json {
        println!(
            "{} calls, {} violations, {} not as expected",
            summary.calls,
            summary.violations.len(),
            summary.failures.len()
        );
        for word in summary.violations.iter().chain(&summary.failures) {
            println!("  {word}");
        }
    }
    Ok(if summary.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
