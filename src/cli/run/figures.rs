//! What a run cost and how fast it answered.

use crate::telemetry::ProcessUsage;
use serde::Serialize;
use serde_json::Value;

/// Figures of one run. Server, simulator and recogniser are accounted apart.
#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::cli) struct Figures {
    #[serde(skip)]
    server_pid: Option<u32>,
    #[serde(skip)]
    recognizer_pid: Option<u32>,
    #[serde(skip)]
    before: Option<ProcessUsage>,
    #[serde(skip)]
    recognizer_before: Option<ProcessUsage>,
    #[serde(skip)]
    live: u64,
    #[serde(skip)]
    finished: u64,
    /// Most conversations at once.
    pub(in crate::cli) peak_conversations: u64,
    /// Processor seconds of the server while calls were made.
    pub(in crate::cli) server_cpu_seconds: f64,
    /// Processor seconds of the recogniser's own process.
    pub(in crate::cli) recognizer_cpu_seconds: f64,
    /// Minutes of conversation, all calls together.
    pub(in crate::cli) call_minutes: f64,
    /// Server's processor seconds per call-minute.
    pub(in crate::cli) server_cpu_seconds_per_call_minute: f64,
    /// Recogniser's processor seconds per call-minute.
    pub(in crate::cli) recognizer_cpu_seconds_per_call_minute: f64,
    /// Server's resident memory before the first call, in bytes.
    pub(in crate::cli) resident_bytes_before: u64,
    /// Most of it.
    pub(in crate::cli) resident_bytes_peak: u64,
    /// What it grew by, for each of the conversations at the peak.
    pub(in crate::cli) resident_bytes_per_call: u64,
    /// Resident memory of the recogniser's process, at most.
    pub(in crate::cli) recognizer_resident_bytes: u64,
    /// Resident memory after each hundred finished calls: finished, bytes.
    pub(in crate::cli) resident_after: Vec<(u64, u64)>,
    /// What the server said of itself at the end: gauges, threads, descriptors.
    pub(in crate::cli) server_at_end: Value,
    /// What it said when it began to listen.
    pub(in crate::cli) server_at_start: Value,
}

impl Figures {
    /// Before the first call; `greeting` is the server's first line.
    pub(in crate::cli) fn begin(greeting: &Value) -> Self {
        let pid = |name: &str| greeting[name].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let (server_pid, recognizer_pid) = (pid("pid"), pid("recognizer_pid"));
        let before = usage(server_pid);
        let resident = before.map_or(0, |usage| usage.resident_bytes);
        Self {
            server_pid,
            recognizer_pid,
            before,
            recognizer_before: usage(recognizer_pid),
            resident_bytes_before: resident,
            resident_bytes_peak: resident,
            server_at_start: greeting.clone(),
            ..Self::default()
        }
    }

    /// The server said something.
    pub(in crate::cli) fn server_line(&mut self, line: &Value) {
        match line["event"].as_str() {
            Some("talking") => {
                self.live += 1;
                self.peak_conversations = self.peak_conversations.max(self.live);
            }
            Some("ended") => {
                self.finished += 1;
                self.live = self.live.saturating_sub(u64::from(!line["end_reason"].is_null()));
                if self.finished.is_multiple_of(100)
                    && let Some(usage) = usage(self.server_pid)
                {
                    self.resident_after.push((self.finished, usage.resident_bytes));
                }
            }
            Some("usage") => {
                let cpu = line["cpu_seconds"].as_f64().unwrap_or_default();
                self.server_cpu_seconds = cpu - self.before.map_or(0.0, |before| before.cpu_seconds);
                self.server_at_end = line.clone();
                self.sample();
            }
            _ => {}
        }
    }

    /// Looks at the processes.
    pub(in crate::cli) fn sample(&mut self) {
        if let Some(usage) = usage(self.server_pid) {
            self.resident_bytes_peak = self.resident_bytes_peak.max(usage.resident_bytes);
        }
        if let Some(usage) = usage(self.recognizer_pid) {
            let before = self.recognizer_before.map_or(0.0, |before| before.cpu_seconds);
            self.recognizer_cpu_seconds = usage.cpu_seconds - before;
            self.recognizer_resident_bytes = self.recognizer_resident_bytes.max(usage.resident_bytes);
        }
    }

    /// The network's summary is there.
    pub(in crate::cli) fn network(&mut self, summary: Option<&Value>) {
        let stream_ms = summary
            .and_then(|summary| summary["stream_ms"].as_u64())
            .unwrap_or_default();
        self.call_minutes = stream_ms as f64 / 60_000.0;
        if self.call_minutes > 0.0 {
            self.server_cpu_seconds_per_call_minute = self.server_cpu_seconds / self.call_minutes;
            self.recognizer_cpu_seconds_per_call_minute = self.recognizer_cpu_seconds / self.call_minutes;
        }
        let grown = self.resident_bytes_peak.saturating_sub(self.resident_bytes_before);
        self.resident_bytes_per_call = grown / self.peak_conversations.max(1);
    }
}

/// What a process uses now; `None` if it is gone or cannot be looked at.
fn usage(pid: Option<u32>) -> Option<ProcessUsage> {
    ProcessUsage::of(pid?).ok()
}
