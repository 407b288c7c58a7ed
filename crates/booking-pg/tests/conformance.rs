//! The PostgreSQL store passes the cases that every store must pass.

mod common;

booking_conformance::suite!(common::PgFixture::new());
