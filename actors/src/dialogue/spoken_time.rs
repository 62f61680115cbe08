//! From the marks of words of time to what they mean. No word of any language is known here.
//!
//! First neighbouring marks are put together to clock times, parts of the day, days and amounts; then each relation is
//! given to the one it stands at. What makes no sense together is vague rather than guessed.

use super::time_words::{Mark, Part, Relation, Side, Unit};
use crate::domain::{DaySpan, SpokenClock, SpokenDay, SpokenHours, SpokenTime, TimeOfDay};

/// Nobody is called back later than this many days on.
const MOST_DAYS: u32 = 366;
const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
const NOON: u16 = 12 * 60;

/// What the marks mean; `None` if they name no time that could be kept.
pub(super) fn spoken_time(marks: &[Mark]) -> Option<SpokenTime> {
    let marks: Vec<Mark> = marks.iter().copied().filter(|mark| *mark != Mark::Vague).collect();
    let items = items(&marks)?;
    let wait: u32 = items
        .iter()
        .map(|item| if let Item::Wait { minutes } = item { *minutes } else { 0 })
        .fold(0, u32::saturating_add);
    if wait > 0 {
        return (wait <= MOST_DAYS * DAY).then_some(SpokenTime::In { minutes: wait });
    }
    let relations = bind(&items);
    let day = day(&items, &relations);
    let hours = hours(&items, &relations);
    (day.is_some() || hours.is_some()).then_some(SpokenTime::On { day, hours })
}

/// The minutes of an amount of time, with nothing beside it ("an hour and twenty minutes"); `None` of days and more, and
/// of "ten or twenty minutes".
pub(super) fn minutes(marks: &[Mark]) -> Option<u32> {
    // "A quarter of an hour" is a quarter of one.
    let idle = |at: usize| {
        let before_a_part = marks[at] == Mark::Amount(1) && matches!(marks.get(at + 1), Some(Mark::Fraction(_)));
        marks[at] == Mark::Vague || before_a_part
    };
    let marks: Vec<Mark> = (0..marks.len()).filter(|at| !idle(*at)).map(|at| marks[at]).collect();
    let is_choice = |marks: &[Mark]| match marks {
        [Mark::Number(_), Mark::Join, Mark::Number(_), ..] => true,
        [Mark::Unit(_), Mark::Join, Mark::Number(_), rest @ ..] => !matches!(rest, [Mark::Unit(_), ..]),
        _ => false,
    };
    if (0..marks.len()).any(|at| is_choice(&marks[at..])) {
        return None;
    }
    let (mut total, mut rest) = (0_u32, marks.as_slice());
    while !rest.is_empty() {
        let after_join = rest.strip_prefix(&[Mark::Join]).filter(|_| total > 0);
        let (Item::Wait { minutes }, taken) = amount(after_join.unwrap_or(rest))? else {
            return None;
        };
        total = total.saturating_add(minutes);
        rest = &after_join.unwrap_or(rest)[taken..];
    }
    (total > 0).then_some(total)
}

/// What neighbouring marks make together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Item {
    Relation(Relation, Side),
    Join,
    Clock(SpokenClock),
    Part {
        from: TimeOfDay,
        to: TimeOfDay,
    },
    Day(DaySpan),
    /// A day that an amount leads to: "in" and "after" it are the same.
    Ahead(DaySpan),
    /// An amount of less than a day, or in parts of one.
    Wait {
        minutes: u32,
    },
}

impl Item {
    fn is_hours(self) -> bool {
        matches!(self, Self::Clock(_) | Self::Part { .. })
    }

    fn is_day(self) -> bool {
        matches!(self, Self::Day(_) | Self::Ahead(_))
    }
}

/// Puts neighbouring marks together; `None` if a number can be no time.
fn items(marks: &[Mark]) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < marks.len() {
        let rest = &marks[at..];
        let taken = if let Some((item, taken)) = clock_from_minutes(rest, &items) {
            items.push(item);
            taken
        } else if let Some((item, taken)) = amount(rest) {
            items.push(item);
            taken
        } else if let Some((clock, taken)) = clock(rest) {
            items.push(Item::Clock(clock));
            taken
        } else {
            single(rest, &mut items)?
        };
        at += taken;
    }
    Some(items)
}

/// "Half past six", "quarter to five", "ten past six", "half six".
fn clock_from_minutes(marks: &[Mark], before: &[Item]) -> Option<(Item, usize)> {
    let is_range = before
        .iter()
        .any(|item| matches!(item, Item::Relation(Relation::Between, _)));
    let (minutes, hour_at) = match *marks {
        [Mark::Fraction(minutes), Mark::MinutesPast, ..] => (minutes, 2),
        [Mark::Fraction(minutes), Mark::MinutesTo, ..] => (-minutes, 2),
        // "One and a quarter" before a number is the quarter alone.
        [Mark::Fraction(minutes), Mark::Number(_), ..] => (minutes % 60, 1),
        [Mark::Number(minutes), Mark::Unit(Unit::Minute), Mark::MinutesPast, ..] => (of_an_hour(minutes)?, 3),
        [Mark::Number(minutes), Mark::Unit(Unit::Minute), Mark::MinutesTo, ..] => (-of_an_hour(minutes)?, 3),
        [Mark::Number(minutes), Mark::MinutesPast, ..] => (of_an_hour(minutes)?, 2),
        // "Two to four" is a range; "five to six" as a time lies in the range that it may be.
        [Mark::Number(minutes), Mark::MinutesTo, ..] if minutes % 5 == 0 && !is_range => (-of_an_hour(minutes)?, 2),
        _ => return None,
    };
    let hour = marks.get(hour_at..)?;
    // "Half an hour" and "half ten minutes" are no times of day.
    if matches!(hour.get(1), Some(Mark::Unit(_))) {
        return None;
    }
    let (clock, taken) = clock(hour)?;
    Some((Item::Clock(shifted(clock, minutes)), hour_at + taken))
}

fn of_an_hour(minutes: i64) -> Option<i16> {
    i16::try_from(minutes).ok().filter(|minutes| (1..60).contains(minutes))
}

fn shifted(clock: SpokenClock, by_minutes: i16) -> SpokenClock {
    let shift = |time: TimeOfDay, cycle: u16| {
        let minutes = i32::from(time.minutes()) + i32::from(by_minutes);
        let minutes = minutes.rem_euclid(i32::from(cycle));
        TimeOfDay::from_minutes(u16::try_from(minutes).unwrap_or(0))
    };
    match clock {
        SpokenClock::Exact(time) => SpokenClock::Exact(shift(time, 2 * NOON)),
        SpokenClock::Either(time) => SpokenClock::Either(shift(time, NOON)),
    }
}

/// "Six", "six thirty", "six o'clock", "six p.m.", "eighteen", "two and a half o'clock" in one word.
fn clock(marks: &[Mark]) -> Option<(SpokenClock, usize)> {
    let (hour, mut minutes) = match marks {
        [Mark::Number(hour), ..] => (u16::try_from(*hour).ok().filter(|hour| *hour <= 24)?, 0),
        [Mark::Fraction(minutes), next @ ..] if *minutes > 60 && !matches!(next.first(), Some(Mark::Unit(_))) => {
            let minutes = u16::try_from(*minutes).ok()?;
            (minutes / 60, minutes % 60)
        }
        _ => return None,
    };
    let mut taken = 1;
    if minutes == 0
        && let Some(Mark::Number(said)) = marks.get(taken)
        && let Some(said) = u16::try_from(*said).ok().filter(|minutes| *minutes < 60)
        && !matches!(marks.get(taken + 1), Some(Mark::Unit(_)))
    {
        minutes = said;
        taken += 1;
    }
    if marks.get(taken) == Some(&Mark::Hour) {
        taken += 1;
    }
    let half = marks.get(taken).copied();
    let time = |hour: u16| TimeOfDay::from_minutes(hour * 60 + minutes);
    let on_a_dial = (1..=12).contains(&hour);
    let clock = match half {
        Some(Mark::BeforeNoon | Mark::AfterNoon) if on_a_dial => {
            let noon = if half == Some(Mark::AfterNoon) { 12 } else { 0 };
            SpokenClock::Exact(time(hour % 12 + noon))
        }
        _ if on_a_dial => SpokenClock::Either(time(hour % 12)),
        _ => SpokenClock::Exact(time(hour)),
    };
    if matches!(half, Some(Mark::BeforeNoon | Mark::AfterNoon)) {
        taken += 1;
    }
    Some((clock, taken))
}

/// "Two hours", "half an hour", "an hour and a half", "two and a half weeks", "a couple of days".
fn amount(marks: &[Mark]) -> Option<(Item, usize)> {
    let (sixtieths, at) = quantity(marks)?;
    let Some(Mark::Unit(unit)) = marks.get(at) else {
        return None;
    };
    let mut taken = at + 1;
    let mut sixtieths = sixtieths;
    if let Some((more, length)) = and_a_fraction(&marks[taken..])
        && !matches!(marks.get(taken + length), Some(Mark::Number(_) | Mark::Unit(_)))
    {
        sixtieths = sixtieths.saturating_add(more);
        taken += length;
    } else if let [Mark::Join, Mark::Number(_), rest @ ..] = &marks[taken..]
        && !matches!(
            rest.first(),
            Some(Mark::Unit(_) | Mark::Hour | Mark::BeforeNoon | Mark::AfterNoon)
        )
    {
        // "An hour or two".
        taken += 2;
    }
    let item = match unit {
        Unit::Minute => Item::Wait {
            minutes: sixtieths.div_ceil(60),
        },
        Unit::Hour => Item::Wait { minutes: sixtieths },
        Unit::Day | Unit::Week | Unit::Month if sixtieths % 60 != 0 => {
            let days = match unit {
                Unit::Day => 1,
                Unit::Week => 7,
                _ => 30,
            };
            let minutes = sixtieths.saturating_mul(days).saturating_mul(DAY) / 60;
            Item::Wait { minutes }
        }
        Unit::Day => Item::Ahead(DaySpan::DaysAhead(whole(sixtieths, 1)?)),
        Unit::Week => Item::Ahead(DaySpan::DaysAhead(whole(sixtieths, 7)?)),
        Unit::Month => Item::Ahead(DaySpan::MonthsAhead(whole(sixtieths, 30)? / 30)),
    };
    Some((item, taken))
}

/// So many whole units in days, if that is not too far off.
fn whole(sixtieths: u32, days: u32) -> Option<u16> {
    let days = (sixtieths / 60).saturating_mul(days);
    u16::try_from(days).ok().filter(|_| days <= MOST_DAYS)
}

/// How many, in sixtieths, with how many marks it took.
fn quantity(marks: &[Mark]) -> Option<(u32, usize)> {
    // "Three and a half hours" as one says it in languages whose fractions come first.
    if let [Mark::Fraction(minutes), Mark::Number(number), Mark::Unit(_), ..] = marks {
        let sixtieths = number.checked_mul(60)?.checked_add(i64::from(minutes % 60))?;
        return Some((u32::try_from(sixtieths).ok()?, 2));
    }
    if let Some(Mark::Fraction(minutes)) = marks.first() {
        // "A quarter less" of one.
        let minutes = if *minutes < 0 { minutes + 60 } else { *minutes };
        let article = usize::from(matches!(marks.get(1), Some(Mark::Amount(1))));
        return Some((u32::from(minutes.unsigned_abs()), 1 + article));
    }
    let amounts = marks.iter().take_while(|mark| matches!(mark, Mark::Amount(_))).count();
    let (count, taken) = match (amounts.checked_sub(1).and_then(|last| marks.get(last)), marks.first()) {
        // Of "a couple" and "a few" the last counts.
        (Some(Mark::Amount(count)), _) => (u32::from(*count), amounts),
        (_, Some(Mark::Number(count))) => (u32::try_from(*count).ok()?, 1),
        _ => return None,
    };
    let count = count.saturating_mul(60);
    // "Two or three hours": the first is soon enough.
    if let [Mark::Join, Mark::Number(_), Mark::Unit(_), ..] = &marks[taken..] {
        return Some((count, taken + 2));
    }
    match and_a_fraction(&marks[taken..]) {
        Some((more, length)) if matches!(marks.get(taken + length), Some(Mark::Unit(_))) => {
            Some((count.saturating_add(more), taken + length))
        }
        _ => Some((count, taken)),
    }
}

/// "And a half".
fn and_a_fraction(marks: &[Mark]) -> Option<(u32, usize)> {
    match *marks {
        [Mark::Join, Mark::Amount(1), Mark::Fraction(minutes), ..] => Some((u32::from(minutes.unsigned_abs()), 3)),
        [Mark::Join, Mark::Fraction(minutes), ..] => Some((u32::from(minutes.unsigned_abs()), 2)),
        _ => None,
    }
}

/// A mark that is something by itself or with the one after it. How many it took; `None` for a number that can be no
/// time.
fn single(marks: &[Mark], items: &mut Vec<Item>) -> Option<usize> {
    let mut part = |part: Part, day: Option<u16>| {
        items.extend(day.or(part.day).map(|days| Item::Day(DaySpan::DaysAhead(days))));
        items.push(Item::Part {
            from: part.from,
            to: part.to,
        });
    };
    let day = match *marks {
        [Mark::Number(_), ..] => return None,
        [Mark::This, Mark::Part(of), ..] => {
            part(of, Some(0));
            return Some(2);
        }
        [Mark::Next, Mark::Part(of), ..] => {
            part(of, Some(1));
            return Some(2);
        }
        [Mark::Part(of), ..] => {
            part(of, None);
            return Some(1);
        }
        [Mark::Relation(relation, side), ..] => {
            items.push(Item::Relation(relation, side));
            return Some(1);
        }
        // "Two to four".
        [Mark::Join | Mark::MinutesTo, ..] => {
            items.push(Item::Join);
            return Some(1);
        }
        [Mark::Next, Mark::Unit(Unit::Hour), ..] => {
            items.push(Item::Wait { minutes: HOUR });
            return Some(2);
        }
        [Mark::This, Mark::Weekday(weekday), ..] => (DaySpan::Weekday(weekday), 2),
        [Mark::Next, Mark::Weekday(weekday), ..] => (DaySpan::NextWeekday(weekday), 2),
        [Mark::This, Mark::Weekend, ..] => (DaySpan::Weekend(0), 2),
        [Mark::Next, Mark::Weekend, ..] => (DaySpan::Weekend(1), 2),
        [Mark::This, Mark::Unit(Unit::Day), ..] => (DaySpan::DaysAhead(0), 2),
        [Mark::Next, Mark::Unit(Unit::Day), ..] => (DaySpan::DaysAhead(1), 2),
        [Mark::This, Mark::Unit(Unit::Week), ..] => (DaySpan::Week(0), 2),
        [Mark::Next, Mark::Unit(Unit::Week), ..] => (DaySpan::Week(1), 2),
        [Mark::This, Mark::Unit(Unit::Month), ..] => (DaySpan::Month(0), 2),
        [Mark::Next, Mark::Unit(Unit::Month), ..] => (DaySpan::Month(1), 2),
        [Mark::Day(days), ..] => (DaySpan::DaysAhead(days), 1),
        [Mark::Weekday(weekday), ..] => (DaySpan::Weekday(weekday), 1),
        [Mark::Weekend, ..] => (DaySpan::Weekend(0), 1),
        // Says nothing without what it belongs to.
        _ => return Some(1),
    };
    items.push(Item::Day(day.0));
    Some(day.1)
}

/// For each item the relation that is about it.
fn bind(items: &[Item]) -> Vec<Option<Relation>> {
    let mut bound = vec![None; items.len()];
    let target = |index: usize, step: isize| {
        let mut at = index.checked_add_signed(step)?;
        while items.get(at) == Some(&Item::Join) {
            at = at.checked_add_signed(step)?;
        }
        items.get(at).filter(|item| !matches!(item, Item::Relation(..)))?;
        // "Before tomorrow noon" is about noon.
        let next = at + 1;
        let is_day_with_hours = step > 0 && items[at].is_day() && items.get(next).is_some_and(|item| item.is_hours());
        Some(if is_day_with_hours { next } else { at })
    };
    for (index, item) in items.iter().enumerate() {
        let Item::Relation(relation, side) = item else { continue };
        let steps = if *side == Side::Before { [1, -1] } else { [-1, 1] };
        let free = |at: &usize| bound[*at].is_none();
        if let Some(at) = steps.into_iter().filter_map(|step| target(index, step)).find(free) {
            bound[at] = Some(*relation);
        }
    }
    bound
}

/// The first day named.
fn day(items: &[Item], relations: &[Option<Relation>]) -> Option<SpokenDay> {
    items
        .iter()
        .zip(relations)
        .find_map(|(item, relation)| match (item, relation) {
            (Item::Day(span), Some(Relation::After)) => Some(SpokenDay::After(*span)),
            (Item::Day(span) | Item::Ahead(span), Some(Relation::Before)) => Some(SpokenDay::Before(*span)),
            (Item::Day(span) | Item::Ahead(span), _) => Some(SpokenDay::On(*span)),
            _ => None,
        })
}

/// The hours named: by the clock if there is one, which a part of the day then makes plain.
fn hours(items: &[Item], relations: &[Option<Relation>]) -> Option<SpokenHours> {
    let named = |relation: Option<Relation>| !matches!(relation, Some(Relation::After | Relation::Before));
    let part = items.iter().zip(relations).find_map(|(item, relation)| match item {
        Item::Part { from, to } if named(*relation) => Some((*from, *to)),
        _ => None,
    });
    let clocks: Vec<(SpokenClock, Option<Relation>)> = items
        .iter()
        .zip(relations)
        .filter_map(|(item, relation)| match item {
            Item::Clock(clock) => Some((part.map_or(*clock, |part| in_part(*clock, part)), *relation)),
            _ => None,
        })
        .collect();
    match *clocks.as_slice() {
        [(upper, Some(Relation::Before)), (lower, Some(Relation::After)), ..] => {
            return Some(SpokenHours::Between(lower, upper));
        }
        // "After six or seven", "six till eight", "between five and six".
        [(lower, _), (upper, _), ..] => return Some(SpokenHours::Between(lower, upper)),
        [(clock, relation)] => {
            return Some(match relation {
                Some(Relation::After) => SpokenHours::After(clock),
                Some(Relation::Before) => SpokenHours::Before(clock),
                _ => SpokenHours::At(clock),
            });
        }
        [] => {}
    }
    let bound = |wanted: Relation| {
        items.iter().zip(relations).find_map(|(item, relation)| match item {
            Item::Part { from, to } if *relation == Some(wanted) => Some((*from, *to)),
            _ => None,
        })
    };
    let exact = SpokenClock::Exact;
    match (bound(Relation::After), bound(Relation::Before), part) {
        (Some((_, lower)), Some((upper, _)), _) => Some(SpokenHours::Between(exact(lower), exact(upper))),
        // "In the evening after dinner": the narrower.
        (Some((_, lower)), None, _) => Some(SpokenHours::After(exact(lower))),
        (None, Some((upper, _)), _) => Some(SpokenHours::Before(exact(upper))),
        (None, None, Some((from, to))) if from == to => Some(SpokenHours::At(exact(from))),
        (None, None, Some((from, to))) => Some(SpokenHours::Between(exact(from), exact(to))),
        (None, None, None) => None,
    }
}

/// The half of the day that a part of it leaves: "six in the evening".
fn in_part(clock: SpokenClock, (from, to): (TimeOfDay, TimeOfDay)) -> SpokenClock {
    let SpokenClock::Either(time) = clock else {
        return clock;
    };
    let early = time.minutes() % NOON;
    if to.minutes() <= NOON && from < to {
        return SpokenClock::Exact(TimeOfDay::from_minutes(early));
    }
    let distance = |minutes: u16| {
        let around = |a: u16, b: u16| a.abs_diff(b).min(2 * NOON - a.abs_diff(b));
        if (from.minutes()..=to.minutes()).contains(&minutes) {
            0
        } else {
            around(minutes, from.minutes()).min(around(minutes, to.minutes()))
        }
    };
    let late = early + NOON;
    let nearer = if distance(early) < distance(late) { early } else { late };
    SpokenClock::Exact(TimeOfDay::from_minutes(nearer))
}

#[cfg(test)]
mod tests;
