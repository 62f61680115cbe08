//! Statistics, against a recount.

use super::client::Request;
use super::survey::{End, SURVEY, call, contacts, get, import, people, put_campaign};
use super::world::World;
use samvad_actors::domain::Role;
use serde_json::json;
use std::time::Duration;

#[test]
fn statistics_are_what_a_recount_of_contacts_and_attempts_gives() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let listed = "+919800000099,a-99,yes\n";
    let csv = people(8).replace("external_id\n", "external_id,do_not_call\n");
    let csv = csv.lines().map(|line| {
        if line.starts_with('+') {
            format!("{line},\n")
        } else {
            format!("{line}\n")
        }
    });
    import(&world, &manager, csv.collect::<String>() + listed);
    let all = contacts(&world, &manager);
    for (contact, ends) in [
        (0, &[End::Completed { scale: 5 }][..]),
        (1, &[End::Busy, End::Completed { scale: 2 }]),
        (2, &[End::Refused]),
        (3, &[End::Busy]),
        (4, &[End::Completed { scale: 5 }]),
    ] {
        for end in ends {
            call(&world, &all[contact], *end);
            world.pass(Duration::from_hours(1));
        }
    }

    let statistics = get(&world, &manager, "/statistics").json();
    let shown: Vec<_> = all
        .iter()
        .map(|contact| contact["contact_id"].as_str().expect("an id"))
        .map(|id| get(&world, &manager, &format!("/contacts/{id}")).json())
        .collect();
    let in_state = |state: &str| shown.iter().filter(|contact| contact["state"] == state).count();
    for state in ["pending", "completed", "refused", "not_reached", "excluded"] {
        assert_eq!(statistics["contacts"][state], in_state(state), "{state}");
    }
    assert_eq!(
        (in_state("completed"), in_state("refused"), in_state("excluded")),
        (3, 1, 1)
    );
    let attempts: Vec<_> = shown
        .iter()
        .flat_map(|contact| contact["attempts"].as_array().expect("attempts").clone())
        .collect();
    assert_eq!(statistics["attempts_ended"], attempts.len());
    for row in statistics["attempts"].as_array().expect("rows") {
        let alike = attempts
            .iter()
            .filter(|attempt| attempt["outcome"] == row["outcome"] && attempt["disposition"] == row["disposition"]);
        assert_eq!(row["attempts"], alike.count(), "{row}");
    }
    assert_eq!(statistics["contacts_attempted"], 5);
    assert_eq!(statistics["mean_attempts"], 6.0 / 5.0);
    assert_eq!(statistics["completion_rate"], 3.0 / 8.0);
    assert_eq!(
        (&statistics["consents_granted"], &statistics["consents_refused"]),
        (&json!(3), &json!(1))
    );
    let scale = &statistics["questions"][0];
    assert_eq!(
        scale["values"],
        json!([{"value": "5", "answers": 2}, {"value": "2", "answers": 1}])
    );
    assert_eq!(scale["numbers"], json!({"answers": 3, "min": 2, "max": 5, "mean": 4.0}));
    assert_eq!(statistics["aapor"]["complete"], 3);
    let days = statistics["days"].as_array().expect("days").iter();
    assert_eq!(days.filter_map(|day| day["attempts"].as_u64()).sum::<u64>(), 6);
}

#[test]
fn each_mode_has_statistics_of_its_own() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    import(&world, &manager, people(1));
    call(&world, &contacts(&world, &manager)[0], End::Refused);
    let viewer = world.person(Role::Viewer);
    let of = |query: &str| get(&world, &viewer, &format!("/statistics{query}")).json();
    assert_eq!(of(""), of("?mode=simulated"));
    assert_eq!(of("")["attempts_ended"], 1);
    let live = of("?mode=live");
    assert_eq!((&live["attempts_ended"], &live["contacts"]), (&json!(0), &json!(null)));
    let answer = world.as_somebody(&viewer, Request::get(&format!("{SURVEY}/statistics?mode=real")));
    assert_eq!(answer.problem(400)["errors"][0]["field"], "mode");
    let missing = Request::get("/api/v1/campaigns/none/statistics");
    world.as_somebody(&viewer, missing).problem(404);
}
