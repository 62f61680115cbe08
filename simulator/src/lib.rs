//! Samvad.
