//! The network's own record of calls.

use super::support::{call, done, options, scenario};
use samvad_simulator::Simulator;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_written_down_as_it_begins_and_as_it_ends() {
    let number = "+14155550101";
    let (folder, path) = scenario(&format!(
        "name: Ledger\nnetwork: {{calls_per_second: 0, setup_ms: 20}}\ncallers: [{{name: engaged, number: \"{number}\", busy: true}}]"
    ));
    let ledger = folder.path().join("ledger");
    let mut options = options(&path, 9);
    options.ledger = Some(ledger.clone());
    let simulator = Simulator::start(&options).await.expect("it starts");
    call(&simulator, number).await;
    done(&simulator).await;
    let text = std::fs::read_to_string(&ledger).expect("written");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [placed, over] = &lines[..] else {
        panic!("two lines: {text}")
    };
    assert_eq!((&placed["event"], &over["event"]), (&"placed".into(), &"over".into()));
    assert_eq!((&placed["to"], &over["status"]), (&number.into(), &"busy".into()));
    assert_eq!(placed["sid"], over["sid"]);
    assert!(
        placed["status_callback"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://"))
    );
    assert!(placed["at_ms"].as_i64() <= over["at_ms"].as_i64());
}
