//! A campaign with people who are called, for the tests of what is done with both.

use super::client::{Answer, Request};
use super::world::{NOW, Somebody, World};
use samvad_actors::domain::{
    ActorKind, Answer as SurveyAnswer, AnswerValue, AnswerVia, AnsweredBy, AttemptId, Campaign, CampaignId, ChangedBy,
    ConsentEvidence, ContactId, Disposition, EndReason, Mode, Outcome,
};
use samvad_actors::ports::{AttemptStore, CallReport, DialerStore, NewAttempt};
use serde_json::Value;

/// Where the campaign is.
pub const SURVEY: &str = "/api/v1/campaigns/health-survey";

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed { scale: i64 },
    Refused,
    Busy,
}

/// Whoever changes things beside the API.
pub fn by() -> ChangedBy {
    ChangedBy {
        kind: ActorKind::System,
        id: String::new(),
        name: "test".to_owned(),
        request_id: None,
    }
}

/// A campaign with three questions: a scale, a yes or no, a choice.
pub fn put_campaign(world: &World, id: &str) -> CampaignId {
    let mut campaign =
        Campaign::from_yaml(include_str!("../../fixtures/campaigns/health_survey.yaml")).expect("a campaign");
    campaign.id = CampaignId::from(id);
    world
        .wait(world.campaigns.create_draft(&campaign, &by()))
        .expect("created");
    world
        .wait(world.store.set_mode(&campaign.id, Mode::Simulated, NOW))
        .expect("set");
    campaign.id
}

/// The request that imports a file into the campaign.
pub fn file(csv: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", &format!("{SURVEY}/imports"))
        .header("content-type", "text/csv; charset=utf-8")
        .body(csv)
}

/// Imports a file that is in order.
pub fn import(world: &World, who: &Somebody, csv: impl Into<Vec<u8>>) -> Value {
    let answer = world.as_somebody(who, file(csv));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// So many people, with ids of the customer's own: `a-1` and so on.
pub fn people(count: u32) -> String {
    let rows = (1..=count).map(|n| format!("+9198{n:08},a-{n}\n"));
    std::iter::once("phone_number,external_id\n".to_owned())
        .chain(rows)
        .collect()
}

pub fn get(world: &World, who: &Somebody, path: &str) -> Answer {
    let answer = world.as_somebody(who, Request::get(&format!("{SURVEY}{path}")));
    assert!(answer.status < 400, "{path}: {}", answer.text());
    answer
}

/// Contacts in the order of adding.
pub fn contacts(world: &World, who: &Somebody) -> Vec<Value> {
    let page = get(world, who, "/contacts?limit=200").json();
    page["items"].as_array().expect("items").clone()
}

/// Calls a contact, until the call has ended.
pub fn call(world: &World, contact: &Value, end: End) {
    let contact = contact["contact_id"].as_str().expect("an id");
    let now_ms = samvad_actors::ports::Clock::unix_ms(&*world.clock);
    let new = NewAttempt {
        id: AttemptId::new(uuid::Uuid::new_v4().to_string()),
        campaign: CampaignId::from("health-survey"),
        contact: ContactId::from(contact),
        mode: Mode::Simulated,
        token_hash: uuid::Uuid::new_v4().to_string(),
        token_expires_at_ms: now_ms + 60_000,
    };
    let row = world.wait(world.store.create_attempt(new, now_ms)).expect("created");
    let report = report(row.id, end, now_ms + 1_000);
    assert_eq!(world.wait(world.store.record_outcome(&report)), Ok(true));
}

fn report(attempt: AttemptId, end: End, ended_at_ms: i64) -> CallReport {
    let (outcome, disposition) = match end {
        End::Completed { .. } => (Outcome::Completed, Disposition::Complete),
        End::Refused => (Outcome::Refused, Disposition::RespondentRefusal),
        End::Busy => (Outcome::Failed, Disposition::Busy),
    };
    let answer = |question, value| SurveyAnswer {
        question,
        value,
        via: AnswerVia::Speech,
        heard: Some("something".to_owned()),
        confidence: Some(0.9),
        uncertain: false,
        times_asked: 1,
    };
    let answers = match end {
        End::Completed { scale } => vec![
            answer(0, AnswerValue::Scale(scale)),
            answer(1, AnswerValue::YesNo(true)),
            answer(2, AnswerValue::Choice("evening".to_owned())),
        ],
        _ => Vec::new(),
    };
    let consent = (end != End::Busy).then(|| ConsentEvidence {
        granted: end != End::Refused,
        wording: "May I ask you three questions?".to_owned(),
        language: "en".to_owned(),
        heard: "well".to_owned(),
        confidence: Some(0.9),
        via: AnswerVia::Speech,
        at_ms: 4_200,
        reason: None,
    });
    CallReport {
        attempt,
        outcome,
        disposition,
        end_reason: EndReason::SurveyDone,
        answered_by: AnsweredBy::Person,
        consent,
        answers,
        transcript: Vec::new(),
        latencies: Vec::new(),
        language: None,
        service_use: Vec::new(),
        callback_request: None,
        do_not_call: false,
        ended_at_ms,
    }
}
