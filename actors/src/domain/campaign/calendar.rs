//! Days and times of day as a campaign's author writes them; which moment they are is for a zone to say.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
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
    /// The working days of most countries.
    pub const MONDAY_TO_FRIDAY: [Self; 5] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
    ];
}

/// A time of day to the minute, written `HH:MM` (`00:00` to `23:59`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

/// A text is not a [`TimeOfDay`] or a [`CalendarDate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CalendarError {
    /// Not `HH:MM`.
    #[error("not a time of day: write for example \"09:30\", in quotes")]
    TimeOfDay,
    /// Not `YYYY-MM-DD`, or no day of the calendar.
    #[error("not a day of the calendar: write for example 2026-01-26")]
    CalendarDate,
}

impl TimeOfDay {
    /// The full hour; hours past 23 are read modulo 24.
    pub const fn hour(hour: u8) -> Self {
        Self {
            minutes: (hour % 24) as u16 * 60,
        }
    }

    /// So many minutes after midnight; past 1439 they are read modulo one day.
    pub const fn from_minutes(minutes: u16) -> Self {
        Self {
            minutes: minutes % (24 * 60),
        }
    }

    /// Minutes since midnight, 0 to 1439, as a clock on the wall shows them.
    pub fn minutes(self) -> u16 {
        self.minutes
    }

    /// Reads `HH:MM`.
    ///
    /// # Errors
    /// [`CalendarError::TimeOfDay`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let parts = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        });
        parts.map(|minutes| Self { minutes }).ok_or(CalendarError::TimeOfDay)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// A day of the (Gregorian) calendar, written `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarDate {
    year: u16,
    month: u8,
    day: u8,
}

impl CalendarDate {
    /// The first day of the common era.
    pub const FIRST: Self = Self {
        year: 1,
        month: 1,
        day: 1,
    };

    /// A day; `None` if the calendar has none such.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year == 0 || year > 9999 || day == 0 || day > days {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// Year, month (from 1) and day (from 1).
    pub fn parts(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`CalendarError::CalendarDate`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let mut parts = text.split('-');
        let mut next = |length| parts.next().and_then(|part| digits(part, length));
        let date = match (next(4), next(2), next(2)) {
            (Some(year), Some(month), Some(day)) => Some((year, month, day)),
            _ => None,
        };
        date.filter(|_| parts.next().is_none())
            .and_then(|(year, month, day)| Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
            .ok_or(CalendarError::CalendarDate)
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for CalendarDate {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<CalendarDate> for String {
    fn from(date: CalendarDate) -> Self {
        date.to_string()
    }
}

/// A number of exactly so many ASCII digits.
fn digits(text: &str, length: usize) -> Option<u16> {
    let well_formed = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(minutes in 0_u16..1440, year in 1_u16..=9999, month in 1_u8..=12, day in 1_u8..=28) {
            let time = TimeOfDay { minutes };
            prop_assert_eq!(TimeOfDay::parse(&time.to_string()), Ok(time));
            let date = CalendarDate::new(year, month, day).expect("a day");
            prop_assert_eq!(CalendarDate::parse(&date.to_string()), Ok(date));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = (TimeOfDay::parse(&text), CalendarDate::parse(&text));
        }
    }

    #[test]
    fn days_and_times_that_do_not_exist_are_refused() {
        for text in ["24:00", "9:00", "09:60", "0900", "", "09:00:00"] {
            assert_eq!(TimeOfDay::parse(text), Err(CalendarError::TimeOfDay), "{text}");
        }
        for text in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "0000-01-01",
            "2026-01-01-",
        ] {
            assert_eq!(CalendarDate::parse(text), Err(CalendarError::CalendarDate), "{text}");
        }
        assert!(CalendarDate::parse("2000-02-29").is_ok());
    }
}
