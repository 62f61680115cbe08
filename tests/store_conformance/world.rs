//! What the tests stand on: a store, and people to call.

use samvad::store::{DatabaseUrl, SqlStore, migrate_up};
use samvad_actors::domain::{
    AccountSid, ActorKind, Answer, AnswerValue, AnswerVia, AnsweredBy, AttemptId, CallSid, CallbackRequest, Campaign,
    CampaignId, CarrierStatus, ChangedBy, ConsentEvidence, ContactId, Disposition, EmailAddress, EndReason,
    ExclusionReason, Language, Mode, Outcome, PersonName, PhoneNumber, StreamSid,
};
use samvad_actors::ports::{
    AccountStore, AttemptRow, AuditEntry, AuditQuery, AuditRow, AuditStore, CallLedger, CallReport, CatalogStore,
    ContactRefusal, CostStore, DialerStore, ExclusionStore, IdempotencyStore, MediaTokenClaim, NewAttempt, NewContact,
    PeopleStore, StatisticsStore, StatusCallback, Store, Submission, TranscriptLine, TranscriptSpeaker, TurnLatency,
};
use std::sync::Arc;
use tempfile::TempDir;

/// When everything happens unless a test says otherwise.
pub const NOW: i64 = 1_700_000_000_000;
/// Until when tokens are good.
pub const EXPIRY: i64 = NOW + 60_000;

/// Every port of a store.
pub trait WholeStore:
    Store
    + DialerStore
    + CostStore
    + CallLedger
    + AccountStore
    + IdempotencyStore
    + AuditStore
    + CatalogStore
    + PeopleStore
    + ExclusionStore
    + StatisticsStore
{
}

impl<T> WholeStore for T where
    T: Store
        + DialerStore
        + CostStore
        + CallLedger
        + AccountStore
        + IdempotencyStore
        + AuditStore
        + CatalogStore
        + PeopleStore
        + ExclusionStore
        + StatisticsStore
{
}

pub type TestStore = Arc<dyn WholeStore>;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("runtime")
}

pub async fn sqlite() -> (TestStore, TempDir) {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite://{}", scratch.path().join("samvad.db").display());
    (Arc::new(SqlStore::open(&url).await.expect("opened")), scratch)
}

/// A database of its own on the PostgreSQL server of this test program.
pub async fn postgres() -> (TestStore, ()) {
    let url = crate::postgres::new_database().await.expect("PostgreSQL");
    let parsed = DatabaseUrl::parse(&url).expect("a URL");
    migrate_up(&parsed, None).await.expect("migrated");
    (Arc::new(SqlStore::open(&url).await.expect("opened")), ())
}

pub fn number(n: u32) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1415555{n:04}")).expect("E.164")
}

pub fn campaign(id: &str) -> Campaign {
    serde_json::from_value(serde_json::json!({
        "id": id, "name": "Spring", "organisation": "the Riverside Survey", "purpose": "a short survey",
        "caller_id": "+14155550100", "language": "en",
        "questions": [
            {"text": "Were you satisfied?", "answer": {"type": "yes_no"}},
            {"text": "How likely?", "answer": {"type": "scale", "min": 0, "max": 10}, "patience_ms": 900},
            {"text": "Which?", "answer": {"type": "choice", "options": [
                {"key": "day", "label": "by day"}, {"key": "night", "label": "at night", "phrases": ["late"]}]}}
        ],
        "voicemail": {"leave_message": "We will call again."}
    }))
    .expect("a campaign")
}

pub async fn put_campaign(store: &TestStore, id: &str) -> CampaignId {
    let campaign = campaign(id);
    store.put_campaign(&campaign, NOW).await.expect("campaign written");
    campaign.id
}

pub fn contact(campaign: &CampaignId, n: u32) -> NewContact {
    NewContact {
        id: ContactId::new(format!("{campaign}-contact-{n}")),
        campaign: campaign.clone(),
        number: number(n),
        external_id: Some(format!("customer-{n}")),
        name: PersonName::parse(&format!("Person {n}")).ok(),
        email: EmailAddress::parse(&format!("person.{n}@example.org")).ok(),
        // Every second one chose a language.
        language: n.is_multiple_of(2).then(|| Language("hi".to_owned())),
    }
}

/// A campaign `id` with one contact of number `n`.
pub async fn put_person(store: &TestStore, id: &str, n: u32) -> NewContact {
    let campaign = put_campaign(store, id).await;
    let contact = contact(&campaign, n);
    assert_eq!(store.add_contacts(std::slice::from_ref(&contact), NOW).await, Ok(1));
    contact
}

pub fn attempt(contact: &NewContact, id: &str) -> NewAttempt {
    NewAttempt {
        id: AttemptId::from(id),
        campaign: contact.campaign.clone(),
        contact: contact.id.clone(),
        mode: Mode::Simulated,
        token_hash: format!("hash-of-{id}"),
        token_expires_at_ms: EXPIRY,
    }
}

/// An attempt that the carrier is being asked for.
pub async fn submitting(store: &TestStore, contact: &NewContact, id: &str) -> AttemptId {
    let row = store.create_attempt(attempt(contact, id), NOW).await.expect("created");
    store.mark_submitting(&row.id, NOW).await.expect("marked");
    row.id
}

/// An attempt that the carrier took, as call `CA-id`.
pub async fn submitted(store: &TestStore, contact: &NewContact, id: &str) -> AttemptId {
    let attempt = submitting(store, contact, id).await;
    store
        .record_submission(&attempt, accepted(&attempt), NOW)
        .await
        .expect("recorded");
    attempt
}

/// An attempt with a conversation going on.
pub async fn live(store: &TestStore, contact: &NewContact, id: &str) -> AttemptId {
    let attempt = submitted(store, contact, id).await;
    store
        .consume_media_token(&claim(&attempt), NOW)
        .await
        .expect("store")
        .expect("admitted");
    attempt
}

pub fn call_sid(attempt: &AttemptId) -> CallSid {
    CallSid::new(format!("CA-{attempt}"))
}

pub fn accepted(attempt: &AttemptId) -> Submission {
    Submission::Accepted { sid: call_sid(attempt) }
}

pub fn claim(attempt: &AttemptId) -> MediaTokenClaim {
    MediaTokenClaim {
        attempt: attempt.clone(),
        token_hash: format!("hash-of-{attempt}"),
        call_sid: call_sid(attempt),
        account_sid: AccountSid::from("AC-ours"),
        stream_sid: StreamSid::new(format!("MZ-{attempt}")),
    }
}

pub fn status(attempt: &AttemptId, status: CarrierStatus, sequence: u32) -> StatusCallback {
    StatusCallback {
        attempt: attempt.clone(),
        call_sid: call_sid(attempt),
        status,
        sequence: Some(sequence),
        call_duration_seconds: status.is_terminal().then_some(42),
        sip_code: None,
    }
}

pub async fn row(store: &TestStore, attempt: &AttemptId) -> AttemptRow {
    store.attempt(attempt).await.expect("store").expect("there")
}

pub fn consent() -> ConsentEvidence {
    ConsentEvidence {
        granted: true,
        wording: "May I ask you three questions?".to_owned(),
        language: "en".to_owned(),
        heard: "yes go ahead".to_owned(),
        confidence: Some(0.93),
        via: AnswerVia::Speech,
        at_ms: 4_200,
        reason: None,
    }
}

pub fn answer(question: usize, value: AnswerValue, heard: Option<&str>) -> Answer {
    Answer {
        question,
        value,
        via: if heard.is_some() {
            AnswerVia::Speech
        } else {
            AnswerVia::None
        },
        heard: heard.map(str::to_owned),
        confidence: heard.map(|_| 0.81),
        uncertain: false,
        times_asked: 2,
    }
}

/// What a conversation that went to its end leaves behind.
pub fn report(attempt: &AttemptId) -> CallReport {
    let line = |at_ms, speaker, text: &str, confidence| TranscriptLine {
        at_ms,
        speaker,
        text: text.to_owned(),
        confidence,
    };
    CallReport {
        attempt: attempt.clone(),
        outcome: Outcome::Completed,
        disposition: Disposition::Complete,
        end_reason: EndReason::SurveyDone,
        answered_by: AnsweredBy::Person,
        consent: Some(consent()),
        answers: vec![
            answer(0, AnswerValue::YesNo(true), Some("yes i was")),
            answer(1, AnswerValue::Scale(7), Some("number seven")),
            answer(2, AnswerValue::Choice("night".to_owned()), Some("late")),
        ],
        transcript: vec![
            line(0, TranscriptSpeaker::Agent, "Hello.", None),
            line(4_200, TranscriptSpeaker::Caller, "yes go ahead", Some(0.93)),
            line(4_200, TranscriptSpeaker::Agent, "Thank you.", None),
        ],
        latencies: vec![
            TurnLatency {
                turn: 0,
                endpoint_ms: 500,
                recognition_ms: 60,
                understanding_ms: 0,
                decision_ms: 1,
                first_audio_ms: 2,
                total_ms: 563,
            },
            TurnLatency {
                turn: 1,
                endpoint_ms: 600,
                recognition_ms: 70,
                understanding_ms: 0,
                decision_ms: 0,
                first_audio_ms: 3,
                total_ms: 673,
            },
        ],
        language: Some(Language("hi".to_owned())),
        service_use: Vec::new(),
        callback_request: Some(CallbackRequest {
            words: Some("after six".to_owned()),
            time: None,
            at_ms: NOW + 60_000,
        }),
        do_not_call: false,
        ended_at_ms: NOW + 90_000,
    }
}

/// A change of a campaign by somebody.
pub fn audited(action: &'static str, target: &str) -> AuditEntry {
    AuditEntry {
        by: ChangedBy {
            kind: ActorKind::User,
            id: "user-1".to_owned(),
            name: "Asha".to_owned(),
            request_id: Some("request-1".to_owned()),
        },
        action,
        target: ("campaign", target.to_owned()),
        before: None,
        after: None,
    }
}

/// The audit log, the newest first.
pub async fn audit_log(store: &TestStore) -> Vec<AuditRow> {
    let query = AuditQuery {
        limit: 1_000,
        ..AuditQuery::default()
    };
    store.audit_log(&query).await.expect("read")
}

/// Takes a contact out by hand.
pub async fn exclude(store: &TestStore, contact: &NewContact, reason: &str) -> Result<Vec<AttemptRow>, ContactRefusal> {
    let audit = AuditEntry {
        target: ("contact", contact.id.to_string()),
        ..audited("contact.exclude", "")
    };
    let reason = ExclusionReason::parse(reason).expect("a reason");
    let excluded = store.exclude_contact(&contact.campaign, &contact.id, &reason, &audit, NOW);
    excluded.await.expect("store")
}

/// Lets a contact back in.
pub async fn include(store: &TestStore, contact: &NewContact) -> Result<(), ContactRefusal> {
    let audit = AuditEntry {
        target: ("contact", contact.id.to_string()),
        ..audited("contact.include", "")
    };
    let included = store.include_contact(&contact.campaign, &contact.id, &audit, NOW);
    included.await.expect("store")
}
