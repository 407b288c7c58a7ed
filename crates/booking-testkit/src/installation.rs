//! The files and programs of one cluster.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, process as own};

use crate::binaries::PgBinaries;
use crate::process::{self, Account};

/// How to set up a [`Cluster`](crate::Cluster).
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Lines for `postgresql.conf`; a later line overrides an earlier one, and ours.
    pub settings: Vec<String>,
    /// Whether a commit is safe on the disk before it is acknowledged (`fsync`), as in production. Without it
    /// everything is faster, and nothing that these tests could notice is lost: acknowledged commits still survive
    /// the death of every process, only not of the machine.
    pub durable: bool,
    /// Certificate and private key in PEM; with them the server also speaks TLS.
    pub tls: Option<(String, String)>,
    /// Lines for `pg_hba.conf` instead of trusting every user of this machine. The user `postgres` on the unix
    /// socket is always accepted.
    pub access: Option<Vec<String>>,
}

impl Default for ClusterOptions {
    /// Durable, plain text, and every user of this machine is trusted.
    fn default() -> Self {
        Self { settings: Vec::new(), durable: true, tls: None, access: None }
    }
}

/// A directory with a cluster in it, whether or not its server runs.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) directory: PathBuf,
    binaries: PgBinaries,
    account: Option<Account>,
}

impl Installation {
    /// Plans everything and creates nothing yet, so that a guard can be set first.
    pub(crate) fn plan() -> Self {
        let name = format!("booking-pg-{}-{:08x}", own::id(), RandomState::new().hash_one(0) >> 32);
        Self {
            directory: env::temp_dir().join(name),
            binaries: PgBinaries::find(),
            account: process::unprivileged_account(),
        }
    }

    /// Makes the directory and a copy of a running cluster in it, which follows that one.
    pub(crate) fn copy(&self, primary_port: u16, options: &ClusterOptions) {
        self.make_directory();
        let program = self.binaries.postgres.with_file_name("pg_basebackup");
        let output = self
            .command(&program)
            .args([
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
                "--username=postgres",
            ])
            .args(["--host=127.0.0.1", &format!("--port={primary_port}"), "--pgdata"])
            .arg(self.data())
            .output()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pg_basebackup failed ({}):\n{printed}", output.status);
        self.configure(options);
    }

    /// Makes the directory and an empty cluster in it.
    pub(crate) fn initialise(&self, options: &ClusterOptions) {
        self.make_directory();
        let output = self
            .command(&self.binaries.initdb)
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(self.data())
            .output()
            .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", self.binaries.initdb));
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed ({}):\n{printed}", output.status);
        self.configure(options);
    }

    fn make_directory(&self) {
        DirBuilder::new()
            .mode(0o700)
            .create(&self.directory)
            .expect("the folder for temporary files can be written to");
        self.give(&self.directory);
    }

    fn configure(&self, options: &ClusterOptions) {
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            self.directory.display()
        );
        if !options.durable {
            settings.push_str("fsync = off\nfull_page_writes = off\n");
        }
        if let Some((certificate, key)) = &options.tls {
            self.write("server.crt", certificate);
            self.write("server.key", key);
            settings.push_str("ssl = on\n");
        }
        for line in &options.settings {
            settings.push_str(line);
            settings.push('\n');
        }
        self.append("postgresql.conf", &settings);
        if let Some(lines) = &options.access {
            let lines = lines.join("\n");
            self.write("pg_hba.conf", &format!("local all postgres trust\n{lines}\n"));
        }
    }

    /// Starts the server; it is ready some time later.
    pub(crate) fn launch(&self) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))
            .expect("the log can be written to");
        self.command(&self.binaries.postgres)
            .arg("-D")
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", self.binaries.postgres))
    }

    pub(crate) fn set_port(&self, port: u16) {
        self.append("postgresql.conf", &format!("port = {port}\n"));
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// PostgreSQL writes its state to the last line of this file, for programs like us.
    pub(crate) fn is_ready(&self, pid: u32) -> bool {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        lines.next().is_some_and(|line| line == pid.to_string())
            && lines.next_back().is_some_and(|line| line.trim_end() == "ready")
    }

    /// Cleans up after a killed postmaster: its id may soon be another process's, which would keep the next one
    /// from starting, and its System V memory stays until it is removed.
    pub(crate) fn clean_up_killed_postmaster(&self) {
        let path = self.data().join("postmaster.pid");
        let file = fs::read_to_string(&path).unwrap_or_default();
        if let Some(segment) = file.lines().nth(6).and_then(|ids| ids.split_whitespace().nth(1)) {
            // If it is missing, the next postmaster takes the segment over.
            let _ = Command::new("ipcrm")
                .args(["-m", segment])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
        let _ = fs::remove_file(path);
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// A PostgreSQL program, as a user that it accepts, out of reach of Ctrl-C.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory).stdin(Stdio::null()).process_group(0);
        // These variables would change what the programs do.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        {
            command.env_remove(name);
        }
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    fn append(&self, file: &str, text: &str) {
        let path = self.data().join(file);
        let mut file = File::options().append(true).open(path).expect("initdb made this file");
        file.write_all(text.as_bytes()).expect("a temporary file can be written to");
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.data().join(file);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .expect("a file can be made in the data directory");
        file.write_all(text.as_bytes()).expect("a temporary file can be written to");
        self.give(&path);
    }

    fn give(&self, path: &Path) {
        if let Some(account) = self.account {
            chown(path, Some(account.uid), Some(account.gid)).expect("root gives away its files");
        }
    }
}
