//! Percentiles of turns, from how many of them took how long.

use samvad_actors::ports::LatencyCount;

/// A length of time as it was counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Span {
    /// So many milliseconds.
    Ms(u64),
    /// Longer than is counted apart: more than a minute.
    Beyond,
}

/// How long a part of a turn took: half of the turns, 95 and 99 in a hundred took no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Percentiles {
    /// How many turns.
    pub turns: u64,
    /// Half of them.
    pub p50: Span,
    /// 95 %.
    pub p95: Span,
    /// 99 %.
    pub p99: Span,
}

impl Percentiles {
    /// By nearest rank: the shortest time within which at least that share of the turns was. Exact to the millisecond.
    /// The counts are of one mode, shortest first. `None` of no turn.
    pub fn of(counts: &[LatencyCount]) -> Option<Self> {
        let turns = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(count.turns));
        let at = |percent: u64| {
            let rank = (u128::from(turns) * u128::from(percent)).div_ceil(100);
            let mut seen = 0_u128;
            let found = counts.iter().find(|count| {
                seen += u128::from(count.turns);
                seen >= rank
            })?;
            Some(match found.ms {
                LatencyCount::LONGEST_MS.. => Span::Beyond,
                ms => Span::Ms(ms),
            })
        };
        (turns > 0).then_some(())?;
        Some(Self {
            turns,
            p50: at(50)?,
            p95: at(95)?,
            p99: at(99)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::domain::Mode;
    use std::collections::BTreeMap;

    fn counts(times: &[u64]) -> Vec<LatencyCount> {
        let mut turns: BTreeMap<u64, u64> = BTreeMap::new();
        for ms in times {
            *turns.entry((*ms).min(LatencyCount::LONGEST_MS)).or_default() += 1;
        }
        let count = |(ms, turns)| LatencyCount {
            mode: Mode::Live,
            ms,
            turns,
        };
        turns.into_iter().map(count).collect()
    }

    #[test]
    fn few_turns_have_their_percentiles_by_nearest_rank() {
        assert_eq!(Percentiles::of(&[]), None);
        let one = Percentiles::of(&counts(&[780])).expect("a turn");
        assert_eq!(
            (one.p50, one.p95, one.p99),
            (Span::Ms(780), Span::Ms(780), Span::Ms(780))
        );
        let hundred: Vec<u64> = (1..=100).collect();
        let hundred = Percentiles::of(&counts(&hundred)).expect("turns");
        assert_eq!(
            (hundred.turns, hundred.p50, hundred.p95, hundred.p99),
            (100, Span::Ms(50), Span::Ms(95), Span::Ms(99))
        );
    }

    #[test]
    fn what_takes_more_than_a_minute_is_beyond() {
        let spans = Percentiles::of(&counts(&[60_000, 60_001, 4_000_000])).expect("turns");
        assert_eq!((spans.p50, spans.p99), (Span::Beyond, Span::Beyond));
        assert_eq!(
            Percentiles::of(&counts(&[60_000])).map(|it| it.p99),
            Some(Span::Ms(60_000))
        );
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_times(mut times in prop::collection::vec(0_u64..60_000, 1..200)) {
            let found = Percentiles::of(&counts(&times)).expect("turns");
            times.sort_unstable();
            for (percent, span) in [(50, found.p50), (95, found.p95), (99, found.p99)] {
                let rank = (times.len() * percent).div_ceil(100);
                prop_assert_eq!(span, Span::Ms(times[rank - 1]));
            }
        }
    }
}
