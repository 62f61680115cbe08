//! The language model of the settings, asked for what the lexicon leaves open.

use crate::app::{RunningLanguageModels, SystemClock};
use crate::cli::output::note;
use crate::config::Settings;
use anyhow::{Context, bail};
use samvad_actors::dialogue::LanguagePack;
use samvad_actors::domain::Campaign;
use samvad_actors::evaluation::{Ask, Model};
use samvad_actors::ports::{Clock, LanguageModel, LanguageRequest, ServiceMeter};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// A language model that can be asked.
pub(super) struct Opened {
    model: Arc<dyn LanguageModel>,
    deadline: Duration,
    runtime: tokio::runtime::Runtime,
}

/// Opens what the settings name.
pub(super) fn open(environment: &BTreeMap<String, String>) -> anyhow::Result<Opened> {
    let settings = Settings::from_env(environment)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let Some(model) = RunningLanguageModels::start(&settings, &clock)?.port() else {
        bail!("--with-model: no language model is named; set SAMVAD_LANGUAGE_MODEL (see docs/speech-services.md)");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the model cannot be waited for")?;
    Ok(Opened {
        model,
        deadline: settings.language.deadline,
        runtime,
    })
}

impl Opened {
    /// As a tier, in the name of these campaigns. On a terminal it counts what it has asked.
    pub(super) fn into_tier(self, surveys: Vec<(Campaign, LanguagePack)>) -> Model {
        let shown = std::io::stderr().is_terminal();
        let mut asked = 0_usize;
        let ask: Ask = Box::new(move |task, schema| {
            asked += 1;
            if shown {
                note(format_args!("\rasked the language model {asked} times"));
            }
            let request = LanguageRequest {
                instructions: task.instructions,
                conversation: task.conversation,
                most_tokens: task.most_tokens,
                deadline: self.deadline,
                meter: ServiceMeter::default(),
            };
            self.runtime.block_on(self.model.structured(&request, &schema))
        });
        Model::new(surveys, ask)
    }
}

/// Leaves the line that the progress stands in.
pub(super) fn end_progress(asked: bool) {
    if asked && std::io::stderr().is_terminal() {
        note(format_args!("\n"));
    }
}
