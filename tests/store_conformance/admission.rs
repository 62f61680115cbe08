//! The media token: who may talk on an attempt's behalf.

use crate::world::*;
use samvad_actors::domain::{AttemptId, AttemptState, CallSid, Language, MachineVerdict, Mode};
use samvad_actors::ports::{AdmittedCall, MachineDetection, MediaTokenClaim, TokenRefusal};

async fn refusal(store: &TestStore, claim: &MediaTokenClaim, now_ms: i64) -> TokenRefusal {
    store
        .consume_media_token(claim, now_ms)
        .await
        .expect("store")
        .expect_err("refused")
}

pub async fn l24_a_token_admits_once_and_binds_call_account_and_stream(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let admitted = store
        .consume_media_token(&claim(&attempt), EXPIRY - 1)
        .await
        .expect("store");
    let expected = AdmittedCall {
        machine: None,
        name: person.name.clone(),
        language: person.language.clone(),
        attempt: attempt.clone(),
        campaign: person.campaign.clone(),
        contact: person.id.clone(),
        call_sid: call_sid(&attempt),
        mode: Mode::Simulated,
    };
    assert_eq!(admitted, Ok(expected));
    assert_eq!(row(&store, &attempt).await.state, AttemptState::Live);
    assert_eq!(refusal(&store, &claim(&attempt), NOW).await, TokenRefusal::Used);
}

pub async fn an_admission_says_which_language_its_person_chose(store: TestStore) {
    for (n, chosen) in [(1, None), (2, Some("hi"))] {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = submitted(&store, &person, &format!("a{n}")).await;
        let admitted = store.consume_media_token(&claim(&attempt), NOW).await.expect("store");
        let chosen = chosen.map(|tag: &str| Language(tag.to_owned()));
        assert_eq!(admitted.expect("admitted").language, chosen);
    }
}

pub async fn a_verdict_that_came_before_the_stream_comes_with_its_admission(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let detection = MachineDetection {
        attempt: attempt.clone(),
        call_sid: call_sid(&attempt),
        verdict: MachineVerdict::Fax,
    };
    assert_eq!(store.record_machine_detection(&detection, NOW).await, Ok(true));
    let admitted = store.consume_media_token(&claim(&attempt), NOW).await.expect("store");
    assert_eq!(admitted.expect("admitted").machine, Some(MachineVerdict::Fax));
}

pub async fn l24_of_64_claims_of_one_token_at_once_exactly_one_admits(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let mut claims = Vec::new();
    for _ in 0..64 {
        let (store, claim) = (store.clone(), claim(&attempt));
        claims.push(tokio::spawn(
            async move { store.consume_media_token(&claim, NOW).await },
        ));
    }
    let mut admitted = 0;
    for one in claims {
        match one.await.expect("no panic").expect("store") {
            Ok(_) => admitted += 1,
            Err(refusal) => assert_eq!(refusal, TokenRefusal::Used),
        }
    }
    assert_eq!(admitted, 1);
}

pub async fn a_token_is_refused_with_the_reason(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let good = claim(&attempt);
    let unknown_attempt = MediaTokenClaim {
        attempt: AttemptId::from("unknown"),
        ..good.clone()
    };
    let other_token = MediaTokenClaim {
        token_hash: "hash-of-another".to_owned(),
        ..good.clone()
    };
    let other_call = MediaTokenClaim {
        call_sid: CallSid::from("CA-other"),
        ..good.clone()
    };
    assert_eq!(refusal(&store, &unknown_attempt, NOW).await, TokenRefusal::Unknown);
    assert_eq!(refusal(&store, &other_token, NOW).await, TokenRefusal::Unknown);
    assert_eq!(refusal(&store, &other_call, NOW).await, TokenRefusal::OtherCall);
    assert_eq!(refusal(&store, &good, EXPIRY).await, TokenRefusal::Expired);
    assert_eq!(
        row(&store, &attempt).await.state,
        AttemptState::Submitted,
        "a refusal uses nothing up"
    );

    store.record_outcome(&report(&attempt)).await.expect("ended");
    assert_eq!(refusal(&store, &good, NOW).await, TokenRefusal::Over);
}

pub async fn a_stream_before_the_reply_binds_the_call(store: TestStore) {
    for (n, unclear) in [(1, false), (2, true)] {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = submitting(&store, &person, &format!("a{n}")).await;
        if unclear {
            let unknown = samvad_actors::ports::Submission::Unknown;
            store.record_submission(&attempt, unknown, NOW).await.expect("recorded");
        }
        store
            .consume_media_token(&claim(&attempt), NOW)
            .await
            .expect("store")
            .expect("admitted");
        let live = row(&store, &attempt).await;
        assert_eq!(
            (live.state, live.call_sid.clone()),
            (AttemptState::Live, Some(call_sid(&attempt)))
        );
        store
            .record_submission(&attempt, accepted(&attempt), NOW)
            .await
            .expect("the late reply");
        assert_eq!(row(&store, &attempt).await, live);
    }
}

pub async fn a_call_of_another_attempt_is_not_admitted(store: TestStore) {
    let (first, second) = (
        put_person(&store, "spring", 1).await,
        put_person(&store, "autumn", 2).await,
    );
    let theirs = submitted(&store, &first, "a").await;
    let attempt = submitting(&store, &second, "b").await;
    let stolen = MediaTokenClaim {
        call_sid: call_sid(&theirs),
        ..claim(&attempt)
    };
    assert_eq!(refusal(&store, &stolen, NOW).await, TokenRefusal::OtherCall);
    assert_eq!(row(&store, &attempt).await.state, AttemptState::Submitting);
}

pub async fn a_planned_attempt_admits_nobody(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let planned = store
        .create_attempt(attempt(&person, "a"), NOW)
        .await
        .expect("created")
        .id;
    assert_eq!(refusal(&store, &claim(&planned), NOW).await, TokenRefusal::Unknown);
}
