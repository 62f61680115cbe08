//! Speech services on the network: streaming recognisers and synthesisers behind their own protocols.
//!
//! What they share:
//! - [`ServiceClient`]: one HTTP client for requests and WebSockets, with the proxy; for synthesisers and language
//!   models too.
//! - [`ServiceThreads`]: where all I/O with services happens, never on a thread of the calls.
//! - A warm pool of connections for each service and language: an utterance borrows one that is open already, and gives
//!   it back with its result.
//! - [`ServiceSynthesizer`]: a request for a sentence, audio that streams back, deadlines and refusals, the same for all.
//! - [`score`]: how what a service says of its certainty becomes the marks of [`Heard`](samvad_actors::ports::Heard).
//! - [`text`]: its text in the form that the lexicon reads.
//!
//! A protocol is a pure state machine (`protocol`): audio in, messages out, and back.

mod client;
mod connection;
pub mod deepgram;
pub mod elevenlabs;
pub mod openai;
mod pool;
mod protocol;
mod recognizer;
pub mod sarvam;
pub mod score;
mod synthesizer;
pub mod text;
mod threads;
mod utterance;

pub use client::{ServiceClient, ServiceClientError};
pub(crate) use client::{innermost, refusal_body};
pub use pool::{PoolGauges, PoolSettings};
pub(crate) use protocol::{code_of, is_of_credit};
pub use recognizer::StreamingRecognizer;
pub(crate) use synthesizer::retry_after;
pub use synthesizer::{ServiceSynthesizer, SpeechDeadlines};
pub use threads::ServiceThreads;
