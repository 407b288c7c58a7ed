//! Load generator and verifier for any server that speaks the API of Booking
