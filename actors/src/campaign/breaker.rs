//! A campaign most of whose calls fail is paused: something is broken, and going on would only use up attempts.

use crate::domain::Disposition;
use serde::{Deserialize, Serialize};
use std::fmt;

/// When to pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// How many of the latest calls are looked at; fewer calls trip nothing. 0 switches the breaker off.
    pub recent: u32,
    /// More than this share of them failed, in percent.
    pub more_than_percent: u32,
}

impl Default for Breaker {
    /// More than half of the last 20.
    fn default() -> Self {
        Self {
            recent: 20,
            more_than_percent: 50,
        }
    }
}

/// Why a campaign is paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trip {
    /// Calls that failed.
    pub failed: u32,
    /// Of so many.
    pub of: u32,
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of the last {} calls failed for a technical reason; find the fault, then resume the campaign",
            self.failed, self.of
        )
    }
}

impl Breaker {
    /// Judges the calls that ended since the campaign was last started or resumed, the latest first. Busy, no answer
    /// and machines are no failures.
    pub fn judge(&self, latest_first: &[Disposition]) -> Option<Trip> {
        let recent = latest_first
            .get(..self.recent as usize)
            .filter(|recent| !recent.is_empty())?;
        let failed = recent
            .iter()
            .filter(|&&call| call == Disposition::TechnicalProblem)
            .count();
        let too_many = failed as u64 * 100 > u64::from(self.recent) * u64::from(self.more_than_percent);
        too_many.then_some(Trip {
            failed: u32::try_from(failed).unwrap_or(u32::MAX),
            of: self.recent,
        })
    }
}
