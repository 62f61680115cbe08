//! Opening admission: an empty coordination is told by one node what the store knows.

use crate::domain::{AttemptState, CalendarDate};
use crate::ports::{
    Clock, Coordination, CoordinationError, CountedOver, DayScope, DialerStore, HeldPermit, Incarnation, PermitScopes,
    Rebuild, RebuildStart, RecordedUsage, StoreError,
};
use crate::runtime::mint::TokenMint;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long one node may take to read the store.
const REBUILD_LASTS: Duration = Duration::from_secs(30);

/// A call whose permit should have run out counts for so long more: it has not ended as far as anybody knows.
const LEAST_LASTS_MS: i64 = 60_000;

/// Why admission is not open.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The coordination does not answer.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens admission where it is shut.
pub struct Gate {
    coordination: Arc<dyn Coordination>,
    dialer: Arc<dyn DialerStore>,
    clock: Arc<dyn Clock>,
    /// One for all rebuilds of this node, so that a coordination that did not answer once does not stay shut until its
    /// lock runs out. Held while one goes on.
    token: Mutex<Incarnation>,
}

impl Gate {
    /// A gate.
    pub fn new(
        coordination: Arc<dyn Coordination>,
        dialer: Arc<dyn DialerStore>,
        clock: Arc<dyn Clock>,
        mint: &dyn TokenMint,
    ) -> Self {
        Self {
            coordination,
            dialer,
            clock,
            token: Mutex::new(Incarnation(mint.attempt_id().as_str().to_owned())),
        }
    }

    /// Whether admission is open; rebuilds it if it is shut and no other node is at it.
    ///
    /// # Errors
    /// [`GateError`]; it stays shut then.
    pub async fn open(&self) -> Result<bool, GateError> {
        if self.coordination.is_open().await? {
            return Ok(true);
        }
        let token = self.token.lock().await;
        match self.coordination.begin_rebuild(&token, REBUILD_LASTS).await? {
            RebuildStart::AlreadyOpen => return Ok(true),
            RebuildStart::Busy { .. } => return Ok(false),
            RebuildStart::Begun => {}
        }
        // Read after the lock was taken, and not before: every call placed is marked in the store by now, or will find
        // its permit void.
        let now_ms = self.clock.unix_ms();
        let usage = self.dialer.usage(earliest_today(now_ms), now_ms).await?;
        let rebuild = rebuild(&usage, now_ms);
        let (permits, counts) = (rebuild.permits.len(), rebuild.day_counts.len());
        let opened = self.coordination.finish_rebuild(&token, &rebuild).await?;
        if opened {
            tracing::info!(
                permits,
                counts,
                "admission is open: permits and counts are as the store has them"
            );
        }
        Ok(opened)
    }
}

/// The date of the zone that is last to begin one (UTC-12).
fn earliest_today(now_ms: i64) -> CalendarDate {
    let date = Timestamp::from_millisecond(now_ms)
        .ok()
        .and_then(|now| now.checked_sub(SignedDuration::from_hours(12)).ok())
        .map(|then| then.to_zoned(TimeZone::UTC).date());
    date.and_then(|date| {
        CalendarDate::new(
            date.year().unsigned_abs(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    })
    .unwrap_or(CalendarDate::FIRST)
}

/// What the coordination is to know.
fn rebuild(usage: &RecordedUsage, now_ms: i64) -> Rebuild {
    let permits = usage.may_have_call.iter().filter_map(|found| {
        if found.row.state == AttemptState::Planned {
            return None;
        }
        let until_ms = found.permit_deadline_ms.unwrap_or(now_ms);
        let lasts_ms = until_ms.saturating_sub(now_ms).max(LEAST_LASTS_MS);
        Some(HeldPermit {
            attempt: found.row.id.clone(),
            scopes: PermitScopes {
                mode: found.row.mode,
                campaign: found.row.campaign.clone(),
                country: found.country.clone()?,
                caller_id: found.caller_id.clone()?,
                date: found.local_date?,
            },
            lasts: Duration::from_millis(lasts_ms.unsigned_abs()),
        })
    });
    let mut day_counts = BTreeMap::new();
    for day in &usage.by_day {
        let date = day.local_date;
        for of in [
            CountedOver::Fleet,
            CountedOver::Campaign(day.campaign.clone()),
            CountedOver::Country(day.country.clone()),
        ] {
            let scope = DayScope {
                mode: day.mode,
                date,
                of,
            };
            let count: &mut u32 = day_counts.entry(scope).or_default();
            *count = count.saturating_add(u32::try_from(day.calls).unwrap_or(u32::MAX));
        }
    }
    Rebuild {
        permits: permits.collect(),
        day_counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_reads_from_the_date_of_the_last_zone_on() {
        // 2026-11-22 06:00 UTC: it is still the 21st at UTC-12.
        assert_eq!(earliest_today(1_795_327_200_000).to_string(), "2026-11-21");
        assert_eq!(
            earliest_today(1_795_327_200_000 + 7 * 3_600_000).to_string(),
            "2026-11-22"
        );
    }
}
