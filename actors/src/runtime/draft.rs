//! What a call has gathered so far, kept outside its actor so that a dead actor loses none of it.

use crate::dialogue::{Millis, TurnNote};
use crate::domain::{
    Answer, AnsweredBy, AttemptId, CallbackRequest, ConsentEvidence, Disposition, EndReason, Language, Outcome,
};
use crate::ports::{CallReport, ServiceMeter, TranscriptLine, TurnLatency};

/// What a call has gathered so far.
#[derive(Clone, Debug, Default)]
pub struct CallDraft {
    /// Consent or refusal.
    pub consent: Option<ConsentEvidence>,
    /// Answers so far.
    pub answers: Vec<Answer>,
    /// Who took the call, as far as is known.
    pub answered_by: AnsweredBy,
    /// The language that is spoken.
    pub language: Option<Language>,
    /// Transcript so far.
    pub transcript: Vec<TranscriptLine>,
    /// Turn latencies so far.
    pub latencies: Vec<TurnLatency>,
    /// What is used of services; written by whoever uses them.
    pub meter: ServiceMeter,
    /// The person asked for a callback.
    pub callback_request: Option<CallbackRequest>,
    /// The person asked for removal.
    pub do_not_call: bool,
}

impl CallDraft {
    /// Adds a line to the transcript.
    pub fn note(&mut self, at_ms: Millis, note: TurnNote) {
        self.transcript.push(TranscriptLine {
            at_ms,
            speaker: note.speaker,
            text: note.text,
            confidence: note.confidence,
        });
    }

    /// The report of a conversation that came to its own end.
    pub fn into_report(
        self,
        attempt: AttemptId,
        end: (EndReason, Outcome, Disposition),
        ended_at_ms: i64,
    ) -> CallReport {
        let (end_reason, outcome, disposition) = end;
        CallReport {
            attempt,
            outcome,
            disposition,
            end_reason,
            answered_by: self.answered_by,
            consent: self.consent,
            answers: self.answers,
            language: self.language,
            transcript: self.transcript,
            latencies: self.latencies,
            service_use: self.meter.read(),
            callback_request: self.callback_request,
            do_not_call: self.do_not_call,
            ended_at_ms,
        }
    }

    /// The report of a conversation whose actor died, got stuck, or overran its limits: what was gathered decides.
    pub fn into_cut_report(self, attempt: AttemptId, reason: EndReason, ended_at_ms: i64) -> CallReport {
        let refused = self.do_not_call || self.consent.as_ref().is_some_and(|consent| !consent.granted);
        let (outcome, disposition) = if refused {
            (Outcome::Refused, Disposition::RespondentRefusal)
        } else if self.callback_request.is_some() {
            (Outcome::Callback, Disposition::NonContact)
        } else if !self.answers.is_empty() {
            (Outcome::Partial, Disposition::Partial)
        } else {
            (Outcome::Failed, Disposition::TechnicalProblem)
        };
        self.into_report(attempt, (reason, outcome, disposition), ended_at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AnswerValue, AnswerVia};
    use crate::ports::{ServiceKind, ServiceUse, UsedService};

    fn cut(draft: CallDraft) -> CallReport {
        draft.into_cut_report(AttemptId::from("a"), EndReason::Fault, 0)
    }

    #[test]
    fn a_removal_wish_survives_the_death_of_its_call() {
        let report = cut(CallDraft {
            do_not_call: true,
            ..CallDraft::default()
        });
        assert!(report.do_not_call);
        assert_eq!(report.outcome, Outcome::Refused);
    }

    #[test]
    fn answers_given_before_a_fault_make_the_call_partial() {
        let answer = Answer {
            question: 0,
            value: AnswerValue::Scale(4),
            via: AnswerVia::Keys,
            heard: Some("4".into()),
            confidence: None,
            uncertain: false,
            times_asked: 1,
        };
        let report = cut(CallDraft {
            answers: vec![answer],
            ..CallDraft::default()
        });
        assert_eq!(
            (report.outcome, report.disposition),
            (Outcome::Partial, Disposition::Partial)
        );
    }

    #[test]
    fn what_was_used_of_services_survives_the_death_of_its_call() {
        let draft = CallDraft::default();
        let deepgram = UsedService {
            kind: ServiceKind::Recognition,
            service: "deepgram".into(),
            model: "nova-3".into(),
        };
        let used = ServiceUse {
            requests: 1,
            audio_ms: 900,
            ..ServiceUse::default()
        };
        draft.meter.clone().add(&deepgram, used);
        assert_eq!(cut(draft).service_use, [(deepgram, used)]);
    }

    #[test]
    fn a_call_that_gathered_nothing_has_failed_technically() {
        let report = cut(CallDraft::default());
        assert_eq!(
            (report.outcome, report.disposition),
            (Outcome::Failed, Disposition::TechnicalProblem)
        );
    }
}
