//! Recognisers: what each one does, what the embedded one understands, and how it survives its child process.

mod accuracy;
mod child;
mod conformance;
mod judged;
mod line;
mod recordings;
mod voices;
