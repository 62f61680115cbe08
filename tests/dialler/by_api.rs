//! The whole workflow by the API alone: a draft, contacts from a file, activation, calls, statistics, results. What the
//! API says of it is what the telephone network has seen.

use crate::api_client::{Answer, Request};
use crate::nodes::Fleet;
use samvad_actors::domain::Campaign;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

const HEALTH: &str = include_str!("../../fixtures/campaigns/health_survey.yaml");
const SURVEY: &str = "/api/v1/campaigns/spring";

/// Whose calls end in which ways; the last one is never called.
const PEOPLE: &str = r#"
name: People of all kinds
network: {calls_per_second: 0, setup_ms: 50, dtmf_in_audio: false}
callers:
  - {name: answers, count: 5, ring_ms: 200, steps: [{when: answered, after_ms: 500, keys: "*"}, {keys: "1"}, {keys: "4"}, {keys: "1"}, {keys: "3"}, {when: at_once, silent: 60000}]}
  - {name: refuses, count: 3, ring_ms: 200, steps: [{when: answered, after_ms: 500, keys: "*"}, {when: prompt_begins, after_ms: 500, keys: "2"}]}
  - {name: engaged, count: 2, busy: true}
  - {name: away, count: 2, no_answer: {after_ms: 1000}}
  - {name: wants no calls, no_answer: true}
"#;

/// Somebody who has signed in at a server's API.
struct Operator {
    address: SocketAddr,
    cookie: String,
    csrf_token: String,
}

impl Operator {
    /// With the secret that the server shows when it starts.
    fn sign_in(fleet: &Fleet) -> Self {
        let server = &fleet.nodes[0];
        let listening = server.event("listening").expect("it listens");
        let address = listening["api_address"].as_str().and_then(|text| text.parse().ok());
        let address = address.expect("an address");
        let log = server.log();
        let shown = log
            .split_once("{\"secret\": \"")
            .and_then(|(_, rest)| rest.split('"').next());
        let secret = json!({ "secret": shown.expect("a secret is shown") });
        let answer = Request::new("POST", "/api/v1/local-login").json(&secret).send(address);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        Self {
            address,
            cookie: cookie.expect("a session").to_owned(),
            csrf_token: answer.json()["csrf_token"].as_str().expect("a token").to_owned(),
        }
    }

    fn asks(&self, request: Request, status: u16) -> Answer {
        let request = request
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf_token);
        let answer = request.send(self.address);
        assert_eq!(answer.status, status, "{}", answer.text());
        answer
    }

    fn reads(&self, path: &str) -> Value {
        self.asks(Request::get(path), 200).json()
    }
}

/// The example campaign, at any hour, once each.
fn definition() -> Value {
    let campaign = Campaign::from_yaml(HEALTH).expect("the example is valid");
    let mut definition = serde_json::to_value(campaign).expect("JSON");
    definition["id"] = json!("spring");
    let rules = &mut definition["dialing"];
    rules["window"]["weekdays"] = json!([
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday"
    ]);
    rules["window"]["start"] = json!("00:00");
    rules["window"]["end"] = json!("00:00");
    rules["retry"]["max_attempts"] = json!(1);
    rules["spread"] = json!(false);
    definition
}

/// Everybody on the network as a file of contacts, one of them not to be called, and a row that is none.
fn file_of_contacts(fleet: &Fleet) -> String {
    let mut file = "phone_number,external_contact_id,do_not_call\n".to_owned();
    for (index, respondent) in fleet.respondents().iter().enumerate() {
        let listed = if respondent.caller == "wants no calls" {
            "yes"
        } else {
            ""
        };
        writeln!(file, "{},person-{index},{listed}", respondent.number).expect("a text takes everything");
    }
    file + "not a number,nobody,\n"
}

#[actix::test]
async fn test_1_a_campaign_from_its_draft_to_its_results_by_the_api_alone_agrees_with_the_network() {
    let fleet = Fleet::start(
        1,
        PEOPLE,
        &[("SAMVAD_API_BIND", "127.0.0.1:0"), ("SAMVAD_MAX_CALLS", "6")],
    )
    .await;
    let operator = Operator::sign_in(&fleet);
    operator.asks(Request::new("POST", "/api/v1/campaigns").json(&definition()), 201);
    let too_early = Request::new("POST", &format!("{SURVEY}/activate")).json(&json!({ "mode": "simulated" }));
    operator.asks(too_early.clone(), 422);
    let upload = Request::new("POST", &format!("{SURVEY}/imports?source=people.csv"))
        .header("content-type", "text/csv")
        .body(file_of_contacts(&fleet));
    let import = operator.asks(upload, 201).json();
    assert_eq!(
        (&import["total_rows"], &import["rejected_rows"]),
        (&json!(14), &json!(1)),
        "{import}"
    );
    operator.asks(too_early, 200);
    fleet
        .until("the campaign completes", async || {
            operator.reads(SURVEY)["status"] == "completed"
        })
        .await;

    let seen = fleet.calls_to();
    let expected = [("answers", 5), ("away", 2), ("engaged", 2), ("refuses", 3)];
    assert_eq!(
        seen,
        BTreeMap::from(expected.map(|(name, calls)| (name.to_owned(), calls)))
    );

    let statistics = operator.reads(&format!("{SURVEY}/statistics"));
    let contacts = &statistics["contacts"];
    let states = [
        "completed",
        "refused",
        "not_reached",
        "excluded",
        "pending",
        "in_progress",
    ];
    assert_eq!(
        states.map(|state| contacts[state].as_u64()),
        [5, 3, 4, 1, 0, 0].map(Some),
        "{statistics}"
    );
    assert_eq!(statistics["attempts_ended"], seen.values().sum::<usize>());
    assert_eq!(statistics["consents_granted"], 5);
    assert_eq!(
        statistics["questions"][0]["numbers"],
        json!({"answers": 5, "min": 4, "max": 4, "mean": 4.0})
    );

    let results = operator
        .asks(Request::get(&format!("{SURVEY}/results.csv")), 200)
        .text();
    let mut table = csv::Reader::from_reader(results.as_bytes());
    let columns = table.headers().expect("a header").clone();
    let column = |name: &str| columns.iter().position(|column| column == name).expect("a column");
    let mut outcomes = BTreeMap::new();
    for row in table.records() {
        let row = row.expect("a row");
        let index: usize = row[column("external_contact_id")]
            .strip_prefix("person-")
            .and_then(|index| index.parse().ok())
            .expect("as it was imported");
        let respondent = &fleet.respondents()[index];
        assert_eq!(row[column("phone_number")], respondent.number);
        let key = (respondent.caller.clone(), row[column("outcome")].to_owned());
        *outcomes.entry(key).or_insert(0) += 1;
    }
    let of = |caller: &str, outcome: &str, count| ((caller.to_owned(), outcome.to_owned()), count);
    let expected = [
        of("answers", "completed", 5),
        of("away", "not_reached", 2),
        of("engaged", "not_reached", 2),
        of("refuses", "refused", 3),
    ];
    assert_eq!(outcomes, BTreeMap::from(expected), "{results}");
    assert_eq!(fleet.judge(6), 12);
}
