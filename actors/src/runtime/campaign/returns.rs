//! Permits on their way back to the coordination.

use crate::ports::Coordination;
use crate::runtime::permits::{PermitReturn, Permits};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Gives permits back as they come, in their order, and again for as long as the coordination does not answer: what it
/// did not hear of would keep room until it expires. Ends when nobody can give one back any more.
pub async fn give_permits_back(
    mut returns: UnboundedReceiver<PermitReturn>,
    coordination: Arc<dyn Coordination>,
    permits: Arc<Permits>,
) {
    let mut waiting = VecDeque::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(permit) = waiting.front() else {
            match returns.recv().await {
                Some(permit) => waiting.push_back(permit),
                None => return,
            }
            continue;
        };
        let given = match permit {
            PermitReturn::Ended(attempt) => coordination.release(attempt).await,
            PermitReturn::NeverPlaced(attempt) => coordination.cancel(attempt).await,
        };
        match given {
            Ok(_) => {
                waiting.pop_front();
                pause = FIRST_PAUSE;
                permits.notify_freed();
            }
            Err(error) => {
                tracing::warn!(%error, waiting = waiting.len() + returns.len(), "permits cannot be given back yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
