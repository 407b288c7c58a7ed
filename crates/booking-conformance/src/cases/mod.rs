//! The cases. Each gets a fixture of its own, whose database is empty, and panics if the store does
//! not do as it must.

mod check_ins;
mod confirming;
mod corrections;
mod durability;
mod endpoints;
mod erasure;
mod events;
mod former_holders;
mod guard;
mod histories;
mod holds;
mod hours;
mod idempotency;
mod lanes;
mod life;
mod mails;
mod operating;
mod organizers;
mod queue;
mod scopes;
mod seats;
mod spellings;

pub use check_ins::*;
pub use confirming::*;
pub use corrections::*;
pub use durability::*;
pub use endpoints::*;
pub use erasure::*;
pub use events::*;
pub use former_holders::*;
pub use guard::*;
pub use histories::*;
pub use holds::*;
pub use hours::*;
pub use idempotency::*;
pub use lanes::*;
pub use life::*;
pub use mails::*;
pub use operating::*;
pub use organizers::*;
pub use queue::*;
pub use scopes::*;
pub use seats::*;
pub use spellings::*;
