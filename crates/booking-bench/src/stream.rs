//! Answers of any length, read as they come: tables of people.

use anyhow::{Context, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The server sends no larger part of an answer.
const CHUNK_BYTES_MAX: usize = 1 << 24;

/// Sends a request on its own connection, and passes on each part of the answer's body.
///
/// # Errors
///
/// If the answer is not a 200 of so many parts, or does not end.
pub(crate) async fn stream(
    address: SocketAddr,
    request: &[u8],
    mut each: impl FnMut(&[u8]),
) -> anyhow::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    stream.write_all(request).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        ensure!(stream.read_line(&mut head).await? > 0, "an answer ended with {head}");
    }
    let is_in_parts = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    ensure!(head.starts_with("HTTP/1.1 200 ") && is_in_parts, "answered {head}");
    let (mut line, mut chunk) = (String::new(), Vec::new());
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let bytes = usize::from_str_radix(line.trim_end(), 16).context("an answer has no end")?;
        ensure!(bytes <= CHUNK_BYTES_MAX, "a part of an answer has {bytes} bytes");
        chunk.resize(bytes + 2, 0);
        stream.read_exact(&mut chunk).await?;
        match bytes {
            0 => return Ok(()),
            _ => each(&chunk[..bytes]),
        }
    }
}
