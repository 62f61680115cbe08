//! Recognition services over their own protocols, played by test servers that can stall, cut, refuse and talk nonsense.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod doubles;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod failures;
#[cfg(test)]
#[path = "../support/language_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod language_server;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod metering;
#[cfg(test)]
mod proxy;
#[cfg(test)]
#[path = "../support/raw_http.rs"]
mod raw_http;
#[cfg(test)]
#[path = "../speech/recordings.rs"]
#[expect(dead_code, reason = "the manifest's other columns are for tests of accuracy")]
mod recordings;
#[cfg(test)]
#[path = "../support/recognizer_suite.rs"]
mod suite;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod understanding;
#[cfg(test)]
mod whole_system;
#[cfg(test)]
mod world;
