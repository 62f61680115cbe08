//! Settings from the environment: read once, checked whole, every fault named.

pub mod private_files;
