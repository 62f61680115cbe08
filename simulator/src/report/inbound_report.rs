//! The report of a call to the server's number.

use crate::scenario::InboundCall;
use serde::Serialize;

/// A call to the server's number, as its caller heard it.
#[derive(Clone, Debug, Serialize)]
pub struct InboundReport {
    /// Its name in the scenario.
    pub name: String,
    /// The calling number, masked unless it was asked for; `anonymous` if it was withheld.
    pub from: String,
    /// Everything that was said, a sentence or more each.
    pub said: Vec<String>,
    /// Keys that were pressed.
    pub keys: String,
    /// What the server did against the protocol.
    pub violations: Vec<String>,
    /// What the scenario expected and did not come.
    pub failures: Vec<String>,
}

impl InboundReport {
    /// Compares what was said with what the scenario expects.
    pub(crate) fn judged(mut self, expected: &InboundCall) -> Self {
        let said = self.said.join(" ");
        let mut rest = said.as_str();
        for part in &expected.hears {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => self.failures.push(format!("{part:?} is not said, or not in its place")),
            }
        }
        for part in &expected.hears_not {
            if said.contains(part.as_str()) {
                self.failures.push(format!("{part:?} is said"));
            }
        }
        if self.keys.chars().count() < expected.keys.len() {
            self.failures.push("not every key was asked for".to_owned());
        }
        self
    }
}
