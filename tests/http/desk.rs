//! Who called whom, in memory, with faults on demand.

use async_trait::async_trait;
use samvad::carrier::inbound::InboundDesk;
use samvad_actors::domain::{Campaign, PhoneNumber};
use samvad_actors::ports::StoreError;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct MemoryDesk {
    /// A number that was called, and the campaign that did.
    pub called: Mutex<Option<(String, Campaign)>>,
    pub opted_out: Mutex<Vec<String>>,
    /// Every call fails while it is set.
    pub away: AtomicBool,
}

impl MemoryDesk {
    fn check(&self) -> Result<(), StoreError> {
        let reason = "connection refused".to_owned();
        match self.away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable { reason }),
            false => Ok(()),
        }
    }

    pub fn opted_out(&self) -> Vec<String> {
        self.opted_out.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl InboundDesk for MemoryDesk {
    async fn last_caller(&self, number: &PhoneNumber, _: i64) -> Result<Option<Campaign>, StoreError> {
        self.check()?;
        let called = self.called.lock().expect("not poisoned").clone();
        Ok(called
            .filter(|(called, _)| called == number.expose())
            .map(|(_, campaign)| campaign))
    }

    async fn opt_out(&self, number: &PhoneNumber, _: i64) -> Result<(), StoreError> {
        self.check()?;
        self.opted_out
            .lock()
            .expect("not poisoned")
            .push(number.expose().to_owned());
        Ok(())
    }
}
