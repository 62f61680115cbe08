//! From a campaign to something that can be spoken.

mod background;

pub(super) use background::BackgroundSurveys;

use super::synthesizers::Voices;
use crate::campaign_files::language_pack;
use crate::speech::PromptCache;
use anyhow::{Context, bail};
use samvad_actors::dialogue::Script;
use samvad_actors::domain::Campaign;
use samvad_actors::ports::{Clock, CostStore, Recognizer, ServiceMeter};
use samvad_actors::runtime::Survey;
use samvad_actors::runtime::Surveys;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Makes surveys ready, one after the other, and keeps them.
pub(super) struct SurveyRoom {
    pub(super) surveys: Arc<Surveys>,
    pub(super) prompts_dir: Option<PathBuf>,
    pub(super) prompt_cache: PathBuf,
    pub(super) recognizer: Arc<dyn Recognizer>,
    pub(super) voices: Voices,
    /// Where it is kept what preparations use.
    pub(super) costs: Arc<dyn CostStore>,
    pub(super) clock: Arc<dyn Clock>,
    /// Held while a survey is made ready: the same prompts are not rendered twice at once.
    pub(super) at_work: Mutex<()>,
}

impl SurveyRoom {
    /// Makes a campaign ready unless it is as it was. `progress` as in [`prepare_survey`].
    pub(super) async fn ready(
        &self,
        campaign: &Campaign,
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<()> {
        if self.is_ready(campaign) {
            return Ok(());
        }
        let _at_work = self.at_work.lock().await;
        if self.is_ready(campaign) {
            return Ok(());
        }
        let meter = ServiceMeter::default();
        let survey = prepare_survey(
            campaign,
            self.prompts_dir.as_deref(),
            &self.prompt_cache,
            self.recognizer.as_ref(),
            &self.voices,
            &meter,
            progress,
        )
        .await;
        self.keep_use(campaign, &meter).await;
        self.surveys.insert(Arc::new(survey?));
        Ok(())
    }

    /// Keeps what a preparation used, whether it came to its end or not. A campaign is called without the record if it
    /// cannot be kept.
    pub(super) async fn keep_use(&self, campaign: &Campaign, meter: &ServiceMeter) {
        let used = meter.read();
        let kept = self.costs.record_preparation(&campaign.id, &used, self.clock.unix_ms());
        if let Err(error) = kept.await {
            tracing::error!(campaign = %campaign.id, %error, "what a preparation used could not be kept");
        }
    }

    fn is_ready(&self, campaign: &Campaign) -> bool {
        let known = self.surveys.get(&campaign.id);
        known.is_some_and(|survey| survey.campaign == *campaign)
    }
}

/// Builds the script, compiles every grammar and renders every sentence that is not in the cache yet. `progress` is
/// told how many sentences are ready, and of how many. What has to be spoken counts into `meter`.
///
/// # Errors
/// Everything that is wrong with the campaign, its prompts or its grammars.
pub async fn prepare_survey(
    campaign: &Campaign,
    prompts_dir: Option<&Path>,
    prompt_cache: &Path,
    recognizer: &dyn Recognizer,
    voices: &Voices,
    meter: &ServiceMeter,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Survey> {
    let pack = language_pack(&campaign.language, prompts_dir)?;
    let script = match Script::build(campaign, &pack) {
        Ok(script) => Arc::new(script),
        Err(faults) => {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            bail!("the campaign {} is not valid:\n{}", campaign.id, list.join("\n"));
        }
    };
    for grammar in script.grammars() {
        recognizer
            .prepare(&campaign.language, &grammar)
            .await
            .with_context(|| {
                format!(
                    "the recogniser {} cannot serve campaign {}",
                    recognizer.name(),
                    campaign.id
                )
            })?;
    }
    let cache = PromptCache::open(prompt_cache, Arc::clone(&voices.synthesizers))?;
    let rendered = cache
        .render(
            &script.fixed_sentences(),
            &campaign.language,
            campaign.voice.as_deref(),
            meter,
            progress,
        )
        .await
        .with_context(|| format!("the prompts of campaign {} cannot be spoken", campaign.id))?;
    Ok(Survey {
        campaign: campaign.clone(),
        script,
        prompts: Arc::new(rendered.book),
        voice: Some(voices.live(rendered.speaker)),
        names: voices.names(campaign, rendered.speaker),
    })
}
