//! Why a running campaign begins no call just now, for whoever wonders: told once, when it changes.

use crate::domain::CampaignId;
use jiff::Timestamp;
use std::cell::RefCell;
use std::fmt;

/// What holds every call of a campaign back. How many calls go on at once is no such thing: they end by themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Holdback {
    /// The window is closed wherever somebody is left to be called, or closes before they could answer.
    Window {
        /// When it opens next in one of these zones, UTC milliseconds; `None` if not within a year.
        opens_at_ms: Option<i64>,
    },
    /// The carrier asked to slow down.
    Carrier,
    /// Permits cannot be had.
    Admission(String),
    /// All servers and campaigns together have made as many calls today as they may.
    FleetsDay(u32),
    /// The campaign has made as many calls today as it may.
    CampaignsDay(u32),
    /// Nobody who is left may be called yet, and no call is under way.
    NobodyDue,
}

impl fmt::Display for Holdback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { opens_at_ms } => {
                let opens_at = opens_at_ms.and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
                match opens_at {
                    Some(at) => write!(
                        f,
                        "its window is closed, or closes before a call could be answered; it opens at {at}"
                    ),
                    None => f.write_str("its window is closed and does not open within a year"),
                }
            }
            Self::Carrier => f.write_str("the carrier asked to slow down"),
            Self::Admission(reason) => write!(f, "admission is shut: {reason}"),
            Self::FleetsDay(calls) => write!(f, "the {calls} calls of the day are made (SAMVAD_CALLS_PER_DAY)"),
            Self::CampaignsDay(calls) => {
                write!(f, "the {calls} calls of its day are made (its limit calls_per_day)")
            }
            Self::NobodyDue => f.write_str(
                "nobody is due: retries, callbacks and cooldowns wait for their time, and whoever lacks consent or a \
                 registry's answer waits for that",
            ),
        }
    }
}

/// What was told last.
#[derive(Default)]
pub(super) struct Told(RefCell<Option<Holdback>>);

impl Told {
    /// Logs what holds calls back, unless that is what was told last. `None`: nothing does.
    pub(super) fn tell(&self, campaign: &CampaignId, holdback: Option<Holdback>) {
        if *self.0.borrow() == holdback {
            return;
        }
        match &holdback {
            Some(reason @ Holdback::Admission(_)) => tracing::warn!(%campaign, %reason, "nobody is called now"),
            Some(reason) => tracing::info!(%campaign, %reason, "nobody is called now"),
            None => tracing::info!(%campaign, "calls may begin again"),
        }
        self.0.replace(holdback);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_says_what_is_waited_for() {
        let window = |opens_at_ms| Holdback::Window { opens_at_ms }.to_string();
        assert!(window(Some(1_795_325_400_000)).ends_with("opens at 2026-11-22T05:30:00Z"));
        assert!(window(None).ends_with("within a year"));
        assert!(window(Some(i64::MAX)).ends_with("within a year"));
        assert!(Holdback::FleetsDay(9).to_string().contains("9 calls"));
        assert!(Holdback::Admission("Redis".to_owned()).to_string().contains("Redis"));
    }
}
