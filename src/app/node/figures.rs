//! Where the figures of a node are read, by the node itself and by its API.

use super::super::surveys::SurveyRoom;
use super::{Gauges, Node};
use crate::http::SocketGauges;
use crate::speech::services::ServiceThreads;
use samvad_actors::runtime::{CallTable, Permits};
use std::sync::{Arc, Weak};

/// Keeps nothing alive that a stop waits for.
#[derive(Clone)]
pub(super) struct Figures {
    sockets: Arc<SocketGauges>,
    calls: Arc<CallTable>,
    permits: Arc<Permits>,
    surveys: Weak<SurveyRoom>,
    threads: Vec<Weak<ServiceThreads>>,
}

impl Figures {
    pub(super) fn of(node: &Node) -> Self {
        let threads = [node.running_recognizer.threads(), node.language_models.threads()];
        Self {
            sockets: node.sockets.clone(),
            calls: node.supervisor_ports.calls.clone(),
            permits: node.supervisor_ports.permits.clone(),
            surveys: Arc::downgrade(&node.surveys),
            threads: threads.into_iter().flatten().map(Arc::downgrade).collect(),
        }
    }

    /// As they are now.
    pub(super) fn read(&self) -> Gauges {
        let speaking = self
            .surveys
            .upgrade()
            .map_or(0, |surveys| surveys.voices.threads().tasks());
        let others = self.threads.iter().filter_map(Weak::upgrade);
        Gauges {
            sockets: self.sockets.open(),
            calls: self.calls.len(),
            permits: self.permits.in_use(),
            service_tasks: speaking + others.map(|threads| threads.tasks()).sum::<usize>(),
            dropped_frames: self.sockets.dropped_frames(),
        }
    }
}
