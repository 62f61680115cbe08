//! Gathers the calls' reports, writes them out as they come, and sums them up.

use super::call_report::masked;
use super::{CallReport, InboundReport};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Distribution of a latency, in milliseconds of media time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: usize,
    /// Median.
    pub p50_ms: u64,
    /// 95th percentile.
    pub p95_ms: u64,
    /// 99th percentile.
    pub p99_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

impl Latency {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |share: usize| {
            let rank = (values.len() * share).div_ceil(100).max(1) - 1;
            values.get(rank).copied().unwrap_or(0)
        };
        Self {
            count: values.len(),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

/// A run, summed up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SimulatorSummary {
    /// The scenario's name.
    pub scenario: String,
    /// Calls that ended.
    pub calls: usize,
    /// Calls to the server's number that ended.
    pub inbound_calls: usize,
    /// Calls by their last status.
    pub statuses: BTreeMap<String, usize>,
    /// Most calls on a media stream or ringing at once.
    pub peak_calls: usize,
    /// Milliseconds on media streams, of all calls.
    pub stream_ms: u64,
    /// Responses to utterances.
    pub responses: Latency,
    /// Responses to keys.
    pub key_responses: Latency,
    /// From the onset of the caller's words to `clear`.
    pub clears: Latency,
    /// Holes within prompts.
    pub holes: u64,
    /// Prompts heard.
    pub prompts: u64,
    /// What the server did against the protocol, in calls and outside of them.
    pub violations: Vec<String>,
    /// What was expected and did not come.
    pub failures: Vec<String>,
    /// Respondents who were never called, by their index.
    pub not_called: Vec<usize>,
    /// Groups of streams ticked.
    pub ticks: u64,
    /// Those of them that began more than 5 ms late: if there are many, no latency of this run is to be trusted.
    pub late_ticks: u64,
    /// The latest, in microseconds.
    pub latest_tick_us: u64,
}

impl SimulatorSummary {
    /// True if everything was as it should be.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.failures.is_empty()
    }
}

/// Where reports go.
#[derive(Debug)]
pub(crate) struct Reporter {
    json_lines: bool,
    show_numbers: bool,
    inner: Mutex<Inner>,
    /// Calls that have not ended.
    live: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    peak: usize,
    calls: Vec<CallReport>,
    inbound: Vec<InboundReport>,
    violations: Vec<String>,
}

impl Reporter {
    /// A reporter that has seen nothing.
    pub(crate) fn new(json_lines: bool, show_numbers: bool) -> Self {
        Self {
            json_lines,
            show_numbers,
            inner: Mutex::new(Inner::default()),
            live: watch::Sender::new(0),
        }
    }

    /// Says where the API listens.
    pub(crate) fn listening(&self, address: std::net::SocketAddr) {
        self.line("listening", &serde_json::json!({ "address": address.to_string() }));
    }

    /// A call was created.
    pub(crate) fn call_begins(&self) {
        self.live.send_modify(|live| *live += 1);
        let live = *self.live.borrow();
        let mut inner = self.inner();
        inner.peak = inner.peak.max(live);
    }

    /// A call has ended.
    pub(crate) fn call_ends(&self, mut report: CallReport) {
        if !self.show_numbers {
            report.to = masked(&report.to);
        }
        self.line("call", &report);
        self.inner().calls.push(report);
        self.live.send_modify(|live| *live -= 1);
    }

    /// Somebody is about to call the server's number.
    pub(crate) fn inbound_begins(&self) {
        self.live.send_modify(|live| *live += 1);
    }

    /// A call to the server's number has ended.
    pub(crate) fn inbound_ends(&self, mut report: InboundReport) {
        if !self.show_numbers {
            report.from = masked(&report.from);
        }
        self.line("inbound", &report);
        self.inner().inbound.push(report);
        self.live.send_modify(|live| *live -= 1);
    }

    /// True if a call to the server's number of this name has ended.
    pub(crate) fn has_called_in(&self, name: &str) -> bool {
        self.inner().inbound.iter().any(|report| report.name == name)
    }

    /// The reports of the calls that have ended.
    pub(crate) fn reports(&self) -> Vec<CallReport> {
        self.inner().calls.clone()
    }

    /// Something wrong that belongs to no call.
    pub(crate) fn violation(&self, what: String) {
        self.line("violation", &serde_json::json!({ "violation": what }));
        self.inner().violations.push(what);
    }

    /// How many calls have not ended, as it changes.
    pub(crate) fn live(&self) -> watch::Receiver<usize> {
        self.live.subscribe()
    }

    /// The run so far.
    pub(crate) fn summary(&self) -> SimulatorSummary {
        let inner = self.inner();
        let calls = &inner.calls;
        let mut statuses = BTreeMap::new();
        for call in calls {
            *statuses.entry(call.status.to_owned()).or_default() += 1;
        }
        let all = |values: fn(&CallReport) -> Vec<u64>| Latency::of(calls.iter().flat_map(values).collect());
        let named = |words: fn(&CallReport) -> &Vec<String>| {
            calls
                .iter()
                .flat_map(move |call| words(call).iter().map(|word| format!("{}: {word}", call.caller)))
        };
        let inbound = |words: fn(&InboundReport) -> &Vec<String>| {
            let of = move |call: &'_ InboundReport| -> Vec<String> {
                words(call)
                    .iter()
                    .map(|word| format!("{}: {word}", call.name))
                    .collect()
            };
            inner.inbound.iter().flat_map(of).collect::<Vec<_>>()
        };
        SimulatorSummary {
            calls: calls.len(),
            inbound_calls: inner.inbound.len(),
            statuses,
            peak_calls: inner.peak,
            stream_ms: calls.iter().map(|call| call.stream_ms).sum(),
            responses: all(|call| call.responses_ms.clone()),
            key_responses: all(|call| call.key_responses_ms.clone()),
            clears: all(|call| call.clears.iter().filter_map(|clear| clear.after_onset_ms).collect()),
            holes: calls.iter().map(|call| call.holes).sum(),
            prompts: calls.iter().map(|call| call.prompts).sum(),
            violations: inner
                .violations
                .iter()
                .cloned()
                .chain(named(|call| &call.violations))
                .chain(inbound(|call| &call.violations))
                .collect(),
            failures: named(|call| &call.failures)
                .chain(inbound(|call| &call.failures))
                .collect(),
            ..SimulatorSummary::default()
        }
    }

    /// Writes the summary.
    pub(crate) fn end(&self, summary: &SimulatorSummary) {
        self.line("summary", summary);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, event: &'static str, body: &impl Serialize) {
        #[derive(Serialize)]
        struct Line<'a, T> {
            event: &'static str,
            #[serde(flatten)]
            body: &'a T,
        }
        if !self.json_lines {
            return;
        }
        match serde_json::to_string(&Line { event, body }) {
            Ok(text) => {
                let mut out = std::io::stdout().lock();
                // Whoever read the lines may be gone; the calls go on.
                let _ = writeln!(out, "{text}").and_then(|()| out.flush());
            }
            Err(error) => tracing::error!(%error, "a report cannot be written as JSON"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let latency = Latency::of((1..=200).rev().collect());
        assert_eq!(
            latency,
            Latency {
                count: 200,
                p50_ms: 100,
                p95_ms: 190,
                p99_ms: 198,
                max_ms: 200
            }
        );
        assert_eq!(Latency::of(Vec::new()), Latency::default());
        assert_eq!(Latency::of(vec![7]).p50_ms, 7);
    }
}
