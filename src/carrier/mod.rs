//! The telephone company: Twilio, how fast it is asked, and the one-time token that lets a call's media stream in.

pub mod pacing;
pub mod token;
pub mod twilio;
