//! The telephone company: Twilio.
