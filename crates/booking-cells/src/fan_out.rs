//! Fan-out: one request to several cells at once.

use crate::cell::Cell;
use crate::store::Cells;
use booking_core::{BookingStore, CellName, PageLimit, StoreError};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// The longest wait for a cell in a fan-out whose result a caller waits for.
pub const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// The same for a cell that did not answer the last request: the answers of the others wait no longer. It is asked all
/// the same, so that it is waited for again once it answers.
pub const SILENT_WAIT: Duration = Duration::from_millis(10);

/// The same for a health check, whose caller waits no longer than [`ANSWER_WAIT`] in total.
pub const HEALTH_WAIT: Duration = Duration::from_millis(1_500);

/// How long a fan-out waits for its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// For [`HEALTH_WAIT`].
    Health,
    /// For [`ANSWER_WAIT`].
    Short,
    /// For those that answered the last call as long as they take, for others [`SILENT_WAIT`].
    UnlessSilent,
    /// For as long as they take, whether they answered the last time or not: whatever they do has to be known.
    Unlimited,
}

impl Deadline {
    fn until(self, begun: Instant, answers: bool) -> Option<Instant> {
        match (self, answers) {
            (Self::Unlimited, _) => None,
            (_, false) => Some(begun + SILENT_WAIT),
            (Self::Health, true) => Some(begun + HEALTH_WAIT),
            (Self::Short, true) => Some(begun + ANSWER_WAIT),
            (Self::UnlessSilent, true) => None,
        }
    }
}

/// A request to a cell, which runs when it is polled.
pub(crate) type Request<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Items spread over several cells: for each cell, the positions of its items in the whole list.
pub(crate) type Parts = BTreeMap<usize, Vec<usize>>;

/// Groups items by cell; `cells` has the cell of each item.
pub(crate) fn parts_of(cells: impl IntoIterator<Item = usize>) -> Parts {
    let mut parts = Parts::new();
    for (place, at) in cells.into_iter().enumerate() {
        parts.entry(at).or_default().push(place);
    }
    parts
}

/// The items of one cell's part.
pub(crate) fn part_of<T: Clone>(all: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|place| all[*place].clone()).collect()
}

/// The cells' answers to their parts, each with its position in the whole list.
pub(crate) fn in_place<T>(
    parts: &Parts,
    answers: impl IntoIterator<Item = (usize, Vec<T>)>,
) -> impl Iterator<Item = (usize, T)> {
    answers.into_iter().flat_map(|(at, answer)| {
        assert_eq!(answer.len(), parts[&at].len(), "an answer for each");
        parts[&at].iter().copied().zip(answer)
    })
}

/// What cells answered, in their order.
#[derive(Debug)]
pub(crate) struct FanOutResults<T> {
    pub(crate) answers: Vec<(usize, T)>,
    pub(crate) failures: Vec<(usize, StoreError)>,
}

impl<T> FanOutResults<T> {
    fn take(&mut self, at: usize, answer: Result<T, StoreError>) {
        match answer {
            Ok(answer) => self.answers.push((at, answer)),
            Err(error) => self.failures.push((at, error)),
        }
    }

    /// The answers of the cells that answered; an error if none did.
    pub(crate) fn any(mut self) -> Result<Vec<(usize, T)>, StoreError> {
        match self.answers.is_empty() && !self.failures.is_empty() {
            true => Err(self.failures.swap_remove(0).1),
            false => Ok(self.answers),
        }
    }

    /// The answers of all cells; an error if one did not answer.
    pub(crate) fn all(mut self) -> Result<Vec<(usize, T)>, StoreError> {
        match self.failures.is_empty() {
            true => Ok(self.answers),
            false => Err(self.failures.swap_remove(0).1),
        }
    }
}

impl Cells {
    /// Asks each cell the same.
    pub(crate) async fn ask_all<T, R>(
        &self,
        deadline: Deadline,
        ask: impl Fn(Arc<dyn BookingStore>) -> R,
    ) -> FanOutResults<T>
    where
        T: Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let requests = self.cells.iter().map(|cell| request_to(cell, &ask)).enumerate().collect();
        // Nothing that it captures is held while the cells are waited for.
        drop(ask);
        self.fan_out(deadline, requests).await
    }

    /// While a change is under way, asks the target cell after the source cell, and takes that answer: what had left
    /// the source when it was asked is in the target.
    pub(crate) async fn ask_target_again<T, R>(
        &self,
        results: &mut FanOutResults<T>,
        ask: impl Fn(Arc<dyn BookingStore>) -> R,
    ) where
        T: Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let Some(to) = self.change.as_ref().map(|change| self.cell_of_byte(change.bytes.first))
        else {
            return;
        };
        let Some(asked) = results.answers.iter().position(|(at, _)| *at == to) else { return };
        let again =
            self.fan_out(Deadline::Short, vec![(to, request_to(&self.cells[to], &ask))]).await;
        results.answers.remove(asked);
        results.answers.extend(again.answers);
        results.failures.extend(again.failures);
        results.answers.sort_by_key(|(at, _)| *at);
    }

    /// Asks each cell about its part of the whole list.
    pub(crate) async fn ask_parts<I, T, R>(
        &self,
        deadline: Deadline,
        all: &[I],
        parts: &Parts,
        ask: impl Fn(Arc<dyn BookingStore>, Vec<I>) -> R,
    ) -> FanOutResults<T>
    where
        I: Clone,
        T: Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let requests = parts.iter().map(|(at, places)| {
            let store = Arc::clone(&self.cells[*at].store);
            let request: Request<T> = Box::pin(ask(store, part_of(all, places)));
            (*at, request)
        });
        let requests = requests.collect();
        // As in `ask_all`.
        drop(ask);
        self.fan_out(deadline, requests).await
    }

    /// Sends some cells a request each. Each runs in a task of its own, which goes on after the wait for it has ended.
    pub(crate) async fn fan_out<T: Send + 'static>(
        &self,
        deadline: Deadline,
        requests: Vec<(usize, Request<T>)>,
    ) -> FanOutResults<T> {
        let begun = Instant::now();
        let is_alone = requests.len() == 1;
        let mut results = FanOutResults { answers: Vec::new(), failures: Vec::new() };
        let mut under_way = Vec::with_capacity(requests.len());
        for (at, request) in requests {
            let cell = &self.cells[at];
            if is_alone {
                // No other answer waits for this one.
                results.take(at, cell.note(request.await));
                continue;
            }
            match cell.begin_request() {
                None => results.take(at, Err(cell.not_asked())),
                Some(asked) => {
                    let answers = cell.answers();
                    let task = tokio::spawn(async move { asked.cell().note(request.await) });
                    under_way.push((at, answers, task));
                }
            }
        }
        // Those that are waited for longest come first.
        under_way.sort_by_key(|(_, answers, _)| !answers);
        for (at, answers, task) in under_way {
            let answer = self.cells[at].wait_for(task, deadline.until(begun, answers)).await;
            results.take(at, answer);
        }
        results.answers.sort_by_key(|(at, _)| *at);
        results.failures.sort_by_key(|(at, _)| *at);
        results
    }

    /// Has the cells do up to `limit` of something in total, one after the other, beginning with a different one each
    /// time; returns how much. A cell's failure is an error only if nothing else was done.
    pub(crate) async fn one_by_one<R>(
        &self,
        limit: PageLimit,
        ask: impl Fn(Arc<dyn BookingStore>, PageLimit) -> R,
    ) -> Result<u64, StoreError>
    where
        R: Future<Output = Result<u64, StoreError>>,
    {
        let (mut done, mut failed) = (0, None);
        for cell in self.cells_in_turn() {
            let Some(limit) = left_of(limit, done) else { break };
            let answer = match cell.answers() || self.cells.len() == 1 {
                true => cell.note(ask(Arc::clone(&cell.store), limit).await),
                false => Err(cell.not_asked()),
            };
            match answer {
                Ok(more) => done += more,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if done == 0 => Err(error),
            _ => Ok(done),
        }
    }

    /// All cells, beginning with a different one each time, so that none is always the last.
    pub(crate) fn cells_in_turn(&self) -> impl Iterator<Item = &Arc<Cell>> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.cells.len();
        self.cells[first..].iter().chain(&self.cells[..first])
    }

    /// The names of the cells that failed.
    pub(crate) fn names_of(&self, failures: &[(usize, StoreError)]) -> Vec<CellName> {
        failures.iter().map(|(at, _)| self.cells[*at].name.clone()).collect()
    }
}

/// What is left of `limit` after `done`; `None` if nothing is.
pub(crate) fn left_of(limit: PageLimit, done: u64) -> Option<PageLimit> {
    let left = (limit.get() as u64).saturating_sub(done);
    u32::try_from(left).ok().and_then(|left| PageLimit::parse(left).ok())
}

fn request_to<T, R>(cell: &Cell, ask: &impl Fn(Arc<dyn BookingStore>) -> R) -> Request<T>
where
    R: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    Box::pin(ask(Arc::clone(&cell.store)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{CellMap, CellSpec};
    use crate::{CellStore, SILENT_ASKED_MAX};
    use booking_conformance::MemoryStore;
    use booking_core::UpkeepStore;
    use std::future::pending;
    use std::io::Error;
    use tokio::time::sleep;

    fn three() -> CellStore {
        let spec = |(name, first, last): (&str, u8, u8)| {
            let (schema, node) = (name.to_owned(), "a".to_owned());
            let name = CellName::parse(name).expect("a valid name");
            CellSpec { name, node, schema, first, last }
        };
        let cells = [("x", 0, 1), ("y", 2, 3), ("z", 4, 255)].map(spec);
        let map = CellMap::new(1, vec!["a".to_owned()], cells.into()).expect("it is one");
        let stores = (0..3).map(|_| Arc::new(MemoryStore::default()) as Arc<dyn BookingStore>);
        CellStore::new(&map, stores.collect())
    }

    /// What each cell does: it answers, fails, or stays silent.
    fn requests(of: [Option<bool>; 3]) -> Vec<(usize, Request<usize>)> {
        let request = |(at, does): (usize, Option<bool>)| {
            let request: Request<usize> = Box::pin(async move {
                match does {
                    Some(true) => Ok(at),
                    Some(false) => Err(StoreError::unavailable(Error::other("on purpose"))),
                    None => pending().await,
                }
            });
            (at, request)
        };
        of.into_iter().enumerate().map(request).collect()
    }

    const WELL: [Option<bool>; 3] = [Some(true); 3];

    fn up(store: &CellStore) -> Vec<bool> {
        store.cells().iter().map(|cell| cell.is_up).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_cell_is_waited_for_once() {
        let store = three();
        let silent = [Some(true), None, Some(true)];
        let waits = [
            (Deadline::Health, HEALTH_WAIT),
            (Deadline::Short, SILENT_WAIT),
            (Deadline::UnlessSilent, SILENT_WAIT),
        ];
        for (deadline, waits) in waits {
            let begun = Instant::now();
            let results = store.now().fan_out(deadline, requests(silent)).await;
            assert_eq!(results.answers, [(0, 0), (2, 2)]);
            assert_eq!(store.now().names_of(&results.failures)[0].as_str(), "y");
            assert!(begun.elapsed() <= waits + Duration::from_millis(5), "{:?}", begun.elapsed());
            assert_eq!(up(&store), [true, false, true]);
        }
        // It is asked all the same, and so is found to be back.
        let results = store.now().fan_out(Deadline::Short, requests(WELL)).await;
        assert_eq!(results.answers, [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(up(&store), [true; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn few_calls_wait_for_a_silent_cell() {
        let store = three();
        let silent = [Some(true), None, Some(true)];
        for _ in 0..3 * SILENT_ASKED_MAX {
            store
                .now()
                .fan_out(Deadline::Short, requests(silent))
                .await
                .any()
                .expect("some answer");
        }
        let results = store.now().fan_out(Deadline::Short, requests(WELL)).await;
        assert_eq!(results.answers, [(0, 0), (2, 2)], "those that wait are enough");
    }

    /// What is written meanwhile must not be reported as undone.
    #[tokio::test(start_paused = true)]
    async fn a_write_waits_for_a_silent_cell() {
        let store = three();
        store
            .now()
            .fan_out(Deadline::Short, requests([Some(true), None, Some(true)]))
            .await
            .any()
            .expect("some");
        assert_eq!(up(&store), [true, false, true]);
        let slowly = |at: usize| {
            let request: Request<usize> = Box::pin(async move {
                // The silent one is the last, too.
                sleep(if at == 1 { 4 } else { 2 } * ANSWER_WAIT).await;
                Ok(at)
            });
            (at, request)
        };
        let results =
            store.now().fan_out(Deadline::UnlessSilent, (0..3).map(slowly).collect()).await;
        assert_eq!(results.answers, [(0, 0), (2, 2)], "the control");
        let results = store.now().fan_out(Deadline::Unlimited, (0..3).map(slowly).collect()).await;
        assert_eq!(results.answers, [(0, 0), (1, 1), (2, 2)]);
    }

    #[tokio::test]
    async fn failures_do_not_count_as_answers() {
        let store = three();
        let fan_out = async |of| store.now().fan_out(Deadline::UnlessSilent, requests(of)).await;
        let one_fails = [Some(true), Some(true), Some(false)];
        assert_eq!(fan_out(one_fails).await.any().expect("some answer").len(), 2);
        assert_eq!(up(&store), [true, true, false]);
        assert!(fan_out(one_fails).await.all().is_err());
        assert!(fan_out([Some(false); 3]).await.any().is_err(), "none answers");
        assert_eq!(fan_out(WELL).await.all().expect("all answer").len(), 3);
    }

    #[tokio::test]
    async fn one_by_one_does_no_more_than_the_limit() {
        let store = three();
        let limit = |limit| PageLimit::parse(limit).expect("a valid limit");
        // Each could do five.
        for (asked, expected) in [(3, 3), (5, 5), (7, 7), (100, 15)] {
            let now = store.now();
            let done = now
                .one_by_one(limit(asked), |_, limit| async move { Ok(limit.get().min(5) as u64) });
            assert_eq!(done.await.expect("all answer"), expected, "{asked}");
        }
    }
}
