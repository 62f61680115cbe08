//! Puts the parts together: one node, from its settings to its end.

mod adapters;
pub mod campaigns;
mod fleet;
mod greetings;
mod language_models;
mod node;
mod outlook;
mod recognizers;
mod rehearing;
mod surveys;
mod synthesizers;

pub(crate) use language_models::{RunningLanguageModels, service_of, start_language_model};
pub use node::{Gauges, Node};
pub use outlook::Outlook;
pub(crate) use recognizers::{SERVICE_PATIENCE, start_service as start_recognition_service};
pub use rehearing::rehear;
pub use surveys::prepare_survey;
pub use synthesizers::Voices;
pub(crate) use synthesizers::start_service as start_synthesis_service;

use samvad_actors::ports::Clock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The machine's clocks.
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn unix_ms(&self) -> i64 {
        // A clock before 1970 is a broken machine; 0 keeps every expiry check on the safe side.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}
