//! Callers who say anything at any moment.

use crate::harness::Call;
use proptest::prelude::*;
use samvad_actors::dialogue::Millis;
use std::ops::Range;

/// What a caller says: after a wait, whether that is for the prompt's end, the words, how sure the recogniser is of
/// them, how long they take.
pub type Turn = (Millis, bool, &'static str, f32, Millis);

/// Any course of turns of these texts.
pub fn turns(texts: &'static [&'static str], confidence: Range<f32>) -> impl Strategy<Value = Vec<Turn>> {
    let text = prop::sample::select(texts);
    prop::collection::vec((0u64..7_000, any::<bool>(), text, confidence, 80u64..2_500), 0..14)
}

impl Call {
    /// The turns, as far as the call goes on, and the end of it.
    pub fn hear(&mut self, turns: Vec<Turn>) {
        for (wait, for_prompt, text, confidence, length) in turns {
            if for_prompt {
                self.listen();
            }
            self.wait(wait);
            if self.dialogue.is_over() {
                break;
            }
            self.speak(text, confidence, length);
        }
        self.finish();
    }
}
