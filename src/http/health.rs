//! Liveness and readiness.

use super::HttpState;
use super::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether this server should be given new calls. Ready from the start.
#[derive(Debug, Default)]
pub struct Readiness {
    draining: AtomicBool,
    stuck_workers: AtomicUsize,
}

impl Readiness {
    /// No new calls are dialled from here on; callbacks and media are still taken.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// How many worker threads do not answer at the moment.
    pub fn set_stuck_workers(&self, count: usize) {
        self.stuck_workers.store(count, Ordering::Relaxed);
    }

    /// Why this server is not ready; `None` if it is.
    pub fn fault(&self) -> Option<String> {
        let draining = self.draining.load(Ordering::Relaxed).then(|| "draining".to_owned());
        let stuck = match self.stuck_workers.load(Ordering::Relaxed) {
            0 => None,
            count => Some(format!("worker threads stuck: {count}")),
        };
        match (draining, stuck) {
            (Some(draining), Some(stuck)) => Some(format!("{draining}; {stuck}")),
            (one, other) => one.or(other),
        }
    }
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}

/// `GET /readyz`: 200, or 503 with the reason.
pub(super) async fn ready(state: web::Data<HttpState>) -> Result<HttpResponse, Problem> {
    match state.readiness.fault() {
        None => Ok(HttpResponse::Ok().json(json!({"status": "ready"}))),
        Some(fault) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_says_everything_that_is_wrong() {
        let readiness = Readiness::default();
        assert_eq!(readiness.fault(), None);
        readiness.set_stuck_workers(2);
        assert_eq!(readiness.fault().as_deref(), Some("worker threads stuck: 2"));
        readiness.set_draining();
        assert_eq!(readiness.fault().as_deref(), Some("draining; worker threads stuck: 2"));
        readiness.set_stuck_workers(0);
        assert_eq!(readiness.fault().as_deref(), Some("draining"));
    }
}
