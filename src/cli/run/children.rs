//! Processes of this same binary that a run starts: the simulator and the server, each with its lines.
//!
//! They end with the run, however it ends: told to (SIGTERM), dropped (killed), or by the kernel when this process
//! dies. Each has a process group of its own, so that ctrl-C on the terminal reaches the run alone, which then ends
//! them in order.

use crate::cli::output::OutputError;
use crate::config::{VARIABLES, private_files};
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Settings that a run's processes inherit: how to log, and which prompts.
pub(super) const KEPT: [&str; 2] = ["SAMVAD_LOG", "SAMVAD_PROMPTS_DIR"];

/// Settings that a server inherits besides when the carrier is attached from outside.
pub(super) const ATTACHED: [&str; 6] = [
    "SAMVAD_BIND",
    "SAMVAD_PUBLIC_URL",
    "TWILIO_API_BASE_URL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH_TOKEN_SECONDARY",
];

/// How long a process may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A process that prints one JSON value a line, the first with its `listening` address. Killed when dropped.
pub(super) struct JsonChild {
    name: &'static str,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl JsonChild {
    /// Starts this binary with the arguments and these variables. Of the inherited environment our own settings are
    /// left out; those of an attached carrier stay if `keep_attached`. Its log goes to `log`. Must be called on the
    /// main thread: a process dies with the thread that started it.
    ///
    /// # Errors
    /// If the binary cannot be started or the log cannot be written.
    pub(super) fn start(
        name: &'static str,
        args: &[String],
        env: &BTreeMap<String, String>,
        keep_attached: bool,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("this program cannot find its own file")?;
        let log_file = private_files::create_new(log)?;
        let mut command = Command::new(binary);
        for variable in VARIABLES.iter().filter(|variable| !KEPT.contains(&variable.name)) {
            if keep_attached && ATTACHED.contains(&variable.name) {
                continue;
            }
            command.env_remove(variable.name);
            if variable.secret {
                command.env_remove(format!("{}_FILE", variable.name));
            }
        }
        let mut process = command
            .args(args)
            .arg("--die-with-parent")
            .envs(env)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the {name} cannot be started"))?;
        let stdout = process
            .stdout
            .take()
            .with_context(|| format!("the {name} has no output"))?;
        Ok(Self {
            name,
            process,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// The line that says where it listens. `prepared` is told how many prompts are ready, and of how many.
    ///
    /// # Errors
    /// If it ends, or says something else, or nothing for a minute; or what `prepared` returns.
    pub(super) async fn listening(
        &mut self,
        log: &Path,
        prepared: &mut dyn FnMut(u64, u64) -> Result<(), OutputError>,
    ) -> anyhow::Result<Value> {
        loop {
            let line = tokio::time::timeout(START_LIMIT, self.next())
                .await
                .with_context(|| format!("the {} does not start; its log is {}", self.name, log.display()))??;
            match line {
                Some(line) if line["event"] == "listening" => return Ok(line),
                Some(line) if line["event"] == "preparing" => {
                    let count = |name: &str| line[name].as_u64().unwrap_or_default();
                    prepared(count("ready"), count("of"))?;
                }
                _ => {
                    let log_text = std::fs::read_to_string(log).unwrap_or_default();
                    bail!(
                        "the {} did not start (`samvad doctor` may say why); the end of its log:\n{}",
                        self.name,
                        tail(&log_text, 12)
                    )
                }
            }
        }
    }

    /// Its next line; `None` when it has ended.
    ///
    /// # Errors
    /// If its output cannot be read or is not JSON.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        match self.lines.next_line().await? {
            None => Ok(None),
            Some(line) => serde_json::from_str(&line)
                .map(Some)
                .with_context(|| format!("the {} printed a line that is not JSON", self.name)),
        }
    }

    /// Asks it to end (SIGTERM).
    pub(super) fn terminate(&self) {
        let pid = self
            .process
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended meanwhile; then there is nobody to ask.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Waits for its end. True if it ended with status 0.
    ///
    /// # Errors
    /// If it does not end in time; it is killed then.
    pub(super) async fn ended(&mut self, limit: Duration) -> anyhow::Result<bool> {
        match tokio::time::timeout(limit, self.process.wait()).await {
            Ok(status) => Ok(status?.success()),
            Err(_) => {
                self.process.kill().await?;
                bail!(
                    "the {} did not end within {} s and was killed",
                    self.name,
                    limit.as_secs()
                )
            }
        }
    }
}

/// Makes the kernel end this process when the thread that started it ends. Where there is no such thing (it is
/// Linux's), the process ends by its own means.
pub(in crate::cli) fn die_with_parent() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
