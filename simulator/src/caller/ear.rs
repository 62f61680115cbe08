//! What a caller hears: where the agent's prompts begin and end, holes within them, and whether one was heard before.

use crate::audio::{TICK_MS, TICK_SAMPLES, decode, rms};
use std::collections::HashSet;

/// Level above which the agent is speaking (about -50 dB full scale).
const VOICED_LEVEL: f64 = 100.0;

/// A prompt that goes on but is silent for so long has ended, even though the server still sends audio.
const LONGEST_PAUSE_MS: u64 = 1_500;

/// Share of a prompt's audio that makes it a repetition of another.
const SAME_SHARE: f64 = 0.25;

/// What a tick brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Nothing new.
    Nothing,
    /// The agent begins to speak.
    Began,
    /// The agent has fallen silent.
    Ended,
}

/// One prompt, in milliseconds of media time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PromptSpan {
    pub began_ms: u64,
    pub last_voiced_ms: u64,
    /// Ended by `clear`.
    pub cut: bool,
}

/// Follows the agent's audio tick by tick.
#[derive(Debug)]
pub(crate) struct Ear {
    gap_ms: u64,
    remembers: bool,
    speaking: bool,
    empty_ms: u64,
    silent_ms: u64,
    last_audio_ms: Option<u64>,
    audio_ms: u64,
    holes: u64,
    hole_ms: u64,
    prompts: Vec<PromptSpan>,
    audio: Vec<u8>,
}

impl Ear {
    /// `gap_ms` of an empty play-out buffer end a prompt. An ear that `remembers` keeps the audio of the last prompt,
    /// so that repetitions can be told.
    pub(crate) fn new(gap_ms: u64, remembers: bool) -> Self {
        Self {
            gap_ms,
            remembers,
            speaking: false,
            empty_ms: 0,
            silent_ms: 0,
            last_audio_ms: None,
            audio_ms: 0,
            holes: 0,
            hole_ms: 0,
            prompts: Vec::new(),
            audio: Vec::new(),
        }
    }

    /// Hears what was played in the tick at `now_ms`; `played` is empty if the buffer was.
    pub(crate) fn tick(&mut self, now_ms: u64, played: &[u8]) -> Heard {
        if played.is_empty() {
            return self.hear_nothing();
        }
        self.audio_ms += TICK_MS;
        self.last_audio_ms = Some(now_ms);
        if self.speaking && self.empty_ms > 0 {
            self.holes += 1;
            self.hole_ms += self.empty_ms;
        }
        self.empty_ms = 0;
        let voiced = is_voiced(played);
        let began = voiced && !self.speaking;
        if began {
            self.speaking = true;
            self.audio.clear();
            self.prompts.push(PromptSpan {
                began_ms: now_ms,
                last_voiced_ms: now_ms,
                cut: false,
            });
        }
        if self.remembers && self.speaking {
            self.audio.extend_from_slice(played);
        }
        if voiced {
            self.silent_ms = 0;
            if let Some(prompt) = self.prompts.last_mut() {
                prompt.last_voiced_ms = now_ms;
            }
        } else if self.speaking {
            self.silent_ms += TICK_MS;
            if self.silent_ms >= LONGEST_PAUSE_MS {
                return self.end();
            }
        }
        if began { Heard::Began } else { Heard::Nothing }
    }

    fn hear_nothing(&mut self) -> Heard {
        if !self.speaking {
            return Heard::Nothing;
        }
        self.empty_ms += TICK_MS;
        if self.empty_ms >= self.gap_ms {
            self.end()
        } else {
            Heard::Nothing
        }
    }

    fn end(&mut self) -> Heard {
        self.speaking = false;
        self.empty_ms = 0;
        self.silent_ms = 0;
        Heard::Ended
    }

    /// The server emptied the buffer: the prompt is cut, and the silence that follows is no hole.
    pub(crate) fn cut(&mut self) {
        if self.speaking {
            self.end();
            if let Some(prompt) = self.prompts.last_mut() {
                prompt.cut = true;
            }
        }
    }

    /// True from a prompt's first voiced tick until it ends.
    pub(crate) fn speaking(&self) -> bool {
        self.speaking
    }

    /// The prompts so far; the last may still go on.
    pub(crate) fn prompts(&self) -> &[PromptSpan] {
        &self.prompts
    }

    /// When audio of the agent was last played.
    pub(crate) fn last_audio_ms(&self) -> Option<u64> {
        self.last_audio_ms
    }

    /// Milliseconds of the agent's audio played.
    pub(crate) fn audio_ms(&self) -> u64 {
        self.audio_ms
    }

    /// Holes within prompts and their sum in milliseconds.
    pub(crate) fn holes(&self) -> (u64, u64) {
        (self.holes, self.hole_ms)
    }

    /// The audio of the present or last prompt; empty unless the ear remembers.
    pub(crate) fn audio(&self) -> &[u8] {
        &self.audio
    }
}

/// True if a good part of one prompt's audio, byte for byte, is in the other: the agent repeats itself. Prompts that a
/// server renders once and plays again are found however they are cut into messages.
pub(crate) fn repeats(question: &[u8], prompt: &[u8]) -> bool {
    let windows: HashSet<u64> = question
        .chunks_exact(TICK_SAMPLES)
        .filter(|window| is_voiced(window))
        .map(hash)
        .collect();
    let voiced = prompt
        .chunks_exact(TICK_SAMPLES)
        .filter(|window| is_voiced(window))
        .count();
    let smaller = windows.len().min(voiced);
    if smaller == 0 {
        return false;
    }
    let found: HashSet<u64> = rolling(prompt).filter(|hash| windows.contains(hash)).collect();
    found.len() as f64 >= smaller as f64 * SAME_SHARE
}

fn is_voiced(mulaw: &[u8]) -> bool {
    let mut samples = [0; TICK_SAMPLES];
    let length = mulaw.len().min(TICK_SAMPLES);
    for (sample, &byte) in samples.iter_mut().zip(mulaw) {
        *sample = decode(byte);
    }
    rms(&samples[..length]) > VOICED_LEVEL
}

const BASE: u64 = 0x0100_0000_01B3;

fn hash(window: &[u8]) -> u64 {
    window.iter().fold(0, |hash, &byte| push(hash, byte))
}

fn push(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1)
}

/// The hash of the window at every position: each from the one before, as Rabin and Karp have it.
fn rolling(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let highest = (1..TICK_SAMPLES).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut current = bytes.get(..TICK_SAMPLES).map(hash);
    let mut at = 0;
    std::iter::from_fn(move || {
        let hash = current?;
        current = bytes.get(at + TICK_SAMPLES).map(|&next| {
            let without = hash.wrapping_sub((u64::from(bytes[at]) + 1).wrapping_mul(highest));
            push(without, next)
        });
        at += 1;
        Some(hash)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Clip, Colour, NoiseLoop, SILENCE, encode};
    use proptest::prelude::*;

    const LOUD: [u8; 160] = [0x90; 160];
    const QUIET: [u8; 160] = [SILENCE; 160];

    /// Plays ticks: `v` voiced, `q` quiet audio, `-` nothing.
    fn hear(ear: &mut Ear, pattern: &str) -> Vec<(usize, Heard)> {
        let mut events = Vec::new();
        for (index, kind) in pattern.chars().enumerate() {
            let played: &[u8] = match kind {
                'v' => &LOUD,
                'q' => &QUIET,
                _ => &[],
            };
            match ear.tick(index as u64 * TICK_MS, played) {
                Heard::Nothing => {}
                event => events.push((index, event)),
            }
        }
        events
    }

    #[test]
    fn a_prompt_ends_when_the_buffer_has_been_empty_for_the_gap() {
        let mut ear = Ear::new(60, false);
        assert_eq!(
            hear(&mut ear, "--qvvqv-----"),
            vec![(3, Heard::Began), (9, Heard::Ended)]
        );
        assert_eq!(
            ear.prompts(),
            &[PromptSpan {
                began_ms: 60,
                last_voiced_ms: 120,
                cut: false
            }]
        );
        assert_eq!(ear.audio_ms(), 100);
        assert_eq!(ear.holes(), (0, 0));
    }

    #[test]
    fn a_shorter_gap_within_a_prompt_is_a_hole() {
        let mut ear = Ear::new(100, false);
        assert_eq!(hear(&mut ear, "vv--vv"), vec![(0, Heard::Began)]);
        assert_eq!(ear.holes(), (1, 40));
    }

    #[test]
    fn a_long_pause_ends_a_prompt_though_silence_is_still_sent() {
        let mut ear = Ear::new(200, false);
        let pattern = format!("v{}", "q".repeat(75));
        assert_eq!(hear(&mut ear, &pattern), vec![(0, Heard::Began), (75, Heard::Ended)]);
    }

    #[test]
    fn what_follows_a_clear_is_no_hole_and_a_new_prompt() {
        let mut ear = Ear::new(200, false);
        hear(&mut ear, "vv");
        ear.cut();
        assert_eq!(hear(&mut ear, "--v"), vec![(2, Heard::Began)]);
        assert_eq!(ear.holes(), (0, 0));
        assert!(ear.prompts()[0].cut && !ear.prompts()[1].cut);
    }

    fn speech(seed: u64, milliseconds: usize) -> Vec<u8> {
        let noise = NoiseLoop::new(Colour::Pink, 3_000.0, seed);
        (0..milliseconds * 8).map(|at| encode(noise.at(at))).collect()
    }

    #[test]
    fn a_question_is_known_again_at_another_offset_and_after_other_words() {
        let question = speech(1, 3_000);
        let mut again = speech(2, 1_013);
        again.extend(&question);
        assert!(repeats(&question, &again));
        assert!(
            repeats(&question[..8_000], &question),
            "also if only its beginning was heard at first"
        );
        assert!(!repeats(&question, &speech(3, 3_000)));
        assert!(!repeats(&question, &[SILENCE; 8_000]));
        assert!(!repeats(&[], &question) && !repeats(&question, &[]));
    }

    #[test]
    fn the_same_tone_in_both_does_not_hide_that_nothing_was_voiced() {
        let tone = Clip::tone(&[440.0], 100, -70.0);
        assert!(!repeats(tone.mulaw(), tone.mulaw()));
    }

    proptest! {
        #[test]
        fn the_rolling_hash_is_the_hash_of_every_window(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let expected: Vec<u64> = bytes.windows(TICK_SAMPLES).map(hash).collect();
            prop_assert_eq!(rolling(&bytes).collect::<Vec<_>>(), expected);
        }
    }
}
