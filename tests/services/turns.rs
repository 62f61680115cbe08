//! Whose turn it is, through the whole system: who speaks over a prompt, with a recogniser that shows words before the
//! end, and who speaks on while it takes its time.

use crate::doubles::deepgram::Deepgram;
use crate::doubles::{Conduct, Double, Ear};
use crate::whole_system::{deepgram_at, simulate_with};
use std::time::Duration;

/// From the end of an utterance to its result: long enough for the caller to go on meanwhile.
const SLOW: Duration = Duration::from_millis(900);

/// One who says something of a second and a half into the lead of the first question, and answers by keys.
fn listener(clears: usize, answers: &str) -> String {
    format!(
        r#"
  - name: listens
    ring_ms: 300
    steps:
      - {{name: consent, keys: "1"}}
      - {{name: says something, talk_over: {{after_ms: 1500, say: AUDIO/18_num_4_phrase.wav}}}}
      - {{name: scale, keys: "5"}}
      - {{name: yes_no, keys: "1"}}
      - {{name: choice, keys: "3"}}
    expect: {{answered: true, outcome: completed, answers: {answers}, clears: {clears}}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn l5_acknowledgements_do_not_stop_a_prompt_where_words_are_shown_and_other_words_do() {
    for (heard, clears) in [("Okay, okay.", 0), ("Haan haan.", 0), ("Where are my glasses?", 1)] {
        let recognizer = Double::start::<Deepgram>(Ear::reciting(&[heard])).await;
        let caller = listener(clears, "[5, true, evening]");
        let run = simulate_with(&caller, &["--recognizer=deepgram"], deepgram_at(&recognizer)).await;
        run.assert_as_expected();
        assert_eq!(recognizer.results(), 1, "{heard}: it was heard");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_what_is_said_while_the_server_thinks_belongs_to_the_turn() {
    // By itself the first part would be agreement, which the whole is not; and no answer, which the whole is.
    let takes_back = r#"
  - name: takes it back
    ring_ms: 300
    steps:
      - {name: consent, say: AUDIO/01_yes.wav}
      - {name: goes on, when: at_once, after_ms: 300, say: AUDIO/18_num_4_phrase.wav}
    expect: {ended_by: agent, goodbye_played: true, outcome: callback, answers: []}
"#;
    let goes_on = r#"
  - name: goes on
    ring_ms: 300
    steps:
      - {name: consent, keys: "1"}
      - {name: scale, say: AUDIO/01_yes.wav}
      - {name: goes on, when: at_once, after_ms: 300, say: AUDIO/18_num_4_phrase.wav}
      - {name: yes_no, keys: "1"}
      - {name: choice, keys: "3"}
    expect: {ended_by: agent, all_steps: true, outcome: completed, answers: [4, true, evening], prompts: 5, clears: 0}
"#;
    for (caller, parts) in [
        (takes_back, ["Yes,", "but call me tomorrow."]),
        (goes_on, ["I would say", "four."]),
    ] {
        let recognizer = Double::start::<Deepgram>(Ear::pondering(SLOW, &parts)).await;
        let run = simulate_with(caller, &["--recognizer=deepgram"], deepgram_at(&recognizer)).await;
        run.assert_as_expected();
        assert_eq!(recognizer.results(), 2, "{parts:?}: each was heard");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_recogniser_that_never_answers_leaves_nobody_in_silence_for_five_seconds() {
    let recognizer = Double::start::<Deepgram>(Ear::reciting(&[])).await;
    recognizer.behave(Conduct::Stalls);
    let caller = r#"
  - name: waits
    ring_ms: 300
    steps:
      - {name: consent, say: AUDIO/01_yes.wav, otherwise: [{keys: "1"}]}
      - {name: scale, say: AUDIO/17_num_3.wav, otherwise: [{keys: "3"}]}
      - {name: yes_no, keys: "1"}
      - {name: choice, keys: "3"}
    expect: {ended_by: agent, goodbye_played: true, outcome: completed, answers: [3, true, evening], response_ms: {max: 5100}}
"#;
    let run = simulate_with(caller, &["--recognizer=deepgram"], deepgram_at(&recognizer)).await;
    run.assert_as_expected();
}
