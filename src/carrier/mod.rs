//! The telephone company: Twilio, and the one-time token that lets a call's media stream in.

pub mod token;
pub mod twilio;
