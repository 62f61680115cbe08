//! How long a turn takes, in parts that add up.

use crate::dialogue::{Input, Millis, SpeechId};
use crate::ports::TurnLatency;

/// Follows one speech of the caller from its end to our first audio.
///
/// L27: every speech that is end-pointed is followed, however short.
#[derive(Default)]
pub(super) struct TurnClock {
    turns: u32,
    open: Option<OpenTurn>,
    done: Vec<TurnLatency>,
}

struct OpenTurn {
    speech: SpeechId,
    endpoint_ms: u64,
    end_pointed_at: Millis,
    recognized_at: Option<Millis>,
    understanding: Understanding,
    decided_at: Option<Millis>,
}

/// The time in which a language model was asked: between the recognition and the decision, once or more.
#[derive(Clone, Copy, Default)]
struct Understanding {
    since: Option<Millis>,
    ms: Millis,
    /// Its answer is being spoken: what else the model says is not waited for.
    answered: bool,
}

impl Understanding {
    fn end(&mut self, now: Millis) {
        if let Some(since) = self.since.take() {
            self.ms = self.ms.saturating_add(now.saturating_sub(since));
        }
    }
}

impl TurnClock {
    /// A speech ended at `ended_ms` and was end-pointed at `at_ms` (both media time); the clock shows `now`.
    pub(super) fn end_pointed(&mut self, speech: SpeechId, ended_ms: u64, at_ms: u64, now: Millis) {
        self.open = Some(OpenTurn {
            speech,
            endpoint_ms: at_ms.saturating_sub(ended_ms),
            end_pointed_at: now,
            recognized_at: None,
            understanding: Understanding::default(),
            decided_at: None,
        });
    }

    /// The dialogue is about to be given an input.
    pub(super) fn input(&mut self, now: Millis, input: &Input) {
        match input {
            Input::Recognized { speech, .. } | Input::RecognitionFailed { speech, .. } => {
                if let Some(turn) = self.open.as_mut().filter(|turn| turn.speech == *speech) {
                    turn.recognized_at.get_or_insert(now);
                }
            }
            // The model may have more to say, but from here on the caller waits for the voice.
            Input::ReplySentence { .. } => {
                if let Some(turn) = self.recognized().filter(|turn| !turn.understanding.answered) {
                    turn.understanding.end(now);
                    turn.understanding.answered = true;
                    turn.decided_at = Some(now);
                }
            }
            _ => {}
        }
    }

    /// A language model is asked what the recognised words mean. What the dialogue decided until now was to ask.
    pub(super) fn understanding_began(&mut self, now: Millis) {
        if let Some(turn) = self.recognized().filter(|turn| !turn.understanding.answered) {
            turn.understanding.since.get_or_insert(now);
            turn.decided_at = None;
        }
    }

    /// The model has answered, or will not: what the dialogue decides from now on is the decision.
    pub(super) fn understanding_ended(&mut self, now: Millis) {
        if let Some(turn) = self.recognized() {
            turn.understanding.end(now);
        }
    }

    /// The dialogue has decided on everything it was given.
    pub(super) fn decided(&mut self, now: Millis) {
        if let Some(turn) = self.recognized().filter(|turn| turn.understanding.since.is_none()) {
            turn.decided_at.get_or_insert(now);
        }
    }

    /// Audio has been handed to the socket.
    pub(super) fn first_audio(&mut self, now: Millis) {
        // Audio before the recognition answers something else (a re-prompt after silence, say).
        let Some(mut turn) = self.open.take_if(|turn| turn.recognized_at.is_some()) else {
            return;
        };
        // Words that bridge the wait for the model are an answer too: the turn was understood for as long as that.
        turn.understanding.end(now);
        let recognized_at = turn.recognized_at.unwrap_or(turn.end_pointed_at);
        let decided_at = turn.decided_at.unwrap_or(now);
        let part = |ms: Millis| u32::try_from(ms).unwrap_or(u32::MAX);
        let endpoint_ms = part(turn.endpoint_ms);
        let recognition_ms = part(recognized_at.saturating_sub(turn.end_pointed_at));
        let understanding_ms = part(turn.understanding.ms);
        let to_decision = decided_at.saturating_sub(recognized_at);
        let decision_ms = part(to_decision.saturating_sub(turn.understanding.ms));
        let first_audio_ms = part(now.saturating_sub(decided_at));
        let parts = [
            endpoint_ms,
            recognition_ms,
            understanding_ms,
            decision_ms,
            first_audio_ms,
        ];
        self.done.push(TurnLatency {
            turn: self.turns,
            endpoint_ms,
            recognition_ms,
            understanding_ms,
            decision_ms,
            first_audio_ms,
            total_ms: parts.into_iter().fold(0, u32::saturating_add),
        });
        self.turns += 1;
    }

    /// Turns finished since this was last asked.
    pub(super) fn take_done(&mut self) -> Vec<TurnLatency> {
        std::mem::take(&mut self.done)
    }

    /// The turn that is under way, once its words are there.
    fn recognized(&mut self) -> Option<&mut OpenTurn> {
        self.open.as_mut().filter(|turn| turn.recognized_at.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::RequestId;
    use proptest::prelude::*;

    const SPEECH: SpeechId = SpeechId(7);

    fn recognized(speech: SpeechId) -> Input {
        Input::Recognized {
            speech,
            text: "yes".to_owned(),
            confidence: 0.9,
            uncertain: false,
        }
    }

    fn sentence() -> Input {
        Input::ReplySentence {
            request: RequestId(0),
            text: "It takes two minutes.".to_owned(),
        }
    }

    /// A clock whose speech ended 500 ms before it was end-pointed at 1,000, and was recognised at 1,060.
    fn clock() -> TurnClock {
        let mut clock = TurnClock::default();
        clock.end_pointed(SPEECH, 200, 700, 1_000);
        clock.input(1_060, &recognized(SPEECH));
        clock
    }

    fn parts(latency: &TurnLatency) -> [u32; 5] {
        [
            latency.endpoint_ms,
            latency.recognition_ms,
            latency.understanding_ms,
            latency.decision_ms,
            latency.first_audio_ms,
        ]
    }

    #[test]
    fn l27_a_turn_without_a_model_has_no_time_of_understanding() {
        let mut clock = clock();
        clock.decided(1_061);
        clock.first_audio(1_064);
        let done = clock.take_done();
        assert_eq!(parts(&done[0]), [500, 60, 0, 1, 3]);
        assert_eq!(done[0].total_ms, 564);
        assert_eq!(clock.take_done(), []);
    }

    #[test]
    fn l27_the_models_time_is_a_part_of_its_own_and_what_was_decided_before_it_is_not_the_decision() {
        let mut clock = clock();
        clock.understanding_began(1_061);
        clock.decided(1_061);
        clock.decided(1_200);
        clock.understanding_ended(1_461);
        clock.decided(1_463);
        clock.first_audio(1_470);
        let done = clock.take_done();
        assert_eq!(parts(&done[0]), [500, 60, 400, 3, 7]);
        assert_eq!(done[0].total_ms, 970);
    }

    #[test]
    fn a_model_asked_after_a_decision_is_within_the_turn_all_the_same() {
        let mut clock = clock();
        clock.decided(1_061);
        clock.understanding_began(1_062);
        clock.understanding_ended(1_100);
        clock.understanding_began(1_105);
        clock.understanding_ended(1_125);
        clock.decided(1_125);
        clock.first_audio(1_126);
        assert_eq!(parts(&clock.take_done()[0]), [500, 60, 58, 7, 1]);
    }

    #[test]
    fn words_that_bridge_the_wait_for_the_model_end_the_turn() {
        let mut clock = clock();
        clock.understanding_began(1_060);
        clock.first_audio(1_760);
        clock.understanding_ended(2_500);
        clock.first_audio(2_600);
        let done = clock.take_done();
        assert_eq!(done.len(), 1);
        assert_eq!(parts(&done[0]), [500, 60, 700, 0, 0]);
    }

    #[test]
    fn the_first_sentence_of_a_reply_is_the_decision_and_its_synthesis_no_understanding() {
        let mut clock = clock();
        clock.understanding_began(1_060);
        clock.input(1_460, &sentence());
        clock.understanding_began(1_461);
        clock.input(1_700, &sentence());
        clock.understanding_ended(1_701);
        clock.decided(1_701);
        clock.first_audio(2_160);
        assert_eq!(parts(&clock.take_done()[0]), [500, 60, 400, 0, 700]);
    }

    #[test]
    fn a_model_that_answers_a_speech_of_before_counts_for_no_other() {
        let mut clock = clock();
        clock.understanding_began(1_060);
        clock.end_pointed(SpeechId(8), 1_500, 2_000, 2_000);
        clock.understanding_ended(2_010);
        clock.input(2_050, &recognized(SpeechId(8)));
        clock.decided(2_050);
        clock.first_audio(2_051);
        assert_eq!(parts(&clock.take_done()[0]), [500, 50, 0, 0, 1]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        EndPointed(u64),
        Recognized,
        Replied,
        Began,
        Ended,
        Decided,
        FirstAudio,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..2_000).prop_map(Step::EndPointed),
            Just(Step::Recognized),
            Just(Step::Replied),
            Just(Step::Began),
            Just(Step::Ended),
            Just(Step::Decided),
            Just(Step::FirstAudio),
        ]
    }

    proptest! {
        #[test]
        fn l27_whatever_happens_in_which_order_the_parts_of_every_turn_add_up_to_the_time_it_took(
            steps in prop::collection::vec((0_u64..3_000, step()), 0..60),
        ) {
            let mut clock = TurnClock::default();
            let (mut now, mut speech, mut end_pointed) = (10_000, 0, None);
            for (wait, step) in steps {
                now += wait;
                match step {
                    Step::EndPointed(patience) => {
                        speech += 1;
                        end_pointed = Some((now, patience));
                        clock.end_pointed(SpeechId(speech), now - patience, now, now);
                    }
                    Step::Recognized => clock.input(now, &recognized(SpeechId(speech))),
                    Step::Replied => clock.input(now, &sentence()),
                    Step::Began => clock.understanding_began(now),
                    Step::Ended => clock.understanding_ended(now),
                    Step::Decided => clock.decided(now),
                    Step::FirstAudio => clock.first_audio(now),
                }
                for done in clock.take_done() {
                    let (at, patience) = end_pointed.expect("a turn begins with the end of a speech");
                    prop_assert_eq!(u64::from(done.total_ms), now - at + patience);
                    prop_assert_eq!(parts(&done).into_iter().sum::<u32>(), done.total_ms);
                }
            }
        }
    }
}
