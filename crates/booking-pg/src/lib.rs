//! The PostgreSQL store of Booking: row locks, pooled connections, migrations
