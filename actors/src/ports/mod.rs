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
mod recording;
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
pub use recording::{RecordingError, RecordingFiles, RecordingSink};
pub use service_use::{AudioMeter, ServiceKind, ServiceMeter, ServiceUse, UsedService};
pub use store::{
    AccountStore, AdmittedCall, ApiToken, AttemptCount, AttemptRow, AttemptStore, AuditEntry, AuditQuery, AuditRow,
    AuditStore, BatchReport, CallCursor, CallReport, CallTotals, CallUse, CallbackEffect, CampaignChange,
    CampaignCounts, CampaignCursor, CampaignQuery, CampaignRecord, CampaignState, CampaignStore, CarrierTotal,
    CatalogStore, ClaimRefusal, Contact, ContactCounts, ContactCursor, ContactFilter, ContactImport, ContactOrder,
    ContactQuery, ContactRecord, ContactRefusal, ContactStore, CostQuery, CostStore, CostTotals, DayCount, DayTally,
    DialClaim, DialerStore, DoNotCallEntry, DoNotCallStore, DueContact, DueQuery, DueSnapshot, EditRefusal,
    Eligibility, ExclusionCursor, ExclusionQuery, ExclusionSource, ExclusionStore, ExportQuery, ExportRow, ExportStamp,
    IdempotencyStore, ImportBatch, ImportCursor, ImportRecord, ImportReport, ImportState, InFlightAttempt, KeptAnswer,
    KeyState, KeyedRequest, LatencyCount, Leadership, LifecycleChange, LoginAttempt, MOST_TOKENS, MOST_VALUES,
    MachineDetection, MediaTokenClaim, ModeCounts, NewAttempt, NewContact, NewSession, NewToken, NextCall,
    NumberSummary, OptOutReport, PeopleStore, PurgeCounts, QuestionCounts, RecordedUsage, RegistryScrub,
    RemovalRefusal, ResultRow, ResultStore, RowCounts, RowRejection, ServiceTotal, Session, SignIn, StatisticsStore,
    StatusCallback, Store, StoreError, Submission, SubmitRefusal, SurveyEvent, TokenCursor, TokenRefusal,
    TranscriptLine, TranscriptSpeaker, TurnLatency, TurnPart, User,
};
pub use synthesizer::{Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
