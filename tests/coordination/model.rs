//! Redis against the lease table: the same steps, the table told the time at which Redis took each, give the same
//! answers.

use crate::server::RedisServer;
use crate::world::{candidacy, redis_node, request, runtime};
use deadpool_redis::redis::cmd;
use proptest::prelude::*;
use samvad::coordination::RedisCoordination;
use samvad_actors::coordination::LeaseTable;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode, PhoneNumber};
use samvad_actors::ports::{
    CountedOver, DayScope, HeldPermit, Incarnation, PermitLimits, PermitRequest, PermitScopes, Rate, Rebuild,
};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Acquire(Box<PermitRequest>),
    Release(AttemptId),
    Cancel(AttemptId),
    Held(Mode),
    Usage(PermitScopes),
    Lead { node: u8, known: u64, lasts: Duration },
    Renew { node: u8, epoch: u64, lasts: Duration },
    Begin { token: u8, lasts: Duration },
    Finish { token: u8, rebuild: Rebuild },
    Reopen,
    Emptied,
}

/// Ended at once, soon (while the sequence runs), or not within the test.
fn lasts() -> impl Strategy<Value = Duration> {
    prop::sample::select(vec![0, 100, 400, 1_500, 3_600_000_000]).prop_map(Duration::from_micros)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Live, Mode::Live, Mode::DryRun])
}

fn attempt() -> impl Strategy<Value = AttemptId> {
    (0u8..8).prop_map(|n| AttemptId::new(n.to_string()))
}

fn date() -> impl Strategy<Value = CalendarDate> {
    (1u8..3).prop_map(|day| CalendarDate::new(2026, 2, day).expect("a date"))
}

fn scopes() -> impl Strategy<Value = PermitScopes> {
    (mode(), 0u8..2, 0u8..2, 0u8..2, date()).prop_map(|(mode, campaign, country, caller, date)| PermitScopes {
        mode,
        campaign: CampaignId::new(format!("campaign {campaign}")),
        country: format!("country:{country}"),
        caller_id: PhoneNumber::parse(&format!("+1415555010{caller}")).expect("E.164"),
        date,
    })
}

fn limits() -> impl Strategy<Value = PermitLimits> {
    let cap = || prop::option::weighted(0.3, 0u32..5);
    let rate = || {
        let per = prop::sample::select(vec![1u64, 200, 700, 86_400_000_000]);
        let rate = (0u32..4, per).prop_map(|(calls, per)| Rate {
            calls,
            per: Duration::from_micros(per),
        });
        prop::option::weighted(0.15, rate)
    };
    let at_once = (cap(), cap(), cap(), cap());
    let of_the_day = (cap(), cap(), cap());
    (at_once, rate(), rate(), of_the_day).prop_map(|(at_once, fleet_rate, campaign_rate, of_the_day)| PermitLimits {
        fleet_concurrency: at_once.0,
        campaign_concurrency: at_once.1,
        country_concurrency: at_once.2,
        caller_id_concurrency: at_once.3,
        fleet_rate,
        campaign_rate,
        fleet_per_day: of_the_day.0,
        campaign_per_day: of_the_day.1,
        country_per_day: of_the_day.2,
    })
}

fn rebuild() -> impl Strategy<Value = Rebuild> {
    let permit =
        (attempt(), scopes(), lasts()).prop_map(|(attempt, scopes, lasts)| HeldPermit { attempt, scopes, lasts });
    let of = prop::sample::select(vec![
        CountedOver::Fleet,
        CountedOver::Campaign(CampaignId::from("campaign 0")),
        CountedOver::Country("country:1".to_owned()),
    ]);
    let day = (mode(), date(), of).prop_map(|(mode, date, of)| DayScope { mode, date, of });
    let days = prop::collection::vec((day, 0u32..4), 0..4);
    (prop::collection::vec(permit, 0..5), days).prop_map(|(permits, days)| Rebuild {
        permits,
        day_counts: days.into_iter().collect::<BTreeMap<_, _>>(),
    })
}

fn step() -> impl Strategy<Value = Step> {
    let acquire = (attempt(), scopes(), limits(), lasts()).prop_map(|(attempt, scopes, limits, lasts)| {
        Step::Acquire(Box::new(PermitRequest {
            attempt,
            scopes,
            limits,
            lasts,
        }))
    });
    prop_oneof![
        20 => acquire,
        6 => attempt().prop_map(Step::Release),
        4 => attempt().prop_map(Step::Cancel),
        2 => mode().prop_map(Step::Held),
        3 => scopes().prop_map(Step::Usage),
        3 => (0u8..3, 0u64..4, lasts()).prop_map(|(node, known, lasts)| Step::Lead { node, known, lasts }),
        3 => (0u8..3, 0u64..6, lasts()).prop_map(|(node, epoch, lasts)| Step::Renew { node, epoch, lasts }),
        2 => (0u8..3, lasts()).prop_map(|(token, lasts)| Step::Begin { token, lasts }),
        3 => (0u8..3, rebuild()).prop_map(|(token, rebuild)| Step::Finish { token, rebuild }),
        2 => Just(Step::Reopen),
        1 => Just(Step::Emptied),
    ]
}

fn token(number: u8) -> Incarnation {
    Incarnation(format!("rebuild {number}"))
}

/// Takes a step on both and compares what they say.
async fn compare(
    redis: &RedisCoordination,
    server: &RedisServer,
    table: &mut LeaseTable,
    step: Step,
) -> Result<(), TestCaseError> {
    let steps = redis.steps();
    match step {
        Step::Acquire(request) => {
            let said = steps.acquire(&request).await.expect("available");
            prop_assert_eq!(said.value, table.acquire(&request, said.at_us));
        }
        Step::Release(attempt) => {
            let said = steps.release(&attempt).await.expect("available");
            prop_assert_eq!(said.value, table.release(&attempt, said.at_us));
        }
        Step::Cancel(attempt) => {
            let said = steps.cancel(&attempt).await.expect("available");
            prop_assert_eq!(said.value, table.cancel(&attempt, said.at_us));
        }
        Step::Held(mode) => {
            let mut said = steps.held(mode).await.expect("available");
            let mut expected = table.held(mode, said.at_us);
            said.value.iter_mut().for_each(|held| held.sort());
            expected.iter_mut().for_each(|held| held.sort());
            prop_assert_eq!(said.value, expected);
        }
        Step::Usage(of) => {
            let said = steps.usage(of.mode, &of.campaign, of.date).await.expect("available");
            prop_assert_eq!(said.value, table.usage(of.mode, &of.campaign, of.date, said.at_us));
        }
        Step::Lead { node, known, lasts } => {
            let candidacy = candidacy(&node.to_string(), known, lasts);
            let said = steps.campaign_lease(&candidacy).await.expect("available");
            prop_assert_eq!(said.value, table.campaign_lease(&candidacy, said.at_us));
        }
        Step::Renew { node, epoch, lasts } => {
            let (survey, node) = (CampaignId::from("survey"), node.to_string());
            let said = steps
                .renew_lease(&survey, &node, epoch, lasts)
                .await
                .expect("available");
            let expected = match lasts {
                Duration::ZERO => table.resign_lease(&survey, &node, epoch, said.at_us),
                lasts => table.renew_lease(&survey, &node, epoch, lasts, said.at_us),
            };
            prop_assert_eq!(said.value, expected);
        }
        Step::Begin { token: number, lasts } => {
            let said = steps.begin_rebuild(&token(number), lasts).await.expect("available");
            prop_assert_eq!(said.value, table.begin_rebuild(&token(number), lasts, said.at_us));
        }
        Step::Finish { token: number, rebuild } => {
            let said = steps.finish_rebuild(&token(number), &rebuild).await.expect("available");
            prop_assert_eq!(said.value, table.finish_rebuild(&token(number), &rebuild, said.at_us));
        }
        Step::Reopen => {
            let (token, long) = (token(9), Duration::from_secs(3600));
            let begun = steps.begin_rebuild(&token, long).await.expect("available");
            prop_assert_eq!(begun.value, table.begin_rebuild(&token, long, begun.at_us));
            let said = steps
                .finish_rebuild(&token, &Rebuild::default())
                .await
                .expect("available");
            let expected = table.finish_rebuild(&token, &Rebuild::default(), said.at_us);
            prop_assert_eq!(said.value, expected);
        }
        Step::Emptied => {
            server.ask::<()>(&cmd("FLUSHALL"));
            *table = LeaseTable::default();
        }
    }
    prop_assert_eq!(steps.is_open().await, Ok(table.is_open()));
    Ok(())
}

#[test]
fn any_sequence_of_steps_gives_the_same_answers_in_redis_and_in_the_table() {
    let (runtime, server) = (runtime(), RedisServer::start());
    let redis = runtime.block_on(async { redis_node(&server) });
    let steps = prop::collection::vec(step(), 1..120);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&steps, |steps| {
        server.ask::<()>(&cmd("FLUSHALL"));
        let mut table = LeaseTable::default();
        runtime.block_on(async {
            compare(&redis, &server, &mut table, Step::Reopen).await?;
            for step in steps {
                compare(&redis, &server, &mut table, step).await?;
            }
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn calls_of_many_nodes_are_spaced_as_the_rate_says() {
    let (runtime, server) = (runtime(), RedisServer::start());
    let per = Duration::from_millis(2);
    let limits = PermitLimits {
        fleet_rate: Some(Rate { calls: 1, per }),
        ..PermitLimits::default()
    };
    let mut begun: Vec<u64> = runtime.block_on(async {
        let first = redis_node(&server);
        crate::world::open(&first, "first", &Rebuild::default()).await;
        let nodes = (0..4).map(|node| {
            let (redis, limits) = (redis_node(&server), limits.clone());
            tokio::spawn(async move {
                let mut begun = Vec::new();
                for call in 0..200 {
                    let request = request(&format!("{node}-{call}"), limits.clone());
                    let said = redis.steps().acquire(&request).await.expect("available");
                    if let Ok(samvad_actors::ports::Admission::Granted { .. }) = said.value {
                        begun.push(said.at_us);
                    }
                }
                begun
            })
        });
        let begun = futures_util::future::join_all(nodes).await;
        begun.into_iter().flat_map(|node| node.expect("no panic")).collect()
    });
    begun.sort_unstable();
    assert!(begun.len() > 2, "{} calls", begun.len());
    for pair in begun.windows(2) {
        assert!(pair[1] - pair[0] >= 2_000, "{} µs apart", pair[1] - pair[0]);
    }
}
