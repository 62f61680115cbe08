//! Calling windows: at what local times people may be called.
//!
//! The rule is read off the clock on the called person's wall: a call is allowed at an instant if the local time lies
//! in the range, on a weekday that is named, on a date that is not blocked. Where the clock is put forward a part of
//! the range may not exist; where it is put back a part may come twice. Both follow from the rule.

use crate::ports::LocalDate;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// All, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// A time of day in minutes after midnight, 00:00 to 24:00.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WindowTime(u16);

/// What is wrong with a rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WindowFault {
    /// Not a time of day.
    #[error("not a time of day: write hours and minutes, 00:00 to 24:00, for example 11:00")]
    Time,
    /// A range without a length.
    #[error("the window opens and closes at the same time; for the whole day write 00:00 to 24:00")]
    Empty,
    /// No weekday.
    #[error("the window names no weekday; name at least one")]
    NoWeekday,
}

const DAY_MINUTES: u16 = 24 * 60;

impl WindowTime {
    /// A time of day.
    ///
    /// # Errors
    /// [`WindowFault::Time`] beyond 24:00, or with 60 minutes and more.
    pub fn new(hour: u8, minute: u8) -> Result<Self, WindowFault> {
        let minutes = u16::from(hour) * 60 + u16::from(minute);
        if minute < 60 && minutes <= DAY_MINUTES {
            Ok(Self(minutes))
        } else {
            Err(WindowFault::Time)
        }
    }
}

impl TryFrom<String> for WindowTime {
    type Error = WindowFault;

    /// Reads `HH:MM`.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let two_digits = |part: &str| {
            let well_formed = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| well_formed).ok_or(WindowFault::Time)
        };
        let (hour, minute) = text.split_once(':').ok_or(WindowFault::Time)?;
        Self::new(two_digits(hour)?, two_digits(minute)?)
    }
}

impl From<WindowTime> for String {
    fn from(time: WindowTime) -> Self {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

/// When people may be called, in whatever zone it is read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// On which days it opens. What an overnight window has after midnight belongs to the day on which it opened.
    pub weekdays: BTreeSet<Weekday>,
    /// From when, included.
    pub opens: WindowTime,
    /// Until when, excluded. Earlier than `opens`: on the next day.
    pub closes: WindowTime,
    /// Dates on which nobody is called at all, such as public holidays.
    #[serde(default)]
    pub blocked_dates: BTreeSet<LocalDate>,
}

impl Default for WindowRule {
    /// 11:00 to 17:00, Monday to Friday.
    fn default() -> Self {
        Self {
            weekdays: Weekday::ALL[..5].iter().copied().collect(),
            opens: WindowTime(11 * 60),
            closes: WindowTime(17 * 60),
            blocked_dates: BTreeSet::new(),
        }
    }
}

impl From<&crate::domain::CallingWindow> for WindowRule {
    /// As a campaign's author wrote it.
    fn from(window: &crate::domain::CallingWindow) -> Self {
        let closes = if window.is_all_day() {
            DAY_MINUTES
        } else {
            window.end.minutes()
        };
        Self {
            weekdays: window.weekdays.iter().map(|&day| Weekday::from(day)).collect(),
            opens: WindowTime(window.start.minutes()),
            closes: WindowTime(closes),
            blocked_dates: window.blocked_dates.iter().map(|&date| LocalDate::from(date)).collect(),
        }
    }
}

impl From<crate::domain::Weekday> for Weekday {
    fn from(day: crate::domain::Weekday) -> Self {
        use crate::domain::Weekday as Written;
        match day {
            Written::Monday => Self::Monday,
            Written::Tuesday => Self::Tuesday,
            Written::Wednesday => Self::Wednesday,
            Written::Thursday => Self::Thursday,
            Written::Friday => Self::Friday,
            Written::Saturday => Self::Saturday,
            Written::Sunday => Self::Sunday,
        }
    }
}

impl WindowRule {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`WindowFault`] if the window could never open.
    pub fn check(&self) -> Result<(), WindowFault> {
        if self.opens == self.closes {
            return Err(WindowFault::Empty);
        }
        if self.weekdays.is_empty() {
            return Err(WindowFault::NoWeekday);
        }
        Ok(())
    }

    fn holds_at(&self, local: DateTime) -> bool {
        let minute = minute_of_day(local);
        let opens_on = |date: jiff::civil::Date| self.weekdays.contains(&weekday_of(date));
        let in_range = if self.opens < self.closes {
            opens_on(local.date()) && (self.opens.0..self.closes.0).contains(&minute)
        } else {
            let began_today = minute >= self.opens.0 && opens_on(local.date());
            let began_yesterday = minute < self.closes.0 && local.date().yesterday().is_ok_and(opens_on);
            began_today || began_yesterday
        };
        in_range && self.opens != self.closes && !self.blocked_dates.contains(&local_date_of(local))
    }
}

/// A zone that the time zone database does not have. Nobody is called by a clock that is not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown time zone {name:?}: write an IANA name, for example Asia/Kolkata")]
pub struct UnknownZone {
    /// As it was written.
    pub name: String,
}

/// A rule read in a zone. Instants are UTC milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct CallingWindow {
    rule: WindowRule,
    zone: TimeZone,
}

/// The zone of a campaign that names none.
pub const DEFAULT_ZONE: &str = "Asia/Kolkata";

/// How far ahead an opening or closing is looked for.
const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

impl CallingWindow {
    /// A rule in the zone of an IANA name.
    ///
    /// # Errors
    /// [`UnknownZone`], `Etc/Unknown` included.
    pub fn new(rule: WindowRule, zone: &str) -> Result<Self, UnknownZone> {
        let found = TimeZone::get(zone).ok().filter(|zone| !zone.is_unknown());
        let zone = found.ok_or_else(|| UnknownZone { name: zone.to_owned() })?;
        Ok(Self { rule, zone })
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
    pub fn local_date(&self, at_ms: i64) -> Option<LocalDate> {
        instant(at_ms).map(|at| local_date_of(self.local(at)))
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn is_open_at(&self, at: Timestamp) -> bool {
        self.rule.holds_at(self.local(at))
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
        let boundary = [self.rule.opens, self.rule.closes, WindowTime(DAY_MINUTES)]
            .into_iter()
            .filter_map(|time| {
                let boundary = midnight
                    .checked_add(SignedDuration::from_mins(i64::from(time.0)))
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

fn weekday_of(date: jiff::civil::Date) -> Weekday {
    let index = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    Weekday::ALL[index % 7]
}

fn local_date_of(local: DateTime) -> LocalDate {
    LocalDate {
        year: local.year().unsigned_abs(),
        month: local.month().unsigned_abs(),
        day: local.day().unsigned_abs(),
    }
}
