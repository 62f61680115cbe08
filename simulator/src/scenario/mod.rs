//! Scenario files: who answers, what they say and do, what the network does wrong, and what must come of it.
//!
//! The format is described for its author in `docs/scenarios.md`. A scenario is read by the simulator and by the
//! command that sets up the campaign; the server under test never sees it.

mod expect;
mod fault_kind;
mod fields;
mod inbound;
mod parse;
mod parse_caller;
mod respondents;

pub use expect::{Bounds, Expectations, ExpectedAnswer};
pub use fault_kind::FaultKind;
pub use fields::ScenarioFault;
pub use respondents::Respondent;

pub(crate) use fault_kind::FaultSet;
pub(crate) use inbound::{From, InboundCall};

use crate::audio::{Clip, Colour};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario as its file describes it, with all recordings loaded.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// Seed of every choice that the file leaves open.
    pub seed: u64,
    pub(crate) network: Network,
    pub(crate) fault_rates: Vec<(FaultKind, f64)>,
    pub(crate) first_number: u64,
    pub(crate) callers: Vec<Arc<Caller>>,
    pub(crate) inbound: Vec<Arc<InboundCall>>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("the scenario file {path} cannot be read ({cause}); check the path")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not YAML.
    #[error("the scenario file {path} is not YAML: {cause}")]
    NotYaml {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        cause: serde_norway::Error,
    },
    /// The file has faults: all of them.
    #[error("the scenario file {path} has {} fault(s):{}", faults.len(), fields::joined(faults))]
    Faults {
        /// Which file.
        path: PathBuf,
        /// What is wrong, in the order of the file.
        faults: Vec<ScenarioFault>,
    },
}

impl Scenario {
    /// Reads a file and the recordings that it names, whose paths are relative to it.
    ///
    /// # Errors
    /// [`ScenarioError`], with all faults of the file at once.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ScenarioError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a scenario from text; `path` names it in errors and is where its recordings are looked for.
    ///
    /// # Errors
    /// [`ScenarioError`], with all faults at once.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ScenarioError> {
        let not_yaml = |cause| ScenarioError::NotYaml {
            path: path.to_owned(),
            cause,
        };
        let mut document: serde_norway::Value = serde_norway::from_str(text).map_err(not_yaml)?;
        document.apply_merge().map_err(not_yaml)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        parse::scenario(document, folder).map_err(|faults| ScenarioError::Faults {
            path: path.to_owned(),
            faults,
        })
    }
}

/// How the network behaves.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// Calls begun in a second; 0: without limit.
    pub calls_per_second: f64,
    /// From `initiated` to `ringing`.
    pub setup_ms: u64,
    /// What follows when the server closes the stream: true, the next verb of the TwiML; false, the call ends.
    pub next_verb_after_stream: bool,
    /// Whether a key is also heard on the line; `None`: a seeded choice per call.
    pub dtmf_in_audio: Option<bool>,
    /// Most audio that the play-out buffer takes.
    pub playout_limit_ms: u64,
    /// Silence of the play-out buffer after which a prompt counts as ended.
    pub prompt_gap_ms: u64,
}

/// A kind of caller.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub name: String,
    pub count: usize,
    pub weight: f64,
    pub number: Option<u64>,
    pub language: Option<String>,
    pub pickup: Pickup,
    pub machine: Machine,
    pub noise: Option<Noise>,
    pub echo: Option<(f64, u64)>,
    pub patience_ms: u64,
    pub steps: Vec<Step>,
    /// What is done when the agent wants its guess confirmed.
    pub confirm: Option<Confirm>,
    pub faults: Vec<FaultKind>,
    pub expect: Expectations,
}

/// What happens when the telephone rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pickup {
    Answers {
        ring_ms: u64,
    },
    Busy,
    /// Rings until the request's `Timeout`, or shorter where the network gives up earlier.
    NoAnswer {
        after_ms: Option<u64>,
    },
    Failed,
}

/// What machine detection says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Machine {
    /// The value of `AnsweredBy`; `None`: no verdict.
    pub verdict: Option<&'static str>,
    pub after_ms: u64,
}

/// Noise on the line.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Noise {
    pub colour: Colour,
    pub level: NoiseLevel,
}

/// How loud noise is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum NoiseLevel {
    /// Below the caller's own mean voiced level, in decibels.
    BelowSpeech(f64),
    /// Relative to full scale, in decibels.
    FullScale(f64),
}

/// When a step begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// The agent has spoken and has fallen silent.
    PromptEnds,
    /// The agent begins to speak.
    PromptBegins,
    /// The stream is there.
    Answered,
    /// The step before is done.
    AtOnce,
}

/// One thing that a caller does, and what it does when it is asked the same again.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub name: Option<String>,
    pub when: When,
    pub doing: Doing,
    pub otherwise: Vec<Doing>,
}

/// How a caller takes a short prompt after having spoken: "did I hear four?"
#[derive(Clone, Debug)]
pub(crate) struct Confirm {
    /// A prompt that is voiced for less than this.
    pub shorter_than_ms: u64,
    pub doing: Doing,
}

/// An action and the pause before it.
#[derive(Clone, Debug)]
pub(crate) struct Doing {
    pub after_ms: u64,
    pub action: Action,
}

/// What callers can do.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Action {
    Say(Arc<Clip>),
    Keys(Vec<char>),
    /// Says and does nothing, whatever is heard, for so many milliseconds.
    Silent(u64),
    HangUp,
    ResetSocket,
}

#[cfg(test)]
mod tests;
