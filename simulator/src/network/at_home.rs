//! The caller's end of a call: the line as the scenario describes it, and its recording.

use super::call::Call;
use super::world::World;
use crate::audio::{Echo, Line, NoiseLoop, Recording, amplitude};
use crate::caller::{Ear, Measures, Script};
use crate::scenario::{Action, Caller, NoiseLevel};
use crate::stream::CallerLine;
use rand::RngExt;
use std::sync::Arc;

/// A caller who has just picked up.
pub(super) fn caller_line(world: &World, call: &Call, caller: &Arc<Caller>) -> CallerLine {
    let mut random = world.random(&call.request.to, call.ordinal, "line");
    let noise = caller.noise.as_ref().map(|noise| {
        let level = match noise.level {
            NoiseLevel::FullScale(level_db) => NoiseLoop::level(level_db),
            NoiseLevel::BelowSpeech(snr_db) => speech_level(caller) * amplitude(-snr_db),
        };
        (world.noise(noise.colour, level), random.random_range(0..1_000_000))
    });
    let echo = caller.echo.map(|(level_db, delay_ms)| Echo::new(level_db, delay_ms));
    CallerLine {
        script: Script::new(caller.clone()),
        ear: Ear::new(world.network.prompt_gap_ms, Script::needs_memory(caller)),
        line: Line::new(noise, echo),
        measures: Measures::default(),
        recording: world.recordings.is_some().then(Recording::default),
        ticks: 0,
    }
}

/// Mean voiced level of what the caller says; of an ordinary voice (-26 dB) for one who says nothing.
fn speech_level(caller: &Caller) -> f64 {
    let levels: Vec<f64> = caller
        .steps
        .iter()
        .filter_map(|step| match &step.doing.action {
            Action::Say(clip) => Some(clip.voiced_rms()),
            _ => None,
        })
        .collect();
    if levels.is_empty() {
        NoiseLoop::level(-26.0)
    } else {
        levels.iter().sum::<f64>() / levels.len() as f64
    }
}

/// Writes the recording of a call that had a stream; gives the file's name.
pub(super) fn write_recording(world: &World, call: &Call, caller: &CallerLine) -> Option<String> {
    let recording = caller.recording.as_ref().filter(|_| caller.ticks > 0)?;
    let path = world.recordings.as_ref()?.join(format!("{}.wav", call.sid));
    match recording.write(&path) {
        Ok(()) => Some(path.display().to_string()),
        Err(error) => {
            tracing::warn!(sid = %call.sid, %error, "a recording of a line cannot be written");
            None
        }
    }
}
