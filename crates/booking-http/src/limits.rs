//! How much one client may ask for: writes by rate, seats held at once, and seats of one event.
//!
//! All of it is in this process's memory. Several servers count each for themselves, and a client that reaches them
//! all may do as much more; no seat is sold twice by that, which the store ensures.
//!
//! | to find | look in |
//! | --- | --- |
//! | where a request comes from, behind proxies | `client`, `forwarded` |
//! | how often something may be done | `rate` |
//! | what is refused before it is read | `gate` |
//! | how many seats a client holds | `holds` |
//! | at which events a registration is a hold | `confirming` |
//! | how many seats of an event a client took | `seats` |
//! | the quotas that both count in | `quota` |

mod confirming;
mod gate;
mod holds;
mod quota;
mod rate;
mod seats;

use crate::net::client::TrustedProxies;
pub(crate) use confirming::Confirming;
pub(crate) use gate::{Gate, Peer, gate};
pub(crate) use holds::Holds;
pub(crate) use quota::Permit;
pub use rate::Rate;
pub(crate) use seats::Seats;

use crate::settings::Reader;
use std::num::NonZeroU32;
use std::time::Duration;

/// How long a client waits for a refusal because the queue is full, or because it asks too often. Clients that
/// retry at once would otherwise have the machine spend itself on refusing them.
pub(crate) const REFUSAL_PAUSE: Duration = Duration::from_millis(20);

/// The limits of one client, as they are set.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// The proxies that are trusted to name a request's origin.
    pub trusted_proxies: TrustedProxies,
    /// How often one address may write; `None` for no limit.
    pub client_rate: Option<Rate>,
    /// How often one token may write; `None` for no limit.
    pub token_rate: Option<Rate>,
    /// How many connections one address may have at once; `None` for any number.
    pub client_connections_max: Option<NonZeroU32>,
    /// How many connections of one address may watch events at once; `None` for any number.
    pub client_live_max: Option<NonZeroU32>,
    /// How many seats one address may hold at once; `None` for any number.
    pub client_holds_max: Option<NonZeroU32>,
    /// How many seats may be held for one e-mail address at once; `None` for any number.
    pub email_holds_max: Option<NonZeroU32>,
    /// How many seats of an event one address may take within an hour; `None` for any number.
    pub client_seats_max: Option<NonZeroU32>,
}

/// The highest rate, burst and number of holds that can be set.
const SET_MAX: u64 = 1_000_000;

impl ClientLimits {
    /// Reads its settings.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            trusted_proxies: TrustedProxies::read(reader),
            client_rate: Rate::read(reader, "CLIENT_RATE", "CLIENT_BURST"),
            token_rate: Rate::read(reader, "TOKEN_RATE", "TOKEN_BURST"),
            client_connections_max: number(reader, "CLIENT_CONNECTIONS_MAX"),
            client_live_max: number(reader, "CLIENT_LIVE_MAX"),
            client_holds_max: number(reader, "CLIENT_HOLDS_MAX"),
            email_holds_max: number(reader, "EMAIL_HOLDS_MAX"),
            client_seats_max: number(reader, "CLIENT_SEATS_MAX"),
        }
    }
}

/// A whole number, of which 0 means that there is no limit.
fn number(reader: &mut Reader<'_>, name: &'static str) -> Option<NonZeroU32> {
    let number = reader.within(name, 0, SET_MAX);
    NonZeroU32::new(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
impl ClientLimits {
    /// The limits that `lookup` sets, and the defaults of the others.
    pub(crate) fn of(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut reader = Reader::new(lookup);
        let limits = Self::read(&mut reader);
        assert!(reader.into_errors().is_empty(), "the settings are valid");
        limits
    }
}
