//! One HTTP/1.1 connection, with no more than this benchmark needs: one request at a time, and of each answer its
//! status and its body.

use crate::request::get;
use crate::workload::holds;
use booking_load::link::next_of;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The server sends no answer with a larger head or body.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const BUFFER_BYTES: usize = 4_096;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// Its status.
    pub(crate) status: u16,
    /// Its status line and headers.
    pub(crate) head: &'a [u8],
    /// Its body.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// Whether the request was shed, with a time to retry.
    pub(crate) fn says_overloaded(&self) -> bool {
        holds(self.body, br#""code":"overloaded""#) && holds(self.head, b"retry-after: ")
    }

    /// The path of the next page, from the `Link` of this one.
    pub(crate) fn next_page(&self) -> Option<String> {
        let head = std::str::from_utf8(self.head).ok()?;
        let links = head.lines().filter_map(|line| line.strip_prefix("link: "));
        links.filter_map(next_of).next().map(str::to_owned)
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If nothing listens there.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a GET for a path.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange) does.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer<'_>> {
        // The server shows no attendees to a client that uses another `Host` than its own.
        let host = self.stream.peer_addr()?.to_string();
        self.exchange(get(&host, path).as_bytes()).await
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// If the connection ends first, or the answer is not in this server's format.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let mut head = None;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            let count = self.stream.read(&mut self.buffer[filled..]).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += count;
            if head.is_none() {
                head = parse_head(&self.buffer[..filled])?;
            }
            match head {
                Some(Head { status, body_at, end }) if filled >= end => {
                    let (head, body) = self.buffer[..end].split_at(body_at);
                    return Ok(Answer { status, head, body });
                }
                _ if filled > ANSWER_BYTES_MAX => return Err(malformed("it has no end")),
                _ => {}
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    body_at: usize,
    end: usize,
}

/// `None` while the head is incomplete.
fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(length) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &bytes[..length];
    let status = head.get(9..12).and_then(number).ok_or_else(|| malformed("it has no status"))?;
    let body_bytes = head
        .split(|byte| *byte == b'\n')
        .find_map(content_length)
        .ok_or_else(|| malformed("it does not tell its length"))?;
    let body_at = length + 4;
    let status = u16::try_from(status).map_err(|_| malformed("its status is no status"))?;
    Ok(Some(Head { status, body_at, end: body_at + body_bytes }))
}

fn content_length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    name.eq_ignore_ascii_case(NAME).then(|| number(value.trim_ascii()))?
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("an answer that we do not read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_once_it_is_complete() {
        let bytes = b"HTTP/1.1 201 Created\r\nServer: x\r\nContent-Length:  5\r\n\r\nhello";
        let head = parse_head(bytes).expect("it is well formed").expect("it is whole");
        assert_eq!(head, Head { status: 201, body_at: bytes.len() - 5, end: bytes.len() });
        assert_eq!(parse_head(&bytes[..30]).expect("so far it is"), None);
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse_head(b"SMTP\r\n\r\n").is_err());
    }
}
