//! A PostgreSQL server for tests.

use std::collections::HashSet;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::guard::{Guard, Guarded};
use crate::installation::{ClusterOptions, Installation};
use crate::port::free_port;
use crate::process;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const START_ATTEMPTS_MAX: usize = 5;

/// A running PostgreSQL server with a fresh data directory, on a unix socket and on a TCP port of 127.0.0.1, with
/// the superuser `postgres` that needs no password. It ends, and its directory is removed, when it is dropped or
/// this process ends.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) templates: Mutex<HashSet<String>>,
    pub(crate) databases_made: AtomicU64,
    installation: Installation,
    port: u16,
    postmaster: Mutex<Option<Child>>,
    // The last field to be dropped: it removes the directory.
    guard: Guard,
}

/// The one cluster that all tests of a process share, each with a database of its own. It is fast
/// rather than durable; tests that kill or freeze the server start their own.
#[must_use]
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() })
    })
}

impl Cluster {
    /// Makes a cluster and waits until it accepts connections, in about a second.
    ///
    /// # Panics
    ///
    /// If there is no PostgreSQL, or it does not start; with the end of its log.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write the options in place")]
    pub fn start(options: ClusterOptions) -> Self {
        Self::start_with(|installation| installation.initialise(&options))
    }

    /// Makes a standby of this cluster, which copies it and then follows it (streaming replication), and waits
    /// until it accepts connections. Promote it by `SELECT pg_promote()`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) does, or if this cluster does not let it copy.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write the options in place")]
    pub fn start_standby(&self, options: ClusterOptions) -> Self {
        Self::start_with(|installation| installation.copy(self.port, &options))
    }

    fn start_with(make: impl FnOnce(&Installation)) -> Self {
        let installation = Installation::plan();
        let mut cluster = Self {
            templates: Mutex::default(),
            databases_made: AtomicU64::new(0),
            port: 0,
            postmaster: Mutex::default(),
            guard: Guard::start(Guarded::Postgres, Some(&installation.directory)),
            installation,
        };
        make(&cluster.installation);
        // Another process may take the port between choosing and using it.
        for attempt in 1.. {
            cluster.port = free_port();
            cluster.installation.set_port(cluster.port);
            match cluster.try_start() {
                Ok(child) => {
                    *cluster.postmaster() = Some(child);
                    break;
                }
                Err(log) if attempt < START_ATTEMPTS_MAX && log.contains("could not bind") => {}
                Err(log) => panic!("PostgreSQL did not start:\n{log}"),
            }
        }
        cluster
    }

    /// The TCP port, the same for as long as the cluster lives.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster.
    ///
    /// # Panics
    ///
    /// If it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.postmaster().as_ref().expect("PostgreSQL runs").id()
    }

    /// The folder that holds the unix socket, and everything else of this cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.installation.directory
    }

    /// The TCP URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The unix socket URL of a database.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        // As a host name; only these characters can occur and would be misread.
        let folder =
            self.installation.directory.to_str().expect("the temporary folder's name is UTF-8");
        let folder = folder.replace('%', "%25").replace('/', "%2F").replace(' ', "%20");
        format!("postgresql://postgres@{folder}:{}/{database}", self.port)
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.installation.log()
    }

    /// Kills every process of the server at once, like a power cut, except that the operating system's memory
    /// survives. Committed data is there after [`restart`](Self::restart).
    pub fn kill9(&self) {
        let mut postmaster = self.postmaster();
        let Some(mut child) = postmaster.take() else { return };
        // Stopped first, so that it starts no more children while we list them.
        process::signal("STOP", &[i64::from(child.id())]);
        process::wait_until(STOP_LIMIT, || process::state(child.id()).is_none_or(|s| s == 'T'));
        let children = process::descendants(child.id());
        let mut targets = vec![i64::from(child.id())];
        targets.extend(children.iter().map(|&pid| i64::from(pid)));
        process::signal("KILL", &targets);
        let status = process::wait_for_exit(&mut child, STOP_LIMIT);
        let gone =
            || process::wait_until(STOP_LIMIT, || !children.iter().any(|&pid| process::runs(pid)));
        assert!(status.is_some() && gone(), "kill -9 left processes of PostgreSQL behind");
        self.guard.watch(0);
        self.installation.clean_up_killed_postmaster();
    }

    /// Starts the server again, on the same port and the same data; one that still runs is shut
    /// down first.
    ///
    /// # Panics
    ///
    /// If it does not start; with the end of its log.
    pub fn restart(&self) {
        self.stop();
        for attempt in 1.. {
            match self.try_start() {
                Ok(child) => {
                    *self.postmaster() = Some(child);
                    return;
                }
                Err(log) if attempt < START_ATTEMPTS_MAX && log.contains("could not bind") => {
                    thread::sleep(Duration::from_secs(1));
                }
                Err(log) => panic!("PostgreSQL did not start again:\n{log}"),
            }
        }
    }

    /// Shuts the server down in good order ("fast": open transactions are rolled back).
    pub fn stop(&self) {
        self.resume();
        self.shut_down("INT");
    }

    /// Freezes every process of the server: connections stay open, and nothing answers.
    pub fn pause(&self) {
        let postmaster = i64::from(self.pid());
        process::signal("STOP", &[postmaster]);
        process::wait_until(STOP_LIMIT, || process::state(self.pid()) == Some('T'));
        process::signal("STOP", &self.children());
    }

    /// Resumes the server after [`pause`](Self::pause).
    pub fn resume(&self) {
        if self.postmaster().is_some() {
            process::signal("CONT", &self.children());
            process::signal("CONT", &[i64::from(self.pid())]);
        }
    }

    fn postmaster(&self) -> MutexGuard<'_, Option<Child>> {
        // A test that panicked while it killed the server must not hide the server from the guard.
        self.postmaster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn children(&self) -> Vec<i64> {
        process::descendants(self.pid()).into_iter().map(i64::from).collect()
    }

    fn shut_down(&self, signal: &str) {
        let mut postmaster = self.postmaster();
        let Some(child) = postmaster.as_mut() else { return };
        process::signal(signal, &[i64::from(child.id())]);
        if process::wait_for_exit(child, STOP_LIMIT).is_some() {
            *postmaster = None;
            self.guard.watch(0);
        } else {
            drop(postmaster);
            self.kill9();
        }
    }

    /// Starts the server and waits until it is ready; else the end of its log.
    fn try_start(&self) -> Result<Child, String> {
        let logged_before = self.log().len();
        let mut child = self.installation.launch();
        self.guard.watch(i64::from(child.id()));
        let mut exited = false;
        let ready = process::wait_until(START_LIMIT, || {
            exited = child.try_wait().is_ok_and(|status| status.is_some());
            exited || self.installation.is_ready(child.id())
        });
        if ready && !exited {
            return Ok(child);
        }
        *self.postmaster() = (!exited).then_some(child);
        self.kill9();
        self.guard.watch(0);
        Err(self.log().get(logged_before..).unwrap_or_default().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.resume();
        // "Immediate": its data is no longer needed.
        self.shut_down("QUIT");
    }
}
