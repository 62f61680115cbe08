//! How a campaign dials, as the API reads and writes it.

use super::definition::alike;
use super::texts::{Date, Time};
use samvad_actors::campaign::Breaker;
use samvad_actors::domain::{
    CalendarDate, CallingWindow, CampaignLimits, DialingRules, RetryPolicy, TimeOfDay, Weekday,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a campaign dials; what is left out has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DialingDefinition {
    /// When people may be called.
    window: WindowDefinition,
    /// What follows a call that did not end the matter.
    retry: RetryDefinition,
    /// How many calls at most.
    limits: LimitsDefinition,
    /// Whether calls are spread over what is left of the window, or made as soon as limits allow.
    spread: bool,
    /// When to pause because most calls fail.
    breaker: BreakerDefinition,
    /// Days after a live call of another campaign during which a number is left alone.
    #[schema(maximum = 365)]
    cooldown_days: u32,
    /// Whether only contacts with prior consent are called.
    prior_consent_required: bool,
    /// Days after which what the registry said of a number is stale, and the number is not called. `null`: the registry
    /// is not asked.
    #[schema(minimum = 1, maximum = 365)]
    scrub_max_age_days: Option<u32>,
    /// Which campaign goes first where they share a limit: the higher.
    priority: i32,
}

/// A time-of-day range on some days of the week, in the contact's own zone if it is known, else in this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct WindowDefinition {
    /// A name of the IANA time zone database.
    #[schema(pattern = "^[A-Za-z0-9/_+-]+$", example = "Asia/Kolkata")]
    zone: String,
    /// Days on which the window opens.
    #[schema(min_items = 1)]
    weekdays: Vec<WeekdayName>,
    /// When it opens.
    start: Time,
    /// When it shuts; earlier than `start` for a window that passes midnight, 00:00 twice for the whole day.
    end: Time,
    /// Days on which it does not open: public holidays.
    blocked_dates: Vec<Date>,
}

/// Pauses before a contact is called again, in minutes, by how the last attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct RetryDefinition {
    /// Attempts to a contact, the first included.
    #[schema(minimum = 1, maximum = 20)]
    max_attempts: u32,
    /// Between any two attempts.
    min_gap_minutes: u32,
    /// After a busy line.
    after_busy_minutes: u32,
    /// After ringing without an answer.
    after_no_answer_minutes: u32,
    /// After a machine.
    after_machine_minutes: u32,
    /// After an answer that led to nothing.
    after_abandoned_minutes: u32,
    /// After a fault, the server's or the carrier's.
    after_fault_minutes: u32,
}

/// Limits of one campaign besides the server's own; `null`: only those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct LimitsDefinition {
    /// Calls at once.
    #[schema(minimum = 1)]
    concurrent_calls: Option<u32>,
    /// Calls begun in any second.
    #[schema(minimum = 1)]
    calls_per_second: Option<u32>,
    /// Calls begun on one day of the campaign's zone.
    #[schema(minimum = 1)]
    calls_per_day: Option<u32>,
}

/// When a campaign pauses by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakerDefinition {
    /// How many of the latest calls are looked at; 0: never pause.
    recent: u32,
    /// More than this share of them failed.
    more_than_percent: u32,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Weekday)]
#[serde(rename_all = "snake_case")]
enum WeekdayName {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

alike!(
    DialingDefinition,
    DialingRules {
        window,
        retry,
        limits,
        spread,
        breaker,
        cooldown_days,
        prior_consent_required,
        scrub_max_age_days,
        priority
    } {}
);
alike!(WindowDefinition, CallingWindow { zone, start, end } { weekdays, blocked_dates });
alike!(
    RetryDefinition,
    RetryPolicy {
        max_attempts,
        min_gap_minutes,
        after_busy_minutes,
        after_no_answer_minutes,
        after_machine_minutes,
        after_abandoned_minutes,
        after_fault_minutes
    } {}
);
alike!(LimitsDefinition, CampaignLimits { concurrent_calls, calls_per_second, calls_per_day } {});
alike!(BreakerDefinition, Breaker { recent, more_than_percent } {});

impl Default for DialingDefinition {
    fn default() -> Self {
        DialingRules::default().into()
    }
}

impl Default for WindowDefinition {
    fn default() -> Self {
        CallingWindow::default().into()
    }
}

impl Default for RetryDefinition {
    fn default() -> Self {
        RetryPolicy::default().into()
    }
}

impl Default for LimitsDefinition {
    fn default() -> Self {
        CampaignLimits::default().into()
    }
}

impl From<Time> for TimeOfDay {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl From<TimeOfDay> for Time {
    fn from(time: TimeOfDay) -> Self {
        Self(time)
    }
}

impl From<Date> for CalendarDate {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl From<CalendarDate> for Date {
    fn from(date: CalendarDate) -> Self {
        Self(date)
    }
}

impl From<WeekdayName> for Weekday {
    fn from(name: WeekdayName) -> Self {
        match name {
            WeekdayName::Monday => Self::Monday,
            WeekdayName::Tuesday => Self::Tuesday,
            WeekdayName::Wednesday => Self::Wednesday,
            WeekdayName::Thursday => Self::Thursday,
            WeekdayName::Friday => Self::Friday,
            WeekdayName::Saturday => Self::Saturday,
            WeekdayName::Sunday => Self::Sunday,
        }
    }
}

impl From<Weekday> for WeekdayName {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}
