//! The simulator from outside: judged by Twilio's own package, by an independent media server, and by what its faults
//! look like to them.

mod conversation;
mod faults;
mod ledger;
mod support;
mod twilio_package;
