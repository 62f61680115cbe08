use super::*;
use crate::ports::ServiceMeter;
use serde_json::json;
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
    Answers,
    AnswersAfterMs(u64),
    Refuses,
    IsBusy,
    IsUnusable,
    IsCutOff,
    SaysNothing,
    Hangs,
    Panics,
    /// Says one sentence, and breaks off.
    BreaksOffWithin,
    PanicsWithin,
}

const FAULTS: [Conduct; 7] = [
    Conduct::Refuses,
    Conduct::IsBusy,
    Conduct::IsUnusable,
    Conduct::IsCutOff,
    Conduct::SaysNothing,
    Conduct::Hangs,
    Conduct::Panics,
];

struct Double {
    conduct: Mutex<Conduct>,
    asked: AtomicUsize,
    deadlines: Mutex<Vec<Duration>>,
    name: &'static str,
}

impl Double {
    fn new(conduct: Conduct, name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            conduct: Mutex::new(conduct),
            asked: AtomicUsize::new(0),
            deadlines: Mutex::default(),
            name,
        })
    }

    fn behave(&self, conduct: Conduct) {
        *self.conduct.lock().expect("no panic") = conduct;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn begin(&self, request: &LanguageRequest) -> Result<Conduct, LanguageModelError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.deadlines.lock().expect("no panic").push(request.deadline);
        let conduct = *self.conduct.lock().expect("no panic");
        let reason = format!("{} {conduct:?}", self.name);
        match conduct {
            Conduct::AnswersAfterMs(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Conduct::Refuses => return Err(LanguageModelError::Refused { reason }),
            Conduct::IsBusy => {
                return Err(LanguageModelError::Busy {
                    reason,
                    retry_after: None,
                });
            }
            Conduct::IsUnusable | Conduct::SaysNothing => return Err(LanguageModelError::Unusable { reason }),
            Conduct::IsCutOff => return Err(LanguageModelError::Unavailable { reason }),
            Conduct::Hangs => std::future::pending().await,
            Conduct::Panics => panic!("a double panics"),
            Conduct::Answers | Conduct::BreaksOffWithin | Conduct::PanicsWithin => {}
        }
        Ok(conduct)
    }
}

#[async_trait]
impl LanguageModel for Double {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn structured(
        &self,
        request: &LanguageRequest,
        _: &AnswerSchema,
    ) -> Result<serde_json::Value, LanguageModelError> {
        self.begin(request).await.map(|_| json!({"by": self.name}))
    }

    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError> {
        if *self.conduct.lock().expect("no panic") == Conduct::SaysNothing {
            return Ok(stream::empty().boxed());
        }
        let conduct = self.begin(request).await?;
        let first = stream::iter([Ok(format!("{} speaks.", self.name))]);
        let second = match conduct {
            Conduct::BreaksOffWithin => Err(LanguageModelError::Unavailable { reason: "cut".into() }),
            _ => Ok("And goes on.".to_owned()),
        };
        let second = stream::once(async move {
            assert!(conduct != Conduct::PanicsWithin, "a double panics");
            second
        });
        Ok(first.chain(second).boxed())
    }
}

const DEADLINE: Duration = Duration::from_millis(1_500);

fn list(doubles: &[&Arc<Double>]) -> FailoverLanguageModel {
    let clock: Arc<dyn Clock> = Arc::new(TestClock(tokio::time::Instant::now()));
    let jitter: Jitter = Arc::new(|| 1.0);
    let list = doubles
        .iter()
        .map(|double| Arc::clone(double) as Arc<dyn LanguageModel>);
    FailoverLanguageModel::new(list.collect(), &clock, &jitter)
}

fn request() -> LanguageRequest {
    LanguageRequest {
        instructions: "Understand".to_owned(),
        conversation: Vec::new(),
        most_tokens: 10,
        deadline: DEADLINE,
        meter: ServiceMeter::default(),
    }
}

async fn asked(list: &FailoverLanguageModel) -> Result<String, LanguageModelError> {
    let schema = AnswerSchema {
        name: "by".to_owned(),
        schema: json!({}),
    };
    let answer = list.structured(&request(), &schema).await?;
    Ok(answer["by"].as_str().unwrap_or_default().to_owned())
}

async fn said(list: &FailoverLanguageModel) -> Result<Vec<Result<String, LanguageModelError>>, LanguageModelError> {
    Ok(list.spoken(&request()).await?.collect().await)
}

#[tokio::test(start_paused = true)]
async fn l12_whatever_a_model_does_wrong_the_next_answers_within_the_same_deadline() {
    for conduct in FAULTS {
        let doubles = [Double::new(conduct, "first"), Double::new(Conduct::Answers, "second")];
        let begun = tokio::time::Instant::now();
        let answer = asked(&list(&[&doubles[0], &doubles[1]])).await;
        assert_eq!(answer.as_deref(), Ok("second"), "{conduct:?}");
        assert!(begun.elapsed() < DEADLINE, "{conduct:?}");
        assert_eq!((doubles[0].asked(), doubles[1].asked()), (1, 1), "{conduct:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn l12_before_the_first_sentence_the_next_speaks_in_its_place() {
    for conduct in FAULTS {
        let doubles = [Double::new(conduct, "first"), Double::new(Conduct::Answers, "second")];
        let sentences = said(&list(&[&doubles[0], &doubles[1]])).await.expect("sentences");
        let expected = ["second speaks.", "And goes on."].map(|sentence| Ok(sentence.to_owned()));
        assert_eq!(sentences, expected, "{conduct:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_first_sentence_a_failure_ends_the_answer_and_rests_the_model() {
    for conduct in [Conduct::BreaksOffWithin, Conduct::PanicsWithin] {
        let doubles = [Double::new(conduct, "first"), Double::new(Conduct::Answers, "second")];
        let list = list(&[&doubles[0], &doubles[1]]);
        let sentences = said(&list).await.expect("a first sentence");
        assert_eq!(sentences.len(), 2, "{sentences:?}");
        assert_eq!(sentences[0].as_deref(), Ok("first speaks."));
        assert!(sentences[1].is_err(), "nobody else goes on in its voice");
        assert_eq!(asked(&list).await.as_deref(), Ok("second"), "the first rests");
    }
}

#[tokio::test(start_paused = true)]
async fn each_may_use_up_what_leaves_those_after_it_the_same() {
    let doubles = ["first", "second", "third"].map(|name| Double::new(Conduct::Hangs, name));
    let begun = tokio::time::Instant::now();
    let error = asked(&list(&[&doubles[0], &doubles[1], &doubles[2]])).await;
    assert_eq!(error, Err(LanguageModelError::TimedOut { deadline_ms: 500 }));
    assert_eq!(begun.elapsed(), DEADLINE);
    for double in &doubles {
        let deadlines = double.deadlines.lock().expect("no panic");
        assert_eq!(*deadlines, [Duration::from_millis(500)], "{}", double.name);
    }
    // What fails at once leaves its time to the next.
    let (first, slow) = (
        Double::new(Conduct::Refuses, "first"),
        Double::new(Conduct::AnswersAfterMs(1_400), "second"),
    );
    assert_eq!(asked(&list(&[&first, &slow])).await.as_deref(), Ok("second"));
}

#[tokio::test(start_paused = true)]
async fn the_later_sentences_of_an_answer_have_the_whole_deadline_each() {
    let doubles = [
        Double::new(Conduct::Answers, "first"),
        Double::new(Conduct::Answers, "second"),
    ];
    said(&list(&[&doubles[0], &doubles[1]])).await.expect("sentences");
    assert_eq!(*doubles[0].deadlines.lock().expect("no panic"), [DEADLINE]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_rests_and_comes_back_with_one_request() {
    let doubles = [
        Double::new(Conduct::IsCutOff, "first"),
        Double::new(Conduct::Answers, "second"),
    ];
    let list = list(&[&doubles[0], &doubles[1]]);
    for _ in 0..3 {
        assert_eq!(asked(&list).await.as_deref(), Ok("second"));
    }
    assert_eq!(doubles[0].asked(), 1, "it rests");
    doubles[0].behave(Conduct::Answers);
    tokio::time::advance(Duration::from_millis(2_001)).await;
    assert_eq!(asked(&list).await.as_deref(), Ok("first"));
    assert_eq!(asked(&list).await.as_deref(), Ok("first"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_rests_longer() {
    let doubles = [
        Double::new(Conduct::Refuses, "first"),
        Double::new(Conduct::Answers, "second"),
    ];
    let list = list(&[&doubles[0], &doubles[1]]);
    asked(&list).await.expect("the second");
    tokio::time::advance(Duration::from_secs(29)).await;
    asked(&list).await.expect("the second");
    assert_eq!(doubles[0].asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn if_all_rest_they_are_tried_all_the_same_and_the_preferred_ones_fault_is_told() {
    let doubles = [
        Double::new(Conduct::Refuses, "first"),
        Double::new(Conduct::IsBusy, "second"),
    ];
    let list = list(&[&doubles[0], &doubles[1]]);
    for _ in 0..2 {
        let error = asked(&list).await.expect_err("nobody answers");
        assert!(error.to_string().contains("first Refuses"), "{error}");
    }
    assert_eq!((doubles[0].asked(), doubles[1].asked()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_in_the_list_is_a_refusal_with_the_remedy() {
    let error = asked(&list(&[])).await.expect_err("nobody is there");
    assert!(error.to_string().contains("SAMVAD_LANGUAGE_MODEL"), "{error}");
}
