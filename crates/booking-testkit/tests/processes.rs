//! Programs that are started, stopped and killed.

mod common;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;

use booking_testkit::{ChromeDriver, ServerProcess, free_port};

use common::eventually;

/// Behaves like the server, as far as a helper can see.
const SERVER: &str = r#"
echo "starting" >&2
trap 'echo "bye"; exit 7' TERM
echo "${GREETING}"
echo "listening on http://127.0.0.1:${PORT}1"
while :; do sleep 0.05; done
"#;

fn run(script: &str, variables: &[(&str, String)]) -> ServerProcess {
    ServerProcess::start_with_arguments(Path::new("sh"), &["-c", script], variables)
}

#[test]
fn a_server_prints_its_address_and_shuts_down_cleanly() {
    let mut server =
        run(SERVER, &[("PORT", free_port().to_string()), ("GREETING", "hello".to_owned())]);
    assert!(server.url().starts_with("http://127.0.0.1:"), "{}", server.url());
    assert_eq!(server.wait(Duration::ZERO), None);
    let status = server.terminate();
    assert_eq!(status.code(), Some(7));
    let stdout = server.stdout();
    assert!(stdout.starts_with("hello\n") && stdout.ends_with("\nbye\n"), "{stdout}");
    assert_eq!(server.stderr(), "starting\n");
    // A second kill does nothing, and no signal goes to another process with that id.
    server.kill9();
    assert_eq!(server.terminate().code(), Some(7));
}

#[test]
fn a_server_is_killed_on_request_and_when_dropped() {
    let mut server = run(SERVER, &[]);
    assert_eq!(server.url(), "http://127.0.0.1:01", "it is given PORT=0");
    server.pause();
    server.kill9();
    assert_eq!(server.wait(Duration::ZERO).and_then(|status| status.code()), None);

    let server = run(SERVER, &[]);
    let pid = server.pid();
    drop(server);
    assert!(!runs(pid));
}

#[test]
fn a_server_that_does_not_start_fails_with_what_it_printed() {
    let panic =
        catch_unwind(|| run("echo 'port taken' >&2; exit 3", &[])).expect_err("it does not run");
    let message = panic.downcast_ref::<String>().expect("it has a message");
    assert!(message.contains("port taken") && message.contains('3'), "{message}");
}

#[test]
fn a_driver_starts_a_browser_and_cleans_up_after_it() {
    let driver = ChromeDriver::start();
    let directory = driver.directory().to_owned();
    let arguments: Vec<_> = driver.browser_arguments().iter().map(|a| format!("{a:?}")).collect();
    let browser = driver.browser().expect("there is a browser where there is a driver");
    let body = format!(
        r#"{{"capabilities":{{"alwaysMatch":{{"goog:chromeOptions":{{"binary":{browser:?},"args":[{}]}}}}}}}}"#,
        arguments.join(",")
    );
    let answer = post(driver.url(), "/session", &body);
    assert!(answer.contains("200 OK") && answer.contains("sessionId"), "{answer}");
    assert!(mentioned(&directory) > 1, "the driver's browser runs in its folder");

    drop(driver);
    assert!(!directory.exists());
    assert!(eventually(|| mentioned(&directory) == 0), "a browser is left");
}

#[test]
fn a_killed_test_process_leaves_nothing_running() {
    let mut child = common::start_child("the_child_that_gets_killed", "yes");
    let announced = child.wait_for("runs ");
    child.kill();
    let (pid, directory) = announced.split_once(' ').expect("two words");
    let pid: u32 = pid.parse().expect("a number");
    assert!(eventually(|| !runs(pid)), "the server is left");
    assert!(eventually(|| !Path::new(directory).exists()), "{directory} is left");
    assert!(eventually(|| mentioned(Path::new(directory)) == 0), "the driver is left");
}

/// Not a test by itself: the process that the test above kills.
#[test]
fn the_child_that_gets_killed() {
    if common::child_role().is_none() {
        return;
    }
    let server = run(SERVER, &[]);
    let driver = ChromeDriver::start();
    println!("runs {} {}", server.pid(), driver.directory().display());
    std::thread::sleep(Duration::from_mins(1));
}

fn post(url: &str, path: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").expect("it is a URL");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("it reads");
    // The driver keeps the connection open in any case.
    let mut answer = Vec::new();
    let mut read = [0; 4096];
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("it is not zero");
    while !answer.ends_with(b"}}") {
        let count = match stream.read(&mut read) {
            // A signal ends a read that has a time limit, as when a browser ends.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            count => count.expect("it answers in time"),
        };
        assert_ne!(count, 0, "it closed: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&read[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// How many processes have this folder in their command line or environment.
fn mentioned(directory: &Path) -> usize {
    let name = directory.file_name().expect("it has a name").to_string_lossy().into_owned();
    let processes = std::process::Command::new("sh")
        .arg("-c")
        .arg("for p in /proc/[0-9]*; do cat $p/cmdline $p/environ 2>/dev/null | tr '\\0\\n' '  '; echo; done")
        .output()
        .expect("there is a shell");
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    processes.lines().filter(|line| line.contains(&*name)).count()
}

fn runs(pid: u32) -> bool {
    std::process::Command::new("sh")
        .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
        .status()
        .is_ok_and(|status| status.success())
}
