//! The report of one call.

use super::judge::failures;
use crate::caller::ClearSeen;
use crate::network::{Call, Delivered};
use crate::stream::CallerLine;
use serde::Serialize;

/// Who ended a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The server: it closed the stream, its TwiML ended, or it asked the API to end the call.
    Agent,
    /// The person called.
    Caller,
    /// The network: not answered, a time limit, a fault.
    Network,
}

impl EndedBy {
    /// Its name in scenarios and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Caller => "caller",
            Self::Network => "network",
        }
    }
}

/// One call, as the line saw it.
#[derive(Clone, Debug, Serialize)]
pub struct CallReport {
    /// The call's id.
    pub sid: String,
    /// The called number, masked unless it was asked for.
    pub to: String,
    /// Which respondent: see [`crate::Respondent::index`]; `None` for a number that the scenario does not have.
    pub respondent: Option<usize>,
    /// Name of the kind of caller.
    pub caller: String,
    /// Which call to this number it was, from 1.
    pub ordinal: u64,
    /// The call's last status, in Twilio's words.
    pub status: &'static str,
    /// Whether it was answered.
    pub answered: bool,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// From the answer to the end.
    pub duration_ms: u64,
    /// Time on the media stream.
    pub stream_ms: u64,
    /// Agent's audio that was played.
    pub agent_audio_ms: u64,
    /// Prompts heard.
    pub prompts: u64,
    /// Prompts that were cut by a `clear`.
    pub prompts_cut: u64,
    /// Prompts that began after the last step.
    pub prompts_after_steps: u64,
    /// Steps of the script that were begun.
    pub steps_done: usize,
    /// The last step begun that has a name.
    pub last_step: Option<String>,
    /// Steps of the script.
    pub steps: usize,
    /// For each utterance, from its last voiced sample to the first audio of the agent.
    pub responses_ms: Vec<u64>,
    /// The same for keys.
    pub key_responses_ms: Vec<u64>,
    /// Holes within prompts: the play-out buffer ran empty and was filled again before the prompt counted as ended.
    pub holes: u64,
    /// Their sum.
    pub hole_ms: u64,
    /// The server's `clear` messages.
    pub clears: Vec<ClearSeen>,
    /// Marks that the server sent.
    pub marks_received: u64,
    /// Marks that were sent back.
    pub marks_returned: u64,
    /// Agent's audio that waited to be played when the stream ended.
    pub unplayed_ms: u64,
    /// Twilio's code, if the stream ended with an error or audio was discarded.
    pub stream_error: Option<u32>,
    /// Status callbacks that were accepted.
    pub callbacks_accepted: u64,
    /// Status callbacks that were not.
    pub callbacks_refused: u64,
    /// Faults that the scenario had the network make.
    pub faults: Vec<&'static str>,
    /// The recording of the line, if one was made.
    pub recording: Option<String>,
    /// What the server did against the protocol.
    pub violations: Vec<String>,
    /// What the scenario expected and did not come.
    pub failures: Vec<String>,
}

impl CallReport {
    pub(crate) fn new(
        call: &Call,
        ended_by: EndedBy,
        answered_ms: Option<u64>,
        caller: Option<&CallerLine>,
        stream_error: Option<u32>,
        unplayed_ms: u64,
        delivered: Delivered,
    ) -> Self {
        let state = call.state().clone();
        let script = call.respondent.as_ref().map(|respondent| respondent.script.as_ref());
        let prompts = caller.map_or(&[][..], |caller| caller.ear.prompts());
        let done_ms = caller.and_then(|caller| caller.script.done_ms());
        let after = prompts
            .iter()
            .filter(|prompt| done_ms.is_some_and(|done| prompt.began_ms >= done))
            .count();
        let (holes, hole_ms) = caller.map_or((0, 0), |caller| caller.ear.holes());
        let measures = caller.map(|caller| &caller.measures);
        let mut report = Self {
            sid: call.sid.clone(),
            to: call.request.to.clone(),
            respondent: call.respondent.as_ref().map(|respondent| respondent.index),
            caller: script.map_or_else(String::new, |script| script.name.clone()),
            ordinal: call.ordinal,
            status: state.status.word(),
            answered: answered_ms.is_some(),
            ended_by,
            duration_ms: answered_ms.unwrap_or(0),
            stream_ms: caller.map_or(0, |caller| caller.ticks * crate::audio::TICK_MS),
            agent_audio_ms: caller.map_or(0, |caller| caller.ear.audio_ms()),
            prompts: prompts.len() as u64,
            prompts_cut: prompts.iter().filter(|prompt| prompt.cut).count() as u64,
            prompts_after_steps: after as u64,
            steps_done: caller.map_or(0, |caller| caller.script.steps_done()),
            last_step: caller.and_then(|caller| caller.script.last_named()),
            steps: script.map_or(0, |script| script.steps.len()),
            responses_ms: measures.map_or_else(Vec::new, |measures| measures.responses_ms.clone()),
            key_responses_ms: measures.map_or_else(Vec::new, |measures| measures.key_responses_ms.clone()),
            holes,
            hole_ms,
            clears: measures.map_or_else(Vec::new, |measures| measures.clears.clone()),
            marks_received: measures.map_or(0, |measures| measures.marks_received),
            marks_returned: measures.map_or(0, |measures| measures.marks_returned),
            unplayed_ms,
            stream_error,
            callbacks_accepted: delivered.accepted,
            callbacks_refused: delivered.refused,
            faults: call.faults.names(),
            recording: None,
            violations: state.violations,
            failures: Vec::new(),
        };
        if let Some(script) = script {
            report.failures = failures(&script.expect, &report);
        }
        report
    }

    pub(crate) fn with_recording(mut self, recording: Option<String>) -> Self {
        self.recording = recording;
        self
    }
}

/// A number of which only the beginning and the end are shown.
pub(crate) fn masked(number: &str) -> String {
    let shown = number.chars().count();
    number
        .chars()
        .enumerate()
        .map(|(at, digit)| if at < 3 || at + 2 >= shown { digit } else { '*' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_number_is_masked_but_for_its_ends() {
        assert_eq!(masked("+14155550123"), "+14*******23");
        assert_eq!(masked("12"), "12");
    }
}
