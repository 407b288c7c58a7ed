//! Receivers, good and bad.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it does with each request.
#[derive(Clone)]
pub(super) enum Manner {
    /// Sends these bytes.
    Answer(Vec<u8>),
    /// Sends these bytes, and closes the connection.
    AnswerAndClose(Vec<u8>),
    /// Closes the connection.
    Close,
    /// Sends nothing.
    Stall,
    /// Sends a header now and then.
    Drip,
    /// Sends a head, and a body without end.
    Endless,
}

/// A status, and no body.
pub(super) fn status(line: &str) -> Manner {
    Manner::Answer(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").into_bytes())
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

pub(super) struct Receiver {
    pub(super) port: u16,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(super) async fn start(manner: Manner) -> Self {
        Self::start_with(manner, None).await
    }

    pub(super) async fn start_with(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let port = listener.local_addr().expect("it has one").port();
        let seen = Arc::new(Seen::default());
        let of_task = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                of_task.connections.fetch_add(1, Ordering::SeqCst);
                let (manner, tls, seen) = (manner.clone(), tls.clone(), Arc::clone(&of_task));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &manner, &seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &manner, &seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks?a=b", self.port)
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().expect("nobody has panicked").clone()
    }

    /// Whether no connection was made, and none is on its way.
    pub(super) async fn was_left_alone(&self) -> bool {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.connections() == 0
    }
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T, manner: &Manner, seen: &Seen) {
    while let Some(request) = read_request(&mut stream).await {
        seen.requests.lock().expect("nobody has panicked").push(request);
        match manner {
            Manner::Answer(answer) => {
                if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Manner::AnswerAndClose(answer) => {
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
                return;
            }
            Manner::Close => return,
            Manner::Stall => pending().await,
            Manner::Drip => {
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    sent = stream.write_all(b"x: y\r\n").await;
                }
                return;
            }
            Manner::Endless => {
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                while sent.is_ok() {
                    sent = stream.write_all(&[b'x'; 1_024]).await;
                }
                return;
            }
        }
    }
}

/// A head and as much of a body as it says.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}
