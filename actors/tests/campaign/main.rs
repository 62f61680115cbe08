//! The laws of campaign planning.

#![expect(clippy::expect_used, reason = "helpers of tests; clippy knows test functions only")]

mod callbacks;
mod planning;
mod retrying;
mod windows;
