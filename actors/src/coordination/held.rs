//! Permits that are held, counted under everything they count under.

use crate::domain::{AttemptId, CampaignId, Mode, PhoneNumber};
use crate::ports::PermitScopes;
use std::collections::{BTreeMap, BTreeSet};

/// Over what calls under way are counted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum HeldOver {
    /// All campaigns.
    Fleet(Mode),
    /// One campaign.
    Campaign(Mode, CampaignId),
    /// One country.
    Country(Mode, String),
    /// One caller id.
    CallerId(Mode, PhoneNumber),
}

impl HeldOver {
    /// Everything a permit counts under, in the order of the limits.
    pub(super) fn all(scopes: &PermitScopes) -> [Self; 4] {
        let mode = scopes.mode;
        [
            Self::Fleet(mode),
            Self::Campaign(mode, scopes.campaign.clone()),
            Self::Country(mode, scopes.country.clone()),
            Self::CallerId(mode, scopes.caller_id.clone()),
        ]
    }
}

/// A permit that is held.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) scopes: PermitScopes,
    /// When it expires by itself, in microseconds of the table's clock.
    pub(super) until_us: u64,
    /// When its place under the rates was taken.
    pub(super) begun_us: u64,
}

/// The permits held, with an index by expiry for each scope.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldPermits {
    permits: BTreeMap<AttemptId, Held>,
    expiries: BTreeSet<(u64, AttemptId)>,
    by_scope: BTreeMap<HeldOver, BTreeSet<(u64, AttemptId)>>,
}

impl HeldPermits {
    /// Drops what has expired.
    pub(super) fn expire(&mut self, now_us: u64) {
        while let Some((until_us, attempt)) = self.expiries.first().cloned()
            && until_us <= now_us
        {
            self.remove(&attempt);
        }
    }

    pub(super) fn get(&self, attempt: &AttemptId) -> Option<&Held> {
        self.permits.get(attempt)
    }

    /// Adds a permit that began now. The attempt holds none.
    pub(super) fn insert(&mut self, attempt: &AttemptId, scopes: &PermitScopes, begun_us: u64, until_us: u64) {
        let entry = (until_us, attempt.clone());
        for scope in HeldOver::all(scopes) {
            self.by_scope.entry(scope).or_default().insert(entry.clone());
        }
        self.expiries.insert(entry);
        let held = Held {
            scopes: scopes.clone(),
            until_us,
            begun_us,
        };
        self.permits.insert(attempt.clone(), held);
    }

    /// The permit has taken another place under the rates.
    pub(super) fn begin_again(&mut self, attempt: &AttemptId, now_us: u64) {
        if let Some(held) = self.permits.get_mut(attempt) {
            held.begun_us = now_us;
        }
    }

    pub(super) fn remove(&mut self, attempt: &AttemptId) -> Option<Held> {
        let held = self.permits.remove(attempt)?;
        let entry = (held.until_us, attempt.clone());
        self.expiries.remove(&entry);
        for scope in HeldOver::all(&held.scopes) {
            if let Some(members) = self.by_scope.get_mut(&scope) {
                members.remove(&entry);
                if members.is_empty() {
                    self.by_scope.remove(&scope);
                }
            }
        }
        Some(held)
    }

    /// How many are held in a scope.
    pub(super) fn count(&self, scope: &HeldOver) -> usize {
        self.by_scope.get(scope).map_or(0, BTreeSet::len)
    }

    /// When, by expiry alone, fewer than `limit` are held in a scope; `None` if never.
    pub(super) fn room_at_us(&self, scope: &HeldOver, limit: u32) -> Option<u64> {
        let members = self.by_scope.get(scope)?;
        let in_the_way = members.len().checked_sub(limit as usize)?;
        members.iter().nth(in_the_way).map(|(until_us, _)| *until_us)
    }

    /// The attempts that hold a permit in a scope.
    pub(super) fn attempts(&self, scope: &HeldOver) -> Vec<AttemptId> {
        let members = self.by_scope.get(scope).into_iter().flatten();
        members.map(|(_, attempt)| attempt.clone()).collect()
    }
}
