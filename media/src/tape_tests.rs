//! The tape against a carrier that plays in steps of 20 ms, with any way to it and back.

use super::*;
use proptest::prelude::*;

const FRAME: usize = STEP as usize;

/// Twilio's buffer, and the connection to it.
#[derive(Default)]
struct Carrier {
    /// Messages on their way to the carrier and back, by the step at which they arrive.
    to: VecDeque<(u64, ToCarrier)>,
    from: VecDeque<(u64, FromCarrier)>,
    buffer: VecDeque<ToCarrier>,
    step: u64,
    /// What the caller heard.
    heard: Vec<u8>,
    said: Vec<u8>,
    way_there: u64,
    way_back: u64,
}

#[derive(Clone)]
enum ToCarrier {
    Audio(Vec<u8>),
    Mark(String),
    Clear,
}

enum FromCarrier {
    Frame(u64, Vec<u8>),
    Mark(String),
}

impl Carrier {
    fn new(way_there: u64, way_back: u64) -> Self {
        Self {
            way_there,
            way_back,
            ..Self::default()
        }
    }

    fn send(&mut self, tape: &mut Tape, message: ToCarrier) {
        match &message {
            ToCarrier::Audio(audio) => {
                if let Some(mark) = tape.begin() {
                    self.to.push_back((self.step + self.way_there, ToCarrier::Mark(mark)));
                }
                tape.sent(Bytes::from(audio.clone()));
            }
            ToCarrier::Mark(name) => tape.mark_sent(name),
            ToCarrier::Clear => tape.clear_sent(),
        }
        self.to.push_back((self.step + self.way_there, message));
    }

    fn sentence(&mut self, tape: &mut Tape, name: &str, audio: Vec<u8>) {
        self.send(tape, ToCarrier::Audio(audio));
        self.send(tape, ToCarrier::Mark(name.to_owned()));
    }

    /// One step of the carrier, and what arrives at our end.
    fn tick(&mut self, tape: &mut Tape) {
        let step = self.step;
        while let Some((_, message)) = self.to.pop_front_if(|(at, _)| *at <= step) {
            match message {
                ToCarrier::Clear => {
                    for item in std::mem::take(&mut self.buffer) {
                        if let ToCarrier::Mark(name) = item {
                            self.from.push_back((step + self.way_back, FromCarrier::Mark(name)));
                        }
                    }
                }
                other => self.buffer.push_back(other),
            }
        }
        let mut played = Vec::new();
        loop {
            match self.buffer.front_mut() {
                Some(ToCarrier::Audio(audio)) if played.len() < FRAME => {
                    let take = audio.len().min(FRAME - played.len());
                    played.extend(audio.drain(..take));
                    if audio.is_empty() {
                        self.buffer.pop_front();
                    }
                }
                Some(ToCarrier::Mark(name)) => {
                    let name = std::mem::take(name);
                    self.from.push_back((step + self.way_back, FromCarrier::Mark(name)));
                    self.buffer.pop_front();
                }
                _ => break,
            }
        }
        played.resize(FRAME, MULAW_SILENCE);
        self.heard.extend(&played);
        let said = vec![(step % 200) as u8; FRAME];
        self.said.extend(&said);
        let at = step * STEP;
        self.from
            .push_back((step + self.way_back, FromCarrier::Frame(at, said)));
        while let Some((_, message)) = self.from.pop_front_if(|(at, _)| *at <= step) {
            match message {
                FromCarrier::Frame(at, said) => tape.caller(at, &said),
                FromCarrier::Mark(name) => tape.mark_returned(&name),
            }
        }
        self.step += 1;
    }

    fn run(&mut self, tape: &mut Tape, steps: u64) {
        for _ in 0..steps {
            self.tick(tape);
        }
    }
}

/// Both sides of a tape, from its beginning.
fn sides(tape: &mut Tape) -> (Vec<u8>, Vec<u8>) {
    let (at, pairs) = tape.take(0).unwrap_or_default();
    assert_eq!(at, 0);
    let side = |offset: usize| pairs.iter().skip(offset).step_by(2).copied().collect();
    (side(0), side(1))
}

/// Where a sentence stands whose every byte is `code`: its first and last position.
fn place(side: &[u8], code: u8) -> Option<(usize, usize)> {
    let first = side.iter().position(|&byte| byte == code)?;
    Some((first, side.iter().rposition(|&byte| byte == code)?))
}

fn apart(side: &[u8], heard: &[u8], code: u8) -> (usize, usize) {
    let (found, truth) = (
        place(side, code).expect("on the tape"),
        place(heard, code).expect("heard"),
    );
    (found.0.abs_diff(truth.0), found.1.abs_diff(truth.1))
}

#[test]
fn over_a_short_way_the_tape_is_what_the_caller_said_and_heard_to_the_sample() {
    let (mut carrier, mut tape) = (Carrier::new(0, 0), Tape::new());
    carrier.run(&mut tape, 3);
    carrier.sentence(&mut tape, "m0", vec![1; 1_234]);
    carrier.sentence(&mut tape, "m1", vec![2; 777]);
    carrier.run(&mut tape, 30);
    carrier.sentence(&mut tape, "m2", vec![3; 4_000]);
    carrier.run(&mut tape, 10);
    carrier.send(&mut tape, ToCarrier::Clear);
    carrier.run(&mut tape, 5);
    let (left, right) = sides(&mut tape);
    assert_eq!(left, carrier.said);
    assert_eq!(right, carrier.heard);
    assert_eq!(
        place(&right, 3).map(|(first, last)| last - first),
        Some(10 * FRAME - 1),
        "cut where it was cut"
    );
}

#[test]
fn however_long_the_way_every_sentence_stands_where_it_was_heard() {
    for (there, back) in [(4, 4), (0, 9), (7, 1), (1, 0)] {
        let (mut carrier, mut tape) = (Carrier::new(there, back), Tape::new());
        carrier.run(&mut tape, 20);
        for sentence in 1..8 {
            carrier.sentence(&mut tape, &format!("m{sentence}"), vec![sentence; 1_500]);
        }
        carrier.run(&mut tape, 100);
        carrier.sentence(&mut tape, "m9", vec![9; 3_000]);
        carrier.run(&mut tape, 60);
        let (_, right) = sides(&mut tape);
        for sentence in [1, 2, 3, 4, 5, 6, 7, 9] {
            let apart = apart(&right, &carrier.heard, sentence);
            assert_eq!(apart, (0, 0), "sentence {sentence} over {there} and {back}");
        }
    }
}

#[test]
fn l6_a_cleared_prompt_ends_where_its_marks_come_back_and_not_where_the_clear_was_sent() {
    let (mut carrier, mut tape) = (Carrier::new(3, 3), Tape::new());
    carrier.run(&mut tape, 10);
    carrier.sentence(&mut tape, "m0", vec![1; 800]);
    carrier.sentence(&mut tape, "m1", vec![2; 8_000]);
    carrier.run(&mut tape, 25);
    carrier.send(&mut tape, ToCarrier::Clear);
    carrier.sentence(&mut tape, "m2", vec![3; 800]);
    carrier.run(&mut tape, 30);
    let (_, right) = sides(&mut tape);
    for code in [2, 3] {
        let apart = apart(&right, &carrier.heard, code);
        assert!(apart.0 <= FRAME && apart.1 <= FRAME, "{code}: {apart:?}");
    }
}

#[test]
fn marks_that_never_come_hold_up_what_follows_for_a_moment_and_once_only() {
    let mut tape = Tape::new();
    for code in 1..5 {
        tape.sent(Bytes::from(vec![code; 160]));
        tape.mark_sent("lost");
    }
    tape.caller(0, &[0; 16_000]);
    let (_, right) = sides(&mut tape);
    let wait = LONGEST_MARK_WAIT as usize;
    assert_eq!(place(&right, 2), Some((160 + wait, 319 + wait)));
    assert_eq!(place(&right, 4), Some((480 + wait, 639 + wait)));
}

#[test]
fn a_clear_that_no_mark_answers_is_believed_after_a_moment() {
    let mut tape = Tape::new();
    tape.caller(0, &[0; 160]);
    // Part of a sentence, whose mark had not been sent.
    tape.sent(Bytes::from(vec![1; 8_000]));
    tape.caller(160, &[0; 160]);
    tape.clear_sent();
    tape.caller(320, &[0; 8_000]);
    let (_, right) = sides(&mut tape);
    assert_eq!(
        place(&right, 1).map(|(_, last)| last as u64 + 1),
        Some(320 + LONGEST_CLEAR)
    );
}

#[test]
fn a_gap_is_silence_of_its_length_on_both_sides_and_a_late_frame_is_not_taken() {
    let mut tape = Tape::new();
    tape.caller(0, &[5; 160]);
    tape.caller(480, &[6; 160]);
    tape.caller(160, &[9; 160]);
    let (left, right) = sides(&mut tape);
    assert_eq!(left, [vec![5; 160], vec![MULAW_SILENCE; 320], vec![6; 160]].concat());
    assert_eq!(right, vec![MULAW_SILENCE; 640]);
}

#[test]
fn an_hour_without_audio_does_not_become_an_hour_of_silence() {
    let mut tape = Tape::new();
    tape.caller(3_600_000 * SAMPLES_PER_MS, &[5; 160]);
    let (at, pairs) = tape.take(1).expect("a minute");
    assert_eq!((at, pairs.len() as u64), (0, 2 * (LONGEST_GAP + 160)));
    tape.caller(7_200_000 * SAMPLES_PER_MS, &[5; 160]);
    let (at, _) = tape.take(1).expect("another");
    assert_eq!(
        at,
        LONGEST_GAP + 160,
        "behind what was taken, and not where the line is"
    );
}

#[test]
fn a_mark_is_sent_before_audio_only_if_the_carrier_may_have_nothing_left_to_play() {
    let mut tape = Tape::new();
    let begins = |tape: &mut Tape, samples: u64| {
        let mark = tape.begin();
        tape.sent(Bytes::from(vec![1; samples as usize]));
        mark.is_some()
    };
    assert!(begins(&mut tape, 8_000), "nothing is there");
    tape.mark_sent("m0");
    assert!(!begins(&mut tape, 8_000), "the next sentence of the same prompt");
    for piece in 0..20 {
        assert!(!begins(&mut tape, 800), "piece {piece} of live speech that comes fast");
    }
    tape.clear_sent();
    assert!(begins(&mut tape, LONGEST_WAY - 1), "all that was there is cleared");
    assert!(begins(&mut tape, 800), "the way may be longer than what is there");
    assert!(!begins(&mut tape, 800));
}

proptest! {
    /// Whatever the way and whatever is cleared, every sentence stands where it was heard, within a step.
    #[test]
    fn sentences_stand_where_they_were_heard(
        there in 0u64..6,
        back in 0u64..6,
        sentences in proptest::collection::vec((200usize..6_000, 0u64..40, any::<bool>()), 2..12),
    ) {
        let (mut carrier, mut tape) = (Carrier::new(there, back), Tape::new());
        carrier.run(&mut tape, 20);
        for (index, (length, pause, clear)) in sentences.iter().enumerate() {
            if *clear {
                carrier.send(&mut tape, ToCarrier::Clear);
                carrier.run(&mut tape, 20);
            }
            carrier.sentence(&mut tape, &format!("m{index}"), vec![index as u8 + 1; *length]);
            carrier.run(&mut tape, *pause);
        }
        carrier.run(&mut tape, 500);
        let (left, right) = sides(&mut tape);
        prop_assert_eq!(&left[..], &carrier.said[..left.len()]);
        for index in 0..sentences.len() {
            let code = index as u8 + 1;
            if let (Some(truth), Some(found)) = (place(&carrier.heard, code), place(&right, code)) {
                prop_assert!(found.0.abs_diff(truth.0) <= FRAME, "{}: {:?}, in truth {:?}", code, found, truth);
                prop_assert!(found.1.abs_diff(truth.1) <= FRAME, "{}: {:?}, in truth {:?}", code, found, truth);
            }
        }
    }

    #[test]
    fn nothing_that_happens_makes_the_tape_panic_and_its_sides_are_equally_long(
        happenings in proptest::collection::vec((0u8..5, 0u64..2_000, 0u64..4), 0..80)
    ) {
        let mut tape = Tape::new();
        for (kind, number, name) in happenings {
            match kind {
                0 => tape.caller(number * 10, &vec![1; number as usize]),
                1 => {
                    tape.begin();
                    tape.sent(Bytes::from(vec![2; number as usize]));
                }
                2 => tape.mark_sent(&name.to_string()),
                3 => tape.clear_sent(),
                _ => tape.mark_returned(&name.to_string()),
            }
        }
        if let Some((_, pairs)) = tape.take(0) {
            prop_assert!(pairs.len().is_multiple_of(2));
        }
    }
}
