//! What the results of a survey amount to. Pure: counts in, rates out.

mod rates;

pub use rates::{CaseCounts, Rates};
