//! The HTTP API over a real socket, with a real store: the ground under every operation.

#[cfg(test)]
mod campaigns;
#[cfg(test)]
mod client;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod described;
#[cfg(test)]
mod exclusions;
#[cfg(test)]
mod export;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod local_login;
#[cfg(test)]
mod observing;
#[cfg(test)]
mod outlook;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod survey;
#[cfg(test)]
mod taken_out;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod world;
