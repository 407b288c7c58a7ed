//! Webhooks by [Standard Webhooks] 1.0.0: a fact becomes a body, the body is signed, and sent to an organizer's
//! endpoint.
//!
//! Nothing here knows a store. Its user calls in this order:
//!
//! | step | by |
//! | --- | --- |
//! | the message of a fact, and its id | [`payload::WebhookMessage`], [`payload::message_id`] |
//! | signing a try | [`signature::sign`] |
//! | sending it, and the outcome | [`client::WebhookClient::send`], [`client::Outcome`] |
//! | when it is retried, and when it is given up | [`schedule`] |
//!
//! Blocked addresses are listed in [`addresses`].
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

pub mod addresses;
pub mod client;
pub mod payload;
pub mod schedule;
pub mod signature;
