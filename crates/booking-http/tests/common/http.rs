//! A client over plain sockets: nothing is corrected, added or followed without the test's knowledge.

use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The longest wait for the next bytes of an answer.
const WITHIN: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that is there at most once.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        first.map(|(_, value)| value.as_str())
    }

    /// The parts by which two answers could be distinguished: id and time differ in each, and neither headers nor
    /// the items of a list of names have an order.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        for (_, value) in &mut headers {
            let mut names: Vec<_> = value.split(", ").collect();
            names.sort_unstable();
            *value = names.join(", ");
        }
        headers.sort_unstable();
        (self.status, headers, String::from_utf8_lossy(&self.body).into_owned())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&self.body)),
        }
    }

    /// The code of a problem, after checking that it is complete.
    #[track_caller]
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        let text = |name: &str| {
            problem[name].as_str().unwrap_or_else(|| panic!("no {name}: {problem}")).to_owned()
        };
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(text("error"), text("detail"));
        assert_eq!(text("type"), format!("/problems#{}", text("code")));
        assert_eq!(Some(text("request_id").as_str()), self.header("x-request-id"));
        assert!(!text("title").is_empty() && text("instance").starts_with('/'), "{problem}");
        text("code")
    }

    /// The pointers of a validation problem's errors.
    #[track_caller]
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().expect("there are errors");
        errors.iter().map(|e| e["pointer"].as_str().expect("a pointer").to_owned()).collect()
    }
}

pub fn connect(url: &str) -> TcpStream {
    try_connect(url).expect("the server accepts")
}

fn try_connect(url: &str) -> io::Result<TcpStream> {
    let address = url.strip_prefix("http://").expect("a plain URL");
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(WITHIN))?;
    Ok(stream)
}

/// Sends one request on a connection of its own, as clients do: without `Connection: close`. Its answer has to
/// match the description of the API.
#[track_caller]
pub fn send(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    match try_send(url, method, path, headers, body) {
        Ok(answer) => {
            super::described::check(method, path, &answer);
            answer
        }
        Err(error) => panic!("no answer to {method} {path}: {error}"),
    }
}

/// The same to a server that may be gone, or stop, or be another than the API's.
pub fn try_send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let is_head = method == "HEAD";
    // Extra bytes after an answer are only detected at the end of a connection.
    let connection = if is_head { "Connection: close\r\n" } else { "" };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{connection}");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut stream = try_connect(url)?;
    stream.write_all(head.as_bytes())?;
    // A server that refuses a body early may have closed by now.
    let _ = stream.write_all(body);
    if is_head {
        return try_read_all(stream, true);
    }
    let mut rest = Vec::new();
    let answer = read_next(&mut stream, &mut rest)?;
    let answer = answer.ok_or_else(|| ended_early("no answer, and a clean end"))?;
    if rest.is_empty() { Ok(answer) } else { Err(ended_early("there is more than one answer")) }
}

fn ended_early(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

/// Reads the next answer of a persistent connection, by its length, and leaves the rest in `rest`. `None` if the
/// server has closed, cleanly, before a byte of it.
pub fn read_next(stream: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<Option<Answer>> {
    let mut buffer = [0; 16_384];
    loop {
        if let Some(answer) = take_answer(rest) {
            return Ok(Some(answer));
        }
        match read_some(stream, &mut buffer)? {
            0 if rest.is_empty() => return Ok(None),
            0 => {
                let text = String::from_utf8_lossy(rest);
                return Err(ended_early(&format!("the answer ended early: {text:?}")));
            }
            length => rest.extend_from_slice(&buffer[..length]),
        }
    }
}

/// Parses an answer from the bytes that have arrived, if it is complete.
fn take_answer(bytes: &mut Vec<u8>) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut answer = parse(&bytes[..end + 4], end);
    if answer.header("transfer-encoding") == Some("chunked") {
        let (body, rest) = dechunked(&bytes[end + 4..])?;
        answer.body = body;
        *bytes = rest;
        return Some(answer);
    }
    let length = match answer.status {
        204 | 304 => 0,
        _ => answer.header("content-length").and_then(|length| length.parse().ok())?,
    };
    if bytes.len() < end + 4 + length {
        return None;
    }
    let after = bytes.split_off(end + 4 + length);
    answer.body = bytes.split_off(end + 4);
    *bytes = after;
    Some(answer)
}

/// A chunked body (RFC 9112, section 7.1), if it is complete, and the bytes after it.
fn dechunked(mut bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = std::str::from_utf8(&bytes[..end]).expect("a length is ASCII");
        let length = usize::from_str_radix(length, 16).expect("a length");
        let chunk = bytes.get(end + 2..end + 2 + length)?;
        body.extend_from_slice(chunk);
        let after = bytes.get(end + 2 + length..end + 4 + length)?;
        assert_eq!(after, b"\r\n", "a chunk ends");
        bytes = &bytes[end + 4 + length..];
        if length == 0 {
            return Some((body, bytes.to_vec()));
        }
    }
}

/// Reads until the server closes.
#[track_caller]
pub fn read_all(stream: TcpStream) -> Answer {
    match try_read_all(stream, false) {
        Ok(answer) => answer,
        Err(error) => panic!("no answer: {error}"),
    }
}

/// Reads the bytes that have arrived.
pub fn read_some(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    through_signals(|| stream.read(buffer))
}

/// Waits until the server has sent something, or closed, and leaves it to be read; returns whether it is something.
pub fn has_arrived(stream: &TcpStream) -> io::Result<bool> {
    through_signals(|| stream.peek(&mut [0])).map(|length| length > 0)
}

/// A read with a time limit ends at a signal, as when a browser ends: it is repeated.
fn through_signals(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

fn try_read_all(mut stream: TcpStream, is_head: bool) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        match read_some(&mut stream, &mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            // A reset after the answer: part of the request was never read.
            Err(_) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("no head: {text:?}")));
    };
    let answer = parse(&bytes, end);
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    if !is_head && length.is_some_and(|length: usize| answer.body.len() < length) {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ended early"));
    }
    Ok(answer)
}

#[track_caller]
pub fn parse(bytes: &[u8], end: usize) -> Answer {
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let is_import = head.contains("application/json") && !head.contains("etag");
    let may_be_chunked = head.contains("text/csv") || is_import;
    assert!(!is_chunked || may_be_chunked, "our answers have lengths, but for tables: {head}");
    Answer { status: status.parse().expect("a number"), headers, body: bytes[end + 4..].to_vec() }
}
