use crate::run::simulate;

#[test]
fn l16_l17_machines_get_the_campaigns_message_after_their_greeting_and_people_a_conversation() {
    let campaign = "--campaign=fixtures/campaigns/feedback_free_text.yaml";
    let run = simulate("voicemail.yaml", &[campaign, "--calls-per-second=20"]);
    let differences = &run.summary["differences"];
    assert_eq!(differences.as_array().map(Vec::len), Some(0), "{differences:#}");
    assert_eq!(run.status, Some(0));
}
