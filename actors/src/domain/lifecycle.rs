//! The life of a campaign, and where a contact of it stands.

use serde::{Deserialize, Serialize};

/// Where a campaign stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Being written; nobody is called.
    Draft,
    /// Begins at its time.
    Scheduled,
    /// Dials.
    Running,
    /// Begins no call; calls in flight go on.
    Paused,
    /// Everybody is settled, or it was stopped for good.
    Completed,
    /// Put away.
    Archived,
}

impl Lifecycle {
    /// Whether a campaign may go from here to there. Staying is no change, and not one of them.
    pub fn may_become(self, next: Self) -> bool {
        use Lifecycle::{Archived, Completed, Draft, Paused, Running, Scheduled};
        matches!(
            (self, next),
            (Draft, Scheduled | Running | Archived)
                | (Scheduled, Draft | Running | Archived)
                | (Running, Paused | Completed)
                | (Paused, Running | Completed)
                | (Completed, Running | Archived)
        )
    }

    /// The word it is kept as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Archived => "archived",
        }
    }
}

/// Where a contact stands in its campaign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// To be called, or called again, when due.
    Pending,
    /// An attempt is in flight.
    InProgress,
    /// The survey was answered.
    Completed,
    /// The person does not want to.
    Refused,
    /// The attempts are used up, or the number reaches nobody.
    NotReached,
    /// Not to be called: do-not-call, or taken out by the customer.
    Excluded,
}
