use super::*;
use proptest::prelude::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    // The shortest mu-law file that is one: 20 ms of a tone.
    let mut wav =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\xA0\0\0\0".to_vec();
    wav.extend(Clip::tone(&[440.0], 20, -12.0).mulaw());
    std::fs::write(folder.path().join("yes.wav"), wav).expect("written");
    folder
}

fn parse(text: &str) -> Result<Scenario, Vec<String>> {
    let folder = folder();
    Scenario::parse(text, &folder.path().join("s.yaml")).map_err(|error| match error {
        ScenarioError::Faults { faults, .. } => faults.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    })
}

#[test]
fn a_scenario_with_every_feature_is_read() {
    let scenario = parse(
        r#"
name: All
seed: 9
first_number: "+14155550500"
network: {calls_per_second: 0, setup_ms: 1, after_stream: hang_up, dtmf_in_audio: false, playout_limit_ms: 1000, prompt_gap_ms: 300}
faults: {stall: 0.5}
callers:
  - name: talker
    count: 2
    weight: 3
    language: en
    ring_ms: 10
    gain_db: -3
    noise: {snr_db: 15, colour: babble}
    echo: {level_db: -30, delay_ms: 60}
    patience_ms: 20000
    machine_detection: {verdict: none}
    faults: [missing_stop, stream_error_31950]
    steps:
      - {name: consent, say: yes.wav, otherwise: [{say: yes.wav}, {after_ms: 50, keys: "1"}]}
      - {talk_over: {after_ms: 1500, say: yes.wav}}
      - {when: prompt_begins, keys: "3#"}
      - {when: at_once, silent: 2000}
      - {beep: true}
      - {reset_socket: true}
      - {hang_up: true}
    expect: {answered: true, status: completed, prompts: 5, duration_ms: {max: 9000}, answers: [4, true, evening, null], do_not_call: false, outcome: completed, calls: {max: 1}}
  - {name: engaged, number: "+14155550500", busy: true}
  - {name: away, no_answer: {after_ms: 3000}}
  - {name: gone, failed: true}
  - {name: machine, voicemail: {greeting: yes.wav, beep: true}}
"#,
    )
    .expect("well formed");
    let talker = &scenario.callers[0];
    assert_eq!(talker.steps.len(), 7);
    assert_eq!(talker.steps[1].when, When::PromptBegins);
    assert_eq!(talker.steps[2].doing.action, Action::Keys(vec!['3', '#']));
    assert_eq!(talker.steps[0].otherwise[1].after_ms, 50);
    assert_eq!(talker.machine.verdict, None);
    assert_eq!(scenario.callers[2].pickup, Pickup::NoAnswer { after_ms: Some(3_000) });
    assert_eq!(scenario.callers[4].steps.len(), 2);
    assert_eq!(scenario.callers[4].machine.verdict, Some("machine_start"));
    let answers = talker.expect.answers.clone().expect("given");
    assert_eq!(answers[0], ExpectedAnswer::Number(4));
    assert_eq!(answers[1], ExpectedAnswer::YesNo(true));
    assert_eq!(answers[2], ExpectedAnswer::Text("evening".to_owned()));
    assert_eq!(answers[3], ExpectedAnswer::NotAnswered);
}

#[test]
fn all_faults_of_a_file_are_reported_at_once_with_their_fields() {
    let faults = parse(
        r#"
sed: 1
seed: many
network: {calls_per_second: -1}
faults: {earthquake: 1}
callers:
  - {name: a, number: "911", steps: [{say: absent.wav}, {keys: "12x"}, {say: yes.wav, keys: "1"}, {}], faults: [flood]}
  - {name: a, noise: {colour: blue, snr_db: 3, level_db: -3}, busy: true, failed: true, expect: {answered: maybe, prompts: few, answers: [1.5]}}
  - {voicemail: {beep: true}, echo: {}, steps: [{when: noon, hang_up: true}], no_answer: 3}
"#,
    )
    .expect_err("full of faults");
    let text = faults.join("\n");
    for field in [
        "name: is missing",
        "sed: is not a field",
        "seed: is not a whole number",
        "network.calls_per_second",
        "faults.earthquake",
        "callers[0].number",
        "callers[0].steps[0].say",
        "callers[0].steps[1].keys",
        "callers[0].steps[2]: needs exactly one",
        "callers[0].steps[3]: needs exactly one",
        "callers[0].faults[0]",
        "callers[1].name: is the name of another",
        "callers[1].noise.colour",
        "callers[1].noise.snr_db",
        "callers[1].busy",
        "callers[1].expect.answered",
        "callers[1].expect.prompts",
        "callers[1].expect.answers[0]",
        "callers[2].name: is missing",
        "callers[2].voicemail.greeting",
        "callers[2].echo.level_db",
        "callers[2].steps[0].when",
        "callers[2].no_answer",
    ] {
        assert!(text.contains(field), "{field} in\n{text}");
    }
}

#[test]
fn a_file_that_is_not_there_or_not_yaml_says_so() {
    let error = Scenario::load(Path::new("/nonexistent.yaml"))
        .expect_err("absent")
        .to_string();
    assert!(
        error.contains("/nonexistent.yaml") && error.contains("check the path"),
        "{error}"
    );
    assert!(parse("{").expect_err("not YAML")[0].contains("not YAML"));
    assert!(parse("[]").expect_err("not a mapping")[0].contains("not a section"));
}

#[test]
fn respondents_have_numbers_of_their_own_and_are_always_the_same() {
    let scenario = parse(
        r#"
name: Many
callers:
  - {name: a, count: 3, weight: 2}
  - {name: b, number: "+14155550001"}
  - {name: c, number: "+14155550001"}
"#,
    )
    .expect("well formed");
    let numbers = |calls| -> Vec<(String, String)> {
        scenario
            .respondents(calls)
            .into_iter()
            .map(|who| (who.caller, who.number))
            .collect()
    };
    let expected = [
        ("a", "+14155550000"),
        ("a", "+14155550002"),
        ("a", "+14155550003"),
        ("b", "+14155550001"),
        ("c", "+14155550004"),
    ];
    let expected: Vec<_> = expected
        .map(|(caller, number)| (caller.to_owned(), number.to_owned()))
        .into();
    // The second with a number that is taken gets the next free one.
    assert_eq!(numbers(None), expected);
    let many = numbers(Some(400));
    assert_eq!(many, numbers(Some(400)));
    assert_eq!(many.iter().filter(|(caller, _)| caller == "a").count(), 200);
    let unique: std::collections::BTreeSet<_> = many.iter().map(|(_, number)| number).collect();
    assert_eq!(unique.len(), 400);
}

#[test]
fn every_fault_is_found_by_its_name() {
    for kind in FaultKind::ALL {
        assert_eq!(FaultKind::from_name(kind.name()), Some(*kind));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z:{}\\[\\]\" \n0-9-]{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_value_in_a_known_field_makes_the_parser_panic(
        field in prop::sample::select(vec!["name", "seed", "network", "faults", "callers", "first_number"]),
        value in "[a-z:{}\\[\\]\" 0-9-]{0,60}",
    ) {
        let _ = parse(&format!("name: x\n{field}: {value}\n"));
    }
}

#[test]
fn calls_to_the_server_are_read_by_callers_strangers_and_those_who_withhold_their_number() {
    let scenario = parse(
        r#"
name: Inbound
callers: [{name: away, no_answer: true}]
inbound:
  - {name: calls back, caller: away, keys: "19", after_ms: 5, press_after_ms: 6, forged_first: true, hears: [a, b], hears_not: [c]}
  - {name: stranger, number: "+14155550901", to: "+14155550100", voice_path: /voice}
  - {name: withheld, withheld: true, to: "+14155550100"}
"#,
    )
    .expect("well formed");
    let [calls_back, stranger, withheld] = &scenario.inbound[..] else {
        panic!("not three")
    };
    let expected = InboundCall {
        name: "calls back".to_owned(),
        from: From::Caller("away".to_owned()),
        after_ms: 5,
        keys: vec!['1', '9'],
        press_after_ms: 6,
        voice_path: "/twilio/voice".to_owned(),
        forged_first: true,
        hears: vec!["a".to_owned(), "b".to_owned()],
        hears_not: vec!["c".to_owned()],
    };
    assert_eq!(**calls_back, expected);
    let (number, to) = (Some(14_155_550_901), 14_155_550_100);
    assert_eq!(stranger.from, From::Stranger { number, to });
    assert_eq!((stranger.voice_path.as_str(), stranger.after_ms), ("/voice", 1_000));
    assert_eq!(withheld.from, From::Stranger { number: None, to });
}

#[test]
fn every_fault_of_a_call_to_the_server_is_named() {
    let faults = parse(
        r#"
name: Inbound
callers: [{name: away, no_answer: true}]
inbound:
  - {caller: nobody, keys: "x", voice_path: voice, hears: [1], louder: true}
  - {name: both, caller: away, number: "+14155550901"}
  - {name: nowhere, number: "+14155550901"}
"#,
    )
    .expect_err("faults")
    .join("\n");
    for field in [
        "inbound[0].name",
        "inbound[0].caller",
        "inbound[0].keys",
        "inbound[0].voice_path",
        "inbound[0].hears[0]",
        "inbound[0].louder",
        "inbound[1].caller",
        "inbound[2].caller",
    ] {
        assert!(faults.contains(field), "{field} in {faults}");
    }
}
