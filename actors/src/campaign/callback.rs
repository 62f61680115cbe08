//! The instant of a callback: what somebody's words of time mean on the clock on their wall, in the window in which
//! they may be called.
//!
//! A wish is read as spans of time, the likelier readings first. The callback is the first instant in one of them at
//! which the window is open. A wish that the window never allows is not lost: it moves to the next opening.

use super::ZonedWindow;
use crate::domain::{DaySpan, SpokenClock, SpokenDay, SpokenHours, SpokenTime, TimeOfDay, Weekday};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use std::ops::RangeInclusive;

/// The hours meant by who names a day alone; "before five" begins with them too.
const SEEMLY_HOURS: (TimeOfDay, TimeOfDay) = (TimeOfDay::hour(9), TimeOfDay::hour(21));
/// From when until when "six" is likely to be meant if the window allows neither.
const WAKING_HOURS: RangeInclusive<u16> = 7 * 60..=22 * 60;
/// "At six" is kept by a call in the hour from six on.
const AT: SignedDuration = SignedDuration::from_hours(1);
/// "Later today" and "in the afternoon" are not at once.
const LATER: SignedDuration = SignedDuration::from_hours(2);
/// For so many days "after six" waits for a day on which the window is open then.
const DAYS_AHEAD: i32 = 8;

/// When somebody is to be called who asked for it at `requested_at_ms`: not before `earliest_ms`, and at an instant at
/// which the window is open, if it opens within a year. All in UTC milliseconds.
///
/// Where the clock is put forward, a time that does not exist is as much later; where it is put back, the first of two
/// is meant.
pub fn callback_at(asked: &SpokenTime, requested_at_ms: i64, earliest_ms: i64, window: &ZonedWindow) -> i64 {
    let opening = |at_ms: i64| window.next_opening(at_ms).unwrap_or(at_ms);
    match asked {
        SpokenTime::In { minutes } => {
            let asked_ms = requested_at_ms.saturating_add(i64::from(*minutes) * 60_000);
            opening(asked_ms.max(earliest_ms))
        }
        SpokenTime::On { day, hours } => {
            let wish = Timestamp::from_millisecond(requested_at_ms).ok().and_then(|requested| {
                Wish {
                    requested,
                    earliest_ms: earliest_ms.max(requested_at_ms),
                    window,
                }
                .instant(*day, *hours)
            });
            wish.unwrap_or_else(|| opening(earliest_ms))
        }
    }
}

/// From an instant until another, in UTC milliseconds.
#[derive(Clone, Copy)]
struct Stretch {
    from_ms: i64,
    until_ms: i64,
}

struct Wish<'a> {
    requested: Timestamp,
    earliest_ms: i64,
    window: &'a ZonedWindow,
}

impl Wish<'_> {
    /// `None` beyond the calendar.
    fn instant(&self, day: Option<SpokenDay>, hours: Option<SpokenHours>) -> Option<i64> {
        let today = self.zone().to_datetime(self.requested).date();
        let dates = match day {
            Some(day) => dates(day, today)?,
            None => (today, plus_days(today, DAYS_AHEAD)?),
        };
        let days =
            || std::iter::successors(Some(dates.0), |date| date.tomorrow().ok()).take_while(|date| *date <= dates.1);
        let later_ms = self.requested.checked_add(LATER).ok()?.as_millisecond();
        // Hours without a day are those to come, and what is left a while later of those that have begun: who says "in
        // the morning" late in the morning means tomorrow's.
        let to_come = |stretch: Stretch| {
            let counts_at_once = day.is_some() || matches!(hours, Some(SpokenHours::Before(_)));
            let begun = stretch.from_ms <= self.requested.as_millisecond();
            let from_ms = if begun && !counts_at_once {
                later_ms
            } else {
                stretch.from_ms
            };
            (from_ms < stretch.until_ms).then_some(Stretch { from_ms, ..stretch })
        };
        let stretches = |meant: &dyn Fn(Date) -> Vec<Reading>| -> Vec<Stretch> {
            days()
                .flat_map(meant)
                .filter_map(|reading| self.stretch(reading))
                .filter_map(to_come)
                .collect()
        };
        let closely = stretches(&|date| closely(date, hours));
        let broadly = stretches(&|date| broadly(date, hours));
        let soon_ms = if hours.is_none() { later_ms } else { self.earliest_ms };
        self.first_open(&closely, soon_ms.max(self.earliest_ms))
            .or_else(|| self.first_open(&broadly, self.earliest_ms))
            .or_else(|| {
                let asked = broadly.iter().find(|stretch| stretch.until_ms > self.earliest_ms);
                let asked_ms = asked.map_or(self.earliest_ms, |stretch| stretch.from_ms.max(self.earliest_ms));
                Some(self.window.next_opening(asked_ms).unwrap_or(asked_ms))
            })
    }

    fn zone(&self) -> &TimeZone {
        self.window.zone()
    }

    /// The first instant from `from_ms` on that lies in one of the stretches and in the window.
    fn first_open(&self, stretches: &[Stretch], from_ms: i64) -> Option<i64> {
        stretches.iter().find_map(|stretch| {
            let begin = stretch.from_ms.max(from_ms);
            let open = (begin < stretch.until_ms).then(|| self.window.next_opening(begin))??;
            (open < stretch.until_ms).then_some(open)
        })
    }

    fn stretch(&self, reading: Reading) -> Option<Stretch> {
        let instant = |local: DateTime| self.zone().to_ambiguous_timestamp(local).compatible().ok();
        let (from, until) = (instant(reading.from)?, instant(reading.until)?);
        // A stretch that begins where the clock is put forward keeps its length.
        let until = if from < until {
            until
        } else {
            from.checked_add(reading.until.duration_since(reading.from)).ok()?
        };
        Some(Stretch {
            from_ms: from.as_millisecond(),
            until_ms: until.as_millisecond(),
        })
    }
}

/// From a local time until another.
#[derive(Clone, Copy)]
struct Reading {
    from: DateTime,
    until: DateTime,
}

impl Reading {
    fn new(from: DateTime, until: DateTime) -> Option<Self> {
        (from < until).then_some(Self { from, until })
    }
}

/// What hours most likely mean on a day, the earlier first.
fn closely(date: Date, hours: Option<SpokenHours>) -> Vec<Reading> {
    let (morning, night) = (at(date, SEEMLY_HOURS.0), at(date, SEEMLY_HOURS.1));
    let readings: Vec<Option<Reading>> = match hours {
        None => vec![Reading::new(morning, night)],
        Some(SpokenHours::At(clock) | SpokenHours::After(clock)) => times(clock)
            .map(|time| {
                let from = at(date, time);
                Reading::new(from, from.saturating_add(AT))
            })
            .collect(),
        Some(SpokenHours::Before(clock)) => times(clock).map(|time| Reading::new(morning, at(date, time))).collect(),
        Some(SpokenHours::Between(from, until)) => ranges(date, from, until),
    };
    readings.into_iter().flatten().collect()
}

/// Everything that hours may mean on a day if the likelier is not to be had; of a time that may be of either half of
/// the day, only what a waking person would mean.
fn broadly(date: Date, hours: Option<SpokenHours>) -> Vec<Reading> {
    let midnight = date.to_datetime(Time::midnight());
    let end = midnight.saturating_add(Span::new().days(1));
    let readings: Vec<Option<Reading>> = match hours {
        None => vec![Reading::new(midnight, end)],
        Some(SpokenHours::At(clock)) => waking(clock)
            .map(|time| Reading::new(at(date, time), at(date, time).saturating_add(AT)))
            .collect(),
        Some(SpokenHours::After(clock)) => waking(clock).map(|time| Reading::new(at(date, time), end)).collect(),
        Some(SpokenHours::Before(clock)) => waking(clock)
            .map(|time| Reading::new(midnight, at(date, time)))
            .collect(),
        Some(SpokenHours::Between(from, until)) => {
            let mut ranges = ranges(date, from, until);
            if matches!(from, SpokenClock::Either(_)) {
                ranges.retain(|range| range.is_some_and(|range| is_waking(minutes_of(range.from))));
            }
            ranges
        }
    };
    readings.into_iter().flatten().collect()
}

/// The times of a day that a clock may show then.
fn times(clock: SpokenClock) -> impl Iterator<Item = TimeOfDay> {
    const HALF_A_DAY: u16 = 12 * 60;
    let (first, second) = match clock {
        SpokenClock::Exact(time) => (time, None),
        SpokenClock::Either(time) => {
            let early = time.minutes() % HALF_A_DAY;
            let late = TimeOfDay::from_minutes(early + HALF_A_DAY);
            (TimeOfDay::from_minutes(early), Some(late))
        }
    };
    std::iter::once(first).chain(second)
}

/// Those of [`times`] that somebody awake would mean; one that is certain is meant as it is.
fn waking(clock: SpokenClock) -> impl Iterator<Item = TimeOfDay> {
    times(clock).filter(move |time| matches!(clock, SpokenClock::Exact(_)) || is_waking(time.minutes()))
}

fn is_waking(minutes: u16) -> bool {
    WAKING_HOURS.contains(&minutes)
}

/// From each time that the first clock may show until the second next shows its own. If only the end is certain, the
/// beginning nearer to it is meant: "between five and six p.m.".
fn ranges(date: Date, from: SpokenClock, until: SpokenClock) -> Vec<Option<Reading>> {
    let mut ranges: Vec<Reading> = times(from)
        .filter_map(|from| {
            let from = at(date, from);
            let ends = times(until).filter_map(|until| {
                let end = at(date, until);
                let end = if end > from {
                    end
                } else {
                    end.saturating_add(Span::new().days(1))
                };
                Reading::new(from, end)
            });
            ends.min_by_key(|range| range.until)
        })
        .collect();
    if matches!((from, until), (SpokenClock::Either(_), SpokenClock::Exact(_))) {
        let length = |range: &Reading| range.until.duration_since(range.from);
        let shortest = ranges.iter().map(length).min();
        ranges.retain(|range| Some(length(range)) == shortest);
    }
    ranges.into_iter().map(Some).collect()
}

/// The first and the last of the days meant; none is past.
fn dates(day: SpokenDay, today: Date) -> Option<(Date, Date)> {
    match day {
        SpokenDay::On(span) => {
            let (first, last) = span_dates(span, today)?;
            Some((first.max(today), last.max(today)))
        }
        SpokenDay::After(span) => {
            let first = span_dates(span, today)?.1.tomorrow().ok()?;
            Some((first.max(today), plus_days(first.max(today), DAYS_AHEAD)?))
        }
        SpokenDay::Before(span) => {
            let last = span_dates(span, today)?.0.yesterday().ok()?;
            Some((today, last.max(today)))
        }
    }
}

fn span_dates(span: DaySpan, today: Date) -> Option<(Date, Date)> {
    let since_monday = i32::from(today.weekday().to_monday_zero_offset());
    let monday = plus_days(today, -since_monday)?;
    let of_week = |weeks: u16, day: i32| plus_days(monday, i32::from(weeks) * 7 + day);
    let month = |months: u16| {
        let first = today
            .first_of_month()
            .checked_add(Span::new().months(i64::from(months)))
            .ok()?;
        Some((first, first.last_of_month()))
    };
    let single = |date: Option<Date>| date.map(|date| (date, date));
    match span {
        DaySpan::DaysAhead(days) => single(plus_days(today, i32::from(days))),
        DaySpan::MonthsAhead(months) => single(today.checked_add(Span::new().months(i64::from(months))).ok()),
        DaySpan::Weekday(weekday) => {
            let ahead = (offset(weekday) - since_monday - 1).rem_euclid(7) + 1;
            single(plus_days(today, ahead))
        }
        DaySpan::NextWeekday(weekday) => single(of_week(1, offset(weekday))),
        // On a Sunday "the weekend" is the next.
        DaySpan::Weekend(weeks) => {
            let weeks = weeks.saturating_add(u16::from(since_monday == 6));
            Some((of_week(weeks, 5)?, of_week(weeks, 6)?))
        }
        DaySpan::Week(weeks) => Some((of_week(weeks, 0)?, of_week(weeks, 6)?)),
        DaySpan::Month(months) => month(months),
    }
}

/// Days from Monday.
fn offset(weekday: Weekday) -> i32 {
    match weekday {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

fn plus_days(date: Date, days: i32) -> Option<Date> {
    date.checked_add(Span::new().days(i64::from(days))).ok()
}

fn at(date: Date, time: TimeOfDay) -> DateTime {
    date.to_datetime(Time::midnight())
        .saturating_add(SignedDuration::from_mins(i64::from(time.minutes())))
}

fn minutes_of(local: DateTime) -> u16 {
    // Hours and minutes of a civil time are never negative.
    u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
}
