//! Everything a call needs, with the test's hand in it.

use crate::carrier::FakeCarrier;
use crate::language::ScriptedModel;
use crate::line::{Caller, FakeLine};
use crate::recognizer::ScriptedRecognizer;
use crate::store::MemoryStore;
use actix::{Actor, Addr, Arbiter};
use bytes::Bytes;
use samvad_actors::dialogue::journal::{ReplayReport, replay};
use samvad_actors::dialogue::{LanguagePack, Script};
use samvad_actors::domain::{AttemptId, AttemptState, Campaign, Language, Outcome};
use samvad_actors::ports::{
    AdmittedCall, Clock, JournalError, JournalFiles, JournalSink, LanguageModel, NameVoice, Prompt, PromptBook,
    RecordingError, RecordingFiles, RecordingSink, Synthesizer,
};
use samvad_actors::runtime::{
    CallActor, CallEvent, CallPorts, CallSeed, CallTable, EventSink, Limits, PermitReturn, Permits, Readiness,
    Supervisor, SupervisorPorts, Survey, Watchdog, WatchdogPorts, WatchdogSettings,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

pub const HEALTH: &str = include_str!("../../../fixtures/campaigns/health_survey.yaml");

/// Longest wait for anything that must happen.
const DEADLINE: Duration = Duration::from_secs(20);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until something is so; fails if it does not come to be.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Real time, and what a test adds to it.
pub struct RealClock {
    begun: Instant,
    ahead_ms: AtomicU64,
}

impl RealClock {
    /// As if nothing had run for so long.
    pub fn jump_ms(&self, by: u64) {
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for RealClock {
    fn unix_ms(&self) -> i64 {
        1_700_000_000_000 + i64::try_from(self.monotonic().as_millis()).expect("a test is short")
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed() + Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
pub struct Events {
    seen: Mutex<Vec<CallEvent>>,
    pub panics: AtomicBool,
}

impl Events {
    pub fn all(&self) -> Vec<CallEvent> {
        locked(&self.seen).clone()
    }

    /// How often the attempt was told to have ended.
    pub fn ends(&self, of: &AttemptId) -> usize {
        let seen = locked(&self.seen);
        let ends = seen
            .iter()
            .filter(|event| matches!(event, CallEvent::Ended { attempt, .. } if attempt == of));
        ends.count()
    }
}

impl EventSink for Events {
    fn emit(&self, event: CallEvent) {
        assert!(!self.panics.load(Ordering::Relaxed), "the event sink panics, as told");
        locked(&self.seen).push(event);
    }
}

#[derive(Default)]
pub struct Journals {
    texts: Mutex<BTreeMap<AttemptId, Arc<JournalText>>>,
    pub open_panics: AtomicBool,
}

#[derive(Default)]
pub struct JournalText {
    lines: Mutex<Vec<String>>,
    pub append_panics: AtomicBool,
}

impl Journals {
    pub fn of(&self, attempt: &AttemptId) -> Arc<JournalText> {
        locked(&self.texts).get(attempt).cloned().expect("journal")
    }

    pub fn text_of(&self, attempt: &AttemptId) -> String {
        locked(&self.of(attempt).lines).join("\n")
    }

    pub fn replayed(&self, attempt: &AttemptId) -> ReplayReport {
        let text = locked(&self.of(attempt).lines).join("\n");
        replay(&text, LanguagePack::embedded).expect("a journal")
    }
}

impl JournalFiles for Journals {
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn JournalSink>, JournalError> {
        assert!(!self.open_panics.load(Ordering::Relaxed), "the journal panics, as told");
        let text = Arc::new(JournalText::default());
        locked(&self.texts).insert(attempt.clone(), text.clone());
        Ok(text)
    }
}

impl JournalSink for JournalText {
    fn append(&self, line: String) {
        assert!(
            !self.append_panics.load(Ordering::Relaxed),
            "the journal panics, as told"
        );
        locked(&self.lines).push(line);
    }

    fn finish(&self) {}
}

/// What became of a recording.
#[derive(Default)]
pub struct Recorded {
    /// Samples of one channel.
    pub samples: AtomicU64,
    pub kept: AtomicBool,
    pub discarded: AtomicBool,
    pub finished: AtomicBool,
}

#[derive(Default)]
pub struct Recordings {
    recorded: Mutex<BTreeMap<AttemptId, Arc<Recorded>>>,
    pub fail: AtomicBool,
}

impl Recordings {
    pub fn of(&self, attempt: &AttemptId) -> Option<Arc<Recorded>> {
        locked(&self.recorded).get(attempt).cloned()
    }
}

impl RecordingFiles for Recordings {
    fn open(&self, attempt: &AttemptId) -> Result<Arc<dyn RecordingSink>, RecordingError> {
        if self.fail.load(Ordering::Relaxed) {
            let reason = "it fails, as told".to_owned();
            return Err(RecordingError { reason });
        }
        let recorded = Arc::new(Recorded::default());
        locked(&self.recorded).insert(attempt.clone(), recorded.clone());
        Ok(recorded)
    }
}

impl RecordingSink for Recorded {
    fn append(&self, _at: u64, interleaved: Vec<u8>) {
        let samples = u64::try_from(interleaved.len() / 2).expect("few");
        self.samples.fetch_add(samples, Ordering::Relaxed);
    }

    fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    fn discard(&self) {
        self.discarded.store(true, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }
}

static SURVEY: LazyLock<Arc<Survey>> = LazyLock::new(|| survey(|_| true));

/// The health survey, with 20 ms of audio for every sentence that is to have some.
pub fn survey(has_audio: impl Fn(&str) -> bool) -> Arc<Survey> {
    survey_of(HEALTH, &[], has_audio)
}

/// The same, recorded.
pub fn recorded_survey() -> Arc<Survey> {
    survey_of(
        &format!("{}\nrecording: true\n", HEALTH.replace("recording: false", "")),
        &[],
        |_| true,
    )
}

/// The same of another campaign, with audio for further sentences.
pub fn survey_of(yaml: &str, besides: &[&str], has_audio: impl Fn(&str) -> bool) -> Arc<Survey> {
    let campaign = Campaign::from_yaml(yaml).expect("fixture without fault");
    let pack = LanguagePack::embedded(&Language::default()).expect("English is embedded");
    let script = Arc::new(Script::build(&campaign, &pack).expect("fixture without fault"));
    let prompts: PromptBook = script
        .fixed_sentences()
        .into_iter()
        .chain(besides.iter().map(|text| (*text).to_owned()))
        .filter(|text| has_audio(text))
        .map(|text| {
            let prompt = Prompt {
                mulaw: Bytes::from_static(&[0xff; 160]),
                duration_ms: 20,
            };
            (text, prompt)
        })
        .collect();
    Arc::new(Survey {
        campaign,
        script,
        prompts: Arc::new(prompts),
        voice: None,
        translations: BTreeMap::new(),
        names: None,
    })
}

/// The same, with somebody who speaks what has no audio, and somebody who speaks names.
pub fn spoken_survey(
    has_audio: impl Fn(&str) -> bool,
    voice: Option<Arc<dyn Synthesizer>>,
    names: Option<Arc<dyn NameVoice>>,
) -> Arc<Survey> {
    let survey = survey(has_audio);
    Arc::new(Survey {
        campaign: survey.campaign.clone(),
        script: survey.script.clone(),
        prompts: survey.prompts.clone(),
        voice,
        translations: BTreeMap::new(),
        names,
    })
}

pub struct World {
    pub clock: Arc<RealClock>,
    pub store: Arc<MemoryStore>,
    pub carrier: Arc<FakeCarrier>,
    pub recognizer: Arc<ScriptedRecognizer>,
    pub events: Arc<Events>,
    pub journals: Arc<Journals>,
    pub recordings: Arc<Recordings>,
    pub supervisor: Addr<Supervisor>,
    pub ports: SupervisorPorts,
    pub limits: Limits,
    /// The language model of the calls, if they have one.
    pub model: Option<Arc<ScriptedModel>>,
    returns: RefCell<UnboundedReceiver<PermitReturn>>,
    thread: Arbiter,
}

impl Drop for World {
    fn drop(&mut self) {
        self.thread.stop();
    }
}

impl World {
    pub fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let carrier = Arc::new(FakeCarrier {
            log: store.log.clone(),
            ..FakeCarrier::default()
        });
        let clock = Arc::new(RealClock {
            begun: Instant::now(),
            ahead_ms: AtomicU64::new(0),
        });
        let events = Arc::new(Events::default());
        let (permits, returns) = Permits::new();
        let ports = SupervisorPorts {
            store: store.clone(),
            carrier: carrier.clone(),
            clock: clock.clone(),
            events: events.clone(),
            calls: Arc::new(CallTable::default()),
            permits: Arc::new(permits),
            readiness: Arc::new(Readiness::default()),
        };
        let thread = Arbiter::new();
        let supervisor = Supervisor::start_in_arbiter(&thread.handle(), {
            let ports = ports.clone();
            move |_| Supervisor::new(ports)
        });
        Self {
            clock,
            store,
            carrier,
            recognizer: Arc::default(),
            events,
            journals: Arc::default(),
            recordings: Arc::default(),
            supervisor,
            ports,
            limits: Limits::default(),
            model: None,
            returns: RefCell::new(returns),
            thread,
        }
    }

    pub fn call_ports(&self) -> CallPorts {
        CallPorts {
            clock: self.clock.clone(),
            store: self.store.clone(),
            recognizer: self.recognizer.clone(),
            language_deadline: Duration::from_millis(1_500),
            language_model: self.model.clone().map(|model| model as Arc<dyn LanguageModel>),
            journals: self.journals.clone(),
            recordings: self.recordings.clone(),
            events: self.events.clone(),
            calls: self.ports.calls.clone(),
            supervisor: self.supervisor.clone(),
            recognition_deadline: Duration::from_millis(500),
            limits: self.limits,
        }
    }

    /// An attempt whose stream has been admitted, with its permit.
    pub fn admitted(&self, name: &str) -> AdmittedCall {
        let sid = format!("CA-{name}");
        let attempt = self.store.put_attempt(name, AttemptState::Live, Some(&sid), 0);
        self.ports.permits.adopt(&attempt);
        AdmittedCall {
            machine: None,
            name: None,
            language: None,
            campaign: "health-survey".into(),
            contact: self.store.row(&attempt).contact,
            call_sid: sid.as_str().into(),
            mode: samvad_actors::domain::Mode::Simulated,
            attempt,
        }
    }

    /// A live call on this thread; the greeting begins at once, because a key has been pressed.
    pub fn call(&self, name: &str) -> Caller {
        self.call_with(name, SURVEY.clone())
    }

    pub fn call_with(&self, name: &str, survey: Arc<Survey>) -> Caller {
        let caller = launch(self.call_ports(), self.admitted(name), survey);
        caller.press('#');
        caller
    }

    /// The watchdog, with a store and a carrier of its own that write to the same tables.
    pub async fn watchdog(&self, settings: WatchdogSettings) -> Watchdog {
        let (store, carrier) = (self.store.clone(), self.carrier.clone());
        Watchdog::start(
            settings,
            self.ports.clone(),
            self.supervisor.clone(),
            Box::new(move || Box::pin(async move { Ok(WatchdogPorts { store, carrier }) })),
        )
        .await
        .expect("on watch")
    }

    /// The permits that have come back since this was last asked.
    pub fn returned(&self) -> Vec<PermitReturn> {
        let mut returns = self.returns.borrow_mut();
        std::iter::from_fn(|| returns.try_recv().ok()).collect()
    }

    /// Waits for the attempt's end, and until this node has done with it.
    pub async fn ended(&self, attempt: &str) -> Outcome {
        let attempt = AttemptId::from(attempt);
        until("the attempt has an outcome", || self.store.outcome(&attempt).is_some()).await;
        until("the attempt is settled", || !self.ports.permits.holds(&attempt)).await;
        self.store.outcome(&attempt).expect("outcome")
    }

    /// Nothing is left of any call.
    pub async fn all_quiet(&self) {
        until("no call is left in the table", || self.ports.calls.is_empty()).await;
        until("every attempt is settled", || self.ports.permits.in_use() == 0).await;
    }
}

/// Starts a call on the calling thread.
pub fn launch(ports: CallPorts, admitted: AdmittedCall, survey: Arc<Survey>) -> Caller {
    let (line, far_end) = FakeLine::new();
    let call = CallActor::launch(
        ports,
        CallSeed {
            admitted,
            stream_sid: "MZ1".into(),
            survey,
            line,
        },
    );
    Caller::new(call, far_end)
}

/// The survey of every call that does not need another.
pub fn standard_survey() -> Arc<Survey> {
    SURVEY.clone()
}
