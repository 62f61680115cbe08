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
    /// Whether a campaign may go from here to there. Staying is no change, and not one of them. What is completed stays
    /// so, and its results with it: who wants to go on copies it.
    pub fn may_become(self, next: Self) -> bool {
        use Lifecycle::{Archived, Completed, Draft, Paused, Running, Scheduled};
        matches!(
            (self, next),
            (Draft, Scheduled | Running)
                | (Scheduled, Draft | Running)
                | (Running, Paused | Completed)
                | (Paused, Running | Completed)
                | (Completed, Archived)
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

impl ContactState {
    /// The word it is kept as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Refused => "refused",
            Self::NotReached => "not_reached",
            Self::Excluded => "excluded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lifecycle::{self, Archived, Completed, Draft, Paused, Running, Scheduled};

    #[test]
    fn a_campaign_goes_these_ways_and_no_others() {
        const ALL: [Lifecycle; 6] = [Draft, Scheduled, Running, Paused, Completed, Archived];
        let ways = |from: Lifecycle| {
            ALL.into_iter()
                .filter(move |to| from.may_become(*to))
                .collect::<Vec<_>>()
        };
        assert_eq!(ways(Draft), [Scheduled, Running]);
        assert_eq!(ways(Scheduled), [Draft, Running]);
        assert_eq!(ways(Running), [Paused, Completed]);
        assert_eq!(ways(Paused), [Running, Completed]);
        assert_eq!(ways(Completed), [Archived]);
        assert_eq!(ways(Archived), []);
    }
}
