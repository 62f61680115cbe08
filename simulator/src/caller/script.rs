//! A caller's script: the steps of the scenario, begun by what the caller hears.

use super::ear::{Ear, Heard, repeats};
use crate::audio::{Clip, SAMPLES_PER_MS, TICK_MS, TICK_SAMPLES};
use crate::scenario::{Action, Caller, Doing, Step, When};
use std::collections::VecDeque;
use std::sync::Arc;

/// Between two keys: about as fast as people press them.
const KEY_MS: u64 = 300;

/// So much of the agent's voice after one's own words counts as a reaction to them.
const SHORTEST_REACTION_MS: u64 = 100;

/// What the caller does in a tick.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Act {
    /// Begins to play a recording.
    Say(Arc<Clip>),
    /// Presses a key; `last` of those of its step.
    Key { digit: char, last: bool },
    /// Hangs up.
    HangUp,
    /// Loses patience, and hangs up.
    GiveUp,
    /// Has the media socket torn down.
    ResetSocket,
}

/// Where a caller is in the script.
#[derive(Debug)]
pub(crate) struct Script {
    caller: Arc<Caller>,
    /// The next step.
    next: usize,
    /// How often the step before was done again.
    again: usize,
    /// The last thing done was to speak, and it has not been confirmed: the agent may want that.
    unconfirmed: bool,
    /// What is about to be done, and when.
    pending: Option<(u64, Action)>,
    /// Own words, or a wilful silence, last until then.
    busy_until_ms: u64,
    keys: VecDeque<char>,
    next_key_ms: u64,
    /// When the last action began.
    acted_ms: Option<u64>,
    /// The prompt that the step before answered.
    question: Vec<u8>,
    done_ms: Option<u64>,
}

impl Script {
    /// At the beginning.
    pub(crate) fn new(caller: Arc<Caller>) -> Self {
        Self {
            caller,
            next: 0,
            again: 0,
            unconfirmed: false,
            pending: None,
            busy_until_ms: 0,
            keys: VecDeque::new(),
            next_key_ms: 0,
            acted_ms: None,
            question: Vec::new(),
            done_ms: None,
        }
    }

    /// True if the script needs to know prompts again.
    pub(crate) fn needs_memory(caller: &Caller) -> bool {
        caller.steps.iter().any(|step| !step.otherwise.is_empty())
    }

    /// What is done at `now_ms`, having heard the tick.
    pub(crate) fn tick(&mut self, now_ms: u64, heard: Heard, ear: &Ear) -> Option<Act> {
        let act = self.due(now_ms, ear);
        if act.is_some() {
            return act;
        }
        if self.idle(now_ms) {
            self.look_for_a_cue(now_ms, heard, ear);
            if self.next == self.caller.steps.len() && self.pending.is_none() && self.done_ms.is_none() {
                self.done_ms = Some(now_ms);
            }
        }
        let heard_last = ear.last_audio_ms().unwrap_or(0);
        (now_ms.saturating_sub(heard_last) >= self.caller.patience_ms).then_some(Act::GiveUp)
    }

    /// Steps begun.
    pub(crate) fn steps_done(&self) -> usize {
        self.next - usize::from(self.pending.is_some() && self.again == 0).min(self.next)
    }

    /// Name of the last step begun that has one.
    pub(crate) fn last_named(&self) -> Option<String> {
        self.caller
            .steps
            .iter()
            .take(self.steps_done())
            .rev()
            .find_map(|step| step.name.clone())
    }

    /// When the last step was done.
    pub(crate) fn done_ms(&self) -> Option<u64> {
        self.done_ms
    }

    fn idle(&self, now_ms: u64) -> bool {
        self.pending.is_none() && self.keys.is_empty() && now_ms >= self.busy_until_ms
    }

    fn due(&mut self, now_ms: u64, ear: &Ear) -> Option<Act> {
        if now_ms >= self.next_key_ms
            && let Some(digit) = self.keys.pop_front()
        {
            self.next_key_ms = now_ms + KEY_MS;
            self.acted_ms = Some(now_ms);
            self.busy_until_ms = now_ms + TICK_MS;
            return Some(Act::Key {
                digit,
                last: self.keys.is_empty(),
            });
        }
        let (_, action) = self.pending.take_if(|(at_ms, _)| *at_ms <= now_ms)?;
        self.acted_ms = Some(now_ms);
        self.unconfirmed &= matches!(action, Action::Say(_));
        if ear.speaking() && self.again == 0 {
            // Talking over a prompt: it is this one that may be repeated.
            self.question = ear.audio().to_vec();
        }
        match action {
            Action::Say(clip) => {
                self.busy_until_ms = now_ms + voiced_end_ms(&clip);
                Some(Act::Say(clip))
            }
            Action::Keys(keys) => {
                self.keys = keys.into();
                self.next_key_ms = now_ms;
                self.due(now_ms, ear)
            }
            Action::Silent(milliseconds) => {
                self.busy_until_ms = now_ms + milliseconds;
                None
            }
            Action::HangUp => Some(Act::HangUp),
            Action::ResetSocket => Some(Act::ResetSocket),
        }
    }

    fn look_for_a_cue(&mut self, now_ms: u64, heard: Heard, ear: &Ear) {
        let caller = self.caller.clone();
        let prompt = ear.prompts().last();
        // A prompt that ended before one's own words did is not a reaction to them.
        let reacted = prompt.is_some_and(|prompt| {
            self.acted_ms.is_none() || prompt.last_voiced_ms >= self.busy_until_ms + SHORTEST_REACTION_MS
        });
        let ended = heard == Heard::Ended && reacted;
        if ended
            && let Some(doing) = self.previous(&caller).and_then(|step| step.otherwise.get(self.again))
            && repeats(&self.question, ear.audio())
        {
            self.again += 1;
            self.schedule(now_ms, doing);
            return;
        }
        if ended
            && self.unconfirmed
            && let (Some(confirm), Some(prompt)) = (&caller.confirm, prompt)
            && prompt.last_voiced_ms - prompt.began_ms < confirm.shorter_than_ms
        {
            self.unconfirmed = false;
            self.pending = Some((now_ms + confirm.doing.after_ms, confirm.doing.action.clone()));
            return;
        }
        let Some(step) = caller.steps.get(self.next) else {
            return;
        };
        let began_ms = match step.when {
            When::Answered | When::AtOnce => now_ms,
            When::PromptEnds if ended => now_ms,
            When::PromptBegins if ear.speaking() => match prompt {
                Some(prompt) if self.acted_ms.is_none_or(|acted_ms| prompt.began_ms > acted_ms) => prompt.began_ms,
                _ => return,
            },
            _ => return,
        };
        self.next += 1;
        self.again = 0;
        self.question = ear.audio().to_vec();
        self.schedule(began_ms, &step.doing);
    }

    fn previous<'c>(&self, caller: &'c Caller) -> Option<&'c Step> {
        caller.steps.get(self.next.checked_sub(1)?)
    }

    fn schedule(&mut self, from_ms: u64, doing: &Doing) {
        self.unconfirmed = true;
        self.pending = Some((from_ms + doing.after_ms, doing.action.clone()));
    }
}

/// Milliseconds from the beginning of a clip until the tick that has its last voiced sample is sent.
pub(crate) fn voiced_end_ms(clip: &Clip) -> u64 {
    (clip.voiced().end.saturating_sub(1) / TICK_SAMPLES) as u64 * TICK_MS
}

/// Milliseconds from the beginning of a clip until the tick that has its first voiced sample is sent.
pub(crate) fn voiced_start_ms(clip: &Clip) -> u64 {
    (clip.voiced().start / SAMPLES_PER_MS) as u64 / TICK_MS * TICK_MS
}

#[cfg(test)]
mod tests;
