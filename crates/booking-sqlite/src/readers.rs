use crate::connection::open_reader;
use crate::errors::Failure;
use crate::files::Files;
use booking_core::{Connections, StoreError};
use rusqlite::Connection;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many connections read at once, if the options do not say otherwise.
pub const READERS_DEFAULT: NonZeroU8 = NonZeroU8::new(4).expect("4 is not 0");

/// How long a caller waits for one of them.
pub const READER_WAIT_MAX: Duration = Duration::from_secs(5);

/// A few connections that only read, each lent to one caller at a time and opened when first needed.
pub(crate) struct Readers {
    max: usize,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    idle: Arc<Idle>,
}

struct Idle {
    path: PathBuf,
    files: Arc<Files>,
    connections: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, files: Arc<Files>, readers: NonZeroU8) -> Self {
        let idle = Idle { path, files, connections: Mutex::default() };
        let max = readers.get().into();
        Self {
            max,
            permits: Arc::new(Semaphore::new(max)),
            waiting: AtomicUsize::new(0),
            idle: Arc::new(idle),
        }
    }

    /// Their current use.
    pub(crate) fn connections(&self) -> Connections {
        let open = self.idle.connections.lock().unwrap_or_else(PoisonError::into_inner).len();
        let used = self.max - self.permits.available_permits();
        // A caller that is lent one has its permit already, and takes one of the idle ones next.
        let idle = open.min(self.max - used);
        let waiting = self.waiting.load(Ordering::Relaxed);
        Connections { max: self.max, open: used + idle, idle, waiting }
    }

    /// Runs `query` on a thread where it may block. Each of its statements sees everything that was
    /// acknowledged before this was called.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waits = Waits::on(&self.waiting);
        let permit =
            tokio::time::timeout(READER_WAIT_MAX, Arc::clone(&self.permits).acquire_owned())
                .await
                .map_err(|_| Failure::ReaderWait(READER_WAIT_MAX))?
                .expect("nobody closes the semaphore");
        drop(waits);
        let idle = Arc::clone(&self.idle);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = idle.lend(query);
            // Here and not in the caller, which may have given up: the connection is free only now.
            drop(permit);
            answer
        });
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(gone(&error).into()),
        }
    }
}

/// Counts a caller that waits for a connection, for as long as it does.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn on(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Idle {
    fn lend<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        // Data of a file that is open and no longer in its place must not be shown: nobody can write it.
        self.files.check()?;
        let idle = self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(Failure::Open)?,
        };
        let answer = query(&connection);
        // A connection whose query failed or panicked is not used again.
        if answer.is_ok() {
            self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        answer
    }
}

fn gone(error: &tokio::task::JoinError) -> Failure {
    if error.is_panic() { Failure::Panicked(error.to_string()) } else { Failure::ReaderGone }
}
