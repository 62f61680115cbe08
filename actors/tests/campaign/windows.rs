//! Calling windows against a model that looks at every minute.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use proptest::prelude::*;
use samvad_actors::campaign::{ZonedWindow, ZonesNow};
use samvad_actors::domain::{CalendarDate, CallingWindow, TimeOfDay, Weekday};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// Zones with daylight saving in both hemispheres, by half an hour, at midnight, none, and odd offsets.
const ZONES: &[&str] = &[
    "Asia/Kolkata",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Santiago",
    "America/St_Johns",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Pacific/Apia",
    "UTC",
];

pub fn instant(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("RFC 3339").as_millisecond()
}

/// A time of day; 24:00 is the next day's first.
pub fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text.replace("24:", "00:").as_str()).expect("a time of day")
}

fn rule(start: &str, end: &str) -> CallingWindow {
    CallingWindow {
        start: time(start),
        end: time(end),
        weekdays: Weekday::ALL.to_vec(),
        ..CallingWindow::default()
    }
}

fn date(text: &str) -> CalendarDate {
    CalendarDate::parse(text).expect("a date")
}

/// The rule in words: the wall clock in the range, on a day that is named, on a date that is not blocked.
fn model_is_open(rule: &CallingWindow, zone: &TimeZone, at_ms: i64) -> bool {
    let on_the_wall = |at_ms| Zoned::new(Timestamp::from_millisecond(at_ms).expect("in range"), zone.clone());
    let now = on_the_wall(at_ms);
    let clock = format!("{:02}:{:02}", now.hour(), now.minute());
    let (opens, closes) = (rule.start.to_string(), rule.end.to_string());
    let named = |day: jiff::civil::Weekday| {
        let name = serde_json::to_value(Weekday::ALL[day.to_monday_zero_offset().unsigned_abs() as usize]);
        let names = serde_json::to_value(&rule.weekdays).expect("serialises");
        names.as_array().expect("a list").contains(&name.expect("serialises"))
    };
    let yesterday = now.date().yesterday().expect("in range").weekday();
    let in_range = if opens < closes {
        named(now.weekday()) && clock >= opens && clock < closes
    } else if opens > closes {
        (named(now.weekday()) && clock >= opens) || (named(yesterday) && clock < closes)
    } else {
        opens == "00:00" && named(now.weekday())
    };
    in_range && !rule.blocked_dates.contains(&date(&now.date().to_string()))
}

fn any_time() -> impl Strategy<Value = TimeOfDay> {
    // Often where clocks change.
    prop_oneof![(0u8..24, 0u8..60), (0u8..4, prop::sample::select(vec![0u8, 30]))]
        .prop_map(|(hour, minute)| TimeOfDay::from_minutes(u16::from(hour) * 60 + u16::from(minute)))
}

fn any_instant() -> impl Strategy<Value = (usize, i64)> {
    let begin = instant("2018-01-01T00:00:00Z");
    let end = instant("2030-01-01T00:00:00Z");
    let near_a_change =
        (0usize..ZONES.len(), begin..end, -2 * DAY_MINUTES..DAY_MINUTES).prop_map(|(zone, from, minutes)| {
            let from = Timestamp::from_millisecond(from).expect("in range");
            let found = TimeZone::get(ZONES[zone]).expect("known");
            let change = found.following(from).next().map_or(from, |change| change.timestamp());
            (zone, change.as_millisecond() + minutes * MINUTE_MS)
        });
    prop_oneof![(0usize..ZONES.len(), begin..end), near_a_change]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn l22_openings_and_closings_are_those_of_a_model_that_looks_at_every_minute(
        (zone, now_ms) in any_instant(),
        start in any_time(),
        end in any_time(),
        weekdays in prop::collection::btree_set(prop::sample::select(Weekday::ALL.to_vec()), 1..=7),
        blocked in prop::collection::btree_set(0i64..4, 0..3),
    ) {
        const DAYS: i64 = 4;
        let found = TimeZone::get(ZONES[zone]).expect("known");
        let dates = blocked.into_iter().map(|ahead| {
            let at = Timestamp::from_millisecond(now_ms + ahead * DAY_MINUTES * MINUTE_MS).expect("in range");
            date(&Zoned::new(at, found.clone()).date().to_string())
        });
        let rule = CallingWindow {
            weekdays: weekdays.into_iter().collect(),
            start,
            end,
            blocked_dates: dates.collect(),
            zone: ZONES[zone].to_owned(),
        };
        let window = ZonedWindow::new(&rule, ZONES[zone]).expect("known");
        let open_now = model_is_open(&rule, &found, now_ms);
        prop_assert_eq!(window.is_open(now_ms), open_now);
        // Offsets are whole minutes in these years, so that nothing changes between minutes.
        let next_minute = now_ms - now_ms.rem_euclid(MINUTE_MS) + MINUTE_MS;
        let change = (0..DAYS * DAY_MINUTES)
            .map(|minutes| next_minute + minutes * MINUTE_MS)
            .find(|&at_ms| model_is_open(&rule, &found, at_ms) != open_now);
        let (same, other) = if open_now {
            (window.next_opening(now_ms), window.closes_at(now_ms))
        } else {
            (window.closes_at(now_ms), window.next_opening(now_ms))
        };
        prop_assert_eq!(same, Some(now_ms));
        match change {
            Some(change) => prop_assert_eq!(other, Some(change)),
            None => prop_assert!(other.is_none_or(|at_ms| at_ms > now_ms + (DAYS * DAY_MINUTES - 1) * MINUTE_MS)),
        }
    }
}

#[test]
fn the_default_window_is_eleven_to_five_in_india_on_working_days() {
    let written = CallingWindow::default();
    let window = ZonedWindow::new(&written, &written.zone).expect("known");
    // Friday 2026-11-20 17:00 IST is 11:30 UTC.
    let friday_close = instant("2026-11-20T11:30:00Z");
    assert!(window.is_open(friday_close - 1) && !window.is_open(friday_close));
    assert_eq!(window.closes_at(instant("2026-11-20T06:00:00Z")), Some(friday_close));
    assert_eq!(
        window.next_opening(friday_close),
        Some(instant("2026-11-23T05:30:00Z")),
        "Monday"
    );
}

#[test]
fn a_blocked_date_is_passed_over() {
    let mut rule = CallingWindow::default();
    rule.blocked_dates.push(date("2026-11-23"));
    let window = ZonedWindow::new(&rule, &rule.zone).expect("known");
    assert_eq!(
        window.next_opening(instant("2026-11-21T00:00:00Z")),
        Some(instant("2026-11-24T05:30:00Z"))
    );
}

#[test]
fn l22_an_overnight_window_belongs_to_the_day_on_which_it_opened() {
    let mut overnight = rule("22:00", "02:00");
    overnight.weekdays = vec![Weekday::Friday];
    let window = ZonedWindow::new(&overnight, "UTC").expect("known");
    let friday = instant("2026-11-20T22:00:00Z");
    assert_eq!(
        window.next_opening(instant("2026-11-20T01:00:00Z")),
        Some(friday),
        "not what Thursday left"
    );
    assert_eq!(window.closes_at(friday), Some(instant("2026-11-21T02:00:00Z")));
    assert_eq!(
        window.next_opening(instant("2026-11-21T02:00:00Z")),
        Some(friday + 7 * DAY_MINUTES * MINUTE_MS)
    );
}

#[test]
fn a_range_that_the_clock_jumps_over_does_not_open_and_one_that_comes_twice_opens_twice() {
    // Clocks go from 02:00 to 03:00 on 2026-03-08 and from 02:00 back to 01:00 on 2026-11-01.
    let window = ZonedWindow::new(&rule("02:10", "02:50"), "America/New_York").expect("known");
    assert_eq!(
        window.next_opening(instant("2026-03-08T06:00:00Z")),
        Some(instant("2026-03-09T06:10:00Z"))
    );
    let window = ZonedWindow::new(&rule("01:10", "01:50"), "America/New_York").expect("known");
    let first = instant("2026-11-01T05:10:00Z");
    assert_eq!(window.next_opening(instant("2026-11-01T05:00:00Z")), Some(first));
    assert_eq!(window.closes_at(first), Some(instant("2026-11-01T05:50:00Z")));
    assert_eq!(
        window.next_opening(instant("2026-11-01T05:50:00Z")),
        Some(instant("2026-11-01T06:10:00Z"))
    );
}

#[test]
fn an_unknown_zone_fails_closed() {
    for name in ["", "Mars/Olympus", "IST+5:30", "Etc/Unknown", "Local"] {
        let error = ZonedWindow::new(&CallingWindow::default(), name).expect_err("refused");
        assert_eq!(error.name, name);
    }
    let window = ZonedWindow::new(&rule("00:00", "24:00"), "UTC").expect("known");
    assert!(window.is_open(0));
    assert_eq!(window.closes_at(0), None, "never closes");
    for beyond_the_calendar in [i64::MIN, i64::MAX] {
        assert!(!window.is_open(beyond_the_calendar));
        assert_eq!(window.next_opening(beyond_the_calendar), None);
        assert_eq!(window.closes_at(beyond_the_calendar), None);
        assert_eq!(window.local_date(beyond_the_calendar), None);
    }
}

#[test]
fn a_window_without_a_length_or_a_day_never_opens() {
    let empty = rule("11:00", "11:00");
    let mut nameless = rule("11:00", "17:00");
    nameless.weekdays.clear();
    for never in [empty, nameless] {
        let window = ZonedWindow::new(&never, "Europe/Berlin").expect("known");
        assert_eq!(window.next_opening(instant("2026-11-20T00:00:00Z")), None);
    }
}

#[test]
fn the_local_date_is_that_of_the_zone() {
    let at_ms = instant("2026-11-20T20:00:00Z");
    let in_zone = |zone| {
        ZonedWindow::new(&CallingWindow::default(), zone)
            .expect("known")
            .local_date(at_ms)
    };
    assert_eq!(in_zone("Asia/Kolkata"), Some(date("2026-11-21")));
    assert_eq!(in_zone("America/New_York"), Some(date("2026-11-20")));
}

#[test]
fn zones_are_told_apart_by_whether_the_window_is_open_there_and_the_first_opening_counts_only_if_it_is_open_in_none() {
    let rule = rule("11:00", "17:00");
    let zone = |name: &str| Some(name.to_owned());
    let zones = vec![None, zone("UTC"), zone("America/New_York"), zone("Mars/Base")];
    // 13:30 in Kolkata, which is the window's own zone.
    let now = ZonesNow::of(&rule, zones.clone(), instant("2027-01-15T08:00:00Z"));
    assert_eq!((now.open, now.opens_at_ms), (vec![None], None));
    // 17:00 there, and 11:30 in UTC.
    let now = ZonesNow::of(&rule, zones.clone(), instant("2027-01-15T11:30:00Z"));
    assert_eq!(now.open, [zone("UTC")]);
    let night = ZonesNow::of(&rule, zones, instant("2027-01-15T23:00:00Z"));
    assert_eq!(
        (night.open, night.opens_at_ms),
        (vec![], Some(instant("2027-01-16T05:30:00Z")))
    );
    let unknown = ZonesNow::of(&rule, vec![zone("Mars/Base")], instant("2027-01-15T08:00:00Z"));
    assert_eq!((unknown.open, unknown.opens_at_ms), (vec![], None));
}
