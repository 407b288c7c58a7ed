//! Throwaway PostgreSQL clusters and other helpers for the tests of Booking
