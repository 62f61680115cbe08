//! What is measured on one line, in media time.

use super::ear::Ear;
use super::script::{voiced_end_ms, voiced_start_ms};
use crate::audio::Clip;
use serde::Serialize;

/// A `clear` message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct ClearSeen {
    /// When it came.
    pub at_ms: u64,
    /// After the onset of what the caller was saying, or had just said; `None` if the caller had said nothing.
    pub after_onset_ms: Option<u64>,
    /// Milliseconds of audio that it threw away.
    pub dropped_ms: u64,
}

/// The measures of one line.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    /// From a caller's last voiced sample to the first audio of the agent.
    pub responses_ms: Vec<u64>,
    /// The same from the last key.
    pub key_responses_ms: Vec<u64>,
    pub clears: Vec<ClearSeen>,
    pub marks_received: u64,
    pub marks_returned: u64,
    /// The words being said: onset and end.
    saying: Option<(u64, u64)>,
    /// Said, or keyed, and not yet responded to.
    awaited: Option<(u64, bool)>,
}

/// A `clear` so long after one's words is not on their account.
const SAID_JUST_NOW_MS: u64 = 2_000;

impl Measures {
    /// The caller begins a recording.
    pub(crate) fn says(&mut self, now_ms: u64, clip: &Clip) {
        self.saying = Some((now_ms + voiced_start_ms(clip), now_ms + voiced_end_ms(clip)));
        self.awaited = None;
    }

    /// The caller presses the last key of a step.
    pub(crate) fn keys(&mut self, now_ms: u64) {
        self.awaited = Some((now_ms, true));
    }

    /// A `clear` came.
    pub(crate) fn cleared(&mut self, now_ms: u64, dropped_ms: u64) {
        let onset = self
            .saying
            .filter(|&(onset, end)| onset <= now_ms && now_ms <= end + SAID_JUST_NOW_MS);
        let after_onset_ms = onset.map(|(onset, _)| now_ms - onset);
        self.clears.push(ClearSeen {
            at_ms: now_ms,
            after_onset_ms,
            dropped_ms,
        });
    }

    /// A tick, after the ear has heard it.
    pub(crate) fn tick(&mut self, now_ms: u64, agent_audio: bool, ear: &Ear) {
        if agent_audio && let Some((since_ms, keyed)) = self.awaited.take_if(|(since_ms, _)| *since_ms < now_ms) {
            let list = if keyed {
                &mut self.key_responses_ms
            } else {
                &mut self.responses_ms
            };
            list.push(now_ms - since_ms);
        }
        // What is still being talked over when the words end has no response that could be told from it.
        if self.saying.is_some_and(|(_, end_ms)| end_ms == now_ms) && !ear.speaking() {
            self.awaited = Some((now_ms, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_measured_from_the_last_voiced_sample() {
        let mut measures = Measures::default();
        let ear = Ear::new(200, false);
        let clip = Clip::tone(&[440.0], 100, -12.0);
        measures.says(1_000, &clip);
        for tick in 0..40 {
            let now_ms = 1_000 + tick * 20;
            measures.tick(now_ms, now_ms >= 1_680, &ear);
        }
        assert_eq!(
            measures.responses_ms,
            vec![600],
            "words end in the tick at 1,080, audio comes at 1,680"
        );
    }

    #[test]
    fn a_clear_is_measured_from_the_onset_of_the_words() {
        let mut measures = Measures::default();
        measures.cleared(500, 0);
        measures.says(1_000, &Clip::tone(&[440.0], 400, -12.0));
        measures.cleared(1_240, 900);
        let expected = ClearSeen {
            at_ms: 1_240,
            after_onset_ms: Some(240),
            dropped_ms: 900,
        };
        assert_eq!(measures.clears[1], expected);
        assert_eq!(measures.clears[0].after_onset_ms, None);
    }
}
