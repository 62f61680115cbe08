use crate::run::simulate;

#[test]
fn people_who_call_back_hear_who_called_and_opt_out_and_strangers_learn_nothing() {
    let run = simulate("inbound.yaml", &["--recognizer=fixed:20ms", "--calls-per-second=20"]);
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    assert_eq!(run.status, Some(0));
}
