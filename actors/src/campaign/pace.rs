//! Spreading of calls over what is left of the window (DIAL-9).

/// Contacts that are still to be called in a zone whose window is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ZoneLoad {
    /// How many.
    pub contacts: u32,
    /// Until when a call there may begin, UTC milliseconds.
    pub last_start_ms: i64,
}

/// How fast to call, so that the last contact of every zone is begun when the window there ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    calls_per_ms: f64,
}

/// However long a campaign was held up, it makes up for no more than this at once.
const LONGEST_CATCH_UP_MS: i64 = 1_000;

impl Pace {
    /// The pace that what is left needs: the sum over the zones of contacts by time left.
    pub fn of(loads: &[ZoneLoad], now_ms: i64) -> Self {
        let share = |load: &ZoneLoad| {
            let left_ms = load.last_start_ms.saturating_sub(now_ms);
            if left_ms > 0 {
                f64::from(load.contacts) / left_ms as f64
            } else {
                0.0
            }
        };
        Self {
            calls_per_ms: loads.iter().map(share).sum(),
        }
    }

    /// How many calls may begin now, when the last one began at `last_begun_ms`; the first may begin at once.
    pub fn allows(&self, last_begun_ms: Option<i64>, now_ms: i64) -> u32 {
        let Some(last_begun_ms) = last_begun_ms else {
            return u32::from(self.calls_per_ms > 0.0);
        };
        let since_ms = now_ms.saturating_sub(last_begun_ms).max(0);
        let due = since_ms as f64 * self.calls_per_ms;
        // At the longest one call, or what a second brings.
        let at_once = (LONGEST_CATCH_UP_MS as f64 * self.calls_per_ms).max(1.0);
        // A float converted to an integer is cut off and stays in range. An instant a millisecond is rounded to may
        // fall short of the whole by a hair.
        (due.min(at_once) + 1e-9) as u32
    }

    /// When the next call may begin, if `begun` begin now. `None` if nobody is left to be called.
    pub fn next_at_ms(&self, last_begun_ms: Option<i64>, begun: u32, now_ms: i64) -> Option<i64> {
        let interval_ms = 1.0 / self.calls_per_ms;
        if !interval_ms.is_finite() {
            return None;
        }
        let from_ms = if begun > 0 {
            now_ms
        } else {
            last_begun_ms.unwrap_or(now_ms)
        };
        Some(
            from_ms
                .saturating_add(interval_ms.ceil() as i64)
                .max(now_ms.saturating_add(1)),
        )
    }
}
