//! When somebody asked to be called, as far as their words tell: no language, no zone, no date. Which instant it is,
//! [`callback_at`](crate::campaign::callback_at) says.

use super::campaign::{TimeOfDay, Weekday};
use serde::{Deserialize, Serialize};

/// A time as it was asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AskedTime {
    /// As said, for example "after six".
    pub words: String,
    /// What it means; `None` if the words name no time that could be kept ("after some time").
    pub time: Option<SpokenTime>,
}

/// A wish to be called at another time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallbackRequest {
    /// The time as said; `None` if none was said.
    pub words: Option<String>,
    /// What it means; `None` if it names no time that could be kept.
    pub time: Option<SpokenTime>,
    /// When it was said, in UTC milliseconds: "tomorrow" and "in an hour" count from here.
    pub at_ms: i64,
}

/// What words of time mean.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpokenTime {
    /// So long from now: "in half an hour".
    In {
        /// How long.
        minutes: u32,
    },
    /// On some days, at some hours. At least one of them is said.
    On {
        /// Which days; `None`: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<SpokenDay>,
        /// Which hours; `None`: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hours: Option<SpokenHours>,
    },
}

/// Days in relation to some that were named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpokenDay {
    /// On one of them.
    On(DaySpan),
    /// On a later one.
    After(DaySpan),
    /// On an earlier one.
    Before(DaySpan),
}

/// A day or several, counted from the day on which they are named. Weeks begin on Monday (ISO 8601).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaySpan {
    /// So many days on: 0 is today, 1 tomorrow.
    DaysAhead(u16),
    /// The same day so many months on.
    MonthsAhead(u16),
    /// The next such day after today.
    Weekday(Weekday),
    /// That day of next week.
    NextWeekday(Weekday),
    /// Saturday and Sunday so many weeks on; 0 is the coming weekend.
    Weekend(u16),
    /// The week so many weeks on; 0 is what is left of this one.
    Week(u16),
    /// The month so many months on; 0 is what is left of this one.
    Month(u16),
}

/// Hours of a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpokenHours {
    /// At this time or soon after.
    At(SpokenClock),
    /// From this time on, the sooner the better.
    After(SpokenClock),
    /// Until this time.
    Before(SpokenClock),
    /// From the first time until the second, which is the next day's if it is not the later.
    Between(SpokenClock, SpokenClock),
}

/// A time on a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpokenClock {
    /// This time of the day.
    Exact(TimeOfDay),
    /// This time or twelve hours later: "six".
    Either(TimeOfDay),
}
