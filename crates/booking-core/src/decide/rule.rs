/// A rule that a test leaves out, to check that its absence is caught: the negative controls.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// No newcomer gets a seat while an attendee waits.
    QueueFirst,
    /// An expired hold counts for nothing.
    Expiry,
    /// An organizer manages only its own events.
    Ownership,
    /// A finished event gives out no seats.
    EventEnd,
    /// Where addresses are confirmed, only the owner of an address learns of its registration or gets a seat by it.
    AddressConfirmed,
}
