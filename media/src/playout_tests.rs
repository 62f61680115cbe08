use super::*;
use proptest::prelude::*;

fn played(playback: u32, sentence: usize, playback_complete: bool) -> MarkEffect {
    MarkEffect::Played {
        playback,
        sentence,
        playback_complete,
    }
}

#[test]
fn a_playback_is_complete_when_the_last_of_its_marks_is_back() {
    let mut playout = Playout::new();
    let first = playout.sentence_sent(7, 0, 1_000, 0).unwrap();
    let second = playout.sentence_sent(7, 1, 500, 0).unwrap();
    assert!(!playout.playback_sent(7));
    assert_eq!(playout.expected_end_ms(), Some(1_500));
    assert_eq!(playout.mark_returned(&first, 1_000), played(7, 0, false));
    assert!(playout.is_playing(1_499));
    assert_eq!(playout.mark_returned(&second, 1_500), played(7, 1, true));
    assert!(!playout.is_playing(1_500));
    assert_eq!(playout.mark_returned(&second, 1_501), MarkEffect::Unknown);
}

#[test]
fn a_playback_whose_marks_are_back_before_its_end_is_known_is_complete_then() {
    let mut playout = Playout::new();
    let mark = playout.sentence_sent(1, 0, 100, 0).unwrap();
    assert_eq!(playout.mark_returned(&mark, 100), played(1, 0, false));
    assert!(playout.playback_sent(1));
}

#[test]
fn l6_marks_returned_by_clear_are_not_taken_as_played() {
    let mut playout = Playout::new();
    let marks = [0, 1, 2].map(|sentence| playout.sentence_sent(1, sentence, 1_000, 0).unwrap());
    playout.playback_sent(1);
    assert_eq!(playout.mark_returned(&marks[0], 1_000), played(1, 0, false));
    let cut = Cut {
        playback: 1,
        cut_sentence: 1,
        heard_ms: 400,
        duration_ms: 1_000,
    };
    assert_eq!(playout.clear(1_400), [cut]);
    assert!(!playout.is_playing(1_400));
    for mark in &marks[1..] {
        assert_eq!(playout.mark_returned(mark, 1_420), MarkEffect::ReturnedByClear);
        assert_eq!(playout.mark_returned(mark, 1_421), MarkEffect::Unknown);
    }
}

#[test]
fn l6_a_mark_on_its_way_when_the_clear_is_sent_proves_nothing_but_its_sentence_counts_as_probably_heard() {
    let mut playout = Playout::new();
    let mark = playout.sentence_sent(1, 0, 1_000, 0).unwrap();
    assert_eq!(
        playout.clear(1_030),
        [Cut {
            playback: 1,
            cut_sentence: 0,
            heard_ms: 1_000,
            duration_ms: 1_000
        }]
    );
    assert_eq!(playout.mark_returned(&mark, 1_040), MarkEffect::ReturnedByClear);
}

#[test]
fn marks_sent_after_a_clear_count_again_even_before_the_cleared_ones_are_back() {
    let mut playout = Playout::new();
    let cleared = playout.sentence_sent(1, 0, 1_000, 0).unwrap();
    playout.clear(100);
    let resumed = playout.sentence_sent(2, 0, 1_000, 110).unwrap();
    playout.playback_sent(2);
    assert_eq!(playout.mark_returned(&cleared, 150), MarkEffect::ReturnedByClear);
    assert_eq!(playout.mark_returned(&resumed, 1_110), played(2, 0, true));
}

#[test]
fn a_clear_cuts_every_playback_waiting_in_the_buffer() {
    let mut playout = Playout::new();
    playout.sentence_sent(1, 4, 1_000, 0).unwrap();
    playout.sentence_sent(2, 0, 1_000, 0).unwrap();
    playout.sentence_sent(2, 1, 1_000, 0).unwrap();
    let cut = |playback, cut_sentence, heard_ms| Cut {
        playback,
        cut_sentence,
        heard_ms,
        duration_ms: 1_000,
    };
    assert_eq!(playout.clear(300), [cut(1, 4, 300), cut(2, 0, 0)]);
    assert_eq!(playout.clear(301), []);
}

#[test]
fn a_sentence_sent_in_parts_is_one_sentence_and_pauses_between_parts_are_not_heard_as_speech() {
    let mut playout = Playout::new();
    playout.part_sent(1, 0, 300, 0).unwrap();
    playout.part_sent(1, 0, 300, 100).unwrap();
    // 400 ms of nothing, then the last part.
    let mark = playout.sentence_sent(1, 0, 300, 1_000).unwrap();
    assert_eq!(playout.expected_end_ms(), Some(1_300));
    assert_eq!(
        playout.clear(1_100),
        [Cut {
            playback: 1,
            cut_sentence: 0,
            heard_ms: 700,
            duration_ms: 900
        }]
    );
    assert_eq!(playout.mark_returned(&mark, 1_101), MarkEffect::ReturnedByClear);
}

#[test]
fn a_late_mark_moves_what_follows_it() {
    let mut playout = Playout::new();
    let mark = playout.sentence_sent(1, 0, 1_000, 0).unwrap();
    playout.sentence_sent(1, 1, 1_000, 0).unwrap();
    playout.mark_returned(&mark, 1_080);
    assert_eq!(playout.expected_end_ms(), Some(2_080));
}

#[test]
fn a_mark_that_never_comes_is_overdue() {
    let mut playout = Playout::new();
    assert!(!playout.overdue(u64::MAX, 0));
    playout.sentence_sent(1, 0, 1_000, 0).unwrap();
    assert!(!playout.overdue(3_000, 2_000));
    assert!(playout.overdue(3_001, 2_000));
    assert!(!playout.is_playing(2_000));
}

#[test]
fn more_than_ten_minutes_are_never_buffered() {
    let mut playout = Playout::new();
    playout.sentence_sent(1, 0, 599_000, 0).unwrap();
    let full = PlayoutError::BufferFull {
        buffered_ms: 599_000,
        added_ms: 1_001,
    };
    assert_eq!(playout.sentence_sent(1, 1, 1_001, 0), Err(full));
    assert!(playout.sentence_sent(1, 1, 1_001, 1).is_ok());
}

#[test]
fn empty_sentences_without_end_are_refused_and_cleared_marks_without_return_forgotten() {
    let mut playout = Playout::new();
    for round in 0..3 {
        for sentence in 0..OUTSTANDING_LIMIT {
            playout.sentence_sent(round, sentence, 0, 0).unwrap();
        }
        assert_eq!(
            playout.sentence_sent(round, 0, 0, 0),
            Err(PlayoutError::TooManyMarks(OUTSTANDING_LIMIT))
        );
        playout.clear(0);
    }
    assert_eq!(playout.cleared.len(), OUTSTANDING_LIMIT);
}

#[test]
fn names_we_never_gave_are_unknown() {
    let mut playout = Playout::new();
    playout.sentence_sent(1, 0, 100, 0).unwrap();
    for name in ["", "m", "m1", "0", "m-0", "m99999999999999999999", "é"] {
        assert_eq!(playout.mark_returned(name, 10), MarkEffect::Unknown, "{name}");
    }
}

/// Twilio's buffer, a millisecond at a time, with a way there and a way back that take `latency_ms` each.
struct Carrier {
    latency_ms: u64,
    arriving: VecDeque<(u64, Sent)>,
    buffer: VecDeque<Sent>,
    returning: VecDeque<(u64, String, bool)>,
    heard: std::collections::BTreeMap<(u32, usize), u64>,
}

#[derive(Clone)]
enum Sent {
    Audio((u32, usize), u64),
    Mark(String),
    Clear,
}

impl Carrier {
    fn millisecond(&mut self, now_ms: u64) {
        while let Some((_, sent)) = self.arriving.pop_front_if(|(at_ms, _)| *at_ms <= now_ms) {
            if matches!(sent, Sent::Clear) {
                for waiting in self.buffer.drain(..) {
                    if let Sent::Mark(name) = waiting {
                        self.returning.push_back((now_ms + self.latency_ms, name, false));
                    }
                }
            } else {
                self.buffer.push_back(sent);
            }
        }
        self.return_marks(now_ms);
        if let Some(Sent::Audio(sentence, left_ms)) = self.buffer.front_mut() {
            *self.heard.entry(*sentence).or_default() += 1;
            *left_ms -= 1;
            if *left_ms == 0 {
                self.buffer.pop_front();
                self.return_marks(now_ms + 1);
            }
        }
    }

    fn return_marks(&mut self, now_ms: u64) {
        while let Some(Sent::Mark(name)) = self.buffer.pop_front_if(|sent| matches!(sent, Sent::Mark(_))) {
            self.returning.push_back((now_ms + self.latency_ms, name, true));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send { parts: u8, part_ms: u16 },
    Wait(u16),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u8..4, 1u16..400).prop_map(|(parts, part_ms)| Step::Send { parts, part_ms }),
        4 => (1u16..700).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_ledger_agrees_with_a_model_of_twilios_buffer(
        latency_ms in prop_oneof![Just(0u64), 1u64..80],
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut ledger = Playout::new();
        let mut carrier = Carrier {
            latency_ms,
            arriving: VecDeque::new(),
            buffer: VecDeque::new(),
            returning: VecDeque::new(),
            heard: Default::default(),
        };
        let mut durations = std::collections::BTreeMap::new();
        let (mut now_ms, mut next_sentence) = (0u64, 0usize);
        for step in steps.into_iter().chain([Step::Wait(60_000)]) {
            match step {
                Step::Send { parts, part_ms } => {
                    let (id, part_ms) = ((1, next_sentence), u64::from(part_ms));
                    next_sentence += 1;
                    for _ in 1..parts {
                        ledger.part_sent(id.0, id.1, part_ms, now_ms).unwrap();
                        carrier.arriving.push_back((now_ms + latency_ms, Sent::Audio(id, part_ms)));
                    }
                    let name = ledger.sentence_sent(id.0, id.1, part_ms, now_ms).unwrap();
                    carrier.arriving.push_back((now_ms + latency_ms, Sent::Audio(id, part_ms)));
                    carrier.arriving.push_back((now_ms + latency_ms, Sent::Mark(name)));
                    durations.insert(id, part_ms * u64::from(parts));
                }
                Step::Wait(ms) => {
                    for _ in 0..ms {
                        carrier.millisecond(now_ms);
                        now_ms += 1;
                        while let Some((_, name, truly_played)) = carrier.returning.pop_front_if(|mark| mark.0 <= now_ms) {
                            match ledger.mark_returned(&name, now_ms) {
                                MarkEffect::Played { playback, sentence, .. } => {
                                    prop_assert!(truly_played);
                                    let id = (playback, sentence);
                                    prop_assert_eq!(carrier.heard[&id], durations[&id]);
                                }
                                MarkEffect::ReturnedByClear => {}
                                MarkEffect::Unknown => prop_assert!(false, "mark {} unknown", name),
                            }
                        }
                        prop_assert!(!ledger.overdue(now_ms, 3 * latency_ms));
                    }
                }
                Step::Clear => {
                    for cut in ledger.clear(now_ms) {
                        let id = (cut.playback, cut.cut_sentence);
                        let heard_ms = carrier.heard.get(&id).copied().unwrap_or(0);
                        prop_assert!(
                            cut.heard_ms.abs_diff(heard_ms) <= 2 * latency_ms,
                            "{:?}, but {} ms were heard", cut, heard_ms
                        );
                    }
                    carrier.arriving.push_back((now_ms + latency_ms, Sent::Clear));
                }
            }
        }
        prop_assert_eq!(ledger.expected_end_ms(), None);
        prop_assert!(ledger.cleared.is_empty());
    }
}
