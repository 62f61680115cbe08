//! Metrics in Prometheus' text format (OpenMetrics 1.0). Labels are templates of paths, never paths: those hold ids, and
//! a stranger could make as many as they like.

use crate::app::Gauges;
use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

/// The media type of what [`Metrics::text`] gives.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the histogram of durations, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Says what goes on in the node.
pub type Vitals = Arc<dyn Fn() -> Gauges + Send + Sync>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PathLabels {
    method: &'static str,
    path: String,
}

/// All metrics of a node.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<PathLabels, Histogram>,
    vitals: Vitals,
    sockets: Gauge,
    calls: Gauge,
    permits: Gauge,
    service_tasks: Gauge,
    dropped_frames: Gauge,
}

impl Metrics {
    /// With figures of this node.
    pub fn new(vitals: Vitals) -> Self {
        let mut registry = Registry::with_prefix("samvad");
        let requests = Family::default();
        let durations: Family<PathLabels, Histogram> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("api_requests", "Requests to the API", Family::clone(&requests));
        registry.register_with_unit(
            "api_request_duration",
            "Time to the head of the answer",
            Unit::Seconds,
            durations.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, Gauge::clone(&gauge));
            gauge
        };
        Self {
            sockets: gauge("media_sockets", "Media sockets open"),
            calls: gauge("calls", "Calls that live in this process"),
            permits: gauge("permits", "Permits to call that are taken"),
            service_tasks: gauge("service_tasks", "Tasks under way with services of speech and language"),
            dropped_frames: gauge("dropped_media_frames", "Media frames lost since the start"),
            requests,
            durations,
            vitals,
            registry,
        }
    }

    /// Counts a request that has been answered.
    pub fn count_request(&self, method: &Method, path: &str, status: u16, took: Duration) {
        let method = known(method);
        let path = path.to_owned();
        let labels = PathLabels {
            method,
            path: path.clone(),
        };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels { method, path, status })
            .inc();
    }

    /// Everything, as of now.
    pub fn text(&self) -> String {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let now = (self.vitals)();
        self.sockets.set(count(now.sockets));
        self.calls.set(count(now.calls));
        self.permits.set(count(now.permits));
        self.service_tasks.set(count(now.service_tasks));
        self.dropped_frames
            .set(i64::try_from(now.dropped_frames).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// A method's name; one that a client has made up has none.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_template_and_gauges_are_read_when_asked_for() {
        let metrics = Metrics::new(Arc::new(|| Gauges {
            sockets: 3,
            calls: 2,
            permits: 1,
            service_tasks: 0,
            dropped_frames: 4,
        }));
        let took = Duration::from_millis(3);
        metrics.count_request(&Method::GET, "/api/v1/users/{id}", 200, took);
        metrics.count_request(&Method::GET, "/api/v1/users/{id}", 200, took);
        let made_up = Method::from_bytes(b"INVENTED").expect("a method");
        metrics.count_request(&made_up, "none", 404, took);
        let text = metrics.text();
        assert!(text.contains("samvad_media_sockets 3"), "{text}");
        assert!(
            text.contains("samvad_api_requests_total{method=\"GET\",path=\"/api/v1/users/{id}\",status=\"200\"} 2"),
            "{text}"
        );
        assert!(text.contains("samvad_api_request_duration_seconds_bucket"), "{text}");
        assert!(!text.contains("INVENTED"), "{text}");
    }
}
