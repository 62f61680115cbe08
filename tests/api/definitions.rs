//! Definitions of campaigns: what is wrong with one is told at its place, and what is right comes back as it was sent.

use super::campaigns::{CAMPAIGNS, create, definition, draft, fields, manager, with, with_id};
use super::client::Request;
use samvad_actors::domain::Campaign;
use samvad_actors::ports::CampaignStore;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BILINGUAL: &str = include_str!("../../fixtures/campaigns/health_survey_bilingual.yaml");

#[test]
fn every_fault_of_a_definition_is_told_at_once_at_its_place() {
    let (world, manager) = manager();
    let mut wrong = definition();
    wrong["id"] = json!("not an id");
    wrong["name"] = json!(" ");
    wrong["organisation"] = json!("x".repeat(501));
    wrong["max_reprompts"] = json!(6);
    wrong["questions"][0]["answer"]["max"] = json!(11);
    wrong["questions"][2]["answer"]["options"][1]["key"] = json!("morning");
    wrong["voicemail"] = json!({"leave_message": "{number}"});
    wrong["dialing"] = json!({"cooldown_days": 366, "retry": {"max_attempts": 0}, "limits": {"calls_per_day": 0}});
    let refused = world.as_somebody(&manager, Request::new("POST", CAMPAIGNS).json(&wrong));
    let problem = refused.problem(422);
    let told = fields(&problem);
    for field in [
        "/id",
        "/name",
        "/organisation",
        "/max_reprompts",
        "/voicemail/leave_message",
        "/questions/0/answer/max",
        "/questions/2/answer/options/1/key",
        "/dialing/retry/max_attempts",
        "/dialing/cooldown_days",
        "/dialing/limits/calls_per_day",
    ] {
        assert!(told.iter().any(|told| told == field), "{field} in {told:?}");
    }
    let path = draft(&world, &manager);
    let edit = Request::new("PUT", &path)
        .header("if-match", "\"v1\"")
        .json(&with_id("another"));
    assert_eq!(fields(&world.as_somebody(&manager, edit).problem(422)), ["/id"]);
    let copy = Request::new("POST", &format!("{path}/copy")).json(&json!({"id": "a b", "name": ""}));
    assert_eq!(
        fields(&world.as_somebody(&manager, copy).problem(422)),
        ["/id", "/name"]
    );
}

#[test]
fn what_is_not_of_the_right_form_is_refused_at_its_place_and_not_repeated() {
    let (world, manager) = manager();
    let canary = "canary-0815";
    let answer = with("/questions/1/answer", json!({"type": "yes_no", "min": 1}));
    let mut strange = definition();
    strange[canary] = json!(1);
    let mut translated = definition();
    translated["translations"] = json!({ "../canary-0815": {} });
    let mut window = definition();
    window["dialing"] = json!({"window": {"start": canary}});
    let mut blocked = definition();
    blocked["dialing"] = json!({"window": {"blocked_dates": ["2026-01-26", "2026-02-29"]}});
    for (body, field) in [
        (strange, ""),
        (answer, "/questions/1/answer"),
        (with("/caller_id", json!("=cmd|canary-0815")), "/caller_id"),
        (with("/caller_id", json!(14_155_550_100_u64)), "/caller_id"),
        (with("/name", json!([canary])), "/name"),
        (with("/questions", json!({"canary-0815": 1})), "/questions"),
        (
            with("/questions/0/answer", json!({"type": canary})),
            "/questions/0/answer/type",
        ),
        (with("/longest_call_seconds", json!(-1)), "/longest_call_seconds"),
        (
            with("/questions/2/answer/options/1/label", json!({"canary-0815": 1})),
            "/questions/2/answer/options/1/label",
        ),
        (
            with("/questions/0/answer/min", json!("canary-0815")),
            "/questions/0/answer/min",
        ),
        (with("/max_reprompts", json!(1e300)), "/max_reprompts"),
        (with("/name", json!("a\u{0}")), ""),
        (window, "/dialing/window/start"),
        (blocked, "/dialing/window/blocked_dates/1"),
        (translated, "/translations"),
        (json!({}), "/name"),
    ] {
        let refused = world.as_somebody(&manager, Request::new("POST", CAMPAIGNS).json(&body));
        let problem = refused.problem(422);
        assert_eq!(fields(&problem), [field], "{problem}");
        assert!(!refused.text().contains("canary"), "{problem}");
    }
    let raw = |body: &[u8]| {
        let request = Request::new("POST", CAMPAIGNS).header("content-type", "application/json");
        world.as_somebody(&manager, request.body(body))
    };
    raw(b"{\"name\":\"\xff\xfe\"}").problem(400);
    raw("[".repeat(100_000).as_bytes()).problem(422);
    raw(format!("{{\"name\":\"{}\"}}", "x".repeat(300_000)).as_bytes()).problem(413);
    let list = world.as_somebody(&manager, Request::get(CAMPAIGNS)).json();
    assert_eq!(list["items"], json!([]));
}

#[test]
fn texts_that_a_spreadsheet_or_a_browser_would_run_are_kept_as_they_are() {
    let (world, manager) = manager();
    for name in [
        "=HYPERLINK(\"http://example.org\")",
        "<script>alert(1)</script>",
        "'; DROP TABLE campaigns; --",
        "सर्वे",
    ] {
        let made = create(&world, &manager, &with("/name", json!(name)));
        assert_eq!(made.json()["name"], name);
        assert_eq!(made.header("content-type"), Some("application/json"));
    }
}

#[test]
fn a_definition_comes_back_as_it_was_sent_and_can_be_sent_back_as_it_came() {
    let (world, manager) = manager();
    let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
    let made = create(&world, &manager, &serde_json::to_value(&campaign).expect("JSON"));
    let shown = made.json()["definition"].clone();
    assert_eq!(
        serde_json::from_value::<Campaign>(shown.clone()).expect("a campaign"),
        campaign
    );
    let path = made.header("location").expect("a location");
    let edit = Request::new("PUT", path).header("if-match", "\"v1\"").json(&shown);
    assert_eq!(world.as_somebody(&manager, edit).json()["definition"], shown);
    let kept = world.wait(world.store.campaign(&campaign.id)).expect("read");
    assert_eq!(kept, Some(campaign));
}

#[test]
fn the_description_names_every_field_of_a_definition_and_no_other() {
    let (world, manager) = manager();
    let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
    let made = create(&world, &manager, &serde_json::to_value(&campaign).expect("JSON")).json();
    let description = world.send(&Request::get("/api/v1/openapi.json")).json();
    let names =
        |object: &Value| -> BTreeSet<String> { object.as_object().expect("an object").keys().cloned().collect() };
    for (schema, place) in [
        ("CampaignDefinition", ""),
        ("QuestionDefinition", "/questions/0"),
        ("OptionDefinition", "/questions/2/answer/options/0"),
        ("TranslationDefinition", "/translations/hi"),
        ("TranslatedQuestionDefinition", "/translations/hi/questions/0"),
        ("DialingDefinition", "/dialing"),
        ("WindowDefinition", "/dialing/window"),
        ("RetryDefinition", "/dialing/retry"),
        ("LimitsDefinition", "/dialing/limits"),
        ("BreakerDefinition", "/dialing/breaker"),
    ] {
        let described = &description["components"]["schemas"][schema];
        let shown = made["definition"].pointer(place).expect("there");
        assert_eq!(names(&described["properties"]), names(shown), "{schema}");
        assert_eq!(described["additionalProperties"], false, "{schema}");
    }
}
