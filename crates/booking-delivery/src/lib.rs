//! Carries what was decided to people and programs: mail and webhooks, in each event's order, at least once.

pub mod webhook;
