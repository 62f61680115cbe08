//! What is reported: a line for each call as it ends, and a summary. Durations of the conversation are in media time.

mod call_report;
mod inbound_report;
mod judge;
mod ledger;
mod reporter;

pub use call_report::{CallReport, EndedBy};
pub use inbound_report::InboundReport;
pub use reporter::{Latency, SimulatorSummary};

pub(crate) use ledger::Ledger;
pub(crate) use reporter::Reporter;
