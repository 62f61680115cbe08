//! Greetings by name, spoken while the phone rings: they are there when it is picked up.

use super::surveys::SurveyRoom;
use crate::store::SqlStore;
use samvad_actors::domain::AttemptId;
use samvad_actors::ports::{DialerStore, ServiceMeter, StoreError};
use samvad_actors::runtime::{CallEvent, EventSink, Survey};
use std::sync::Arc;

/// Hears which calls this node places, and has their greetings spoken. All events go on to the next sink.
///
/// The stream may open on another node; there, the greeting is begun when it does.
pub(super) struct GreetingsAhead {
    pub(super) next: Arc<dyn EventSink>,
    pub(super) store: Arc<SqlStore>,
    pub(super) surveys: Arc<SurveyRoom>,
}

impl EventSink for GreetingsAhead {
    fn emit(&self, event: CallEvent) {
        if let CallEvent::Placed { attempt, campaign, .. } = &event {
            let survey = self.surveys.surveys.get(campaign);
            let greets = |survey: &Arc<Survey>| survey.campaign.languages().any(|one| survey.greets_by_name(one));
            if let Some(survey) = survey.filter(greets) {
                let (store, surveys, attempt) = (self.store.clone(), self.surveys.clone(), attempt.clone());
                self.surveys.voices.spawn(async move {
                    if let Err(error) = speak_ahead(&store, &surveys, &survey, &attempt).await {
                        tracing::warn!(%attempt, %error, "a greeting cannot be spoken ahead");
                    }
                });
            }
        }
        self.next.emit(event);
    }
}

async fn speak_ahead(
    store: &SqlStore,
    surveys: &SurveyRoom,
    survey: &Survey,
    attempt: &AttemptId,
) -> Result<(), StoreError> {
    if let Some((name, chosen)) = store.name_of_attempt(attempt).await? {
        // It is kept for the call; if it cannot be had, the call will find out.
        let meter = ServiceMeter::default();
        let script = survey.script_for(chosen.as_ref());
        drop(survey.greeting_for(&name, &script.campaign().language, &meter).await);
        surveys.keep_use(&survey.campaign, &meter).await;
    }
    Ok(())
}
