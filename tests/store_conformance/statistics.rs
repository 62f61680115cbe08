//! Statistics and exports, each against a recount made without them.

use crate::dialling::{dial_claim, running_with_contact};
use crate::pages::*;
use crate::world::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use samvad_actors::domain::{AnswerValue, CalendarDate, CampaignId, Disposition, Mode, Outcome};
use samvad_actors::ports::{AttemptCount, AttemptRow, ExportQuery, ExportRow, MOST_VALUES};
use samvad_actors::statistics::CaseCounts;
use std::collections::{BTreeMap, BTreeSet};

/// The calls that `called` makes of these: nobody is called once they are settled.
fn made(calls: &Calls) -> &[(End, i64)] {
    let last = calls.iter().position(|(end, _)| end.settles());
    &calls[..last.map_or(calls.len(), |last| last + 1)]
}

/// The answers of a contact that had these calls: the newest in which something was answered. (None goes to its end with
/// every question skipped.)
fn answers_of(calls: &[(End, i64)]) -> Vec<AnswerValue> {
    let answers = calls.iter().rev().map(|(end, _)| end.answers());
    let mut with_any = answers.filter(|answers| answers.iter().any(|value| *value != AnswerValue::NotAnswered));
    with_any.next().unwrap_or_default()
}

/// All pages of an export, of two rows each.
async fn export(store: &TestStore, campaign: &CampaignId, include_excluded: bool) -> Vec<ExportRow> {
    let (mut rows, mut after_position): (Vec<ExportRow>, i64) = (Vec::new(), 0);
    loop {
        let query = ExportQuery {
            campaign: campaign.clone(),
            include_excluded,
            after_position,
            limit: 2,
        };
        let page = store.export_page(&query).await.expect("read");
        let Some(last) = page.last() else { return rows };
        after_position = last.position;
        rows.extend(page);
    }
}

pub fn statistics_agree_with_a_recount_of_every_attempt(runtime: &tokio::runtime::Runtime, store: TestStore) {
    TestRunner::new(config())
        .run(&people(), |people| {
            runtime.block_on(async {
                let campaign = called(&store, &people).await;
                let counts = store.campaign_counts(&campaign, None).await.expect("counted");
                let all = one_by_one(&store, &campaign).await;
                let attempts: Vec<&AttemptRow> = all.iter().flat_map(|(_, attempts)| attempts).collect();

                let mut by_end: BTreeMap<(Outcome, &str), AttemptCount> = BTreeMap::new();
                let mut days: BTreeMap<i64, [u64; 3]> = BTreeMap::new();
                for attempt in &attempts {
                    let (outcome, disposition) = (attempt.outcome.expect("ended"), attempt.disposition);
                    let key = (outcome, disposition.map_or("", Disposition::code));
                    let count = by_end.entry(key).or_insert(AttemptCount {
                        outcome,
                        disposition,
                        attempts: 0,
                    });
                    count.attempts += 1;
                    let day = days.entry(attempt.created_at_ms / DAY_MS).or_default();
                    day[0] += 1;
                    let called = disposition != Some(Disposition::NotAttempted);
                    day[1] += u64::from(called && attempt.answered_by.is_some());
                    day[2] += u64::from(outcome == Outcome::Completed);
                }
                prop_assert_eq!(counts.attempts, by_end.into_values().collect::<Vec<_>>());
                let series: Vec<_> = counts
                    .days
                    .iter()
                    .map(|d| [d.attempts, d.answered, d.completed])
                    .collect();
                prop_assert_eq!(series, days.into_values().collect::<Vec<_>>());

                let mut cases = CaseCounts::default();
                for (_, attempts) in &all {
                    let codes: Vec<Disposition> = attempts.iter().filter_map(|a| a.disposition).collect();
                    let told = codes
                        .iter()
                        .filter(|code| code.code() < "3")
                        .min_by_key(|code| code.code());
                    let no_case = codes.iter().find(|code| code.code() > "4");
                    let case = told.or(no_case).copied().unwrap_or(Disposition::NotAttempted);
                    cases.add(case, 1);
                }
                prop_assert_eq!(counts.cases, cases);
                let called = |attempt: &AttemptRow| attempt.disposition != Some(Disposition::NotAttempted);
                let attempted = all.iter().filter(|(_, attempts)| attempts.iter().any(called)).count();
                prop_assert_eq!(counts.contacts_attempted, attempted as u64);
                prop_assert_eq!(counts.contacts_total, all.len() as u64);
                let by_state = store.contact_counts(&campaign).await.expect("counted");
                prop_assert_eq!(counts.contacts, Some(by_state));

                let made: Vec<&[(End, i64)]> = people.iter().map(made).collect();
                let consents: Vec<bool> = made
                    .iter()
                    .filter_map(|calls| calls.iter().rev().find_map(|(end, _)| end.consent()))
                    .collect();
                let granted = consents.iter().filter(|granted| **granted).count();
                prop_assert_eq!(counts.consents_granted, granted as u64);
                prop_assert_eq!(counts.consents_refused, (consents.len() - granted) as u64);
                let interviews: Vec<Vec<AnswerValue>> = made.iter().map(|calls| answers_of(calls)).collect();
                for question in 0..3 {
                    let given: Vec<&AnswerValue> =
                        interviews.iter().filter_map(|answers| answers.get(question)).collect();
                    let counts = counts.questions.iter().find(|counts| counts.question == question);
                    let counts = counts.cloned().unwrap_or_default();
                    let silent = given
                        .iter()
                        .filter(|value| ***value == AnswerValue::NotAnswered)
                        .count();
                    prop_assert_eq!(counts.not_answered, silent as u64);
                    prop_assert_eq!(counts.answered, (given.len() - silent) as u64);
                    let scales: Vec<i64> = given
                        .iter()
                        .filter_map(|value| match value {
                            AnswerValue::Scale(scale) => Some(*scale),
                            _ => None,
                        })
                        .collect();
                    let numbers = counts.numbers;
                    prop_assert_eq!(
                        numbers.map(|n| n.count),
                        (!scales.is_empty()).then_some(scales.len() as u64)
                    );
                    prop_assert_eq!(numbers.map(|n| n.min), scales.iter().min().copied());
                    prop_assert_eq!(numbers.map(|n| n.max), scales.iter().max().copied());
                    let mean = scales.iter().sum::<i64>() as f64 / scales.len().max(1) as f64;
                    prop_assert!(numbers.is_none_or(|n| (n.mean - mean).abs() < 1e-9));
                    let mut values: BTreeMap<String, u64> = BTreeMap::new();
                    for value in given {
                        match value {
                            AnswerValue::YesNo(_) => *values.entry("yes".to_owned()).or_default() += 1,
                            AnswerValue::Scale(scale) => *values.entry(scale.to_string()).or_default() += 1,
                            _ => {}
                        }
                    }
                    prop_assert!(counts.values.len() <= MOST_VALUES as usize);
                    prop_assert!(counts.values.is_sorted_by_key(|(_, n)| std::cmp::Reverse(*n)));
                    prop_assert_eq!(counts.values.into_iter().collect::<BTreeMap<_, _>>(), values);
                }
                for row in export(&store, &campaign, false).await {
                    let answers: Vec<AnswerValue> = row.answers.into_iter().flatten().collect();
                    prop_assert_eq!(&answers, &interviews[row.position as usize - 1]);
                }

                let of_another_mode = store
                    .campaign_counts(&campaign, Some(Mode::Live))
                    .await
                    .expect("counted");
                prop_assert!(of_another_mode.attempts.is_empty() && of_another_mode.contacts.is_none());
                Ok(())
            })
        })
        .expect("every campaign");
}

pub async fn an_export_has_finished_contacts_with_their_answers_and_excluded_ones_on_request(store: TestStore) {
    let people = vec![
        vec![(End::Complete { scale: 7 }, 0)],
        vec![(End::Busy, 0)],
        vec![(End::Refused, 0)],
        vec![(End::Dead, 2)],
        vec![],
        vec![(End::Partial, 1)],
    ];
    let campaign = called(&store, &people).await;
    let before = store.export_stamp(&campaign).await.expect("read");
    list_out(&store, 5).await;
    let rows = export(&store, &campaign, false).await;
    let numbers: Vec<_> = rows.iter().map(|row| row.number.clone()).collect();
    assert_eq!(numbers, [1, 3, 4, 6].map(number));
    let states: BTreeSet<String> = rows.iter().map(|row| format!("{:?}", row.state)).collect();
    assert_eq!(states.len(), 3, "{states:?}");
    let answers = [
        Some(AnswerValue::YesNo(true)),
        Some(AnswerValue::Scale(7)),
        Some(AnswerValue::NotAnswered),
    ];
    assert_eq!(rows[0].answers, answers);
    assert_eq!((rows[0].attempts, rows[0].ended_at_ms), (1, Some(NOW + 1)));
    assert_eq!(rows[0].external_id.as_deref(), Some("customer-1"));
    assert_eq!(rows[1].answers, [None, None, None]);
    assert_eq!(rows[3].answers[0], Some(AnswerValue::YesNo(true)));
    let excluded = export(&store, &campaign, true).await;
    assert_eq!(
        excluded.iter().map(|row| row.number.clone()).collect::<Vec<_>>(),
        [1, 3, 4, 5, 6].map(number)
    );
    let after = store.export_stamp(&campaign).await.expect("read");
    assert_eq!(before.last_ended_at_ms, Some(NOW + 2 * DAY_MS + 1));
    assert_eq!(after, before, "who is taken out had no result");
}

pub async fn a_contact_counts_once_with_the_answers_of_its_newest_interview_which_the_export_shows(store: TestStore) {
    let people = vec![
        // Called later, as they asked.
        vec![(End::LaterInPart { scale: 7 }, 0), (End::Complete { scale: 8 }, 1)],
        // Never reached again.
        vec![(End::LaterInPart { scale: 2 }, 0), (End::Silent, 1), (End::Busy, 2)],
        // Refused in the end.
        vec![(End::LaterInPart { scale: 5 }, 0), (End::Refused, 1)],
        // Still to be called.
        vec![(End::LaterInPart { scale: 9 }, 0)],
    ];
    let campaign = called(&store, &people).await;
    let counts = store.campaign_counts(&campaign, None).await.expect("counted");
    assert_eq!((counts.consents_granted, counts.consents_refused), (3, 1));
    assert_eq!((counts.cases.complete, counts.cases.partial), (1, 3));
    let scale = counts.questions.iter().find(|counts| counts.question == 1);
    let scale = scale.expect("asked");
    assert_eq!((scale.answered, scale.not_answered), (4, 0));
    let numbers = scale.numbers.expect("numbers");
    assert_eq!((numbers.count, numbers.min, numbers.max, numbers.mean), (4, 2, 9, 6.0));
    let ones = ["2", "5", "8", "9"].map(|value| (value.to_owned(), 1));
    assert_eq!(scale.values, ones);
    let shown: Vec<_> = export(&store, &campaign, false)
        .await
        .into_iter()
        .map(|row| (row.state, row.answers[1].clone()))
        .collect();
    use samvad_actors::domain::ContactState::{Completed, NotReached, Refused};
    let answers = [(Completed, 8), (NotReached, 2), (Refused, 5)];
    assert_eq!(
        shown,
        answers.map(|(state, scale)| (state, Some(AnswerValue::Scale(scale))))
    );
}

pub async fn answers_of_another_mode_are_in_no_count_and_no_export(store: TestStore) {
    let campaign = called(&store, &[vec![(End::Complete { scale: 3 }, 0)]]).await;
    store.set_mode(&campaign, Mode::Live, NOW + DAY_MS).await.expect("set");
    let new = samvad_actors::ports::NewAttempt {
        mode: Mode::Live,
        ..attempt(&contact(&campaign, 1), "live")
    };
    let row = store.create_attempt(new, NOW + DAY_MS).await.expect("created");
    store
        .record_outcome(&End::Refused.report(&row.id, NOW + DAY_MS + 1))
        .await
        .expect("ended");
    assert_eq!(export(&store, &campaign, false).await[0].answers, [None, None, None]);
    let live = store.campaign_counts(&campaign, None).await.expect("counted");
    assert_eq!(
        (live.mode, live.questions, live.consents_refused),
        (Mode::Live, Vec::new(), 1)
    );
    let rehearsed = store.campaign_counts(&campaign, Some(Mode::Simulated)).await;
    let rehearsed = rehearsed.expect("counted");
    assert_eq!((rehearsed.questions.len(), rehearsed.consents_granted), (3, 1));
}

pub async fn an_attempt_that_called_nobody_makes_nobody_a_contact_that_was_called(store: TestStore) {
    let people = vec![
        vec![(End::Rehearsed, 0)],
        vec![(End::Rehearsed, 0), (End::Busy, 1)],
        vec![(End::Busy, 0), (End::Rehearsed, 1), (End::Refused, 2)],
        vec![],
    ];
    let campaign = called(&store, &people).await;
    let counts = store.campaign_counts(&campaign, None).await.expect("counted");
    assert_eq!((counts.contacts_attempted, counts.contacts_total), (2, 4));
    let of = |wanted: bool| -> u64 {
        let counts = counts.attempts.iter().filter(|count| count.was_called() == wanted);
        counts.map(|count| count.attempts).sum()
    };
    assert_eq!((of(true), of(false)), (3, 3));
    assert_eq!((counts.cases.refusal, counts.cases.unknown_household), (1, 3));
    let days: Vec<_> = counts.days.iter().map(|day| (day.attempts, day.answered)).collect();
    assert_eq!(days, [(3, 1), (2, 1), (1, 1)], "nobody took a call that was not made");
}

pub async fn the_days_are_those_of_the_campaigns_zone_and_of_calls_without_one_in_utc(store: TestStore) {
    let (leadership, person) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    // In Asia/Kolkata it is the next morning.
    let morning = CalendarDate::parse("2023-11-15").expect("a date");
    let claim = samvad_actors::ports::DialClaim {
        local_date: morning,
        ..dial_claim(&person, "a")
    };
    let claimed = store.claim(&leadership, &claim, NOW).await.expect("store");
    let claimed = claimed.expect("claimed").id;
    store
        .record_outcome(&End::Busy.report(&claimed, NOW + 1))
        .await
        .expect("ended");
    let counts = store
        .campaign_counts(&leadership.campaign, None)
        .await
        .expect("counted");
    let days: Vec<_> = counts.days.iter().map(|day| (day.date, day.attempts)).collect();
    assert_eq!(days, [(morning, 1)], "in UTC it is the 14th");

    let by_hand = samvad_actors::ports::NewAttempt {
        mode: Mode::Live,
        ..attempt(&person, "b")
    };
    let row = store.create_attempt(by_hand, NOW + DAY_MS).await.expect("created");
    let end = End::Complete { scale: 1 }.report(&row.id, NOW + DAY_MS + 1);
    store.record_outcome(&end).await.expect("ended");
    let counts = store
        .campaign_counts(&leadership.campaign, None)
        .await
        .expect("counted");
    let days: Vec<_> = counts
        .days
        .iter()
        .map(|day| (day.date, day.attempts, day.completed))
        .collect();
    assert_eq!(days, [(morning, 2, 1)]);
}
