use super::*;
use crate::audio::{Colour, NoiseLoop, encode};
use crate::scenario::Scenario;
use std::path::Path;

/// A caller and an agent in virtual time.
struct Line {
    script: Script,
    ear: Ear,
    now_ms: u64,
    acts: Vec<(u64, Act)>,
}

impl Line {
    /// A caller with these fields in a scenario file (YAML flow style).
    fn with(fields: &str) -> Self {
        let text = format!("name: t\ncallers:\n  - {{name: one, {fields}}}\n");
        let scenario = Scenario::parse(&text, Path::new("s.yaml")).expect("well formed");
        let caller = scenario.callers[0].clone();
        let ear = Ear::new(200, Script::needs_memory(&caller));
        Self {
            script: Script::new(caller),
            ear,
            now_ms: 0,
            acts: Vec::new(),
        }
    }

    fn tick(&mut self, played: &[u8]) {
        let heard = self.ear.tick(self.now_ms, played);
        self.acts.extend(
            self.script
                .tick(self.now_ms, heard, &self.ear)
                .map(|act| (self.now_ms, act)),
        );
        self.now_ms += TICK_MS;
    }

    /// The agent says prompt number `which`, which is always the same audio.
    fn prompt(&mut self, which: u64, milliseconds: usize) {
        let noise = NoiseLoop::new(Colour::Pink, 3_000.0, which);
        let audio: Vec<u8> = (0..milliseconds * 8).map(|at| encode(noise.at(at))).collect();
        audio.chunks(TICK_SAMPLES).for_each(|frame| self.tick(frame));
    }

    fn silence(&mut self, milliseconds: u64) {
        (0..milliseconds / TICK_MS).for_each(|_| self.tick(&[]));
    }

    fn keys(&self) -> String {
        let digit = |act: &Act| match act {
            Act::Key { digit, .. } => Some(*digit),
            _ => None,
        };
        self.acts.iter().filter_map(|(_, act)| digit(act)).collect()
    }
}

#[test]
fn each_step_waits_for_a_prompt_to_end_and_reacts_after_its_pause() {
    let mut line = Line::with(r##"steps: [{keys: "1"}, {after_ms: 500, keys: "4#"}]"##);
    line.silence(1_000);
    assert_eq!(line.keys(), "", "nothing was asked");
    line.prompt(1, 1_000);
    line.silence(1_000);
    assert_eq!(line.keys(), "1");
    assert_eq!(
        line.acts[0].0,
        1_980 + 200 + 200,
        "the gap that ends a prompt, and the time to react"
    );
    line.silence(2_000);
    assert_eq!(line.keys(), "1", "the second step waits for the second prompt");
    line.prompt(2, 1_000);
    line.silence(2_000);
    assert_eq!(line.keys(), "14#");
    assert_eq!(line.script.steps_done(), 2);
    assert!(line.script.done_ms().is_some());
}

#[test]
fn who_is_asked_the_same_again_does_what_stands_under_otherwise() {
    let mut line = Line::with(r#"steps: [{keys: "1", otherwise: [{keys: "2"}, {keys: "3"}]}, {keys: "9"}]"#);
    line.prompt(1, 1_000);
    line.silence(1_000);
    for _ in 0..2 {
        line.prompt(7, 400);
        line.prompt(1, 1_000);
        line.silence(1_000);
    }
    assert_eq!(line.keys(), "123");
    line.prompt(2, 1_000);
    line.silence(1_000);
    assert_eq!(line.keys(), "1239");
}

#[test]
fn a_short_prompt_after_words_is_confirmed_once_and_after_keys_never() {
    const CONFIRM: &str = r#"confirm: {shorter_than_ms: 600, keys: "1"}"#;
    let mut line = Line::with(&format!(
        r#"{CONFIRM}, steps: [{{beep: true}}, {{keys: "9"}}, {{keys: "8"}}]"#
    ));
    line.prompt(1, 1_000);
    line.silence(2_000);
    line.prompt(2, 400);
    line.silence(1_000);
    assert_eq!(line.keys(), "1");
    line.prompt(3, 400);
    line.silence(1_000);
    assert_eq!(
        line.keys(),
        "19",
        "the next prompt is taken as the next question, however short"
    );
    line.prompt(4, 400);
    line.silence(1_000);
    assert_eq!(line.keys(), "198");
}

#[test]
fn talking_over_begins_with_the_prompt_and_what_is_left_of_it_is_no_new_prompt() {
    let mut line = Line::with(r#"steps: [{talk_over: {after_ms: 300, beep: true}}, {keys: "9"}]"#);
    line.silence(1_000);
    line.prompt(1, 500);
    assert_eq!(line.acts.len(), 1);
    assert_eq!(line.acts[0].0, 1_300);
    line.ear.cut();
    line.silence(2_000);
    assert_eq!(line.acts.len(), 1, "the prompt was cut by one's own words");
    line.prompt(2, 1_000);
    line.silence(1_000);
    assert_eq!(line.keys(), "9");
}

#[test]
fn a_prompt_that_ends_under_ones_own_words_is_not_an_answer_to_them() {
    let mut line = Line::with(r#"steps: [{talk_over: {after_ms: 100, beep: true}}, {keys: "9"}]"#);
    line.prompt(1, 300);
    line.silence(2_000);
    assert_eq!(line.keys(), "");
}

#[test]
fn a_silent_caller_ignores_prompts_for_as_long() {
    let mut line = Line::with(r#"steps: [{silent: 5000}, {keys: "1"}]"#);
    line.prompt(1, 1_000);
    line.silence(2_000);
    line.prompt(2, 1_000);
    line.silence(3_000);
    assert_eq!(line.keys(), "");
    line.prompt(3, 1_000);
    line.silence(1_000);
    assert_eq!(line.keys(), "1");
}

#[test]
fn steps_at_once_follow_one_another_and_the_socket_is_reset_only_then() {
    let mut line = Line::with("steps: [{when: answered, beep: true}, {when: at_once, reset_socket: true}]");
    line.silence(2_000);
    assert!(matches!(line.acts[0], (200, Act::Say(_))));
    assert_eq!(line.acts[1], (200 + 480 + 200, Act::ResetSocket));
}

#[test]
fn nobody_waits_for_ever_on_a_silent_line() {
    let mut line = Line::with("patience_ms: 3000");
    line.silence(2_000);
    line.prompt(1, 1_000);
    line.silence(2_900);
    assert_eq!(line.acts, vec![]);
    line.silence(200);
    assert!(matches!(line.acts[0], (5_980, Act::GiveUp)));
}
