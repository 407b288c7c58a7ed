//! Reverse proxies, as they are installed.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, process as own};

use crate::binaries::find_program;
use crate::guard::{Guard, Guarded};
use crate::output::Output;
use crate::port::free_port;
use crate::process;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// The tries to start: another process may take a free port before the proxy listens.
const STARTS_MAX: usize = 3;

/// Folders of Debian and Homebrew that are not on an ordinary user's `PATH`.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];

/// A running HAProxy or nginx. It ends, and its files are removed, when this is dropped or this process ends.
#[derive(Debug)]
pub struct ProxyProcess {
    child: Child,
    port: u16,
    stderr: Output,
    // Dropped last: it removes the directory.
    guard: Guard,
}

impl ProxyProcess {
    /// Starts HAProxy, found by the variable `HAPROXY` or in its usual places, with the configuration in `file`,
    /// which gets these variables, and in `bind` the address and port to listen on.
    ///
    /// # Panics
    ///
    /// If there is none, or it does not start; with what it printed.
    #[must_use]
    #[track_caller]
    pub fn haproxy(file: &Path, bind: &str, variables: &[(&str, String)]) -> Self {
        let program = find_proxy("HAPROXY", "haproxy");
        Self::start(|_, port| {
            let mut command = Command::new(&program);
            command
                .arg("-db")
                .arg("-f")
                .arg(file)
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .env(bind, format!("127.0.0.1:{port}"));
            command
        })
    }

    /// Starts nginx, found by the variable `NGINX` or in its usual places, with these directives for all requests.
    ///
    /// # Panics
    ///
    /// As [`haproxy`](Self::haproxy) does.
    #[must_use]
    #[track_caller]
    pub fn nginx(directives: &str) -> Self {
        let program = find_proxy("NGINX", "nginx");
        Self::start(|directory, port| {
            let file = directory.join("nginx.conf");
            fs::write(&file, nginx_configuration(directory, port, directives))
                .expect("a folder of ours can be written to");
            let mut command = Command::new(&program);
            command.arg("-p").arg(directory).arg("-c").arg(&file);
            command
        })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    #[track_caller]
    fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            let directory = make_directory();
            let port = free_port();
            let mut proxy = Self::spawn(command(&directory, port), &directory, port);
            if proxy.accepts() {
                return proxy;
            }
            said.push_str(&proxy.stderr.text());
        }
        panic!("the proxy did not start:\n{said}");
    }

    fn spawn(mut command: Command, directory: &Path, port: u16) -> Self {
        let guard = Guard::start(Guarded::Process, Some(directory));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        guard.watch(-i64::from(child.id()));
        let stderr = Output::collect(child.stderr.take().expect("it is piped"));
        Self { child, port, stderr, guard }
    }

    /// Waits until it accepts connections; false if it ends, or takes too long.
    fn accepts(&mut self) -> bool {
        let (child, port) = (&mut self.child, self.port);
        let mut has_ended = false;
        let settled = process::wait_until(START_LIMIT, || {
            has_ended = child.try_wait().expect("a child of ours can be waited for").is_some();
            has_ended || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        settled && !has_ended
    }
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        process::signal("KILL", &[-i64::from(self.child.id())]);
        let _ = process::wait_for_exit(&mut self.child, STOP_LIMIT);
        self.guard.watch(0);
    }
}

#[track_caller]
fn find_proxy(variable: &str, name: &str) -> PathBuf {
    let elsewhere =
        || FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|file| file.is_file());
    find_program(variable, &[name]).or_else(elsewhere).unwrap_or_else(|| {
        panic!(
            "no `{name}` on the PATH: install it (on Debian it is called so), or name it in \
             {variable}; scripts/test.sh installs it where it may"
        )
    })
}

/// Its own, with an unpredictable name.
fn make_directory() -> PathBuf {
    let name = format!("booking-proxy-{}-{:08x}", own::id(), RandomState::new().hash_one(0) >> 32);
    let directory = env::temp_dir().join(name);
    DirBuilder::new()
        .mode(0o700)
        .create(&directory)
        .expect("the folder for temporary files can be written to");
    directory
}

/// One process, in the foreground, with all files in `directory`.
fn nginx_configuration(directory: &Path, port: u16, directives: &str) -> String {
    let directory = directory.display();
    let mut folders = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        folders.push_str(&format!("    {kind}_temp_path {directory}/{kind};\n"));
    }
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid {directory}/nginx.pid;\n\
         error_log stderr;\n\
         events {{ }}\n\
         http {{\n    access_log off;\n{folders}    \
         server {{\n        listen 127.0.0.1:{port};\n        \
         location / {{\n{directives}\n        }}\n    }}\n}}\n"
    )
}
