//! The lease table: every step of the `Coordination` port as a pure function of the table, the step and `now`.

use super::held::{HeldOver, HeldPermits};
use crate::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use crate::ports::{
    Admission, Candidacy, CoordinationError, CountedOver, DayScope, Election, Incarnation, LONGEST_US, Limit,
    PermitLimits, PermitRequest, PermitScopes, Rate, Rebuild, RebuildStart, Usage,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Permits, leases and the rebuild lock. `now_us` is any clock in microseconds that does not go back. Nothing here
/// blocks or fails but for admission being shut.
#[derive(Clone, Debug, Default)]
pub struct LeaseTable {
    /// `None`: shut.
    open: Option<Open>,
    rebuilding: Option<Lock>,
    /// Attempts released since the rebuild lock was taken.
    ended: BTreeSet<AttemptId>,
    held: HeldPermits,
    /// When the last call was begun.
    last_begun_us: BTreeMap<BegunBy, u64>,
    days: BTreeMap<DayScope, DayCount>,
    leases: BTreeMap<CampaignId, Lease>,
}

/// How long the count of a day is kept after the last change, in microseconds. A date lasts 50 hours from where it
/// begins first (UTC+14) to where it ends last (UTC-12), so that a count is never forgotten on its own date.
pub const DAY_KEPT_US: u64 = 72 * 3600 * 1_000_000;

#[derive(Clone, Debug)]
struct Open {
    incarnation: Incarnation,
    at_us: u64,
}

#[derive(Clone, Debug)]
struct Lock {
    token: Incarnation,
    until_us: u64,
}

#[derive(Clone, Debug)]
struct DayCount {
    calls: u32,
    kept_until_us: u64,
}

/// Stays when it has ended, for its epoch.
#[derive(Clone, Debug)]
struct Lease {
    node: String,
    epoch: u64,
    until_us: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum BegunBy {
    Fleet(Mode),
    Campaign(Mode, CampaignId),
}

impl LeaseTable {
    /// See [`crate::ports::Coordination::acquire`].
    ///
    /// # Errors
    /// [`CoordinationError::Shut`] before a rebuild.
    pub fn acquire(&mut self, request: &PermitRequest, now_us: u64) -> Result<Admission, CoordinationError> {
        self.held.expire(now_us);
        let open = self.open.as_ref().ok_or(CoordinationError::Shut)?;
        let incarnation = open.incarnation.clone();
        let opened_us = open.at_us;
        if let Some(held) = self.held.get(&request.attempt).cloned() {
            let age_us = now_us.saturating_sub(held.begun_us);
            let outlived = |rate: Rate| rate.interval_us().is_some_and(|interval_us| age_us >= interval_us);
            if let Some((limit, retry_after)) = self.first_rate_in_the_way(request, opened_us, now_us, outlived) {
                return Ok(Admission::Refused { limit, retry_after });
            }
            if rates(&request.limits)
                .into_iter()
                .any(|(_, rate)| rate.is_some_and(outlived))
            {
                self.held.begin_again(&request.attempt, now_us);
                self.begin(&request.scopes, now_us);
            }
            return Ok(Admission::Granted {
                expires_in: Duration::from_micros(held.until_us - now_us),
                incarnation,
            });
        }
        if let Some((limit, retry_after)) = self.first_in_the_way(request, opened_us, now_us) {
            return Ok(Admission::Refused { limit, retry_after });
        }
        let lasts_us = micros(request.lasts);
        if lasts_us > 0 {
            let until_us = now_us.saturating_add(lasts_us);
            self.held.insert(&request.attempt, &request.scopes, now_us, until_us);
        }
        self.begin(&request.scopes, now_us);
        for scope in day_scopes(&request.scopes) {
            let calls = self.calls_of_day(&scope, now_us).saturating_add(1);
            self.set_day(scope, calls, now_us);
        }
        Ok(Admission::Granted {
            expires_in: Duration::from_micros(lasts_us),
            incarnation,
        })
    }

    /// See [`crate::ports::Coordination::release`].
    pub fn release(&mut self, attempt: &AttemptId, now_us: u64) -> bool {
        self.give_back(attempt, now_us).is_some()
    }

    /// See [`crate::ports::Coordination::cancel`].
    pub fn cancel(&mut self, attempt: &AttemptId, now_us: u64) -> bool {
        let Some(scopes) = self.give_back(attempt, now_us) else {
            return false;
        };
        for scope in day_scopes(&scopes) {
            let calls = self.calls_of_day(&scope, now_us);
            if calls > 0 {
                self.set_day(scope, calls - 1, now_us);
            }
        }
        true
    }

    /// See [`crate::ports::Coordination::held`].
    ///
    /// # Errors
    /// [`CoordinationError::Shut`] before a rebuild.
    pub fn held(&mut self, mode: Mode, now_us: u64) -> Result<Vec<AttemptId>, CoordinationError> {
        self.held.expire(now_us);
        self.open.as_ref().ok_or(CoordinationError::Shut)?;
        Ok(self.held.attempts(&HeldOver::Fleet(mode)))
    }

    /// See [`crate::ports::Coordination::usage`].
    ///
    /// # Errors
    /// [`CoordinationError::Shut`] before a rebuild.
    pub fn usage(
        &mut self,
        mode: Mode,
        campaign: &CampaignId,
        date: CalendarDate,
        now_us: u64,
    ) -> Result<Usage, CoordinationError> {
        self.held.expire(now_us);
        self.open.as_ref().ok_or(CoordinationError::Shut)?;
        let held = |scope| u32::try_from(self.held.count(&scope)).unwrap_or(u32::MAX);
        let today = |of| self.calls_of_day(&DayScope { mode, date, of }, now_us);
        Ok(Usage {
            fleet_held: held(HeldOver::Fleet(mode)),
            campaign_held: held(HeldOver::Campaign(mode, campaign.clone())),
            fleet_today: today(CountedOver::Fleet),
            campaign_today: today(CountedOver::Campaign(campaign.clone())),
        })
    }

    /// See [`crate::ports::Coordination::campaign_lease`].
    pub fn campaign_lease(&mut self, candidacy: &Candidacy, now_us: u64) -> Election {
        let until_us = now_us.saturating_add(micros(candidacy.lasts));
        let mut forgotten_epoch = 0;
        if let Some(lease) = self.leases.get_mut(&candidacy.campaign) {
            let lasts = lease.until_us > now_us;
            if lasts && lease.node != candidacy.node {
                let retry_after = Duration::from_micros(lease.until_us - now_us);
                return Election::Follower { retry_after };
            }
            // A lease below what the database knows is of a coordination that forgot: it needs a new epoch.
            if lasts && lease.epoch >= candidacy.known_epoch {
                lease.until_us = until_us;
                return Election::Leader { epoch: lease.epoch };
            }
            forgotten_epoch = lease.epoch;
        }
        let epoch = forgotten_epoch.max(candidacy.known_epoch).saturating_add(1);
        let node = candidacy.node.clone();
        let lease = Lease { node, epoch, until_us };
        self.leases.insert(candidacy.campaign.clone(), lease);
        Election::Leader { epoch }
    }

    /// See [`crate::ports::Coordination::renew_lease`].
    pub fn renew_lease(&mut self, campaign: &CampaignId, node: &str, epoch: u64, lasts: Duration, now_us: u64) -> bool {
        self.lease_of(campaign, node, epoch, now_us)
            .map(|lease| lease.until_us = now_us.saturating_add(micros(lasts)))
            .is_some()
    }

    /// See [`crate::ports::Coordination::resign_lease`].
    pub fn resign_lease(&mut self, campaign: &CampaignId, node: &str, epoch: u64, now_us: u64) -> bool {
        self.lease_of(campaign, node, epoch, now_us)
            .map(|lease| lease.until_us = now_us)
            .is_some()
    }

    /// See [`crate::ports::Coordination::is_open`].
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// See [`crate::ports::Coordination::begin_rebuild`].
    pub fn begin_rebuild(&mut self, token: &Incarnation, lasts: Duration, now_us: u64) -> RebuildStart {
        if self.is_open() {
            return RebuildStart::AlreadyOpen;
        }
        match &self.rebuilding {
            Some(lock) if lock.until_us > now_us && lock.token != *token => {
                let retry_after = Duration::from_micros(lock.until_us - now_us);
                return RebuildStart::Busy { retry_after };
            }
            Some(lock) if lock.until_us > now_us => {}
            _ => self.ended.clear(),
        }
        self.rebuilding = Some(Lock {
            token: token.clone(),
            until_us: now_us.saturating_add(micros(lasts)),
        });
        RebuildStart::Begun
    }

    /// See [`crate::ports::Coordination::finish_rebuild`].
    pub fn finish_rebuild(&mut self, token: &Incarnation, rebuild: &Rebuild, now_us: u64) -> bool {
        let holds_lock = |lock: &Lock| lock.token == *token && lock.until_us > now_us;
        if self.is_open() || !self.rebuilding.as_ref().is_some_and(holds_lock) {
            return false;
        }
        for permit in &rebuild.permits {
            let lasts_us = micros(permit.lasts);
            let known = self.ended.contains(&permit.attempt) || self.held.get(&permit.attempt).is_some();
            if lasts_us > 0 && !known {
                let until_us = now_us.saturating_add(lasts_us);
                self.held.insert(&permit.attempt, &permit.scopes, now_us, until_us);
            }
        }
        for (scope, calls) in &rebuild.day_counts {
            self.set_day(scope.clone(), *calls, now_us);
        }
        self.rebuilding = None;
        self.ended.clear();
        self.open = Some(Open {
            incarnation: Incarnation(format!("{}@{now_us}", token.0)),
            at_us: now_us,
        });
        true
    }

    /// The first limit that does not hold, in the order of [`Limit::ALL`], and when it may.
    fn first_in_the_way(
        &self,
        request: &PermitRequest,
        opened_us: u64,
        now_us: u64,
    ) -> Option<(Limit, Option<Duration>)> {
        let PermitRequest { scopes, limits, .. } = request;
        for ((limit, cap), scope) in day_caps(limits).into_iter().zip(day_scopes(scopes)) {
            if cap.is_some_and(|cap| self.calls_of_day(&scope, now_us) >= cap) {
                return Some((limit, None));
            }
        }
        for ((limit, cap), scope) in concurrency_caps(limits).into_iter().zip(HeldOver::all(scopes)) {
            if let Some(cap) = cap
                && self.held.count(&scope) >= cap as usize
            {
                let room_at_us = self.held.room_at_us(&scope, cap);
                return Some((limit, room_at_us.map(|at| Duration::from_micros(at - now_us))));
            }
        }
        self.first_rate_in_the_way(request, opened_us, now_us, |_| true)
    }

    /// The first of the rates that matter which does not hold, and when it may.
    fn first_rate_in_the_way(
        &self,
        request: &PermitRequest,
        opened_us: u64,
        now_us: u64,
        matters: impl Fn(Rate) -> bool,
    ) -> Option<(Limit, Option<Duration>)> {
        let PermitRequest { scopes, limits, .. } = request;
        for ((limit, rate), by) in rates(limits).into_iter().zip(begun_by(scopes)) {
            let Some(rate) = rate.filter(|rate| matters(*rate)) else {
                continue;
            };
            let Some(interval_us) = rate.interval_us() else {
                return Some((limit, None));
            };
            // The opening counts as a call: what was begun before it is not known.
            let last_us = self.last_begun_us.get(&by).copied().unwrap_or(0).max(opened_us);
            let next_us = last_us.saturating_add(interval_us);
            if now_us < next_us {
                return Some((limit, Some(Duration::from_micros(next_us - now_us))));
            }
        }
        None
    }

    /// A call takes its place under the rates.
    fn begin(&mut self, scopes: &PermitScopes, now_us: u64) {
        for by in begun_by(scopes) {
            self.last_begun_us.insert(by, now_us);
        }
    }

    fn give_back(&mut self, attempt: &AttemptId, now_us: u64) -> Option<PermitScopes> {
        self.held.expire(now_us);
        if self.rebuilding.as_ref().is_some_and(|lock| lock.until_us > now_us) {
            self.ended.insert(attempt.clone());
        }
        self.held.remove(attempt).map(|held| held.scopes)
    }

    fn calls_of_day(&self, scope: &DayScope, now_us: u64) -> u32 {
        let kept = self.days.get(scope).filter(|day| day.kept_until_us > now_us);
        kept.map_or(0, |day| day.calls)
    }

    fn set_day(&mut self, scope: DayScope, calls: u32, now_us: u64) {
        if !self.days.contains_key(&scope) {
            self.days.retain(|_, day| day.kept_until_us > now_us);
        }
        let kept_until_us = now_us.saturating_add(DAY_KEPT_US);
        self.days.insert(scope, DayCount { calls, kept_until_us });
    }

    fn lease_of(&mut self, campaign: &CampaignId, node: &str, epoch: u64, now_us: u64) -> Option<&mut Lease> {
        let lease = self.leases.get_mut(campaign)?;
        (lease.node == node && lease.epoch == epoch && lease.until_us > now_us).then_some(lease)
    }
}

/// What a call of these scopes counts under on its date, in the order of the limits.
pub fn day_scopes(scopes: &PermitScopes) -> [DayScope; 3] {
    [
        CountedOver::Fleet,
        CountedOver::Campaign(scopes.campaign.clone()),
        CountedOver::Country(scopes.country.clone()),
    ]
    .map(|of| DayScope {
        mode: scopes.mode,
        date: scopes.date,
        of,
    })
}

/// The daily caps, in the order in which they are checked.
pub fn day_caps(limits: &PermitLimits) -> [(Limit, Option<u32>); 3] {
    [
        (Limit::FleetPerDay, limits.fleet_per_day),
        (Limit::CampaignPerDay, limits.campaign_per_day),
        (Limit::CountryPerDay, limits.country_per_day),
    ]
}

/// The limits of calls at once, in the order in which they are checked.
pub fn concurrency_caps(limits: &PermitLimits) -> [(Limit, Option<u32>); 4] {
    [
        (Limit::FleetConcurrency, limits.fleet_concurrency),
        (Limit::CampaignConcurrency, limits.campaign_concurrency),
        (Limit::CountryConcurrency, limits.country_concurrency),
        (Limit::CallerIdConcurrency, limits.caller_id_concurrency),
    ]
}

/// The rates, in the order in which they are checked.
pub fn rates(limits: &PermitLimits) -> [(Limit, Option<Rate>); 2] {
    [
        (Limit::FleetRate, limits.fleet_rate),
        (Limit::CampaignRate, limits.campaign_rate),
    ]
}

/// A duration as coordination reckons with it: whole microseconds, at most [`LONGEST_US`].
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(LONGEST_US)
}

fn begun_by(scopes: &PermitScopes) -> [BegunBy; 2] {
    [
        BegunBy::Fleet(scopes.mode),
        BegunBy::Campaign(scopes.mode, scopes.campaign.clone()),
    ]
}
