//! The pages in real browsers, served by the real server.

#[path = "../common/mod.rs"]
mod common;

mod axe;
mod door;
mod driver;
mod faults;
mod harness;
mod holds;
mod offline;
mod organizer;
mod other_sites;
mod registrations;
mod signing_in;
mod views;
mod waitlist;
