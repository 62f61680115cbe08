//! The telephone company: Twilio, how fast it is asked, who calls us, and the one-time token that lets a call's
//! media stream in.

pub mod inbound;
pub mod pacing;
pub mod token;
pub mod twilio;
