//! The embedded store of Booking: one SQLite file, no server
