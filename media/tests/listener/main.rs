//! The listener as a call actor uses it.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod barge_in;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod echo_and_noise;
#[cfg(test)]
mod fax;
#[cfg(test)]
mod line;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod support;
