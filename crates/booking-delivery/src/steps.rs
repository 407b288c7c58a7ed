//! Writes workers' progress: what they have to write at the same time is written together, since each write costs
//! the store a transaction.

use crate::limits::{LANES_MAX, STEPS_AT_ONCE, STORE_PAUSE};
use booking_core::{SeatLane, StoreError};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::sleep;

/// Workers' pending writes, each waiting for its turn.
#[derive(Debug)]
pub(crate) struct Steps<S> {
    waiting: mpsc::Sender<Waiting<S>>,
    taken: Mutex<mpsc::Receiver<Waiting<S>>>,
}

#[derive(Debug)]
struct Waiting<S> {
    step: S,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

impl<S> Default for Steps<S> {
    fn default() -> Self {
        // Each lane and each mail has one worker, and each worker one step at a time.
        let (waiting, taken) = mpsc::channel(LANES_MAX);
        Self { waiting, taken: Mutex::new(taken) }
    }
}

impl<S: Clone> Steps<S> {
    /// Writes a step, with those of others. Returns whether its lease still held.
    ///
    /// # Errors
    /// The store's, for this step only: a failure of another's step does not fail it.
    pub(crate) async fn write(&self, step: S) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        // `self` owns the other end.
        let _ = self.waiting.send(Waiting { step, reply }).await;
        answer.await.map_err(StoreError::commit_unknown)?
    }

    /// Writes by `advance`, for as long as it is polled: one cell's steps in one transaction, and each cell by
    /// itself. A cell that does not answer delays no other. Then each waits so long for more.
    pub(crate) async fn write_all<A>(
        &self,
        pause: Duration,
        lane_of: impl Fn(&S) -> SeatLane,
        advance: impl Fn(Arc<[S]>) -> A,
    ) where
        A: Future<Output = Result<Vec<bool>, StoreError>>,
    {
        let mut taken = self.taken.lock().await;
        // What came while its cell's write was in progress: no more than there are workers.
        let mut cells: BTreeMap<SeatLane, Vec<Waiting<S>>> = BTreeMap::new();
        let (mut writing, mut busy) = (FuturesUnordered::new(), BTreeSet::new());
        let mut together = Vec::new();
        loop {
            tokio::select! {
                Some(cell) = writing.next() => {
                    busy.remove(&cell);
                }
                came = taken.recv_many(&mut together, STEPS_AT_ONCE) => {
                    if came == 0 {
                        return;
                    }
                    for waiting in together.drain(..) {
                        cells.entry(lane_of(&waiting.step)).or_default().push(waiting);
                    }
                }
            }
            for (cell, of_cell) in &mut cells {
                if busy.insert(*cell) {
                    let first = of_cell.len().min(STEPS_AT_ONCE);
                    let written = write_together(&advance, of_cell.drain(..first).collect());
                    let cell = *cell;
                    writing.push(async move {
                        written.await;
                        if !pause.is_zero() {
                            sleep(pause).await;
                        }
                        cell
                    });
                }
            }
            cells.retain(|_, of_cell| !of_cell.is_empty());
        }
    }
}

async fn write_together<S, A>(advance: impl Fn(Arc<[S]>) -> A, together: Vec<Waiting<S>>)
where
    S: Clone,
    A: Future<Output = Result<Vec<bool>, StoreError>>,
{
    let (steps, replies): (Vec<_>, Vec<_>) =
        together.into_iter().map(|one| (one.step, one.reply)).unzip();
    let steps: Arc<[S]> = steps.into();
    let written = match advance(Arc::clone(&steps)).await {
        Ok(written) => written.into_iter().map(Ok).collect(),
        Err(StoreError::Broken(_)) if steps.len() > 1 => one_by_one(&advance, &steps).await,
        Err(error) => {
            sleep(STORE_PAUSE).await;
            vec![Err(error); steps.len()]
        }
    };
    assert_eq!(written.len(), replies.len(), "an answer for each step");
    for (reply, written) in replies.into_iter().zip(written) {
        // The worker may be gone.
        let _ = reply.send(written);
    }
}

/// If the store refuses the joint write, each step is written alone to find the one that fails.
async fn one_by_one<S, A>(
    advance: impl Fn(Arc<[S]>) -> A,
    steps: &[S],
) -> Vec<Result<bool, StoreError>>
where
    S: Clone,
    A: Future<Output = Result<Vec<bool>, StoreError>>,
{
    let mut written = Vec::with_capacity(steps.len());
    for step in steps {
        let alone = advance(Arc::from([step.clone()])).await;
        written.push(alone.map(|stepped| stepped == [true]));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{EventId, LaneNext, LaneStep, LeaseId, SinkId, Version};
    use futures_util::future::{join, join_all, pending, ready};
    use std::cell::RefCell;
    use std::fmt::Error;
    use std::time::Instant;
    use uuid::Uuid;

    fn step(version: u64) -> LaneStep {
        LaneStep {
            event_id: Uuid::now_v7().into(),
            sink: SinkId::MAIL,
            lease: LeaseId::from(Uuid::now_v7()),
            version: Version::new(version),
            position: None,
            attempts: 0,
            deliveries: Vec::new(),
            mails: Vec::new(),
            next: LaneNext::Release,
        }
    }

    /// Writes steps of these versions by `advance`, and returns how many were written together each time.
    async fn write(
        versions: impl Iterator<Item = u64>,
        advance: impl Fn(&[LaneStep]) -> Result<Vec<bool>, StoreError>,
    ) -> (Vec<Result<bool, StoreError>>, Vec<usize>) {
        let (steps, together) = (Steps::default(), RefCell::new(Vec::new()));
        let answers = join_all(versions.map(|version| steps.write(step(version))));
        let one_cell = |_: &LaneStep| SeatLane::default();
        let written = steps.write_all(Duration::ZERO, one_cell, |steps| {
            together.borrow_mut().push(steps.len());
            ready(advance(&steps))
        });
        let answers = tokio::select! {
            biased;
            answers = answers => answers,
            () = written => panic!("it goes on for ever"),
        };
        (answers, together.into_inner())
    }

    #[tokio::test]
    async fn concurrent_steps_are_written_together() {
        let is_even = |steps: &[LaneStep]| {
            Ok(steps.iter().map(|step| step.version.get().is_multiple_of(2)).collect())
        };
        let many = STEPS_AT_ONCE as u64 + 3;
        let (answers, together) = write(1..=many, is_even).await;
        assert_eq!(together, [STEPS_AT_ONCE, 3]);
        for (answer, version) in answers.into_iter().zip(1..=many) {
            assert_eq!(answer.expect("it was written"), version.is_multiple_of(2));
        }
    }

    #[tokio::test]
    async fn a_step_that_cannot_be_written_fails_alone() {
        let all_but_two = |steps: &[LaneStep]| {
            if steps.iter().any(|step| step.version.get() == 2) {
                return Err(StoreError::broken(Error));
            }
            Ok(vec![true; steps.len()])
        };
        let (answers, together) = write(1..=3, all_but_two).await;
        assert_eq!(together, [3, 1, 1, 1]);
        let written: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(written, [true, false, true]);
    }

    #[tokio::test]
    async fn a_cell_that_does_not_answer_delays_no_other_cell() {
        let steps = Steps::default();
        let lane_of = |event: EventId| {
            let [.., byte] = event.as_uuid().into_bytes();
            SeatLane { node: 0, cell: byte.into() }
        };
        let of_cell = |version: u64, byte: u8| {
            let mut bytes = Uuid::now_v7().into_bytes();
            bytes[15] = byte;
            LaneStep { event_id: Uuid::from_bytes(bytes).into(), ..step(version) }
        };
        let written = steps.write_all(
            Duration::ZERO,
            |step: &LaneStep| lane_of(step.event_id),
            |steps| async move {
                match lane_of(steps[0].event_id).cell {
                    0 => pending().await,
                    // A failing cell pauses, and only that cell.
                    1 => Err(StoreError::unavailable(Error)),
                    _ => Ok(vec![true; steps.len()]),
                }
            },
        );
        let others = async {
            let away = join(steps.write(of_cell(1, 0)), steps.write(of_cell(2, 1)));
            let answered = async {
                for version in 3..9 {
                    assert!(steps.write(of_cell(version, 2)).await.expect("it was written"));
                }
            };
            tokio::select! {
                biased;
                _ = away => panic!("one of them never answers"),
                () = answered => {}
            }
        };
        let began = Instant::now();
        tokio::select! {
            () = others => {}
            () = written => panic!("it goes on for ever"),
        }
        assert!(began.elapsed() < STORE_PAUSE, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn an_unavailable_store_fails_every_step() {
        let (answers, together) = write(1..=3, |_| Err(StoreError::unavailable(Error))).await;
        assert_eq!(together, [3]);
        assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))));
    }
}
