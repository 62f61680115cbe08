//! A recorded call heard again: its caller's audio through listener, recogniser and dialogue, in virtual time.
//!
//! Time is that of the audio, and passes as fast as the work allows; it stands still while the recogniser is waited
//! for. Our own side is spoken as in a call, to a carrier that plays at once: sentences last as long as their audio,
//! and marks come back at their end. What is not in the audio (keys, the carrier's verdict, the end) comes from the
//! call's journal at its time, and a language model's answer where the same was asked. Words that a
//! recogniser shows before the end of a speech are not given, because they would come at the machine's time: a prompt
//! falls silent for acknowledgements too, and goes on after them. Nothing is stored.

mod line;
mod model;

use self::line::{Finding, Line};
use crate::dialogue::{
    Dialogue, DialogueConfig, Expectation, Input, Millis, ModelQuery, Output, RecognitionFault, Script, SpeechId,
};
use crate::domain::AttemptId;
use crate::ports::{Heard, RecognitionRequest, Recognizer, RecognizerError, ServiceMeter, UtteranceStream};
use crate::runtime::Survey;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Frames of 20 ms, as the carrier sends them.
const FRAME: usize = 160;
const FRAME_MS: Millis = 20;
/// After the recording's end the line is silent for so long; then the person has hung up.
const LAST_SILENCE_MS: Millis = 60_000;
/// No sound, as mu-law.
const SILENCE: [u8; FRAME] = [0xff; FRAME];

/// What a call is heard again with.
pub struct Rehearing<'a> {
    /// What is said and expected, with the audio of every fixed sentence.
    pub survey: &'a Survey,
    /// Speech to text.
    pub recognizer: &'a dyn Recognizer,
    /// The waits of the call.
    pub config: DialogueConfig,
    /// How long a recognition takes, in virtual time.
    pub recognition_ms: Millis,
    /// How long it may take in truth.
    pub recognition_deadline: Duration,
    /// Inputs of the call; those that audio does not hold are given again.
    pub inputs: &'a [(Millis, Input)],
    /// What the call decided: tells what its language model was asked.
    pub outputs: &'a [(Millis, Output)],
}

/// One thing that happened in a call heard again.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// Something came in.
    Input(Input),
    /// Something was decided.
    Output(Output),
}

/// How long it usually took from the end of an utterance to its recognition: the median; `None` if there was none.
pub fn recognition_ms(inputs: &[(Millis, Input)]) -> Option<Millis> {
    let ended = |of: SpeechId| {
        let mut ends = inputs.iter().filter_map(move |(at, input)| match input {
            Input::SpeechEnded { speech, .. } if *speech == of => Some(*at),
            _ => None,
        });
        ends.next()
    };
    let mut waits: Vec<Millis> = inputs
        .iter()
        .filter_map(|(at, input)| match input {
            Input::Recognized { speech, .. } => Some(at.saturating_sub(ended(*speech)?)),
            _ => None,
        })
        .collect();
    waits.sort_unstable();
    waits.get(waits.len() / 2).copied()
}

/// Whether an input cannot be heard in the caller's audio.
fn is_not_audio(input: &Input) -> bool {
    matches!(
        input,
        Input::Key { .. }
            | Input::Machine { .. }
            | Input::NamedGreeting { .. }
            | Input::StreamEnded { .. }
            | Input::Terminate { .. }
    )
}

impl Rehearing<'_> {
    /// Plays the caller's audio (8 kHz mu-law) and says what happened, in order.
    pub async fn run(self, audio: &[u8]) -> Vec<(Millis, Happening)> {
        let mut run = Run {
            dialogue: Dialogue::new(Arc::clone(&self.survey.script), self.config.clone()),
            script: Arc::clone(&self.survey.script),
            line: Line::new(),
            expectation: Expectation::Consent,
            happened: Vec::new(),
            given: self
                .inputs
                .iter()
                .filter(|(_, input)| is_not_audio(input))
                .cloned()
                .collect(),
            recognized: VecDeque::new(),
            pending: VecDeque::new(),
            spoken: None,
            with: &self,
        };
        let chosen = self
            .inputs
            .iter()
            .find(|(_, input)| matches!(input, Input::ChosenLanguage { .. }));
        if let Some((_, language)) = chosen {
            run.feed(0, language.clone());
        }
        run.feed(0, Input::Started);
        let silence = std::iter::repeat_n(&SILENCE[..], (LAST_SILENCE_MS / FRAME_MS) as usize);
        let mut now = 0;
        for frame in audio.chunks(FRAME).chain(silence) {
            if run.dialogue.is_over() {
                break;
            }
            now += FRAME_MS;
            run.until(now);
            run.hear(now, frame).await;
        }
        run.feed(now, Input::StreamEnded { orderly: true });
        run.happened
    }
}

struct Run<'a> {
    with: &'a Rehearing<'a>,
    dialogue: Dialogue,
    /// In the language that is spoken.
    script: Arc<Script>,
    line: Line,
    expectation: Expectation,
    happened: Vec<(Millis, Happening)>,
    /// From the journal, in order.
    given: VecDeque<(Millis, Input)>,
    /// Results of recogniser and model, and when they come.
    recognized: VecDeque<(Millis, Input)>,
    /// What follows at once.
    pending: VecDeque<Input>,
    spoken: Option<(SpeechId, Box<dyn UtteranceStream>)>,
}

impl Run<'_> {
    /// Lets everything happen that is due by `now`, in its order.
    fn until(&mut self, now: Millis) {
        loop {
            let at = |queue: &VecDeque<(Millis, Input)>| queue.front().map_or(Millis::MAX, |(at, _)| *at);
            let (mark, given, recognized) = (
                self.line.next_mark().unwrap_or(Millis::MAX),
                at(&self.given),
                at(&self.recognized),
            );
            let timer = self.dialogue.poll_timeout().unwrap_or(Millis::MAX);
            let due = mark.min(given).min(recognized).min(timer);
            if due > now || self.dialogue.is_over() {
                return;
            }
            if due == mark {
                for input in self.line.mark() {
                    self.feed(due, input);
                }
            } else if due == recognized {
                self.feed_first(|run| &mut run.recognized);
            } else if due == given {
                self.feed_first(|run| &mut run.given);
            } else {
                self.dialogue.handle_timeout(due);
                self.drain(due);
                self.settle(due);
            }
        }
    }

    /// What the model answered in the call comes after the time it took there.
    fn answered(&mut self, query: &ModelQuery, now: Millis, reply: bool) -> Vec<Input> {
        let answers = model::answers(self.with, query, reply).into_iter();
        self.recognized.extend(answers.map(|(wait, input)| (now + wait, input)));
        self.recognized.make_contiguous().sort_by_key(|(at, _)| *at);
        Vec::new()
    }

    fn feed_first(&mut self, queue: impl Fn(&mut Self) -> &mut VecDeque<(Millis, Input)>) {
        if let Some((at, input)) = queue(self).pop_front() {
            self.feed(at, input);
        }
    }

    fn feed(&mut self, now: Millis, input: Input) {
        self.pending.push_back(input);
        self.settle(now);
    }

    fn settle(&mut self, now: Millis) {
        while let Some(input) = self.pending.pop_front() {
            if self.dialogue.is_over() {
                self.pending.clear();
                return;
            }
            self.happened.push((now, Happening::Input(input.clone())));
            self.dialogue.handle(now, input);
            self.drain(now);
        }
    }

    fn drain(&mut self, now: Millis) {
        while let Some(output) = self.dialogue.poll_output() {
            self.happened.push((now, Happening::Output(output.clone())));
            let follows = match output {
                Output::Play { playback, sentences } => {
                    let prompt = |text: &str| self.with.survey.prompt(&self.script.campaign().language, text);
                    self.line.play(playback, &sentences, prompt, now)
                }
                Output::Clear => self.line.clear(now),
                Output::SwitchLanguage { language } => {
                    self.script = self
                        .with
                        .survey
                        .script
                        .speaking(&language)
                        .unwrap_or(self.script.clone());
                    Vec::new()
                }
                Output::Listen {
                    expectation,
                    patience_ms,
                } => {
                    self.expectation = expectation;
                    self.line.set_patience_ms(patience_ms);
                    Vec::new()
                }
                // Nothing is written; the person is told as if it were.
                Output::AddDoNotCall => vec![Input::DoNotCallRecorded { stored: true }],
                Output::Classify(query) => self.answered(&query, now, false),
                Output::Reply(query) => self.answered(&query, now, true),
                _ => Vec::new(),
            };
            self.pending.extend(follows);
        }
    }

    async fn hear(&mut self, now: Millis, frame: &[u8]) {
        for finding in self.line.hear(now - FRAME_MS, frame) {
            match finding {
                Finding::Started(speech, input) => {
                    let request = RecognitionRequest {
                        attempt: AttemptId::from("rehearing"),
                        language: self.script.campaign().language.clone(),
                        grammar: self.script.grammar(self.expectation),
                        // Counted for nobody: the call is over.
                        meter: ServiceMeter::default(),
                    };
                    self.spoken = Some((speech, self.with.recognizer.start(request)));
                    self.feed(now, input);
                }
                Finding::Audio(samples) => {
                    if let Some((_, stream)) = &mut self.spoken {
                        stream.push(&samples);
                    }
                }
                Finding::Ended(input) => {
                    let spoken = self.spoken.take();
                    self.feed(now, input);
                    if let Some((speech, stream)) = spoken {
                        let heard = tokio::time::timeout(self.with.recognition_deadline, stream.finish()).await;
                        let input = recognized(
                            speech,
                            heard.unwrap_or(Err(RecognizerError::TimedOut { deadline_ms: 0 })),
                        );
                        self.recognized.push_back((now + self.with.recognition_ms, input));
                        self.recognized.make_contiguous().sort_by_key(|(at, _)| *at);
                    }
                }
                Finding::Discarded(input) => {
                    self.spoken = None;
                    self.feed(now, input);
                }
                Finding::Other(input) => self.feed(now, input),
            }
        }
    }
}

fn recognized(speech: SpeechId, result: Result<Heard, RecognizerError>) -> Input {
    let fault = match result {
        Ok(heard) => {
            return Input::Recognized {
                speech,
                text: heard.text,
                confidence: heard.confidence,
                uncertain: heard.uncertain,
            };
        }
        Err(RecognizerError::TimedOut { .. }) => RecognitionFault::TimedOut,
        Err(RecognizerError::Unsupported { .. }) => RecognitionFault::Unsupported,
        Err(_) => RecognitionFault::Lost,
    };
    Input::RecognitionFailed { speech, fault }
}

#[cfg(test)]
mod tests;
