//! Connections: how much memory one may use, how many there may be, and when one is closed.
//!
//! actix-web has no timeout for a connection once its first head has arrived, no limit of how many pipelined
//! requests it takes at once, and does not announce that it is about to stop. So its sockets are given to it
//! wrapped in a [`GuardedStream`], which shares a [`Connection`] with the requests that come on it:
//!
//! | rule | where |
//! | --- | --- |
//! | while a request is being answered, or an answer waits to be taken, no other one is read; of what comes at once 16 requests at most are taken | `guarded_stream` |
//! | nothing is answered on it, and its last answer was made long ago: it ends with a reset, as an orderly end would leave the rest of the answer in the kernel's memory | here |
//! | a client has as many as it may, or files run short: the one that is idle for longest ends | here, `counts` |
//! | an answer goes on for hours: its connection is taken from the server, and never idle | `detached_stream` |
//! | the server stops: it ends in order as soon as it is idle, and answers say so | here, `shutdown` |

mod counts;
mod detached_stream;
mod guarded_stream;

pub(crate) use counts::Counts;
pub(crate) use detached_stream::{DetachedStream, GoesOn, hand_over};
pub(crate) use guarded_stream::GuardedStream;

use actix_web::HttpRequest;
use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::rt::net::TcpStream;
use actix_web::rt::{self, time::sleep};
use counts::Counted;
use detached_stream::Handover;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How often connections are checked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while the server stops.
const LOOK_EVERY_STOPPING: Duration = Duration::from_millis(10);
/// How long a connection must have been idle to be closed because the server stops: a request that is on its way is
/// still answered.
const QUIET: Duration = Duration::from_millis(100);

/// The state of a connection. It belongs to the thread that serves it.
pub(crate) struct Connection {
    /// Since when no request is being answered on it and no body arrives; its beginning, if there was no request.
    idle_since: Cell<Instant>,
    /// Whether a request has come on it. Until then the timeout of a first head applies.
    is_used: Cell<bool>,
    /// Whether a request is being answered.
    is_answering: Cell<bool>,
    /// How much of the body of the request that is being answered may still be read.
    body_left: Cell<u64>,
    /// Whether either side has announced that no request comes after the last one.
    is_over: Cell<bool>,
    end: Cell<End>,
    /// Of the task that serves it.
    waker: RefCell<Option<Waker>>,
    /// Whether bytes wait that were not given to the server, or their end.
    has_held: Cell<bool>,
    /// Whether the client has stopped reading.
    is_write_blocked: Cell<bool>,
    /// The new owner of the socket, if its last response is not the server's to finish.
    handover: Cell<Option<Handover>>,
    counted: Counted,
}

/// How a connection is to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not yet.
    None,
    /// Reads as closed by the client, once all that has arrived was read.
    InOrder,
    /// At once, with a reset.
    Reset,
}

thread_local! {
    static CONNECTIONS: RefCell<Vec<Weak<Connection>>> = const { RefCell::new(Vec::new()) };
}

/// Registers a socket from `peer`: counts it, makes room for it if needed, and watches it from now on, so that it
/// is never idle for longer than `idle_max`.
pub(crate) fn accept(
    stream: TcpStream,
    peer: SocketAddr,
    counts: &Arc<Counts>,
    idle_max: Duration,
) -> GuardedStream {
    let counted = counts.count(peer);
    let connection = Rc::new(Connection {
        idle_since: Cell::new(Instant::now()),
        is_used: Cell::new(false),
        is_answering: Cell::new(false),
        body_left: Cell::new(0),
        is_over: Cell::new(false),
        end: Cell::new(End::None),
        waker: RefCell::new(None),
        has_held: Cell::new(false),
        is_write_blocked: Cell::new(false),
        handover: Cell::new(None),
        counted,
    });
    let is_first = CONNECTIONS.with_borrow_mut(|connections| {
        make_room(connections, &connection);
        connections.push(Rc::downgrade(&connection));
        connections.len() == 1
    });
    if is_first {
        rt::spawn(look(idle_max, Arc::clone(counts)));
    }
    GuardedStream::new(stream, connection)
}

/// Attaches a connection to its requests.
pub(crate) fn attach(stream: &GuardedStream, data: &mut Extensions) {
    data.insert(Rc::clone(stream.connection()));
}

/// Closes the connection that has been idle for longest where there is one too many: of the same client, if it has
/// too many, and else of all. Those that still take a response come last. If none is idle the new one is closed,
/// unless all others are those of other threads, which look after their own.
fn make_room(connections: &[Weak<Connection>], new: &Rc<Connection>) {
    let is_of_client = new.counted.is_too_many_of_client();
    if !is_of_client && !new.counted.is_too_many() {
        return;
    }
    let live = connections.iter().filter_map(Weak::upgrade);
    let concerned: Vec<_> = live
        .filter(|connection| !is_of_client || connection.counted.is_of_same_client(&new.counted))
        .filter(|connection| connection.end.get() == End::None)
        .collect();
    let idle = concerned.iter().filter(|connection| connection.waits_for_client());
    let longest = idle
        .min_by_key(|connection| (connection.is_write_blocked.get(), connection.idle_since.get()));
    match longest {
        Some(longest) => longest.end(End::Reset),
        None if concerned.is_empty() => {}
        None => new.end(End::Reset),
    }
}

/// Checks the connections of this thread, for as long as there are any.
async fn look(idle_max: Duration, counts: Arc<Counts>) {
    loop {
        let every = if counts.is_stopping() { LOOK_EVERY_STOPPING } else { LOOK_EVERY };
        tokio::select! {
            () = sleep(every) => {}
            () = counts.stopping(), if !counts.is_stopping() => {}
        }
        let is_stopping = counts.is_stopping();
        let are_any = CONNECTIONS.with_borrow_mut(|connections| {
            connections.retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                if connection.is_idle_for(idle_max) && connection.is_used.get() {
                    connection.end(End::Reset);
                } else if is_stopping && connection.is_idle_for(QUIET) {
                    connection.end(End::InOrder);
                }
                true
            });
            connections.shrink_to(connections.len() * 2);
            !connections.is_empty()
        });
        if !are_any {
            break;
        }
    }
}

impl Connection {
    fn is_idle_for(&self, time: Duration) -> bool {
        !self.is_answering.get() && self.idle_since.get().elapsed() > time
    }

    fn end(&self, end: End) {
        if self.end.get() == End::None || end == End::Reset {
            self.end.set(end);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether the server may have more bytes: those of the body that it is reading, or of another request once it
    /// has answered.
    fn may_read(&self) -> bool {
        self.waits_for_client()
    }

    /// Whether the client has to send next: no request is being answered, or its body is incomplete.
    fn waits_for_client(&self) -> bool {
        !self.is_answering.get() || self.body_left.get() > 0
    }

    /// Records whether the client has stopped reading.
    fn set_write_blocked(&self, is_blocked: bool) {
        if self.is_write_blocked.replace(is_blocked) != is_blocked {
            self.counted.count_blocked(is_blocked);
        }
    }

    /// Counts bytes that the server got.
    fn has_read(&self, bytes: usize) {
        if self.body_left.get() > 0 {
            self.body_left.set(self.body_left.get().saturating_sub(bytes as u64));
            self.idle_since.set(Instant::now());
        }
    }
}

/// A request that is being answered. Its connection is idle from when this is dropped.
pub(crate) struct Answering(Option<Rc<Connection>>);

impl Answering {
    pub(crate) fn begin(request: &ServiceRequest, now: Instant) -> Self {
        let connection = request.request().conn_data::<Rc<Connection>>().cloned();
        if let Some(connection) = &connection {
            connection.is_used.set(true);
            // Another request has come behind one that was to stream: it gets its answer, and that is the end.
            connection.handover.take();
            connection.is_answering.set(true);
            connection.idle_since.set(now);
            // The bodies of safe requests are not read.
            let is_read = !request.method().is_safe();
            connection.body_left.set(if is_read { body_length(request.headers()) } else { 0 });
        }
        Self(connection)
    }

    /// Whether either side has announced that no request comes after the last one. The server reads ahead, and on
    /// reading the next head loses that mark; such a request must not be executed (RFC 9112, section 9.6).
    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.is_over.get())
    }

    /// Marks this request as the last one of its connection.
    pub(crate) fn end_connection(&self) {
        if let Some(connection) = &self.0 {
            connection.is_over.set(true);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.idle_since.set(Instant::now());
            connection.is_answering.set(false);
            if connection.has_held.get() {
                connection.wake();
            }
        }
    }
}

/// Marks the body of a request as read: further bytes on its connection are another request.
pub(crate) fn end_body(request: &HttpRequest) {
    if let Some(connection) = request.conn_data::<Rc<Connection>>() {
        connection.body_left.set(0);
    }
}

/// The longest that a body can be, by its headers.
fn body_length(headers: &HeaderMap) -> u64 {
    if headers.contains_key(TRANSFER_ENCODING) {
        return u64::MAX;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}
