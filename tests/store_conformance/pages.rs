//! Contacts in pages, exports and statistics, each against a list or a recount made without them.

use crate::world::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use samvad_actors::domain::{
    AnswerValue, AnsweredBy, AttemptId, CampaignId, ContactId, ContactState, Disposition, EmailAddress, Mode, Outcome,
};
use samvad_actors::ports::{
    AttemptCount, AttemptRow, CallReport, ContactCursor, ContactFilter, ContactOrder, ContactQuery, ContactRecord,
    DoNotCallEntry, ExportQuery, ExportRow, MOST_VALUES,
};
use samvad_actors::statistics::CaseCounts;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;

/// How a call ends in these tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete { scale: i64 },
    Partial,
    Refused,
    Machine,
    Busy,
    Dead,
    Later,
}

impl End {
    /// Whether nobody calls the contact after it.
    fn settles(self) -> bool {
        !matches!(self, Self::Machine | Self::Busy | Self::Later)
    }

    fn report(self, attempt: &AttemptId, at_ms: i64) -> CallReport {
        let (outcome, disposition) = match self {
            Self::Complete { .. } => (Outcome::Completed, Disposition::Complete),
            Self::Partial => (Outcome::Partial, Disposition::Partial),
            Self::Refused => (Outcome::Refused, Disposition::RespondentRefusal),
            Self::Machine => (Outcome::Voicemail, Disposition::Machine),
            Self::Busy => (Outcome::Failed, Disposition::Busy),
            Self::Dead => (Outcome::Failed, Disposition::NonWorkingNumber),
            Self::Later => (Outcome::Callback, Disposition::NonContact),
        };
        let mut report = report(attempt);
        let first = answer(0, AnswerValue::YesNo(true), Some("yes"));
        report.answers = match self {
            Self::Complete { scale } => vec![
                first,
                answer(1, AnswerValue::Scale(scale), Some("a number")),
                answer(2, AnswerValue::NotAnswered, None),
            ],
            Self::Partial => vec![first],
            _ => Vec::new(),
        };
        report.consent = match self {
            Self::Complete { .. } | Self::Partial => Some(consent()),
            Self::Refused => Some(samvad_actors::domain::ConsentEvidence {
                granted: false,
                ..consent()
            }),
            _ => None,
        };
        if matches!(self, Self::Machine) {
            report.answered_by = AnsweredBy::Voicemail;
        }
        report.callback_request = None;
        (report.outcome, report.disposition, report.ended_at_ms) = (outcome, disposition, at_ms);
        report
    }
}

/// Calls of one contact, and the day of each.
type Calls = Vec<(End, i64)>;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        (0_i64..=10).prop_map(|scale| End::Complete { scale }),
        Just(End::Partial),
        Just(End::Refused),
        Just(End::Machine),
        Just(End::Busy),
        Just(End::Dead),
        Just(End::Later),
    ]
}

fn people() -> impl Strategy<Value = Vec<Calls>> {
    prop::collection::vec(prop::collection::vec((end(), 0_i64..3), 0..3), 0..8)
}

/// A campaign in which these calls were made; contacts are numbered from 1, and the last is on do-not-call.
async fn called(store: &TestStore, people: &[Calls]) -> CampaignId {
    let campaign = put_campaign(store, &uuid::Uuid::new_v4().to_string()).await;
    store.set_mode(&campaign, Mode::Simulated, NOW).await.expect("set");
    for (n, calls) in (1_u32..).zip(people) {
        let person = contact(&campaign, n);
        store
            .add_contacts(std::slice::from_ref(&person), NOW)
            .await
            .expect("added");
        for (call, (end, day)) in calls.iter().enumerate() {
            let at_ms = NOW + day * DAY_MS + call as i64;
            let new = attempt(&person, &format!("{campaign}-{n}-{call}"));
            let row = store.create_attempt(new, at_ms).await.expect("created");
            store
                .record_outcome(&end.report(&row.id, at_ms + 1))
                .await
                .expect("ended");
            if end.settles() {
                break;
            }
        }
    }
    campaign
}

async fn list_out(store: &TestStore, n: u32) {
    let entry = DoNotCallEntry {
        number: number(n),
        source: "manual".to_owned(),
        attempt: None,
        added_at_ms: NOW,
    };
    store.add_do_not_call(&entry).await.expect("added");
}

/// Every contact with its attempts, one by one.
async fn one_by_one(store: &TestStore, campaign: &CampaignId) -> Vec<(ContactRecord, Vec<AttemptRow>)> {
    let mut found = Vec::new();
    for contact in store.contacts(campaign).await.expect("read") {
        found.push(
            store
                .contact_record(campaign, &contact.id)
                .await
                .expect("read")
                .expect("there"),
        );
    }
    found
}

async fn page_by_page(store: &TestStore, query: &ContactQuery) -> Vec<ContactRecord> {
    let (mut found, mut after): (Vec<ContactRecord>, Option<ContactCursor>) = (Vec::new(), None);
    loop {
        let query = ContactQuery { after, ..query.clone() };
        let page = store.contact_page(&query).await.expect("read");
        assert!(page.len() <= query.limit as usize);
        let Some(last) = page.last() else { return found };
        after = Some(ContactCursor::after(last));
        found.extend(page);
    }
}

fn matches(filter: &ContactFilter, contact: &ContactRecord) -> bool {
    filter.state.is_none_or(|state| state == contact.state)
        && filter
            .last_outcome
            .is_none_or(|outcome| Some(outcome) == contact.last_outcome)
        && filter
            .last_disposition
            .is_none_or(|code| Some(code) == contact.last_disposition)
        && filter
            .external_id
            .as_ref()
            .is_none_or(|id| Some(id) == contact.external_id.as_ref())
}

fn sort(contacts: &mut [ContactRecord], order: ContactOrder) {
    let last = |contact: &ContactRecord| (contact.last_attempt_at_ms.unwrap_or(0), contact.position);
    match order {
        ContactOrder::Position => contacts.sort_by_key(|contact| contact.position),
        ContactOrder::PositionDescending => contacts.sort_by_key(|contact| -contact.position),
        ContactOrder::LastAttempt => contacts.sort_by_key(last),
        ContactOrder::LastAttemptDescending => contacts.sort_by_key(|contact| std::cmp::Reverse(last(contact))),
    }
}

fn config() -> Config {
    Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    }
}

pub fn pages_joined_are_the_whole_list_in_order_whatever_is_asked_for(
    runtime: &tokio::runtime::Runtime,
    store: TestStore,
) {
    let filter = (
        prop::option::of(prop::sample::select(vec![
            ContactState::Pending,
            ContactState::Completed,
            ContactState::Refused,
            ContactState::Excluded,
        ])),
        prop::option::weighted(0.3, prop::sample::select(vec![Outcome::Completed, Outcome::Failed])),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec![Disposition::Busy, Disposition::Complete]),
        ),
        prop::option::weighted(0.2, (1_u32..9).prop_map(|n| format!("customer-{n}"))),
    );
    let filter = filter.prop_map(|(state, last_outcome, last_disposition, external_id)| ContactFilter {
        state,
        last_outcome,
        last_disposition,
        external_id,
    });
    let order = prop::sample::select(vec![
        ContactOrder::Position,
        ContactOrder::PositionDescending,
        ContactOrder::LastAttempt,
        ContactOrder::LastAttemptDescending,
    ]);
    let asked = prop::collection::vec((filter, order, 1_u32..5), 8);
    TestRunner::new(config())
        .run(&(people(), asked, any::<bool>()), |(people, asked, excluded)| {
            runtime.block_on(async {
                let campaign = called(&store, &people).await;
                if excluded {
                    // Out of the numbers of no other case.
                    let person = contact(&campaign, 99);
                    store.add_contacts(&[person], NOW).await.expect("added");
                    list_out(&store, 99).await;
                }
                let all = one_by_one(&store, &campaign).await;
                for (filter, order, limit) in asked {
                    let mut expected: Vec<ContactRecord> = all.iter().map(|(contact, _)| contact.clone()).collect();
                    expected.retain(|contact| matches(&filter, contact));
                    sort(&mut expected, order);
                    let query = ContactQuery {
                        campaign: campaign.clone(),
                        filter: filter.clone(),
                        order,
                        after: None,
                        limit,
                    };
                    let found = page_by_page(&store, &query).await;
                    prop_assert_eq!(&found, &expected, "{:?} {:?}", &filter, order);
                    let count = store.count_contacts(&campaign, &filter).await.expect("counted");
                    prop_assert_eq!(count, expected.len() as u64);
                }
                Ok(())
            })
        })
        .expect("every list");
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
                    day[1] += u64::from(attempt.answered_by.is_some());
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
                let attempted = all.iter().filter(|(_, attempts)| !attempts.is_empty()).count();
                prop_assert_eq!(counts.contacts_attempted, attempted as u64);
                prop_assert_eq!(counts.contacts_total, all.len() as u64);
                let by_state = store.contact_counts(&campaign).await.expect("counted");
                prop_assert_eq!(counts.contacts, Some(by_state));

                let with = |wanted: fn(&End) -> bool| {
                    let last = |calls: &Calls| -> Option<End> {
                        let end = calls.iter().position(|(end, _)| end.settles());
                        calls.get(end?).map(|(end, _)| *end)
                    };
                    people.iter().filter_map(last).filter(wanted).collect::<Vec<_>>()
                };
                let complete = with(|end| matches!(end, End::Complete { .. }));
                let agreed = with(|end| matches!(end, End::Complete { .. } | End::Partial));
                let refused = with(|end| matches!(end, End::Refused));
                prop_assert_eq!(counts.consents_granted, agreed.len() as u64);
                prop_assert_eq!(counts.consents_refused, refused.len() as u64);
                let of = |question: usize| counts.questions.iter().find(|counts| counts.question == question);
                prop_assert_eq!(of(0).map_or(0, |counts| counts.answered), agreed.len() as u64);
                prop_assert_eq!(of(2).map_or(0, |counts| counts.not_answered), complete.len() as u64);
                let scales: Vec<i64> = complete
                    .iter()
                    .filter_map(|end| match end {
                        End::Complete { scale } => Some(*scale),
                        _ => None,
                    })
                    .collect();
                let numbers = of(1).and_then(|counts| counts.numbers);
                prop_assert_eq!(numbers.map(|n| n.min), scales.iter().min().copied());
                prop_assert_eq!(numbers.map(|n| n.max), scales.iter().max().copied());
                let mean = scales.iter().sum::<i64>() as f64 / scales.len().max(1) as f64;
                prop_assert!(numbers.is_none_or(|n| (n.mean - mean).abs() < 1e-9));
                let mut values: BTreeMap<String, u64> = BTreeMap::new();
                for scale in &scales {
                    *values.entry(scale.to_string()).or_default() += 1;
                }
                let found: BTreeMap<String, u64> = of(1)
                    .map(|counts| counts.values.iter().cloned().collect())
                    .unwrap_or_default();
                prop_assert!(found.len() <= MOST_VALUES as usize);
                prop_assert_eq!(found, values);

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

pub async fn an_address_stands_with_its_contact_in_pages_and_by_itself_and_may_be_missing(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    let mut people = [1, 2, 3].map(|n| contact(&campaign, n));
    people[0].email = EmailAddress::parse("प्रिया.O'Neil+1@उदाहरण.example").ok();
    people[1].email = None;
    let written: Vec<_> = people.iter().map(|person| person.email.clone()).collect();
    assert!(written[0].is_some());
    assert_eq!(store.add_contacts(&people, NOW).await, Ok(3));
    // The known contact is left as it is.
    let mut again = contact(&campaign, 3);
    (again.id, again.email) = ("again".into(), EmailAddress::parse("other@example.org").ok());
    assert_eq!(store.add_contacts(&[again], NOW).await, Ok(0));
    for order in [ContactOrder::Position, ContactOrder::LastAttempt] {
        let query = ContactQuery {
            campaign: campaign.clone(),
            filter: ContactFilter::default(),
            order,
            after: None,
            limit: 2,
        };
        let page = page_by_page(&store, &query).await;
        let emails: Vec<_> = page.into_iter().map(|record| record.email).collect();
        assert_eq!(emails, written, "{order:?}");
    }
    let single = one_by_one(&store, &campaign).await;
    let emails: Vec<_> = single.into_iter().map(|(record, _)| record.email).collect();
    assert_eq!(emails, written);
}

pub async fn one_contact_comes_with_its_attempts_and_only_from_its_own_campaign(store: TestStore) {
    let people = vec![vec![(End::Busy, 0), (End::Complete { scale: 3 }, 1)]];
    let campaign = called(&store, &people).await;
    let id = contact(&campaign, 1).id;
    let (record, attempts) = store
        .contact_record(&campaign, &id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        (record.state, record.attempts, record.position),
        (ContactState::Completed, 2, 1)
    );
    assert_eq!(record.last_attempt_at_ms, Some(NOW + DAY_MS + 1));
    assert_eq!(
        attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(),
        [1, 2]
    );
    let other = put_campaign(&store, "other").await;
    assert_eq!(store.contact_record(&other, &id).await, Ok(None));
    assert_eq!(store.contact_record(&campaign, &ContactId::from("x")).await, Ok(None));
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
    let export = async |include_excluded| {
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
    };
    let rows = export(false).await;
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
    let excluded = export(true).await;
    assert_eq!(
        excluded.iter().map(|row| row.number.clone()).collect::<Vec<_>>(),
        [1, 3, 4, 5, 6].map(number)
    );
    let after = store.export_stamp(&campaign).await.expect("read");
    assert_eq!(before.last_ended_at_ms, Some(NOW + 2 * DAY_MS + 1));
    assert_eq!(after, before, "who is taken out had no result");
}
