//! A reader of event streams over plain sockets (HTML Standard, section 9.2.6).

use super::described;
use super::http::{self, Answer, read_some};
use serde_json::Value;
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The longest wait for an expected message.
const WITHIN: Duration = Duration::from_secs(60);

/// An item of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Message { event: String, id: String, data: String },
    Retry(u64),
    Comment,
    End,
}

/// A stream that is being read.
#[derive(Debug)]
pub struct Watch {
    stream: TcpStream,
    pub headers: Vec<(String, String)>,
    /// Without chunks, as proxies forward a body that ends with the connection.
    is_chunked: bool,
    raw: Vec<u8>,
    text: Vec<u8>,
    is_over: bool,
}

impl Watch {
    /// Begins to watch; returns the answer if it is not a stream.
    pub fn open(url: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        Self::over(http::connect(url), path, headers)
    }

    /// The same over an existing connection.
    pub fn over(
        mut stream: TcpStream,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Answer> {
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("it is asked");
        let (mut raw, mut buffer) = (Vec::new(), [0; 16_384]);
        let end = loop {
            if let Some(end) = position(&raw, b"\r\n\r\n") {
                break end;
            }
            let length = read_some(&mut stream, &mut buffer).expect("there is an answer");
            assert!(length > 0, "the head ended early: {:?}", String::from_utf8_lossy(&raw));
            raw.extend_from_slice(&buffer[..length]);
        };
        let text = String::from_utf8(raw[..end].to_vec()).expect("a head is ASCII");
        if text.split(' ').nth(1) != Some("200") {
            let answer = http::read_next(&mut stream, &mut raw).expect("it is read");
            let answer = answer.expect("there is one");
            described::check("GET", path, &answer);
            return Err(answer);
        }
        let headers: Vec<_> = text
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let head = Answer { status: 200, headers, body: Vec::new() };
        described::check("GET", path, &head);
        let headers = head.headers;
        let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
        raw.drain(..end + 4);
        let mut watch = Self { stream, headers, is_chunked, raw, text: Vec::new(), is_over: false };
        watch.decode();
        Ok(watch)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The next item, if one arrives within this time.
    pub fn next_within(&mut self, within: Duration) -> Option<Item> {
        let began = Instant::now();
        loop {
            if let Some(item) = self.take_item() {
                return Some(item);
            }
            if self.is_over {
                return Some(Item::End);
            }
            let left = within.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
            self.stream.set_read_timeout(Some(left)).expect("it is open");
            let mut buffer = [0; 16_384];
            match read_some(&mut self.stream, &mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(length) => {
                    self.raw.extend_from_slice(&buffer[..length]);
                    self.decode();
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return None;
                }
                Err(error) => panic!("it did not end cleanly: {error}"),
            }
        }
    }

    /// The same, which has to come.
    #[track_caller]
    pub fn next(&mut self) -> Item {
        self.next_within(WITHIN).expect("something comes")
    }

    /// The next state, which has to come.
    #[track_caller]
    pub fn seats(&mut self) -> Value {
        loop {
            match self.next() {
                Item::Message { event, id, data } => {
                    assert_eq!(event, "seats");
                    let data: Value = serde_json::from_str(&data).expect("it is JSON");
                    assert_eq!(data["version"].to_string(), id);
                    assert_eq!(described::fault_of_seats(&data), None, "{data}");
                    return data;
                }
                Item::Retry(_) | Item::Comment => {}
                Item::End => panic!("the stream has ended"),
            }
        }
    }

    /// The first state that satisfies this, which has to come.
    #[track_caller]
    pub fn until(&mut self, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let seats = self.seats();
            if is_so(&seats) {
                return seats;
            }
            assert!(began.elapsed() < WITHIN, "it never comes; the last is {seats}");
        }
    }

    /// Checks that only comments come for so long.
    #[track_caller]
    pub fn is_silent(&mut self, time: Duration) {
        let began = Instant::now();
        while let Some(left) = time.checked_sub(began.elapsed()) {
            match self.next_within(left) {
                None | Some(Item::Comment | Item::Retry(_)) => {}
                Some(other) => panic!("{other:?}"),
            }
        }
    }

    /// Decodes the chunks of a body.
    fn decode(&mut self) {
        if !self.is_chunked {
            self.text.append(&mut self.raw);
            return;
        }
        while let Some(end) = position(&self.raw, b"\r\n") {
            let length = std::str::from_utf8(&self.raw[..end]).expect("the length of a chunk");
            let length = usize::from_str_radix(length, 16).expect("the length of a chunk");
            if self.raw.len() < end + 2 + length + 2 {
                break;
            }
            self.text.extend_from_slice(&self.raw[end + 2..end + 2 + length]);
            self.raw.drain(..end + 2 + length + 2);
            self.is_over |= length == 0;
        }
    }

    fn take_item(&mut self) -> Option<Item> {
        let end = position(&self.text, b"\n\n")?;
        let block: Vec<u8> = self.text.drain(..end + 2).collect();
        let block = String::from_utf8(block).expect("it is UTF-8");
        let (mut event, mut id, mut data) = (String::new(), String::new(), Vec::new());
        for line in block.lines() {
            match line.split_once(':').map(|(name, value)| (name, value.trim_start())) {
                Some(("", _)) => return Some(Item::Comment),
                Some(("retry", ms)) => return Some(Item::Retry(ms.parse().expect("a number"))),
                Some(("event", value)) => event = value.to_owned(),
                Some(("id", value)) => id = value.to_owned(),
                Some(("data", value)) => data.push(value.to_owned()),
                _ => assert!(line.is_empty(), "an unknown line: {line:?}"),
            }
        }
        Some(Item::Message { event, id, data: data.join("\n") })
    }
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
