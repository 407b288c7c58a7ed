//! The batches that were executed, and which at the same time.

use booking_core::{EventCommand, EventId, RegistrationId};
use std::sync::{Mutex, MutexGuard};

/// A batch that was executed. Its instants are in the order of all that began and ended.
#[derive(Debug, Clone)]
pub(crate) struct Executed {
    pub(crate) began: usize,
    /// `None` if it has not ended.
    pub(crate) ended: Option<usize>,
    pub(crate) batch: Vec<EventCommand>,
    /// The commands that were decided, none if it failed.
    pub(crate) decided: Vec<(EventId, RegistrationId)>,
}

#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Tracing>);

#[derive(Debug, Default)]
struct Tracing {
    instants: usize,
    executed: Vec<Executed>,
}

/// A batch that is being executed. It ends when this is dropped.
pub(super) struct UnderWay<'a> {
    trace: &'a Trace,
    number: usize,
}

impl Trace {
    pub(super) fn begin(&self, batch: &[EventCommand]) -> UnderWay<'_> {
        let mut tracing = self.tracing();
        let began = tracing.now();
        let batch = batch.to_vec();
        tracing.executed.push(Executed { began, ended: None, batch, decided: Vec::new() });
        UnderWay { trace: self, number: tracing.executed.len() - 1 }
    }

    pub(super) fn executed(&self) -> Vec<Executed> {
        self.tracing().executed.clone()
    }

    fn tracing(&self) -> MutexGuard<'_, Tracing> {
        self.0.lock().expect("no test panics here")
    }
}

impl Tracing {
    fn now(&mut self) -> usize {
        self.instants += 1;
        self.instants
    }
}

impl UnderWay<'_> {
    pub(super) fn decided(&self, commands: &[EventCommand]) {
        let decided = commands.iter().map(|item| (item.event_id, super::registration_of(item)));
        self.trace.tracing().executed[self.number].decided = decided.collect();
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut tracing = self.trace.tracing();
        let now = tracing.now();
        tracing.executed[self.number].ended = Some(now);
    }
}
