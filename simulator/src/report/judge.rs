//! What a scenario expects of a call, against what the line saw of it.

use super::CallReport;
use crate::scenario::{Bounds, Expectations};
use serde::Serialize;

/// The differences, in words; empty if all came as expected. Outcome, answers and do-not-call are not the line's to
/// judge.
pub(super) fn failures(expect: &Expectations, report: &CallReport) -> Vec<String> {
    let mut found = Failures(Vec::new());
    found.same("answered", expect.answered, report.answered);
    found.same("status", expect.status.as_deref(), report.status);
    found.same("ended_by", expect.ended_by.as_deref(), report.ended_by.name());
    found.within("duration_ms", expect.duration_ms, report.duration_ms);
    found.within("prompts", expect.prompts, report.prompts);
    found.within("agent_audio_ms", expect.agent_audio_ms, report.agent_audio_ms);
    found.within("clears", expect.clears, report.clears.len() as u64);
    found.within("holes", expect.holes, report.holes);
    found.within(
        "prompts_after_steps",
        expect.prompts_after_steps,
        report.prompts_after_steps,
    );
    for &response_ms in &report.responses_ms {
        found.within("response_ms", expect.response_ms, response_ms);
    }
    found.same("all_steps", expect.all_steps, report.steps_done == report.steps);
    found.same(
        "goodbye_played",
        expect.goodbye_played,
        report.unplayed_ms == 0 && report.prompts > 0,
    );
    if let Some(limit_ms) = expect.cleared_within_ms {
        match report.clears.iter().filter_map(|clear| clear.after_onset_ms).max() {
            None => found.add("cleared_within_ms", limit_ms, "no clear while the caller spoke"),
            Some(slowest_ms) if slowest_ms > limit_ms => found.add("cleared_within_ms", limit_ms, slowest_ms),
            Some(_) => {}
        }
    }
    let unexpected = report
        .stream_error
        .filter(|code| expect.stream_error != Some(u64::from(*code)));
    match (expect.stream_error, unexpected) {
        (_, Some(code)) => found.add("stream_error", expect.stream_error, code),
        (Some(code), None) if report.stream_error.is_none() => found.add("stream_error", code, "none"),
        _ => {}
    }
    found.0
}

struct Failures(Vec<String>);

impl Failures {
    fn add(&mut self, what: &str, expected: impl Serialize, found: impl Serialize) {
        let text = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default().to_string();
        let (expected, found) = (text(serde_json::to_value(expected)), text(serde_json::to_value(found)));
        self.0.push(format!("{what}: expected {expected}, found {found}"));
    }

    fn same<T: PartialEq + Serialize>(&mut self, what: &str, expected: Option<T>, found: T) {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            self.add(what, expected, found);
        }
    }

    fn within(&mut self, what: &str, bounds: Bounds, found: u64) {
        if !bounds.contain(found) {
            self.add(what, bounds, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::EndedBy;
    use super::*;
    use crate::caller::ClearSeen;

    fn report() -> CallReport {
        CallReport {
            sid: "CA0".to_owned(),
            to: "+14155550123".to_owned(),
            respondent: Some(0),
            caller: "one".to_owned(),
            ordinal: 1,
            status: "completed",
            answered: true,
            ended_by: EndedBy::Agent,
            duration_ms: 30_000,
            stream_ms: 30_000,
            agent_audio_ms: 20_000,
            prompts: 5,
            prompts_cut: 1,
            prompts_after_steps: 1,
            steps_done: 4,
            last_step: None,
            steps: 4,
            responses_ms: vec![800, 900],
            key_responses_ms: Vec::new(),
            holes: 0,
            hole_ms: 0,
            clears: vec![ClearSeen {
                at_ms: 5_000,
                after_onset_ms: Some(240),
                dropped_ms: 3_000,
            }],
            marks_received: 3,
            marks_returned: 3,
            unplayed_ms: 0,
            stream_error: None,
            callbacks_accepted: 4,
            callbacks_refused: 0,
            faults: Vec::new(),
            recording: None,
            violations: Vec::new(),
            failures: Vec::new(),
        }
    }

    #[test]
    fn a_call_that_went_as_expected_has_no_failures() {
        let expect = Expectations {
            answered: Some(true),
            status: Some("completed".to_owned()),
            ended_by: Some("agent".to_owned()),
            prompts: Bounds {
                min: Some(5),
                max: Some(5),
            },
            cleared_within_ms: Some(300),
            response_ms: Bounds {
                min: None,
                max: Some(1_000),
            },
            all_steps: Some(true),
            goodbye_played: Some(true),
            ..Expectations::default()
        };
        assert_eq!(failures(&expect, &report()), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named_with_both_values() {
        let expect = Expectations {
            ended_by: Some("caller".to_owned()),
            holes: Bounds {
                min: Some(1),
                max: None,
            },
            cleared_within_ms: Some(200),
            response_ms: Bounds {
                min: None,
                max: Some(850),
            },
            stream_error: Some(31_950),
            ..Expectations::default()
        };
        let found = failures(&expect, &report());
        for part in [
            "ended_by: expected \"caller\", found \"agent\"",
            "holes",
            "found 240",
            "found 900",
            "31950",
        ] {
            assert!(
                found.iter().any(|failure| failure.contains(part)),
                "{part} in {found:?}"
            );
        }
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn an_error_of_the_stream_is_a_failure_unless_it_was_expected() {
        let broken = CallReport {
            stream_error: Some(31_950),
            ..report()
        };
        assert_eq!(failures(&Expectations::default(), &broken).len(), 1);
        let expect = Expectations {
            stream_error: Some(31_950),
            ..Expectations::default()
        };
        assert_eq!(failures(&expect, &broken), Vec::<String>::new());
    }
}
