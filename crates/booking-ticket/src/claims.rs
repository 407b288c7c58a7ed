use uuid::Uuid;

/// What a ticket says: this registration has a seat at this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketClaims {
    /// The event that it lets in to.
    pub event_id: Uuid,
    /// The registration whose seat it is.
    pub registration_id: Uuid,
    /// Which of the registration's tickets this is. Raised when the seat is passed on, so that the
    /// ticket of its owner before is out of date.
    pub generation: u32,
}
