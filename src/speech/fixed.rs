//! A stand-in recogniser for load tests: it listens to nothing and answers after a fixed time.

use async_trait::async_trait;
use samvad_actors::domain::Language;
use samvad_actors::ports::{
    AudioMeter, Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream,
};
use std::sync::Arc;
use std::time::Duration;

/// Hears the first phrase of the grammar in every utterance, after the same time, so that what a load test measures is
/// everything but recognition. Never for real calls.
#[derive(Clone, Copy, Debug)]
pub struct FixedRecognizer {
    delay: Duration,
}

impl FixedRecognizer {
    /// One that takes `delay` from the end of an utterance to its result.
    pub fn new(delay: Duration) -> Self {
        Self { delay }
    }
}

#[async_trait]
impl Recognizer for FixedRecognizer {
    fn name(&self) -> &'static str {
        "fixed"
    }

    async fn prepare(&self, _language: &Language, _grammar: &Grammar) -> Result<(), RecognizerError> {
        Ok(())
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        Box::new(FixedUtterance {
            delay: self.delay,
            audio: AudioMeter::new(request.meter, "fixed", ""),
            grammar: request.grammar,
            samples: 0,
        })
    }
}

struct FixedUtterance {
    delay: Duration,
    grammar: Arc<Grammar>,
    audio: AudioMeter,
    samples: usize,
}

#[async_trait]
impl UtteranceStream for FixedUtterance {
    fn push(&mut self, samples: &[i16]) {
        self.samples += samples.len();
    }

    async fn finish(mut self: Box<Self>) -> Result<Heard, RecognizerError> {
        self.audio.sent(self.samples);
        tokio::time::sleep(self.delay).await;
        Ok(match self.grammar.phrases.first() {
            Some(phrase) if self.samples > 0 => Heard {
                text: phrase.clone(),
                confidence: 0.99,
                uncertain: false,
            },
            None if self.samples > 0 && self.grammar.free_text => Heard {
                text: "something".to_owned(),
                confidence: 0.99,
                uncertain: true,
            },
            _ => Heard::rejected(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::ports::ServiceMeter;

    async fn heard(phrases: &[&str], samples: usize) -> Heard {
        let grammar = Arc::new(Grammar {
            id: "g".to_owned(),
            phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect(),
            free_text: false,
        });
        let request = RecognitionRequest {
            attempt: "a".into(),
            language: Language::default(),
            grammar,
            meter: ServiceMeter::default(),
        };
        let mut utterance = FixedRecognizer::new(Duration::from_millis(60)).start(request);
        utterance.push(&vec![0; samples]);
        utterance.finish().await.expect("a result")
    }

    #[tokio::test]
    async fn it_hears_the_first_phrase_after_its_delay() {
        tokio::time::pause();
        let before = tokio::time::Instant::now();
        assert_eq!(heard(&["yes", "no"], 800).await.text, "yes");
        let elapsed = before.elapsed();
        // Timers are rounded up to a millisecond.
        assert!((60..62).contains(&elapsed.as_millis()), "{elapsed:?}");
    }

    #[tokio::test]
    async fn it_hears_nothing_where_nothing_was_said_or_can_be() {
        tokio::time::pause();
        assert_eq!(heard(&["yes"], 0).await, Heard::rejected());
        assert_eq!(heard(&[], 800).await, Heard::rejected());
    }
}
