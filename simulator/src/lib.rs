//! A telephone network for demo, tests and load, as a process of its own: Twilio's Calls API, its signed callbacks, and
//! the Media Streams client, with callers who speak recorded audio and press keys as a scenario file has it.
//!
//! Invariants:
//! - Nothing here depends on the other crates of the project: messages, signatures and codecs are written a second
//!   time, after Twilio's pages, so that the two sides cannot agree on a mistake.
//! - The server under test learns nothing but the audio, keys and callbacks that reach it. What a scenario expects is
//!   read here, and by the command that compares results, alone.
//! - What Twilio does not document is a seeded choice or a setting, listed in `docs/scenarios.md`.

mod audio;
mod caller;
mod gateway;
mod network;
mod options;
mod report;
mod rest;
mod scenario;
mod signature;
mod simulator;
mod stream;
mod twiml;

pub use caller::ClearSeen;
pub use options::SimulatorOptions;
pub use report::{CallReport, EndedBy, InboundReport, Latency, SimulatorSummary};
pub use scenario::{
    Bounds, Expectations, ExpectedAnswer, FaultKind, Respondent, Scenario, ScenarioError, ScenarioFault,
};
pub use simulator::{Simulator, SimulatorError, run};
