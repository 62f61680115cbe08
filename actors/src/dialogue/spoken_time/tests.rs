use super::*;
use crate::dialogue::numbers::NumberWords;
use crate::dialogue::time_words::{TimeWords, TimeWordsData};
use crate::dialogue::words::words;
use crate::domain::Weekday;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The words of a language that times are made of.
struct Tongue {
    times: TimeWords,
    numbers: NumberWords,
    /// Every phrase of time, and a few numbers.
    vocabulary: Vec<String>,
}

impl Tongue {
    fn read(lexicon: &str) -> Self {
        #[derive(Deserialize)]
        struct Lexicon {
            numbers: BTreeMap<i64, Vec<String>>,
            callback: Callback,
        }
        #[derive(Deserialize)]
        struct Callback {
            times: TimeWordsData,
        }
        let lexicon: Lexicon = serde_norway::from_str(lexicon).expect("a lexicon");
        let numbers = NumberWords::new(&lexicon.numbers);
        assert_eq!(lexicon.callback.times.faults(&numbers), []);
        let mut times = TimeWords::default();
        times.add(&lexicon.callback.times, &|phrase| Some(words(phrase)));
        let mut vocabulary = times.phrases();
        // "thirty" before "three quarters" is thirty-three of them.
        vocabulary.retain(|phrase| numbers.read(&words(phrase)).is_none());
        vocabulary.extend([1, 2, 3, 5, 6, 10, 12, 15, 18, 30, 90].map(|n| numbers.say(n).expect("a word")));
        Self {
            times,
            numbers,
            vocabulary,
        }
    }

    fn marks(&self, text: &str) -> Vec<Mark> {
        let said = words(text);
        let (marks, length) = self.times.marks(&said, &self.numbers);
        assert_eq!(length, said.len(), "{text:?} is not all of time");
        marks
    }

    fn meant(&self, text: &str) -> Option<SpokenTime> {
        spoken_time(&self.marks(text))
    }
}

static ENGLISH: LazyLock<Tongue> = LazyLock::new(|| Tongue::read(include_str!("../../../../prompts/en/lexicon.yaml")));

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).expect("HH:MM")
}

/// "06:00?" is six of either half of the day.
fn clock(text: &str) -> SpokenClock {
    text.strip_suffix('?').map_or_else(
        || SpokenClock::Exact(time(text)),
        |text| SpokenClock::Either(time(text)),
    )
}

fn at(text: &str) -> SpokenHours {
    SpokenHours::At(clock(text))
}

fn after(text: &str) -> SpokenHours {
    SpokenHours::After(clock(text))
}

fn before(text: &str) -> SpokenHours {
    SpokenHours::Before(clock(text))
}

fn between(from: &str, until: &str) -> SpokenHours {
    SpokenHours::Between(clock(from), clock(until))
}

fn hours(hours: SpokenHours) -> SpokenTime {
    SpokenTime::On {
        day: None,
        hours: Some(hours),
    }
}

fn day(span: DaySpan) -> SpokenTime {
    SpokenTime::On {
        day: Some(SpokenDay::On(span)),
        hours: None,
    }
}

fn on(span: DaySpan, hours: SpokenHours) -> SpokenTime {
    SpokenTime::On {
        day: Some(SpokenDay::On(span)),
        hours: Some(hours),
    }
}

fn wait(minutes: u32) -> SpokenTime {
    SpokenTime::In { minutes }
}

#[test]
fn what_people_say_of_a_time_is_understood() {
    use DaySpan::{DaysAhead, Month, MonthsAhead, NextWeekday, Week, Weekend};
    let after_day = |span| SpokenTime::On {
        day: Some(SpokenDay::After(span)),
        hours: None,
    };
    let before_day = |span| SpokenTime::On {
        day: Some(SpokenDay::Before(span)),
        hours: None,
    };
    for (text, meant) in [
        ("after six", hours(after("06:00?"))),
        ("at six", hours(at("06:00?"))),
        ("around six please", hours(at("06:00?"))),
        ("before five", hours(before("05:00?"))),
        ("until five", hours(before("05:00?"))),
        ("at twelve", hours(at("00:00?"))),
        ("at six o'clock", hours(at("06:00?"))),
        ("at six p.m", hours(at("18:00"))),
        ("at six thirty p.m", hours(at("18:30"))),
        ("at twelve am", hours(at("00:00"))),
        ("at twelve fifteen pm", hours(at("12:15"))),
        ("at eighteen", hours(at("18:00"))),
        ("at 18 45", hours(at("18:45"))),
        ("half past six", hours(at("06:30?"))),
        ("at a quarter to five", hours(at("04:45?"))),
        ("after quarter past five pm", hours(after("17:15"))),
        ("at quarter to twelve", hours(at("11:45?"))),
        ("ten past six", hours(at("06:10?"))),
        ("at ten to six in the evening", hours(at("17:50"))),
        ("twenty five minutes past two", hours(at("02:25?"))),
        ("half six", hours(at("06:30?"))),
        ("at six in the evening", hours(at("18:00"))),
        ("in the evening after six", hours(after("18:00"))),
        ("at five in the morning", hours(at("05:00"))),
        ("at two at night", hours(at("02:00"))),
        ("nine at night", hours(at("21:00"))),
        ("twelve noon", hours(at("12:00"))),
        ("between five and six", hours(between("05:00?", "06:00?"))),
        ("between five and six pm", hours(between("05:00?", "18:00"))),
        ("between five to six", hours(between("05:00?", "06:00?"))),
        ("two to four", hours(between("02:00?", "04:00?"))),
        ("two till four in the afternoon", hours(between("14:00", "16:00"))),
        ("after five before seven", hours(between("05:00?", "07:00?"))),
        ("before seven and after five", hours(between("05:00?", "07:00?"))),
        ("five or six", hours(between("05:00?", "06:00?"))),
        ("in the morning", hours(between("09:00", "12:00"))),
        ("at noon", hours(at("12:00"))),
        ("after lunch", hours(after("14:00"))),
        ("before work", hours(before("09:00"))),
        ("after lunch before dinner", hours(between("14:00", "19:00"))),
        ("tonight", on(DaysAhead(0), between("19:00", "22:00"))),
        ("this evening", on(DaysAhead(0), between("17:00", "20:00"))),
        ("tomorrow", day(DaysAhead(1))),
        ("later today", day(DaysAhead(0))),
        ("tomorrow morning", on(DaysAhead(1), between("09:00", "12:00"))),
        ("tomorrow after six", on(DaysAhead(1), after("06:00?"))),
        ("after six tomorrow", on(DaysAhead(1), after("06:00?"))),
        ("tomorrow morning after ten", on(DaysAhead(1), after("10:00"))),
        ("before tomorrow noon", on(DaysAhead(1), before("12:00"))),
        ("the day after tomorrow at three", on(DaysAhead(2), at("03:00?"))),
        ("after tomorrow", after_day(DaysAhead(1))),
        ("on monday", day(DaySpan::Weekday(Weekday::Monday))),
        (
            "on monday evening",
            on(DaySpan::Weekday(Weekday::Monday), between("17:00", "20:00")),
        ),
        ("before friday", before_day(DaySpan::Weekday(Weekday::Friday))),
        ("monday or tuesday", day(DaySpan::Weekday(Weekday::Monday))),
        ("next monday at ten", on(NextWeekday(Weekday::Monday), at("10:00?"))),
        ("at the weekend", day(Weekend(0))),
        ("after the weekend", after_day(Weekend(0))),
        ("next weekend", day(Weekend(1))),
        ("later this week", day(Week(0))),
        ("some time next week", day(Week(1))),
        ("next month", day(Month(1))),
        ("next day", day(DaysAhead(1))),
        ("in a month", day(MonthsAhead(1))),
        ("in two days", day(DaysAhead(2))),
        (
            "after two days in the morning",
            on(DaysAhead(2), between("09:00", "12:00")),
        ),
        ("in a couple of days", day(DaysAhead(2))),
        ("in a few days", day(DaysAhead(3))),
        ("in a week", day(DaysAhead(7))),
        ("two weeks later", day(DaysAhead(14))),
        ("in a day or two", day(DaysAhead(1))),
        ("in ten minutes", wait(10)),
        ("in an hour", wait(60)),
        ("in the next hour", wait(60)),
        ("in half an hour", wait(30)),
        ("in a quarter of an hour", wait(15)),
        ("in an hour and a half", wait(90)),
        ("in an hour and ten minutes", wait(70)),
        ("in two and a half hours", wait(150)),
        ("after two hours", wait(120)),
        ("two or three hours later", wait(120)),
        ("in an hour or two", wait(60)),
        ("in a couple of hours", wait(120)),
        ("in half a day", wait(720)),
    ] {
        assert_eq!(ENGLISH.meant(text), Some(meant), "{text:?}");
    }
}

#[test]
fn what_names_no_time_is_vague_on_purpose() {
    for text in [
        "later",
        "some other time please",
        "after some time",
        "another day",
        "in a few",
        "after",
        "next time",
        "this",
        "half",
        "am",
        "at ninety",
        "at a hundred",
        "in thirteen hundred weeks",
        "in zero minutes",
        "",
    ] {
        assert_eq!(ENGLISH.meant(text), None, "{text:?}");
    }
}

/// A language whose relations follow what they are about, and whose half hours count from the hour before or to the
/// hour after: only data is another.
#[test]
fn a_language_with_another_order_of_words_is_data_alone() {
    let hindi = Tongue::read(
        r#"
numbers: {1: ["एक"], 2: ["दो"], 3: ["तीन"], 5: ["पाँच"], 6: ["छह"], 10: ["दस"], 12: ["बारह"], 15: ["पंद्रह"], 18: ["अठारह"], 30: ["तीस"], 90: ["नब्बे"]}
callback:
  times:
    relations_stand: after
    relations: {at: ["को", "पर", "में"], after: ["के बाद", "बाद"], before: ["से पहले"], between: ["के बीच"]}
    joins: ["और", "या", "से"]
    minutes_past: ["बजकर"]
    minutes_to: []
    fractions: {30: ["साढ़े", "आधे"], 15: ["सवा"], -15: ["पौने"]}
    hour_marks: ["बजे"]
    before_noon: []
    after_noon: []
    parts:
      - {words: ["सुबह"], from: "08:00", to: "12:00"}
      - {words: ["दोपहर"], from: "12:00", to: "16:00"}
      - {words: ["शाम"], from: "16:00", to: "20:00"}
    days: {0: ["आज"], 1: ["कल"], 2: ["परसों"]}
    weekdays: {monday: ["सोमवार"], tuesday: ["मंगलवार"], wednesday: ["बुधवार"], thursday: ["गुरुवार"], friday: ["शुक्रवार"], saturday: ["शनिवार"], sunday: ["रविवार"]}
    weekend: []
    this: ["इस"]
    next: ["अगले"]
    amounts: {}
    units: {minute: ["मिनट"], hour: ["घंटे"], day: ["दिन"], week: ["हफ़्ते"], month: ["महीने"]}
    vague: ["फिर"]
"#,
    );
    for (text, meant) in [
        ("छह बजे के बाद", hours(after("06:00?"))),
        ("शाम छह बजे", hours(at("18:00"))),
        ("कल शाम छह बजे के बाद", on(DaySpan::DaysAhead(1), after("18:00"))),
        ("छह बजे के बाद कल", on(DaySpan::DaysAhead(1), after("06:00?"))),
        ("पाँच बजे से पहले", hours(before("05:00?"))),
        ("पाँच से छह बजे के बीच", hours(between("05:00?", "06:00?"))),
        ("साढ़े छह बजे", hours(at("06:30?"))),
        ("पौने छह बजे", hours(at("05:45?"))),
        ("परसों सुबह", on(DaySpan::DaysAhead(2), between("08:00", "12:00"))),
        ("दो घंटे बाद", wait(120)),
        ("आधे घंटे में", wait(30)),
        ("दो दिन के बाद", day(DaySpan::DaysAhead(2))),
        ("अगले हफ़्ते", day(DaySpan::Week(1))),
        ("सोमवार को", day(DaySpan::Weekday(Weekday::Monday))),
    ] {
        assert_eq!(hindi.meant(text), Some(meant), "{text:?}");
    }
}

#[test]
fn faulty_words_of_time_are_named() {
    let lexicon = include_str!("../../../../prompts/en/lexicon.yaml");
    for (from, to, fault) in [
        (
            "joins: [\"and\", \"or\"]",
            "joins: [\"and\", \"after\"]",
            "`after`, which stands under",
        ),
        (
            "joins: [\"and\", \"or\"]",
            "joins: [\"and\", \"Or\"]",
            "`Or` is not in plain form",
        ),
        (
            "joins: [\"and\", \"or\"]",
            "joins: [\"and\", \"six\"]",
            "`six` is a number",
        ),
        ("      monday: [\"monday\"]\n", "", "has no words for Weekday(Monday)"),
        (
            "units:\n      minute: [\"minutes\"]\n",
            "units:\n",
            "has no words for Unit(Minute)",
        ),
        (
            "      after: [\"after\"]\n",
            "      after: []\n",
            "relations.After: has no phrase",
        ),
        (
            "from: \"20:00\", to: \"22:00\"",
            "from: \"20:00\", to: \"02:00\"",
            "begins at 20:00 after its end",
        ),
        (
            "      15: [\"quarter\"]",
            "      120: [\"quarter\"]",
            "is no part of an hour",
        ),
        ("      3: [\"few\"]", "      0: [\"few\"]", "is no amount"),
        ("from: \"20:00\"", "from: \"25:00\"", "not a time of day"),
        ("relations_stand: before", "relations_stand: left", "unknown variant"),
    ] {
        assert!(lexicon.contains(from), "{from}");
        let prompts = include_str!("../../../../prompts/en/prompts.yaml");
        let faults = crate::dialogue::LanguagePack::parse(prompts, &lexicon.replace(from, to)).expect_err("faulty");
        let all = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(all.contains(fault), "{fault} in\n{all}");
    }
}

proptest! {
    #[test]
    fn whatever_words_of_time_are_said_they_mean_a_time_within_a_year_or_none(
        said in proptest::collection::vec(proptest::sample::select(ENGLISH.vocabulary.clone()), 0..9)
    ) {
        let text = said.join(" ");
        match ENGLISH.meant(&text) {
            None => {}
            Some(SpokenTime::In { minutes }) => prop_assert!((1..=MOST_DAYS * DAY).contains(&minutes)),
            Some(SpokenTime::On { day, hours }) => prop_assert!(day.is_some() || hours.is_some()),
        }
    }

    #[test]
    fn a_time_is_the_same_after_it_was_written_down(
        said in proptest::collection::vec(proptest::sample::select(ENGLISH.vocabulary.clone()), 0..9)
    ) {
        let text = said.join(" ");
        let meant = ENGLISH.meant(&text);
        let written = serde_json::to_string(&meant).expect("written");
        prop_assert_eq!(serde_json::from_str::<Option<SpokenTime>>(&written).expect("read"), meant);
    }

    #[test]
    fn a_vague_word_changes_no_meaning(
        said in proptest::collection::vec(proptest::sample::select(ENGLISH.vocabulary.clone()), 0..6), at in 0_usize..6
    ) {
        let marks = ENGLISH.marks(&said.join(" "));
        let mut with_vague = marks.clone();
        with_vague.insert(at.min(marks.len()), Mark::Vague);
        prop_assert_eq!(spoken_time(&with_vague), spoken_time(&marks));
    }
}
