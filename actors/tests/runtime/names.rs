//! Greetings by name: in time, late, lost.

use crate::line::{Caller, Frame};
use crate::world::{World, launch, spoken_survey, until};
use async_trait::async_trait;
use samvad_actors::domain::{Outcome, PersonName};
use samvad_actors::ports::{NameVoice, Prompt, ServiceMeter};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

const NAME: &str = "Canary Sharma";

/// Speaks 40 ms for every name, when the test lets it; or fails.
struct HandNames {
    gate: Semaphore,
    asked: Mutex<Vec<String>>,
    spoken: fn() -> Option<Prompt>,
}

impl HandNames {
    fn new(spoken: fn() -> Option<Prompt>) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            asked: Mutex::default(),
            spoken,
        })
    }
}

fn forty_ms() -> Option<Prompt> {
    Some(Prompt {
        mulaw: vec![0x2a; 320].into(),
        duration_ms: 40,
    })
}

#[async_trait]
impl NameVoice for HandNames {
    async fn speak(&self, sentence: &str, _meter: &ServiceMeter) -> Option<Prompt> {
        self.asked.lock().expect("no panic").push(sentence.to_owned());
        self.gate.acquire().await.expect("open").forget();
        (self.spoken)()
    }
}

fn call(world: &World, name: &str, names: &Arc<HandNames>) -> Caller {
    let survey = spoken_survey(|_| true, None, Some(names.clone()));
    let mut admitted = world.admitted(name);
    admitted.name = PersonName::parse(NAME).ok();
    launch(world.call_ports(), admitted, survey)
}

/// Listens to the greeting, and goes through the survey. Returns the audio of the greeting's first sentence.
async fn greeted(world: &World, caller: &Caller, name: &str) -> Vec<u8> {
    let mut frames = Vec::new();
    until("a greeting", || {
        frames.extend(caller.frames());
        frames.len() >= 10
    })
    .await;
    for frame in &frames {
        if let Frame::Mark(mark) = frame {
            caller.return_mark(mark);
        }
    }
    caller.press('1');
    caller.answer("413").await;
    assert_eq!(world.ended(name).await, Outcome::Completed);
    match &frames[0] {
        Frame::Media(codes) => codes.clone(),
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn a_person_whose_name_is_known_is_greeted_by_it_and_no_record_of_the_call_holds_it() {
    let world = World::new();
    let names = HandNames::new(forty_ms);
    names.gate.add_permits(1);
    let caller = call(&world, "named", &names);
    until("the name is asked for", || {
        !names.asked.lock().expect("no panic").is_empty()
    })
    .await;
    until("it has been spoken", || names.gate.available_permits() == 0).await;
    caller.press('#');
    assert_eq!(
        greeted(&world, &caller, "named").await,
        forty_ms().expect("audio").mulaw
    );
    assert_eq!(*names.asked.lock().expect("no panic"), [format!("Hello {NAME}.")]);
    let report = world.store.report(&"named".into());
    assert!(report.transcript.iter().any(|line| line.text == "Hello {name}."));
    let journal = world.journals.text_of(&"named".into());
    assert!(journal.contains("Hello {name}.") && journal.contains("named_greeting"));
    let kept = format!("{report:?}{journal}{:?}", world.events.all());
    assert!(!kept.contains("Canary"), "{kept}");
    let replayed = world.journals.replayed(&"named".into());
    assert!(replayed.is_same() && replayed.complete, "{:?}", replayed.differences);
}

#[actix::test]
async fn l8_a_name_that_does_not_come_or_cannot_be_had_is_done_without() {
    let world = World::new();
    for (name, spoken, permits) in [
        ("late", forty_ms as fn() -> Option<Prompt>, 0),
        ("lost", || None, 1),
        ("panic", || panic!("the names panic, as told"), 1),
    ] {
        let names = HandNames::new(spoken);
        names.gate.add_permits(permits);
        let caller = call(&world, name, &names);
        caller.press('#');
        assert_eq!(greeted(&world, &caller, name).await, [0xff; 160], "{name}");
        let replayed = world.journals.replayed(&name.into());
        assert!(replayed.is_same() && replayed.complete, "{:?}", replayed.differences);
    }
    world.all_quiet().await;
}
