//! From what people say to when they are called.

use crate::windows::{instant, time};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use samvad_actors::campaign::{ZonedWindow, callback_at};
use samvad_actors::dialogue::{Context, Expectation, Interpreter, LanguagePack};
use samvad_actors::domain::{
    CallingWindow, DaySpan, Language, SpokenClock, SpokenDay, SpokenHours, SpokenTime, TimeOfDay, Weekday,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const GAP_MS: i64 = 15 * MINUTE_MS;

fn asked(text: &str) -> SpokenTime {
    let pack = LanguagePack::embedded(&Language::default()).expect("English is embedded");
    let context = Context {
        expectation: Expectation::Consent,
        question: None,
    };
    let meant = pack.lexicon().interpret(&context, &format!("call me {text}"));
    meant.when.expect("a time").time.expect("one that can be kept")
}

fn window(opens: &str, closes: &str, weekdays: &[Weekday], zone: &str) -> ZonedWindow {
    let written = CallingWindow {
        start: time(opens),
        end: time(closes),
        weekdays: weekdays.to_vec(),
        ..CallingWindow::default()
    };
    ZonedWindow::new(&written, zone).expect("a zone")
}

fn called(text: &str, said: &str, window: &ZonedWindow) -> i64 {
    let said_ms = instant(said);
    callback_at(&asked(text), said_ms, said_ms + GAP_MS, window)
}

fn in_india(at_ms: i64) -> String {
    let zone = TimeZone::get("Asia/Kolkata").expect("a zone");
    let local = Timestamp::from_millisecond(at_ms).expect("in range").to_zoned(zone);
    local.strftime("%a %d %H:%M").to_string()
}

/// Said at noon of Monday 23 November 2026 in India.
const MONDAY_NOON: &str = "2026-11-23T12:00:00+05:30";

#[test]
fn a_callback_comes_when_it_was_asked_for() {
    let wide = window("09:00", "20:00", &Weekday::ALL, "Asia/Kolkata");
    for (text, due) in [
        ("after six", "Mon 23 18:00"),
        ("at six", "Mon 23 18:00"),
        ("after two", "Mon 23 14:00"),
        ("at eleven", "Tue 24 11:00"),
        ("at twelve", "Tue 24 12:00"),
        ("before five", "Mon 23 12:15"),
        ("half past two", "Mon 23 14:30"),
        ("at a quarter to five", "Mon 23 16:45"),
        ("after seven pm", "Mon 23 19:00"),
        ("at ten to six in the evening", "Mon 23 17:50"),
        ("between five and six", "Mon 23 17:00"),
        ("between ten and two", "Tue 24 10:00"),
        ("between nine and five pm", "Mon 23 14:00"),
        ("two to four", "Mon 23 14:00"),
        ("in the morning", "Tue 24 09:00"),
        ("in the afternoon", "Mon 23 14:00"),
        ("in the evening", "Mon 23 17:00"),
        ("this evening", "Mon 23 17:00"),
        ("this afternoon", "Mon 23 12:15"),
        ("tonight", "Mon 23 19:00"),
        ("after lunch", "Mon 23 14:00"),
        ("after work", "Mon 23 18:00"),
        ("before lunch", "Mon 23 12:15"),
        ("later today", "Mon 23 14:00"),
        ("tomorrow", "Tue 24 09:00"),
        ("tomorrow morning", "Tue 24 09:00"),
        ("tomorrow after six", "Tue 24 18:00"),
        ("tomorrow at six", "Tue 24 18:00"),
        ("tomorrow before ten", "Tue 24 09:00"),
        ("after ten p.m.", "Tue 24 09:00"),
        ("half past two on friday", "Fri 27 14:30"),
        ("the day after tomorrow at three", "Wed 25 15:00"),
        ("after tomorrow", "Wed 25 09:00"),
        ("on monday", "Mon 30 09:00"),
        ("on friday evening", "Fri 27 17:00"),
        ("next friday", "Fri 04 09:00"),
        ("before friday", "Mon 23 14:00"),
        ("at the weekend", "Sat 28 09:00"),
        ("after the weekend", "Mon 30 09:00"),
        ("next week", "Mon 30 09:00"),
        ("later this week", "Mon 23 14:00"),
        ("next month", "Tue 01 09:00"),
        ("in a month", "Wed 23 09:00"),
        ("in two days at four", "Wed 25 16:00"),
        ("in a week", "Mon 30 09:00"),
        ("in five minutes", "Mon 23 12:15"),
        ("in two hours", "Mon 23 14:00"),
        ("in an hour and a half", "Mon 23 13:30"),
        ("in half a day", "Tue 24 09:00"),
    ] {
        assert_eq!(in_india(called(text, MONDAY_NOON, &wide)), due, "{text:?}");
    }
}

#[test]
fn a_time_that_the_window_never_allows_moves_to_the_next_opening_after_it() {
    let narrow = ZonedWindow::new(&CallingWindow::default(), "Asia/Kolkata").expect("a zone");
    for (text, due) in [
        ("after six", "Tue 24 11:00"),
        ("tomorrow after six", "Wed 25 11:00"),
        ("at eight am", "Tue 24 11:00"),
        ("tomorrow at ten", "Tue 24 11:00"),
        ("in the evening", "Tue 24 11:00"),
        ("in the morning", "Tue 24 11:00"),
        ("after six on friday", "Mon 30 11:00"),
        ("before nine am", "Tue 24 11:00"),
        ("on sunday", "Mon 30 11:00"),
        ("in six hours", "Tue 24 11:00"),
        ("in two hours", "Mon 23 14:00"),
    ] {
        assert_eq!(in_india(called(text, MONDAY_NOON, &narrow)), due, "{text:?}");
    }
}

#[test]
fn a_time_without_a_day_waits_for_a_day_on_which_the_window_allows_it() {
    let weekdays = window("11:00", "20:00", &Weekday::ALL[..5], "Asia/Kolkata");
    let friday_evening = "2026-11-27T19:50:00+05:30";
    for (text, due) in [
        ("after six", "Mon 30 18:00"),
        ("at eight", "Mon 30 11:00"),
        ("in the afternoon", "Mon 30 12:00"),
        ("later today", "Mon 30 11:00"),
        ("before nine", "Mon 30 11:00"),
    ] {
        assert_eq!(in_india(called(text, friday_evening, &weekdays)), due, "{text:?}");
    }
}

#[test]
fn nobody_is_called_before_the_gap_after_the_call_is_over() {
    let wide = window("09:00", "20:00", &Weekday::ALL, "Asia/Kolkata");
    // Asked for a moment before six: still this evening's, though the call ended after it.
    let said = instant("2026-11-23T17:59:50+05:30");
    let ended_and_gap = instant("2026-11-23T18:00:05+05:30") + GAP_MS;
    assert_eq!(callback_at(&asked("at six"), said, ended_and_gap, &wide), ended_and_gap);
    assert_eq!(
        callback_at(&asked("in ten minutes"), said, ended_and_gap, &wide),
        ended_and_gap
    );
}

#[test]
fn the_clock_on_the_persons_wall_counts() {
    let said = instant("2026-11-23T15:00:00Z");
    let earliest = said + GAP_MS;
    for (zone, due) in [
        ("Europe/Berlin", "2026-11-23T18:00:00+01:00"),
        ("America/New_York", "2026-11-23T18:00:00-05:00"),
        ("Asia/Kolkata", "2026-11-24T18:00:00+05:30"),
    ] {
        let window = window("09:00", "20:00", &Weekday::ALL, zone);
        assert_eq!(
            callback_at(&asked("after six"), said, earliest, &window),
            instant(due),
            "{zone}"
        );
    }
}

#[test]
fn times_that_the_clock_skips_or_shows_twice_are_kept() {
    let berlin = window("00:00", "24:00", &Weekday::ALL, "Europe/Berlin");
    let night = window("02:00", "04:00", &Weekday::ALL, "Europe/Berlin");
    for (said, text, window, due) in [
        // 02:30 does not exist on 28 March 2027 and comes twice on 31 October 2027.
        (
            "2027-03-27T12:00:00+01:00",
            "tomorrow at two thirty am",
            &berlin,
            "2027-03-28T03:30:00+02:00",
        ),
        (
            "2027-03-27T12:00:00+01:00",
            "at two thirty am",
            &night,
            "2027-03-28T03:30:00+02:00",
        ),
        (
            "2027-10-30T12:00:00+02:00",
            "tomorrow at two thirty am",
            &berlin,
            "2027-10-31T02:30:00+02:00",
        ),
        // "Tomorrow at three" keeps the hour of the clock; "in a day" of hours would not.
        (
            "2027-03-27T15:00:00+01:00",
            "tomorrow at three pm",
            &berlin,
            "2027-03-28T15:00:00+02:00",
        ),
        (
            "2027-03-28T01:30:00+01:00",
            "in an hour",
            &berlin,
            "2027-03-28T03:30:00+02:00",
        ),
    ] {
        assert_eq!(called(text, said, window), instant(due), "{text:?}");
    }
    // Midnight itself is skipped on 5 September 2027 in Santiago.
    let santiago = window("00:00", "24:00", &Weekday::ALL, "America/Santiago");
    let due = instant("2027-09-05T01:00:00-03:00");
    assert_eq!(
        called("tomorrow at twelve am", "2027-09-04T12:00:00-04:00", &santiago),
        due
    );
}

const ZONES: &[&str] = &[
    "Asia/Kolkata",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "Pacific/Apia",
    "UTC",
];

fn any_window() -> impl Strategy<Value = ZonedWindow> {
    let weekdays = proptest::sample::subsequence(Weekday::ALL.to_vec(), 1..=7);
    (0_u16..96, 1_u16..96, weekdays, proptest::sample::select(ZONES)).prop_map(|(opens, length, weekdays, zone)| {
        let quarter = |n: u16| {
            let minutes = n % 96 * 15;
            format!("{:02}:{:02}", minutes / 60, minutes % 60)
        };
        window(&quarter(opens), &quarter(opens + length), &weekdays, zone)
    })
}

fn any_clock() -> impl Strategy<Value = SpokenClock> {
    (0_u16..1440, any::<bool>()).prop_map(|(minutes, sure)| {
        let time = TimeOfDay::from_minutes(minutes);
        if sure {
            SpokenClock::Exact(time)
        } else {
            SpokenClock::Either(time)
        }
    })
}

fn any_hours() -> impl Strategy<Value = SpokenHours> {
    prop_oneof![
        any_clock().prop_map(SpokenHours::At),
        any_clock().prop_map(SpokenHours::After),
        any_clock().prop_map(SpokenHours::Before),
        (any_clock(), any_clock()).prop_map(|(from, until)| SpokenHours::Between(from, until)),
    ]
}

fn any_day() -> impl Strategy<Value = SpokenDay> {
    let weekday = proptest::sample::select(Weekday::ALL.to_vec());
    let span = prop_oneof![
        (0_u16..400).prop_map(DaySpan::DaysAhead),
        (0_u16..13).prop_map(DaySpan::MonthsAhead),
        weekday.clone().prop_map(DaySpan::Weekday),
        weekday.prop_map(DaySpan::NextWeekday),
        (0_u16..3).prop_map(DaySpan::Weekend),
        (0_u16..3).prop_map(DaySpan::Week),
        (0_u16..3).prop_map(DaySpan::Month),
    ];
    (span, 0..3).prop_map(|(span, kind)| match kind {
        0 => SpokenDay::On(span),
        1 => SpokenDay::After(span),
        _ => SpokenDay::Before(span),
    })
}

fn any_time() -> impl Strategy<Value = SpokenTime> {
    prop_oneof![
        (1_u32..100_000).prop_map(|minutes| SpokenTime::In { minutes }),
        any_hours().prop_map(|hours| SpokenTime::On {
            day: None,
            hours: Some(hours)
        }),
        (any_day(), proptest::option::of(any_hours()))
            .prop_map(|(day, hours)| SpokenTime::On { day: Some(day), hours }),
    ]
}

/// Instants of two years, daylight saving and its end among them.
fn any_instant() -> impl Strategy<Value = i64> {
    1_735_689_600_000_i64..1_798_761_600_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_callback_is_never_early_and_always_in_the_window(
        time in any_time(), window in any_window(), said_ms in any_instant(), gap_ms in 0..3 * HOUR_MS
    ) {
        let due_ms = callback_at(&time, said_ms, said_ms + gap_ms, &window);
        prop_assert!(due_ms >= said_ms + gap_ms);
        prop_assert!(window.is_open(due_ms));
        if let SpokenTime::In { minutes } = time {
            let asked_ms = said_ms + i64::from(minutes) * MINUTE_MS;
            prop_assert_eq!(due_ms, window.next_opening(asked_ms.max(said_ms + gap_ms)).expect("an opening"));
        }
    }

    #[test]
    fn who_asks_later_for_hours_or_after_a_while_is_not_called_earlier(
        hours in any_hours(), window in any_window(), said_ms in any_instant(), later_ms in 0..50 * HOUR_MS,
        minutes in 1_u32..10_000
    ) {
        for time in [SpokenTime::On { day: None, hours: Some(hours) }, SpokenTime::In { minutes }] {
            let first = callback_at(&time, said_ms, said_ms + GAP_MS, &window);
            let second = callback_at(&time, said_ms + later_ms, said_ms + later_ms + GAP_MS, &window);
            prop_assert!(first <= second, "{time:?}: {first} {second}");
        }
    }

    #[test]
    fn who_asks_for_a_day_later_on_the_same_day_is_not_called_earlier(
        day in any_day(), hours in proptest::option::of(any_hours()), window in any_window(), said_ms in any_instant(),
        later_ms in 0..24 * HOUR_MS
    ) {
        let time = SpokenTime::On { day: Some(day), hours };
        let first = callback_at(&time, said_ms, said_ms + GAP_MS, &window);
        prop_assume!(window.local_date(said_ms) == window.local_date(said_ms + later_ms));
        let second = callback_at(&time, said_ms + later_ms, said_ms + later_ms + GAP_MS, &window);
        // Who names a day alone is left two hours, unless so little is left of the days that they are called before.
        prop_assume!(hours.is_some() || second >= said_ms + later_ms + 2 * HOUR_MS);
        prop_assert!(first <= second, "{time:?}: {first} {second}");
    }

    #[test]
    fn a_time_of_tomorrow_that_the_window_allows_is_kept_to_the_minute(
        minutes in 0_u16..1440, said_ms in any_instant()
    ) {
        let window = window("00:00", "24:00", &Weekday::ALL, "Asia/Kolkata");
        let time = SpokenTime::On {
            day: Some(SpokenDay::On(DaySpan::DaysAhead(1))),
            hours: Some(SpokenHours::At(SpokenClock::Exact(TimeOfDay::from_minutes(minutes)))),
        };
        let zone = TimeZone::get("Asia/Kolkata").expect("a zone");
        let local = |at_ms| Timestamp::from_millisecond(at_ms).expect("in range").to_zoned(zone.clone());
        let due = local(callback_at(&time, said_ms, said_ms, &window));
        prop_assert_eq!(due.date(), local(said_ms).date().tomorrow().expect("a day"));
        prop_assert_eq!(due.strftime("%H:%M").to_string(), TimeOfDay::from_minutes(minutes).to_string());
    }

    #[test]
    fn no_instant_and_no_wish_panics(time in any_time(), window in any_window(), said_ms in any::<i64>(), earliest_ms in any::<i64>()) {
        prop_assert!(callback_at(&time, said_ms, earliest_ms, &window) >= earliest_ms.min(said_ms));
    }
}
