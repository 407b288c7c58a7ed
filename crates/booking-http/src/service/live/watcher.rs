//! A watcher: its next message, and the writing of it.

use super::{Watching, retry};
use crate::api::live::{COMMENT, opening};
use crate::auth::callers::StreamAuth;
use crate::auth::token_cache::TokenCache;
use crate::net::connections::DetachedStream;
use crate::telemetry::metrics::Metrics;
use actix_web::web::{Bytes, Data};
use booking_core::Version;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The longest silence on a stream. Proxies close silent connections after a minute, and many after less; and a
/// client that vanished is only noticed by writing.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long a client may take to read what it is sent.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// The most bytes that a client may send on a stream.
const SENT_MAX: usize = 16 * 1_024;

/// A client that watches, for as long as its caller may.
pub(crate) struct Watcher {
    pub(crate) watching: Watching,
    pub(crate) auth: StreamAuth,
    pub(crate) tokens: Data<TokenCache>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Message(Bytes),
    Nothing,
    /// It may not watch any more.
    End,
}

impl Watcher {
    /// Writes states of its events to a client, until either is gone.
    pub(crate) async fn write_to(mut self, stream: DetachedStream) {
        let bell = Arc::clone(&self.watching.bell);
        let mut unsent = opening(retry());
        let mut sent_by_client = 0;
        let mut timer = pin!(sleep(TAKEN_WITHIN));
        loop {
            if self.watching.place.live.is_ended() {
                return;
            }
            if unsent.is_empty() {
                match self.next() {
                    Next::Message(message) => {
                        self.metrics.live_message();
                        unsent = message;
                        timer.as_mut().reset(Instant::now() + TAKEN_WITHIN);
                    }
                    Next::Nothing => {}
                    Next::End => return,
                }
            }
            tokio::select! {
                is_writable = stream.writable(), if !unsent.is_empty() => {
                    let Ok(written) = is_writable.and_then(|()| stream.write_some(&unsent)) else {
                        return;
                    };
                    unsent = unsent.slice(written..);
                    if unsent.is_empty() {
                        timer.as_mut().reset(Instant::now() + SILENCE_MAX);
                    }
                }
                is_readable = stream.readable() => {
                    let Ok(sent) = is_readable.and_then(|()| stream.discard_some()) else { return };
                    sent_by_client += sent;
                    if sent_by_client > SENT_MAX {
                        return;
                    }
                }
                () = bell.notified() => {}
                () = timer.as_mut() => {
                    if !unsent.is_empty() || !self.may_watch() {
                        return;
                    }
                    unsent = Bytes::from_static(COMMENT);
                    timer.as_mut().reset(Instant::now() + TAKEN_WITHIN);
                }
            }
        }
    }

    /// Whether the caller may still see all events that it watches, as far as that is known.
    fn may_watch(&self) -> bool {
        let Some(caller) = self.auth.caller(&self.tokens) else { return false };
        self.watching.seats.iter().all(|seat| {
            let newest = seat.room.newer_than(0).and_then(|newest| newest.availability);
            newest.is_some_and(|newest| caller.sees(newest.organizer_id, newest.status))
        })
    }

    /// The newest state of one of the events, if it was not sent yet.
    fn next(&mut self) -> Next {
        let Some(caller) = self.auth.caller(&self.tokens) else { return Next::End };
        let watching = &mut self.watching;
        let count = watching.seats.len();
        for place in 0..count {
            let place = (watching.next + place) % count;
            let seat = &mut watching.seats[place];
            let Some(newest) = seat.room.newer_than(seat.round) else { continue };
            let Some(now) = newest.availability else { return Next::End };
            if !caller.sees(now.organizer_id, now.status) {
                return Next::End;
            }
            let is_first = std::mem::replace(&mut seat.round, newest.round) == 0;
            // A state that time alone has changed has the version of the one before.
            let is_known = |since: Version| now.is_settled && now.version <= since;
            if seat.since.is_some_and(|since| is_known(since) && (is_first || now.version == since))
            {
                continue;
            }
            seat.since = None;
            watching.next = (place + 1) % count;
            return Next::Message(newest.message);
        }
        Next::Nothing
    }
}
