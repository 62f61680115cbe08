//! Both sides of a line in step: what the caller said, and what the caller heard of us at that time.
//!
//! The tape's time is the caller's own: the positions of the frames that arrive. Our side is kept as the carrier's
//! buffer keeps it (Twilio's page "Media Streams - WebSocket messages"): audio is played in order, a mark comes back
//! when what stands before it has been played, and `clear` empties the buffer. Frames and marks come over one
//! connection in order, so a mark says between which two frames it was passed: one is sent before our side begins to
//! speak ([`Tape::begin`]), and at every mark our side is set right, however long the way to the carrier is.

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
/// The longest time without audio that is kept as silence.
const LONGEST_GAP: u64 = 60_000 * SAMPLES_PER_MS;
/// With less of our side than this still to be heard the carrier may have nothing left when more reaches it: the
/// longest way there and back.
const LONGEST_WAY: u64 = 300 * SAMPLES_PER_MS;

/// What is at the carrier, in the order of play-out.
#[derive(Debug)]
enum Item {
    Audio(Bytes),
    Mark(Mark),
    /// What stands before it was cleared; it is gone at this position at the latest.
    Clear {
        at_latest: u64,
    },
}

#[derive(Debug)]
struct Mark {
    name: String,
    returned: bool,
    /// Where the tape came to it, once it has.
    reached: Option<u64>,
    /// Where the carrier came to it, if that is later than its return tells.
    resume: Option<u64>,
    /// It stands before the first sentence and not after one.
    begins: bool,
}

/// What is heard of us for a while.
enum Heard {
    Audio(Bytes),
    /// In samples.
    Silence(u64),
}

/// Both sides of one line. Positions are samples of the caller's time, from the stream's beginning.
#[derive(Debug, Default)]
pub struct Tape {
    position: u64,
    items: VecDeque<Item>,
    /// Left and right in turn.
    out: Vec<u8>,
    /// Pairs that were taken out of it before.
    taken: u64,
    /// Marks that came before our side began.
    beginnings: u64,
    /// The last mark waited for did not come: none is waited for until one comes.
    marks_fail: bool,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frame of the caller at a position, mu-law. A gap before it is silence; a frame that lies before what was heard
    /// is not taken.
    pub fn caller(&mut self, at: u64, codes: &[u8]) {
        if at < self.position {
            return;
        }
        let gap = (at - self.position).min(LONGEST_GAP);
        self.pass(std::iter::repeat_n(MULAW_SILENCE, gap as usize));
        // Of a longer one both sides leave out the rest.
        self.position = at;
        self.pass(codes.iter().copied());
    }

    /// Audio is about to be sent: the name of a mark to send before it, unless so much is still to be heard that it
    /// follows without a pause.
    pub fn begin(&mut self) -> Option<String> {
        let since_clear = self.items.iter().rev().take_while(|item| !item.is_clear());
        if since_clear.map(Item::length).sum::<u64>() >= LONGEST_WAY {
            return None;
        }
        self.beginnings += 1;
        let name = format!("b{}", self.beginnings);
        self.push_mark(&name, true);
        Some(name)
    }

    /// Audio has been sent, mu-law.
    pub fn sent(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.items.push_back(Item::Audio(bytes));
        }
    }

    /// A mark has been sent.
    pub fn mark_sent(&mut self, name: &str) {
        self.push_mark(name, false);
    }

    /// A `clear` has been sent.
    pub fn clear_sent(&mut self) {
        if !self.items.is_empty() {
            self.items.push_back(Item::Clear {
                at_latest: self.position.saturating_add(LONGEST_CLEAR),
            });
        }
    }

    /// A mark has come back.
    pub fn mark_returned(&mut self, name: &str) {
        let is_it = |item: &Item| matches!(item, Item::Mark(mark) if mark.name == name);
        let Some(index) = self.items.iter().position(is_it) else {
            return;
        };
        self.marks_fail = false;
        if let Some((clear, _)) = self.first_clear()
            && index < clear
        {
            // Played to its end or cleared, nobody can tell; if cleared, nothing before the clear is heard any more.
            let played = self.items.range(..index).all(|item| item.length() <= STEP);
            let drained = if played && index + 1 < clear { index } else { clear };
            self.items.drain(..=drained);
            return;
        }
        let ahead: u64 = self.items.range(..index).map(Item::length).sum();
        let position = self.position;
        let Some(Item::Mark(mark)) = self.items.get_mut(index) else {
            return;
        };
        mark.returned = true;
        mark.resume = match mark.reached {
            // What follows it begins with the step that comes now.
            _ if mark.begins => None,
            // The sentence ended in that step, as many whole steps later as were waited for.
            Some(reached) if reached < position => Some(reached + (position - reached) / STEP * STEP + STEP),
            _ => None,
        };
        if ahead > STEP && ahead <= LONGEST_HURRY {
            self.leave_out((ahead - 1) / STEP * STEP, index);
        }
    }

    /// Takes what there is if it is at least so many pairs: how many were taken before, and the pairs, left (caller) and
    /// right (agent) in turn.
    pub fn take(&mut self, at_least: usize) -> Option<(u64, Vec<u8>)> {
        if self.out.is_empty() || self.out.len() < 2 * at_least {
            return None;
        }
        let next = Vec::with_capacity(self.out.len());
        let (before, pairs) = (self.taken, std::mem::replace(&mut self.out, next));
        self.taken += pairs.len() as u64 / 2;
        Some((before, pairs))
    }

    /// The caller's side goes on, and ours beside it.
    fn pass(&mut self, mut caller: impl ExactSizeIterator<Item = u8>) {
        while caller.len() > 0 {
            let samples = match self.agent(caller.len() as u64) {
                Heard::Audio(codes) => {
                    for (&agent, caller) in codes.iter().zip(caller.by_ref()) {
                        self.out.extend([caller, agent]);
                    }
                    codes.len() as u64
                }
                Heard::Silence(samples) => {
                    for caller in caller.by_ref().take(samples as usize) {
                        self.out.extend([caller, MULAW_SILENCE]);
                    }
                    samples
                }
            };
            self.position = self.position.saturating_add(samples);
        }
    }

    /// What is heard of us from the position on without a change: at least one sample, at most so many.
    fn agent(&mut self, mut most: u64) -> Heard {
        let clear = loop {
            match self.first_clear() {
                Some((index, at_latest)) if at_latest <= self.position => drop(self.items.drain(..=index)),
                clear => break clear,
            }
        };
        if let Some((_, at_latest)) = clear {
            most = most.min(at_latest - self.position);
        }
        while let Some(item) = self.items.front_mut() {
            match item {
                Item::Audio(bytes) if bytes.is_empty() => {}
                Item::Audio(bytes) => {
                    let now = most.min(bytes.len() as u64) as usize;
                    return Heard::Audio(bytes.split_to(now));
                }
                Item::Mark(mark) => {
                    let reached = *mark.reached.get_or_insert(self.position);
                    let is_waited_for = !mark.returned && (mark.begins || clear.is_none()) && !self.marks_fail;
                    let until = match mark.resume {
                        _ if is_waited_for => reached.saturating_add(LONGEST_MARK_WAIT),
                        Some(resume) if mark.returned => resume,
                        _ => self.position,
                    };
                    if self.position < until {
                        most = most.min(until - self.position);
                        break;
                    }
                    self.marks_fail |= is_waited_for;
                }
                Item::Clear { .. } => {}
            }
            self.items.pop_front();
        }
        Heard::Silence(most)
    }

    /// Its place, and where what stands before it is gone at the latest.
    fn first_clear(&self) -> Option<(usize, u64)> {
        let mut items = self.items.iter().enumerate();
        items.find_map(|(index, item)| match item {
            Item::Clear { at_latest } => Some((index, *at_latest)),
            _ => None,
        })
    }

    fn push_mark(&mut self, name: &str, begins: bool) {
        self.items.push_back(Item::Mark(Mark {
            name: name.to_owned(),
            returned: false,
            reached: None,
            resume: None,
            begins,
        }));
    }

    /// Leaves out so many samples of the audio before an item.
    fn leave_out(&mut self, mut samples: u64, before: usize) {
        for item in self.items.range_mut(..before) {
            if let Item::Audio(bytes) = item {
                let now = samples.min(bytes.len() as u64);
                bytes.advance(now as usize);
                samples -= now;
            }
        }
    }
}

impl Item {
    /// In samples.
    fn length(&self) -> u64 {
        match self {
            Self::Audio(bytes) => bytes.len() as u64,
            Self::Mark(_) | Self::Clear { .. } => 0,
        }
    }

    fn is_clear(&self) -> bool {
        matches!(self, Self::Clear { .. })
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;
