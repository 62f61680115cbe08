//! A recogniser that does as told.

use async_trait::async_trait;
use samvad_actors::domain::Language;
use samvad_actors::ports::{
    AudioMeter, Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream,
};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Recognition {
    /// Hears "yes" with certainty.
    #[default]
    Yes,
    /// Hears this with certainty.
    Text(&'static str),
    /// Is gone.
    Lost,
    Never,
    StartPanics,
    PushPanics,
    FinishPanics,
    /// Blocks its thread for so long when an utterance is opened: a fault of an adapter.
    StartBlocks(Duration),
}

#[derive(Default)]
pub struct ScriptedRecognizer {
    does: Mutex<Recognition>,
    languages: Mutex<Vec<Language>>,
}

impl ScriptedRecognizer {
    /// The language of each utterance, in order.
    pub fn languages(&self) -> Vec<String> {
        let languages = self.languages.lock().unwrap_or_else(PoisonError::into_inner);
        languages.iter().map(|language| language.0.clone()).collect()
    }

    pub fn set(&self, does: Recognition) {
        *self.does.lock().unwrap_or_else(PoisonError::into_inner) = does;
    }
}

#[async_trait]
impl Recognizer for ScriptedRecognizer {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn prepare(&self, _language: &Language, _grammar: &Grammar) -> Result<(), RecognizerError> {
        Ok(())
    }

    /// Every utterance is counted as one of 10 ms, at once.
    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        let does = *self.does.lock().unwrap_or_else(PoisonError::into_inner);
        let mut languages = self.languages.lock().unwrap_or_else(PoisonError::into_inner);
        languages.push(request.language.clone());
        drop(languages);
        match does {
            Recognition::StartPanics => panic!("the recogniser panics, as told"),
            Recognition::StartBlocks(wait) => std::thread::sleep(wait),
            _ => {}
        }
        AudioMeter::new(request.meter, self.name(), "").sent(80);
        Box::new(Utterance(does))
    }
}

struct Utterance(Recognition);

#[async_trait]
impl UtteranceStream for Utterance {
    fn push(&mut self, _samples: &[i16]) {
        assert!(self.0 != Recognition::PushPanics, "the utterance panics, as told");
    }

    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError> {
        match self.0 {
            Recognition::Never => std::future::pending().await,
            Recognition::FinishPanics => panic!("the recognition panics, as told"),
            Recognition::Lost => Err(RecognizerError::Lost {
                reason: "told to".into(),
            }),
            does => Ok(Heard {
                text: if let Recognition::Text(text) = does {
                    text
                } else {
                    "yes"
                }
                .to_owned(),
                confidence: 0.95,
                uncertain: false,
            }),
        }
    }
}
