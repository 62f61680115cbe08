//! Object-safe traits for everything outside, held as `Arc<dyn …>`. Each has one conformance suite that every
//! implementation passes.

mod call_ledger;
mod carrier;
mod clock;
mod coordination;
mod journal;
mod language_model;
mod prompts;
mod recognizer;
mod service_use;
mod store;
mod synthesizer;

pub use call_ledger::{CallLedger, CallMarks};
pub use carrier::{
    Advice, AnswerDetection, CallQuery, CallUpdate, Carrier, CarrierCall, CarrierError, NewCall, StopScope,
};
pub use clock::Clock;
pub use coordination::{
    Admission, CallTold, Candidacy, Coordination, CoordinationError, CountedOver, DayScope, Election, FleetCommand,
    FleetSignal, FleetSignals, HeldPermit, Incarnation, LONGEST_US, Limit, PermitLimits, PermitRequest, PermitScopes,
    Rate, Rebuild, RebuildStart, Usage,
};
pub use journal::{JournalError, JournalFiles, JournalSink};
pub use language_model::{
    AnswerSchema, LanguageModel, LanguageModelError, LanguageRequest, SentenceStream, Speaker, Spoken,
};
pub use prompts::{NameVoice, Prompt, PromptBook};
pub use recognizer::{Grammar, Heard, Progress, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream};
pub use service_use::{AudioMeter, ServiceKind, ServiceMeter, ServiceUse, UsedService};
pub use store::{
    AdmittedCall, AttemptRow, AttemptStore, CallCursor, CallReport, CallTotals, CallUse, CallbackEffect, CampaignState,
    CampaignStore, CarrierTotal, ClaimRefusal, Contact, ContactCounts, ContactImport, ContactStore, CostQuery,
    CostStore, CostTotals, DayCount, DialClaim, DialerStore, DoNotCallEntry, DoNotCallStore, DueContact, DueQuery,
    DueSnapshot, Eligibility, ImportReport, InFlightAttempt, LatencyCount, Leadership, LifecycleChange,
    MachineDetection, MediaTokenClaim, ModeCounts, NewAttempt, NewContact, NextCall, OptOutReport, PurgeCounts,
    RecordedUsage, RegistryScrub, ResultRow, ResultStore, ServiceTotal, StatusCallback, Store, StoreError, Submission,
    SubmitRefusal, SurveyEvent, TokenRefusal, TranscriptLine, TranscriptSpeaker, TurnLatency, TurnPart,
};
pub use synthesizer::{Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
