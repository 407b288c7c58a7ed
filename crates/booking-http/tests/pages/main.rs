//! The pages in real browsers, served by the real server.

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod attendee;
mod axe;
mod check_in;
mod corrections;
mod desk;
mod docs;
mod driver;
mod faults;
mod harness;
mod holds;
mod keyboard;
mod languages;
mod limits;
mod offline;
mod organizer;
mod other_sites;
mod over;
mod registrations;
mod signing_in;
mod views;
mod waitlist;
