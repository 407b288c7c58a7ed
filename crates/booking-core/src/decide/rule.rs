/// A rule that a test leaves out, to see that it is missed: the negative controls.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nobody gets a seat while somebody waits.
    QueueFirst,
    /// What has run out counts for nothing.
    Expiry,
    /// An organizer manages its own events alone.
    Ownership,
    /// An event that is over gives nothing out.
    EventEnd,
    /// Where addresses are confirmed, nobody but whoever has one hears of it or has a seat by it.
    AddressConfirmed,
}
