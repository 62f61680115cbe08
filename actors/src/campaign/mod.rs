//! Planning of campaigns as pure functions.
