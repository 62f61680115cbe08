//! Names of keys, all under one `{hash tag}`, so that one script may touch them in a cluster too.

use samvad_actors::coordination::day_scopes;
use samvad_actors::domain::{AttemptId, CampaignId, Mode};
use samvad_actors::ports::{CountedOver, DayScope, PermitScopes};

/// Makes keys of one fleet.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that begin with `{fleet}`. Braces in the name would end the hash tag early; they are left out.
    pub(super) fn new(fleet: &str) -> Self {
        let tag: String = fleet.chars().filter(|c| !"{}".contains(*c)).collect();
        Self {
            prefix: format!("{{{tag}}}"),
        }
    }

    /// Hash: incarnation and when it was opened. Missing means shut.
    pub(super) fn state(&self) -> String {
        format!("{}:state", self.prefix)
    }

    /// Hash: who rebuilds.
    pub(super) fn rebuild(&self) -> String {
        format!("{}:rebuild", self.prefix)
    }

    /// Set: attempts ended since the rebuild lock was taken.
    pub(super) fn ended(&self) -> String {
        format!("{}:rebuild:ended", self.prefix)
    }

    /// Hash: what a permit counts under and when it expires.
    pub(super) fn permit(&self, attempt: &AttemptId) -> String {
        format!("{}:permit:{attempt}", self.prefix)
    }

    /// Hash: holder, epoch and end of a campaign's lease.
    pub(super) fn lease(&self, campaign: &CampaignId) -> String {
        format!("{}:lease:{campaign}", self.prefix)
    }

    /// Channel of fleet commands.
    pub(super) fn commands(&self) -> String {
        format!("{}:commands", self.prefix)
    }

    /// Sorted set: permits of the fleet by expiry.
    pub(super) fn held_in_fleet(&self, mode: Mode) -> String {
        format!("{}:{}:held:fleet", self.prefix, word(mode))
    }

    /// Sorted set: permits of a campaign by expiry.
    pub(super) fn held_by_campaign(&self, mode: Mode, campaign: &CampaignId) -> String {
        format!("{}:{}:held:campaign:{campaign}", self.prefix, word(mode))
    }

    /// The sorted sets a permit is in, in the order of the limits.
    pub(super) fn held(&self, scopes: &PermitScopes) -> [String; 4] {
        let mode = word(scopes.mode);
        [
            self.held_in_fleet(scopes.mode),
            self.held_by_campaign(scopes.mode, &scopes.campaign),
            format!("{}:{mode}:held:country:{}", self.prefix, scopes.country),
            format!("{}:{mode}:held:caller:{}", self.prefix, scopes.caller_id.expose()),
        ]
    }

    /// When the fleet and the campaign last began a call.
    pub(super) fn begun(&self, scopes: &PermitScopes) -> [String; 2] {
        let mode = word(scopes.mode);
        [
            format!("{}:{mode}:begun:fleet", self.prefix),
            format!("{}:{mode}:begun:campaign:{}", self.prefix, scopes.campaign),
        ]
    }

    /// The counts of the day a permit is in, in the order of the limits.
    pub(super) fn days(&self, scopes: &PermitScopes) -> [String; 3] {
        day_scopes(scopes).map(|scope| self.day(&scope))
    }

    /// The count of a day.
    pub(super) fn day(&self, scope: &DayScope) -> String {
        let start = format!("{}:{}:day:{}", self.prefix, word(scope.mode), scope.date);
        match &scope.of {
            CountedOver::Fleet => format!("{start}:fleet"),
            CountedOver::Campaign(campaign) => format!("{start}:campaign:{campaign}"),
            CountedOver::Country(country) => format!("{start}:country:{country}"),
        }
    }
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Simulated => "simulated",
        Mode::DryRun => "dry_run",
        Mode::Live => "live",
    }
}
