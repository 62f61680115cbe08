//! Processes of this same binary that a run starts: the simulator and the server, each with its lines.

use crate::config::VARIABLES;
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
const KEPT: [&str; 2] = ["SAMVAD_LOG", "SAMVAD_PROMPTS_DIR"];

/// Settings that a server inherits besides when the carrier is attached from outside.
const ATTACHED: [&str; 6] = [
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
    /// Starts this binary with the arguments and these variables; of the inherited environment our own settings are
    /// left out (those of an attached carrier stay if `env` has no
    /// address of its own). Its log goes to `log`.
    ///
    /// # Errors
    /// If the binary cannot be started or the log cannot be written.
    pub(super) fn start(
        name: &'static str,
        args: &[String],
        env: &BTreeMap<String, String>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("this program cannot find its own file")?;
        let log_file = std::fs::File::create(log).with_context(|| format!("cannot write the log {}", log.display()))?;
        let mut command = Command::new(binary);
        for variable in VARIABLES.iter().filter(|variable| !KEPT.contains(&variable.name)) {
            if !env.contains_key("SAMVAD_BIND") && ATTACHED.contains(&variable.name) {
                continue;
            }
            command.env_remove(variable.name);
            if variable.secret {
                command.env_remove(format!("{}_FILE", variable.name));
            }
        }
        let mut process = command
            .args(args)
            .envs(env)
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

    /// Its first line, which says where it listens.
    ///
    /// # Errors
    /// If it ends, or says something else, or nothing in time.
    pub(super) async fn listening(&mut self, log: &Path) -> anyhow::Result<Value> {
        let first = tokio::time::timeout(START_LIMIT, self.next())
            .await
            .with_context(|| format!("the {} does not start; its log is {}", self.name, log.display()))??;
        match first {
            Some(line) if line["event"] == "listening" => Ok(line),
            _ => {
                let log_text = std::fs::read_to_string(log).unwrap_or_default();
                bail!(
                    "the {} did not start; the end of its log:\n{}",
                    self.name,
                    tail(&log_text, 12)
                )
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

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
