//! Samvad's pure audio path.
