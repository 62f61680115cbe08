//! The conversation itself.

use super::config::DialogueConfig;
use super::input::{Input, Millis};
use super::output::Output;
use super::script::Script;
use std::collections::VecDeque;
use std::sync::Arc;

/// One conversation. See the [module's contract](super).
#[derive(Debug)]
pub struct Dialogue {
    script: Arc<Script>,
    config: DialogueConfig,
    outputs: VecDeque<Output>,
}

impl Dialogue {
    /// A conversation that has not begun: its first input is [`Input::Started`].
    pub fn new(script: Arc<Script>, config: DialogueConfig) -> Self {
        Self {
            script,
            config,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. `now` never goes back; a smaller one is taken as the last.
    pub fn handle(&mut self, now: Millis, input: Input) {
        let _ = (now, input, &self.script, &self.config);
    }

    /// The next thing to do; `None` when all is done for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Dialogue::handle_timeout`] must be called next; `None` if nothing is waited for.
    pub fn poll_timeout(&self) -> Option<Millis> {
        None
    }

    /// Lets every wait that is over by `now` take its effect.
    pub fn handle_timeout(&mut self, now: Millis) {
        let _ = now;
    }

    /// True once `End` has been put out: every further input is ignored.
    pub fn is_over(&self) -> bool {
        false
    }
}
