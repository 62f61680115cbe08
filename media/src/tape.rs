//! Both sides of a line in step: what the caller said, and what the caller heard of us at that time.
//!
//! The tape's time is the caller's own: the positions of the frames that arrive. Our side is kept as the carrier's
//! buffer keeps it (Twilio's page "Media Streams - WebSocket messages"): audio is played in order, a mark comes back
//! when what stands before it has been played, and `clear` empties the buffer. Frames and marks come over one
//! connection in order, so a mark says between which two frames its sentence ended: at every mark our side is set
//! right, and what was learnt is used where the next prompt begins.

use crate::SAMPLES_PER_MS;
use crate::codec::MULAW_SILENCE;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;

/// The carrier plays in steps of this length: 20 ms, the frames it sends.
const STEP: u64 = 20 * SAMPLES_PER_MS;
/// How long the end of a sentence waits for its mark before what follows is taken as played.
const LONGEST_MARK_WAIT: u64 = 300 * SAMPLES_PER_MS;
/// A mark that comes earlier than this before the end of its sentence says nothing about time.
const LONGEST_HURRY: u64 = 1_000 * SAMPLES_PER_MS;
/// How long a cleared sentence goes on if no mark tells where it was cut.
const LONGEST_CLEAR: u64 = 250 * SAMPLES_PER_MS;
/// The longest way to the caller's ear and back that is believed.
const LONGEST_WAY: u64 = 1_000 * SAMPLES_PER_MS;
/// The longest time without audio that is kept as silence.
const LONGEST_GAP: u64 = 60_000 * SAMPLES_PER_MS;
/// For so long the fastest frame says how late frames can be.
const WINDOW_MS: u64 = 5_000;

/// What is at the carrier, in the order of play-out.
#[derive(Debug)]
enum Item {
    /// Not heard before a position, because the carrier did not have it.
    Audio { bytes: Bytes, not_before: u64 },
    Mark(Mark),
    /// What stands before it was cleared; it is gone at this position at the latest.
    Clear { at_latest: u64 },
}

#[derive(Debug)]
struct Mark {
    name: String,
    returned: bool,
    /// Where its sentence ended on the tape, once it has.
    reached: Option<u64>,
    /// Where it ended in truth, once the mark has come.
    resume: Option<u64>,
    /// Its sentence began the prompt: it shows how long the way is.
    first: bool,
}

/// Both sides of one line. Positions are samples of the caller's time, from the stream's beginning.
#[derive(Debug, Default)]
pub struct Tape {
    position: u64,
    items: VecDeque<Item>,
    /// Left and right in turn.
    out: Vec<u8>,
    /// Position of the first pair of `out`.
    begins: u64,
    /// How much later than expected the caller hears us.
    way: u64,
    clock: CarrierClock,
    /// The next sentence begins a prompt.
    fresh: bool,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self {
            fresh: true,
            ..Self::default()
        }
    }

    /// A frame of the caller at a position, mu-law; `now_ms` is any clock that does not go back. A gap before it is
    /// silence; a frame that lies before what was heard is not taken.
    pub fn caller(&mut self, at: u64, codes: &[u8], now_ms: u64) {
        if at < self.position {
            return;
        }
        let gap = at - self.position;
        for _ in 0..gap.min(LONGEST_GAP) {
            self.step(MULAW_SILENCE);
        }
        if gap > LONGEST_GAP {
            // Both sides leave it out.
            self.position = at;
        }
        for &code in codes {
            self.step(code);
        }
        self.clock.frame(self.position, now_ms);
    }

    /// Audio has been sent, mu-law.
    pub fn sent(&mut self, bytes: Bytes, now_ms: u64) {
        if bytes.is_empty() {
            return;
        }
        let not_before = self.clock.carrier(self.position, now_ms).saturating_add(self.way);
        self.fresh |= self.items.is_empty();
        self.items.push_back(Item::Audio { bytes, not_before });
    }

    /// A mark has been sent.
    pub fn mark_sent(&mut self, name: &str) {
        let first = std::mem::take(&mut self.fresh);
        self.items.push_back(Item::Mark(Mark {
            name: name.to_owned(),
            returned: false,
            reached: None,
            resume: None,
            first,
        }));
    }

    /// A `clear` has been sent.
    pub fn clear_sent(&mut self, now_ms: u64) {
        if !self.items.is_empty() {
            let now = self.clock.carrier(self.position, now_ms);
            self.items.push_back(Item::Clear {
                at_latest: now.saturating_add(LONGEST_CLEAR),
            });
        }
        self.fresh = true;
    }

    /// A mark has come back.
    pub fn mark_returned(&mut self, name: &str) {
        let is_it = |item: &Item| matches!(item, Item::Mark(mark) if mark.name == name);
        let Some(index) = self.items.iter().position(is_it) else {
            return;
        };
        let cleared = |item: &Item| matches!(item, Item::Clear { .. });
        if let Some(clear) = self.items.iter().position(cleared).filter(|clear| index < *clear) {
            // Whether it was played to its end or cleared: nothing before the clear is heard from here on.
            self.items.drain(..=clear);
            return;
        }
        let ahead: u64 = self.items.range(..index).map(Item::length).sum();
        let position = self.position;
        let Some(Item::Mark(mark)) = self.items.get_mut(index) else {
            return;
        };
        mark.returned = true;
        match mark.reached {
            Some(reached) => {
                // It ended in the step that begins here, as many whole steps later as were waited for.
                let late = (position - reached) / STEP * STEP + STEP;
                let late = if reached == position { 0 } else { late };
                mark.resume = Some(reached + late);
                if mark.first && late > STEP {
                    self.way = (self.way + late).min(LONGEST_WAY);
                }
            }
            None if ahead > STEP && ahead <= LONGEST_HURRY => {
                let early = (ahead - 1) / STEP * STEP;
                if mark.first {
                    self.way = self.way.saturating_sub(early);
                }
                self.leave_out(early, index);
            }
            None => {}
        }
    }

    /// Takes what there is if it is at least so many pairs: the position of the first, and the pairs, left (caller)
    /// and right (agent) in turn.
    pub fn take(&mut self, at_least: usize) -> Option<(u64, Vec<u8>)> {
        if self.out.is_empty() || self.out.len() < 2 * at_least {
            return None;
        }
        let next = Vec::with_capacity(self.out.len());
        Some((self.begins, std::mem::replace(&mut self.out, next)))
    }

    fn step(&mut self, caller: u8) {
        let agent = self.agent();
        if self.out.is_empty() {
            self.begins = self.position;
        }
        self.out.extend([caller, agent]);
        self.position += 1;
    }

    /// What is heard of us at the position.
    fn agent(&mut self) -> u8 {
        let cleared = |item: &Item| matches!(item, Item::Clear { .. });
        let clear = self.items.iter().position(cleared);
        if let Some(index) = clear
            && matches!(self.items.get(index), Some(Item::Clear { at_latest }) if *at_latest <= self.position)
        {
            self.items.drain(..=index);
        }
        while let Some(item) = self.items.front_mut() {
            match item {
                Item::Audio { bytes, not_before } => {
                    if *not_before > self.position {
                        break;
                    }
                    let Some(&code) = bytes.first() else {
                        self.items.pop_front();
                        continue;
                    };
                    bytes.advance(1);
                    return code;
                }
                Item::Mark(mark) => {
                    let reached = *mark.reached.get_or_insert(self.position);
                    let over = match (mark.returned, mark.resume) {
                        (true, resume) => resume.is_none_or(|resume| resume <= self.position),
                        (false, _) => clear.is_some() || self.position - reached >= LONGEST_MARK_WAIT,
                    };
                    if !over {
                        break;
                    }
                    self.items.pop_front();
                }
                Item::Clear { .. } => {
                    self.items.pop_front();
                }
            }
        }
        MULAW_SILENCE
    }

    /// Leaves out so many samples of the audio before an item.
    fn leave_out(&mut self, mut samples: u64, before: usize) {
        for item in self.items.range_mut(..before) {
            if let Item::Audio { bytes, not_before } = item {
                let now = samples.min(bytes.len() as u64);
                bytes.advance(now as usize);
                *not_before = 0;
                samples -= now;
            }
        }
    }
}

impl Item {
    fn length(&self) -> u64 {
        match self {
            Self::Audio { bytes, .. } => bytes.len() as u64,
            Self::Mark(_) | Self::Clear { .. } => 0,
        }
    }
}

/// Where the carrier is when no frame has come for a while: frames that come late or all at once do not stop its
/// time. The fastest frame of the last seconds tells when a frame is due.
#[derive(Debug, Default)]
struct CarrierClock {
    /// Least of clock minus position, in milliseconds, in this window and in the one before.
    fastest: Option<i64>,
    fastest_before: Option<i64>,
    window_ends_ms: u64,
}

impl CarrierClock {
    /// A frame that ends at a position has come.
    fn frame(&mut self, position: u64, now_ms: u64) {
        let lead = now_ms as i64 - (position / SAMPLES_PER_MS) as i64;
        if now_ms >= self.window_ends_ms {
            self.fastest_before = self.fastest.take();
            self.window_ends_ms = now_ms.saturating_add(WINDOW_MS);
        }
        self.fastest = Some(self.fastest.map_or(lead, |fastest| fastest.min(lead)));
    }

    /// The position at which the carrier begins what it is sent now: that of the frame that comes next, or that
    /// should have come.
    fn carrier(&self, position: u64, now_ms: u64) -> u64 {
        let fastest = self.fastest.into_iter().chain(self.fastest_before).min();
        let Some(fastest) = fastest else { return position };
        let due = u64::try_from(now_ms as i64 - fastest).unwrap_or(0).saturating_mul(SAMPLES_PER_MS);
        position + due.saturating_sub(position).min(LONGEST_GAP) / STEP * STEP
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;
