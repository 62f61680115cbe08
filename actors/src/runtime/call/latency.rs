//! How long a turn takes, in parts that add up.

use crate::dialogue::{Input, Millis, SpeechId};
use crate::ports::TurnLatency;

/// Follows one speech of the caller from its end to our first audio.
///
/// L27: every speech that is end-pointed is followed, however short.
#[derive(Default)]
pub(super) struct TurnClock {
    turns: u32,
    open: Option<OpenTurn>,
    done: Vec<TurnLatency>,
}

struct OpenTurn {
    speech: SpeechId,
    endpoint_ms: u64,
    end_pointed_at: Millis,
    recognized_at: Option<Millis>,
    decided_at: Option<Millis>,
}

impl TurnClock {
    /// A speech ended at `ended_ms` and was end-pointed at `at_ms` (both media time); the clock shows `now`.
    pub(super) fn end_pointed(&mut self, speech: SpeechId, ended_ms: u64, at_ms: u64, now: Millis) {
        self.open = Some(OpenTurn {
            speech,
            endpoint_ms: at_ms.saturating_sub(ended_ms),
            end_pointed_at: now,
            recognized_at: None,
            decided_at: None,
        });
    }

    /// The dialogue is about to be given an input.
    pub(super) fn input(&mut self, now: Millis, input: &Input) {
        let (Input::Recognized { speech, .. } | Input::RecognitionFailed { speech, .. }) = input else {
            return;
        };
        if let Some(turn) = self.open.as_mut().filter(|turn| turn.speech == *speech) {
            turn.recognized_at = Some(now);
        }
    }

    /// The dialogue has decided on everything it was given.
    pub(super) fn decided(&mut self, now: Millis) {
        if let Some(turn) = self.open.as_mut().filter(|turn| turn.recognized_at.is_some()) {
            turn.decided_at.get_or_insert(now);
        }
    }

    /// Audio has been handed to the socket.
    pub(super) fn first_audio(&mut self, now: Millis) {
        // Audio before the recognition answers something else (a re-prompt after silence, say).
        let Some(turn) = self.open.take_if(|turn| turn.recognized_at.is_some()) else {
            return;
        };
        let recognized_at = turn.recognized_at.unwrap_or(turn.end_pointed_at);
        let decided_at = turn.decided_at.unwrap_or(now);
        let part = |from: Millis, to: Millis| u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
        let endpoint_ms = part(0, turn.endpoint_ms);
        let recognition_ms = part(turn.end_pointed_at, recognized_at);
        let decision_ms = part(recognized_at, decided_at);
        let first_audio_ms = part(decided_at, now);
        self.done.push(TurnLatency {
            turn: self.turns,
            endpoint_ms,
            recognition_ms,
            decision_ms,
            first_audio_ms,
            total_ms: endpoint_ms
                .saturating_add(recognition_ms)
                .saturating_add(decision_ms)
                .saturating_add(first_audio_ms),
        });
        self.turns += 1;
    }

    /// Turns finished since this was last asked.
    pub(super) fn take_done(&mut self) -> Vec<TurnLatency> {
        std::mem::take(&mut self.done)
    }
}
