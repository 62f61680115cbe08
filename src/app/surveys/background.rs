//! Surveys that are made ready while everything else goes on: a service may take minutes for a campaign.

use super::SurveyRoom;
use async_trait::async_trait;
use samvad_actors::domain::{Campaign, CampaignId};
use samvad_actors::runtime::{Preparation, PrepareSurveys};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Longest wait for a survey: prompts that are on disk are there by then.
const PROMPTLY: Duration = Duration::from_millis(500);
/// Before what failed is tried again.
const HOLD_OFF: Duration = Duration::from_secs(30);

/// A room whose work nobody waits for.
pub(in crate::app) struct BackgroundSurveys {
    room: Arc<SurveyRoom>,
    works: Mutex<BTreeMap<CampaignId, Work>>,
}

struct Work {
    /// As it was when the work began: one that has changed since is begun anew.
    campaign: Campaign,
    state: State,
}

enum State {
    UnderWay(JoinHandle<Result<(), String>>),
    Failed { at: Instant, reason: String },
}

impl BackgroundSurveys {
    pub(in crate::app) fn new(room: Arc<SurveyRoom>) -> Self {
        Self {
            room,
            works: Mutex::default(),
        }
    }

    fn works(&self) -> MutexGuard<'_, BTreeMap<CampaignId, Work>> {
        // Every change under this lock is one step.
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, campaign: &Campaign, state: State) {
        let work = Work {
            campaign: campaign.clone(),
            state,
        };
        self.works().insert(campaign.id.clone(), work);
    }

    fn begin(&self, campaign: &Campaign) -> JoinHandle<Result<(), String>> {
        let (room, campaign) = (Arc::clone(&self.room), campaign.clone());
        actix::spawn(async move {
            let mut reported = Instant::now();
            let mut progress = |ready: usize, of: usize| {
                if reported.elapsed() >= HOLD_OFF {
                    reported = Instant::now();
                    tracing::info!(campaign = %campaign.id, ready, of, "prompts are being spoken");
                }
            };
            let ready = room.ready(&campaign, &mut progress).await;
            ready.map_err(|error| format!("{error:#}"))
        })
    }
}

#[async_trait(?Send)]
impl PrepareSurveys for BackgroundSurveys {
    async fn prepare(&self, campaign: &Campaign) -> Result<Preparation, String> {
        if self.room.is_ready(campaign) {
            return Ok(Preparation::Ready);
        }
        let work = self.works().remove(&campaign.id);
        let mut handle = match work.filter(|work| work.campaign == *campaign).map(|work| work.state) {
            Some(State::UnderWay(handle)) => handle,
            Some(State::Failed { at, reason }) if at.elapsed() < HOLD_OFF => {
                let told = reason.clone();
                self.keep(campaign, State::Failed { at, reason });
                return Err(told);
            }
            Some(State::Failed { .. }) | None => self.begin(campaign),
        };
        let reason = match timeout(PROMPTLY, &mut handle).await {
            Err(_elapsed) => {
                self.keep(campaign, State::UnderWay(handle));
                return Ok(Preparation::UnderWay);
            }
            Ok(Ok(Ok(()))) => return Ok(Preparation::Ready),
            Ok(Ok(Err(reason))) => reason,
            Ok(Err(_panic)) => "its preparation panicked".to_owned(),
        };
        let told = reason.clone();
        self.keep(
            campaign,
            State::Failed {
                at: Instant::now(),
                reason,
            },
        );
        Err(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{SystemClock, Voices};
    use crate::speech::FixedRecognizer;
    use crate::speech::services::ServiceThreads;
    use samvad_actors::ports::{
        CallCursor, CallUse, Clock, CostQuery, CostStore, CostTotals, LatencyCount, Pcm, ServiceKind, ServiceUse,
        StoreError, SynthesisError, SynthesisRequest, Synthesizer, TurnPart, UsedService,
    };
    use samvad_actors::runtime::Surveys;
    use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;
    use tokio::task::LocalSet;

    /// Speaks a sentence for each permit, or refuses everything.
    struct Gated {
        gate: Semaphore,
        refuses: bool,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Synthesizer for Gated {
        fn name(&self) -> &'static str {
            "gated"
        }

        fn identity(&self, _: &SynthesisRequest) -> String {
            "gated".to_owned()
        }

        async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let service = UsedService {
                kind: ServiceKind::Synthesis,
                service: "gated".to_owned(),
                model: String::new(),
            };
            request.meter.add(&service, ServiceUse::of_text(&request.text));
            if self.refuses {
                return Err(SynthesisError::Refused {
                    reason: "no credit".to_owned(),
                });
            }
            self.gate.acquire().await.expect("open").forget();
            Ok(Pcm {
                sample_rate: 8_000,
                samples: (0..request.text.len() * 400)
                    .map(|n| if n % 16 < 8 { 9_000 } else { -9_000 })
                    .collect(),
            })
        }
    }

    /// Keeps the characters that preparations were charged for.
    #[derive(Default)]
    struct Costs(Mutex<Vec<u64>>);

    #[async_trait]
    impl CostStore for Costs {
        async fn record_preparation(
            &self,
            _: &CampaignId,
            used: &[(UsedService, ServiceUse)],
            _: i64,
        ) -> Result<(), StoreError> {
            let characters = used.iter().map(|(_, amount)| amount.characters).sum();
            self.0.lock().expect("no panic").push(characters);
            Ok(())
        }

        async fn cost_totals(&self, _: &CostQuery) -> Result<CostTotals, StoreError> {
            Ok(CostTotals::default())
        }

        async fn calls_used(&self, _: &CostQuery, _: Option<&CallCursor>, _: u32) -> Result<Vec<CallUse>, StoreError> {
            Ok(Vec::new())
        }

        async fn latency_counts(&self, _: &CostQuery, _: TurnPart) -> Result<Vec<LatencyCount>, StoreError> {
            Ok(Vec::new())
        }
    }

    struct Setting {
        costs: Arc<Costs>,
        surveys: BackgroundSurveys,
        voice: Arc<Gated>,
        campaign: Campaign,
        _directory: tempfile::TempDir,
    }

    fn setting(refuses: bool) -> Setting {
        let directory = tempfile::tempdir().expect("a folder");
        let voice = Arc::new(Gated {
            gate: Semaphore::new(0),
            refuses,
            asked: AtomicUsize::new(0),
        });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let jitter: Jitter = Arc::new(|| 0.5);
        let ranked = RankedSynthesizer {
            synthesizer: voice.clone(),
            patience: Duration::from_secs(3_600),
            at_once: 2,
        };
        let costs = Arc::new(Costs::default());
        let room = SurveyRoom {
            costs: costs.clone(),
            clock: clock.clone(),
            surveys: Arc::new(Surveys::default()),
            prompts_dir: None,
            prompt_cache: directory.path().join("prompts"),
            recognizer: Arc::new(FixedRecognizer::new(Duration::ZERO)),
            voices: Voices::new(
                FailoverSynthesizer::new(vec![ranked], &clock, &jitter),
                Arc::new(ServiceThreads::start().expect("threads")),
            ),
            at_work: tokio::sync::Mutex::new(()),
        };
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/campaigns/health_survey.yaml");
        Setting {
            costs,
            surveys: BackgroundSurveys::new(Arc::new(room)),
            voice,
            campaign: crate::campaign_files::load_campaign(std::path::Path::new(file)).expect("a campaign"),
            _directory: directory,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_goes_on_while_prompts_are_spoken_and_nobody_is_called_before_all_are() {
        let work = async {
            let setting = setting(false);
            for _ in 0..3 {
                let told = setting.surveys.prepare(&setting.campaign).await;
                assert_eq!(told, Ok(Preparation::UnderWay));
                setting.voice.gate.add_permits(1);
            }
            setting.voice.gate.add_permits(1_000);
            while setting.surveys.prepare(&setting.campaign).await != Ok(Preparation::Ready) {}
            let asked = setting.voice.asked.load(Ordering::Relaxed);
            assert_eq!(setting.surveys.prepare(&setting.campaign).await, Ok(Preparation::Ready));
            assert_eq!(setting.voice.asked.load(Ordering::Relaxed), asked, "each sentence once");
            let charged = setting.costs.0.lock().expect("no panic").clone();
            assert!(charged.len() == 1 && charged[0] > 100, "kept once: {charged:?}");
        };
        LocalSet::new().run_until(work).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_told_each_time_and_tried_again_after_a_while_or_when_it_has_changed() {
        let work = async {
            let setting = setting(true);
            let asked = || setting.voice.asked.load(Ordering::Relaxed);
            let told = setting.surveys.prepare(&setting.campaign).await;
            assert!(told.is_err_and(|reason| reason.contains("no credit")));
            let first = asked();
            assert!(setting.surveys.prepare(&setting.campaign).await.is_err());
            assert_eq!(asked(), first, "not at once");
            let mut changed = setting.campaign.clone();
            changed.voice = Some("rms".to_owned());
            assert!(setting.surveys.prepare(&changed).await.is_err());
            let second = asked();
            assert!(second > first);
            tokio::time::advance(HOLD_OFF).await;
            assert!(setting.surveys.prepare(&changed).await.is_err());
            assert!(asked() > second);
        };
        LocalSet::new().run_until(work).await;
    }
}
