//! One tick of a campaign: whom to call now, who has to wait and why, and when to look again.

use super::{Breaker, Pace, Trip, ZoneLoad, ZonedWindow};
use crate::domain::{CallingWindow, ContactId, Disposition, PhoneNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the store knows of a campaign at a tick. The store chooses the candidates (dialable, due, by index, at most
/// four times the free permits); everything about time is judged here.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When people may be called.
    pub window: CallingWindow,
    /// Who might be called.
    pub candidates: Vec<Candidate>,
    /// How many contacts are still to be called before the window ends, candidates included, by their own zone
    /// (`None`: the campaign's). Calls are spread by it; `None` for no spreading.
    /// Callbacks are never held back by it.
    pub to_call: Option<BTreeMap<Option<String>, u32>>,
    /// Calls that may begin as far as concurrency and daily caps go.
    pub free_permits: u32,
    /// When the campaign last began a call, UTC milliseconds.
    pub last_begun_ms: Option<i64>,
    /// Numbers with an attempt in flight, of any campaign.
    pub in_flight: BTreeSet<PhoneNumber>,
    /// How long a call may take from the request to the answer: the carrier's queue and the ringing. The window must
    /// stay open for so long.
    pub lead: Duration,
    /// When to pause.
    pub breaker: Breaker,
    /// How the calls ended since the campaign was started or resumed, the latest first.
    pub latest_ends: Vec<Disposition>,
    /// The longest time until the next look.
    pub longest_sleep: Duration,
}

/// Somebody who might be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Who.
    pub contact: ContactId,
    /// At which number.
    pub number: PhoneNumber,
    /// IANA name of the contact's own zone, if it is known.
    pub zone: Option<String>,
    /// Since when and why.
    pub due: Due,
}

/// Why somebody is to be called. The order is the order of dialling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Due {
    /// At the asked time.
    Callback {
        /// From when on, UTC milliseconds.
        at_ms: i64,
    },
    /// After an attempt that reached nobody.
    Retry {
        /// From when on, UTC milliseconds.
        at_ms: i64,
    },
    /// Never tried.
    Fresh {
        /// Place in the campaign's list.
        position: u64,
    },
}

impl Due {
    fn is_callback(self) -> bool {
        matches!(self, Self::Callback { .. })
    }

    /// From when on; `None`: at any time.
    fn at_ms(self) -> Option<i64> {
        match self {
            Self::Callback { at_ms } | Self::Retry { at_ms } => Some(at_ms),
            Self::Fresh { .. } => None,
        }
    }
}

/// Somebody to be called now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialOrder {
    /// Who.
    pub contact: ContactId,
    /// At which number.
    pub number: PhoneNumber,
    /// Why.
    pub due: Due,
    /// When the window closes there, UTC milliseconds: a call that the carrier still holds then is taken back. `None`
    /// if it does not close.
    pub window_closes_ms: Option<i64>,
}

/// Somebody who is not called now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Who.
    pub contact: ContactId,
    /// Why.
    pub reason: RefusalReason,
}

/// Why somebody is not called now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    /// The breaker has tripped.
    Paused,
    /// The zone is not in the time zone database.
    UnknownZone,
    /// Not due yet.
    NotDue {
        /// From when on, UTC milliseconds.
        at_ms: i64,
    },
    /// The window is closed there, or closes before the call could be answered.
    OutsideWindow {
        /// When it opens next, UTC milliseconds; `None` if not within a year.
        opens_at_ms: Option<i64>,
    },
    /// The number is being called, or is called by an order of this plan.
    NumberInUse,
    /// No permit is free.
    NoPermit,
    /// The calls are spread: it is too early for another.
    Spread,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// To be called now, in this order.
    pub orders: Vec<DialOrder>,
    /// Every other candidate.
    pub refusals: Vec<Refusal>,
    /// When to plan again at the latest, UTC milliseconds; a call that ends may be a reason to do so sooner.
    pub wake_at_ms: i64,
    /// Pause the campaign for this reason.
    pub pause: Option<Trip>,
}

/// Plans a tick. The same snapshot and time give the same plan, in whatever order the candidates come.
pub fn plan_tick(snapshot: &Snapshot, now_ms: i64) -> Plan {
    let pause = snapshot.breaker.judge(&snapshot.latest_ends);
    let lead_ms = i64::try_from(snapshot.lead.as_millis()).unwrap_or(i64::MAX);
    let zones = Zones::at(snapshot, now_ms, lead_ms);
    let pace = snapshot
        .to_call
        .as_ref()
        .map(|to_call| zones.pace(to_call, now_ms, lead_ms));
    let spread = pace.map_or(u32::MAX, |pace| pace.allows(snapshot.last_begun_ms, now_ms));

    let mut candidates: Vec<_> = snapshot.candidates.iter().collect();
    candidates.sort_by_key(|candidate| (candidate.due, &candidate.contact));
    let mut plan = Plan {
        orders: Vec::new(),
        refusals: Vec::new(),
        wake_at_ms: now_ms.saturating_add(i64::try_from(snapshot.longest_sleep.as_millis()).unwrap_or(i64::MAX)),
        pause,
    };
    let mut numbers: BTreeSet<_> = snapshot.in_flight.iter().collect();
    for candidate in candidates {
        let window_closes_ms = match zones.judge(candidate, now_ms) {
            _ if pause.is_some() => Err(RefusalReason::Paused),
            Err(reason) => Err(reason),
            Ok(_) if numbers.contains(&candidate.number) => Err(RefusalReason::NumberInUse),
            Ok(_) if plan.orders.len() >= snapshot.free_permits as usize => Err(RefusalReason::NoPermit),
            // A callback is made at the asked time; it counts, and the others wait for it.
            Ok(_) if !candidate.due.is_callback() && plan.orders.len() >= spread as usize => Err(RefusalReason::Spread),
            Ok(window_closes_ms) => Ok(window_closes_ms),
        };
        match window_closes_ms {
            Ok(window_closes_ms) => {
                numbers.insert(&candidate.number);
                plan.orders.push(DialOrder {
                    contact: candidate.contact.clone(),
                    number: candidate.number.clone(),
                    due: candidate.due,
                    window_closes_ms,
                });
            }
            Err(reason) => plan.refusals.push(Refusal {
                contact: candidate.contact.clone(),
                reason,
            }),
        }
    }
    plan.wake_at_ms = wake_at_ms(&plan, pace, snapshot.last_begun_ms, now_ms);
    plan
}

/// The first instant at which a refusal may no longer hold, but for what only an end of a call changes.
fn wake_at_ms(plan: &Plan, pace: Option<Pace>, last_begun_ms: Option<i64>, now_ms: i64) -> i64 {
    let begun = u32::try_from(plan.orders.len()).unwrap_or(u32::MAX);
    let changes = plan.refusals.iter().filter_map(|refusal| match refusal.reason {
        RefusalReason::NotDue { at_ms } => Some(at_ms),
        RefusalReason::OutsideWindow { opens_at_ms } => opens_at_ms,
        RefusalReason::Spread => pace.and_then(|pace| pace.next_at_ms(last_begun_ms, begun, now_ms)),
        _ => None,
    });
    let first = changes
        .min()
        .map_or(plan.wake_at_ms, |at_ms| at_ms.min(plan.wake_at_ms));
    first.max(now_ms.saturating_add(1))
}

/// How the window stands in a zone at the tick.
#[derive(Clone, Copy)]
enum Standing {
    Open { closes_ms: Option<i64> },
    Closed { opens_at_ms: Option<i64> },
    Unknown,
}

/// The standing of every zone that a snapshot names, each found once.
struct Zones<'a> {
    standings: BTreeMap<Option<&'a str>, Standing>,
}

impl<'a> Zones<'a> {
    fn at(snapshot: &'a Snapshot, now_ms: i64, lead_ms: i64) -> Self {
        let of_candidates = snapshot.candidates.iter().map(|candidate| candidate.zone.as_deref());
        let to_call = snapshot.to_call.iter().flat_map(BTreeMap::keys).map(Option::as_deref);
        let names: BTreeSet<_> = of_candidates.chain(to_call).collect();
        let standing = |name: Option<&str>| {
            let Ok(window) = ZonedWindow::new(&snapshot.window, name.unwrap_or(&snapshot.window.zone)) else {
                return Standing::Unknown;
            };
            if !window.is_open(now_ms) {
                let opens_at_ms = window.next_opening(now_ms);
                return Standing::Closed { opens_at_ms };
            }
            let closes_ms = window.closes_at(now_ms);
            match closes_ms {
                // Too late for this opening: the next one.
                Some(closes_ms) if closes_ms.saturating_sub(now_ms) < lead_ms => Standing::Closed {
                    opens_at_ms: window.next_opening(closes_ms),
                },
                _ => Standing::Open { closes_ms },
            }
        };
        Self {
            standings: names.into_iter().map(|name| (name, standing(name))).collect(),
        }
    }

    fn of(&self, zone: Option<&str>) -> Standing {
        self.standings.get(&zone).copied().unwrap_or(Standing::Unknown)
    }

    /// When the window closes for a candidate who may be called now.
    fn judge(&self, candidate: &Candidate, now_ms: i64) -> Result<Option<i64>, RefusalReason> {
        match (self.of(candidate.zone.as_deref()), candidate.due.at_ms()) {
            (Standing::Unknown, _) => Err(RefusalReason::UnknownZone),
            (_, Some(at_ms)) if at_ms > now_ms => Err(RefusalReason::NotDue { at_ms }),
            (Standing::Closed { opens_at_ms }, _) => Err(RefusalReason::OutsideWindow { opens_at_ms }),
            (Standing::Open { closes_ms }, _) => Ok(closes_ms),
        }
    }

    fn pace(&self, to_call: &BTreeMap<Option<String>, u32>, now_ms: i64, lead_ms: i64) -> Pace {
        /// Over how long to spread where the window does not close.
        const DAY_MS: i64 = 24 * 3600 * 1000;
        let loads = to_call
            .iter()
            .filter_map(|(zone, &contacts)| match self.of(zone.as_deref()) {
                Standing::Open { closes_ms } => {
                    let closes_ms = closes_ms.unwrap_or_else(|| now_ms.saturating_add(DAY_MS));
                    let last_start_ms = closes_ms.saturating_sub(lead_ms).max(now_ms.saturating_add(1));
                    Some(ZoneLoad {
                        contacts,
                        last_start_ms,
                    })
                }
                Standing::Closed { .. } | Standing::Unknown => None,
            });
        Pace::of(&loads.collect::<Vec<_>>(), now_ms)
    }
}
