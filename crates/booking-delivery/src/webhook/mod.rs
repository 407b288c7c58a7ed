//! Webhooks, as [Standard Webhooks] 1.0.0 has them: a fact becomes a body, the body is signed, and sent to where
//! an organizer wants to be told.
//!
//! Nothing here knows of a store. Whoever has one asks in this order:
//!
//! | step | by |
//! | --- | --- |
//! | what is told of a fact, under which id | [`payload::WebhookMessage`], [`payload::message_id`] |
//! | how a try is signed | [`signature::sign`] |
//! | sending it, and what became of it | [`client::WebhookClient::send`], [`client::Outcome`] |
//! | when it is tried again, and when no more | [`schedule`] |
//!
//! Where nothing is sent to says [`addresses`].
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

pub mod addresses;
pub mod client;
pub mod payload;
pub mod schedule;
pub mod signature;
