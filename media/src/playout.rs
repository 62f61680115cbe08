//! What the carrier has been sent ahead of real time, and how much of it the caller has heard.
//!
//! Twilio buffers outbound media and plays it in order; a mark comes back when all audio sent before it has played. A
//! `clear` empties the buffer **and returns every outstanding mark** (Twilio's page "Media Streams - WebSocket
//! messages"). So a mark proves that its sentence was heard only if no `clear` was sent between the mark and its
//! return. This holds also for a mark that had truly been played when the `clear` was sent, but was still on its way:
//! the two cannot be told apart, and [`Cut::heard_ms`] says what is likely.

use std::collections::VecDeque;

/// Audio that Twilio buffers before it ends the stream with error 31931: "about 10 minutes".
pub const BUFFER_LIMIT_MS: u64 = 600_000;

/// Sentences whose marks may be outstanding at once; a bound on memory, far above what a dialogue sends.
const OUTSTANDING_LIMIT: usize = 1_024;

/// How long after the expected end a mark may still be on its way.
const MARK_TRAVEL_MS: u64 = 1_000;

/// The play-out ledger of one stream. Times are milliseconds on any one clock that does not go back.
#[derive(Debug, Default)]
pub struct Playout {
    /// Sent and not yet returned, in the order of play-out; the last may still lack its mark.
    outstanding: VecDeque<Sentence>,
    /// Marks that a `clear` is about to return.
    cleared: VecDeque<u64>,
    /// Playbacks with audio outstanding, of which everything has been sent.
    complete: VecDeque<u32>,
    next_mark: u64,
}

#[derive(Debug)]
struct Sentence {
    playback: u32,
    sentence: usize,
    duration_ms: u64,
    /// When its last sample is expected to have been played.
    end_ms: u64,
    /// None while parts are still to be sent.
    mark: Option<u64>,
}

impl Sentence {
    fn heard_ms(&self, now_ms: u64) -> u64 {
        self.duration_ms.saturating_sub(self.end_ms.saturating_sub(now_ms))
    }
}

/// What a returned mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkEffect {
    /// The sentence was heard to its end.
    Played {
        /// The playback it belongs to.
        playback: u32,
        /// Its index in the playback.
        sentence: usize,
        /// Whether it was the last of a playback of which everything has been sent.
        playback_complete: bool,
    },
    /// A `clear` returned it: it proves nothing.
    ReturnedByClear,
    /// No such mark is outstanding: never sent, or returned already.
    Unknown,
}

/// Where a `clear` cut a playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The playback.
    pub playback: u32,
    /// Its first sentence that is not known to have been heard to the end: the one to resume from.
    pub cut_sentence: usize,
    /// How much of that sentence has probably been heard; all of it if only the mark's return was missing.
    pub heard_ms: u64,
    /// How long that sentence is, as far as it was sent.
    pub duration_ms: u64,
}

/// Why audio must not be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlayoutError {
    /// The carrier would end the stream (Twilio error 31931).
    #[error(
        "{buffered_ms} ms of audio are buffered at the carrier, {added_ms} ms more would pass its limit of 10 minutes; wait for marks"
    )]
    BufferFull {
        /// Milliseconds not yet played.
        buffered_ms: u64,
        /// Milliseconds that were to be added.
        added_ms: u64,
    },
    /// More marks are outstanding than the ledger keeps.
    #[error("{0} marks are outstanding; wait until the carrier returns some")]
    TooManyMarks(usize),
}

impl Playout {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a part of a sentence is sent now, more of which will follow.
    ///
    /// # Errors
    /// If the carrier's buffer has no room: then nothing is noted, and nothing must be sent.
    pub fn part_sent(
        &mut self,
        playback: u32,
        sentence: usize,
        duration_ms: u64,
        now_ms: u64,
    ) -> Result<(), PlayoutError> {
        let buffered_ms = self.buffered_ms(now_ms);
        if buffered_ms.saturating_add(duration_ms) > BUFFER_LIMIT_MS {
            return Err(PlayoutError::BufferFull {
                buffered_ms,
                added_ms: duration_ms,
            });
        }
        let end_ms = now_ms.saturating_add(buffered_ms).saturating_add(duration_ms);
        let count = self.outstanding.len();
        match self.outstanding.back_mut() {
            Some(open) if open.mark.is_none() && (open.playback, open.sentence) == (playback, sentence) => {
                open.duration_ms = open.duration_ms.saturating_add(duration_ms);
                open.end_ms = end_ms;
            }
            _ if count >= OUTSTANDING_LIMIT => return Err(PlayoutError::TooManyMarks(count)),
            _ => self.outstanding.push_back(Sentence {
                playback,
                sentence,
                duration_ms,
                end_ms,
                mark: None,
            }),
        }
        Ok(())
    }

    /// Notes that a sentence, or the last part of it, is sent now; returns the name of the mark to send behind it.
    ///
    /// # Errors
    /// If the carrier's buffer has no room: then nothing is noted, and nothing must be sent.
    pub fn sentence_sent(
        &mut self,
        playback: u32,
        sentence: usize,
        duration_ms: u64,
        now_ms: u64,
    ) -> Result<String, PlayoutError> {
        self.part_sent(playback, sentence, duration_ms, now_ms)?;
        let mark = self.next_mark;
        self.next_mark += 1;
        if let Some(open) = self.outstanding.back_mut() {
            open.mark = Some(mark);
        }
        Ok(format!("m{mark}"))
    }

    /// Notes that everything of a playback has been sent, so that its last mark completes it. Returns whether all of
    /// it has been heard already, in which case no mark will say so.
    pub fn playback_sent(&mut self, playback: u32) -> bool {
        let outstanding = self.is_outstanding(playback);
        if outstanding && !self.complete.contains(&playback) {
            self.complete.push_back(playback);
        }
        !outstanding
    }

    /// Notes that a mark came back.
    pub fn mark_returned(&mut self, name: &str, now_ms: u64) -> MarkEffect {
        let Some(mark) = name.strip_prefix('m').and_then(|number| number.parse().ok()) else {
            return MarkEffect::Unknown;
        };
        if let Some(position) = self.cleared.iter().position(|&cleared| cleared == mark) {
            self.cleared.remove(position);
            return MarkEffect::ReturnedByClear;
        }
        let position = self.outstanding.iter().position(|sentence| sentence.mark == Some(mark));
        let Some(played) = position.and_then(|position| self.outstanding.remove(position)) else {
            return MarkEffect::Unknown;
        };
        self.correct_expectations(position.unwrap_or_default(), played.end_ms, now_ms);
        let playback = played.playback;
        let playback_complete = self.complete.contains(&playback) && !self.is_outstanding(playback);
        if playback_complete {
            self.complete.retain(|&complete| complete != playback);
        }
        MarkEffect::Played {
            playback,
            sentence: played.sentence,
            playback_complete,
        }
    }

    /// Notes that a `clear` is sent now, and says where each playback was cut, in the order of play-out. From now on
    /// the marks outstanding so far prove nothing.
    pub fn clear(&mut self, now_ms: u64) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = Vec::new();
        for sentence in self.outstanding.drain(..) {
            if let Some(mark) = sentence.mark {
                self.cleared.push_back(mark);
            }
            if !cuts.iter().any(|cut| cut.playback == sentence.playback) {
                cuts.push(Cut {
                    playback: sentence.playback,
                    cut_sentence: sentence.sentence,
                    heard_ms: sentence.heard_ms(now_ms),
                    duration_ms: sentence.duration_ms,
                });
            }
        }
        self.complete.clear();
        // A carrier that never returns them must not make the ledger grow.
        let surplus = self.cleared.len().saturating_sub(OUTSTANDING_LIMIT);
        self.cleared.drain(..surplus);
        cuts
    }

    /// Whether the caller probably hears us now: audio is outstanding, and is not so late that its mark must be lost.
    pub fn is_playing(&self, now_ms: u64) -> bool {
        self.expected_end_ms()
            .is_some_and(|end_ms| now_ms < end_ms.saturating_add(MARK_TRAVEL_MS))
    }

    /// When everything sent will have been played, as far as known; `None` if nothing is outstanding.
    pub fn expected_end_ms(&self) -> Option<u64> {
        self.outstanding.back().map(|last| last.end_ms)
    }

    /// When the next mark is expected back; `None` if none is outstanding.
    pub fn next_mark_due_ms(&self) -> Option<u64> {
        self.outstanding
            .iter()
            .find(|sentence| sentence.mark.is_some())
            .map(|sentence| sentence.end_ms)
    }

    /// Whether a mark should have come back more than `slack_ms` ago.
    pub fn overdue(&self, now_ms: u64, slack_ms: u64) -> bool {
        self.next_mark_due_ms()
            .is_some_and(|due_ms| now_ms > due_ms.saturating_add(slack_ms))
    }

    /// Milliseconds that the carrier holds and has not yet played, by expectation.
    pub fn buffered_ms(&self, now_ms: u64) -> u64 {
        self.expected_end_ms().unwrap_or(0).saturating_sub(now_ms)
    }

    fn is_outstanding(&self, playback: u32) -> bool {
        self.outstanding.iter().any(|sentence| sentence.playback == playback)
    }

    /// A mark tells when its sentence really ended: what follows without a pause moves along.
    fn correct_expectations(&mut self, next: usize, expected_ms: u64, real_ms: u64) {
        let mut previous_end_ms = expected_ms;
        for sentence in self.outstanding.range_mut(next.min(self.outstanding.len())..) {
            if sentence.end_ms.saturating_sub(sentence.duration_ms) > previous_end_ms {
                break;
            }
            previous_end_ms = sentence.end_ms;
            sentence.end_ms = sentence.end_ms.saturating_add(real_ms).saturating_sub(expected_ms);
        }
    }
}

#[cfg(test)]
#[path = "playout_tests.rs"]
mod tests;
