//! What goes wrong, and when: chosen by seed before the run.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// How many nodes there are.
pub const NODES: usize = 3;

/// In each round everything goes wrong once.
const ROUND: Duration = Duration::from_secs(30);
/// Before the first.
const QUIET: Duration = Duration::from_secs(4);

/// Something that is done to the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A node is killed (`SIGKILL`).
    Kill(usize),
    /// It is started again.
    Start(usize),
    /// Redis loses everything, and goes on.
    RedisEmptied,
    /// Redis is killed, and with it what it knew.
    RedisKilled,
    /// It is started, empty.
    RedisStarted,
    /// Redis answers nobody.
    RedisHangs,
    /// It answers again, and has lost nothing.
    RedisGoesOn,
    /// PostgreSQL crashes.
    DatabaseCrashed,
    /// It is started on what it had committed.
    DatabaseStarted,
    /// A number that is about to be called is opted out.
    OptOut,
}

impl Step {
    /// What ends it, if something has to.
    fn ended_by(self) -> Option<Self> {
        match self {
            Self::Kill(node) => Some(Self::Start(node)),
            Self::RedisKilled => Some(Self::RedisStarted),
            Self::RedisHangs => Some(Self::RedisGoesOn),
            Self::DatabaseCrashed => Some(Self::DatabaseStarted),
            _ => None,
        }
    }
}

/// Of the steps that are left, those that end what has begun: for a run that is cut short.
pub fn endings(left: impl Iterator<Item = Step>) -> Vec<Step> {
    let mut to_come = Vec::new();
    left.filter(|&step| {
        to_come.extend(step.ended_by());
        let begins_later = to_come
            .iter()
            .position(|&end| end == step)
            .map(|place| to_come.remove(place));
        let ends = !matches!(step, Step::RedisEmptied | Step::OptOut) && step.ended_by().is_none();
        ends && begins_later.is_none()
    })
    .collect()
}

/// Everything that goes wrong in a run of so long, in order. What is stopped is always started again.
pub fn plan(seed: u64, lasts: Duration) -> Vec<(Duration, Step)> {
    let mut random = StdRng::seed_from_u64(seed.rotate_left(17));
    let mut steps = Vec::new();
    let mut from = QUIET;
    while from < lasts {
        let third = ROUND / 3;
        let mut between = |low_ms: u64, high_ms: u64| Duration::from_millis(random.random_range(low_ms..high_ms));
        let mut redis = [
            vec![(Duration::ZERO, Step::RedisEmptied)],
            vec![
                (Duration::ZERO, Step::RedisKilled),
                (between(500, 3_000), Step::RedisStarted),
            ],
            vec![
                (Duration::ZERO, Step::RedisHangs),
                (between(500, 2_500), Step::RedisGoesOn),
            ],
        ];
        let starts: Vec<Duration> = (0..3).map(|n| from + third * n + between(0, 6_000)).collect();
        let crash = from + between(0, 20_000);
        steps.extend([
            (crash, Step::DatabaseCrashed),
            (crash + between(300, 3_000), Step::DatabaseStarted),
        ]);
        let kills: Vec<(Duration, Duration)> = (0..2)
            .map(|n| (from + ROUND / 2 * n + between(0, 7_000), between(1_000, 7_000)))
            .collect();
        let opt_outs: Vec<Duration> = (0..12).map(|_| from + between(0, 30_000)).collect();
        redis.shuffle(&mut random);
        for (start, steps_of_redis) in starts.into_iter().zip(redis) {
            steps.extend(steps_of_redis.into_iter().map(|(after, step)| (start + after, step)));
        }
        for (at, down) in kills {
            let node = random.random_range(0..NODES);
            steps.extend([(at, Step::Kill(node)), (at + down, Step::Start(node))]);
        }
        steps.extend(opt_outs.into_iter().map(|at| (at, Step::OptOut)));
        from += ROUND;
    }
    steps.sort_by_key(|&(at, _)| at);
    steps
}

#[test]
fn the_same_seed_chooses_the_same_faults_and_whatever_stops_is_started() {
    let lasts = Duration::from_secs(100);
    assert_eq!(plan(7, lasts), plan(7, lasts));
    assert_ne!(plan(7, lasts), plan(8, lasts));
    for seed in 0..50 {
        let steps: Vec<Step> = plan(seed, lasts).into_iter().map(|(_, step)| step).collect();
        let mut down = Vec::new();
        for (place, &step) in steps.iter().enumerate() {
            let expected: Vec<Step> = down.clone();
            let mut ending = endings(steps[place..].iter().copied());
            ending.retain(|step| !matches!(step, Step::Start(_)));
            ending.sort_by_key(|step| format!("{step:?}"));
            assert_eq!(ending, expected, "before {step:?}");
            down.retain(|&end| end != step);
            if !matches!(step, Step::Kill(_)) {
                down.extend(step.ended_by());
            }
            down.sort_by_key(|step| format!("{step:?}"));
            let redis = [Step::RedisStarted, Step::RedisGoesOn];
            assert!(
                !redis.iter().all(|step| down.contains(step)),
                "a dead server cannot hang"
            );
        }
        assert_eq!(down, []);
    }
}
