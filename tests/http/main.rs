//! The HTTP edge as Twilio meets it: a real server, a WebSocket client of another make, signatures made apart.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod call;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod health;
#[cfg(test)]
mod inbound;
#[cfg(test)]
mod line;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod store;
