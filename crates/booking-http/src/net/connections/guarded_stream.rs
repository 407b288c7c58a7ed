//! The socket as the server reads it.

use super::{Connection, DetachedStream, End};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Sleep, sleep};
use socket2::SockRef;
use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most pipelined requests that are taken at once.
const PIPELINED_MAX: usize = 16;
/// The shortest request: a method, a path, the version, and an empty line.
const REQUEST_BYTES_MIN: usize = b"GET / HTTP/1.1\r\n\r\n".len();
/// The most bytes that are buffered here while they may not be read: what a socket gives at once.
const HELD_MAX: usize = 8 * 1024;
/// How long to wait for the client after the end was sent, so that data which it still sends does not reset what it
/// has been sent.
const LINGER: Duration = Duration::from_secs(1);
/// The same while the server stops.
const LINGER_STOPPING: Duration = Duration::from_millis(300);

/// A socket that gives the server no more requests than it may have in memory.
///
/// The server reads until a read returns pending, parses every request that it has read, and answers one after the
/// other. So reads return pending after each piece, and until all requests are answered; bytes are buffered here as
/// long. A piece ends with the sixteenth empty line, which a head ends with. One in a body counts as well: then a
/// piece is shorter than it could be.
pub(crate) struct GuardedStream {
    /// The socket itself, until it is handed over.
    stream: Option<TcpStream>,
    connection: Rc<Connection>,
    held: Vec<u8>,
    /// Whether the last read returned bytes and not pending.
    has_given: bool,
    /// Whether the client sends nothing any more.
    is_at_end: bool,
    /// Since the end was sent to the client.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl GuardedStream {
    pub(super) fn new(stream: TcpStream, connection: Rc<Connection>) -> Self {
        Self {
            stream: Some(stream),
            connection,
            held: Vec::new(),
            has_given: false,
            is_at_end: false,
            lingering: None,
        }
    }

    pub(super) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn may_give(&self) -> bool {
        !self.connection.is_write_blocked.get() && self.connection.may_read()
    }

    /// Stores the waker of the task that serves this, for the code that closes the connection or has answered.
    fn store_waker(&self, context: &Context<'_>) {
        let mut waker = self.connection.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|stored| stored.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }

    fn check_reset(&self) -> io::Result<()> {
        match self.connection.end.get() {
            End::Reset => Err(io::ErrorKind::ConnectionAborted.into()),
            End::None | End::InOrder => Ok(()),
        }
    }

    /// Gives the server a piece: of the buffered bytes, or else of the socket.
    fn give(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.held.is_empty() {
            ready!(self.socket()?.poll_read(context, buffer))?;
            self.is_at_end = buffer.filled().len() == before;
        } else {
            let some = self.held.len().min(buffer.remaining());
            let piece = piece(&self.held[..some]);
            buffer.put_slice(&self.held[..piece]);
            self.held.drain(..piece);
        }
        let read = &buffer.filled()[before..];
        let piece = piece(read);
        if piece < read.len() {
            self.held.splice(..0, read[piece..].iter().copied());
            buffer.set_filled(before + piece);
        }
        self.connection.has_read(piece);
        self.has_given = true;
        self.note_held();
        Poll::Ready(Ok(()))
    }

    /// Buffers what arrives, as far as there is room, while it may not be given. That also detects a client that is
    /// gone.
    fn hold(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.held.len() < HELD_MAX && !self.is_at_end {
            let mut space = [MaybeUninit::uninit(); 2 * 1024];
            let mut buffer = ReadBuf::uninit(&mut space);
            match self.socket()?.poll_read(context, &mut buffer)? {
                Poll::Ready(()) => {
                    self.is_at_end = buffer.filled().is_empty();
                    self.held.extend_from_slice(buffer.filled());
                }
                Poll::Pending => break,
            }
        }
        self.note_held();
        Ok(())
    }

    fn note_held(&mut self) {
        if self.held.is_empty() && self.held.capacity() > 0 {
            self.held = Vec::new();
        }
        self.connection.has_held.set(!self.held.is_empty() || self.is_at_end);
    }
}

/// How much of `bytes` has at most [`PIPELINED_MAX`] requests.
fn piece(bytes: &[u8]) -> usize {
    if bytes.len() <= PIPELINED_MAX * REQUEST_BYTES_MIN {
        return bytes.len();
    }
    let (mut heads, mut line) = (0, 0);
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        // Servers accept a line feed alone as the end of a line, too.
        let is_empty = matches!(&bytes[line..at], [] | [b'\r']);
        line = at + 1;
        heads += usize::from(is_empty);
        if heads == PIPELINED_MAX {
            return line;
        }
    }
    bytes.len()
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.store_waker(context);
        this.check_reset()?;
        if this.may_give() && !this.has_given {
            let given = this.give(context, buffer);
            // Only with nothing left to read is this the end.
            return match given {
                Poll::Pending if this.connection.end.get() == End::InOrder => Poll::Ready(Ok(())),
                given => given,
            };
        }
        this.has_given = false;
        this.hold(context)?;
        // Not before all requests are answered, or a body turns out to be cut off: the server would drop what it
        // has not parsed yet.
        if this.is_at_end && this.held.is_empty() && this.connection.may_read() {
            return Poll::Ready(Ok(()));
        }
        if !this.held.is_empty() && this.may_give() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.store_waker(context);
        this.check_reset()?;
        let written = this.socket()?.poll_write(context, bytes);
        let was_blocked = this.connection.is_write_blocked.get();
        this.connection.set_write_blocked(written.is_pending());
        let is_asked_for =
            this.connection.has_held.get() || this.connection.end.get() == End::InOrder;
        if was_blocked && written.is_ready() && is_asked_for {
            context.waker().wake_by_ref();
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_flush(context)
    }

    /// Closes the connection in order: sends the end, and waits for the client to have read everything. But a
    /// handover gets the socket now: by this time the head of its response is written.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_reset()?;
        if let Some(handover) = this.connection.handover.take()
            && let Some(stream) = this.stream.take()
        {
            handover(DetachedStream::new(stream, Rc::clone(&this.connection)));
        }
        let Some(stream) = &mut this.stream else { return Poll::Ready(Ok(())) };
        if this.lingering.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let time = if this.connection.counted.is_stopping() { LINGER_STOPPING } else { LINGER };
        let lingering = this.lingering.get_or_insert_with(|| Box::pin(sleep(time)));
        loop {
            let mut space = [0; 2 * 1024];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        lingering.as_mut().poll(context).map(Ok)
    }
}

impl Drop for GuardedStream {
    fn drop(&mut self) {
        self.connection.set_write_blocked(false);
        if let Some(stream) = &self.stream
            && self.connection.end.get() == End::Reset
        {
            // It may have ended already.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn a_piece_has_sixteen_requests_at_most() {
        assert_eq!(piece(REQUEST), REQUEST.len());
        let few = REQUEST.repeat(PIPELINED_MAX);
        assert_eq!(piece(&few), few.len());
        let many = REQUEST.repeat(100);
        assert_eq!(piece(&many), few.len());
        let bare = b"GET / HTTP/1.1\nHost: a\n\n".repeat(100);
        assert_eq!(piece(&bare), bare.len() / 100 * PIPELINED_MAX);
        // An incomplete one stays in one piece.
        let cut = &many[..few.len() - 1];
        assert_eq!(piece(cut), cut.len());
        assert_eq!(piece(&[b'x'; 10_000]), 10_000);
    }
}
