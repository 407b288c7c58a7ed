//! Ends connections whose clients keep them for nothing.
//!
//! actix-web ends those that never ask for anything, or that say nothing after an answer. It does not
//! look at time once the first head has arrived and bytes move, or cannot move: a second head that drips,
//! and an answer that nobody takes, are waited for without end. So here is one rule for all of them: a
//! connection on which nothing is being answered, and whose last answer was made long ago, is ended. A
//! long answer has to be taken within the same time; all of ours are made at once.
//!
//! Of a connection we see its socket, and when requests on it begin and end. Who is past their time gets
//! a reset, as an orderly end would leave the rest of the answer in the kernel's memory.

use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::rt::net::TcpStream;
use actix_web::rt::{self, time::sleep};
use socket2::{SockRef, Socket};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::Shutdown;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// How often connections are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of a connection. It belongs to the thread that serves it.
struct Connection {
    /// Another descriptor of its socket, which goes when the connection does.
    socket: Socket,
    /// Since when nothing is being answered on it; not before its first request, which has a time of its
    /// own.
    idle_since: Cell<Option<Instant>>,
    /// Whether either side has said that no request comes after the last one.
    is_over: Cell<bool>,
}

thread_local! {
    static CONNECTIONS: RefCell<Vec<Weak<Connection>>> = const { RefCell::new(Vec::new()) };
}

/// Watches each connection that is given to it: none may be idle for longer than `idle_max`.
pub(crate) fn watch(idle_max: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Clone {
    move |stream, data| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        // Without another descriptor to be had there are other worries.
        let Ok(socket) = SockRef::from(stream).try_clone() else { return };
        let connection =
            Rc::new(Connection { socket, idle_since: Cell::new(None), is_over: Cell::new(false) });
        let is_first = CONNECTIONS.with_borrow_mut(|connections| {
            connections.push(Rc::downgrade(&connection));
            connections.len() == 1
        });
        data.insert(connection);
        if is_first {
            rt::spawn(look(idle_max));
        }
    }
}

/// Looks at the connections of this thread, for as long as there are any.
async fn look(idle_max: Duration) {
    loop {
        sleep(LOOK_EVERY).await;
        let are_any = CONNECTIONS.with_borrow_mut(|connections| {
            connections.retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                connection.end_if_idle_for(idle_max);
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
    fn end_if_idle_for(&self, idle_max: Duration) {
        if self.idle_since.get().is_some_and(|since| since.elapsed() > idle_max) {
            // It may have ended already.
            let _ = self.socket.set_linger(Some(Duration::ZERO));
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}

/// A request that is being answered. Its connection is idle from when this is dropped.
pub(crate) struct Answering(Option<Rc<Connection>>);

impl Answering {
    pub(crate) fn begin(request: &ServiceRequest) -> Self {
        let connection = request.request().conn_data::<Rc<Connection>>().cloned();
        if let Some(connection) = &connection {
            connection.idle_since.set(None);
        }
        Self(connection)
    }

    /// Whether either side has said that no request comes after the last one. The server reads ahead, and
    /// forgets on reading the next head that this was to be the end; such a request must not be done
    /// (RFC 9112, section 9.6).
    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.is_over.get())
    }

    /// Takes this request for the last one of its connection.
    pub(crate) fn end_connection(&self) {
        if let Some(connection) = &self.0 {
            connection.is_over.set(true);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.idle_since.set(Some(Instant::now()));
        }
    }
}
