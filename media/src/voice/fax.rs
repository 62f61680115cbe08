//! The two tones that a fax gives itself away by (ITU-T T.30, clause 4).
//!
//! A fax that is called answers with 2,100 Hz for 2.6 to 4 s; modems of today turn its phase every 450 ms (V.8), which
//! breaks it for a moment. A fax that calls, or a line that has been switched to one, gives 1,100 Hz for half a second
//! every three.

use super::{FRAME_MS, FRAME_SAMPLES, level_db};
use std::f32::consts::TAU;

const ANSWER_HERTZ: f32 = 2_100.0;
const CALLING_HERTZ: f32 = 1_100.0;
/// Part of a frame's energy that lies in its tone; of one that is 20 Hz off so much is found.
const PURITY: f32 = 0.7;
/// A tone softer than this is not meant for us, dBFS.
const QUIETEST_DB: f32 = -45.0;
/// So much of it, breaks deducted, is no beep.
const ANSWER_FRAMES: u16 = (1_000 / FRAME_MS) as u16;
/// How long a calling tone lasts, and how far apart the ends of two are.
const CALLING_FRAMES: std::ops::RangeInclusive<u16> = frames(380)..=frames(680);
const CALLING_PERIOD_FRAMES: std::ops::RangeInclusive<u16> = frames(2_900)..=frames(4_200);

/// A fax shows itself at the beginning of a call.
const LATEST_FRAME: u16 = frames(60_000);
/// The detectors see a tone's end so many frames apart at most.
const EDGE_FRAMES: u16 = 6;

const fn frames(ms: u64) -> u16 {
    (ms / FRAME_MS) as u16
}

/// Follows the tones of a line.
#[derive(Debug)]
pub(super) struct FaxDetector {
    /// Coefficients of the two filters (Goertzel's).
    answer_filter: f32,
    calling_filter: f32,
    /// Frames of the answering tone, less those of the breaks in it.
    answer: u16,
    calling: u16,
    /// Frames since a calling tone ended; `None` if none has for so long that no other belongs to it.
    since_calling: Option<u16>,
    /// Frames so far, as long as one may come.
    age: u16,
    told: bool,
}

impl FaxDetector {
    pub(super) fn new() -> Self {
        let filter = |hertz: f32| 2.0 * (TAU * hertz / 8_000.0).cos();
        Self {
            answer_filter: filter(ANSWER_HERTZ),
            calling_filter: filter(CALLING_HERTZ),
            answer: 0,
            calling: 0,
            since_calling: None,
            age: 0,
            told: false,
        }
    }

    /// Takes a frame. Whether it is a fax, said once.
    pub(super) fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> bool {
        if self.told || self.age >= LATEST_FRAME {
            return false;
        }
        self.age += 1;
        let sounds = level_db(frame) >= QUIETEST_DB;
        self.answer = match sounds && is_tone(frame, self.answer_filter) {
            true => self.answer.saturating_add(1),
            false => self.answer.saturating_sub(1),
        };
        let last = self.since_calling.map(|frames| frames.saturating_add(1));
        self.since_calling = last.filter(|frames| frames <= CALLING_PERIOD_FRAMES.end());
        let mut repeated = false;
        if sounds && is_tone(frame, self.calling_filter) {
            self.calling = self.calling.saturating_add(1);
        } else if CALLING_FRAMES.contains(&std::mem::take(&mut self.calling)) {
            let before = self.since_calling.replace(0);
            repeated = before.is_some_and(|frames| CALLING_PERIOD_FRAMES.contains(&frames));
        }
        self.told = repeated || self.answer >= ANSWER_FRAMES;
        self.told
    }

    /// Whether a tone that ends about now may be a fax's: its answer, broken off, or as it is given by one that calls.
    pub(super) fn may_be_fax(&self) -> bool {
        let calling =
            CALLING_FRAMES.contains(&self.calling) || self.since_calling.is_some_and(|frames| frames <= EDGE_FRAMES);
        self.told || self.age < LATEST_FRAME && (self.answer > 0 || calling)
    }
}

/// Whether nearly all of a frame is one tone, by Goertzel's filter for it.
fn is_tone(frame: &[i16; FRAME_SAMPLES], filter: f32) -> bool {
    let (mut last, mut before, mut energy) = (0.0f32, 0.0f32, 0.0f32);
    for &sample in frame {
        let sample = f32::from(sample);
        energy += sample * sample;
        (last, before) = (sample + filter * last - before, last);
    }
    let power = last * last + before * before - filter * last * before;
    2.0 * power >= PURITY * energy * FRAME_SAMPLES as f32
}
