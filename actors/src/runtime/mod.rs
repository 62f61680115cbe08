//! The actors: the supervisor, one actor per live call, one per running campaign, and what watches them.
//!
//! A call actor runs on the worker thread that owns its media socket. It reports to the supervisor, which alone
//! writes outcomes and gives permits back. The watchdog is a thread of its own, because a handler that blocks
//! stalls every call of its worker.

mod call;
mod campaign;
mod draft;
mod endings;
mod events;
mod line;
mod mint;
mod permits;
mod probe;
mod pulse;
mod reconciler;
mod supervisor;
mod survey;
mod thread_time;
mod unknown;
mod watchdog;

pub use call::{CallActor, CallCommand, CallPorts, CallSeed};
pub use campaign::{
    CampaignActor, CampaignFleet, CampaignOver, CampaignPorts, CampaignWake, DialSettings, FleetStop, Gate, GateError,
    HoldOff, Preparation, PrepareSurveys, REHEARSED, STOPPED_ALL, Upkeep, give_permits_back,
};
pub use draft::CallDraft;
pub use endings::SupervisorPorts;
pub use events::{CallEvent, EventSink, NoEvents};
pub use line::{Line, LineClosed, MediaText};
pub use mint::{MediaToken, TokenMint};
pub use permits::{PermitReturn, Permits};
pub use probe::{CallProbe, CallTable, Limits, Overrun};
pub use pulse::{WorkerPulse, start_worker_pulse};
pub use reconciler::Reconciler;
pub use supervisor::{
    AttemptOver, BeginDrain, CallDied, CallFinished, CallStarted, CarrierMachine, CarrierStatusChanged,
    CountUnreported, EndCall, HangUpNow, Supervisor, ToldElsewhere, WriteOutcome,
};
pub use survey::{Survey, Surveys, TranslatedSpeech};
pub use unknown::{Finding, Horizon, find};
pub use watchdog::{MakePorts, Readiness, Watchdog, WatchdogError, WatchdogPorts, WatchdogSettings};
