//! Hearing a recorded call again with the recogniser and the voice of the settings.

use super::SystemClock;
use super::recognizers::RunningRecognizer;
use super::surveys::prepare_survey;
use super::synthesizers::Voices;
use crate::config::{DataDirectory, Settings};
use samvad_actors::dialogue::Millis;
use samvad_actors::dialogue::journal::CallJournal;
use samvad_actors::ports::{Clock, ServiceMeter};
use samvad_actors::rehearing::{Happening, Rehearing, recognition_ms};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the recogniser may take for an utterance. Nobody waits on the line.
const RECOGNITION_DEADLINE: Duration = Duration::from_secs(20);
/// How long a recognition takes in virtual time if the journal does not tell.
const USUAL_RECOGNITION_MS: Millis = 200;

/// Plays the caller's audio (8 kHz mu-law) of a call through listener, recogniser and dialogue, with the campaign, the
/// waits and the keys of its journal, and says what happened. Nothing is written but prompts that were not in the cache.
///
/// # Errors
/// If the recogniser cannot be started, or the campaign cannot be prepared with it.
pub async fn rehear(
    settings: &Settings,
    prompts_dir: Option<&Path>,
    journal: &CallJournal,
    audio: &[u8],
) -> anyhow::Result<Vec<(Millis, Happening)>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let data = DataDirectory::open(&settings.data_dir)?;
    let prompt_cache = settings.prompt_cache_dir.clone().unwrap_or_else(|| data.prompt_cache());
    let running = RunningRecognizer::start(settings, &clock)?;
    let recognizer = running.port();
    let survey = prepare_survey(
        &journal.campaign,
        prompts_dir,
        &prompt_cache,
        recognizer.as_ref(),
        &Voices::start(settings, &clock)?,
        // Kept nowhere: what a rehearing uses belongs to no call and no campaign.
        &ServiceMeter::default(),
        &mut |_, _| {},
    )
    .await?;
    let rehearing = Rehearing {
        survey: &survey,
        recognizer: recognizer.as_ref(),
        config: journal.config.clone(),
        recognition_ms: recognition_ms(&journal.inputs).unwrap_or(USUAL_RECOGNITION_MS),
        recognition_deadline: RECOGNITION_DEADLINE,
        inputs: &journal.inputs,
        outputs: &journal.outputs,
    };
    Ok(rehearing.run(audio).await)
}
