//! The language models that the settings name.

use crate::config::{ChatSettings, LanguageModelSetting, Secret, Settings};
use crate::language::{COMPATIBLE, ChatModel, ChatService, OPENAI};
use crate::speech::services::ServiceThreads;
use anyhow::Context;
use rand::RngExt;
use samvad_actors::ports::{Clock, LanguageModel};
use samvad_actors::services::{FailoverLanguageModel, Jitter};
use std::sync::Arc;

/// The language models of a node, with the threads they are talked to on.
pub(crate) struct RunningLanguageModels {
    port: Option<Arc<dyn LanguageModel>>,
    /// `None` if no model is named.
    threads: Option<Arc<ServiceThreads>>,
}

impl RunningLanguageModels {
    /// Makes them, in the order of preference, as one that goes on to the next when one fails.
    ///
    /// They have threads of their own: a long answer delays no recogniser.
    ///
    /// # Errors
    /// Why a service cannot be used.
    pub(crate) fn start(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let models = &settings.language.models;
        if models.is_empty() {
            return Ok(Self {
                port: None,
                threads: None,
            });
        }
        let threads = Arc::new(ServiceThreads::start()?);
        let list = models.iter().map(|(setting, chat)| {
            let model = start_language_model(*setting, chat, settings, Arc::clone(&threads))?;
            Ok(Arc::new(model) as Arc<dyn LanguageModel>)
        });
        let list = list.collect::<anyhow::Result<Vec<_>>>()?;
        let jitter: Jitter = Arc::new(|| rand::rng().random());
        Ok(Self {
            port: Some(Arc::new(FailoverLanguageModel::new(list, clock, &jitter))),
            threads: Some(threads),
        })
    }

    /// As the port; `None` if no model is named.
    pub(crate) fn port(&self) -> Option<Arc<dyn LanguageModel>> {
        self.port.clone()
    }

    /// The threads on which they are talked to, if there are any.
    pub(super) fn threads(&self) -> Option<&Arc<ServiceThreads>> {
        self.threads.as_ref()
    }
}

/// One of them alone.
///
/// # Errors
/// Why it cannot be used.
pub(crate) fn start_language_model(
    setting: LanguageModelSetting,
    chat: &ChatSettings,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> anyhow::Result<ChatModel> {
    let service = service_of(setting);
    let proxy = settings.services.proxy.as_ref().map(Secret::expose);
    ChatModel::new(service, chat, proxy, threads).with_context(|| format!("{setting} cannot be used"))
}

/// The service that a setting names.
pub(crate) fn service_of(setting: LanguageModelSetting) -> ChatService {
    match setting {
        LanguageModelSetting::OpenAi => OPENAI,
        LanguageModelSetting::Compatible => COMPATIBLE,
    }
}
