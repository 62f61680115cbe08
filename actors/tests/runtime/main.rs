//! The actors with scripted ports: what they do when everything goes well, and when each port fails in each way.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "what the tests stand on fails as loudly as they do; real time is the clock's business here"
)]

mod calls;
mod carrier;
mod deaths;
mod guarding;
mod language;
mod languages;
mod line;
mod names;
mod recognizer;
mod reconciling;
mod recording;
mod speaking;
mod store;
mod supervising;
mod understanding;
mod voice;
mod world;
