//! Calling windows: at what local times people may be called.
//!
//! The rule is read off the clock on the called person's wall: a call is allowed at an instant if the local time lies
//! in the range, on a weekday that is named, on a date that is not blocked. Where the clock is put forward a part of
//! the range may not exist; where it is put back a part may come twice. Both follow from the rule.

use crate::domain::{CalendarDate, CallingWindow, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const DAY_MINUTES: u16 = 24 * 60;

/// A zone that the time zone database does not have. Nobody is called by a clock that is not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown time zone {name:?}: write an IANA name, for example Asia/Kolkata")]
pub struct UnknownZone {
    /// As it was written.
    pub name: String,
}

/// A calling window read in a zone: the contact's own, or else the one that is written with it. Instants are UTC
/// milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct ZonedWindow {
    written: CallingWindow,
    zone: TimeZone,
}

/// Contacts' zones, apart by whether a window is open in them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZonesNow {
    /// Those in which it is open.
    pub open: Vec<Option<String>>,
    /// If it is open in none: when it opens first in one of them, UTC milliseconds. `None` if not within a year.
    pub opens_at_ms: Option<i64>,
}

impl ZonesNow {
    /// Looks at zones of contacts; `None` is the one that is written with the window. One that is not known is never open.
    pub fn of(written: &CallingWindow, zones: Vec<Option<String>>, at_ms: i64) -> Self {
        let window_in =
            |zone: &Option<String>| ZonedWindow::new(written, zone.as_deref().unwrap_or(&written.zone)).ok();
        let (open, shut): (Vec<_>, Vec<_>) = zones
            .into_iter()
            .partition(|zone| window_in(zone).is_some_and(|window| window.is_open(at_ms)));
        let opens_at_ms = match open.is_empty() {
            true => {
                let windows = shut.iter().filter_map(window_in);
                windows.filter_map(|window| window.next_opening(at_ms)).min()
            }
            false => None,
        };
        Self { open, opens_at_ms }
    }
}

/// How far ahead an opening or closing is looked for.
const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

impl ZonedWindow {
    /// A window in the zone of an IANA name.
    ///
    /// # Errors
    /// [`UnknownZone`], `Etc/Unknown` included.
    pub fn new(window: &CallingWindow, zone: &str) -> Result<Self, UnknownZone> {
        let found = TimeZone::get(zone).ok().filter(|zone| !zone.is_unknown());
        let zone = found.ok_or_else(|| UnknownZone { name: zone.to_owned() })?;
        Ok(Self {
            written: window.clone(),
            zone,
        })
    }

    /// Whether a call may be made at this instant.
    pub fn is_open(&self, at_ms: i64) -> bool {
        instant(at_ms).is_some_and(|at| self.is_open_at(at))
    }

    /// The first instant from this one on at which the window is open; itself if it is open now. `None` if there is
    /// none within a year.
    pub fn next_opening(&self, at_ms: i64) -> Option<i64> {
        self.first(at_ms, true)
    }

    /// When the window closes that is open at this instant; this instant itself if it is closed. `None` if it stays
    /// open for a year.
    pub fn closes_at(&self, at_ms: i64) -> Option<i64> {
        self.first(at_ms, false)
    }

    /// The date in the zone, by which calls are counted. `None` for an instant beyond the calendar.
    pub fn local_date(&self, at_ms: i64) -> Option<CalendarDate> {
        instant(at_ms).and_then(|at| date_of(self.local(at).date()))
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn is_open_at(&self, at: Timestamp) -> bool {
        let local = self.local(at);
        let minute = minute_of_day(local);
        let (opens, closes) = self.range();
        let opens_on = |date: Date| self.written.weekdays.contains(&weekday_of(date));
        let in_range = if opens < closes {
            opens_on(local.date()) && (opens..closes).contains(&minute)
        } else {
            // What an overnight window has after midnight belongs to the day on which it opened.
            let began_today = minute >= opens && opens_on(local.date());
            let began_yesterday = minute < closes && local.date().yesterday().is_ok_and(opens_on);
            began_today || began_yesterday
        };
        let blocked = date_of(local.date()).is_none_or(|date| self.written.blocked_dates.contains(&date));
        in_range && opens != closes && !blocked
    }

    /// The minutes of the day from which and before which it is open.
    fn range(&self) -> (u16, u16) {
        let closes = match self.written.is_all_day() {
            true => DAY_MINUTES,
            false => self.written.end.minutes(),
        };
        (self.written.start.minutes(), closes)
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_offset(at).to_datetime(at)
    }

    /// The first instant from `at_ms` on at which the window is open, or closed. Goes from one instant at which that
    /// may change to the next.
    fn first(&self, at_ms: i64, open: bool) -> Option<i64> {
        let mut at = instant(at_ms)?;
        let end = at.checked_add(HORIZON).ok()?;
        while self.is_open_at(at) != open {
            at = self.next_boundary(at)?;
            if at > end {
                return None;
            }
        }
        // Boundaries are whole seconds: nothing is cut off.
        Some(at.as_millisecond())
    }

    /// The next instant after `at` at which the answer may change: the range's begin or end, midnight, or a change of
    /// the zone's offset, up to which local time runs evenly.
    fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        let local = self.local(at);
        let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
        let (opens, closes) = self.range();
        let boundary = [opens, closes, DAY_MINUTES]
            .into_iter()
            .filter_map(|minutes| {
                let boundary = midnight
                    .checked_add(SignedDuration::from_mins(i64::from(minutes)))
                    .ok()?;
                let ahead = boundary.duration_since(local);
                (ahead > SignedDuration::ZERO).then_some(ahead)
            })
            .min()?;
        let by_the_clock = at.checked_add(boundary).ok()?;
        let changes = self.zone.following(at).next().map(|change| change.timestamp());
        Some(changes.map_or(by_the_clock, |change| change.min(by_the_clock)))
    }
}

fn instant(at_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at_ms).ok()
}

fn minute_of_day(local: DateTime) -> u16 {
    // Hours and minutes of a civil time are never negative.
    u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
}

fn weekday_of(date: Date) -> Weekday {
    let index = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    Weekday::ALL[index % 7]
}

/// `None` before the common era, where nobody is called.
fn date_of(date: Date) -> Option<CalendarDate> {
    CalendarDate::new(
        u16::try_from(date.year()).ok()?,
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    )
}
