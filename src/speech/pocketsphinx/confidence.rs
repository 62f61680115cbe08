//! How far a hypothesis can be trusted.

use super::Hypothesis;
use samvad_actors::ports::Heard;

/// Placeholder text replaced below.
pub fn of(hypothesis: &Hypothesis, phones: &Hypothesis) -> f32 {
    let per_frame = (hypothesis.score - phones.score) as f32 / hypothesis.frames.max(1) as f32;
    match per_frame {
        -10.0.. => Heard::CERTAIN,
        -17.9.. => Heard::PLAUSIBLE,
        _ => 0.0,
    }
}
