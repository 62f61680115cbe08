//! The laws of campaign planning.

#![expect(clippy::expect_used, reason = "helpers of tests; clippy knows test functions only")]

mod breaker;
mod callbacks;
mod planning;
mod windows;
