//! Where a frame lies in the stream's time: gaps, duplicates, late frames, and clocks that jump.

use crate::SAMPLES_PER_MS;

/// Rounding and jitter of timestamps that mean nothing.
const TOLERANCE_MS: i64 = 10;
/// A longer gap is not filled to its end; the time is skipped.
const LONGEST_FILL_MS: u64 = 2_000;
/// A frame further ahead than this has a wrong timestamp.
const LONGEST_GAP_MS: i64 = 3_600_000;
/// So much audio dropped in a row means that the carrier's clock has gone back for good.
const LONGEST_DROP_MS: u64 = 500;

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// Take it, after so much silence and so much skipped time, in samples.
    Take { silence: u64, skipped: u64 },
    /// It repeats what was heard, or comes too late.
    Drop,
}

#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// What to add to the carrier's timestamps; known with the first.
    offset_ms: Option<i64>,
    dropped_samples: u64,
}

impl Timeline {
    /// Places a frame of `length` samples in a stream of which `position` samples are known.
    pub(super) fn place(&mut self, timestamp_ms: Option<u64>, length: u64, position: u64) -> Placement {
        let expected_ms = (position / SAMPLES_PER_MS) as i64;
        let contiguous = Placement::Take { silence: 0, skipped: 0 };
        let Some(timestamp_ms) = timestamp_ms.and_then(|timestamp| i64::try_from(timestamp).ok()) else {
            return contiguous;
        };
        let Some(offset_ms) = self.offset_ms else {
            // The stream's time begins where its first frame says, if that is plausible.
            let begins_late = position == 0 && timestamp_ms <= LONGEST_GAP_MS;
            self.offset_ms = Some(if begins_late { 0 } else { expected_ms - timestamp_ms });
            let skipped = if begins_late {
                timestamp_ms as u64 * SAMPLES_PER_MS
            } else {
                0
            };
            return Placement::Take { silence: 0, skipped };
        };
        let ahead_ms = timestamp_ms.saturating_add(offset_ms).saturating_sub(expected_ms);
        let length_ms = (length / SAMPLES_PER_MS) as i64;
        if ahead_ms > LONGEST_GAP_MS {
            return contiguous;
        }
        if ahead_ms > TOLERANCE_MS {
            self.dropped_samples = 0;
            let gap = ahead_ms as u64 * SAMPLES_PER_MS;
            let silence = gap.min(LONGEST_FILL_MS * SAMPLES_PER_MS);
            return Placement::Take {
                silence,
                skipped: gap - silence,
            };
        }
        // A frame shorter than the tolerance is a duplicate if it lies back by half its length.
        if ahead_ms < -TOLERANCE_MS.min(length_ms / 2 + 1) {
            self.dropped_samples += length;
            if self.dropped_samples <= LONGEST_DROP_MS * SAMPLES_PER_MS {
                return Placement::Drop;
            }
            self.offset_ms = Some(expected_ms - timestamp_ms);
        }
        self.dropped_samples = 0;
        contiguous
    }
}
