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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::From;

    fn failures(said: &[&str], keys: &str) -> Vec<String> {
        let expected = InboundCall {
            name: "one".to_owned(),
            from: From::Caller("away".to_owned()),
            after_ms: 0,
            keys: vec!['9'],
            press_after_ms: 0,
            voice_path: "/".to_owned(),
            forged_first: false,
            hears: vec!["first".to_owned(), "second".to_owned()],
            hears_not: vec!["secret".to_owned()],
        };
        let report = InboundReport {
            name: "one".to_owned(),
            from: "anonymous".to_owned(),
            said: said.iter().map(|&said| said.to_owned()).collect(),
            keys: keys.to_owned(),
            violations: Vec::new(),
            failures: Vec::new(),
        };
        report.judged(&expected).failures
    }

    #[test]
    fn what_is_said_is_judged_by_its_parts_and_their_order() {
        assert_eq!(failures(&["The first.", "The second."], "9"), Vec::<String>::new());
        for (said, keys, part) in [
            (&["second", "first"][..], "9", "second"),
            (&["first"], "9", "second"),
            (&["first", "second", "a secret"], "9", "secret"),
            (&["first", "second"], "", "key"),
        ] {
            let found = failures(said, keys);
            assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
        }
    }
}
