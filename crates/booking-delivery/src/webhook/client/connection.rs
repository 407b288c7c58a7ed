//! One connection to a receiver, over which one message goes at a time.

use super::outcome::Reason;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// The longest head of an answer, in bytes.
pub(super) const ANSWER_HEAD_BYTES_MAX: usize = 16 * 1024;

/// How much of an answer's body is read and discarded, in bytes: a connection can be reused only once nothing of an
/// answer is left in it.
pub(super) const ANSWER_BODY_BYTES_MAX: usize = 16 * 1024;

/// How long that may take.
const ANSWER_BODY_WITHIN: Duration = Duration::from_millis(250);

pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Connection {
    /// Speaks HTTP/1.1 over `io`.
    pub(super) async fn over<T>(io: T) -> Result<Self, Reason>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = http1::Builder::new()
            .max_buf_size(ANSWER_HEAD_BYTES_MAX)
            .max_header_size(ANSWER_HEAD_BYTES_MAX)
            .handshake(TokioIo::new(io));
        let (sender, connection) = handshake.await.map_err(|error| Reason::of(&error))?;
        // The sender of the request gets its error, too.
        let driving = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver: driving.abort_handle() })
    }

    /// Whether the receiver has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request, and waits for the response head.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }
}

/// Stops the connection's task once its user has given up.
impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Reads the rest of an answer, and returns whether all of it was read.
pub(super) async fn drain(mut body: Incoming) -> bool {
    let read = async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > ANSWER_BODY_BYTES_MAX {
                return false;
            }
        }
        true
    };
    timeout(ANSWER_BODY_WITHIN, read).await.unwrap_or(false)
}
