use uuid::Uuid;

/// What a ticket says: this registration has a seat at this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketClaims {
    /// The event that it admits to.
    pub event_id: Uuid,
    /// The registration whose seat it is.
    pub registration_id: Uuid,
    /// Which of the registration's tickets this is. Raised when the seat is transferred, so that the former
    /// holder's ticket is void.
    pub generation: u32,
}
