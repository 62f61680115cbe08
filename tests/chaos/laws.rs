//! What must hold whatever fails, judged from a record alone: what the carrier saw, and what the database says. Pure:
//! nothing here knows how the record came about, and no rule of the product is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A second, and how long permits may outlive the last call, in milliseconds.
const SECOND_MS: i64 = 1_000;
const PERMITS_GO_WITHIN_MS: i64 = 60_000;

/// Everything that the laws are about. Times are UTC milliseconds unless they say otherwise.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Calls, as the carrier saw them.
    pub calls: Vec<Call>,
    /// Attempts, as the database has them at the end.
    pub attempts: Vec<Attempt>,
    /// Moments at which an attempt was marked as submitting.
    pub marks: Vec<Mark>,
    /// When each number was opted out, by the database's clock: UTC microseconds of the commit.
    pub opt_outs: BTreeMap<String, i64>,
    /// Campaigns, by id.
    pub campaigns: BTreeMap<String, Campaign>,
    /// Limits over all campaigns.
    pub fleet: Limits,
    /// Limits of each country, by its calling code; a rate is not among them.
    pub country: Limits,
    /// Calls at once from one caller id.
    pub per_caller_id: Option<usize>,
    /// When no permit was held any more; `None`: some still were when the run was judged.
    pub permits_gone_ms: Option<i64>,
}

/// A call, as the carrier saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The carrier's id.
    pub sid: String,
    /// The attempt it was placed for.
    pub attempt: String,
    /// E.164.
    pub to: String,
    /// E.164.
    pub from: String,
    /// When it was created.
    pub begun_ms: i64,
    /// When it was over.
    pub over_ms: Option<i64>,
}

/// An attempt's row.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: String,
    pub campaign: String,
    /// The contact's own zone, if it has one.
    pub zone: Option<String>,
    /// Calling code.
    pub country: String,
    /// The day it counts for.
    pub day: String,
    /// What came of it; `None`: it has not ended.
    pub outcome: Option<String>,
}

/// An attempt was marked as submitting.
#[derive(Clone, Debug)]
pub struct Mark {
    pub attempt: String,
    pub number: String,
    /// When that was committed, UTC microseconds by the database's clock.
    pub at_us: i64,
    /// Who marked it: node and epoch.
    pub by: (String, i64),
    /// Who led the campaign then, as the database knew: node and epoch.
    pub leader: (String, i64),
}

/// A campaign.
#[derive(Clone, Debug, Default)]
pub struct Campaign {
    /// When calls may begin, by zone; a zone that is not here is never open. `None`: the campaign's own.
    pub windows: BTreeMap<Option<String>, Vec<Span>>,
    pub limits: Limits,
    /// Whether everybody could be called, so that it has to finish.
    pub must_finish: bool,
    /// Where it stood at the end.
    pub finished: bool,
}

/// From the first to before the second.
pub type Span = (i64, i64);

/// `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub at_once: Option<usize>,
    pub per_second: Option<usize>,
    pub per_day: Option<usize>,
}

/// A law.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Law {
    /// Nobody is called twice for one attempt, and for none.
    OneCallPerAttempt,
    /// Nobody is called while another call to them is under way.
    OneCallPerNumber,
    /// No call begins outside its window.
    Window,
    /// No attempt is marked after an opt-out to its number was committed.
    OptOut,
    /// No attempt is marked by anybody but the leader.
    Leader,
    /// Calls at once stay within every limit.
    Concurrency,
    /// Calls of a day stay within every cap.
    DailyCap,
    /// Arrivals in any second stay within every rate, plus one.
    Rate,
    /// Every attempt ends with an outcome, and every call ends.
    Outcome,
    /// A campaign that can finish does.
    Finish,
    /// No permit is left within 60 s of the last call's end.
    Permits,
}

impl Law {
    /// True for those that can be judged while a run goes on: what broke them cannot be made good.
    pub fn holds_always(self) -> bool {
        !matches!(self, Self::Outcome | Self::Finish | Self::Permits)
    }
}

/// A law that was broken, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    pub law: Law,
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.law, self.what)
    }
}

/// Every breach of every law, each once.
pub fn breaches(record: &Record) -> Vec<Breach> {
    let mut found = Breaches::default();
    let attempts: BTreeMap<&str, &Attempt> = record.attempts.iter().map(|a| (a.id.as_str(), a)).collect();
    one_call_per_attempt(record, &attempts, &mut found);
    one_call_per_number(record, &mut found);
    windows(record, &attempts, &mut found);
    marks(record, &mut found);
    limits(record, &attempts, &mut found);
    ends(record, &mut found);
    found.0
}

#[derive(Default)]
struct Breaches(Vec<Breach>);

impl Breaches {
    fn add(&mut self, law: Law, what: String) {
        self.0.push(Breach { law, what });
    }
}

fn one_call_per_attempt(record: &Record, attempts: &BTreeMap<&str, &Attempt>, found: &mut Breaches) {
    let mut called = BTreeSet::new();
    for call in &record.calls {
        if !called.insert(&call.attempt) {
            found.add(
                Law::OneCallPerAttempt,
                format!("{} is the second call of {}", call.sid, call.attempt),
            );
        }
        if !attempts.contains_key(call.attempt.as_str()) {
            let what = format!(
                "{} was placed for {}, which the database does not know",
                call.sid, call.attempt
            );
            found.add(Law::OneCallPerAttempt, what);
        }
    }
}

fn one_call_per_number(record: &Record, found: &mut Breaches) {
    for (number, calls) in by(&record.calls, |call| Some(call.to.as_str())) {
        if let Some(at_ms) = above(&calls, 1) {
            found.add(
                Law::OneCallPerNumber,
                format!("two calls at once to {number} at {at_ms}"),
            );
        }
    }
}

fn windows(record: &Record, attempts: &BTreeMap<&str, &Attempt>, found: &mut Breaches) {
    for call in &record.calls {
        let Some(attempt) = attempts.get(call.attempt.as_str()) else {
            continue;
        };
        let open = record.campaigns.get(&attempt.campaign).is_some_and(|campaign| {
            let spans = campaign.windows.get(&attempt.zone).into_iter().flatten();
            spans.into_iter().any(|&(from, to)| (from..to).contains(&call.begun_ms))
        });
        if !open {
            let what = format!("{} of {} began at {}", call.sid, attempt.campaign, call.begun_ms);
            found.add(Law::Window, what);
        }
    }
}

fn marks(record: &Record, found: &mut Breaches) {
    for mark in &record.marks {
        if record
            .opt_outs
            .get(&mark.number)
            .is_some_and(|&at_us| at_us < mark.at_us)
        {
            let what = format!("{} was marked after the opt-out to {}", mark.attempt, mark.number);
            found.add(Law::OptOut, what);
        }
        if mark.by != mark.leader {
            let what = format!(
                "{} was marked by {:?} while {:?} led",
                mark.attempt, mark.by, mark.leader
            );
            found.add(Law::Leader, what);
        }
    }
}

fn limits(record: &Record, attempts: &BTreeMap<&str, &Attempt>, found: &mut Breaches) {
    let attempt_of = |call: &Call| attempts.get(call.attempt.as_str()).copied();
    let all: Vec<&Call> = record.calls.iter().collect();
    keep(&record.fleet, "the fleet", &all, attempts, found);
    for (id, calls) in by(&record.calls, |call| Some(attempt_of(call)?.campaign.as_str())) {
        let own = record
            .campaigns
            .get(id)
            .map_or_else(Limits::default, |campaign| campaign.limits);
        keep(&own, id, &calls, attempts, found);
    }
    for (country, calls) in by(&record.calls, |call| Some(attempt_of(call)?.country.as_str())) {
        keep(&record.country, country, &calls, attempts, found);
    }
    let caller_id = Limits {
        at_once: record.per_caller_id,
        ..Limits::default()
    };
    for (from, calls) in by(&record.calls, |call| Some(call.from.as_str())) {
        keep(&caller_id, from, &calls, attempts, found);
    }
}

/// Whether the calls of one scope keep its limits.
fn keep(limits: &Limits, scope: &str, calls: &[&Call], attempts: &BTreeMap<&str, &Attempt>, found: &mut Breaches) {
    if let Some(limit) = limits.at_once
        && let Some(at_ms) = above(calls, limit)
    {
        found.add(
            Law::Concurrency,
            format!("{scope}: more than {limit} calls at once at {at_ms}"),
        );
    }
    if let Some(limit) = limits.per_second
        && let Some((at_ms, arrivals)) = busiest_second(calls)
        && arrivals > limit + 1
    {
        found.add(
            Law::Rate,
            format!("{scope}: {arrivals} calls in the second from {at_ms}, allowed are {limit}"),
        );
    }
    if let Some(limit) = limits.per_day {
        let mut days: BTreeMap<&str, usize> = BTreeMap::new();
        for attempt in calls.iter().filter_map(|call| attempts.get(call.attempt.as_str())) {
            *days.entry(&attempt.day).or_default() += 1;
        }
        for (day, count) in days.into_iter().filter(|&(_, count)| count > limit) {
            found.add(
                Law::DailyCap,
                format!("{scope}: {count} calls on {day}, allowed are {limit}"),
            );
        }
    }
}

fn ends(record: &Record, found: &mut Breaches) {
    for call in record.calls.iter().filter(|call| call.over_ms.is_none()) {
        found.add(Law::Outcome, format!("{} has not ended", call.sid));
    }
    for attempt in record.attempts.iter().filter(|attempt| attempt.outcome.is_none()) {
        found.add(
            Law::Outcome,
            format!("{} of {} has no outcome", attempt.id, attempt.campaign),
        );
    }
    for (id, campaign) in &record.campaigns {
        if campaign.must_finish && !campaign.finished {
            found.add(Law::Finish, format!("{id} has not finished"));
        }
    }
    let last_over_ms = record.calls.iter().filter_map(|call| call.over_ms).max().unwrap_or(0);
    match record.permits_gone_ms {
        Some(at_ms) if record.calls.is_empty() || at_ms <= last_over_ms + PERMITS_GO_WITHIN_MS => {}
        Some(at_ms) => {
            let late_ms = at_ms - last_over_ms;
            found.add(
                Law::Permits,
                format!("a permit was left {late_ms} ms after the last call's end"),
            );
        }
        None => found.add(Law::Permits, "permits are left".to_owned()),
    }
}

fn by<'a>(calls: &'a [Call], key: impl Fn(&'a Call) -> Option<&'a str>) -> BTreeMap<&'a str, Vec<&'a Call>> {
    let mut groups: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Some(key) = key(call) {
            groups.entry(key).or_default().push(call);
        }
    }
    groups
}

/// When more than so many of these calls were under way at once, if ever. One that ends when another begins is not
/// under way with it.
fn above(calls: &[&Call], limit: usize) -> Option<i64> {
    let mut changes: Vec<(i64, bool)> = Vec::with_capacity(calls.len() * 2);
    for call in calls {
        changes.push((call.begun_ms, true));
        changes.extend(call.over_ms.map(|at_ms| (at_ms.max(call.begun_ms + 1), false)));
    }
    changes.sort_unstable();
    let mut under_way = 0_usize;
    changes.into_iter().find_map(|(at_ms, begins)| {
        under_way = if begins {
            under_way + 1
        } else {
            under_way.saturating_sub(1)
        };
        (under_way > limit).then_some(at_ms)
    })
}

/// The second in which most of these calls began, and how many.
fn busiest_second(calls: &[&Call]) -> Option<(i64, usize)> {
    let mut begun: Vec<i64> = calls.iter().map(|call| call.begun_ms).collect();
    begun.sort_unstable();
    let mut busiest: Option<(i64, usize)> = None;
    for (index, &from_ms) in begun.iter().enumerate() {
        let arrivals = begun.partition_point(|&at_ms| at_ms < from_ms + SECOND_MS) - index;
        if busiest.is_none_or(|(_, most)| arrivals > most) {
            busiest = Some((from_ms, arrivals));
        }
    }
    busiest
}

#[cfg(test)]
#[path = "laws_tests.rs"]
mod tests;
