//! Recognisers: what each one does, what the embedded one understands, and how it survives its child process.

#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod child;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod line;
#[cfg(test)]
mod recordings;
#[cfg(test)]
#[path = "../support/recognizer_suite.rs"]
mod suite;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod voices;
