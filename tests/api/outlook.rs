//! What a campaign waits for.

use super::campaigns::{CAMPAIGNS, activate, add_contact, create, definition, manager, step};
use super::client::Request;
use serde_json::json;
use std::time::Duration;

#[test]
fn the_outlook_says_what_a_campaign_waits_for_and_until_when() {
    let (world, manager) = manager();
    let mut definition = definition();
    definition["dialing"]["window"] = json!({"zone": "Asia/Kolkata", "start": "14:00", "end": "15:00"});
    let made = create(&world, &manager, &definition);
    let path = made.header("location").expect("a location").to_owned();
    add_contact(&world, &path);
    let outlook = || {
        let answer = world.as_somebody(&manager, Request::get(&format!("{path}/outlook")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let waits_for = |what: &str, until: Option<&str>| json!({"waits_for": what, "until": until, "reason": null});

    assert_eq!(
        outlook(),
        waits_for("somebody", None),
        "a draft is activated by somebody"
    );
    let later = json!({"mode": "dry_run", "starts_at": "2027-06-01T08:00:00Z"});
    activate(&world, &manager, &path, &later);
    assert_eq!(outlook(), waits_for("its_beginning", Some("2027-06-01T08:00:00.000Z")));
    step(&world, &manager, &path, "unschedule");
    // 13:30 in Kolkata, half an hour before the window opens.
    activate(&world, &manager, &path, &json!({"mode": "dry_run"}));
    assert_eq!(outlook(), waits_for("window", Some("2027-01-15T08:30:00.000Z")));
    world.pass(Duration::from_secs(30 * 60));
    assert_eq!(outlook(), waits_for("nothing", None));
    step(&world, &manager, &path, "pause");
    let paused = outlook();
    assert_eq!(paused["waits_for"], "somebody");
    assert!(paused["reason"].is_string(), "{paused}");

    let unknown = world.as_somebody(&manager, Request::get(&format!("{CAMPAIGNS}/nobody-s/outlook")));
    assert_eq!(unknown.status, 404);
}
