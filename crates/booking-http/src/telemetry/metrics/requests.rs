//! Requests, by their route.

use super::Metrics;
use actix_web::http::{Method, StatusCode};
use prometheus::{Histogram, IntCounter};
use std::cell::RefCell;
use std::time::Duration;

/// The template of requests that match no route.
const NO_ROUTE: &str = "-";

/// A route as a worker sees it. It caches the series that it has counted in, of which there are few: to look each
/// up by its labels takes longer than to count.
pub(crate) struct Route {
    template: &'static str,
    counted: RefCell<Vec<Series>>,
}

struct Series {
    method: &'static str,
    status: StatusCode,
    requests: IntCounter,
    duration: Histogram,
}

impl Route {
    pub(crate) fn new(template: &'static str) -> Self {
        Self { template, counted: RefCell::default() }
    }

    /// The route's template, `-` for none.
    pub(crate) fn template(route: Option<&Self>) -> &'static str {
        route.map_or(NO_ROUTE, |route| route.template)
    }

    fn count(&self, metrics: &Metrics, method: &Method, status: StatusCode, took: Duration) {
        let method = known(method);
        let mut counted = self.counted.borrow_mut();
        let known = counted.iter().position(|s| s.status == status && s.method == method);
        let position = known.unwrap_or_else(|| {
            counted.push(Series::new(metrics, self.template, method, status));
            counted.len() - 1
        });
        counted[position].count(took);
    }
}

impl Series {
    fn new(
        metrics: &Metrics,
        route: &'static str,
        method: &'static str,
        status: StatusCode,
    ) -> Self {
        let families = &metrics.families;
        Self {
            method,
            status,
            requests: families.requests.with_label_values(&[route, method, status.as_str()]),
            duration: families.request_duration.with_label_values(&[route, method]),
        }
    }

    fn count(&self, took: Duration) {
        self.requests.inc();
        self.duration.observe(took.as_secs_f64());
    }
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn request(
        &self,
        route: Option<&Route>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        match route {
            Some(route) => route.count(self, method, status, took),
            None => Series::new(self, NO_ROUTE, known(method), status).count(took),
        }
    }
}

/// A method's name; clients can make up any number of unknown ones.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
