//! Contacts in pages, against a list made without them; and the calls that these and the statistics are made of.

use crate::world::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use samvad_actors::domain::{
    AnswerValue, AnsweredBy, AttemptId, CampaignId, ContactId, ContactState, Disposition, EmailAddress, Mode, Outcome,
};
use samvad_actors::ports::{
    AttemptRow, CallReport, ContactCursor, ContactFilter, ContactOrder, ContactQuery, ContactRecord, DoNotCallEntry,
    ExclusionSource,
};

pub const DAY_MS: i64 = 86_400_000;

/// How a call ends in these tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Complete {
        scale: i64,
    },
    Partial,
    Refused,
    Machine,
    Busy,
    Dead,
    /// "Call me later", before anything was answered.
    Later,
    /// The same after two answers.
    LaterInPart {
        scale: i64,
    },
    /// Hung up after a question that got no answer.
    Silent,
    /// Of a dry run.
    Rehearsed,
}

impl End {
    /// Whether nobody calls the contact after it.
    pub fn settles(self) -> bool {
        matches!(self, Self::Complete { .. } | Self::Partial | Self::Refused | Self::Dead)
    }

    /// What was agreed to or refused.
    pub fn consent(self) -> Option<bool> {
        match self {
            Self::Complete { .. } | Self::Partial | Self::LaterInPart { .. } | Self::Silent => Some(true),
            Self::Refused => Some(false),
            Self::Machine | Self::Busy | Self::Dead | Self::Later | Self::Rehearsed => None,
        }
    }

    /// What was asked, with what was answered.
    pub fn answers(self) -> Vec<AnswerValue> {
        let first = AnswerValue::YesNo(true);
        match self {
            Self::Complete { scale } => vec![first, AnswerValue::Scale(scale), AnswerValue::NotAnswered],
            Self::LaterInPart { scale } => vec![first, AnswerValue::Scale(scale)],
            Self::Partial => vec![first],
            Self::Silent => vec![AnswerValue::NotAnswered],
            _ => Vec::new(),
        }
    }

    pub fn report(self, attempt: &AttemptId, at_ms: i64) -> CallReport {
        let (outcome, disposition) = match self {
            Self::Complete { .. } => (Outcome::Completed, Disposition::Complete),
            Self::Partial => (Outcome::Partial, Disposition::Partial),
            Self::Refused => (Outcome::Refused, Disposition::RespondentRefusal),
            Self::Machine => (Outcome::Voicemail, Disposition::Machine),
            Self::Busy => (Outcome::Failed, Disposition::Busy),
            Self::Dead => (Outcome::Failed, Disposition::NonWorkingNumber),
            Self::Later => (Outcome::Callback, Disposition::NonContact),
            Self::LaterInPart { .. } => (Outcome::Callback, Disposition::Partial),
            Self::Silent => (Outcome::Abandoned, Disposition::BreakOff),
            Self::Rehearsed => (Outcome::Failed, Disposition::NotAttempted),
        };
        let mut report = report(attempt);
        let answers = self.answers().into_iter().enumerate();
        report.answers = answers
            .map(|(question, value)| {
                let heard = (value != AnswerValue::NotAnswered).then_some("words");
                answer(question, value, heard)
            })
            .collect();
        report.consent = self
            .consent()
            .map(|granted| samvad_actors::domain::ConsentEvidence { granted, ..consent() });
        if matches!(self, Self::Machine) {
            report.answered_by = AnsweredBy::Voicemail;
        }
        report.callback_request = None;
        (report.outcome, report.disposition, report.ended_at_ms) = (outcome, disposition, at_ms);
        report
    }
}

/// Calls of one contact, and the day of each.
pub type Calls = Vec<(End, i64)>;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        (0_i64..=10).prop_map(|scale| End::Complete { scale }),
        Just(End::Partial),
        Just(End::Refused),
        Just(End::Machine),
        Just(End::Busy),
        Just(End::Dead),
        Just(End::Later),
        (0_i64..=10).prop_map(|scale| End::LaterInPart { scale }),
        Just(End::Silent),
        Just(End::Rehearsed),
    ]
}

pub fn people() -> impl Strategy<Value = Vec<Calls>> {
    prop::collection::vec(prop::collection::vec((end(), 0_i64..3), 0..4), 0..8)
}

/// A campaign in which these calls were made; contacts are numbered from 1.
pub async fn called(store: &TestStore, people: &[Calls]) -> CampaignId {
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

pub async fn list_out(store: &TestStore, n: u32) {
    let entry = DoNotCallEntry {
        number: number(n),
        source: ExclusionSource::Manual,
        attempt: None,
        added_at_ms: NOW,
    };
    store.add_do_not_call(&entry).await.expect("added");
}

/// Every contact with its attempts, one by one.
pub async fn one_by_one(store: &TestStore, campaign: &CampaignId) -> Vec<(ContactRecord, Vec<AttemptRow>)> {
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

pub fn config() -> Config {
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
