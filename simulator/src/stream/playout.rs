//! The play-out buffer of a bidirectional stream, as Twilio's page "Media Streams: WebSocket messages" describes it:
//! audio is played in the order it came, a mark comes back when everything before it has played, and `clear` empties
//! the buffer and sends all waiting marks back.

use crate::audio::{SAMPLES_PER_MS, SILENCE, TICK_SAMPLES};
use std::collections::VecDeque;

/// What waits to be played.
#[derive(Debug)]
enum Item {
    Audio { bytes: Vec<u8>, at: usize },
    Mark(String),
}

/// The buffer is full: more than the limit waits to be played (Twilio error 31931).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overflow;

/// The audio and the marks that the server has sent and the caller has not yet heard.
#[derive(Debug)]
pub(crate) struct Playout {
    items: VecDeque<Item>,
    waiting: usize,
    limit: usize,
}

impl Playout {
    /// A buffer that takes `limit_ms` milliseconds of audio.
    pub(crate) fn new(limit_ms: u64) -> Self {
        let limit = usize::try_from(limit_ms)
            .unwrap_or(usize::MAX)
            .saturating_mul(SAMPLES_PER_MS);
        Self {
            items: VecDeque::new(),
            waiting: 0,
            limit,
        }
    }

    /// Appends audio of any length.
    pub(crate) fn push(&mut self, bytes: Vec<u8>) -> Result<(), Overflow> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.waiting + bytes.len() > self.limit {
            return Err(Overflow);
        }
        self.waiting += bytes.len();
        self.items.push_back(Item::Audio { bytes, at: 0 });
        Ok(())
    }

    /// Appends a mark.
    pub(crate) fn mark(&mut self, name: String) {
        self.items.push_back(Item::Mark(name));
    }

    /// Empties the buffer and gives the marks that were waiting, in their order.
    pub(crate) fn clear(&mut self) -> Vec<String> {
        self.waiting = 0;
        self.items
            .drain(..)
            .filter_map(|item| match item {
                Item::Mark(name) => Some(name),
                Item::Audio { .. } => None,
            })
            .collect()
    }

    /// Plays 20 ms into `frame`: how many bytes of it are the server's, the rest being silence, and the marks passed.
    pub(crate) fn tick(&mut self, frame: &mut [u8; TICK_SAMPLES]) -> (usize, Vec<String>) {
        let mut filled = 0;
        let mut passed = Vec::new();
        while let Some(item) = self.items.front_mut() {
            match item {
                Item::Audio { bytes, at } => {
                    if filled == TICK_SAMPLES {
                        break;
                    }
                    let take = (bytes.len() - *at).min(TICK_SAMPLES - filled);
                    frame[filled..filled + take].copy_from_slice(&bytes[*at..*at + take]);
                    filled += take;
                    *at += take;
                    if *at == bytes.len() {
                        self.items.pop_front();
                    }
                }
                Item::Mark(name) => {
                    passed.push(std::mem::take(name));
                    self.items.pop_front();
                }
            }
        }
        frame[filled..].fill(SILENCE);
        self.waiting -= filled;
        (filled, passed)
    }

    /// Milliseconds of audio that wait to be played.
    pub(crate) fn waiting_ms(&self) -> u64 {
        (self.waiting / SAMPLES_PER_MS) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Mark,
        Clear,
        Tick,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => (0usize..700).prop_map(Step::Push),
            1 => Just(Step::Mark),
            1 => Just(Step::Clear),
            4 => Just(Step::Tick),
        ]
    }

    proptest! {
        /// The model: positions on a line of bytes. A mark is due when the bytes before it have been played.
        #[test]
        fn the_buffer_does_what_a_line_of_bytes_with_positions_does(
            steps in proptest::collection::vec(step(), 0..120)
        ) {
            let mut buffer = Playout::new(u64::MAX);
            let (mut line, mut played): (Vec<u8>, usize) = (Vec::new(), 0);
            let mut due: VecDeque<(usize, String)> = VecDeque::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(length) => {
                        let bytes = vec![number as u8; length];
                        line.extend(&bytes);
                        prop_assert_eq!(buffer.push(bytes), Ok(()));
                    }
                    Step::Mark => {
                        due.push_back((line.len(), number.to_string()));
                        buffer.mark(number.to_string());
                    }
                    Step::Clear => {
                        played = line.len();
                        let names: Vec<String> = due.drain(..).map(|(_, name)| name).collect();
                        prop_assert_eq!(buffer.clear(), names);
                    }
                    Step::Tick => {
                        let mut frame = [0; TICK_SAMPLES];
                        let (filled, passed) = buffer.tick(&mut frame);
                        let expected = &line[played..line.len().min(played + TICK_SAMPLES)];
                        prop_assert_eq!(&frame[..filled], expected);
                        prop_assert!(frame[filled..].iter().all(|&byte| byte == SILENCE));
                        played += filled;
                        let mut names = Vec::new();
                        while due.front().is_some_and(|(position, _)| *position <= played) {
                            names.extend(due.pop_front().map(|(_, name)| name));
                        }
                        prop_assert_eq!(passed, names);
                    }
                }
                prop_assert_eq!(buffer.waiting_ms(), ((line.len() - played) / SAMPLES_PER_MS) as u64);
            }
        }
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let mut buffer = Playout::new(20);
        assert_eq!(buffer.push(vec![0; 160]), Ok(()));
        assert_eq!(buffer.push(vec![0; 1]), Err(Overflow));
    }

    #[test]
    fn a_mark_sent_while_nothing_plays_comes_back_at_the_next_tick() {
        let mut buffer = Playout::new(1_000);
        buffer.mark("now".to_owned());
        assert_eq!(buffer.tick(&mut [0; TICK_SAMPLES]), (0, vec!["now".to_owned()]));
    }
}
