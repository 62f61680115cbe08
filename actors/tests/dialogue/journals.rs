//! Journals: what is written, and what a replay says of it.

use crate::harness::*;
use proptest::prelude::*;
use samvad_actors::dialogue::journal::{JournalWriter, ReplayFault, replay};
use samvad_actors::dialogue::{Dialogue, DialogueConfig, Input, LanguagePack, Output, PlaybackId, Script, SpeechId};
use samvad_actors::domain::{AttemptId, Language};
use std::sync::{Arc, LazyLock};

/// Plays a call as the runtime does and writes its journal.
fn journal(inputs: &[(u64, Input)], finished: bool) -> String {
    journal_of(&HEALTH_SCRIPT, inputs, finished)
}

/// The same with another script.
pub fn journal_of(script: &Arc<Script>, inputs: &[(u64, Input)], finished: bool) -> String {
    let config = DialogueConfig::default();
    let (mut writer, header) = JournalWriter::new(&AttemptId::new("attempt-1"), script, &config);
    let mut dialogue = Dialogue::new(Arc::clone(script), config);
    let mut lines = vec![header];
    let drain = |dialogue: &mut Dialogue, writer: &mut JournalWriter, lines: &mut Vec<String>, now| {
        while let Some(output) = dialogue.poll_output() {
            lines.push(writer.output(now, &output));
        }
    };
    for (at, input) in inputs {
        while let Some(due) = dialogue.poll_timeout().filter(|due| due <= at) {
            lines.push(writer.timeout(due));
            dialogue.handle_timeout(due);
            drain(&mut dialogue, &mut writer, &mut lines, due);
        }
        lines.push(writer.input(*at, input));
        dialogue.handle(*at, input.clone());
        drain(&mut dialogue, &mut writer, &mut lines, *at);
    }
    if finished {
        lines.push(writer.finish());
    }
    lines.join("\n") + "\n"
}

/// A call with speech, keys and a removal.
static CALL: LazyLock<String> = LazyLock::new(|| {
    let mut inputs = vec![(0, Input::Started)];
    inputs.extend((0..6).map(|sentence| {
        (
            3_000,
            Input::SentencePlayed {
                playback: PlaybackId(0),
                sentence,
            },
        )
    }));
    inputs.push((
        3_000,
        Input::PlaybackEnded {
            playback: PlaybackId(0),
        },
    ));
    let said = |speech: u32, at: u64, text: &str, confidence: f32| {
        let speech = SpeechId(speech);
        [
            (
                at,
                Input::SpeechStarted {
                    speech,
                    began_ms: at - 50,
                },
            ),
            (
                at + 500,
                Input::SpeechEnded {
                    speech,
                    ended_ms: at + 400,
                },
            ),
            (
                at + 600,
                Input::Recognized {
                    speech,
                    text: text.into(),
                    confidence,
                    uncertain: false,
                },
            ),
        ]
    };
    inputs.extend(said(0, 4_000, "yes", 0.93));
    inputs.push((
        6_000,
        Input::PlaybackEnded {
            playback: PlaybackId(1),
        },
    ));
    inputs.push((7_000, Input::Key { key: '4' }));
    inputs.push((
        9_000,
        Input::PlaybackEnded {
            playback: PlaybackId(2),
        },
    ));
    inputs.extend(said(1, 10_000, "nope", 0.93));
    inputs.push((
        12_000,
        Input::PlaybackEnded {
            playback: PlaybackId(3),
        },
    ));
    inputs.extend(said(2, 13_000, "remove me", f32::INFINITY));
    inputs.push((14_000, Input::DoNotCallRecorded { stored: true }));
    inputs.push((
        16_000,
        Input::PlaybackEnded {
            playback: PlaybackId(4),
        },
    ));
    journal(&inputs, true)
});

fn embedded(language: &Language) -> Option<LanguagePack> {
    LanguagePack::embedded(language)
}

#[test]
fn a_replay_of_a_call_gives_the_same_decisions() {
    let report = replay(&CALL, embedded).expect("readable");
    assert_eq!(report.differences, []);
    assert!(report.complete && report.is_same() && report.outputs > 15 && report.inputs > 15);
    assert_eq!(report.attempt, AttemptId::new("attempt-1"));
    assert!(CALL.contains("add_do_not_call") && CALL.contains("\"end\""));
}

#[test]
fn a_wish_for_a_callback_reads_from_a_journal_that_was_written_before_times_were_understood() {
    let earlier = r#"{"output":"request_callback","when":"after six"}"#;
    let output: Output = serde_json::from_str(earlier).expect("readable");
    let when = Some("after six".to_owned());
    assert_eq!(output, Output::RequestCallback { when, time: None });
    assert_eq!(serde_json::to_string(&output).expect("written"), earlier);
}

#[test]
fn a_journal_from_before_there_were_language_models_replays_to_the_same_decisions() {
    let earlier = CALL.replacen(",\"language_model\":false,\"understanding_limit_ms\":1500", "", 1);
    assert_ne!(earlier, *CALL);
    assert!(!CALL.contains("model_prompts") && !CALL.contains("spoken_replies"));
    let report = replay(&earlier, embedded).expect("readable");
    let [only] = report.differences.as_slice() else {
        panic!("{:?}", report.differences);
    };
    assert!(only.line == 1 && only.what.contains("was altered"), "{only}");
}

#[test]
fn a_replay_with_another_lexicon_of_a_language_understood_besides_names_the_lexicon_as_what_differs() {
    let other = |language: &Language| {
        let pack = LanguagePack::embedded(language)?;
        let beside = |other: &Language| {
            Some(format!(
                "{}\n# another\n",
                LanguagePack::embedded(other)?.lexicon_text()
            ))
        };
        LanguagePack::parse_beside(pack.prompts_text(), pack.lexicon_text(), beside).ok()
    };
    let report = replay(&CALL, other).expect("readable");
    let [only] = report.differences.as_slice() else {
        panic!("{:?}", report.differences);
    };
    assert!(only.what.contains("the text of lexicon.yaml is"), "{only}");
}

#[test]
fn a_journal_holds_no_telephone_number() {
    assert!(!CALL.contains("+1415") && !CALL.contains("caller_id"));
}

#[test]
fn one_altered_input_is_found_with_its_line_and_what_came_of_it() {
    let altered = CALL.replacen("\"text\":\"nope\"", "\"text\":\"yeah\"", 1);
    let line = 1 + CALL.lines().position(|line| line.contains("nope")).expect("there");
    let report = replay(&altered, embedded).expect("readable");
    assert_eq!(report.differences[0].line, line);
    let decision = report
        .differences
        .iter()
        .find(|difference| difference.what.contains("the replay"));
    let decision = decision.expect("another answer").to_string();
    assert!(
        decision.contains("the call decided") && decision.contains("yeah"),
        "{decision}"
    );
    assert!(
        report
            .differences
            .iter()
            .any(|difference| difference.what.contains("\"value\":true"))
    );
}

#[test]
fn an_altered_input_that_decides_nothing_else_is_found_too() {
    let altered = CALL.replacen("\"began_ms\":3950", "\"began_ms\":3951", 1);
    assert_ne!(altered, *CALL);
    let report = replay(&altered, embedded).expect("readable");
    assert_eq!(report.differences.len(), 1);
    assert!(report.differences[0].what.contains("was altered"));
}

#[test]
fn one_altered_lexicon_row_is_found() {
    let base = pack();
    // "nope" means something else now, and the decision changes with it.
    let lexicon = base
        .lexicon_text()
        .replace("      - \"nope\"\n", "")
        .replace("      - \"yep\"\n", "      - \"nope\"\n");
    let changed = LanguagePack::parse(base.prompts_text(), &lexicon).expect("valid");
    let report = replay(&CALL, |_| Some(changed.clone())).expect("readable");
    assert!(
        report.differences[0]
            .what
            .starts_with("the text of lexicon.yaml is not that of the call")
    );
    assert!(
        report
            .differences
            .iter()
            .any(|difference| difference.what.contains("\"value\":true"))
    );
    // A row that no word of this call touches is found by the fingerprint alone.
    let lexicon = base.lexicon_text().replace("absolutely", "indubitably");
    let changed = LanguagePack::parse(base.prompts_text(), &lexicon).expect("valid");
    assert_eq!(
        replay(&CALL, |_| Some(changed.clone()))
            .expect("readable")
            .differences
            .len(),
        1
    );
}

#[test]
fn a_missing_line_is_found() {
    for missing in [3, 8, 15] {
        let lines: Vec<&str> = CALL
            .lines()
            .enumerate()
            .filter(|(index, _)| *index != missing)
            .map(|(_, line)| line)
            .collect();
        assert!(
            !replay(&lines.join("\n"), embedded).expect("readable").is_same(),
            "{missing}"
        );
    }
}

#[test]
fn a_journal_cut_off_by_a_crash_is_replayed_as_far_as_it_goes_and_said_to_be_incomplete() {
    let lines: Vec<&str> = CALL.lines().collect();
    let cut = lines[..12].join("\n") + "\n" + &lines[12][..40];
    let report = replay(&cut, embedded).expect("readable");
    assert!(!report.complete && report.is_same(), "{report:?}");
}

#[test]
fn what_is_no_journal_is_refused_with_the_reason() {
    assert!(matches!(replay("", embedded), Err(ReplayFault::NoHeader { .. })));
    assert!(matches!(replay("{}\n", embedded), Err(ReplayFault::NoHeader { .. })));
    assert!(matches!(replay(&CALL, |_| None), Err(ReplayFault::Language { .. })));
    let other = CALL.replacen("\"format\":1", "\"format\":2", 1);
    assert_eq!(replay(&other, embedded), Err(ReplayFault::Format { found: 2 }));
    let damaged: Vec<&str> = CALL
        .lines()
        .enumerate()
        .map(|(i, line)| if i == 4 { "rubbish" } else { line })
        .collect();
    assert!(matches!(
        replay(&damaged.join("\n"), embedded),
        Err(ReplayFault::Unreadable { line: 5, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// One byte changed anywhere: never taken for the same call.
    #[test]
    fn no_altered_byte_goes_unnoticed(position in any::<prop::sample::Index>(), byte in b'0'..=b'z') {
        let mut bytes = CALL.clone().into_bytes();
        let position = position.index(bytes.len() - 1);
        prop_assume!(bytes[position] != byte);
        bytes[position] = byte;
        let text = String::from_utf8(bytes).expect("ASCII");
        let unnoticed = replay(&text, embedded).is_ok_and(|report| report.is_same() && report.complete);
        prop_assert!(!unnoticed);
    }

    #[test]
    fn no_text_whatever_makes_replay_panic(text in ".{0,200}") {
        let _ = replay(&text, embedded);
    }

    /// Whatever happens in a call, its journal replays to the same decisions.
    #[test]
    fn every_journal_replays(
        events in prop::collection::vec(
            (0u64..3_000, prop_oneof![
                prop::sample::select("0123456789*#".chars().collect::<Vec<_>>()).prop_map(|key| Input::Key { key }),
                (0u32..5).prop_map(|id| Input::PlaybackEnded { playback: PlaybackId(id) }),
                (0u32..4, prop::sample::select(vec!["yes", "no", "four", "repeat", "remove me", ""]), any::<f32>()).prop_map(
                    |(id, text, confidence)| Input::Recognized {
                        speech: SpeechId(id), text: text.into(), confidence, uncertain: false,
                    }
                ),
                (0u32..4).prop_map(|id| Input::SpeechStarted { speech: SpeechId(id), began_ms: 0 }),
            ]),
            0..40,
        ),
    ) {
        let mut now = 0;
        let mut inputs = vec![(0, Input::Started)];
        inputs.extend(events.into_iter().map(|(wait, input)| { now += wait; (now, input) }));
        let report = replay(&journal(&inputs, true), embedded).expect("readable");
        prop_assert_eq!(report.differences, vec![]);
    }
}

#[test]
fn every_output_survives_its_line() {
    let outputs: Vec<Output> = CALL
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line)
                .ok()?
                .get("output")?
                .get("output")
                .cloned()
        })
        .filter_map(|output| serde_json::from_value(output).ok())
        .collect();
    assert_eq!(
        outputs.len(),
        CALL.lines()
            .filter(|line| line.contains("\"output\":{\"at_ms\""))
            .count()
    );
}
