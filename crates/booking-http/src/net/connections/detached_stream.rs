//! A socket that the server has handed over while its response continues.
//!
//! While it serves a connection, actix-web holds a buffer of 8 KiB for each direction, a task, and the request. A
//! response that lasts for hours needs none of it. So a handler responds with a head alone, of a body that ends
//! with the connection, and names the writer of the body: once the head is written, that one gets the socket.

use super::Connection;
use actix_web::HttpRequest;
use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use socket2::SockRef;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
#[cfg(target_os = "linux")]
use std::time::Duration;

/// Takes over the socket of a connection whose response's head is written.
pub(super) type Handover = Box<dyn FnOnce(DetachedStream)>;

/// How much written data the kernel buffers while the client does not read, as far as Linux minds: it doubles this,
/// and counts its own overhead of each piece.
const SEND_BUFFER_BYTES: usize = 8 * 1_024;

/// How long written data may stay unacknowledged. A client that vanished, as a phone that has lost its network,
/// sends nothing and reads nothing; and what little is written fits into the kernel's memory for hours.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(60);

/// A socket, and the count of its connection, which is held for as long as this lives. It is never idle: its owner
/// closes it.
pub(crate) struct DetachedStream {
    stream: TcpStream,
    _connection: Rc<Connection>,
}

impl DetachedStream {
    pub(super) fn new(stream: TcpStream, connection: Rc<Connection>) -> Self {
        connection.is_answering.set(true);
        connection.body_left.set(0);
        connection.set_write_blocked(false);
        // Else the task that served it would stay in memory.
        connection.waker.take();
        // Each piece is complete, so Nagle's algorithm would only delay it.
        let _ = stream.set_nodelay(true);
        // Unread data must not fill the kernel's memory. Without this it is only more.
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        // Elsewhere the kernel gives up by itself, after a quarter of an hour or so.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN));
        Self { stream, _connection: connection }
    }

    /// Waits until the socket is writable.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Writes as much of `bytes` as the kernel takes now, and returns how much that is.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Waits until the client sends something, or has gone.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads and discards what the client sends; returns how much it was.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) fn discard_some(&self) -> io::Result<usize> {
        let mut buffer = [0; 512];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            read => read,
        }
    }
}

/// Hands the socket of a request to `handover`, once the head of its response is written. That has to be the last
/// response of its connection, and [`GoesOn`] its body. Returns whether there is a connection.
pub(crate) fn hand_over(
    request: &HttpRequest,
    handover: impl FnOnce(DetachedStream) + 'static,
) -> bool {
    let connection = request.conn_data::<Rc<Connection>>();
    if let Some(connection) = connection {
        connection.handover.set(Some(Box::new(handover)));
    }
    connection.is_some()
}

/// A body of unknown length of which the server writes nothing.
pub(crate) struct GoesOn;

impl MessageBody for GoesOn {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::net::client::TrustedProxies;
    use crate::net::connections::{Counts, accept};
    use std::cell::RefCell;
    use std::net::TcpListener;
    use std::sync::Arc;
    use tokio::io::AsyncWriteExt;

    #[actix_web::test]
    async fn the_kernel_closes_a_connection_whose_client_vanished() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let _client = std::net::TcpStream::connect(address).expect("it is listened on");
        let (stream, peer) = listener.accept().expect("it is connected");
        stream.set_nonblocking(true).expect("it can be set");
        let stream = TcpStream::from_std(stream).expect("it is a socket");
        let counts = Arc::new(Counts::new(TrustedProxies::default(), None, 1_024, 0));
        let mut guarded = accept(stream, peer, &counts, Duration::from_secs(60));

        let handed_over = Rc::new(RefCell::new(None));
        let taker = Rc::clone(&handed_over);
        let handover: Handover = Box::new(move |detached: DetachedStream| {
            *taker.borrow_mut() = Some(detached);
        });
        guarded.connection().handover.set(Some(handover));
        guarded.shutdown().await.expect("it is handed over");
        let detached = handed_over.take().expect("it is handed over");
        let timeout = SockRef::from(&detached.stream).tcp_user_timeout().expect("it can be read");
        assert_eq!(timeout, Some(ACKNOWLEDGED_WITHIN));
    }
}
