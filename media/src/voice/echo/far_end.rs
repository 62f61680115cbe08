//! What we play, sample by sample, on the time line of what we hear.

use super::FRAME_SAMPLES;
use crate::codec;
use bytes::Bytes;
use std::collections::VecDeque;

/// Samples that are kept of what was played: the longest delay and the longest stretch that is compared with it.
pub(super) const KEPT: usize = 8_192;
/// More of a prompt (10 minutes) is not kept: no carrier buffers it.
const LONGEST_QUEUE: usize = 600 * crate::LINE_RATE as usize;
/// Mu-law's zero.
const SILENCE: u8 = 0xff;

pub(super) struct FarEnd {
    /// What is still to be played; the first has been played up to `next`.
    queue: VecDeque<Bytes>,
    next: usize,
    queued: usize,
    /// Samples of silence before the queue.
    pause: usize,
    played: Box<[u8; KEPT]>,
    /// Where the latest sample ends in `played`.
    end: usize,
}

impl FarEnd {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            next: 0,
            queued: 0,
            pause: 0,
            played: Box::new([SILENCE; KEPT]),
            end: 0,
        }
    }

    /// Whether all has been played.
    pub(super) fn is_through(&self) -> bool {
        self.queued == 0
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
        (self.next, self.queued, self.pause) = (0, 0, 0);
    }

    /// Notes what is played after all that was noted before, or else from so many samples on after the frames that
    /// have passed.
    pub(super) fn sent(&mut self, mut mulaw: Bytes, offset: usize) {
        if self.is_through() {
            self.pause = offset;
        }
        mulaw.truncate(LONGEST_QUEUE - self.queued);
        self.queued += mulaw.len();
        self.queue.push_back(mulaw);
    }

    /// A frame's time passes. Returns whether anything was played in it.
    pub(super) fn advance(&mut self) -> bool {
        let mut frame = [SILENCE; FRAME_SAMPLES];
        let mut filled = self.pause.min(FRAME_SAMPLES);
        self.pause -= filled;
        let was_through = self.is_through();
        while let Some(first) = self.queue.front().filter(|_| filled < FRAME_SAMPLES) {
            let rest = &first[self.next..];
            let length = rest.len().min(FRAME_SAMPLES - filled);
            frame[filled..filled + length].copy_from_slice(&rest[..length]);
            filled += length;
            self.queued -= length;
            if length == rest.len() {
                self.queue.pop_front();
                self.next = 0;
            } else {
                self.next += length;
            }
        }
        // Frames divide what is kept.
        self.played[self.end..self.end + FRAME_SAMPLES].copy_from_slice(&frame);
        self.end = (self.end + FRAME_SAMPLES) % KEPT;
        !was_through
    }

    /// The samples that end so many before the end.
    pub(super) fn samples<const N: usize>(&self, before_end: usize) -> [f32; N] {
        let from = self.end + 2 * KEPT - before_end.min(KEPT) - N;
        std::array::from_fn(|index| f32::from(codec::mulaw_to_linear(self.played[(from + index) % KEPT])))
    }

    /// The frame that was played last.
    pub(super) fn frame(&self) -> [i16; FRAME_SAMPLES] {
        let from = (self.end + KEPT - FRAME_SAMPLES) % KEPT;
        std::array::from_fn(|index| codec::mulaw_to_linear(self.played[from + index]))
    }
}
