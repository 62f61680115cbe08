use super::*;
use crate::domain::AttemptId;
use crate::ports::ServiceMeter;
use proptest::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokio's clock, which the tests pause.
struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn unix_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Conduct {
    /// Answers after so many milliseconds.
    Answers(u64),
    /// Is cut off while it listens.
    Cut,
    /// Is cut off the first time only.
    CutOnce,
    /// Fails at the end.
    FailsAtTheEnd,
    Refuses,
    Hangs,
    /// Should show partial results and does not.
    Silent,
    Overloaded,
    CannotServe,
    Panics,
}

struct Actor {
    conduct: Conduct,
    starts: AtomicUsize,
    heard_samples: Mutex<Vec<usize>>,
}

impl Actor {
    fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }
}

struct Double(Arc<Actor>);

#[async_trait]
impl Recognizer for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    async fn prepare(&self, _: &Language, _: &Grammar) -> Result<(), RecognizerError> {
        match self.0.conduct {
            Conduct::CannotServe => Err(RecognizerError::Unsupported { reason: "no".into() }),
            _ => Ok(()),
        }
    }

    fn start(&self, _: RecognitionRequest) -> Box<dyn UtteranceStream> {
        let start = self.0.starts.fetch_add(1, Ordering::Relaxed);
        let conduct = match self.0.conduct {
            Conduct::CutOnce if start == 0 => Conduct::Cut,
            Conduct::CutOnce => Conduct::Answers(10),
            conduct => conduct,
        };
        Box::new(DoubleStream {
            actor: Arc::clone(&self.0),
            conduct,
            samples: 0,
        })
    }
}

struct DoubleStream {
    actor: Arc<Actor>,
    conduct: Conduct,
    samples: usize,
}

fn lost() -> RecognizerError {
    RecognizerError::Lost { reason: "cut".into() }
}

#[async_trait]
impl UtteranceStream for DoubleStream {
    fn push(&mut self, samples: &[i16]) {
        self.samples += samples.len();
    }

    fn progress(&self) -> Progress {
        match self.conduct {
            Conduct::Cut if self.samples > 0 => Progress::Failed(lost()),
            Conduct::Silent => Progress::Awaited,
            _ => Progress::Untold,
        }
    }

    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError> {
        self.actor.heard_samples.lock().unwrap().push(self.samples);
        match self.conduct {
            Conduct::Answers(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(Heard {
                    text: "yes".into(),
                    confidence: 1.0,
                    uncertain: false,
                })
            }
            Conduct::Hangs | Conduct::Silent => std::future::pending().await,
            Conduct::Refuses => Err(RecognizerError::Refused { reason: "quota".into() }),
            Conduct::Overloaded => Err(RecognizerError::Overloaded),
            Conduct::CannotServe => Err(RecognizerError::Unsupported { reason: "no".into() }),
            Conduct::Panics => panic!("a double panics"),
            Conduct::Cut | Conduct::CutOnce | Conduct::FailsAtTheEnd => Err(lost()),
        }
    }
}

fn list(conducts: &[Conduct]) -> (FailoverRecognizer, Vec<Arc<Actor>>) {
    let actor = |conduct: &Conduct| {
        Arc::new(Actor {
            conduct: *conduct,
            starts: AtomicUsize::new(0),
            heard_samples: Mutex::default(),
        })
    };
    let actors: Vec<_> = conducts.iter().map(actor).collect();
    let ranked = |actor: &Arc<Actor>| Ranked {
        recognizer: Arc::new(Double(Arc::clone(actor))),
        patience: Duration::from_millis(1_500),
    };
    let clock = Arc::new(TestClock(tokio::time::Instant::now()));
    let recognizer = FailoverRecognizer::new(
        actors.iter().map(ranked).collect(),
        FailoverSettings::default(),
        clock,
        Arc::new(|| 1.0),
    );
    (recognizer, actors)
}

fn request() -> RecognitionRequest {
    RecognitionRequest {
        attempt: AttemptId::from("attempt"),
        language: Language::default(),
        grammar: Arc::new(Grammar {
            id: "g".into(),
            phrases: vec!["yes".into()],
            free_text: false,
        }),
        meter: ServiceMeter::default(),
    }
}

/// One utterance of so many frames of 20 ms: what was heard, and how long after the end.
async fn say(recognizer: &FailoverRecognizer, frames: usize) -> (Result<Heard, RecognizerError>, Duration) {
    let mut stream = recognizer.start(request());
    for _ in 0..frames {
        stream.push(&[0; 160]);
        tokio::time::advance(Duration::from_millis(20)).await;
    }
    let end = tokio::time::Instant::now();
    let heard = stream.finish().await;
    (heard, end.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_first_answers_and_no_other_is_asked() {
    let (recognizer, actors) = list(&[Conduct::Answers(100), Conduct::Answers(100)]);
    assert_eq!(say(&recognizer, 50).await.0.unwrap().text, "yes");
    assert_eq!((actors[0].starts(), actors[1].starts()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cut_off_in_mid_utterance_is_replaced_and_the_next_gets_all_of_it() {
    let (recognizer, actors) = list(&[Conduct::Cut, Conduct::Answers(100)]);
    let (heard, after) = say(&recognizer, 50).await;
    assert_eq!(heard.unwrap().text, "yes");
    assert_eq!(*actors[1].heard_samples.lock().unwrap(), [50 * 160]);
    assert!(
        after < Duration::from_millis(150),
        "nothing is lost at the end: {after:?}"
    );
    // It rests: the next utterance does not try it.
    say(&recognizer, 10).await.0.unwrap();
    assert_eq!((actors[0].starts(), actors[1].starts()), (1, 2));
    // After its rest one utterance does.
    tokio::time::advance(Duration::from_secs(3)).await;
    say(&recognizer, 10).await.0.unwrap();
    assert_eq!((actors[0].starts(), actors[1].starts()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn l12_one_without_partial_results_while_speech_is_heard_is_replaced_while_it_is_heard() {
    let (recognizer, actors) = list(&[Conduct::Silent, Conduct::Answers(100)]);
    let (heard, after) = say(&recognizer, 150).await;
    assert_eq!(heard.unwrap().text, "yes");
    assert!(after < Duration::from_millis(150), "{after:?}");
    assert_eq!(*actors[1].heard_samples.lock().unwrap(), [150 * 160]);
}

#[tokio::test(start_paused = true)]
async fn late_ones_leave_the_later_ones_their_share_of_the_deadline() {
    let (recognizer, _) = list(&[Conduct::Hangs, Conduct::Hangs, Conduct::Hangs, Conduct::Answers(500)]);
    let (heard, after) = say(&recognizer, 50).await;
    assert_eq!(heard.unwrap().text, "yes");
    assert!(after <= FailoverSettings::default().deadline, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_rests_longer_than_a_cut_and_being_full_or_unfit_rests_nobody() {
    let (recognizer, actors) = list(&[
        Conduct::Refuses,
        Conduct::Overloaded,
        Conduct::CannotServe,
        Conduct::Answers(1),
    ]);
    for _ in 0..3 {
        say(&recognizer, 5).await.0.unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
    }
    let starts: Vec<_> = actors.iter().map(|actor| actor.starts()).collect();
    assert_eq!(starts, [1, 3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_alone_and_cut_off_is_asked_again_with_the_whole_utterance() {
    let (recognizer, actors) = list(&[Conduct::CutOnce]);
    assert_eq!(say(&recognizer, 50).await.0.unwrap().text, "yes");
    assert_eq!(*actors[0].heard_samples.lock().unwrap(), [50 * 160]);
}

#[tokio::test(start_paused = true)]
async fn when_all_rest_they_are_asked_all_the_same() {
    let (recognizer, actors) = list(&[Conduct::FailsAtTheEnd, Conduct::FailsAtTheEnd]);
    for utterance in 1..=2 {
        assert_eq!(say(&recognizer, 5).await.0, Err(lost()));
        // Each twice: a connection may have been stale.
        assert_eq!((actors[0].starts(), actors[1].starts()), (2 * utterance, 2 * utterance));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_has_failed_like_any_other() {
    let (recognizer, _) = list(&[Conduct::Panics, Conduct::Answers(1)]);
    assert_eq!(say(&recognizer, 5).await.0.unwrap().text, "yes");
}

#[tokio::test(start_paused = true)]
async fn a_campaign_can_be_served_if_one_of_them_can() {
    let grammar = request().grammar;
    let (recognizer, _) = list(&[Conduct::CannotServe, Conduct::Answers(1)]);
    assert_eq!(recognizer.prepare(&Language::default(), &grammar).await, Ok(()));
    let (recognizer, _) = list(&[Conduct::CannotServe, Conduct::CannotServe]);
    assert!(recognizer.prepare(&Language::default(), &grammar).await.is_err());
}

#[tokio::test]
async fn an_empty_list_fails_with_a_reason() {
    let (recognizer, _) = list(&[]);
    assert!(matches!(
        recognizer.start(request()).finish().await,
        Err(RecognizerError::Unsupported { .. })
    ));
}

fn conduct() -> impl Strategy<Value = Conduct> {
    prop::sample::select(vec![
        Conduct::Answers(10),
        Conduct::Cut,
        Conduct::CutOnce,
        Conduct::FailsAtTheEnd,
        Conduct::Refuses,
        Conduct::Hangs,
        Conduct::Silent,
        Conduct::Overloaded,
        Conduct::CannotServe,
        Conduct::Panics,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_utterance_is_lost_while_one_of_them_works(
        mut conducts in prop::collection::vec(conduct(), 0..4),
        place in any::<prop::sample::Index>(),
        utterances in prop::collection::vec((0usize..200, 0u64..5_000), 1..6),
    ) {
        conducts.insert(place.index(conducts.len() + 1), Conduct::Answers(10));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (recognizer, _) = list(&conducts);
            for (frames, pause_ms) in utterances {
                let (heard, after) = say(&recognizer, frames).await;
                assert!(heard.is_ok(), "{heard:?} of {conducts:?}");
                assert!(after <= FailoverSettings::default().deadline, "{after:?}");
                tokio::time::advance(Duration::from_millis(pause_ms)).await;
            }
        });
    }
}
