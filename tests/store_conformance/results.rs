//! Reports, results, retention.

use crate::dialling::change;
use crate::world::*;
use samvad_actors::domain::{
    AnswerValue, AnsweredBy, AttemptId, AttemptState, CampaignId, CarrierStatus, Disposition, EmailAddress, EndReason,
    Lifecycle, Outcome,
};
use samvad_actors::ports::{CallReport, NewContact, PurgeCounts, RegistryScrub, StoreError};

pub async fn p40_a_report_reads_back_whole(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let report = report(&attempt);
    assert_eq!(store.record_outcome(&report).await, Ok(true));

    let kept = row(&store, &attempt).await;
    assert_eq!(
        (kept.state, kept.ended_at_ms),
        (AttemptState::Ended, Some(report.ended_at_ms))
    );
    assert_eq!(
        (kept.outcome, kept.disposition, kept.answered_by),
        (Some(report.outcome), Some(report.disposition), Some(AnsweredBy::Person))
    );
    assert_eq!(store.transcript(&attempt).await.as_ref(), Ok(&report.transcript));
    assert_eq!(store.latencies(&attempt).await.as_ref(), Ok(&report.latencies));
    let results = store.results(&person.campaign).await.expect("read");
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].attempt.as_ref(), Some(&kept));
    assert_eq!(results[0].consent, report.consent);
    assert_eq!(results[0].answers, report.answers);
    assert_eq!(results[0].language, report.language);
    assert_eq!(results[0].callback_request.as_deref(), Some("after six"));
    assert_eq!(results[0].next_call, None, "nobody calls who answered");
    assert_eq!((results[0].contact.attempts, results[0].do_not_call), (1, false));
}

pub async fn who_took_a_call_reads_back_whoever_it_was(store: TestStore) {
    let classes = [
        AnsweredBy::Person,
        AnsweredBy::Voicemail,
        AnsweredBy::CallScreening,
        AnsweredBy::Fax,
        AnsweredBy::Unknown,
    ];
    for (n, answered_by) in (0..).zip(classes) {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = live(&store, &person, &format!("a{n}")).await;
        assert_eq!(row(&store, &attempt).await.answered_by, None, "not before its end");
        let report = CallReport {
            answered_by,
            ..report(&attempt)
        };
        store.record_outcome(&report).await.expect("recorded");
        let results = store.results(&person.campaign).await.expect("read");
        let kept = results[0].attempt.as_ref().and_then(|attempt| attempt.answered_by);
        assert_eq!(kept, Some(answered_by));
    }
}

pub async fn l13_the_first_report_wins_and_a_later_wish_for_removal_is_kept(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let lost = CallReport {
        outcome: Outcome::Failed,
        disposition: Disposition::TechnicalProblem,
        end_reason: EndReason::StreamLost,
        consent: None,
        answers: Vec::new(),
        ..report(&attempt)
    };
    assert_eq!(store.record_outcome(&lost).await, Ok(true));
    let before = row(&store, &attempt).await;
    let late = CallReport {
        do_not_call: true,
        ..report(&attempt)
    };
    assert_eq!(store.record_outcome(&late).await, Ok(false));
    assert_eq!(row(&store, &attempt).await, before);
    assert!(
        store.results(&person.campaign).await.expect("read")[0]
            .answers
            .is_empty()
    );
    assert_eq!(store.is_do_not_call(&number(1)).await, Ok(true));
}

pub async fn of_many_reports_at_once_one_wins(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let mut reports = Vec::new();
    for _ in 0..16 {
        let (store, report) = (store.clone(), report(&attempt));
        reports.push(tokio::spawn(async move { store.record_outcome(&report).await }));
    }
    let mut first = 0;
    for one in reports {
        first += usize::from(one.await.expect("no panic").expect("store"));
    }
    assert_eq!(first, 1);
    assert_eq!(store.transcript(&attempt).await.expect("read").len(), 3);
}

pub async fn a_report_that_cannot_be_kept_whole_is_not_kept_in_part(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let mut twice = report(&attempt);
    twice.answers[1].question = 0;
    twice.do_not_call = true;
    let refusal = store
        .record_outcome(&twice)
        .await
        .expect_err("one question, two answers");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(row(&store, &attempt).await.state, AttemptState::Live);
    assert!(
        store.results(&person.campaign).await.expect("read")[0]
            .consent
            .is_none()
    );
    assert_eq!(
        store.record_outcome(&report(&attempt)).await,
        Ok(true),
        "a whole one is taken still"
    );
}

pub async fn results_have_a_row_per_contact_with_its_last_attempt(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    let people = [contact(&campaign, 3), contact(&campaign, 1), contact(&campaign, 2)];
    store.add_contacts(&people, NOW).await.expect("added");
    let unanswered = submitted(&store, &people[0], "a").await;
    store
        .record_callback(&status(&unanswered, CarrierStatus::NoAnswer, 2), NOW)
        .await
        .expect("recorded");
    let second = live(&store, &people[0], "b").await;
    store.record_outcome(&report(&second)).await.expect("recorded");
    let removed = live(&store, &people[1], "c").await;
    store
        .record_outcome(&CallReport {
            do_not_call: true,
            answers: Vec::new(),
            ..report(&removed)
        })
        .await
        .expect("kept");

    let results = store.results(&campaign).await.expect("read");
    let numbers: Vec<_> = results.iter().map(|result| result.contact.number.clone()).collect();
    assert_eq!(numbers, [number(3), number(1), number(2)]);
    let last: Vec<_> = results
        .iter()
        .map(|result| result.attempt.as_ref().map(|row| row.id.clone()))
        .collect();
    assert_eq!(last, [Some(second), Some(removed), None]);
    assert_eq!(
        results.iter().map(|result| result.answers.len()).collect::<Vec<_>>(),
        [3, 0, 0]
    );
    assert_eq!(
        results.iter().map(|result| result.do_not_call).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(results[0].contact.attempts, 2);
    assert!(
        store
            .results(&CampaignId::from("unknown"))
            .await
            .expect("read")
            .is_empty()
    );
}

pub async fn every_kind_of_answer_reads_back(store: TestStore) {
    let values = [
        AnswerValue::YesNo(false),
        AnswerValue::Number(-3),
        AnswerValue::Number(i64::MAX),
        AnswerValue::Scale(0),
        AnswerValue::Choice("a 'quoted' key".to_owned()),
        AnswerValue::FreeText(String::new()),
        AnswerValue::FreeText("समय पर — \"on time\"".to_owned()),
        AnswerValue::NotAnswered,
    ];
    for (n, value) in (0..).zip(values) {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = live(&store, &person, &format!("a{n}")).await;
        let mut answer = answer(2, value, Some("words"));
        (answer.uncertain, answer.confidence) = (true, None);
        let report = CallReport {
            answers: vec![answer],
            ..report(&attempt)
        };
        store.record_outcome(&report).await.expect("recorded");
        assert_eq!(
            store.results(&person.campaign).await.expect("read")[0].answers,
            report.answers
        );
    }
}

pub async fn a_purge_removes_words_and_keeps_values(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    let mut report = report(&attempt);
    report.answers[2] = answer(
        2,
        AnswerValue::FreeText("my own words".to_owned()),
        Some("my own words"),
    );
    store.record_outcome(&report).await.expect("recorded");

    let removed = store.purge(report.ended_at_ms + 1).await;
    assert_eq!(
        removed,
        Ok(PurgeCounts {
            transcript_lines: 3,
            verbatims: 5,
            names: 1,
            email_addresses: 1,
            left_in_log: false
        }),
        "3 answers, consent, callback time; a person who is not called again"
    );
    assert_eq!(store.transcript(&attempt).await, Ok(Vec::new()));
    let kept = &store.results(&person.campaign).await.expect("read")[0];
    let values: Vec<_> = kept.answers.iter().map(|answer| answer.value.clone()).collect();
    assert_eq!(
        values,
        [
            AnswerValue::YesNo(true),
            AnswerValue::Scale(7),
            AnswerValue::FreeText(String::new())
        ]
    );
    assert!(kept.answers.iter().all(|answer| answer.heard.is_none()));
    assert_eq!(
        kept.consent
            .as_ref()
            .map(|consent| (consent.granted, consent.heard.as_str())),
        Some((true, ""))
    );
    assert_eq!(kept.callback_request, None);
    assert_eq!(
        kept.attempt.as_ref().and_then(|row| row.outcome),
        Some(Outcome::Completed)
    );
    assert_eq!(
        store.purge(i64::MAX).await,
        Ok(PurgeCounts::default()),
        "a second purge finds nothing"
    );
}

pub async fn a_purge_leaves_open_and_recent_attempts_alone(store: TestStore) {
    let (ended, open) = (
        put_person(&store, "spring", 1).await,
        put_person(&store, "autumn", 2).await,
    );
    let attempt = live(&store, &ended, "a").await;
    live(&store, &open, "b").await;
    let report = report(&attempt);
    store.record_outcome(&report).await.expect("recorded");
    assert_eq!(store.purge(report.ended_at_ms).await, Ok(PurgeCounts::default()));
    assert_eq!(store.transcript(&attempt).await.as_ref(), Ok(&report.transcript));
}

pub async fn names_and_addresses_are_kept_for_calls_and_purged_when_there_will_be_none(store: TestStore) {
    let (called, waiting, open) = (
        put_person(&store, "spring", 1).await,
        put_person(&store, "autumn", 2).await,
        put_person(&store, "winter", 3).await,
    );
    let attempt = live(&store, &called, "a").await;
    let report = report(&attempt);
    store.record_outcome(&report).await.expect("recorded");
    let ringing = live(&store, &open, "b").await;
    let named = |person: &NewContact| Ok(person.name.clone().map(|name| (name, person.language.clone())));
    assert_eq!(store.name_of_attempt(&attempt).await, named(&called));
    assert!(called.name.is_some());
    assert_eq!(store.name_of_attempt(&AttemptId::from("nobody")).await, Ok(None));

    // Not yet; then of whoever has answered, while others wait for their call or have one.
    let purge = async |before_ms| {
        let counts = store.purge(before_ms).await.expect("purged");
        (counts.names, counts.email_addresses)
    };
    assert_eq!(email_of(&store, &called).await, called.email);
    assert!(called.email.is_some());
    assert_eq!(purge(report.ended_at_ms).await, (0, 0));
    assert_eq!(purge(report.ended_at_ms + 1).await, (1, 1));
    assert_eq!(store.name_of_attempt(&attempt).await, Ok(None));
    assert_eq!(email_of(&store, &called).await, None);
    assert_eq!(store.name_of_attempt(&ringing).await, named(&open));
    assert_eq!(email_of(&store, &open).await, open.email);
    assert_eq!(email_of(&store, &waiting).await, waiting.email);
    // Nobody waits for a campaign that is over.
    for to in [Lifecycle::Running, Lifecycle::Completed] {
        change(&store, &waiting.campaign, to).await;
    }
    assert_eq!(purge(i64::MAX).await, (1, 1));
    assert_eq!(email_of(&store, &waiting).await, None);
}

async fn email_of(store: &TestStore, person: &NewContact) -> Option<EmailAddress> {
    let found = store.contact_record(&person.campaign, &person.id).await.expect("read");
    found.expect("there").0.email
}

pub async fn what_the_registry_said_is_purged_when_it_is_too_old(store: TestStore) {
    let said = |n: u32, scrubbed_at_ms: i64| RegistryScrub {
        number: number(n),
        listed: n.is_multiple_of(2),
        scrubbed_at_ms,
    };
    let scrubs = [said(1, NOW - 2), said(2, NOW - 1), said(3, NOW)];
    let entry = audited("registry.scrub", "registry");
    store.record_scrubs(&scrubs, &entry, NOW).await.expect("recorded");
    assert_eq!(store.purge_scrubs(NOW - 2).await, Ok(0));
    assert_eq!(store.purge_scrubs(NOW).await, Ok(2), "listed or not");
    assert_eq!(store.purge_scrubs(NOW).await, Ok(0), "a second purge finds nothing");
    assert_eq!(store.purge_scrubs(NOW + 1).await, Ok(1));
}
