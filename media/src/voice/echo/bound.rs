//! How loud the echo of our own prompt can be at the moment, without knowing how it comes about.
//!
//! What was played is known as an envelope, a level per frame. How long it takes to come back is not known, so the
//! loudest frame of the last 770 ms counts. How much softer it comes back, the coupling, is learned: expected high until
//! a second of prompt has been played, so that the first words of an echo do not count as somebody's, and within that
//! second found to be nothing on a line without echo.

/// How long an echo may take to come back, in frames.
const LONGEST_DELAY_FRAMES: usize = 48;
/// An echo that takes longer than this may be unlearned between two prompts.
const USUAL_DELAY_FRAMES: usize = 24;
/// The level of the loudest frames of a prompt of which only is known that it plays, dBFS.
pub(super) const NOMINAL_PROMPT_DB: f32 = -13.0;
/// A prompt softer than this is in a pause: that nothing comes back says nothing.
const AUDIBLE_PROMPT_DB: f32 = -35.0;
pub(super) const SILENCE_DB: f32 = -100.0;
/// The coupling expected at the beginning: a speaker phone's.
const FIRST_COUPLING_DB: f32 = -17.0;
const LOWEST_COUPLING_DB: f32 = -60.0;
/// Frames of audible prompt (1 s) within which the coupling is found.
const SETTLING_FRAMES: u8 = 62;
/// Decibels a frame by which the coupling is corrected: at first, later, and while somebody speaks.
const SETTLING_STEPS_DB: (f32, f32) = (2.0, 0.4);
const STEPS_DB: (f32, f32) = (0.15, 0.1);
const SPEAKING_STEPS_DB: (f32, f32) = (0.03, 0.0);
/// Levels are learned so many frames late: what turns out to be an utterance's beginning is no echo.
pub(super) const UNDECIDED_FRAMES: usize = 18;
/// Frames in which the loudest of an echo is looked for: longer than the pauses within words.
const PEAK_FRAMES: usize = 26;
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// Levels of what has been played and what has come in, the latest last.
    played: [f32; LONGEST_DELAY_FRAMES],
    heard: [f32; UNDECIDED_FRAMES + PEAK_FRAMES],
    /// How many frames ago something was played; no more are counted than an echo takes.
    idle_frames: usize,
    coupling_db: f32,
    settling: u8,
    expected_db: f32,
}

impl Bound {
    pub(super) fn new() -> Self {
        Self {
            played: [SILENCE_DB; LONGEST_DELAY_FRAMES],
            heard: [SILENCE_DB; UNDECIDED_FRAMES + PEAK_FRAMES],
            idle_frames: LONGEST_DELAY_FRAMES,
            coupling_db: FIRST_COUPLING_DB,
            settling: SETTLING_FRAMES,
            expected_db: SILENCE_DB,
        }
    }

    /// The loudest that an echo can be now, dBFS.
    pub(super) fn expected_db(&self) -> f32 {
        self.expected_db
    }

    /// Whether a prompt can be heard as an echo now.
    pub(super) fn is_possible(&self) -> bool {
        self.expected_db > SILENCE_DB
    }

    /// Learns from a frame and the level of what was played in it, if anything was.
    pub(super) fn learn(&mut self, played_db: Option<f32>, heard_db: f32, speaking: bool) {
        let played_db = played_db.unwrap_or(SILENCE_DB);
        if played_db > SILENCE_DB {
            self.idle_frames = 0;
        } else if self.idle_frames == LONGEST_DELAY_FRAMES {
            self.expected_db = SILENCE_DB;
            return;
        } else {
            self.idle_frames += 1;
        }
        self.played.rotate_left(1);
        self.played[LONGEST_DELAY_FRAMES - 1] = played_db;
        self.heard.rotate_left(1);
        self.heard[UNDECIDED_FRAMES + PEAK_FRAMES - 1] = heard_db;
        let (earlier, lately) = self.played.split_at(LONGEST_DELAY_FRAMES - USUAL_DELAY_FRAMES);
        let earlier_db = loudest(earlier);
        let played_db = earlier_db.max(loudest(lately));
        let is_audible = earlier_db >= AUDIBLE_PROMPT_DB;
        let (rise, fall) = match speaking {
            true => SPEAKING_STEPS_DB,
            false if self.settling > 0 => SETTLING_STEPS_DB,
            false => STEPS_DB,
        };
        let above_db = self.heard[PEAK_FRAMES - 1] - (played_db + self.coupling_db);
        if above_db > 0.0 {
            self.coupling_db += above_db.min(rise);
        } else if is_audible {
            let below_db = loudest(&self.heard) - (earlier_db + self.coupling_db);
            self.coupling_db += below_db.clamp(-fall, 0.0);
            if !speaking {
                self.settling = self.settling.saturating_sub(1);
            }
        }
        self.coupling_db = self.coupling_db.clamp(LOWEST_COUPLING_DB, 0.0);
        self.expected_db = (played_db + self.coupling_db).max(SILENCE_DB + 1.0);
    }
}

fn loudest(levels_db: &[f32]) -> f32 {
    levels_db.iter().copied().fold(SILENCE_DB, f32::max)
}
