//! The echo of our own prompt: taken off what is heard, as far as it is known, and how loud the rest of it can be.
//!
//! What is played is known to the sample; how long it takes to come back is not. Until the delay has been found
//! ([`delay`]) and the filter that follows from it ([`canceller`]) has shown what it can do on this line, frames pass
//! as they are, and the loudest that an echo can be is what its envelope says ([`bound`]). From then on the echo is
//! taken off, and what may be left of it is a part of the echo that was computed.

mod bound;
mod canceller;
mod delay;
mod far_end;
#[cfg(test)]
mod tests;

use super::{FRAME_SAMPLES, level_db};
use bound::{Bound, NOMINAL_PROMPT_DB, SILENCE_DB, UNDECIDED_FRAMES};
use bytes::Bytes;
use canceller::Canceller;
use delay::{Fit, STRETCH_FRAMES};
use far_end::FarEnd;

/// An echo that cannot be louder than this does not matter: the delay need not be looked for, dBFS.
const LOUD_ECHO_DB: f32 = -42.0;
/// The delay is looked for in every stretch at first, for a second, and in every fourth later: it costs as much as
/// twenty frames do otherwise.
const EAGER_SEARCHES: u8 = 4;
const LATER_SEARCHES: u8 = 4;
/// Two delays, in samples, that differ by no more are the same.
const SAME_DELAY: usize = 16;
/// The filter begins so many samples before the delay.
const BEFORE_DELAY: usize = 40;
/// What is computed softer than this is no echo to learn from, dBFS.
const AUDIBLE_ECHO_DB: f32 = -50.0;
/// How much softer the echo must have become, by the filter, for the filter to be trusted, dB.
const TRUSTED_DB: f32 = -6.0;
/// What is left of the echo is learned by so many decibels a frame, up and down: at first, later, and while somebody
/// speaks.
const SETTLING_STEPS_DB: (f32, f32) = (2.0, 1.0);
const STEPS_DB: (f32, f32) = (1.0, 0.1);
const SPEAKING_STEPS_DB: (f32, f32) = (0.03, 0.0);
/// What is left of an echo is background up to this much above the background's level.
const BACKGROUND_DB: f32 = 4.0;
/// No echo is taken off better.
const LEAST_LEFT_DB: f32 = -25.0;
/// Frames of audible echo in which it is found at first.
const SETTLING_FRAMES: u8 = 62;
/// Frames of audible echo after which is known whether a prompt comes back as the one before did.
const PROOF_FRAMES: u8 = 5;
/// How much of that is forgotten in a frame.
const PROOF_DECAY: f32 = 0.8;
/// How much of the computed echo must be found in what is heard, 1 being all of it.
const PROOF: f32 = 0.5;
/// An echo is spread over so many frames.
const SPREAD_FRAMES: usize = 3;

pub(super) struct Echo {
    far_end: FarEnd,
    bound: Bound,
    /// A prompt plays, known or not.
    playing: bool,
    /// What the carrier plays is what we know of.
    in_step: bool,
    /// What was heard lately, for the search.
    heard: Box<[[i16; FRAME_SAMPLES]; STRETCH_FRAMES]>,
    next_heard: usize,
    /// A delay that was found once.
    found: Option<usize>,
    /// How often it could be looked for since a prompt began or the filter was moved.
    searches: u8,
    canceller: Option<Box<Canceller>>,
    /// Levels of the last frames of computed echo.
    echo_db: [f32; SPREAD_FRAMES],
    /// Levels of the echo as computed and of what was left, the latest last.
    levels_db: [(f32, f32); UNDECIDED_FRAMES],
    /// How much softer than the computed echo what is left of it can be, dB.
    left_db: f32,
    settling: u8,
    /// What is computed against what is heard: their product and the former's square, and frames counted.
    proof: (f32, f32),
    proof_frames: u8,
}

impl Echo {
    pub(super) fn new() -> Self {
        Self {
            far_end: FarEnd::new(),
            bound: Bound::new(),
            playing: false,
            in_step: false,
            heard: Box::new([[0; FRAME_SAMPLES]; STRETCH_FRAMES]),
            next_heard: 0,
            found: None,
            searches: 0,
            canceller: None,
            echo_db: [SILENCE_DB; SPREAD_FRAMES],
            levels_db: [(SILENCE_DB, SILENCE_DB); UNDECIDED_FRAMES],
            left_db: 0.0,
            settling: SETTLING_FRAMES,
            proof: (0.0, 0.0),
            proof_frames: 0,
        }
    }

    pub(super) fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        if !playing && !self.far_end.is_through() {
            // The carrier plays a little more than we know of.
            self.far_end.clear();
            self.in_step = false;
            self.doubt();
        }
    }

    /// Notes what is going to be played after all that was noted before, or else from so many samples on after the
    /// frames that have passed.
    pub(super) fn sent(&mut self, mulaw: Bytes, offset: usize) {
        self.playing = true;
        if self.far_end.is_through() {
            self.in_step = true;
            self.doubt();
        }
        self.far_end.sent(mulaw, offset);
    }

    /// Whether a prompt can be heard as an echo now.
    pub(super) fn is_possible(&self) -> bool {
        self.bound.is_possible()
    }

    /// The loudest that an echo, or what is left of it, can be now, dBFS.
    pub(super) fn expected_db(&self) -> f32 {
        let bound_db = self.bound.expected_db();
        if self.is_possible() && self.is_trusted() {
            (self.echo_db() + self.left_db).clamp(SILENCE_DB + 1.0, bound_db)
        } else {
            bound_db
        }
    }

    /// Takes a frame; returns it without the echo, as far as that is known.
    pub(super) fn push(
        &mut self,
        frame: &[i16; FRAME_SAMPLES],
        floor_db: f32,
        speaking: bool,
        gap: bool,
    ) -> [i16; FRAME_SAMPLES] {
        let played_db = match self.far_end.advance() {
            true => Some(level_db(&self.far_end.frame())),
            false => self.playing.then_some(NOMINAL_PROMPT_DB),
        };
        if !gap {
            self.bound.learn(played_db, level_db(frame), speaking);
        }
        self.heard[self.next_heard] = *frame;
        self.next_heard = (self.next_heard + 1) % STRETCH_FRAMES;
        if !self.is_possible() {
            return *frame;
        }
        if self.next_heard == 0 && !self.is_trusted() && self.bound.expected_db() > LOUD_ECHO_DB {
            if self.searches < EAGER_SEARCHES || self.searches.is_multiple_of(LATER_SEARCHES) {
                self.find_delay();
            }
            self.searches = self.searches.wrapping_add(1);
        }
        let Some(canceller) = &mut self.canceller else {
            return *frame;
        };
        let echo = canceller.push(frame, &self.far_end, self.in_step && !gap);
        if gap {
            return *frame;
        }
        let left: [i16; FRAME_SAMPLES] = std::array::from_fn(|index| (f32::from(frame[index]) - echo[index]) as i16);
        self.learn(frame, &echo, &left, floor_db, speaking);
        if self.is_trusted() { left } else { *frame }
    }

    /// The loudest of the computed echo lately, dBFS.
    fn echo_db(&self) -> f32 {
        self.echo_db.iter().copied().fold(SILENCE_DB, f32::max)
    }

    fn is_trusted(&self) -> bool {
        self.left_db <= TRUSTED_DB && self.proof_frames >= PROOF_FRAMES && self.proof.0 >= PROOF * self.proof.1
    }

    /// What is played may come back later or earlier than before.
    fn doubt(&mut self) {
        self.proof = (0.0, 0.0);
        self.proof_frames = 0;
        self.searches = 0;
    }

    fn find_delay(&mut self) {
        let heard = self.heard.as_flattened().as_array();
        if self.heard.iter().all(|frame| level_db(frame) < AUDIBLE_ECHO_DB) {
            return;
        }
        let found = heard.and_then(|heard| delay::find_delay(heard, &self.far_end));
        let Some(Fit { delay, certain }) = found else { return };
        let again = self
            .found
            .replace(delay)
            .is_some_and(|before| before.abs_diff(delay) <= SAME_DELAY);
        if certain || again {
            self.align(delay.saturating_sub(BEFORE_DELAY));
        }
    }

    fn align(&mut self, delay: usize) {
        match &mut self.canceller {
            None => self.canceller = Some(Box::new(Canceller::new(delay))),
            Some(canceller) if canceller.delay().abs_diff(delay) <= SAME_DELAY => return,
            Some(canceller) => canceller.set_delay(delay, &self.far_end),
        }
        self.left_db = 0.0;
        self.settling = SETTLING_FRAMES;
        self.doubt();
    }

    fn learn(
        &mut self,
        heard: &[i16; FRAME_SAMPLES],
        echo: &[f32; FRAME_SAMPLES],
        left: &[i16; FRAME_SAMPLES],
        floor_db: f32,
        speaking: bool,
    ) {
        let now_db = level_db(&echo.map(|sample| sample as i16));
        self.echo_db.rotate_left(1);
        self.echo_db[SPREAD_FRAMES - 1] = now_db;
        let echo_db = self.echo_db();
        self.levels_db.rotate_left(1);
        self.levels_db[UNDECIDED_FRAMES - 1] = (echo_db, level_db(left));
        if echo_db >= AUDIBLE_ECHO_DB {
            let product: f32 = heard
                .iter()
                .zip(echo)
                .map(|(&heard, echo)| f32::from(heard) * echo)
                .sum();
            let square: f32 = echo.iter().map(|echo| echo * echo).sum();
            self.proof.0 = PROOF_DECAY * self.proof.0 + product;
            self.proof.1 = PROOF_DECAY * self.proof.1 + square;
            self.proof_frames = self.proof_frames.saturating_add(1);
        }
        let (echo_db, left_db) = self.levels_db[0];
        if echo_db < AUDIBLE_ECHO_DB {
            return;
        }
        let (rise, fall) = match speaking {
            _ if self.settling > 0 => SETTLING_STEPS_DB,
            true => SPEAKING_STEPS_DB,
            false => STEPS_DB,
        };
        if !speaking {
            self.settling = self.settling.saturating_sub(1);
        }
        // What is left of it in the background cannot be told, nor need it.
        let above_db = if left_db <= floor_db + BACKGROUND_DB {
            -fall
        } else {
            left_db - (echo_db + self.left_db)
        };
        self.left_db = (self.left_db + above_db.clamp(-fall, rise)).clamp(LEAST_LEFT_DB, 0.0);
    }
}
