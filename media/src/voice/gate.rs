//! The energy gate: which frames are loud enough, against the line's own background, to be looked at closely.
//!
//! Everything is relative to a background that adapts, so that the level of a line matters little: a loud constant
//! noise closes the gate again, and quiet speech on a quiet line opens it.

use super::echo::Echo;

/// Below this nothing on a telephone line is speech meant for us, dBFS.
pub(super) const QUIETEST_DB: f32 = -52.0;
/// How far above the background a frame must be: more where the background itself comes and goes, as babble does.
const ABOVE_FLOOR_DB: std::ops::RangeInclusive<f32> = 3.0..=7.0;
const ABOVE_STEADY_FLOOR_DB: f32 = 2.0;
const SPREADS_ABOVE_FLOOR: f32 = 2.0;
/// How fast the background's spread is learned, a frame, and the most that counts of a frame: speech begins in some.
const SPREAD_RATE: f32 = 0.02;
const LARGEST_SPREAD_DB: f32 = 6.0;
/// How far above the loudest echo of our own prompt a frame must be for speech to begin, and to go on.
const START_ABOVE_ECHO_DB: f32 = 3.0;
const ABOVE_ECHO_DB: f32 = 1.5;
/// Who interrupts a prompt speaks louder than this, dBFS: what is softer is an echo that nobody told us of, or talk in
/// the background.
const QUIETEST_INTERRUPTION_DB: f32 = -34.0;
/// No line is quieter: digital silence must not make the gate oversensitive.
const LOWEST_FLOOR_DB: f32 = -66.0;
/// The background a call begins with, and the highest that is believed at once.
const FIRST_FLOOR_DB: f32 = -40.0;
const LOUDEST_FIRST_FLOOR_DB: f32 = -34.0;
/// Frames (16 ms) at the start of a call in which the background is found quickly.
const SETTLING_FRAMES: u8 = 12;
/// Decibels a frame by which the background follows the line.
const FLOOR_STEP_DB: f32 = 0.25;
/// The same while somebody speaks: a long answer must not become the background.
const FLOOR_STEP_SPEECH_DB: f32 = 0.03;
/// The same where the level hardly changes, as no voice's does: a noise that has begun.
const FLOOR_STEP_STEADY_DB: f32 = 0.5;
/// How far a steady level may stray from its mean, and for how many frames it must not, to be believed.
const STEADY_DB: f32 = 4.0;
const STEADY_FRAMES: u8 = 24;

/// Background of a line and what stands out of it. Levels are in dB of full scale.
pub(super) struct Gate {
    floor_db: f32,
    /// How far levels are from the floor, on average.
    spread_db: f32,
    echo: Echo,
    settling: u8,
    mean_db: f32,
    steady: u8,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            floor_db: FIRST_FLOOR_DB,
            spread_db: LARGEST_SPREAD_DB,
            echo: Echo::new(),
            settling: SETTLING_FRAMES,
            mean_db: FIRST_FLOOR_DB,
            steady: 0,
        }
    }

    pub(super) fn echo(&mut self) -> &mut Echo {
        &mut self.echo
    }

    /// The level from which a frame stands out of the background and of the echo.
    pub(super) fn threshold_db(&self, speaking: bool) -> f32 {
        let above_db = ABOVE_STEADY_FLOOR_DB + SPREADS_ABOVE_FLOOR * self.spread_db;
        (self.floor_db + above_db.clamp(*ABOVE_FLOOR_DB.start(), *ABOVE_FLOOR_DB.end()))
            .max(QUIETEST_DB)
            .max(self.echo_threshold_db(speaking))
    }

    /// The level up to which all may be echo. It must be passed clearly for speech to begin.
    pub(super) fn echo_threshold_db(&self, speaking: bool) -> f32 {
        let echo_db = self.echo.expected_db();
        if speaking || !self.echo.is_possible() {
            echo_db + ABOVE_ECHO_DB
        } else {
            QUIETEST_INTERRUPTION_DB.max(echo_db + START_ABOVE_ECHO_DB)
        }
    }

    pub(super) fn floor_db(&self) -> f32 {
        self.floor_db
    }

    /// Learns from a frame, which somebody speaks in or not.
    pub(super) fn learn(&mut self, level_db: f32, speaking: bool) {
        let is_near = (level_db - self.mean_db).abs() <= STEADY_DB;
        self.steady = if is_near { self.steady.saturating_add(1) } else { 0 };
        self.mean_db += 0.2 * (level_db - self.mean_db);
        if self.settling > 0 && !speaking {
            self.settling -= 1;
            // A call that begins with speech is not to settle on it.
            self.floor_db += (level_db.min(LOUDEST_FIRST_FLOOR_DB) - self.floor_db).clamp(-3.0, 3.0);
        } else {
            // Equal steps up and down find the median.
            let step = match speaking {
                _ if self.steady >= STEADY_FRAMES => FLOOR_STEP_STEADY_DB,
                true => FLOOR_STEP_SPEECH_DB,
                false => FLOOR_STEP_DB,
            };
            self.floor_db += (level_db - self.floor_db).clamp(-FLOOR_STEP_DB, step);
        }
        self.floor_db = self.floor_db.max(LOWEST_FLOOR_DB);
        if !speaking {
            let spread_db = (level_db - self.floor_db).abs().min(LARGEST_SPREAD_DB);
            self.spread_db += SPREAD_RATE * (spread_db - self.spread_db);
        }
    }
}
