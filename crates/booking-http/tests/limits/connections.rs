//! Connections: how much server memory one may use, how many a client may have, and how all of them end with the
//! server.

use crate::common::http::{connect, read_some};
use crate::common::{App, Data, PROGRAM};
use booking_testkit::ServerProcess;
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Bytes that one client sent which cost the server 27 MB: as much as a connection may have unread.
const PIPELINED_BYTES: usize = 131_072;
const CONNECTIONS: usize = 100;
const MIB: u64 = 1_024 * 1_024;
/// For everything that has to happen on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// The memory of a process in bytes, and its CPU time.
fn usage(pid: u32) -> (u64, Duration) {
    let read = |file: &str| {
        std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the process is there")
    };
    let status = read("status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let stat = read("stat");
    // Fields 14 and 15 (proc(5)); the name before them may hold spaces.
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: u64 =
        fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    (kib.expect("it has memory") * 1_024, Duration::from_millis(ticks * 10))
}

/// A client for which the kernel buffers few answers, so that the server's writes soon block.
fn connect_narrow(url: &str) -> TcpStream {
    let address: SocketAddr =
        url.strip_prefix("http://").and_then(|rest| rest.parse().ok()).expect("an address");
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 * 1_024).expect("it can be set");
    socket.connect(&address.into()).expect("the server accepts");
    socket.into()
}

/// Sends as much as the server reads; the rest waits in the kernel.
fn send_what_is_taken(stream: &TcpStream, bytes: &[u8]) {
    stream.set_nonblocking(true).expect("it can be set");
    let mut stream = stream;
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("the server ended the connection: {error}"),
        }
    }
    stream.set_nonblocking(false).expect("it can be set");
}

/// However much a client sends at once, and whether or not it reads the answers: it takes little memory, and
/// no time while it waits for nothing but that client.
#[test]
fn pipelining_takes_neither_memory_nor_time() {
    let app = App::start(Data::sqlite());
    let description = "So long that a few answers are all that the kernel holds. ".repeat(150);
    let body = json!({"name": "Long", "capacity": 5, "description": description});
    let event = app.post("/events", &body).json()["id"].as_str().expect("an id").to_owned();
    let request = format!("GET /events/{event} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let bytes = request.repeat(PIPELINED_BYTES / request.len()).into_bytes();
    let (before, _) = usage(app.server.pid());
    let clients: Vec<_> = (0..CONNECTIONS).map(|_| connect_narrow(app.url())).collect();
    let mut most = before;
    let deadline = Instant::now() + WITHIN;
    // Until all buffers are full, and nothing is done any more.
    loop {
        clients.iter().for_each(|client| send_what_is_taken(client, &bytes));
        let (memory, began) = usage(app.server.pid());
        most = most.max(memory);
        thread::sleep(Duration::from_millis(500));
        let (memory, now) = usage(app.server.pid());
        most = most.max(memory);
        // Of the two cores a connection that spins takes one.
        if now - began < Duration::from_millis(100) {
            break;
        }
        assert!(Instant::now() < deadline, "it took {:?} in half a second", now - began);
    }
    let grown = most.saturating_sub(before) / MIB;
    println!("{CONNECTIONS} connections took {grown} MiB");
    assert!(grown < 64, "{CONNECTIONS} connections took {grown} MiB");
    assert_eq!(app.get("/health").status, 200, "others are served");
    drop(clients);
}

/// All of it is answered, in order, to a client that does read.
#[test]
fn pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 500;
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let body = r#"{"user_email":"PERSON@example.org"}"#;
    let mut bytes = Vec::new();
    for number in 0..REQUESTS {
        // With bodies, blank lines in them, and both ways to give their length.
        let id = format!("X-Request-Id: r{number}\r\nHost: localhost\r\n");
        let request = match number % 3 {
            0 => format!("GET /events/{event} HTTP/1.1\r\n{id}\r\n"),
            1 => {
                let body = format!("\n\n\r\n{}", body.replace("PERSON", &format!("p{number}")));
                let length = body.len();
                format!(
                    "POST /events/{event}/register HTTP/1.1\r\n{id}Content-Type: application/json\r\n\
                     Content-Length: {length}\r\n\r\n{body}"
                )
            }
            _ => {
                let body = body.replace("PERSON", &format!("p{number}"));
                let length = body.len();
                format!(
                    "POST /events/{event}/holds HTTP/1.1\r\n{id}Content-Type: application/json\r\n\
                     Transfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
                )
            }
        };
        bytes.extend_from_slice(request.as_bytes());
    }
    let client = connect(app.url());
    let mut reading = client.try_clone().expect("another descriptor");
    let writing = thread::spawn(move || (&client).write_all(&bytes).map(|()| client));
    let mut said = String::new();
    let mut buffer = [0; 16_384];
    while said.matches("\r\nx-request-id: r").count() < REQUESTS {
        let length = read_some(&mut reading, &mut buffer).expect("it answers");
        assert_ne!(length, 0, "it ended after {said}");
        said.push_str(std::str::from_utf8(&buffer[..length]).expect("answers are text"));
    }
    writing.join().expect("no panic").expect("all of it was taken");
    let ids = said.split("\r\nx-request-id: r").skip(1);
    let ids: Vec<usize> =
        ids.map(|rest| rest.split("\r\n").next().expect("an id").parse().expect("ours")).collect();
    assert_eq!(ids, (0..REQUESTS).collect::<Vec<_>>());
    for status in said.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]) {
        assert!(["200", "201", "409"].contains(&status), "{status}");
    }
    assert_eq!(said.matches("HTTP/1.1 201").count(), 5);
}

/// A server that may have no more than `files` files open.
fn start_with_files(files: u32, data: &Data) -> ServerProcess {
    let limited = format!("ulimit -n {files} && exec \"$0\"");
    ServerProcess::start_with_arguments(
        Path::new("/bin/sh"),
        &["-c", &limited, PROGRAM],
        &data.settings(),
    )
}

fn is_served(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 1_024];
    stream.write_all(REQUEST).is_ok()
        && matches!(read_some(stream, &mut buffer), Ok(length) if buffer[..length].starts_with(b"HTTP/1.1 200"))
}

/// A client that holds more connections than there are files for loses the idle ones; no other client is shut out.
#[test]
fn idle_connections_shut_no_client_out() {
    let data = Data::sqlite();
    let server = start_with_files(256, &data);
    let mut silent: Vec<_> = (0..400).map(|_| connect(server.url())).collect();
    let mut used: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect(server.url());
            assert!(is_served(&mut stream), "a new one is served");
            stream
        })
        .collect();
    for path in ["/livez", "/events", "/readyz"] {
        let answer = crate::common::http::send(server.url(), "GET", path, &[], b"");
        assert_eq!(answer.status, 200, "{path}");
    }
    // The connections that were idle for longest are closed, and those that were used last are not.
    assert!(!is_served(&mut silent[0]));
    assert!(is_served(used.last_mut().expect("there are some")));
}

/// Each client by itself: an IPv4 address of another network than this machine's own is not available here, so the
/// limit is set for an untrusted proxy, at an address that this machine has.
#[test]
fn a_client_has_only_so_many_connections() {
    let Some(own) = own_address() else {
        println!("this machine has no address but loopback, so nobody could be a client");
        return;
    };
    let settings = [("BIND", "0.0.0.0"), ("ALLOW_OPEN", "true"), ("CLIENT_CONNECTIONS_MAX", "8")];
    let app = App::start_with(Data::sqlite(), &settings);
    let port = app.url().rsplit(':').next().expect("a port");
    let url = format!("http://{own}:{port}");
    let mut first: Vec<_> = (0..8).map(|_| connect(&url)).collect();
    assert!(first.iter_mut().all(is_served));
    let mut more: Vec<_> = (0..8).map(|_| connect(&url)).collect();
    assert!(more.iter_mut().all(is_served), "the newest are served");
    let left = first.iter_mut().filter_map(|stream| is_served(stream).then_some(())).count();
    assert!(left < 8, "all of the idle ones are still there");
    // This machine itself is not limited.
    let mut own: Vec<_> = (0..20).map(|_| connect(app.url())).collect();
    assert!(own.iter_mut().all(is_served) && own.iter_mut().all(is_served));
}

/// An address of this machine that is not its loopback.
fn own_address() -> Option<std::net::IpAddr> {
    // Connecting a datagram socket sends nothing; it chooses the address to send from.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    let elsewhere: SocketAddr = "192.0.2.1:9".parse().expect("an address");
    socket.connect(elsewhere).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}
